package tty

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// Read reads as read(2) on a terminal does, n_tty: a line at most in canonical
// mode, VMIN and VTIME otherwise; 0 is the end of file. A background process
// of the terminal's session is stopped with SIGTTIN and gets ERESTART (to try
// again when it is continued) or EIO.
func (e *End) Read(c Caller, p []byte, wait WaitFunc) (int, error) {
	if e.master {
		return e.block(wait, func(bool) (int, time.Duration, error) {
			n, err := e.t.masterRead(p)
			return n, -1, err
		})
	}
	if err := e.jobControl(c, linux.SIGTTIN); err != nil {
		return 0, err
	}
	r := reader{e: e, p: p, nonblock: wait == nil}
	return e.block(wait, r.try)
}

// reader is one read of the slave.
type reader struct {
	e        *End
	p        []byte
	n        int
	nonblock bool
}

// try reads what is there; EAGAIN with how long to wait for more.
func (r *reader) try(timedOut bool) (int, time.Duration, error) {
	t := r.e.t
	t.mu.Lock()
	defer t.unlock()
	if r.e.dead() || len(r.p) == 0 {
		return r.n, 0, nil
	}
	if t.d.canon && t.term.Lflag&linux.EXTPROC == 0 {
		if t.d.line == t.d.tail {
			return r.n, -1, linux.EAGAIN
		}
		r.n += t.d.readLine(r.p[r.n:])
		t.refill()
		return r.n, 0, nil
	}
	return r.tryRaw(t, timedOut)
}

func (r *reader) tryRaw(t *TTY, timedOut bool) (int, time.Duration, error) {
	vmin, vtime := int(t.term.Cc[linux.VMIN]), time.Duration(t.term.Cc[linux.VTIME])*100*time.Millisecond
	for r.n < len(r.p) && t.d.head != t.d.tail {
		r.n += t.d.readRaw(t, r.p[r.n:])
		t.refill()
	}
	switch {
	case r.n >= max(1, min(vmin, len(r.p))), timedOut, vmin == 0 && vtime == 0 && !r.nonblock:
		return r.n, 0, nil
	case r.nonblock && r.n > 0:
		return r.n, 0, nil
	case vmin == 0 && vtime != 0, r.n > 0 && vtime != 0:
		return r.n, vtime, linux.EAGAIN
	case r.nonblock && vmin == 0 && vtime == 0:
		return 0, 0, nil
	}
	return r.n, -1, linux.EAGAIN
}

// readRaw copies input as it is.
func (d *disc) readRaw(t *TTY, p []byte) int {
	start := d.tail & bufMask
	n := copy(p, d.buf[start:min(start+(d.head-d.tail), bufSize)])
	d.tail += uint32(n)
	if d.canon && n == 1 && d.head == d.tail && p[0] == t.term.Cc[linux.VEOF] {
		return 0 // EXTPROC: the other end has sent an end of file
	}
	return n
}

// readLine copies at most one line. The mark that VEOF left ends it without
// being part of it, also when p is full just before.
func (d *disc) readLine(p []byte) int {
	n := 0
	for n < len(p) && d.tail != d.line {
		c, end := d.at(d.tail), d.isEnd(d.tail)
		d.clearEnd(d.tail)
		d.tail++
		if end && c == disabled {
			return n
		}
		p[n] = c
		n++
		if end {
			d.push = false
			return n
		}
	}
	if d.tail != d.line && d.isEnd(d.tail) && d.at(d.tail) == disabled {
		d.clearEnd(d.tail)
		d.tail++
	}
	return n
}

// refill lets more input through after a read made room.
func (t *TTY) refill() {
	if t.in.n > 0 {
		t.pump()
	}
}

// masterRead gives what the slave wrote; in packet mode after a byte that says
// that it is data, or just the byte that says what happened.
func (t *TTY) masterRead(p []byte) (int, error) {
	t.mu.Lock()
	defer t.unlock()
	if t.hungUp {
		return 0, linux.EIO
	}
	if len(p) == 0 {
		return 0, nil
	}
	if t.packet && t.pktStatus != 0 {
		p[0], t.pktStatus = t.pktStatus, 0
		return 1, nil
	}
	if t.out.n == 0 {
		if t.slaveGone {
			return 0, linux.EIO
		}
		return 0, linux.EAGAIN
	}
	n := 0
	if t.packet {
		p[0], n = TIOCPKT_DATA, 1
	}
	n += t.out.take(p[n:])
	t.wakes.slave = true
	if t.d.echoFull {
		t.d.performEchoes(t, t.d.echoCommit)
	}
	return n, nil
}
