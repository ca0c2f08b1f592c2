package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
)

// Requests of ioctl_tty(2) and for all files.
const (
	tcGets, tcSets, tcSetsw, tcSetsf = 0x5401, 0x5402, 0x5403, 0x5404
	tcSbrk, tcXonc, tcFlsh           = 0x5409, 0x540a, 0x540b
	tiocSctty, tiocGpgrp, tiocSpgrp  = 0x540e, 0x540f, 0x5410
	tiocGwinsz, tiocSwinsz, fionread = 0x5413, 0x5414, 0x541b
	tiocNotty, tiocGsid, fionbio     = 0x5422, 0x5429, 0x5421
	fioclex, fionclex, fioasync      = 0x5451, 0x5450, 0x5452
	tiocGptn, tiocSptlck             = 0x80045430, 0x40045431
)

func sysIoctl(c *call) (int64, error) {
	fd, req, arg := c.fd(0), uint32(c.a[1]), c.a[2]
	if _, err := c.t.FdFlags(fd); err != nil {
		return 0, err
	}
	switch req {
	case fioclex:
		return 0, c.t.SetFdFlags(fd, 1)
	case fionclex:
		return 0, c.t.SetFdFlags(fd, 0)
	case fionbio:
		v, err := c.mm.Uint32(arg)
		if err != nil {
			return 0, err
		}
		flags, err := c.t.StatusFlags(fd)
		if err != nil {
			return 0, err
		}
		flags &^= linux.O_NONBLOCK
		if v != 0 {
			flags |= linux.O_NONBLOCK
		}
		return 0, c.t.SetStatusFlags(fd, flags)
	case fioasync:
		v, err := c.mm.Uint32(arg)
		if err != nil {
			return 0, err
		}
		return 0, c.t.SetAsync(fd, v != 0)
	case fionread:
		n, err := c.t.Readable(fd)
		if err != nil {
			return 0, err
		}
		return 0, c.mm.PutUint32(arg, uint32(n))
	}
	return c.ttyIoctl(fd, req, arg)
}

func (c *call) ttyIoctl(fd int, req uint32, arg uint64) (int64, error) {
	putInt := func(v int, err error) (int64, error) {
		if err != nil {
			return 0, err
		}
		return 0, c.mm.PutUint32(arg, uint32(v))
	}
	switch req {
	case tcGets:
		tio, err := c.t.Tcgetattr(fd)
		if err != nil {
			return 0, err
		}
		return 0, c.mm.Write(arg, encodeTermios(tio))
	case tcSets, tcSetsw, tcSetsf:
		b, err := c.bytes(arg, 36)
		if err != nil {
			return 0, err
		}
		return 0, c.t.Tcsetattr(fd, int(req-tcSets), decodeTermios(b))
	case tcSbrk:
		return 0, c.t.Tcdrain(fd)
	case tcXonc:
		return 0, c.t.Tcflow(fd, int(arg))
	case tcFlsh:
		return 0, c.t.Tcflush(fd, int(arg))
	case tiocGwinsz:
		ws, err := c.t.Winsize(fd)
		if err != nil {
			return 0, err
		}
		b := le.AppendUint16(le.AppendUint16(nil, ws.Row), ws.Col)
		return 0, c.mm.Write(arg, le.AppendUint16(le.AppendUint16(b, ws.Xpixel), ws.Ypixel))
	case tiocSwinsz:
		b, err := c.bytes(arg, 8)
		if err != nil {
			return 0, err
		}
		return 0, c.t.SetWinsize(fd, linux.Winsize{Row: le.Uint16(b), Col: le.Uint16(b[2:]), Xpixel: le.Uint16(b[4:]), Ypixel: le.Uint16(b[6:])})
	case tiocGpgrp:
		return putInt(c.t.Tcgetpgrp(fd))
	case tiocSpgrp:
		v, err := c.mm.Uint32(arg)
		if err != nil {
			return 0, err
		}
		return 0, c.t.Tcsetpgrp(fd, int(int32(v)))
	case tiocGsid:
		return putInt(c.t.Tcgetsid(fd))
	case tiocSctty:
		return 0, c.t.SetCTTY(fd, arg != 0)
	case tiocNotty:
		return 0, c.t.DropCTTY(fd)
	case tiocGptn:
		return putInt(c.t.PtyNumber(fd))
	case tiocSptlck:
		v, err := c.mm.Uint32(arg)
		if err != nil {
			return 0, err
		}
		return 0, c.t.PtyLock(fd, v != 0)
	}
	return c.sockIoctl(fd, req, arg)
}

// encodeTermios makes the kernel's struct termios, 36 bytes.
func encodeTermios(t linux.Termios) []byte {
	b := make([]byte, 0, 36)
	for _, v := range [...]uint32{t.Iflag, t.Oflag, t.Cflag, t.Lflag} {
		b = le.AppendUint32(b, v)
	}
	return append(append(b, t.Line), t.Cc[:]...)
}

func decodeTermios(b []byte) (t linux.Termios) {
	t.Iflag, t.Oflag, t.Cflag, t.Lflag = le.Uint32(b), le.Uint32(b[4:]), le.Uint32(b[8:]), le.Uint32(b[12:])
	t.Line = b[16]
	copy(t.Cc[:], b[17:])
	return t
}
