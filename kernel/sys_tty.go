package kernel

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/tty"
)

// onTTY runs op with the terminal of a descriptor: EBADF, or ENOTTY when it is
// none. Calls that job control stopped are repeated.
func (t *Task) onTTY(fd int, op func(e *tty.End, c caller) error) error {
	f, err := t.file(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	if f.flags.Load()&linux.O_PATH != 0 {
		return linux.EBADF
	}
	d, ok := f.ops.(*device)
	if !ok || d.end() == nil {
		return linux.ENOTTY
	}
	return t.restarting(func() error { return op(d.end(), caller{t}) })
}

// Isatty is isatty(3).
func (t *Task) Isatty(fd int) bool {
	_, err := t.Tcgetattr(fd)
	return err == nil
}

// Tcgetattr is TCGETS.
func (t *Task) Tcgetattr(fd int) (tio linux.Termios, err error) {
	err = t.onTTY(fd, func(e *tty.End, _ caller) (err error) {
		tio, err = e.Termios()
		return err
	})
	return tio, err
}

// Tcsetattr is TCSETS and its kin: when is TCSANOW, TCSADRAIN or TCSAFLUSH.
func (t *Task) Tcsetattr(fd, when int, tio linux.Termios) error {
	return t.onTTY(fd, func(e *tty.End, c caller) error { return e.SetTermios(c, when, tio) })
}

// Tcflush is TCFLSH.
func (t *Task) Tcflush(fd, queue int) error {
	return t.onTTY(fd, func(e *tty.End, c caller) error { return e.Flush(c, queue) })
}

// Tcflow is TCXONC.
func (t *Task) Tcflow(fd, action int) error {
	return t.onTTY(fd, func(e *tty.End, c caller) error { return e.Flow(c, action) })
}

// Tcdrain is tcdrain(3).
func (t *Task) Tcdrain(fd int) error {
	return t.onTTY(fd, func(e *tty.End, c caller) error { return e.Drain(c) })
}

// Winsize is TIOCGWINSZ.
func (t *Task) Winsize(fd int) (ws linux.Winsize, err error) {
	err = t.onTTY(fd, func(e *tty.End, _ caller) (err error) {
		ws, err = e.Winsize()
		return err
	})
	return ws, err
}

// SetWinsize is TIOCSWINSZ.
func (t *Task) SetWinsize(fd int, ws linux.Winsize) error {
	return t.onTTY(fd, func(e *tty.End, _ caller) error { return e.SetWinsize(ws) })
}

// Tcgetpgrp is TIOCGPGRP: the foreground group of the controlling terminal.
func (t *Task) Tcgetpgrp(fd int) (pgid int, err error) {
	err = t.onTTY(fd, func(e *tty.End, c caller) (err error) {
		pgid, err = e.ForegroundGroup(c)
		return err
	})
	return pgid, err
}

// Tcsetpgrp is TIOCSPGRP. A background process gets SIGTTOU, unless it ignores or
// blocks that.
func (t *Task) Tcsetpgrp(fd, pgid int) error {
	return t.onTTY(fd, func(e *tty.End, c caller) error { return e.SetForegroundGroup(c, pgid) })
}

// Tcgetsid is TIOCGSID.
func (t *Task) Tcgetsid(fd int) (sid int, err error) {
	err = t.onTTY(fd, func(e *tty.End, c caller) (err error) {
		sid, err = e.SessionID(c)
		return err
	})
	return sid, err
}

// SetCTTY is TIOCSCTTY: a session leader without a controlling terminal takes
// this one; with steal, and CAP_SYS_ADMIN, from another session.
func (t *Task) SetCTTY(fd int, steal bool) error {
	return t.onTTY(fd, func(e *tty.End, c caller) error { return e.Acquire(c, steal) })
}

// DropCTTY is TIOCNOTTY.
func (t *Task) DropCTTY(fd int) error {
	return t.onTTY(fd, func(e *tty.End, c caller) error { return e.Detach(c) })
}

// PtyNumber is TIOCGPTN: the N of the /dev/pts/N of a master.
func (t *Task) PtyNumber(fd int) (n int, err error) {
	err = t.onTTY(fd, func(e *tty.End, _ caller) error {
		if !e.IsMaster() {
			return linux.ENOTTY
		}
		n = e.TTY().Index()
		return nil
	})
	return n, err
}

// PtyLock is TIOCSPTLCK.
func (t *Task) PtyLock(fd int, locked bool) error {
	return t.onTTY(fd, func(e *tty.End, _ caller) error { return e.SetLock(locked) })
}

// foreground makes a group the foreground group of the controlling terminal, for
// Spawn; without a terminal nothing happens.
func (t *Task) foreground(pgid int) {
	c := caller{t}
	ctty := c.CTTY()
	if ctty == nil {
		return
	}
	e, err := ctty.OpenSlave(nil)
	if err != nil {
		return
	}
	_ = e.SetForegroundGroup(quietCaller{c}, pgid)
	_ = e.Close()
}

// quietCaller is a caller whom job control does not stop.
type quietCaller struct{ caller }

// SignalIgnored reports that the signal is ignored.
func (quietCaller) SignalIgnored(linux.Signal) bool { return true }
