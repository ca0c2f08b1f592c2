package kernel

import "github.com/sbxrun/sbx/abi/linux"

// firstLimits are the limits of a new process of the host's.
func (k *Kernel) firstLimits() *rlimits {
	r := &rlimits{}
	for i := range r.l {
		r.l[i] = linux.Rlimit{Cur: linux.RLIM_INFINITY, Max: linux.RLIM_INFINITY}
	}
	r.l[linux.RLIMIT_STACK].Cur = 8 << 20
	r.l[linux.RLIMIT_CORE] = linux.Rlimit{Cur: 0, Max: linux.RLIM_INFINITY}
	r.l[linux.RLIMIT_NOFILE] = linux.Rlimit{Cur: 1024, Max: 524288}
	r.l[linux.RLIMIT_MEMLOCK] = linux.Rlimit{Cur: 8 << 20, Max: 8 << 20}
	r.l[linux.RLIMIT_SIGPENDING] = linux.Rlimit{Cur: maxQueued, Max: maxQueued}
	r.l[linux.RLIMIT_MSGQUEUE] = linux.Rlimit{Cur: 819200, Max: 819200}
	r.l[linux.RLIMIT_NICE] = linux.Rlimit{}
	r.l[linux.RLIMIT_RTPRIO] = linux.Rlimit{}
	for n, l := range k.cfg.Rlimits {
		r.l[n] = l
	}
	return r
}

// copy is what fork does.
func (r *rlimits) copy() *rlimits {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &rlimits{l: r.l}
}

// rlimit returns the soft limit of a resource.
func (t *Task) rlimit(res int) uint64 { return t.proc.limits.get(res).Cur }

func (r *rlimits) get(res int) linux.Rlimit {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.l[res]
}

// nofile is RLIMIT_NOFILE as a descriptor number.
func (t *Task) nofile() int { return int(min(t.rlimit(linux.RLIMIT_NOFILE), maxFD)) }

// Getrlimit is getrlimit(2).
func (t *Task) Getrlimit(res int) (linux.Rlimit, error) { return t.Prlimit(0, res, nil) }

// Setrlimit is setrlimit(2): raising the hard limit needs CAP_SYS_RESOURCE.
func (t *Task) Setrlimit(res int, l linux.Rlimit) error {
	_, err := t.Prlimit(0, res, &l)
	return err
}

// Prlimit is prlimit(2): it returns a limit of the process of a task, 0 is the caller's, and sets
// it if l is not nil. Another process must have the caller's ids, unless CAP_SYS_RESOURCE is had.
func (t *Task) Prlimit(tid, res int, l *linux.Rlimit) (linux.Rlimit, error) {
	p, err := t.limited(tid)
	if err != nil {
		return linux.Rlimit{}, err
	}
	if res < 0 || res >= linux.RLIM_NLIMITS || l != nil && l.Cur > l.Max {
		return linux.Rlimit{}, linux.EINVAL
	}
	if l == nil {
		return p.limits.get(res), nil
	}
	old, err := p.limits.set(res, *l, t.cred.Load().Has(linux.CAP_SYS_RESOURCE))
	if err == nil && res == linux.RLIMIT_CPU {
		t.k.mu.Lock()
		if !p.zombie {
			p.watchCPULocked()
		}
		t.k.mu.Unlock()
	}
	return old, err
}

// set sets a limit and returns what it was. Without the right to, the hard limit may not rise.
func (r *rlimits) set(res int, l linux.Rlimit, raise bool) (old linux.Rlimit, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old = r.l[res]
	if l.Max > old.Max && !raise || res == linux.RLIMIT_NOFILE && l.Max > maxFD {
		return old, linux.EPERM
	}
	r.l[res] = l
	return old, nil
}

// limited finds the process whose limits a task may see and set.
func (t *Task) limited(tid int) (*Process, error) {
	if tid == 0 {
		return t.proc, nil
	}
	t.k.mu.Lock()
	other := t.k.tasks[tid]
	t.k.mu.Unlock()
	if other == nil {
		return nil, linux.ESRCH
	}
	c, o := t.cred.Load(), other.cred.Load()
	same := c.UID == o.UID && c.UID == o.EUID && c.UID == o.SUID && c.GID == o.GID && c.GID == o.EGID && c.GID == o.SGID
	if other != t && !same && !c.Has(linux.CAP_SYS_RESOURCE) {
		return nil, linux.EPERM
	}
	return other.proc, nil
}
