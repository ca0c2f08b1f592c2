package kernel

import "github.com/sbxrun/sbx/abi/linux"

// defaultLimits are the limits of a new process of the host's.
func defaultLimits() *rlimits {
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
	return r
}

// copy is what fork does.
func (r *rlimits) copy() *rlimits {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &rlimits{l: r.l}
}

// rlimit returns the soft limit of a resource.
func (t *Task) rlimit(res int) uint64 {
	r := t.proc.limits
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.l[res].Cur
}

// nofile is RLIMIT_NOFILE as a descriptor number.
func (t *Task) nofile() int { return int(min(t.rlimit(linux.RLIMIT_NOFILE), maxFD)) }

// Getrlimit is getrlimit(2).
func (t *Task) Getrlimit(res int) (linux.Rlimit, error) {
	if res < 0 || res >= linux.RLIM_NLIMITS {
		return linux.Rlimit{}, linux.EINVAL
	}
	r := t.proc.limits
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.l[res], nil
}

// Setrlimit is setrlimit(2): raising the hard limit needs CAP_SYS_RESOURCE.
func (t *Task) Setrlimit(res int, l linux.Rlimit) error {
	if res < 0 || res >= linux.RLIM_NLIMITS || l.Cur > l.Max {
		return linux.EINVAL
	}
	r := t.proc.limits
	r.mu.Lock()
	defer r.mu.Unlock()
	if l.Max > r.l[res].Max && !t.cred.Load().Has(linux.CAP_SYS_RESOURCE) {
		return linux.EPERM
	}
	if res == linux.RLIMIT_NOFILE && l.Max > maxFD {
		return linux.EPERM
	}
	r.l[res] = l
	return nil
}
