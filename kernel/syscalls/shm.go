package syscalls

import (
	"fmt"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/ipc"
	"github.com/sbxrun/sbx/kernel/mm"
)

func sysShmget(c *call) (int64, error) {
	ns, who := c.t.IPC()
	return c.room(func() (int64, error) {
		return fdResult(ns.Shmget(who, int32(c.a[0]), c.a[1], c.int(2), func(id int, key int32, size uint64, touch func(int, bool)) (ipc.Memory, error) {
			return mm.NewSegment(mm.SegmentOpts{
				Name: fmt.Sprintf("/SYSV%08x (deleted)", uint32(key)), Ino: uint64(id), Size: size, Hold: c.t.Kernel().HoldMemory, Touch: touch,
			})
		}))
	})
}

func sysShmat(c *call) (int64, error) {
	id, flags := c.int(0), c.int(2)
	if id < 0 {
		return 0, linux.EINVAL
	}
	addr, err := mm.CheckAttach(c.a[1], flags)
	if err != nil {
		return 0, err
	}
	ns, who := c.t.IPC()
	m, done, err := ns.Shmat(who, id, flags)
	if err != nil {
		return 0, err
	}
	defer done()
	at, err := c.mm.Attach(m.(*mm.Segment), addr, flags)
	return int64(at), err
}

func sysShmdt(c *call) (int64, error) { return 0, c.mm.Detach(c.a[0]) }

func sysShmctl(c *call) (int64, error) {
	id, cmd, at := c.int(0), c.int(1), c.a[2]
	if id < 0 || cmd < 0 {
		return 0, linux.EINVAL
	}
	ns, who := c.t.IPC()
	switch cmd {
	case linux.IPC_INFO:
		_, _, _, top := ns.ShmUsage()
		return int64(top), c.putWords(at, ipc.ShmMax, 1, ipc.ShmMNI, ipc.ShmMNI, ipc.ShmAll, 0, 0, 0, 0)
	case linux.SHM_INFO:
		n, pages, resident, top := ns.ShmUsage()
		return int64(top), c.putWords(at, uint64(n), pages, resident, 0, 0, 0)
	case linux.IPC_STAT, linux.SHM_STAT, linux.SHM_STAT_ANY:
		n, d, err := ns.ShmStat(who, id, cmd != linux.IPC_STAT, cmd == linux.SHM_STAT_ANY)
		if err == nil {
			err = c.mm.Write(at, d.Encode())
		}
		return statID(n, cmd), err
	case linux.IPC_SET:
		b, err := c.bytes(at, linux.ShmidDsSize)
		if err != nil {
			return 0, err
		}
		uid, gid, mode := linux.DecodeIPCSet(b)
		return 0, ns.ShmSet(who, id, uid, gid, mode)
	case linux.IPC_RMID:
		return 0, ns.ShmRemove(who, id)
	case linux.SHM_LOCK, linux.SHM_UNLOCK:
		l, err := c.t.Getrlimit(linux.RLIMIT_MEMLOCK)
		if err != nil {
			return 0, err
		}
		return 0, ns.ShmLock(who, id, cmd == linux.SHM_LOCK, l.Cur != 0)
	}
	return 0, linux.EINVAL
}

// statID is what the commands return that tell of an object: its identifier if it was
// asked for by index.
func statID(id, cmd int) int64 {
	if cmd == linux.IPC_STAT {
		return 0
	}
	return int64(id)
}

// putWords writes a structure of words of 64 bits.
func (c *call) putWords(addr uint64, words ...uint64) error {
	var b []byte
	for _, w := range words {
		b = le.AppendUint64(b, w)
	}
	return c.mm.Write(addr, b)
}

// putInts writes a structure of words of 32 bits.
func (c *call) putInts(addr uint64, words ...int) error {
	var b []byte
	for _, w := range words {
		b = le.AppendUint32(b, uint32(w))
	}
	return c.mm.Write(addr, b)
}
