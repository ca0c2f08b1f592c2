package kernel

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/seccomp"
)

// Seccomp is what a thread's system calls are held against, seccomp(2). Programs of
// machine code ask for it at each call; the shell and WASI modules, which make no such
// calls, hand it on.
type Seccomp struct {
	Strict bool
	Filter *seccomp.Filter
}

// Seccomp returns it, nil when there is none. Safe from any goroutine.
func (t *Task) Seccomp() *Seccomp { return t.seccomp.Load() }

// Mode is SECCOMP_MODE_*, as prctl(PR_GET_SECCOMP) tells it.
func (s *Seccomp) Mode() int {
	switch {
	case s == nil:
		return linux.SECCOMP_MODE_DISABLED
	case s.Strict:
		return linux.SECCOMP_MODE_STRICT
	}
	return linux.SECCOMP_MODE_FILTER
}

// SeccompStrict is SECCOMP_SET_MODE_STRICT.
func (t *Task) SeccompStrict() error {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	if t.Seccomp().Mode() == linux.SECCOMP_MODE_FILTER {
		return linux.EINVAL
	}
	t.seccomp.Store(&Seccomp{Strict: true})
	return nil
}

// MayFilter reports whether the task may add filters: with PR_SET_NO_NEW_PRIVS, or
// CAP_SYS_ADMIN.
func (t *Task) MayFilter() bool {
	c := t.cred.Load()
	return c.NoNewPrivs || c.Has(linux.CAP_SYS_ADMIN)
}

// filterBytes is what an instruction of a filter is charged for.
const filterBytes = 8

// SeccompFilter is SECCOMP_SET_MODE_FILTER. With SECCOMP_FILTER_FLAG_TSYNC all threads
// of the process get the filter, or none: the answer is the id of one that has others,
// or with SECCOMP_FILTER_FLAG_TSYNC_ESRCH that error.
func (t *Task) SeccompFilter(code []seccomp.Insn, flags int) (int, error) {
	k := t.k
	k.mu.Lock()
	defer k.mu.Unlock()
	old := t.Seccomp()
	var prev *seccomp.Filter
	if old != nil {
		if old.Strict {
			return 0, linux.EINVAL
		}
		prev = old.Filter
	}
	if flags&linux.SECCOMP_FILTER_FLAG_TSYNC != 0 {
		for _, u := range t.proc.tasks {
			if s := u.Seccomp(); u != t && s != nil && (s.Strict || !prev.Has(s.Filter)) {
				if flags&linux.SECCOMP_FILTER_FLAG_TSYNC_ESRCH != 0 {
					return 0, linux.ESRCH
				}
				return u.tid, nil
			}
		}
	}
	f, err := seccomp.New(prev, code)
	if err != nil {
		return 0, err
	}
	if !k.filters.add(k, f) {
		return 0, linux.ENOMEM
	}
	next := &Seccomp{Filter: f}
	t.setSeccompLocked(next)
	if flags&linux.SECCOMP_FILTER_FLAG_TSYNC == 0 {
		return 0, nil
	}
	for _, u := range t.proc.tasks {
		if u == t {
			continue
		}
		u.setSeccompLocked(next)
		if f := u.interrupt.Load(); f != nil {
			(*f)() // it may answer calls by itself
		}
		if t.cred.Load().NoNewPrivs {
			c := *u.cred.Load()
			c.NoNewPrivs = true
			u.setCred(c)
		}
	}
	return 0, nil
}

// filterTable counts who has a filter: threads, and filters that were added to it. What
// nobody has is not paid for any more. Guarded by Kernel.mu.
type filterTable map[*seccomp.Filter]int

// add pays for a new filter, which nobody has yet.
func (ft filterTable) add(k *Kernel, f *seccomp.Filter) bool {
	if !k.admit(int64(f.Len()) * filterBytes) {
		return false
	}
	ft[f] = 0
	if f.Prev() != nil {
		ft[f.Prev()]++
	}
	return true
}

// drop counts a user out.
func (ft filterTable) drop(k *Kernel, f *seccomp.Filter) {
	for ; f != nil; f = f.Prev() {
		if ft[f]--; ft[f] > 0 {
			return
		}
		delete(ft, f)
		k.charge(-int64(f.Len()) * filterBytes)
	}
}

// setSeccompLocked gives the thread other filters, none at its end.
func (t *Task) setSeccompLocked(s *Seccomp) {
	old := t.seccomp.Swap(s)
	if s != nil && s.Filter != nil {
		t.k.filters[s.Filter]++
	}
	if old != nil && old.Filter != nil {
		t.k.filters.drop(t.k, old.Filter)
	}
}

// Die ends the thread as a signal would that nobody can handle; the whole process when
// all is set or it is the only one. The program must return then.
func (t *Task) Die(sig linux.Signal, all bool) {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	if all || len(t.proc.tasks) == 1 {
		t.proc.exitGroupLocked(linux.SignalStatus(sig, false))
		return
	}
	t.threadOnly = true
}
