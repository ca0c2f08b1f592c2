package rewrite

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/rewrite/verify"
)

// Space runs the threads of one window. It is a cpu.Executor.
type Space struct {
	window   *memory.Window
	code     cpu.Code
	tableTop uintptr
	arena    *arena
	limit    uint32 // of the chunks
	cache    *Cache // of regions, or nil

	mu      sync.Mutex
	closed  bool
	chunks  []*ownChunk
	blocks  map[uint64]*block   // its own, by guest address
	aways   map[uint64]*block   // likewise, those that lead away
	ins     map[uint64]*block   // and those that lead in
	pages   map[uint64][]*block // by guest page that they took bytes from
	guarded map[uint64]bool     // pages that we write-protected
	faults  map[uint64]int      // writes to protected pages
	checked map[uint64]bool     // pages that are not protected: see wrote
	threads map[*thread]struct{}
	emit    emitter
	noted   notes           // of what was emitted
	codeBuf [maxBytes]byte  // for what a region has
	regions []*region       // code that it shares with others: see region.go
	alone   map[uint64]bool // where images are that it does not share

	// gen changes when blocks die: what a thread knows of host addresses is void then.
	gen      atomic.Uint64
	stopping atomic.Int32

	checker *verify.Checker // nil unless code is verified
	failed  atomic.Pointer[error]
}

// Bounds of a Space's own code.
const (
	defaultCacheSize = 64 << 20
	chunkSize        = 256 << 10 // what it takes of the arena at a time
)

// maxPages bounds what is remembered of pages when the cache is emptied.
const maxPages = 1 << 14

// Room is what a window must have below it for a Space.
const Room = tableSize

var _ cpu.Executor = (*Space)(nil)

// NewSpace makes an executor for a window that New made with Room below it.
// cpu.ErrUnsupported says that this host can't.
func NewSpace(w *memory.Window, code cpu.Code, options ...Option) (*Space, error) {
	addr, n := w.Below()
	if n < Room {
		return nil, fmt.Errorf("rewrite: the window has no room below it")
	}
	a, err := theArena()
	if err != nil {
		return nil, err
	}
	if err := mapTable(addr); err != nil {
		return nil, err
	}
	o := settings{cacheSize: defaultCacheSize}
	for _, set := range options {
		set(&o)
	}
	s := &Space{window: w, code: code, tableTop: addr + n, arena: a, cache: o.cache, threads: map[*thread]struct{}{}}
	s.limit = uint32(max(o.cacheSize, arenaUnit)+arenaUnit-1) &^ (arenaUnit - 1)
	if o.verify {
		s.checker = &verify.Checker{}
	}
	s.forget()
	return s, nil
}

// forget makes the maps anew.
func (s *Space) forget() {
	s.blocks, s.aways, s.ins, s.pages = map[uint64]*block{}, map[uint64]*block{}, map[uint64]*block{}, map[uint64][]*block{}
	s.guarded = map[uint64]bool{}
	if s.faults == nil || len(s.faults) > maxPages {
		s.faults, s.checked = map[uint64]int{}, map[uint64]bool{}
	}
}

// Close frees the code. The window is its owner's.
func (s *Space) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, c := range s.chunks {
		s.arena.giveBack(&c.chunk)
	}
	for _, r := range s.regions {
		r.release()
	}
	s.chunks, s.regions = nil, nil
	s.forget()
}

// find returns where the block at pc is in the arena, and makes it if need be.
// With s.mu held. ok is false when pc cannot be executed.
func (s *Space) find(pc uint64) (at uint32, ok bool) {
	if b := s.blocks[pc]; b != nil {
		at, _ := b.at(pc)
		return at, true
	}
	if r := s.regionOf(pc); r != nil {
		at, err := r.find(&s.emit, pc)
		switch err {
		case nil:
			s.note()
			return at, true
		case errFull:
			s.leave(r)
		case errEdge:
		default:
			s.fail(err)
			return 0, false
		}
	}
	if b := s.make(pc); b != nil {
		s.note()
		return b.host, true
	}
	return 0, false
}

// hostOf is the address at which a block is entered from the table.
func (s *Space) hostOf(at uint32) uintptr { return s.arena.rx + uintptr(at) - entrySize }

// setSlot has the table lead to where branches to pc enter, by a way in if there is none. What others share
// does not lead to our own.
func (s *Space) setSlot(pc uint64, at uint32) {
	if r := s.attached(pc); r != nil {
		if !r.holds(uint64(s.arena.rx) + uint64(at)) {
			return
		}
		was := uint32(0)
		if host := getSlot(s.tableTop, pc); host != 0 {
			was = uint32(host-s.arena.rx) + entrySize
		}
		at = r.enter(&s.emit, pc, at, was)
	} else if b := s.blocks[pc]; b != nil {
		if host, entry := b.at(pc); host == at && !entry {
			at = s.leadIn(pc)
		}
	}
	if at != 0 {
		setSlot(s.tableTop, pc, s.hostOf(at))
	}
}

