package kernel

import (
	"math/bits"
	"slices"

	"github.com/sbxrun/sbx/abi/linux"
)

// The range of nice(2).
const (
	niceMin = -20
	niceMax = 19
)

// Sched is how a thread asked to be scheduled, sched(7). It is kept, inherited and told;
// the goroutines behind guests are all scheduled alike.
type Sched struct {
	Policy      int // linux.SCHED_OTHER, SCHED_BATCH or SCHED_IDLE
	ResetOnFork bool
	Nice        int
	IOPrio      int    // ioprio_set(2); 0 is none
	CPUs        uint64 // the affinity: a bit for each processor
}

// inherit is what a child gets.
func (s Sched) inherit() Sched {
	if s.ResetOnFork {
		s.Policy, s.ResetOnFork, s.Nice = linux.SCHED_OTHER, false, max(s.Nice, 0)
	}
	return s
}

// allCPUs is the affinity that has every processor.
func (k *Kernel) allCPUs() uint64 {
	const most = 64
	return ^uint64(0) >> (most - min(k.cfg.CPUs, most))
}

// schedLocked finds a thread by its id; 0 is the caller.
func (t *Task) schedLocked(id int) (*Task, error) {
	if id == 0 {
		return t, nil
	}
	if u := t.k.tasks[id]; u != nil {
		return u, nil
	}
	return nil, linux.ESRCH
}

// mayScheduleLocked reports whether the caller may change how u is scheduled.
func (t *Task) mayScheduleLocked(u *Task) bool {
	c, o := t.cred.Load(), u.cred.Load()
	return u == t || c.EUID == o.EUID || c.EUID == o.UID || c.Has(linux.CAP_SYS_NICE)
}

// Sched tells how a thread is scheduled; 0 is the caller.
func (t *Task) Sched(id int) (Sched, error) {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	u, err := t.schedLocked(id)
	if err != nil {
		return Sched{}, err
	}
	return u.sched, nil
}

// SetSched is sched_setattr(2) for the policies without priorities, which have been
// checked: EPERM for another user's thread, for what makes it nicer to itself, and for
// taking ResetOnFork back. The affinity and the priority for disks stay.
func (t *Task) SetSched(id int, s Sched) error {
	floor := t.rlimit(linux.RLIMIT_NICE)
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	u, err := t.schedLocked(id)
	if err != nil {
		return err
	}
	free := t.cred.Load().Has(linux.CAP_SYS_NICE)
	lower := func(nice int) bool { return nice < u.sched.Nice && uint64(20-nice) > floor }
	switch {
	case free:
	case s.Policy != linux.SCHED_IDLE && lower(s.Nice),
		u.sched.Policy == linux.SCHED_IDLE && s.Policy != linux.SCHED_IDLE && uint64(20-u.sched.Nice) > floor,
		!t.mayScheduleLocked(u),
		u.sched.ResetOnFork && !s.ResetOnFork:
		return linux.EPERM
	}
	u.sched.Policy, u.sched.ResetOnFork, u.sched.Nice = s.Policy, s.ResetOnFork, s.Nice
	return nil
}

// SetAffinity is sched_setaffinity(2): EINVAL when no processor is left.
func (t *Task) SetAffinity(id int, cpus uint64) error {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	u, err := t.schedLocked(id)
	if err != nil {
		return err
	}
	if !t.mayScheduleLocked(u) {
		return linux.EPERM
	}
	if cpus &= t.k.allCPUs(); cpus == 0 {
		return linux.EINVAL
	}
	u.sched.CPUs = cpus
	return nil
}

// CPU is getcpu(2): a processor of the affinity, the same as long as that is the same.
// Threads are spread over them.
func (t *Task) CPU() int {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	set := t.sched.CPUs
	for range t.tid % bits.OnesCount64(set) {
		set &= set - 1
	}
	return bits.TrailingZeros64(set)
}

