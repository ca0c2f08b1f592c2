package wasi

import (
	"encoding/binary"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// sbxUname writes the six strings of struct utsname, 65 bytes each.
func sbxUname(p *proc, a []uint64) error {
	b, err := p.bytes(uint32(a[0]), 6*65)
	if err != nil {
		return err
	}
	clear(b)
	u := p.t.Uname()
	for i, s := range [...]string{u.Sysname, u.Nodename, u.Release, u.Version, u.Machine, u.Domainname} {
		copy(b[65*i:65*i+64], s)
	}
	return nil
}

func sbxSysinfo(p *proc, a []uint64) error {
	s := p.t.Sysinfo()
	return p.putU64s(uint32(a[0]), s.Total, s.Free, s.Buffers, s.SwapTotal, s.SwapFree, uint64(s.Uptime/time.Second), uint64(s.Procs), 0)
}

func sbxWinsize(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	ws, err := p.t.Winsize(fd)
	if err != nil {
		return err
	}
	if err := p.putU16(uint32(a[1]), ws.Row); err != nil {
		return err
	}
	return p.putU16(uint32(a[2]), ws.Col)
}

// sbxSetWinsize changes rows and columns and leaves the size in pixels.
func sbxSetWinsize(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	ws, err := p.t.Winsize(fd)
	if err != nil {
		return err
	}
	ws.Row, ws.Col = uint16(a[1]), uint16(a[2])
	return p.t.SetWinsize(fd, ws)
}

// Offsets in struct sbx_termios, 60 bytes.
const (
	termiosSize  = 60
	termiosLine  = 16
	termiosCc    = 17
	termiosSpeed = 52
)

func sbxTcget(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	b, err := p.bytes(uint32(a[1]), termiosSize)
	if err != nil {
		return err
	}
	t, err := p.t.Tcgetattr(fd)
	if err != nil {
		return err
	}
	clear(b)
	for i, v := range [...]uint32{t.Iflag, t.Oflag, t.Cflag, t.Lflag} {
		binary.LittleEndian.PutUint32(b[4*i:], v)
	}
	b[termiosLine] = t.Line
	copy(b[termiosCc:], t.Cc[:])
	speed := t.Cflag & linux.CBAUD
	binary.LittleEndian.PutUint32(b[termiosSpeed:], speed)
	binary.LittleEndian.PutUint32(b[termiosSpeed+4:], speed)
	return nil
}

func sbxTcset(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	b, err := p.bytes(uint32(a[2]), termiosSize)
	if err != nil {
		return err
	}
	if a[1] > 2 {
		return linux.EINVAL
	}
	var t linux.Termios
	for i, v := range [...]*uint32{&t.Iflag, &t.Oflag, &t.Cflag, &t.Lflag} {
		*v = binary.LittleEndian.Uint32(b[4*i:])
	}
	t.Line = b[termiosLine]
	copy(t.Cc[:], b[termiosCc:])
	return p.t.Tcsetattr(fd, int(a[1]), t)
}
