package syscalls

import (
	"bytes"
	"errors"
	"sync"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/kernel/loader"
	"github.com/sbxrun/sbx/kernel/mm"
	"github.com/sbxrun/sbx/kernel/proc"
)

// Config says what the programs of a kernel run on.
type Config struct {
	// Host makes windows and executors.
	Host mm.Host
	// Trace, if set, is told of every system call when it is over.
	Trace Tracer
}

// Tracer follows system calls, strace(1).
type Tracer interface {
	// Call tells of a finished call: its text and what it returned.
	Call(tid int, comm, text, result string)
	// Missing tells of a call that there is no handler for.
	Missing(number int, name string)
}

// Loader makes ELF files programs. It is a kernel.Loader, safe for concurrent use.
type Loader struct {
	cfg Config

	mu      sync.Mutex
	missing map[int]int // calls that there is no handler for, and how often
}

var _ kernel.Loader = (*Loader)(nil)

// New makes a loader.
func New(cfg Config) *Loader { return &Loader{cfg: cfg, missing: map[int]int{}} }

// Name is "elf".
func (l *Loader) Name() string { return "elf" }

// Match recognises ELF files.
func (l *Loader) Match(head []byte) bool { return bytes.HasPrefix(head, []byte(loader.Magic)) }

// Load maps the program. ENOEXEC says that it is not for this machine, or that the
// host can't run machine code.
func (l *Loader) Load(t *kernel.Task, f *kernel.File, path string, argv, env []string) (kernel.Program, error) {
	owner := &payer{k: t.Kernel()}
	space, err := mm.New(l.cfg.Host, owner)
	if errors.Is(err, memory.ErrUnsupported) || errors.Is(err, cpu.ErrUnsupported) {
		return nil, linux.ENOEXEC
	}
	if err != nil {
		return nil, linux.ENOMEM
	}
	regs, err := loader.Load(space, t, f, path, argv, env)
	if err != nil {
		space.Unref()
		return nil, err
	}
	return &Program{l: l, mm: space, common: newCommon(), start: regs, payer: owner}, nil
}

// Program is one thread of machine code.
type Program struct {
	l      *Loader
	mm     *mm.Space
	common *common // goes with mm
	start  cpu.Regs
	// vectors of the thread that made this one; nil for those of a new process.
	vectors []byte

	t  *kernel.Task
	th cpu.Thread
	r  *cpu.Regs

	altstack  sigstack
	clearTID  uint64     // address, CLONE_CHILD_CLEARTID
	robust    uint64     // head of the robust list
	onRelease func()     // tells a vfork parent that the memory is its own again
	ready     <-chan int // of a clone: its parent has written the ids
	payer     *payer     // of a new address space: who pays for it once it runs

	ended    bool // the task is to end, or runs something else
	code     int
	restart  bool // the call gave EINTR and may be made again
	number   uint64
	call     call
	smallBuf []byte // for reads and writes; nil until there is one

	hostTime bool          // the guest's clocks are the host's
	boot     time.Duration // by the host's monotonic clock
	answers  bool          // the thread answers calls about them
}

// Unload implements kernel.Unloader.
func (p *Program) Unload() {
	p.common.unref()
	p.mm.Unref()
}

// Run implements kernel.Program.
func (p *Program) Run(t *kernel.Task) int {
	p.t = t
	p.call = call{Program: p, t: t}
	defer p.release()
	if p.ready != nil {
		select {
		case <-p.ready:
		case <-t.Context().Done():
			return 128 + int(linux.SIGKILL)
		}
	}
	if p.payer != nil && p.payer.adopt(t) != nil {
		t.ForceSignal(kernel.SigInfo{Signo: linux.SIGKILL})
		return 128 + int(linux.SIGKILL)
	}
	th, err := p.mm.NewThread()
	if err != nil {
		t.ForceSignal(kernel.SigInfo{Signo: linux.SIGKILL})
		return 128 + int(linux.SIGKILL)
	}
	p.th, p.r = th, th.Regs()
	*p.r = p.start
	if p.vectors != nil {
		copy(th.Vectors(), p.vectors)
		p.vectors = nil
	}
	p.boot, p.hostTime = t.Kernel().HostBoot()
	p.hostTime = p.hostTime && p.l.cfg.Trace == nil
	th.OnPreempt(t.Preempted)
	t.SetInterrupt(th.Interrupt)
	defer func() {
		t.SetInterrupt(nil)
		th.OnPreempt(nil)
		th.Close()
	}()
	for !p.ended {
		p.answerTime()
		if t.Context().Err() != nil {
			return 128 + int(linux.SIGKILL) // the signal that did it decides
		}
		switch exit := th.Run(); exit.Reason {
		case cpu.Syscall:
			p.syscall()
		case cpu.Interrupted:
		case cpu.Failed:
			panic(exit.Err) // the kernel ends the process, and Close tells why
		default:
			p.fault(exit)
		}
		if t.Attend() && !p.ended {
			p.deliver()
		}
	}
	return p.code
}

