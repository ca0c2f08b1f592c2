package kernel

import (
	"slices"

	"github.com/sbxrun/sbx/abi/linux"
)

// Exec is execve(2). After nil the calling Program must return at once: its
// result is ignored, and the new program runs in the same task. On an error
// nothing has changed. Other threads of the process are gone after it.
func (t *Task) Exec(path string, argv, env []string) error {
	if err := t.enter(); err != nil {
		return err
	}
	im, err := t.load(path, argv, env)
	if err != nil {
		return err
	}
	if err := t.becomeAlone(); err != nil {
		im.discard(t.k)
		return err
	}
	t.Unshare(true, true)
	t.become(im)
	t.next = im.prog
	return nil
}

// becomeAlone ends the other threads and takes the pid of the leader.
func (t *Task) becomeAlone() error {
	k, p := t.k, t.proc
	k.mu.Lock()
	for _, u := range p.tasks {
		if u != t {
			u.killLocked()
		}
	}
	alone := len(p.tasks) == 1
	k.mu.Unlock()
	if !alone {
		err := t.await(&p.threadQ, forever, func() bool {
			k.mu.Lock()
			defer k.mu.Unlock()
			return len(p.tasks) == 1
		})
		if err != nil && t.dead.Load() {
			return err
		}
		if err != nil {
			return t.becomeAlone()
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if p.leader != t {
		delete(k.tasks, t.tid)
		t.tid, p.leader = p.pid, t
		k.tasks[t.tid] = t
	}
	return nil
}

// become makes im the image of a task: what execve(2) keeps and resets.
func (t *Task) become(im *image) {
	for _, f := range t.files.takeAll(true) {
		t.dropped(f)
	}
	if im.hasCred {
		t.setCred(im.cred)
	}
	if old := t.image.Swap(im); old != nil {
		old.unref(t.k)
	}
	t.SetComm(im.comm)
	t.proc.freeMemory()
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	p := t.proc
	p.execed = true
	c := t.cred.Load()
	if p.undumpable = c.UID != c.EUID || c.GID != c.EGID; p.undumpable {
		t.pdeathsig = 0
	}
	p.stopTimersLocked(true)
	p.exitSig = linux.SIGCHLD
	t.clearTID = nil
	a := &sigActions{}
	for s := range p.sigs.a {
		if p.sigs.a[s].Disp == SigIgnore {
			a.a[s].Disp = SigIgnore
		}
	}
	p.sigs = a
}

// Spawn is fork and exec in one: the errors of both come back to the caller, who
// gets the child's pid.
func (t *Task) Spawn(o SpawnOpts) (int, error) {
	if err := t.enter(); err != nil {
		return 0, err
	}
	c := t.child(CloneOpts{})
	c.proc = t.proc // for limits, until it has its own
	im, err := t.prepare(c, &o)
	if err == nil {
		err = t.k.attach(t, c, CloneOpts{ExitSignal: linux.SIGCHLD})
		if err != nil {
			im.discard(t.k)
		}
	}
	if err != nil {
		c.release()
		return 0, err
	}
	pid := c.tid
	err = t.settle(c, &o)
	if err != nil {
		im.discard(t.k)
		c.abort()
		return 0, err
	}
	c.become(im)
	t.k.start(c, im.prog)
	return pid, nil
}

// prepare does what can fail before the child has a pid.
func (t *Task) prepare(c *Task, o *SpawnOpts) (*image, error) {
	if err := c.arrange(o.Files, o.CloseOthers); err != nil {
		return nil, err
	}
	if o.Cwd != "" {
		if err := c.Chdir(o.Cwd); err != nil {
			return nil, err
		}
	}
	if o.Umask != nil {
		c.Umask(*o.Umask)
	}
	env := o.Env
	if env == nil {
		env = t.Env()
	}
	path, err := c.LookPath(o.Path, env)
	if err != nil {
		return nil, err
	}
	argv := o.Argv
	if len(argv) == 0 {
		argv = []string{o.Path}
	}
	return c.load(path, argv, env)
}

// arrange maps descriptors of the child's table, all at once: a map may swap.
func (c *Task) arrange(files map[int]int, closeOthers bool) error {
	held := make(map[int]*File, len(files))
	drop := func() {
		for _, f := range held {
			f.decref(c)
		}
	}
	for to, from := range files {
		if to < 0 || to >= limitFD(c.nofile()) {
			drop()
			return linux.EBADF
		}
		if from < 0 {
			continue
		}
		f, err := c.files.get(from)
		if err != nil {
			drop()
			return err
		}
		held[to] = f
	}
	if closeOthers {
		for _, f := range c.files.takeAll(false) {
			f.decref(c)
		}
	}
	for to := range files {
		if f := held[to]; f == nil {
			if old, err := c.files.take(to); err == nil {
				old.decref(c)
			}
		} else if old := c.files.set(to, f, false); old != nil {
			old.decref(c)
		}
	}
	return nil
}

// settle gives the child its group, session, signals and terminal.
func (t *Task) settle(c *Task, o *SpawnOpts) error {
	k, p := t.k, c.proc
	k.mu.Lock()
	var err error
	switch {
	case o.Setsid:
		k.newSessionLocked(p)
	case o.Setpgid == PgidNew:
		err = k.setpgidLocked(p, p.pid)
	case o.Setpgid > 0:
		err = k.setpgidLocked(p, o.Setpgid)
	}
	for s := range p.sigs.a {
		if s > 0 && o.SigDefault.Has(linux.Signal(s)) {
			p.sigs.a[s] = Action{}
		}
	}
	if o.SigMask != nil {
		c.mask = *o.SigMask &^ unblockable
	}
	pgid := p.group.id
	k.mu.Unlock()
	if err == nil && o.Foreground {
		t.foreground(pgid)
	}
	return err
}

// abort takes an attached task back that never ran.
func (c *Task) abort() {
	c.release()
	k := c.k
	k.mu.Lock()
	defer k.mu.Unlock()
	c.setSeccompLocked(nil)
	p := c.proc
	p.tasks = nil
	p.zombie, p.exiting = true, true
	close(p.done)
	p.reapLocked()
}

// Exec says what Start runs.
type Exec struct {
	// Path is the program; "" looks Argv[0] up in PATH of Env.
	Path      string
	Argv, Env []string
	// Program runs instead of a file when it is set.
	Program Program
	Cwd     string // "" is "/"
	Cred    Credentials
	Umask   uint32
	// Files become descriptors 0, 1, 2 and so on; nil ones are closed. The
	// process takes references of its own: close yours.
	Files []*File
	// CTTY becomes the controlling terminal of the new session.
	CTTY *TTY
	// NewSession starts a session; without a Parent there always is a new one.
	NewSession bool
	// Parent is who can wait for the process; nil is the host alone.
	Parent *Task
}

// Start starts a process; the first is process 1. Errors are linux.Errno,
// wrapped with the path: ENOENT, EACCES, ENOEXEC and so on. After the end of
// process 1 nothing can be started: ESRCH.
func (k *Kernel) Start(e Exec) (*Process, error) {
	c := k.newTask()
	c.files = newFDTable()
	c.proc = &Process{k: k, limits: k.firstLimits()}
	c.setCred(e.Cred)
	none := &image{argv: slices.Clone(e.Argv), env: slices.Clone(e.Env)}
	none.refs.Store(1)
	c.image.Store(none)
	c.SetComm("")
	root := k.ns.RootLoc()
	root.Ref()
	root.Ref()
	c.fs = &fsContext{users: 1, root: root, cwd: root, umask: e.Umask & 0o777}
	for i, f := range e.Files {
		if f != nil {
			c.files.set(i, f.Ref(), false)
		}
	}
	p, err := k.startTask(c, &e)
	if err != nil {
		c.release()
		return nil, err
	}
	return p, nil
}

// startTask loads the program and lets the task go.
func (k *Kernel) startTask(c *Task, e *Exec) (*Process, error) {
	if e.Cwd != "" {
		if err := c.Chdir(e.Cwd); err != nil {
			return nil, pathError("chdir", e.Cwd, err)
		}
	}
	im, err := c.startImage(e)
	if err != nil {
		return nil, err
	}
	p, err := k.attachFirst(c, e)
	if err != nil {
		im.discard(k)
		return nil, pathError("start", e.Path, err)
	}
	c.become(im)
	if e.CTTY != nil {
		e.CTTY.adopt(c)
	}
	k.start(c, im.prog)
	return p, nil
}

// startImage loads what Start asks for.
func (c *Task) startImage(e *Exec) (*image, error) {
	if e.Program != nil {
		im := &image{prog: e.Program, argv: slices.Clone(e.Argv), env: slices.Clone(e.Env)}
		im.refs.Store(1)
		if len(im.argv) > 0 {
			im.comm = comm(im.argv[0])
		}
		return im, nil
	}
	path := e.Path
	if path == "" && len(e.Argv) > 0 {
		found, err := c.LookPath(e.Argv[0], e.Env)
		if err != nil {
			return nil, pathError("exec", e.Argv[0], err)
		}
		path = found
	}
	im, err := c.load(path, e.Argv, e.Env)
	if err != nil {
		return nil, pathError("exec", path, err)
	}
	return im, nil
}

// attachFirst puts a task of the host's into the process table.
func (k *Kernel) attachFirst(c *Task, e *Exec) (*Process, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ending || e.Parent != nil && e.Parent.proc.zombie {
		return nil, linux.ESRCH
	}
	id, err := k.allocLocked()
	if err != nil {
		return nil, err
	}
	p := c.proc
	p.pid, p.done, p.leader, p.tasks = id, make(chan struct{}), c, []*Task{c}
	p.start, p.startWall = k.clock.Monotonic(), k.clock.Now()
	p.sigs, p.exitSig = &sigActions{}, linux.SIGCHLD
	c.tid, c.sched.CPUs = id, k.allCPUs()
	k.procs[id], k.tasks[id] = p, c
	c.attention.Store(k.halted != nil)
	if k.init == nil {
		k.init = p
	}
	if e.Parent != nil {
		p.parent, p.maker = e.Parent.proc, e.Parent
		p.parent.children = append(p.parent.children, p)
		p.ctty = p.parent.ctty
	}
	if e.Parent != nil && !e.NewSession && p.parent.group != nil {
		k.joinLocked(p, p.parent.group)
	} else {
		k.newSessionLocked(p)
	}
	p.watchCPULocked()
	return p, nil
}
