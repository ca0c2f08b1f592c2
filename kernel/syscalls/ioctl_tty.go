package syscalls

import "github.com/sbxrun/sbx/abi/linux"

// ttyIoctl is ioctl_tty(2).
func (c *call) ttyIoctl(fd int, req uint32, arg uint64) (int64, error) {
	switch req {
	case linux.TCGETS, linux.TCGETS2:
		tio, err := c.t.Tcgetattr(fd)
		if err != nil {
			return 0, err
		}
		return 0, c.mm.Write(arg, encodeTermios(tio, req == linux.TCGETS2))
	case linux.TCSETS, linux.TCSETSW, linux.TCSETSF:
		return 0, c.setTermios(fd, int(req-linux.TCSETS), arg, false)
	case linux.TCSETS2, linux.TCSETSW2, linux.TCSETSF2:
		return 0, c.setTermios(fd, int(req-linux.TCSETS2), arg, true)
	case linux.TCGETA:
		tio, err := c.t.Tcgetattr(fd)
		if err != nil {
			return 0, err
		}
		return 0, c.mm.Write(arg, encodeTermio(tio))
	case linux.TCSETA, linux.TCSETAW, linux.TCSETAF:
		return 0, c.setTermio(fd, int(req-linux.TCSETA), arg)
	case linux.TIOCGLCKTRMIOS, linux.TIOCSLCKTRMIOS: // no setting is ever locked: that is a privilege which nobody has here
		if _, err := c.t.Tcgetattr(fd); err != nil {
			return 0, err
		}
		if req == linux.TIOCSLCKTRMIOS {
			return 0, linux.EPERM
		}
		return 0, c.mm.Write(arg, encodeTermios(linux.Termios{}, false))
	case linux.TCSBRK:
		return 0, c.t.Tcdrain(fd)
	case linux.TCSBRKP:
		return 0, c.t.Tcdrain(fd) // there is no line to break
	case linux.TCXONC:
		return 0, c.t.Tcflow(fd, int(arg))
	case linux.TCFLSH:
		return 0, c.t.Tcflush(fd, int(arg))
	case linux.TIOCGWINSZ:
		ws, err := c.t.Winsize(fd)
		if err != nil {
			return 0, err
		}
		b := le.AppendUint16(le.AppendUint16(nil, ws.Row), ws.Col)
		return 0, c.mm.Write(arg, le.AppendUint16(le.AppendUint16(b, ws.Xpixel), ws.Ypixel))
	case linux.TIOCSWINSZ:
		b, err := c.bytes(arg, 8)
		if err != nil {
			return 0, err
		}
		return 0, c.t.SetWinsize(fd, linux.Winsize{Row: le.Uint16(b), Col: le.Uint16(b[2:]), Xpixel: le.Uint16(b[4:]), Ypixel: le.Uint16(b[6:])})
	case linux.TIOCSCTTY:
		return 0, c.t.SetCTTY(fd, arg != 0)
	case linux.TIOCNOTTY:
		return 0, c.t.DropCTTY(fd)
	case linux.TIOCVHANGUP:
		return 0, c.t.HangupTTY(fd)
	case linux.TIOCEXCL, linux.TIOCNXCL:
		return 0, c.t.SetTTYExclusive(fd, req == linux.TIOCEXCL)
	case linux.TIOCGPTPEER:
		peer, err := c.t.PtyPeer(fd, int(int32(arg)))
		return int64(peer), err
	case linux.TIOCSIG:
		return 0, c.t.SignalPtySlave(fd, linux.Signal(min(arg, 1<<16)))
	case linux.TIOCSTI:
		b, err := c.bytes(arg, 1)
		if err != nil {
			return 0, err
		}
		return 0, c.t.InjectInput(fd, b[0])
	}
	return c.ttyNumber(fd, req, arg)
}

