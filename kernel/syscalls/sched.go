package syscalls

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// Priorities of getpriority(2).
const prioProcess, prioUser = 0, 2

// own reports whether a process id is that of the caller, or 0.
func (c *call) own(id int) bool { return id == 0 || id == c.t.Getpid() || id == c.t.Gettid() }

// priorityTarget refuses what is not about the caller.
func (c *call) priorityTarget() error {
	which, who := c.int(0), c.int(1)
	switch {
	case which < prioProcess || which > prioUser:
		return linux.EINVAL
	case which == prioUser && uint32(who) != 0 && uint32(who) != c.t.Credentials().UID:
		return linux.ESRCH
	case which == prioProcess && !c.own(who):
		if err := c.t.Kill(who, 0); err != nil {
			return err
		}
		return linux.EPERM
	}
	return nil
}

func sysGetpriority(c *call) (int64, error) {
	if err := c.priorityTarget(); err != nil {
		return 0, err
	}
	return int64(20 - c.t.Nice()), nil
}

func sysSetpriority(c *call) (int64, error) {
	if err := c.priorityTarget(); err != nil {
		return 0, err
	}
	return 0, c.t.SetNice(c.int(2))
}

// Policies of sched(7).
const schedOther, schedFIFO, schedRR, schedBatch, schedIdle, schedDeadline = 0, 1, 2, 3, 5, 6

// schedTarget checks the process of sched_getscheduler(2): all have SCHED_OTHER.
func (c *call) schedTarget() error {
	switch id := c.int(0); {
	case id < 0:
		return linux.EINVAL
	case !c.own(id):
		return c.t.Kill(id, 0)
	}
	return nil
}

func sysSchedGetscheduler(c *call) (int64, error) { return schedOther, c.schedTarget() }

func sysSchedGetparam(c *call) (int64, error) {
	if err := c.schedTarget(); err != nil {
		return 0, err
	}
	return 0, c.mm.PutUint32(c.a[1], 0)
}

// sysSchedSetparam takes the only priority that SCHED_OTHER has.
func sysSchedSetparam(c *call) (int64, error) {
	if err := c.schedTarget(); err != nil {
		return 0, err
	}
	v, err := c.mm.Uint32(c.a[1])
	if err == nil && v != 0 {
		err = linux.EINVAL
	}
	return 0, err
}

// sysSchedSetscheduler takes the policies without priorities, which all run alike.
func sysSchedSetscheduler(c *call) (int64, error) {
	const resetOnFork = 0x40000000
	if err := c.schedTarget(); err != nil {
		return 0, err
	}
	v, err := c.mm.Uint32(c.a[2])
	if err != nil {
		return 0, err
	}
	switch c.int(1) &^ resetOnFork {
	case schedOther, schedBatch, schedIdle:
		if v != 0 {
			return 0, linux.EINVAL
		}
		return 0, nil
	case schedFIFO, schedRR:
		if v < 1 || v > 99 {
			return 0, linux.EINVAL
		}
		return 0, linux.EPERM
	}
	return 0, linux.EINVAL
}

func (c *call) schedPriority(realtime int64) (int64, error) {
	switch c.int(0) {
	case schedFIFO, schedRR:
		return realtime, nil
	case schedOther, schedBatch, schedIdle, schedDeadline:
		return 0, nil
	}
	return 0, linux.EINVAL
}

func sysSchedPriorityMax(c *call) (int64, error) { return c.schedPriority(99) }
func sysSchedPriorityMin(c *call) (int64, error) { return c.schedPriority(1) }

func sysSchedInterval(c *call) (int64, error) {
	if err := c.schedTarget(); err != nil {
		return 0, err
	}
	return 0, c.putDuration(c.a[1], 4*time.Millisecond)
}

func sysGetcpu(c *call) (int64, error) {
	for _, at := range c.a[:2] {
		if at != 0 {
			if err := c.mm.PutUint32(at, 0); err != nil {
				return 0, err
			}
		}
	}
	return 0, nil
}

// sysMembarrier offers no commands.
func sysMembarrier(c *call) (int64, error) {
	if c.int(0) == 0 && c.int(1) == 0 {
		return 0, nil
	}
	return 0, linux.EINVAL
}

// sysMlock has nothing to do: what guests have is in memory. A range that is not
// mapped is ENOMEM.
func sysMlock(c *call) (int64, error) {
	const page = 4096
	start := c.a[0] &^ (page - 1)
	end := c.a[0] + c.a[1]
	if end < c.a[0] {
		return 0, linux.EINVAL
	}
	if end == start {
		return 0, nil
	}
	_, err := c.mm.Mincore(start, end-start)
	return 0, err
}

func sysMlock2(c *call) (int64, error) {
	if c.int(2)&^1 != 0 {
		return 0, linux.EINVAL
	}
	return sysMlock(c)
}

func sysMlockall(c *call) (int64, error) {
	if f := c.int(0); f == 0 || f&^7 != 0 || f == 4 {
		return 0, linux.EINVAL
	}
	return 0, nil
}

// sysIoprio is ioprio_get(2) and ioprio_set(2) of the caller: there are no disks.
func sysIoprio(c *call) (int64, error) {
	if which := c.int(0); which < 1 || which > 3 {
		return 0, linux.EINVAL
	}
	return 0, nil
}