// enterAt returns where a thread at pc enters. ok is false when pc cannot be executed.
func (s *Space) enterAt(pc uint64) (host uintptr, gen uint64, ok bool) {
	gen = s.gen.Load()
	if pc >= memory.Size {
		return 0, gen, false
	}
	if host = getSlot(s.tableTop, pc); host != 0 {
		return host + entrySize, gen, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.find(pc)
	if !ok {
		return 0, gen, false
	}
	gen = s.gen.Load() // all code may be forgotten for a way in
	s.setSlot(pc, at)
	return s.arena.rx + uintptr(at), gen, true
}

// expect makes the block at pc, where a call is about to return to: to find it missing then would cost a fault.
// With s.mu held.
func (s *Space) expect(pc uint64) {
	if pc >= memory.Size || getSlot(s.tableTop, pc) != 0 {
		return
	}
	if at, ok := s.find(pc); ok {
		s.setSlot(pc, at)
	}
}

// branch is a direct branch that is not linked.
type branch struct {
	rel    uint32  // of its displacement, in the arena
	own    *block  // that it is in, or
	region *region // that it is in
	from   made    // the block in the region
	target uint64
	back   uint64 // where the call that it is returns to, or 0
	land   uint32 // where the block is entered then, in the arena, or 0
}

// branchAt returns the branch whose stub's call pushed a host address. With s.mu held.
func (s *Space) branchAt(host uint64) (t branch, ok bool) {
	m, own, r := s.blockAt(host - 1)
	sites := s.sitesOf(&m)
	if len(sites) == 0 {
		return t, false
	}
	first := m.host + sites[0].stub // they follow each other
	i := int((uint32(host-uint64(s.arena.rx)) - first - 1) / stubSize)
	if i >= len(sites) {
		return t, false
	}
	t = branch{rel: m.host + sites[i].rel, own: own, region: r, from: m, target: sites[i].target, back: sites[i].back}
	if sites[i].land != 0 {
		t.land = m.host + sites[i].land
	}
	return t, true
}

// stubSize is the length of the call that a stub is.
var stubSize = func() uint32 {
	var a emitter
	a.sites = make([]site, 1)
	a.b = make([]byte, 4)
	a.stubs()
	return uint32(len(a.b)) - 4
}()

// link links a branch, and says where the block is that it goes to. With s.mu held. Branches
// lead from a Space's own code to its own and within one region; all else goes
// through the table.
func (s *Space) link(t branch) (host uintptr, gen uint64, ok bool) {
	if t.target >= memory.Size {
		return 0, 0, false
	}
	if t.back != 0 && t.land == 0 {
		s.expect(t.back)
	}
	at, ok := s.find(t.target)
	if !ok {
		return 0, 0, false
	}
	gen = s.gen.Load()
	switch {
	case t.region == nil:
		ok = s.linkOwn(t)
	case s.attached(t.from.pc) == t.region:
		err := t.region.link(&s.emit, t)
		if ok = err == nil; !ok {
			s.fail(err)
		}
	default:
		t.land = 0
	}
	if ok && t.land != 0 && s.attached(t.back) == t.region && (t.own == nil || !t.own.dead) {
		s.setSlot(t.back, t.land)
	}
	return s.arena.rx + uintptr(at), gen, ok
}

// blockAt returns the block that a host address lies in: one of our own, or in a region. With s.mu held.
func (s *Space) blockAt(host uint64) (m made, own *block, r *region) {
	if own = s.ownAt(host); own != nil {
		return own.made, own, nil
	}
	for _, r := range s.regions {
		if r.holds(host) {
			return r.blockAt(host, s.codeBuf[:]), nil, r
		}
	}
	return made{}, nil, nil
}

// stop waits until no thread is in guest mode and keeps them out until start.
// s.mu is held. The caller may be a thread that is out.
func (s *Space) stop() {
	s.stopping.Add(1)
	for t := range s.threads {
		for wait := time.Microsecond; t.inside.Load(); wait = min(2*wait, time.Millisecond) {
			t.state.Kick()
			if wait < 16*time.Microsecond {
				runtime.Gosched()
			} else {
				time.Sleep(wait)
			}
		}
	}
}

func (s *Space) start() { s.stopping.Add(-1) }

// settleAll makes the state of threads that were stopped within blocks one that
// does not depend on the blocks.
func (s *Space) settleAll() {
	for t := range s.threads {
		t.settleLocked()
	}
}
