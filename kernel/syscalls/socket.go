package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// sockaddrMax is the size of struct sockaddr_storage.
const sockaddrMax = 128

// sockaddr reads an address of n bytes.
func (c *call) sockaddr(addr, n uint64) ([]byte, error) {
	if uint32(n) > sockaddrMax {
		return nil, linux.EINVAL
	}
	return c.bytes(addr, int(uint32(n)))
}

// putSockaddr writes an address where the guest wants it, as much as fits, and its
// whole length. A null pointer wants none.
func (c *call) putSockaddr(name []byte, addr, lenAt uint64) error {
	if addr == 0 {
		return nil
	}
	room, err := c.mm.Uint32(lenAt)
	if err != nil {
		return err
	}
	if int32(room) < 0 {
		return linux.EINVAL
	}
	if err := c.mm.Write(addr, name[:min(len(name), int(room))]); err != nil {
		return err
	}
	return c.mm.PutUint32(lenAt, uint32(len(name)))
}

func sysSocket(c *call) (int64, error) {
	return fdResult(c.t.Socket(c.int(0), c.int(1), c.int(2)))
}

func sysSocketpair(c *call) (int64, error) {
	a, b, err := c.t.Socketpair(c.int(0), c.int(1), c.int(2))
	if err != nil {
		return 0, err
	}
	if err := c.putPair(c.a[3], a, b); err != nil {
		_ = c.t.Close(a)
		_ = c.t.Close(b)
		return 0, err
	}
	return 0, nil
}

func (c *call) withSockaddr(do func(fd int, addr []byte) error) (int64, error) {
	addr, err := c.sockaddr(c.a[1], c.a[2])
	if err != nil {
		return 0, err
	}
	return 0, do(c.fd(0), addr)
}

func sysBind(c *call) (int64, error)     { return c.withSockaddr(c.t.Bind) }
func sysConnect(c *call) (int64, error)  { return c.withSockaddr(c.t.Connect) }
func sysListen(c *call) (int64, error)   { return 0, c.t.Listen(c.fd(0), c.int(1)) }
func sysShutdown(c *call) (int64, error) { return 0, c.t.Shutdown(c.fd(0), c.int(1)) }
func sysAccept(c *call) (int64, error)   { return c.accept(0) }
func sysAccept4(c *call) (int64, error)  { return c.accept(c.int(3)) }

func (c *call) accept(flags int) (int64, error) {
	fd, name, err := c.t.Accept(c.fd(0), flags)
	if err != nil {
		return 0, err
	}
	if err := c.putSockaddr(name, c.a[1], c.a[2]); err != nil {
		_ = c.t.Close(fd)
		return 0, err
	}
	return int64(fd), nil
}

func (c *call) name(of func(fd int) ([]byte, error)) (int64, error) {
	name, err := of(c.fd(0))
	if err != nil {
		return 0, err
	}
	if c.a[1] == 0 {
		return 0, linux.EFAULT
	}
	return 0, c.putSockaddr(name, c.a[1], c.a[2])
}

func sysGetsockname(c *call) (int64, error) { return c.name(c.t.Getsockname) }
func sysGetpeername(c *call) (int64, error) { return c.name(c.t.Getpeername) }

func sysGetsockopt(c *call) (int64, error) {
	room, err := c.mm.Uint32(c.a[4])
	if err != nil {
		return 0, err
	}
	if int32(room) < 0 {
		return 0, linux.EINVAL
	}
	v, err := c.t.Getsockopt(c.fd(0), c.int(1), c.int(2))
	if err != nil {
		return 0, err
	}
	v = v[:min(len(v), int(room))]
	if err := c.mm.Write(c.a[3], v); err != nil {
		return 0, err
	}
	return 0, c.mm.PutUint32(c.a[4], uint32(len(v)))
}

func sysSetsockopt(c *call) (int64, error) {
	const most = 4096 // longer values are of what there is not: filters and tables
	n := c.int(4)
	if n < 0 {
		return 0, linux.EINVAL
	}
	v, err := c.bytes(c.a[3], min(n, most))
	if err != nil {
		return 0, err
	}
	return 0, c.t.Setsockopt(c.fd(0), c.int(1), c.int(2), v)
}

func sysSendto(c *call) (int64, error) {
	m := &kernel.SockMessage{}
	var err error
	if c.a[4] != 0 {
		if m.Name, err = c.sockaddr(c.a[4], c.a[5]); err != nil {
			return 0, err
		}
	}
	n := min(c.a[2], maxVector)
	b, free := buf(n)
	defer free()
	if n > chunk {
		b = make([]byte, n)
	}
	if err := c.mm.Read(c.a[1], b); err != nil {
		return 0, err
	}
	m.Data = b
	sent, err := c.t.Sendmsg(c.fd(0), m, c.int(3))
	return int64(sent), err
}

func sysRecvfrom(c *call) (int64, error) {
	n := min(c.a[2], maxVector)
	b, free := buf(n)
	defer free()
	if n > chunk {
		b = make([]byte, n)
	}
	m := &kernel.SockMessage{Data: b}
	got, err := c.t.Recvmsg(c.fd(0), m, c.int(3))
	if err != nil {
		return 0, err
	}
	if err := c.mm.Write(c.a[1], m.Data); err != nil {
		return 0, err
	}
	if c.a[4] == 0 {
		return int64(got), nil
	}
	return int64(got), c.putSockaddr(m.Name, c.a[4], c.a[5])
}
