package syscalls

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

func sysGetpriority(c *call) (int64, error) {
	n, err := c.t.Nice(c.int(0), c.int(1))
	return int64(20 - n), err
}

func sysSetpriority(c *call) (int64, error) {
	return 0, c.t.SetNice(c.int(0), c.int(1), c.int(2))
}

// own reports whether a process id is that of the caller, or 0.
func (c *call) own(id int) bool { return id == 0 || id == c.t.Getpid() || id == c.t.Gettid() }

// scheduled tells of the thread of sched_getscheduler(2) and its like.
func (c *call) scheduled() (kernel.Sched, error) {
	if c.int(0) < 0 {
		return kernel.Sched{}, linux.EINVAL
	}
	return c.t.Sched(c.int(0))
}

func sysSchedGetscheduler(c *call) (int64, error) {
	s, err := c.scheduled()
	v := int64(s.Policy)
	if s.ResetOnFork {
		v |= linux.SCHED_RESET_ON_FORK
	}
	return v, err
}

// sysSchedGetparam tells the only priority that there is.
func sysSchedGetparam(c *call) (int64, error) {
	if c.a[1] == 0 {
		return 0, linux.EINVAL
	}
	if _, err := c.scheduled(); err != nil {
		return 0, err
	}
	return 0, c.mm.PutUint32(c.a[1], 0)
}

func sysSchedSetparam(c *call) (int64, error) {
	if c.a[1] == 0 || c.int(0) < 0 {
		return 0, linux.EINVAL
	}
	v, err := c.mm.Uint32(c.a[1])
	if err != nil {
		return 0, err
	}
	s, err := c.scheduled()
	if err != nil {
		return 0, err
	}
	return 0, c.schedule(s, int(int32(v)))
}

func sysSchedSetscheduler(c *call) (int64, error) {
	if c.a[2] == 0 || c.int(0) < 0 || c.int(1) < 0 {
		return 0, linux.EINVAL
	}
	v, err := c.mm.Uint32(c.a[2])
	if err != nil {
		return 0, err
	}
	s, err := c.scheduled()
	if err != nil {
		return 0, err
	}
	s.Policy, s.ResetOnFork = c.int(1)&^linux.SCHED_RESET_ON_FORK, c.int(1)&linux.SCHED_RESET_ON_FORK != 0
	return 0, c.schedule(s, int(int32(v)))
}

// schedule changes how a thread is scheduled. Policies with priorities are what a
// container may not have.
func (c *call) schedule(s kernel.Sched, priority int) error {
	const maxPriority = 99
	switch s.Policy {
	case linux.SCHED_OTHER, linux.SCHED_BATCH, linux.SCHED_IDLE:
		if priority != 0 {
			return linux.EINVAL
		}
		return c.t.SetSched(c.int(0), s)
	case linux.SCHED_FIFO, linux.SCHED_RR:
		if priority < 1 || priority > maxPriority {
			return linux.EINVAL
		}
		return linux.EPERM
	}
	return linux.EINVAL
}

// Sizes of struct sched_attr: of the first version, and with hints of how busy a thread is.
const schedAttrFirst, schedAttrLen = 48, 56

func sysSchedSetattr(c *call) (int64, error) {
	if c.a[1] == 0 || c.int(0) < 0 || uint32(c.a[2]) != 0 {
		return 0, linux.EINVAL
	}
	b, err := c.schedAttr()
	if err != nil {
		return 0, err
	}
	policy, flags := int(int32(le.Uint32(b[4:]))), le.Uint64(b[8:])
	if policy < 0 {
		return 0, linux.EINVAL
	}
	now, err := c.scheduled()
	if err != nil {
		return 0, err
	}
	s := now
	s.ResetOnFork = flags&linux.SCHED_FLAG_RESET_ON_FORK != 0
	s.Nice = min(max(int(int32(le.Uint32(b[16:]))), -20), 19)
	priority := int(int32(le.Uint32(b[20:])))
	if s.Policy = policy; flags&linux.SCHED_FLAG_KEEP_POLICY != 0 {
		s.Policy, s.ResetOnFork = now.Policy, now.ResetOnFork
	}
	if flags&linux.SCHED_FLAG_KEEP_PARAMS != 0 {
		s.Nice, priority = now.Nice, 0
	}
	switch {
	case flags&^linux.SCHED_FLAG_ALL != 0:
		return 0, linux.EINVAL
	case s.Policy == linux.SCHED_DEADLINE:
		runtime, deadline, period := le.Uint64(b[24:]), le.Uint64(b[32:]), le.Uint64(b[40:])
		const shortest = 1024
		if priority != 0 || deadline == 0 || runtime < shortest || int64(deadline|period) < 0 || period != 0 && period < deadline || deadline < runtime {
			return 0, linux.EINVAL
		}
		return 0, linux.EPERM
	}
	return 0, c.schedule(s, priority)
}

