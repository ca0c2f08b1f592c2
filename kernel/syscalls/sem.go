package syscalls

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/ipc"
)

func sysSemget(c *call) (int64, error) {
	ns, who := c.t.IPC()
	return fdResult(ns.Semget(who, int32(c.a[0]), c.int(1), c.int(2)))
}

func sysSemop(c *call) (int64, error) { return c.semop(forever) }

func sysSemtimedop(c *call) (int64, error) {
	if c.a[3] == 0 {
		return c.semop(forever)
	}
	b, err := c.bytes(c.a[3], 16)
	if err != nil {
		return 0, err
	}
	// What is no time is found out after the rest of the arguments.
	timeout, err := duration(b)
	if err != nil {
		timeout = -2
	}
	return c.semop(timeout)
}

func (c *call) semop(timeout time.Duration) (int64, error) {
	n := c.a[2] & 0xffffffff
	switch {
	case n > ipc.SemOPM:
		return 0, linux.E2BIG
	case n < 1:
		return 0, linux.EINVAL
	}
	b, err := c.bytes(c.a[1], int(n)*linux.SembufSize)
	if err != nil {
		return 0, err
	}
	if c.int(0) < 0 || timeout < forever {
		return 0, linux.EINVAL
	}
	ops := make([]linux.Sembuf, n)
	for i := range ops {
		ops[i] = linux.DecodeSembuf(b[i*linux.SembufSize:])
	}
	return 0, c.t.Semop(c.int(0), ops, timeout)
}

func sysSemctl(c *call) (int64, error) {
	id, num, cmd, arg := c.int(0), c.int(1), c.int(2), c.a[3]
	if id < 0 {
		return 0, linux.EINVAL
	}
	ns, who := c.t.IPC()
	switch cmd {
	case linux.IPC_INFO, linux.SEM_INFO:
		sets, sems, top := ns.SemUsage()
		const entrySize, maxAdj = 20, 32767
		if cmd == linux.IPC_INFO {
			sets, sems = entrySize, maxAdj
		}
		return int64(top), c.putInts(arg, ipc.SemMNS, ipc.SemMNI, ipc.SemMNS, ipc.SemMNS, ipc.SemMSL, ipc.SemOPM, ipc.SemOPM, sets, maxAdj, sems)
	case linux.IPC_STAT, linux.SEM_STAT, linux.SEM_STAT_ANY:
		n, d, err := ns.SemStat(who, id, cmd != linux.IPC_STAT, cmd == linux.SEM_STAT_ANY)
		if err == nil {
			err = c.mm.Write(arg, d.Encode())
		}
		return statID(n, cmd), err
	case linux.GETVAL, linux.GETPID, linux.GETNCNT, linux.GETZCNT:
		return fdResult(ns.SemValue(who, id, num, cmd))
	case linux.GETALL:
		v, err := ns.SemValues(who, id)
		if err != nil {
			return 0, err
		}
		var b []byte
		for _, x := range v {
			b = le.AppendUint16(b, x)
		}
		return 0, c.mm.Write(arg, b)
	case linux.SETALL:
		return 0, c.semSetAll(id, arg)
	case linux.SETVAL:
		return 0, ns.SemSetValue(who, id, num, int32(arg))
	case linux.IPC_SET:
		b, err := c.bytes(arg, linux.SemidDsSize)
		if err != nil {
			return 0, err
		}
		uid, gid, mode := linux.DecodeIPCSet(b)
		return 0, ns.SemSet(who, id, uid, gid, mode)
	case linux.IPC_RMID:
		return 0, ns.SemRemove(who, id)
	}
	return 0, linux.EINVAL
}

func (c *call) semSetAll(id int, arg uint64) error {
	ns, who := c.t.IPC()
	n, err := ns.SemCount(who, id)
	if err != nil {
		return err
	}
	b, err := c.bytes(arg, 2*n)
	if err != nil {
		return err
	}
	vals := make([]uint16, n)
	for i := range vals {
		vals[i] = le.Uint16(b[2*i:])
	}
	return ns.SemSetValues(who, id, vals)
}