// What getpriority(2) and, one more, ioprio_get(2) ask about.
const (
	PRIO_PROCESS = 0
	PRIO_PGRP    = 1
	PRIO_USER    = 2
)

// eachLocked lists the threads that which and who name: a thread, those of a group, or
// those of a user. who 0 is the caller's.
func (t *Task) eachLocked(which, who int) ([]*Task, error) {
	var list []*Task
	switch which {
	case PRIO_PROCESS:
		u, err := t.schedLocked(who)
		if err != nil {
			return nil, err
		}
		list = append(list, u)
	case PRIO_PGRP:
		g := t.proc.group
		if who != 0 {
			g = t.k.groups[who]
		}
		if g == nil {
			return nil, linux.ESRCH
		}
		for _, p := range g.procs {
			list = append(list, p.tasks...)
		}
	case PRIO_USER:
		uid := uint32(who)
		if uid == 0 {
			uid = t.cred.Load().UID
		}
		for _, u := range t.k.tasks {
			if u.cred.Load().UID == uid {
				list = append(list, u)
			}
		}
	default:
		return nil, linux.EINVAL
	}
	if len(list) == 0 {
		return nil, linux.ESRCH
	}
	return list, nil
}

// Nice is getpriority(2): the lowest niceness of those asked about.
func (t *Task) Nice(which, who int) (int, error) {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	list, err := t.eachLocked(which, who)
	if err != nil {
		return 0, err
	}
	return slices.MinFunc(list, func(a, b *Task) int { return a.sched.Nice - b.sched.Nice }).sched.Nice, nil
}

// SetNice is setpriority(2): what is out of range is cut, EPERM for other users'
// threads, and EACCES for less than now without CAP_SYS_NICE or a limit that lets it.
func (t *Task) SetNice(which, who, n int) error {
	n = min(max(n, niceMin), niceMax)
	floor := t.rlimit(linux.RLIMIT_NICE)
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	list, err := t.eachLocked(which, who)
	if err != nil {
		return err
	}
	free := t.cred.Load().Has(linux.CAP_SYS_NICE)
	for _, u := range list {
		c, o := t.cred.Load(), u.cred.Load()
		switch {
		case !free && o.UID != c.EUID && o.EUID != c.EUID:
			err = linux.EPERM
		case !free && n < u.sched.Nice && uint64(20-n) > floor:
			err = linux.EACCES
		default:
			u.sched.Nice = n
		}
	}
	return err
}

// IOPrio is ioprio_get(2): the best of those asked about. A thread without one is
// told as that when it is asked about alone.
func (t *Task) IOPrio(which, who int) (int, error) {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	list, err := t.eachLocked(which, who)
	if err != nil || which == PRIO_PROCESS {
		if err == nil {
			return list[0].sched.IOPrio, nil
		}
		return 0, err
	}
	best := list[0].ioprio()
	for _, u := range list[1:] {
		best = min(best, u.ioprio())
	}
	return best, nil
}

// ioprio is what counts for a thread: without one, what its niceness makes of it.
func (t *Task) ioprio() int {
	const classShift, bestEffort, idle = 13, 2, 3
	s := &t.sched
	switch {
	case s.IOPrio>>classShift != 0:
		return s.IOPrio
	case s.Policy == linux.SCHED_IDLE:
		return idle<<classShift | (s.Nice+20)/5
	}
	return bestEffort<<classShift | (s.Nice+20)/5
}

// SetIOPrio is ioprio_set(2) with a priority that has been checked. There are no disks.
func (t *Task) SetIOPrio(which, who, prio int) error {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	list, err := t.eachLocked(which, who)
	if err != nil {
		return err
	}
	c := t.cred.Load()
	for _, u := range list {
		if o := u.cred.Load(); o.UID != c.EUID && o.UID != c.UID && !c.Has(linux.CAP_SYS_NICE) {
			return linux.EPERM
		}
		u.sched.IOPrio = prio
	}
	return nil
}
