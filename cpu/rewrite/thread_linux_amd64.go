package rewrite

import (
	"errors"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/trap"
	"github.com/sbxrun/sbx/cpu/x86"
)

// thread is one guest thread.
type thread struct {
	space *Space
	state *trap.State
	// inside says that the thread is in guest mode or about to be.
	inside atomic.Bool
	// unsettled: it was stopped at state.HostPC, within a block, and its
	// registers are not the guest's yet. Guarded by Space.mu.
	unsettled bool
	ac        uint64 // the flag AC, as popf set it
	// Where to go on if nobody changes RIP, and under which generation.
	host    uintptr
	hostRIP uint64
	hostGen uint64

	onPreempt func(left, back cpu.HostTime) // or nil
	left      cpu.HostTime                  // when a signal last stopped the guest
	ranOn     uint32                        // the thread of the host that onPreempt was last told of
}

// NewThread implements cpu.Executor.
func (s *Space) NewThread() (cpu.Thread, error) {
	st, err := trap.NewState()
	if err != nil {
		return nil, err
	}
	st.Window = uint64(s.window.Base())
	t := &thread{space: s, state: st}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		st.Free()
		return nil, errClosed
	}
	st.SetCache(s.arena.rx, s.arena.rx+arenaSize)
	s.threads[t] = struct{}{}
	return t, nil
}

var (
	errClosed = errors.New("rewrite: the space is closed")
	errLost   = errors.New("rewrite: the guest's code changed behind its mapping")
)

func (t *thread) Regs() *cpu.Regs { return &t.state.Regs }
func (t *thread) Vectors() []byte { return t.state.Vectors() }
func (t *thread) ResetVectors()   { t.state.ResetVectors() }
func (t *thread) Interrupt()      { t.state.Interrupt() }

// AnswerTime implements cpu.Thread.
func (t *thread) AnswerTime(on bool, boot time.Duration) { t.state.AnswerTime(on, boot) }

// OnPreempt implements cpu.Thread.
func (t *thread) OnPreempt(f func(left, back cpu.HostTime)) {
	t.left = trap.Now()
	t.preempted()
	t.onPreempt = f
	t.left = trap.Now()
	t.preempted()
}

// Close implements cpu.Thread.
func (t *thread) Close() {
	t.space.mu.Lock()
	defer t.space.mu.Unlock()
	delete(t.space.threads, t)
	t.state.Free()
}

// Run implements cpu.Thread.
func (t *thread) Run() cpu.Exit {
	s := t.state
	for {
		if s.Interrupted() {
			return cpu.Exit{Reason: cpu.Interrupted}
		}
		if t.host == 0 || t.hostRIP != s.RIP || t.hostGen != t.space.gen.Load() {
			host, gen, ok := t.space.enterAt(s.RIP)
			if !ok {
				return t.noCode()
			}
			t.host, t.hostRIP, t.hostGen = host, s.RIP, gen
		}
		if !t.enter() {
			continue
		}
		exit, done := t.leave()
		if done {
			return exit
		}
	}
}

// enter runs guest code from t.host. It reports false when the thread could not
// go in: another one changes the code, or has changed it.
func (t *thread) enter() bool {
	s := t.state
	if t.onPreempt != nil {
		if now := trap.Thread(); now != t.ranOn && now != 0 {
			t.moved()
		}
	}
	t.inside.Store(true)
	if t.space.stopping.Load() != 0 || t.hostGen != t.space.gen.Load() {
		t.inside.Store(false)
		t.wait()
		return false
	}
	s.HostPC = uint64(t.host)
	s.Enter()
	if s.Reason.Signalled() {
		t.left = trap.Now() // before Go's scheduler can take the thread
	}
	switch s.Reason {
	case trap.ReasonSyscall, trap.ReasonAnswered, trap.ReasonNotEntered:
	default:
		t.unsettled = true // before others may see it
	}
	t.inside.Store(false)
	t.host = 0
	return true
}

// wait is for who must stay out.
func (t *thread) wait() {
	for wait := time.Microsecond; t.space.stopping.Load() != 0; wait = min(2*wait, time.Millisecond) {
		if wait < 16*time.Microsecond {
			runtime.Gosched()
		} else {
			time.Sleep(wait)
		}
	}
}

// preempted tells of a signal that stopped the guest, after Go's scheduler, if it was that, had its way at the call of leave.
func (t *thread) preempted() {
	if t.onPreempt == nil {
		return
	}
	back := trap.Now()
	t.ranOn = uint32(back.Thread)
	t.onPreempt(t.left, back)
}

// moved tells that the goroutine is on another thread of the host than before, since an unknown moment within the last call: it ran for no longer than
// the one that it left until now.
func (t *thread) moved() {
	t.left = trap.Other(t.ranOn)
	t.preempted()
}

