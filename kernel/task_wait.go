package kernel

import "github.com/sbxrun/sbx/abi/linux"

// waitOptions are those of wait4(2) and waitid(2) alike.
const waitOptions = linux.WNOHANG | linux.WCONTINUED | linux.WNOWAIT | linux.WNOTHREAD | linux.WALL | linux.WCLONE

// Wait4 is wait4(2): pid > 0 is a child, -1 any, 0 one of the caller's group, -N
// one of group N. Options are WNOHANG (0 when there is nothing yet), WUNTRACED,
// WCONTINUED, WNOWAIT, WNOTHREAD, WALL and WCLONE. ECHILD when there is no such child.
func (t *Task) Wait4(pid, options int) (int, linux.WaitStatus, Rusage, error) {
	if options&^(linux.WUNTRACED|waitOptions) != 0 {
		return 0, 0, Rusage{}, linux.EINVAL
	}
	if pid == -1<<31 {
		return 0, 0, Rusage{}, linux.ESRCH
	}
	if err := t.enter(); err != nil {
		return 0, 0, Rusage{}, err
	}
	w := waiter{t: t, pid: pid, options: options | linux.WEXITED}
	if options&linux.WNOHANG != 0 {
		w.look()
		return w.got, w.status, w.usage, w.err
	}
	if err := t.await(&t.proc.childQ, forever, w.look); err != nil {
		return 0, 0, Rusage{}, err
	}
	return w.got, w.status, w.usage, w.err
}

// waiter is one wait4.
type waiter struct {
	t            *Task
	pid, options int
	group        int      // not 0: a group, whatever pid says
	only         *Process // not nil: this one, likewise

	got    int
	info   SigInfo
	status linux.WaitStatus
	usage  Rusage
	err    error
}

// look finds a child with news; it reports false when there is only a child to
// wait for.
func (w *waiter) look() bool {
	k := w.t.k
	k.mu.Lock()
	defer k.mu.Unlock()
	any := false
	for _, c := range w.t.proc.children {
		if !w.matches(c) || !w.eligible(c) {
			continue
		}
		any = true
		if w.take(c) {
			return true
		}
	}
	if !any {
		w.err = linux.ECHILD
		return true
	}
	return false
}

func (w *waiter) matches(c *Process) bool {
	switch {
	case w.only != nil:
		return c == w.only
	case w.group != 0:
		return c.group != nil && c.group.id == w.group
	case w.pid > 0:
		return c.pid == w.pid
	case w.pid == 0:
		return c.group == w.t.proc.group
	case w.pid < -1:
		return c.group != nil && c.group.id == -w.pid
	}
	return true
}

// eligible reports whether the options let the child be waited for.
func (w *waiter) eligible(c *Process) bool {
	if w.options&linux.WNOTHREAD != 0 {
		m := c.maker
		if m == nil || m.exited {
			m = w.t.proc.tasks[0]
		}
		if m != w.t {
			return false
		}
	}
	return w.options&linux.WALL != 0 || (w.options&linux.WCLONE != 0) == (c.exitSig != linux.SIGCHLD)
}

// take takes what there is to tell of a child.
func (w *waiter) take(c *Process) bool {
	keep := w.options&linux.WNOWAIT != 0
	switch {
	case c.zombie:
		if w.options&linux.WEXITED == 0 {
			return false
		}
		w.info = c.endInfo()
		w.status, w.usage = c.status, c.usage
		w.usage.add(c.childUsage)
		if !keep {
			w.t.proc.childUsage.add(w.usage)
			c.reapLocked()
		}
	case c.waitStop && w.options&linux.WUNTRACED != 0:
		w.status, w.usage = linux.StopStatus(c.stopSig), c.usageLocked()
		w.info = c.childInfo(CLD_STOPPED, int32(c.stopSig))
		c.waitStop = keep
	case c.waitCont && w.options&linux.WCONTINUED != 0:
		w.status, w.usage = linux.ContinuedStatus, c.usageLocked()
		w.info = c.childInfo(CLD_CONTINUED, int32(linux.SIGCONT))
		c.waitCont = keep
	default:
		return false
	}
	w.got = c.pid
	return true
}
