package kernel

import (
	"context"
	"slices"

	"github.com/sbxrun/sbx/abi/linux"
)

// CloneOpts says what a new task shares with its maker, clone(2). Memory is the
// business of executors.
type CloneOpts struct {
	Thread  bool // CLONE_THREAD: a thread of the same process; implies Sighand
	Files   bool // CLONE_FILES
	FS      bool // CLONE_FS
	Sighand bool // CLONE_SIGHAND
	Parent  bool // CLONE_PARENT: a sibling
	SysVSem bool // CLONE_SYSVSEM: SEM_UNDO is for all of them
	// ExitSignal is sent to the parent at the end; 0 is none. Fork uses SIGCHLD.
	ExitSignal linux.Signal
	// OnExit runs when the task ends, for CLONE_CHILD_CLEARTID.
	OnExit func()
}

// Fork is fork(2): the child is a copy of the caller but for its program.
func (t *Task) Fork(p Program) (*Task, error) {
	return t.Clone(CloneOpts{ExitSignal: linux.SIGCHLD}, p)
}

// Clone is clone(2): EAGAIN at the limit of tasks.
func (t *Task) Clone(o CloneOpts, p Program) (*Task, error) {
	if err := t.enter(); err != nil {
		return nil, err
	}
	c := t.child(o)
	if err := t.k.attach(t, c, o); err != nil {
		c.release()
		return nil, err
	}
	t.k.start(c, p)
	return c, nil
}

// child makes a task that is in no table yet.
func (t *Task) child(o CloneOpts) *Task {
	c := t.k.newTask()
	c.cred.Store(t.cred.Load())
	c.comm.Store(t.comm.Load())
	c.image.Store(t.image.Load().ref())
	c.clearTID = o.OnExit
	if o.Files {
		c.files = t.files.share()
	} else {
		c.files = t.files.copy()
	}
	if o.FS {
		c.fs = t.fs.share()
	} else {
		c.fs = t.fs.copy()
	}
	if o.SysVSem {
		c.undo = t.semUndo().Share()
	}
	return c
}

// share counts another task in.
func (d *fdTable) share() *fdTable {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users++
	return d
}

func (k *Kernel) newTask() *Task {
	t := &Task{k: k, waker: newWaker(), started: k.clock.Monotonic()}
	t.ctx, t.cancel = context.WithCancel(k.ctx)
	return t
}

// attach puts a new task into the process table.
func (k *Kernel) attach(t, c *Task, o CloneOpts) error {
	nproc := t.rlimit(linux.RLIMIT_NPROC)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ending || t.dead.Load() {
		return linux.EAGAIN
	}
	if cr := t.cred.Load(); nproc != linux.RLIM_INFINITY && cr.UID != 0 && !cr.Has(linux.CAP_SYS_RESOURCE) &&
		!cr.Has(linux.CAP_SYS_ADMIN) && uint64(k.countLocked(cr.UID)) >= nproc {
		return linux.EAGAIN
	}
	id, err := k.allocLocked()
	if err != nil {
		return err
	}
	c.tid, c.mask, c.sched, c.mempolicy = id, t.mask, t.sched.inherit(), t.mempolicy
	if t.restoreMask {
		c.mask = t.savedMask
	}
	c.setSeccompLocked(t.Seccomp())
	if o.Thread {
		c.proc = t.proc
		t.proc.tasks = append(t.proc.tasks, c)
		if t.proc.stopping {
			t.proc.stopLeft++
		}
	} else {
		k.newProcessLocked(t, c, o)
	}
	if o.Thread && t.proc.stopping || k.halted != nil || k.throttle.gate.Load() != nil {
		c.attention.Store(true)
	}
	k.tasks[id] = c
	k.forks.Add(1)
	return nil
}

// countLocked counts the tasks of a user.
func (k *Kernel) countLocked(uid uint32) int {
	n := 0
	for _, t := range k.tasks {
		if t.cred.Load().UID == uid {
			n++
		}
	}
	return n
}

// newProcessLocked makes the process of a forked task.
func (k *Kernel) newProcessLocked(t, c *Task, o CloneOpts) {
	old := t.proc
	p := &Process{
		k: k, pid: c.tid, done: make(chan struct{}), start: k.clock.Monotonic(), startWall: k.clock.Now(),
		leader: c, tasks: []*Task{c}, exitSig: o.ExitSignal, sigs: old.sigs, ctty: old.ctty, limits: old.limits.copy(), undumpable: old.undumpable, loginUID: old.loginUID,
	}
	if !o.Sighand {
		a := *old.sigs
		p.sigs = &a
	}
	c.proc = p
	p.parent, p.maker = old, t
	if o.Parent {
		p.parent, p.maker = old.parent, old.maker
	}
	if p.parent != nil {
		p.parent.children = append(p.parent.children, p)
	}
	k.joinLocked(p, old.group)
	k.procs[p.pid] = p
	p.watchCPULocked()
}

// start lets an attached task run.
func (k *Kernel) start(t *Task, p Program) {
	t.running.Store(&p)
	k.wg.Add(1)
	go t.run(p)
}

// release gives back what a task holds, but for its place in the table.
func (t *Task) release() {
	t.cancel()
	t.UnshareSem()
	if t.files != nil {
		t.files.drop(t)
	}
	if t.fs != nil {
		t.fs.drop()
	}
	if im := t.image.Load(); im != nil {
		im.unref(t.k)
	}
}

// drop counts a task out; the last one closes all files.
func (d *fdTable) drop(t *Task) {
	d.mu.Lock()
	d.users--
	last := d.users == 0
	d.mu.Unlock()
	if !last {
		return
	}
	for _, f := range d.takeAll(false) {
		t.dropped(f)
	}
}

// Unshare gives the task its own descriptor table and filesystem context,
// unshare(2) with CLONE_FILES and CLONE_FS.
func (t *Task) Unshare(files, fs bool) {
	if files {
		old, own := t.files, t.files.copy()
		t.k.mu.Lock()
		t.files = own
		t.k.mu.Unlock()
		old.drop(t)
	}
	if fs {
		old, own := t.fs, t.fs.copy()
		t.k.mu.Lock()
		t.fs = own
		t.k.mu.Unlock()
		old.drop()
	}
}

// removeProc takes a process out of a list.
func removeProc(list []*Process, p *Process) []*Process {
	return slices.DeleteFunc(list, func(q *Process) bool { return q == p })
}
