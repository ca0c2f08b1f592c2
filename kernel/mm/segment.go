package mm

import (
	"os"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu/memory"
)

// Segment is shared memory that has an owner beside its maps: what shmat(2) attaches.
type Segment struct {
	o     *object
	size  uint64
	touch func(pid int, attached bool)
}

// SegmentOpts says what a segment is.
type SegmentOpts struct {
	Name string // as /proc/PID/maps shows it
	Ino  uint64
	Size uint64 // in bytes, which are rounded up to pages
	// Hold pays for it, and gives back with a negative number.
	Hold func(delta int64) error
	// Touch is called after a process attached or detached it. It may be called with
	// the lock of a Space, and must not call back.
	Touch func(pid int, attached bool)
}

// NewSegment makes a segment, zeroed: ENOMEM, or what Hold says.
func NewSegment(o SegmentOpts) (*Segment, error) {
	n := memory.PageUp(o.Size)
	if n < o.Size || n > 1<<62 {
		return nil, linux.ENOMEM
	}
	if err := o.Hold(int64(n)); err != nil {
		return nil, err
	}
	host, err := newSharedMemory(int64(n))
	if err != nil {
		_ = o.Hold(-int64(n))
		return nil, linux.ENOMEM
	}
	g := &Segment{size: n, touch: o.Touch}
	g.o = &object{Name: o.Name, ino: o.Ino, shared: true, host: []*os.File{host}, held: int64(n), dev: 1, segment: g,
		let: func(n int64) { _ = o.Hold(-n) }}
	g.o.refs.Store(1)
	return g, nil
}

// Attached is how many maps there are.
func (g *Segment) Attached() int { return int(g.o.refs.Load()) - 1 }

// Resident is how many of its bytes were ever touched.
func (g *Segment) Resident() int64 { return residentBytes(g.o.host[0]) }

// Release gives up the owner's hold: the last map takes the memory along. It is to be
// called once.
func (g *Segment) Release() { g.o.unref() }

// Flags of Attach, shmat(2).
const (
	attachReadOnly = linux.SHM_RDONLY
	attachRound    = linux.SHM_RND
	attachOver     = linux.SHM_REMAP
	attachExec     = linux.SHM_EXEC
)

// CheckAttach rounds the address of shmat(2), or refuses it: what Linux looks at
// before the segment.
func CheckAttach(addr uint64, flags int) (uint64, error) {
	switch {
	case addr == 0 && flags&attachOver != 0:
		return 0, linux.EINVAL
	case addr%pageSize == 0:
		return addr, nil
	case flags&attachRound == 0:
		return 0, linux.EINVAL
	}
	addr = memory.PageDown(addr)
	if addr == 0 && flags&attachOver != 0 {
		return 0, linux.EINVAL
	}
	return addr, nil
}

// Attach is shmat(2) with an address that CheckAttach let pass.
func (s *Space) Attach(g *Segment, addr uint64, flags int) (uint64, error) {
	prot := ProtRead | ProtWrite
	if flags&attachReadOnly != 0 {
		prot = ProtRead
	}
	if flags&attachExec != 0 {
		prot |= ProtExec
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	how := MapShared
	if addr != 0 {
		how |= MapFixed
		if i := s.search(addr); flags&attachOver == 0 && (addr+g.size < addr || i < len(s.areas) && s.areas[i].start < addr+g.size) {
			return 0, linux.EINVAL
		}
	}
	if s.full(2) || g.size > memory.Size {
		return 0, linux.ENOMEM
	}
	addr, err := s.choose(addr, g.size, prot, how)
	if err != nil {
		return 0, err
	}
	a := &area{start: addr, end: addr + g.size, prot: prot, obj: g.o.ref(), readOnly: flags&attachReadOnly != 0,
		src: memory.Source{File: g.o.host[0], Shared: true}}
	if err := s.changeCode(addr, a.end, func() error { return s.install(addr, a.end, []*area{a}) }); err != nil {
		return 0, err
	}
	g.touch(s.pid(), true)
	return addr, nil
}

// Detach is shmdt(2): EINVAL when no segment is attached there.
func (s *Space) Detach(addr uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if addr%pageSize != 0 {
		return linux.EINVAL
	}
	var g *Segment
	var parts []*area
	for _, a := range s.areas[s.search(addr):] {
		if a.obj == nil || a.obj.segment == nil || a.start < addr || a.start-addr != uint64(a.off) || g != nil && a.obj.segment != g {
			continue
		}
		g = a.obj.segment
		parts = append(parts, &area{start: a.start, end: a.end})
	}
	if g == nil {
		return linux.EINVAL
	}
	for _, a := range parts {
		if err := s.unmap(a.start, a.end); err != nil {
			return err
		}
	}
	return nil
}

// pid is that of the process, as far as its account tells.
func (s *Space) pid() int {
	if s.account == nil {
		return 0
	}
	return s.account.PID()
}