// ttyNumber is the requests that give or take one int.
func (c *call) ttyNumber(fd int, req uint32, arg uint64) (int64, error) {
	put := func(v int, err error) (int64, error) {
		if err != nil {
			return 0, err
		}
		return 0, c.mm.PutUint32(arg, uint32(v))
	}
	flag := func(v bool, err error) (int64, error) { return put(int(boolInt(v)), err) }
	take := func(use func(v int32) error) (int64, error) {
		v, err := c.mm.Uint32(arg)
		if err != nil {
			return 0, err
		}
		return 0, use(int32(v))
	}
	switch req {
	case linux.TIOCGPGRP:
		return put(c.t.Tcgetpgrp(fd))
	case linux.TIOCSPGRP:
		return take(func(v int32) error { return c.t.Tcsetpgrp(fd, int(v)) })
	case linux.TIOCGSID:
		return put(c.t.Tcgetsid(fd))
	case linux.TIOCOUTQ:
		n, err := c.t.OutputQueued(fd)
		if err == linux.ENOTTY {
			return c.sockIoctl(fd, req, arg) // SIOCOUTQ is the same number
		}
		return put(n, err)
	case linux.TIOCGPTN:
		return put(c.t.PtyNumber(fd))
	case linux.TIOCSPTLCK:
		return take(func(v int32) error { return c.t.PtyLock(fd, v != 0) })
	case linux.TIOCGPTLCK:
		return flag(c.t.PtyLocked(fd))
	case linux.TIOCPKT:
		return take(func(v int32) error { return c.t.SetPtyPacket(fd, v != 0) })
	case linux.TIOCGPKT:
		return flag(c.t.PtyPacket(fd))
	case linux.TIOCGEXCL:
		return flag(c.t.TTYExclusive(fd))
	case linux.TIOCGETD: // N_TTY, the only line discipline
		_, err := c.t.Tcgetattr(fd)
		return put(0, err)
	}
	return c.sockIoctl(fd, req, arg)
}

func (c *call) setTermios(fd, when int, arg uint64, speeds bool) error {
	size := 36
	if speeds {
		size = 44
	}
	b, err := c.bytes(arg, size)
	if err != nil {
		return err
	}
	var old linux.Termios
	if !speeds { // they stay
		if old, err = c.t.Tcgetattr(fd); err != nil {
			return err
		}
	}
	return c.t.Tcsetattr(fd, when, decodeTermios(b, old))
}

// encodeTermios makes the kernel's struct termios, 36 bytes, or termios2, 44.
func encodeTermios(t linux.Termios, speeds bool) []byte {
	b := make([]byte, 0, 44)
	for _, v := range [...]uint32{t.Iflag, t.Oflag, t.Cflag, t.Lflag} {
		b = le.AppendUint32(b, v)
	}
	b = append(append(b, t.Line), t.Cc[:]...)
	if speeds {
		b = le.AppendUint32(le.AppendUint32(b, t.Ispeed), t.Ospeed)
	}
	return b
}

// decodeTermios reads either; the short one has the speeds of old.
func decodeTermios(b []byte, old linux.Termios) linux.Termios {
	t := linux.Termios{Iflag: le.Uint32(b), Oflag: le.Uint32(b[4:]), Cflag: le.Uint32(b[8:]), Lflag: le.Uint32(b[12:]), Line: b[16], Ispeed: old.Ispeed, Ospeed: old.Ospeed}
	copy(t.Cc[:], b[17:])
	if len(b) == 44 {
		t.Ispeed, t.Ospeed = le.Uint32(b[36:]), le.Uint32(b[40:])
	}
	return t
}

// termioSize is the size of struct termio, System V's: the lower halves of the flags, and 8 characters.
const termioSize, termioChars = 18, 8

func encodeTermio(t linux.Termios) []byte {
	b := make([]byte, 0, termioSize)
	for _, v := range [...]uint32{t.Iflag, t.Oflag, t.Cflag, t.Lflag} {
		b = le.AppendUint16(b, uint16(v))
	}
	b = append(append(b, t.Line), t.Cc[:termioChars]...)
	return b[:termioSize]
}

// setTermio sets what struct termio has; the rest stays.
func (c *call) setTermio(fd, when int, arg uint64) error {
	b, err := c.bytes(arg, termioSize)
	if err != nil {
		return err
	}
	t, err := c.t.Tcgetattr(fd)
	if err != nil {
		return err
	}
	for i, flags := range [...]*uint32{&t.Iflag, &t.Oflag, &t.Cflag, &t.Lflag} {
		*flags = *flags&^0xffff | uint32(le.Uint16(b[2*i:]))
	}
	t.Line = b[8]
	copy(t.Cc[:termioChars], b[9:])
	return c.t.Tcsetattr(fd, when, t)
}