// leave looks at why guest mode ended. done is false when the thread is to go on. It is not inlined, see preempted.
//
//go:noinline
func (t *thread) leave() (exit cpu.Exit, done bool) {
	s := t.state
	if s.Reason.Signalled() {
		t.preempted()
	}
	switch s.Reason {
	case trap.ReasonSyscall:
		s.RIP = s.GPR[x86.RCX]
		s.GPR[x86.R11] = s.Flags
		t.host, t.hostRIP = uintptr(s.HostPC), s.RIP
		return cpu.Exit{Reason: cpu.Syscall}, true
	case trap.ReasonAnswered:
		s.RIP = s.GPR[x86.RCX]
		t.host, t.hostRIP = uintptr(s.HostPC), s.RIP
		return cpu.Exit{}, false
	case trap.ReasonLink:
		if host, gen, ok := t.link(); ok {
			t.host, t.hostRIP, t.hostGen = host, s.RIP, gen
		}
		return cpu.Exit{}, false // without code there, enterAt finds out
	case trap.ReasonNotEntered:
		return cpu.Exit{}, false
	case trap.ReasonInterrupted:
		t.settle()
		return cpu.Exit{}, false
	case trap.ReasonStop:
		if t.stale() {
			return cpu.Exit{}, false
		}
		return t.carryOut()
	}
	return t.fault()
}

// link settles a thread that came by a branch that leads nowhere, and links it.
func (t *thread) link() (host uintptr, gen uint64, ok bool) {
	s := t.space
	s.mu.Lock()
	defer s.mu.Unlock()
	if !t.unsettled {
		return 0, 0, false // the cache was emptied meanwhile
	}
	t.unsettled = false
	b, ok := s.branchAt(t.state.HostPC)
	if !ok {
		s.fail(errLost)
		return 0, 0, false
	}
	t.state.RIP = b.target
	return s.link(b)
}

// settle makes the registers the guest's.
func (t *thread) settle() {
	t.space.mu.Lock()
	defer t.space.mu.Unlock()
	t.settleLocked()
}

func (t *thread) settleLocked() {
	if !t.unsettled {
		return
	}
	t.unsettled = false
	s := t.state
	at := s.HostPC
	if s.Reason == trap.ReasonLink {
		b, ok := t.space.branchAt(at)
		if !ok {
			t.space.fail(errLost)
		}
		s.RIP = b.target
		return
	}
	if s.Reason == trap.ReasonFault && at == 0 { // an empty slot of the table
		s.RIP = uint64(^uint32(s.GPR[goal]))
		s.GPR[goal] = s.Spill[0]
		return
	}
	if s.Reason == trap.ReasonStop {
		at-- // behind the call
	}
	if s.Reason == trap.ReasonFault && s.Trap == trapBreakpoint {
		at--
	}
	b, _, _ := t.space.blockAt(at)
	start := uint64(t.space.arena.rx) + uint64(b.host)
	if at < start { // on the way in from the table
		s.GPR[goal] = s.Spill[0]
		s.RIP = b.pc
		return
	}
	e := &t.space.emit
	e.again(&b, t.space.arena.rx)
	s.RIP = e.settle(s, uint32(at-start))
}

// The processor's traps.
const (
	trapDivide     = 0
	trapDebug      = 1
	trapBreakpoint = 3
	trapIllegal    = 6
	trapProtection = 13
	trapPage       = 14
	trapFloat      = 16
	trapAlign      = 17
	trapSIMD       = 19
)

// fault looks at a signal that guest code caused.
func (t *thread) fault() (cpu.Exit, bool) {
	s := t.state
	miss := s.HostPC == 0
	t.settle()
	if miss {
		return cpu.Exit{}, false
	}
	switch s.Trap {
	case trapDivide:
		return cpu.Exit{Reason: cpu.Divide}, true
	case trapPage:
		return t.pageFault()
	case trapFloat, trapSIMD:
		return cpu.Exit{Reason: cpu.Float}, true
	case trapAlign:
		return cpu.Exit{Reason: cpu.Unaligned}, true
	case trapIllegal:
		return cpu.Exit{Reason: cpu.Illegal}, true
	}
	return cpu.Exit{Reason: cpu.Protection}, true
}

// pageFault tells the guest's address. A write to a page that we protected is ours.
func (t *thread) pageFault() (cpu.Exit, bool) {
	s := t.state
	addr := s.Addr - s.Window
	const sigbus = 7
	if s.Signal == sigbus {
		return cpu.Exit{Reason: cpu.Beyond, Addr: addr}, true
	}
	exit := cpu.Exit{Reason: cpu.Fault, Addr: addr, Present: s.Error&1 != 0}
	if s.Error&2 == 0 {
		return exit, true
	}
	exit.Access = cpu.AccessWrite
	if addr >= memory.Size {
		return exit, true
	}
	if t.space.writtenBy(addr, s.RIP) {
		return cpu.Exit{}, false
	}
	if _, writable, ok := t.space.code.Executable(addr); ok && writable {
		return cpu.Exit{}, false // another thread was faster
	}
	return exit, true
}

// noCode is the exit for a RIP that cannot be executed.
func (t *thread) noCode() cpu.Exit {
	if err := t.space.failed.Load(); err != nil {
		return cpu.Exit{Reason: cpu.Failed, Err: *err}
	}
	return cpu.Exit{Reason: cpu.Fault, Access: cpu.AccessExecute, Addr: t.state.RIP}
}
