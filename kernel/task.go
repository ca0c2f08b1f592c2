package kernel

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/ipc"
)

// Task is a thread: what the scheduler of Linux would run. Its methods are
// system calls and are called from its own goroutine, but for those that say
// otherwise.
type Task struct {
	k    *Kernel
	tid  int
	proc *Process

	ctx    context.Context
	cancel context.CancelFunc
	waker  *waker

	// attention says that something is to be looked at before the task blocks:
	// a signal, a stop, death. dead says that it must end.
	attention atomic.Bool
	dead      atomic.Bool
	interrupt atomic.Pointer[func()] // called with attention

	// Of the task itself; others read them with care.
	cred       atomic.Pointer[Credentials]
	running    atomic.Pointer[Program] // what run is in, for /proc
	image      atomic.Pointer[image]
	comm       atomic.Pointer[string]
	seccomp    atomic.Pointer[Seccomp]
	fs         *fsContext
	files      *fdTable
	loading    *image    // what exec(2) is making, for loaders
	undo       *ipc.Undo // SEM_UNDO; nil until it is needed
	next       Program   // set by Exec: what runs when the present program returns
	threadOnly bool      // ExitThread was called
	mempolicy  Mempolicy

	// Guarded by Kernel.mu.
	mask        linux.SigSet
	savedMask   linux.SigSet // what Sigsuspend puts back
	restoreMask bool
	pending     pendingSet
	awaited     linux.SigSet // what Sigtimedwait waits for
	stopped     bool         // takes part in the group's stop
	frozen      bool         // halted by Kernel.Freeze
	exited      bool
	exitCode    linux.WaitStatus
	sched       Sched
	pdeathsig   linux.Signal // PR_SET_PDEATHSIG
	clearTID    func()       // run when the thread ends: CLONE_CHILD_CLEARTID

	// Accounting.
	started time.Duration // of the monotonic clock
	blocked atomic.Int64  // nanoseconds spent waiting, for something or for a processor
	told    atomic.Int64  // the most CPU time that was ever told
	slice   slice         // of the goroutine
	// asleepSince is when the present wait began, plus one; 0 while it runs.
	asleepSince atomic.Int64
	waits       atomic.Int64
	sleeping    atomic.Bool
	ended       atomic.Int64 // CPU time at the end, while the goroutine is gone
}

// Process returns the task's thread group.
func (t *Task) Process() *Process { return t.proc }

// Kernel returns the task's kernel.
func (t *Task) Kernel() *Kernel { return t.k }

// Context is done when the task must end: a fatal signal, the end of its
// process, or the kernel's Close. Safe from any goroutine.
func (t *Task) Context() context.Context { return t.ctx }

// Getpid is getpid(2).
func (t *Task) Getpid() int { return t.proc.pid }

// Gettid is gettid(2).
func (t *Task) Gettid() int { return t.tid }

// Getppid is getppid(2): 0 when the parent is outside of the sandbox.
func (t *Task) Getppid() int {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	return t.proc.ppidLocked()
}

// Argv returns the arguments of the running image.
func (t *Task) Argv() []string { return t.image.Load().argv }

// Env returns the environment that the image started with.
func (t *Task) Env() []string { return t.image.Load().env }

// Comm is the short name, PR_GET_NAME.
func (t *Task) Comm() string { return *t.comm.Load() }

// SetComm is PR_SET_NAME: at most 15 bytes are kept.
func (t *Task) SetComm(name string) {
	if len(name) > 15 {
		name = name[:15]
	}
	t.comm.Store(&name)
}

// Exit is for programs that cannot return a code: it sets the status that the
// process ends with once Run returns, and ends the task's context.
func (t *Task) Exit(code int) {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	t.proc.exitGroupLocked(linux.ExitStatus(code))
}

// SetInterrupt has f called when the task should look at its signals soon, for
// programs that do not come to the kernel by themselves. It must not block, and may be
// called from any goroutine; nil ends that.
func (t *Task) SetInterrupt(f func()) {
	if f == nil {
		t.interrupt.Store(nil)
		return
	}
	t.interrupt.Store(&f)
	if t.attention.Load() {
		f()
	}
}

// Attend does what is due before a program goes on: it stops, dies, acts on signals
// without handlers. It reports whether signals are there to be handled, for
// DequeueSignal. A dead task's Context is done.
func (t *Task) Attend() bool {
	if !t.attention.Load() {
		return false
	}
	_, err := t.attend()
	return err != nil && !t.dead.Load()
}

// run is the goroutine of a task.
func (t *Task) run(p Program) {
	defer t.k.wg.Done()
	t.blocked.Add(int64(t.k.clock.Monotonic() - t.started))
	for {
		now := p
		t.running.Store(&now)
		code, ok := t.runOnce(p)
		if next := t.next; ok && next != nil && !t.dead.Load() {
			t.next, p = nil, next
			continue
		} else if next != nil {
			unload(next) // killed in the middle of exec
		}
		t.end(code)
		return
	}
}

// runOnce runs a program; a panic is the death of the task and of nothing else.
func (t *Task) runOnce(p Program) (code int, ok bool) {
	defer func() {
		if ok {
			return
		}
		r := recover() // nil after runtime.Goexit as well
		t.k.reportPanic(t, r)
		t.k.mu.Lock()
		t.proc.exitGroupLocked(linux.SignalStatus(linux.SIGSEGV, false))
		t.k.mu.Unlock()
	}()
	return p.Run(t), true
}
