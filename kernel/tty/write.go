package tty

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// Write writes as write(2) on a terminal does: all of p unless it is interrupted
// or may not block. With TOSTOP a background process is stopped with SIGTTOU and
// gets ERESTART. What the master writes is typed input for the slave.
func (e *End) Write(c Caller, p []byte, wait WaitFunc) (int, error) {
	if !e.master && e.tostop() {
		if err := e.jobControl(c, linux.SIGTTOU); err != nil {
			return 0, err
		}
	}
	done := 0
	n, err := e.block(wait, func(bool) (int, time.Duration, error) {
		n, err := e.writeSome(p[done:])
		done += n
		if err == nil && done < len(p) {
			err = linux.EAGAIN
		}
		return done, -1, err
	})
	if n > 0 {
		return n, nil
	}
	return n, err
}

func (e *End) tostop() bool {
	e.t.mu.Lock()
	defer e.t.mu.Unlock()
	return e.t.term.Lflag&linux.TOSTOP != 0
}

// writeSome writes what fits.
func (e *End) writeSome(p []byte) (int, error) {
	t := e.t
	t.mu.Lock()
	defer t.unlock()
	if e.dead() {
		return 0, linux.EIO
	}
	if !e.master {
		return t.slaveWrite(p), nil
	}
	return t.masterWrite(p), nil
}

func (t *TTY) masterWrite(p []byte) int {
	done := 0
	for len(p) > 0 && !t.masterFlow.stopped {
		n := 0
		if t.in.n == 0 {
			if n = t.d.receive(t, p); n > 0 {
				t.wakes.master = true
			}
		}
		if n == 0 {
			n = t.in.put(p)
		}
		if n == 0 {
			break
		}
		p = p[n:]
		done += n
	}
	return done
}
