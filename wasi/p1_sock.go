package wasi

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/vfs"
)

// socket returns the kernel's descriptor of a socket, or ENOTSOCK.
func (p *proc) socket(n uint64) (int, error) {
	fd, err := p.fd(uint32(n))
	if err != nil {
		return -1, err
	}
	var a vfs.Attr
	if err := p.t.Fstat(fd, &a); err != nil {
		return -1, err
	}
	if a.Mode&linux.S_IFMT != linux.S_IFSOCK {
		return -1, linux.ENOTSOCK
	}
	return fd, nil
}

// Flags of sock_recv and sock_shutdown.
const (
	riPeek, riWaitall = 1, 2
	roTruncated       = 1
	sdRead, sdWrite   = 1, 2
)

// sockAccept takes a connection of a listening socket, which a guest can only
// have inherited: preview 1 has no way to make one.
func sockAccept(p *proc, a []uint64) error {
	fd, err := p.socket(a[0])
	if err != nil {
		return err
	}
	if a[1]&^fdNonblock != 0 {
		return linux.EINVAL
	}
	flags := 0
	if a[1]&fdNonblock != 0 {
		flags = linux.SOCK_NONBLOCK
	}
	if _, err := p.bytes(uint32(a[2]), 4); err != nil {
		return err
	}
	n, _, err := p.t.Accept(fd, flags)
	if err != nil {
		return err
	}
	return p.give(n, linux.O_RDWR, uint32(a[2]))
}

func sockRecv(p *proc, a []uint64) error {
	fd, err := p.socket(a[0])
	if err != nil {
		return err
	}
	if a[3]&^(riPeek|riWaitall) != 0 {
		return linux.EINVAL
	}
	flags := 0
	if a[3]&riPeek != 0 {
		flags |= linux.MSG_PEEK
	}
	if a[3]&riWaitall != 0 {
		flags |= linux.MSG_WAITALL
	}
	if err := p.putU16(uint32(a[5]), 0); err != nil {
		return err
	}
	return p.transfer(a[1], a[2], a[4], readv, func(b []byte) (int, error) {
		m := kernel.SockMessage{Data: b}
		n, err := p.t.Recvmsg(fd, &m, flags)
		if err == nil && m.Flags&linux.MSG_TRUNC != 0 {
			err = p.putU16(uint32(a[5]), roTruncated)
		}
		return n, err
	})
}

func sockSend(p *proc, a []uint64) error {
	fd, err := p.socket(a[0])
	if err != nil {
		return err
	}
	if a[3] != 0 {
		return linux.EINVAL
	}
	return p.transfer(a[1], a[2], a[4], writev, func(b []byte) (int, error) { return p.t.Write(fd, b) })
}

func sockShutdown(p *proc, a []uint64) error {
	fd, err := p.socket(a[0])
	if err != nil {
		return err
	}
	if a[1] == 0 || a[1]&^(sdRead|sdWrite) != 0 {
		return linux.EINVAL
	}
	return p.t.Shutdown(fd, int(a[1])-1) // SHUT_RD, SHUT_WR and SHUT_RDWR are one less
}
