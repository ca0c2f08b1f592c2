package syscalls

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// msghdr is struct msghdr, 56 bytes.
type msghdr struct {
	at         uint64
	name       uint64
	nameLen    uint32
	iov        []iovec
	control    uint64
	controlLen uint64
}

const (
	msghdrLen  = 56
	mmsghdrLen = 64
	// maxControl bounds the control messages of one call, optmem_max.
	maxControl = 128 << 10
)

func (c *call) msghdr(at uint64) (m msghdr, err error) {
	b, err := c.bytes(at, msghdrLen)
	if err != nil {
		return m, err
	}
	m = msghdr{at: at, name: le.Uint64(b), nameLen: le.Uint32(b[8:]), control: le.Uint64(b[32:]), controlLen: le.Uint64(b[40:])}
	if m.name == 0 {
		m.nameLen = 0
	}
	if int32(m.nameLen) < 0 {
		return m, linux.EINVAL
	}
	m.iov, err = c.iovecs(le.Uint64(b[16:]), le.Uint64(b[24:]))
	if err == linux.EINVAL && le.Uint64(b[24:]) > 1024 {
		err = linux.EMSGSIZE
	}
	return m, err
}

func (c *call) sendOne(at uint64, flags int) (int, error) {
	h, err := c.msghdr(at)
	if err != nil {
		return 0, err
	}
	m := &kernel.SockMessage{}
	if h.nameLen > 0 {
		if m.Name, err = c.sockaddr(h.name, uint64(min(h.nameLen, sockaddrMax))); err != nil {
			return 0, err
		}
	}
	if h.controlLen > maxControl {
		return 0, linux.ENOBUFS
	}
	if m.Control, err = c.bytes(h.control, int(h.controlLen)); err != nil {
		return 0, err
	}
	if m.Data, err = c.gather(h.iov, maxVector); err != nil {
		return 0, err
	}
	return c.t.Sendmsg(c.fd(0), m, flags)
}

func (c *call) recvOne(at uint64, flags int) (int, error) {
	h, err := c.msghdr(at)
	if err != nil {
		return 0, err
	}
	total := uint64(0)
	for _, v := range h.iov {
		total += v.len
	}
	b, free := buf(min(total, maxVector))
	defer free()
	if total > chunk {
		b = make([]byte, min(total, maxVector))
	}
	m := &kernel.SockMessage{Data: b, Control: make([]byte, 0, min(h.controlLen, maxControl))}
	n, err := c.t.Recvmsg(c.fd(0), m, flags)
	if err != nil {
		return 0, err
	}
	if err := c.scatter(h.iov, m.Data); err != nil {
		return 0, err
	}
	if h.name != 0 {
		if err := c.mm.Write(h.name, m.Name[:min(len(m.Name), int(h.nameLen))]); err != nil {
			return 0, err
		}
		if err := c.mm.PutUint32(at+8, uint32(len(m.Name))); err != nil {
			return 0, err
		}
	}
	if err := c.mm.Write(h.control, m.Control); err != nil {
		return 0, err
	}
	if err := c.mm.PutUint64(at+40, uint64(len(m.Control))); err != nil {
		return 0, err
	}
	return n, c.mm.PutUint32(at+48, uint32(m.Flags))
}

func sysSendmsg(c *call) (int64, error) { return fdResult(c.sendOne(c.a[1], c.int(2))) }
func sysRecvmsg(c *call) (int64, error) { return fdResult(c.recvOne(c.a[1], c.int(2))) }

// maxMessages is UIO_MAXIOV, of sendmmsg(2) and recvmmsg(2).
const maxMessages = 1024

func sysSendmmsg(c *call) (int64, error) {
	count := uint64(min(uint32(c.a[2]), maxMessages))
	for i := uint64(0); i < count; i++ {
		at := c.a[1] + i*mmsghdrLen
		n, err := c.sendOne(at, c.int(3))
		if err == nil {
			err = c.mm.PutUint32(at+msghdrLen, uint32(n))
		}
		if err != nil {
			return some(i, err)
		}
	}
	return int64(count), nil
}

// some is how many were done before an error, or the error for the first.
func some(done uint64, err error) (int64, error) {
	if done > 0 {
		return int64(done), nil
	}
	return 0, err
}

func sysRecvmmsg(c *call) (int64, error) {
	const waitForOne = 0x10000
	flags := c.int(3)
	limit, err := c.timeout(c.a[4])
	if err != nil {
		return 0, err
	}
	start, err := c.t.ClockGettime(linux.CLOCK_MONOTONIC)
	if err != nil {
		return 0, err
	}
	count := uint64(min(uint32(c.a[2]), maxMessages))
	for i := uint64(0); i < count; i++ {
		at := c.a[1] + i*mmsghdrLen
		n, err := c.recvOne(at, flags&^waitForOne)
		if err == nil {
			err = c.mm.PutUint32(at+msghdrLen, uint32(n))
		}
		if err != nil {
			return some(i, err)
		}
		if flags&waitForOne != 0 {
			flags |= linux.MSG_DONTWAIT
		}
		// As on Linux the time is looked at after each message.
		if limit >= 0 && c.passed(start) >= limit {
			return int64(i + 1), nil
		}
	}
	return int64(count), nil
}

// passed is the time since start.
func (c *call) passed(start time.Duration) time.Duration {
	now, err := c.t.ClockGettime(linux.CLOCK_MONOTONIC)
	if err != nil {
		return 0
	}
	return now - start
}

// Sizes of what the requests of netdevice(7) point at.
const ifconfLen = 16

// sockIoctl is an ioctl of sockets: 4 bytes, a struct ifreq, or SIOCGIFCONF's array.
func (c *call) sockIoctl(fd int, req uint32, arg uint64) (int64, error) {
	switch req {
	case linux.SIOCGIFCONF:
		b, err := c.bytes(arg, ifconfLen)
		if err != nil {
			return 0, err
		}
		var list []byte
		if at := le.Uint64(b[8:]); at != 0 {
			list = make([]byte, min(le.Uint32(b), 1<<16))
		}
		n, err := c.t.SocketIoctl(fd, req, list)
		if err != nil {
			return 0, err
		}
		if list != nil {
			if err := c.mm.Write(le.Uint64(b[8:]), list[:min(n, len(list))]); err != nil {
				return 0, err
			}
		}
		return 0, c.mm.PutUint32(arg, uint32(n))
	case linux.SIOCOUTQ, linux.SIOCATMARK:
		return c.ioctlBuffer(fd, req, arg, 4)
	}
	if req>>8 != 0x89 {
		return 0, linux.ENOTTY
	}
	return c.ioctlBuffer(fd, req, arg, linux.IfreqSize)
}

func (c *call) ioctlBuffer(fd int, req uint32, arg uint64, n int) (int64, error) {
	b := make([]byte, n)
	in := req != linux.SIOCOUTQ && req != linux.SIOCATMARK
	if in {
		if err := c.mm.Read(arg, b); err != nil {
			return 0, err
		}
	}
	if _, err := c.t.SocketIoctl(fd, req, b); err != nil {
		return 0, err
	}
	if req == linux.FIOASYNC {
		return 0, nil
	}
	return 0, c.mm.Write(arg, b)
}
