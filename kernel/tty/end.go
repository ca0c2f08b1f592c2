package tty

import (
	"context"

	"github.com/sbxrun/sbx/abi/linux"
)

// End is one open description of a side of a terminal. Its methods are safe for
// concurrent use; it is not reference counted, the file description above it is.
type End struct {
	t      *TTY
	master bool
	gen    uint32
	closed bool
}

// Master returns the master side that New opened. There is one; every call
// returns a view of it, and closing any of them closes it.
func (t *TTY) Master() *End { return &End{t: t, master: true} }

// OpenSlave opens the slave side: EIO when it is locked or the master is closed,
// EBUSY when TIOCEXCL is set and the caller is not privileged.
func (t *TTY) OpenSlave(c Caller) (*End, error) {
	t.mu.Lock()
	defer t.unlock()
	if t.hungUp || t.locked {
		return nil, linux.EIO
	}
	if t.exclusive && c != nil && !c.Privileged() {
		return nil, linux.EBUSY
	}
	t.slaveOpen++
	t.slaveGone = false
	t.wakes.master = true
	return &End{t: t, gen: t.gen}, nil
}

// TTY returns the pair that e belongs to.
func (e *End) TTY() *TTY { return e.t }

// IsMaster tells the master side from the slave side.
func (e *End) IsMaster() bool { return e.master }

// OnClose has fn called once, without locks, after the master was closed.
func (t *TTY) OnClose(fn func()) {
	t.mu.Lock()
	t.onClose = append(t.onClose, fn)
	t.mu.Unlock()
}

// Close ends the description. The last close of the slave gives the master EIO
// once it has read everything, until the slave is opened again; what was typed
// waits for that. Closing the master hangs the slave up.
func (e *End) Close() error {
	t := e.t
	t.mu.Lock()
	defer t.unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	if e.master {
		t.closeMaster()
		return nil
	}
	t.slaveOpen--
	if t.slaveOpen == 0 {
		t.lastSlaveClose()
	}
	return nil
}

func (t *TTY) lastSlaveClose() {
	t.slaveGone = true
	t.exclusive = false
	t.wakes.master = true
}

func (t *TTY) closeMaster() {
	if t.hungUp {
		return
	}
	t.hungUp = true
	t.masterOpen = 0
	t.in.truncate(0)
	t.out.truncate(0)
	t.hangup(false)
	t.events = append(t.events, t.onClose...)
	t.onClose = nil
	t.wakes = wakeSet{true, true}
}

// dead tells that e was hung up: reads give end of file, all else EIO.
func (e *End) dead() bool {
	if e.master {
		return e.t.hungUp
	}
	return e.gen != e.t.gen || e.closed
}

// Readiness returns the POLL* bits that hold now, as poll(2) reports them.
func (e *End) Readiness() uint32 {
	t := e.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.master {
		return t.masterReadiness()
	}
	if e.dead() {
		return linux.POLLIN | linux.POLLOUT | linux.POLLERR | linux.POLLHUP | linux.POLLRDNORM | linux.POLLWRNORM
	}
	var m uint32
	if t.d.available(t, true) {
		m |= linux.POLLIN | linux.POLLRDNORM
	}
	if !t.flow.stopped && t.out.space() > 0 {
		m |= linux.POLLOUT | linux.POLLWRNORM
	}
	return m
}

func (t *TTY) masterReadiness() uint32 {
	var m uint32
	if t.out.n > 0 {
		m |= linux.POLLIN | linux.POLLRDNORM
	}
	if t.packet && t.pktStatus != 0 {
		m |= linux.POLLPRI | linux.POLLIN | linux.POLLRDNORM
	}
	if t.slaveGone || t.hungUp {
		m |= linux.POLLHUP
	}
	if !t.masterFlow.stopped && t.in.space() > 0 {
		m |= linux.POLLOUT | linux.POLLWRNORM
	}
	return m
}

// ReadContext is Read that ctx interrupts with EINTR.
func (e *End) ReadContext(ctx context.Context, c Caller, p []byte) (int, error) {
	return e.Read(c, p, ContextWait(ctx))
}

// WriteContext is Write that ctx interrupts with EINTR.
func (e *End) WriteContext(ctx context.Context, c Caller, p []byte) (int, error) {
	return e.Write(c, p, ContextWait(ctx))
}

// ReadNB is Read that never blocks: EAGAIN when there is nothing to read.
func (e *End) ReadNB(c Caller, p []byte) (int, error) { return e.Read(c, p, nil) }

// WriteNB is Write that never blocks: EAGAIN when nothing fits.
func (e *End) WriteNB(c Caller, p []byte) (int, error) { return e.Write(c, p, nil) }
