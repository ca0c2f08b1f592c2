package mm

import (
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
)

// Layout of an address space.
const (
	minAddr    = 0x10000     // vm.mmap_min_addr
	ExecBase   = 0x5500_0000 // where position-independent programs go
	lowerTop   = 0x7fff_0000 // maps are placed downward from here,
	upperStart = 0x8000_0000 // large ones
	upperTop   = 0xff00_0000 // downward from here
	StackTop   = 0xffff_0000 // of process stacks
	StackSize  = 8 << 20
	large      = 16 << 20
	// TaskSize ends the addresses that Linux gives to programs. Above the window nothing is mapped.
	TaskSize = 1<<47 - pageSize
)

// Host makes what an address space is made of. It is what the kernel knows of
// executors.
type Host interface {
	// NewWindow makes the memory, with what room the executor needs.
	NewWindow() (*memory.Window, error)
	// NewExecutor makes who runs it.
	NewExecutor(w *memory.Window, code cpu.Code) (cpu.Executor, error)
}

// Account pays for an address space, in bytes; negative ones are given back. An error
// refuses more.
type Account interface {
	// Charge is told of what the process has for itself.
	Charge(delta int64) error
	// Hold is told of what may outlive the process: the memory of shared maps.
	Hold(delta int64) error
	// Limited reports whether Charge ever refuses for a limit of all processes.
	Limited() bool
	// Reserve is told of what may be charged for later.
	Reserve(delta int64) error
	// OutOfMemory makes room by ending a process, and reports whether the caller may go on.
	OutOfMemory() bool
	// PID is the process's.
	PID() int
}

// Space is the address space of a process, or of several: threads share it,
// and vfork's child until it executes something.
type Space struct {
	host    Host
	window  *memory.Window
	exec    cpu.Executor
	refs    atomic.Int64
	account Account

	mu       sync.Mutex
	areas    []*area
	brkStart uint64
	brk      uint64
	strings  Strings
	code     atomic.Pointer[[]codeRange]
	tellings atomic.Int64 // how often a file was told of stores
}

// codeRange is pages that may be executed.
type codeRange struct {
	start, end uint64
	writable   bool
	aliased    bool // shared memory, which may be written to elsewhere
	image      bool // a piece of a file that is as it is there; if it never changes there:
	file       *os.File
	off        int64 // of start
}

var _ cpu.Code = (*Space)(nil)

// New makes an empty address space with one reference. A nil Account allows all.
// cpu.ErrUnsupported and memory.ErrUnsupported come from hosts that can't.
func New(h Host, account Account) (*Space, error) {
	w, err := h.NewWindow()
	if err != nil {
		return nil, err
	}
	s := &Space{host: h, window: w, account: account}
	s.refs.Store(1)
	s.code.Store(&[]codeRange{})
	if s.exec, err = h.NewExecutor(w, s); err != nil {
		w.Close()
		return nil, err
	}
	return s, nil
}

// Ref counts another user in.
func (s *Space) Ref() *Space {
	s.refs.Add(1)
	return s
}

