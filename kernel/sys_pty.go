package kernel

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/tty"
)

// PtyLocked is TIOCGPTLCK.
func (t *Task) PtyLocked(fd int) (locked bool, err error) {
	err = t.onTTY(fd, func(e *tty.End, _ caller) (err error) {
		locked, err = e.Locked()
		return err
	})
	return locked, err
}

// SetPtyPacket is TIOCPKT: packet mode of a master.
func (t *Task) SetPtyPacket(fd int, on bool) error {
	return t.onTTY(fd, func(e *tty.End, _ caller) error { return e.SetPacket(on) })
}

// PtyPacket is TIOCGPKT.
func (t *Task) PtyPacket(fd int) (on bool, err error) {
	err = t.onTTY(fd, func(e *tty.End, _ caller) (err error) {
		on, err = e.Packet()
		return err
	})
	return on, err
}

// SetTTYExclusive is TIOCEXCL and TIOCNXCL.
func (t *Task) SetTTYExclusive(fd int, on bool) error {
	return t.onTTY(fd, func(e *tty.End, _ caller) error {
		e.SetExclusive(on)
		return nil
	})
}

// TTYExclusive is TIOCGEXCL.
func (t *Task) TTYExclusive(fd int) (on bool, err error) {
	err = t.onTTY(fd, func(e *tty.End, _ caller) error {
		on = e.Exclusive()
		return nil
	})
	return on, err
}

// OutputQueued is TIOCOUTQ.
func (t *Task) OutputQueued(fd int) (n int, err error) {
	err = t.onTTY(fd, func(e *tty.End, _ caller) (err error) {
		n, err = e.OutputQueued()
		return err
	})
	return n, err
}

// InjectInput is TIOCSTI.
func (t *Task) InjectInput(fd int, c byte) error {
	return t.onTTY(fd, func(e *tty.End, _ caller) error { return e.Inject(c) })
}

// SignalPtySlave is TIOCSIG: a master signals the foreground group.
func (t *Task) SignalPtySlave(fd int, sig linux.Signal) error {
	return t.onTTY(fd, func(e *tty.End, _ caller) error { return e.SignalSlave(sig) })
}

// HangupTTY is TIOCVHANGUP.
func (t *Task) HangupTTY(fd int) error {
	return t.onTTY(fd, func(e *tty.End, c caller) error {
		if !c.Privileged() {
			return linux.EPERM
		}
		e.TTY().Hangup()
		return nil
	})
}

// PtyPeer is TIOCGPTPEER: a new descriptor of the slave of a master, whatever is mounted on /dev/pts.
func (t *Task) PtyPeer(fd, flags int) (peer int, err error) {
	var slave *tty.End
	err = t.onTTY(fd, func(e *tty.End, c caller) error {
		d, err := t.k.devices.OpenPeer(e, flags, c)
		if err == nil {
			slave = d.(*tty.End)
		}
		return err
	})
	if err != nil {
		return -1, err
	}
	pair := slave.TTY()
	f, err := t.k.newFile(&device{d: slave, rdev: pair.Rdev()}, flags&(linux.O_ACCMODE|linux.O_NONBLOCK))
	if err != nil {
		_ = slave.Close()
		return -1, err
	}
	t.k.place(f, ptsName(pair.Index()))
	return t.install(f, 0, flags&linux.O_CLOEXEC != 0)
}