// schedAttr reads a struct sched_attr of any size. What is there that we do not know
// must be 0: E2BIG, and the size that we know.
func (c *call) schedAttr() ([]byte, error) {
	n, err := c.mm.Uint32(c.a[1])
	if err != nil {
		return nil, err
	}
	if n == 0 {
		n = schedAttrFirst
	}
	const page = 4096
	known := n >= schedAttrFirst && n <= page
	b := make([]byte, max(n, schedAttrLen))
	if known {
		if err := c.mm.Read(c.a[1], b[:n]); err != nil {
			return nil, err
		}
		for _, x := range b[schedAttrLen:] {
			known = known && x == 0
		}
	}
	if !known {
		if err := c.mm.PutUint32(c.a[1], schedAttrLen); err != nil {
			return nil, err
		}
		return nil, linux.E2BIG
	}
	return b, nil
}

func sysSchedGetattr(c *call) (int64, error) {
	const page = 4096
	size := uint32(c.a[2])
	if c.a[1] == 0 || c.int(0) < 0 || size > page || size < schedAttrFirst || uint32(c.a[3]) != 0 {
		return 0, linux.EINVAL
	}
	s, err := c.scheduled()
	if err != nil {
		return 0, err
	}
	b := make([]byte, size)
	le.PutUint32(b, min(size, schedAttrLen))
	le.PutUint32(b[4:], uint32(s.Policy))
	if s.ResetOnFork {
		b[8] = linux.SCHED_FLAG_RESET_ON_FORK
	}
	le.PutUint32(b[16:], uint32(s.Nice))
	return 0, c.mm.Write(c.a[1], b)
}

func (c *call) schedPriority(realtime int64) (int64, error) {
	switch c.int(0) {
	case linux.SCHED_FIFO, linux.SCHED_RR:
		return realtime, nil
	case linux.SCHED_OTHER, linux.SCHED_BATCH, linux.SCHED_IDLE, linux.SCHED_DEADLINE:
		return 0, nil
	}
	return 0, linux.EINVAL
}

func sysSchedPriorityMax(c *call) (int64, error) { return c.schedPriority(99) }
func sysSchedPriorityMin(c *call) (int64, error) { return c.schedPriority(1) }

func sysSchedInterval(c *call) (int64, error) {
	if _, err := c.scheduled(); err != nil {
		return 0, err
	}
	return 0, c.putDuration(c.a[1], 4*time.Millisecond)
}

// cpuWord is how much of a set of processors there is.
const cpuWord = 8

func sysSchedSetaffinity(c *call) (int64, error) {
	b := make([]byte, cpuWord)
	if err := c.mm.Read(c.a[2], b[:min(uint32(c.a[1]), cpuWord)]); err != nil {
		return 0, err
	}
	return 0, c.t.SetAffinity(c.int(0), le.Uint64(b))
}

func sysSchedGetaffinity(c *call) (int64, error) {
	if n := uint32(c.a[1]); n < cpuWord || n%cpuWord != 0 {
		return 0, linux.EINVAL
	}
	s, err := c.t.Sched(c.int(0))
	if err != nil {
		return 0, err
	}
	return cpuWord, c.mm.PutUint64(c.a[2], s.CPUs)
}

// sysGetcpu tells the thread's processor, and the only node.
func sysGetcpu(c *call) (int64, error) {
	for i, v := range [...]int{c.t.CPU(), 0} {
		if c.a[i] != 0 {
			if err := c.mm.PutUint32(c.a[i], uint32(v)); err != nil {
				return 0, err
			}
		}
	}
	return 0, nil
}

// Classes of ioprio_set(2).
const ioprioNone, ioprioRealtime, ioprioBest, ioprioIdle, ioprioShift = 0, 1, 2, 3, 13

// ioprioWho makes what getpriority(2) asks about of what ioprio_get(2) asks about.
func (c *call) ioprioWho() int { return c.int(0) - 1 }

func sysIoprioGet(c *call) (int64, error) {
	return fdResult(c.t.IOPrio(c.ioprioWho(), c.int(1)))
}

func sysIoprioSet(c *call) (int64, error) {
	prio := c.int(2)
	switch class := prio >> ioprioShift; {
	case class == ioprioRealtime:
		cred := c.t.Credentials()
		if !cred.Has(linux.CAP_SYS_ADMIN) && !cred.Has(linux.CAP_SYS_NICE) {
			return 0, linux.EPERM
		}
	case class == ioprioBest, class == ioprioIdle, class == ioprioNone && prio == 0:
	default:
		return 0, linux.EINVAL
	}
	return 0, c.t.SetIOPrio(c.ioprioWho(), c.int(1), prio)
}