// TryRef is Ref for who may come too late: false when the last user is gone.
func (s *Space) TryRef() bool {
	for {
		n := s.refs.Load()
		if n == 0 {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Unref counts one out; the last frees everything.
func (s *Space) Unref() {
	if s.refs.Add(-1) > 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.exec.Close()
	old := s.areas
	s.count(-len(old))
	s.areas = nil
	for _, a := range old {
		s.drop(a)
	}
	s.window.Close()
}

// Shared reports whether more than one task uses the space.
func (s *Space) Shared() bool { return s.refs.Load() > 1 }

// NewThread makes a thread of the space.
func (s *Space) NewThread() (cpu.Thread, error) { return s.exec.NewThread() }

// Executable implements cpu.Code.
func (s *Space) Executable(addr uint64) (end uint64, writable, ok bool) {
	for _, r := range *s.code.Load() {
		if addr >= r.start && addr < r.end {
			return r.end, r.writable, true
		}
	}
	return 0, false, false
}

// Aliased implements cpu.Code.
func (s *Space) Aliased(addr uint64) bool {
	for _, r := range *s.code.Load() {
		if addr >= r.start && addr < r.end {
			return r.aliased
		}
	}
	return false
}

// Image implements cpu.Code.
func (s *Space) Image(addr uint64) (im cpu.Image, ok bool) {
	for _, r := range *s.code.Load() {
		if addr >= r.start && addr < r.end {
			return cpu.Image{Start: r.start, End: r.end, File: r.file, Offset: r.off}, r.image
		}
	}
	return im, false
}

// changeCode calls change, which replaces or protects the pages of a range. If
// they may hold code, now or afterwards, nobody executes them meanwhile.
func (s *Space) changeCode(start, end uint64, change func() error) error {
	old := *s.code.Load()
	touched := false
	var rest []codeRange
	if !slices.ContainsFunc(old, func(r codeRange) bool { return r.end > start && r.start < end }) {
		old = nil
	}
	for _, r := range old {
		if r.end <= start || r.start >= end {
			rest = append(rest, r)
			continue
		}
		touched = true
		if r.start < start {
			rest = append(rest, codeRange{start: r.start, end: start, writable: r.writable, aliased: r.aliased})
		}
		if r.end > end {
			rest = append(rest, codeRange{start: end, end: r.end, writable: r.writable, aliased: r.aliased})
		}
	}
	if touched {
		s.code.Store(&rest)
		s.exec.Invalidate(start, end-start)
	}
	err := change()
	s.overlapping(start, end, func(a *area, _, _ uint64) { touched = touched || a.prot&ProtExec != 0 })
	if touched {
		s.publishCode()
	}
	return err
}

// publishCode makes the list anew from the areas, if it is another.
func (s *Space) publishCode() {
	var list []codeRange
	for _, a := range s.areas {
		if a.prot&ProtExec == 0 || a.beyond {
			continue
		}
		c := codeRange{start: a.start, end: a.end, writable: a.prot&ProtWrite != 0}
		c.aliased = a.obj != nil && a.obj.shared
		if c.image = a.image(); c.image && a.fixed {
			c.file, c.off = a.src.File, a.src.Offset
		}
		if n := len(list); n > 0 && list[n-1].end == a.start && list[n-1].writable == c.writable && list[n-1].aliased == c.aliased && !c.image && !list[n-1].image {
			list[n-1].end = a.end
			continue
		}
		list = append(list, c)
	}
	old := *s.code.Load()
	same := len(old) == len(list)
	for i := 0; same && i < len(list); i++ {
		same = old[i] == list[i]
	}
	if !same {
		s.code.Store(&list)
	}
}

// windowProt is what the window allows of a protection.
func windowProt(prot int) (p memory.Prot) {
	if prot&(ProtRead|ProtExec) != 0 {
		p |= memory.Read
	}
	if prot&ProtWrite != 0 {
		p |= memory.Read | memory.Write
	}
	return p
}

// pay charges for memory, or gives it back.
func (s *Space) pay(delta int64) error {
	if s.account == nil || delta == 0 {
		return nil
	}
	return s.account.Charge(delta)
}

// hold pays for shared memory; whoever lets it go calls giveBack with what it was.
func (s *Space) hold(n int64) (giveBack func(n int64), err error) {
	if s.account == nil {
		return func(int64) {}, nil
	}
	if err := s.account.Hold(n); err != nil {
		return nil, err
	}
	a := s.account
	return func(n int64) { _ = a.Hold(-n) }, nil
}

// drop forgets an area that is in no list any more.
func (s *Space) drop(a *area) {
	s.uncharge(a)
	o := a.obj
	if a.tracked() {
		s.unused(o)
	}
	o.unref()
	if o != nil && o.segment != nil {
		o.segment.touch(s.pid(), false)
	}
}

// pageRange checks and rounds a range as most calls do.
func pageRange(addr, n uint64) (start, end uint64, err error) {
	if addr%pageSize != 0 {
		return 0, 0, linux.EINVAL
	}
	if n > memory.Size || addr > memory.Size || addr+memory.PageUp(n) > memory.Size {
		return 0, 0, linux.ENOMEM
	}
	return addr, addr + memory.PageUp(n), nil
}
