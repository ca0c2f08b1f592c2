package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// mqAttrLen is the size of struct mq_attr.
const mqAttrLen = 64

// mqAttr reads a struct mq_attr that may be absent.
func (c *call) mqAttr(addr uint64) (*kernel.MqAttr, error) {
	if addr == 0 {
		return nil, nil
	}
	b, err := c.bytes(addr, mqAttrLen)
	if err != nil {
		return nil, err
	}
	return &kernel.MqAttr{Flags: int(le.Uint64(b)), MaxMsg: int64(le.Uint64(b[8:])), MsgSize: int64(le.Uint64(b[16:]))}, nil
}

func sysMqOpen(c *call) (int64, error) {
	attr, err := c.mqAttr(c.a[3])
	if err != nil {
		return 0, err
	}
	name, err := c.path(0)
	if err != nil {
		return 0, err
	}
	return fdResult(c.t.MqOpen(name, c.int(1), uint32(c.a[2]), attr))
}

func sysMqUnlink(c *call) (int64, error) {
	name, err := c.path(0)
	if err != nil {
		return 0, err
	}
	return 0, c.t.MqUnlink(name)
}

// mqDeadline reads when a call on a queue ends.
func (c *call) mqDeadline(addr uint64) (end kernel.Deadline, err error) {
	if addr == 0 {
		return end, nil
	}
	d, err := c.duration(addr)
	return kernel.Deadline{Set: true, Realtime: true, Absolute: true, D: d}, err
}

func sysMqTimedsend(c *call) (int64, error) {
	end, err := c.mqDeadline(c.a[4])
	if err != nil {
		return 0, err
	}
	data := func() ([]byte, error) { return c.bytes(c.a[1], int(c.a[2])) }
	return 0, c.t.MqSend(c.fd(0), uint32(c.a[3]), c.a[2], data, end)
}

func sysMqTimedreceive(c *call) (int64, error) {
	end, err := c.mqDeadline(c.a[4])
	if err != nil {
		return 0, err
	}
	m, err := c.t.MqReceive(c.fd(0), c.a[2], end)
	if err != nil {
		return 0, err
	}
	if c.a[3] != 0 {
		if err := c.mm.PutUint32(c.a[3], m.Prio); err != nil {
			return 0, err
		}
	}
	return int64(len(m.Data)), c.mm.Write(c.a[1], m.Data)
}

func sysMqNotify(c *call) (int64, error) {
	var cookie [kernel.MqCookieLen]byte
	if c.a[1] == 0 {
		return 0, c.t.MqNotify(c.fd(0), nil, 0, cookie)
	}
	ev, sock, err := c.sigevent(c.a[1])
	if err != nil {
		return 0, err
	}
	if ev.Notify == linux.SIGEV_THREAD {
		if err := c.mm.Read(ev.Value, cookie[:]); err != nil {
			return 0, err
		}
	}
	return 0, c.t.MqNotify(c.fd(0), ev, sock, cookie)
}

func sysMqGetsetattr(c *call) (int64, error) {
	set, err := c.mqAttr(c.a[1])
	if err != nil {
		return 0, err
	}
	a, err := c.t.MqAttr(c.fd(0), set)
	if err != nil || c.a[2] == 0 {
		return 0, err
	}
	return 0, c.putWords(c.a[2], uint64(a.Flags), uint64(a.MaxMsg), uint64(a.MsgSize), uint64(a.CurMsgs), 0, 0, 0, 0)
}
