package wasi

import (
	"github.com/sbxrun/sbx/abi/linux"
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

// sockAccept has nothing to accept from: no guest can get a listening socket
// through preview 1, and none is preopened.
func sockAccept(p *proc, a []uint64) error {
	if _, err := p.socket(a[0]); err != nil {
		return err
	}
	return linux.EINVAL
}

func sockRecv(p *proc, a []uint64) error {
	fd, err := p.socket(a[0])
	if err != nil {
		return err
	}
	if a[3] != 0 { // peek and waitall
		return linux.EOPNOTSUPP
	}
	if err := p.putU16(uint32(a[5]), 0); err != nil {
		return err
	}
	return p.transfer(a[1], a[2], a[4], readv, func(b []byte) (int, error) { return p.t.Read(fd, b) })
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
	if _, err := p.socket(a[0]); err != nil {
		return err
	}
	if a[1] == 0 || a[1] > 3 {
		return linux.EINVAL
	}
	return linux.EOPNOTSUPP
}
