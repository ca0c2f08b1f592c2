package kernel

import "github.com/sbxrun/sbx/abi/linux"

// The range of nice(2).
const (
	niceMin = -20
	niceMax = 19
)

// Nice returns the niceness of the process. It is kept, inherited and shown in
// /proc; the goroutines behind guests are all scheduled alike.
func (t *Task) Nice() int {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	return t.proc.nice
}

// SetNice is setpriority(2) for the caller: what is out of range is cut, and
// EACCES for less than now without CAP_SYS_NICE or a limit that lets it.
func (t *Task) SetNice(n int) error {
	n = min(max(n, niceMin), niceMax)
	floor := t.rlimit(linux.RLIMIT_NICE)
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	if n < t.proc.nice && uint64(20-n) > floor && !t.cred.Load().Has(linux.CAP_SYS_NICE) {
		return linux.EACCES
	}
	t.proc.nice = n
	return nil
}
