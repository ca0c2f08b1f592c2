package kernel

import "github.com/sbxrun/sbx/abi/linux"

// SetPdeathsig is PR_SET_PDEATHSIG: the signal that the task's process gets when the
// thread that made it, or whoever became its parent since, ends; 0 is none.
func (t *Task) SetPdeathsig(sig int) error {
	if sig < 0 || sig >= linux.NSIG {
		return linux.EINVAL
	}
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	t.pdeathsig = linux.Signal(sig)
	return nil
}

// Pdeathsig is PR_GET_PDEATHSIG.
func (t *Task) Pdeathsig() linux.Signal {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	return t.pdeathsig
}

// leaveChildrenLocked tells the processes that a thread made of its end. Another thread
// of its process is their parent then, as long as there is one.
func (t *Task) leaveChildrenLocked() {
	p := t.proc
	for _, c := range p.children {
		if c.maker != t {
			continue
		}
		c.maker = nil
		for _, u := range p.tasks {
			if u != t {
				c.maker = u
				break
			}
		}
		for _, u := range c.tasks {
			if u.pdeathsig != 0 {
				c.sendLocked(nil, SigInfo{Signo: u.pdeathsig, Code: SI_USER, PID: p.pid, UID: t.cred.Load().UID}, false)
			}
		}
	}
}