// answerTime lets the thread answer calls by itself as long as nobody is to see them: a filter, or who follows them.
func (p *Program) answerTime() {
	if on := p.hostTime && p.t.Seccomp() == nil; on != p.answers {
		p.th.AnswerTime(on, p.boot)
		p.answers = on
	}
}

// release gives the thread's share of the memory back.
func (p *Program) release() {
	p.exitRobust()
	if p.clearTID != 0 {
		if p.mm.Shared() && p.mm.Store32(p.clearTID, 0) == nil {
			p.wakeWord(p.clearTID, 1)
		}
		p.clearTID = 0
	}
	p.common.unref()
	p.mm.Unref()
	if p.onRelease != nil {
		p.onRelease()
		p.onRelease = nil
	}
}

// end makes the task end with a code once its program returns.
func (p *Program) end(code int) { p.ended, p.code = true, code }

// Codes of siginfo for faults, sigaction(2).
const (
	segvMaperr, segvAccerr = 1, 2
	busAdralign, busAdrerr = 1, 2
	illIllopn              = 2
	fpeIntdiv, fpeFltinv   = 1, 7
	siKernel               = 0x80
	trapBrkpt              = 1
)

// fault makes a signal of what the processor could not do.
func (p *Program) fault(e cpu.Exit) {
	info := kernel.SigInfo{Signo: linux.SIGSEGV, Addr: e.Addr}
	switch e.Reason {
	case cpu.Fault:
		need := mm.ProtRead
		switch e.Access {
		case cpu.AccessWrite:
			need = mm.ProtWrite
		case cpu.AccessExecute:
			need = mm.ProtExec
		}
		retry, bus, mapped := p.mm.Fault(e.Addr, need)
		switch {
		case retry:
			return
		case bus:
			info.Signo, info.Code = linux.SIGBUS, busAdrerr
		case mapped:
			info.Code = segvAccerr
		default:
			info.Code = segvMaperr
		}
	case cpu.Beyond:
		info.Signo, info.Code = linux.SIGBUS, busAdrerr
	case cpu.Unaligned:
		info.Signo, info.Code = linux.SIGBUS, busAdralign
	case cpu.Illegal:
		info.Signo, info.Code, info.Addr = linux.SIGILL, illIllopn, p.r.RIP
	case cpu.Divide:
		info.Signo, info.Code, info.Addr = linux.SIGFPE, fpeIntdiv, p.r.RIP
	case cpu.Float:
		info.Signo, info.Code, info.Addr = linux.SIGFPE, fpeFltinv, p.r.RIP
	case cpu.Breakpoint:
		info.Signo, info.Code = linux.SIGTRAP, siKernel
	default:
		info.Code = siKernel
	}
	p.t.ForceSignal(info)
}

// Cmdline and Environ implement kernel.Titled.
func (p *Program) Cmdline() []byte { return p.mm.Cmdline() }

// Environ is the environment as it is in memory.
func (p *Program) Environ() []byte { return p.mm.Environ() }

// Maps implements kernel.Mapper.
func (p *Program) Maps() []proc.Mapping {
	var list []proc.Mapping
	for _, r := range p.mm.Regions() {
		list = append(list, proc.Mapping{
			Start: r.Start, End: r.End, Read: r.Prot&mm.ProtRead != 0, Write: r.Prot&mm.ProtWrite != 0, Exec: r.Prot&mm.ProtExec != 0,
			Shared: r.Shared, Offset: uint64(r.Offset), Dev: r.Dev, Ino: r.Ino, Path: r.Name,
		})
	}
	return list
}
