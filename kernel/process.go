package kernel

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/tty"
)

// Process is a thread group. Its methods are for the host and safe from any
// goroutine.
type Process struct {
	k    *Kernel
	pid  int
	done chan struct{} // closed when the process is a zombie

	start     time.Duration // of the monotonic clock
	startWall time.Time
	childQ    Queue // a child changed its state
	threadQ   Queue // a thread ended
	sigQ      Queue // a signal became pending
	endQ      Queue // the process became a zombie, or was reaped

	// Guarded by Kernel.mu.
	parent     *Process
	maker      *Task      // the thread of the parent that made it, nil when the parent has it from another
	children   []*Process // in order of birth
	tasks      []*Task    // live threads; the first is the leader while it lives
	leader     *Task      // the thread that gave the process its pid
	group      *group
	sigs       *sigActions
	pending    pendingSet // of the whole group
	exitSig    linux.Signal
	exiting    bool
	zombie     bool
	reaped     bool
	status     linux.WaitStatus // valid when exiting
	execed     bool
	loginUID   uint32 // of who logged in, its bits turned: 0 is nobody
	oomAdj     int
	subreaper  bool
	undumpable bool

	stopping   bool         // a stop is under way or complete
	stopSig    linux.Signal // what stopped it
	stopGen    int          // counts stops
	stopLeft   int          // threads that have not stopped yet
	waitStop   bool         // a stop that the parent has not asked about
	waitCont   bool         // a continuation likewise
	ctty       *tty.TTY     // controlling terminal
	limits     *rlimits
	real       itimer
	cpuTimers  [2]*guestTimer // ITIMER_VIRTUAL and ITIMER_PROF
	cpuLimit   *guestTimer    // RLIMIT_CPU, once there is one
	timers     map[int]*posixTimer
	nextTimer  int
	deadCPU    time.Duration // of threads that ended
	childUsage Rusage        // of children that were waited for
	usage      Rusage        // at the end

	memory    atomic.Int64 // charged
	reserved  atomic.Int64 // will be charged when it is used
	maxMemory atomic.Int64
	inBytes   atomic.Int64
	outBytes  atomic.Int64
}

// PID returns the process id.
func (p *Process) PID() int { return p.pid }

// Done is closed when the process has ended and its status is known.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the end of the process and returns its status, as often as it
// is asked. It does not reap: a parent in the sandbox still has to.
func (p *Process) Wait(ctx context.Context) (linux.WaitStatus, error) {
	select {
	case <-p.done:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	p.k.mu.Lock()
	defer p.k.mu.Unlock()
	return p.status, nil
}

// Signal sends a signal from outside of the sandbox: no permissions, but
// process 1 only gets what it handles, SIGKILL and SIGSTOP.
func (p *Process) Signal(sig linux.Signal) error {
	if sig != 0 && !sig.Valid() {
		return linux.EINVAL
	}
	p.k.mu.Lock()
	defer p.k.mu.Unlock()
	if p.zombie {
		return linux.ESRCH
	}
	if sig != 0 {
		p.sendLocked(nil, SigInfo{Signo: sig, Code: SI_USER}, true)
	}
	return nil
}

// Terminate is Signal for a host that is told to end: a signal which process 1
// leaves at a default that ends others ends it too.
func (p *Process) Terminate(sig linux.Signal) error {
	if !sig.Valid() {
		return linux.EINVAL
	}
	p.k.mu.Lock()
	defer p.k.mu.Unlock()
	if p.zombie {
		return linux.ESRCH
	}
	act := defaultOf(sig)
	if p.isInit() && p.sigs.a[sig].Disp == SigDefault && (act == actTerm || act == actCore) && !p.masksLocked(sig) {
		p.exitGroupLocked(linux.SignalStatus(sig, false))
		return nil
	}
	p.sendLocked(nil, SigInfo{Signo: sig, Code: SI_USER}, true)
	return nil
}

// masksLocked reports whether the first thread blocks a signal.
func (p *Process) masksLocked(sig linux.Signal) bool {
	return len(p.tasks) > 0 && p.tasks[0].mask.Has(sig)
}

// ppidLocked returns the parent's pid, 0 when it is outside.
func (p *Process) ppidLocked() int {
	if p.parent == nil {
		return 0
	}
	return p.parent.pid
}

// cpuLocked returns the CPU time of all threads, dead ones too.
func (p *Process) cpuLocked() time.Duration {
	d := p.deadCPU
	for _, t := range p.tasks {
		d += t.cpu()
	}
	return d
}

// usageLocked is RUSAGE_SELF.
func (p *Process) usageLocked() Rusage {
	if p.zombie {
		return p.usage
	}
	u := Rusage{
		User: p.cpuLocked(), MaxRSS: p.maxMemory.Load(),
		InBlock: p.inBytes.Load() / 512, OutBlock: p.outBytes.Load() / 512,
	}
	for _, t := range p.tasks {
		u.Voluntary += t.waits.Load()
	}
	return u
}

// add sums two usages; the resident size is the larger one.
func (u *Rusage) add(v Rusage) {
	u.User += v.User
	u.System += v.System
	u.MaxRSS = max(u.MaxRSS, v.MaxRSS)
	u.InBlock += v.InBlock
	u.OutBlock += v.OutBlock
	u.Voluntary += v.Voluntary
}

// rlimits are shared by the threads of a process and copied by fork.
type rlimits struct {
	mu sync.Mutex
	l  [linux.RLIM_NLIMITS]linux.Rlimit
}
