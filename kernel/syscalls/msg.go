package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/ipc"
)

func sysMsgget(c *call) (int64, error) {
	ns, who := c.t.IPC()
	return fdResult(ns.Msgget(who, int32(c.a[0]), c.int(1)))
}

func sysMsgsnd(c *call) (int64, error) {
	typ, err := c.mm.Uint64(c.a[1])
	if err != nil {
		return 0, err
	}
	if c.a[2] > ipc.MsgMax || c.int(0) < 0 || int64(typ) < 1 {
		return 0, linux.EINVAL
	}
	data, err := c.bytes(c.a[1]+8, int(c.a[2]))
	if err != nil {
		return 0, err
	}
	return 0, c.t.Msgsnd(c.int(0), &ipc.Message{Type: int64(typ), Data: data}, c.int(3))
}

func sysMsgrcv(c *call) (int64, error) {
	m, err := c.t.Msgrcv(c.int(0), c.a[2], int64(c.a[3]), c.int(4))
	if err != nil {
		return 0, err
	}
	n := min(uint64(len(m.Data)), c.a[2])
	if err := c.mm.PutUint64(c.a[1], uint64(m.Type)); err != nil {
		return 0, err
	}
	return int64(n), c.mm.Write(c.a[1]+8, m.Data[:n])
}

func sysMsgctl(c *call) (int64, error) {
	id, cmd, at := c.int(0), c.int(1), c.a[2]
	if id < 0 || cmd < 0 {
		return 0, linux.EINVAL
	}
	ns, who := c.t.IPC()
	switch cmd {
	case linux.IPC_INFO, linux.MSG_INFO:
		queues, messages, bytes, top := ns.MsgUsage()
		if cmd == linux.IPC_INFO {
			queues, messages, bytes = ipc.MsgMNI*ipc.MsgMNB/1024, ipc.MsgMNB, ipc.MsgMNB
		}
		const segmentSize, segments = 16, 0xffff
		return int64(top), c.putInts(at, queues, messages, ipc.MsgMax, ipc.MsgMNB, ipc.MsgMNI, segmentSize, int(bytes), segments)
	case linux.IPC_STAT, linux.MSG_STAT, linux.MSG_STAT_ANY:
		n, d, err := ns.MsgStat(who, id, cmd != linux.IPC_STAT, cmd == linux.MSG_STAT_ANY)
		if err == nil {
			err = c.mm.Write(at, d.Encode())
		}
		return statID(n, cmd), err
	case linux.IPC_SET:
		b, err := c.bytes(at, linux.MsqidDsSize)
		if err != nil {
			return 0, err
		}
		uid, gid, mode := linux.DecodeIPCSet(b)
		return 0, ns.MsgSet(who, id, uid, gid, mode, le.Uint64(b[linux.MsqidQbytes:]))
	case linux.IPC_RMID:
		return 0, ns.MsgRemove(who, id)
	}
	return 0, linux.EINVAL
}
