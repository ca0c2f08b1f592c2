package rewrite

import (
	"fmt"
	"runtime"
	"sort"
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

	mu      sync.Mutex
	cache   *cache
	blocks  map[uint64]*block   // by guest address
	pages   map[uint64][]*block // by guest page that they took bytes from
	placed  []*block            // in the order of the cache, dead ones too
	guarded map[uint64]bool     // pages that we write-protected
	faults  map[uint64]int      // writes to protected pages
	checked map[uint64]bool     // pages that are not protected: see wrote
	threads map[*thread]struct{}
	emit    emitter

	// gen changes when blocks die: what a thread knows of host addresses is void then.
	gen      atomic.Uint64
	stopping atomic.Int32

	checker *verify.Checker // nil unless code is verified
	failed  atomic.Pointer[error]
}

// stubRef is a branch that is not linked.
type stubRef struct {
	from *block
	site int
}

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
	if err := mapTable(addr); err != nil {
		return nil, err
	}
	o := settings{cacheSize: defaultCacheSize}
	for _, set := range options {
		set(&o)
	}
	c, err := newCache(o.cacheSize)
	if err != nil {
		return nil, err
	}
	s := &Space{window: w, code: code, tableTop: addr + n, cache: c, threads: map[*thread]struct{}{}}
	if o.verify {
		s.checker = &verify.Checker{}
	}
	s.forget()
	return s, nil
}

// forget makes the maps anew.
func (s *Space) forget() {
	s.blocks, s.pages = map[uint64]*block{}, map[uint64][]*block{}
	s.placed, s.guarded = nil, map[uint64]bool{}
	if s.faults == nil || len(s.faults) > maxPages {
		s.faults, s.checked = map[uint64]int{}, map[uint64]bool{}
	}
}

// Close frees the code. The window is its owner's.
func (s *Space) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cache != nil {
		s.cache.close()
		s.cache = nil
	}
	s.forget()
}

// find returns where the block at pc is in the cache, and makes it if need be.
// With s.mu held. ok is false when pc cannot be executed.
func (s *Space) find(pc uint64) (b *block, ok bool) {
	if b := s.blocks[pc]; b != nil {
		return b, true
	}
	if len(s.guarded) > maxGuarded {
		s.flush()
	}
	var buf [maxBytes]byte
	code, ok := s.fetch(pc, buf[:])
	if !ok {
		return nil, false
	}
	align := uint32(alignment)
	for {
		host := s.cache.next(align)
		checked := s.isChecked(pc, len(code))
		n := s.emit.translate(pc, uint64(s.cache.rx)+uint64(host), code, checked)
		s.emit.stubs()
		if host%loopAlign != 0 && s.emit.loops() {
			align = loopAlign
			continue
		}
		if !s.cache.hasRoom(host, len(s.emit.b)) {
			s.flush()
			if code, ok = s.fetch(pc, buf[:]); !ok { // its pages are guarded anew
				return nil, false
			}
			continue
		}
		b = &block{pc: pc, code: append([]byte(nil), code[:n]...), host: host, size: uint32(len(s.emit.b)), checked: checked, body: s.emit.body, back: s.emit.back}
		b.sites = append(b.sites, s.emit.sites...)
		s.place(b)
		return b, s.verified(b)
	}
}

// place puts a block that was just made into the cache and the maps.
func (s *Space) place(b *block) {
	s.cache.put(b.host, s.emit.b)
	s.blocks[b.pc] = b
	s.placed = append(s.placed, b)
	for p := b.pc / memory.PageSize; p <= (b.pc+uint64(len(b.code))-1)/memory.PageSize; p++ {
		s.pages[p] = append(s.pages[p], b)
	}
}

// stubSize is the length of the call that a stub is.
var stubSize = func() uint32 {
	var a emitter
	a.sites = make([]site, 1)
	a.b = make([]byte, 4)
	a.stubs()
	return uint32(len(a.b)) - 4
}()

// fetch reads the code at pc, as far as it may be executed, after it
// write-protected its pages, so that it can't change behind our back.
func (s *Space) fetch(pc uint64, buf []byte) (code []byte, ok bool) {
	for n := 0; n < len(buf); {
		at := pc + uint64(n)
		end, writable, ok := s.code.Executable(at)
		if !ok || end > memory.Size || end <= at {
			break
		}
		want := int(min(end-at, uint64(len(buf)-n)))
		if writable {
			s.guard(at, want)
		}
		got := s.window.Read(at, buf[n:n+want])
		n += got
		code = buf[:n]
		if got < want {
			break
		}
	}
	return code, len(code) > 0
}

// maxGuarded bounds how many pages are write-protected one by one: each may be a map
// of the host's, of which the process has only so many.
const maxGuarded = 4096

// guard write-protects the pages of n bytes.
func (s *Space) guard(addr uint64, n int) {
	for p := memory.PageDown(addr); p < addr+uint64(n); p += memory.PageSize {
		if _, writable, ok := s.code.Executable(p); !s.guarded[p] && !s.checked[p] && ok && writable {
			s.guarded[p] = true
			_ = s.window.Protect(p, memory.PageSize, memory.Read)
		}
	}
}

// hostOf is the address at which a block is entered from Go or the table.
func (s *Space) hostOf(b *block) uintptr { return s.cache.rx + uintptr(b.host) - entrySize }

// enterAt returns where a thread at pc enters. ok is false when pc cannot be executed.
func (s *Space) enterAt(pc uint64) (host uintptr, gen uint64, ok bool) {
	gen = s.gen.Load()
	if pc >= memory.Size {
		return 0, gen, false
	}
	if host = getSlot(s.tableTop, pc); host != 0 {
		return host, gen, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	gen = s.gen.Load()
	b, ok := s.find(pc)
	if !ok {
		return 0, gen, false
	}
	host = s.hostOf(b)
	setSlot(s.tableTop, pc, host)
	return host, s.gen.Load(), true
}

// expect makes the block at pc, where a call is about to return to: to find it missing then would cost a fault.
// With s.mu held.
func (s *Space) expect(pc uint64) {
	if pc >= memory.Size || getSlot(s.tableTop, pc) != 0 {
		return
	}
	if b, ok := s.find(pc); ok {
		setSlot(s.tableTop, pc, s.hostOf(b))
	}
}

// link links a branch, and says where the block is that it goes to. With s.mu held.
func (s *Space) link(ref stubRef) (host uintptr, gen uint64, ok bool) {
	t := ref.from.sites[ref.site]
	if t.target >= memory.Size {
		return 0, 0, false
	}
	if ref.from.back != 0 && ref.site == len(ref.from.sites)-1 {
		s.expect(ref.from.back)
	}
	b, ok := s.find(t.target)
	if !ok {
		return 0, 0, false
	}
	if !ref.from.dead {
		rel := ref.from.host + t.rel
		s.cache.patch(rel, b.host)
		b.incoming = append(b.incoming, rel)
		if !s.verified(ref.from) {
			return 0, 0, false
		}
	}
	return s.hostOf(b), s.gen.Load(), true
}

// blockAt returns the block that a host address lies in.
func (s *Space) blockAt(host uint64) *block {
	off := uint32(host - uint64(s.cache.rx))
	i := sort.Search(len(s.placed), func(i int) bool { return s.placed[i].host-entrySize > off }) - 1
	if i < 0 {
		return nil
	}
	return s.placed[i]
}

// stubAt returns the branch whose stub's call pushed a host address.
func (s *Space) stubAt(host uint64) stubRef {
	b := s.blockAt(host - 1)
	first := b.host + b.sites[0].stub // they follow each other
	return stubRef{b, int((uint32(host-uint64(s.cache.rx)) - first - 1) / stubSize)}
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

// flush forgets all code: the cache is full.
func (s *Space) flush() {
	s.stop()
	defer s.start()
	s.settleAll()
	for _, b := range s.placed {
		b.dead = true
		setSlot(s.tableTop, b.pc, 0)
	}
	for p := range s.guarded {
		s.unguard(p)
	}
	s.cache.reset()
	s.forget()
	s.gen.Add(1)
}

// settleAll makes the state of threads that were stopped within blocks one that
// does not depend on the blocks.
func (s *Space) settleAll() {
	for t := range s.threads {
		t.settleLocked()
	}
}

// unguard gives a page back its right to be written.
func (s *Space) unguard(p uint64) {
	delete(s.guarded, p)
	if _, writable, ok := s.code.Executable(p); ok && writable {
		_ = s.window.Protect(p, memory.PageSize, memory.Read|memory.Write)
	}
}

// Invalidate implements cpu.Executor.
func (s *Space) Invalidate(addr, n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.invalidate(addr, n)
	for p := range s.faults {
		if p+memory.PageSize > addr && p < addr+n {
			delete(s.faults, p)
			delete(s.checked, p)
		}
	}
}

// invalidate forgets the blocks of n bytes and unprotects their pages. It reports
// whether any page was protected.
func (s *Space) invalidate(addr, n uint64) (guarded bool) {
	first, last := addr/memory.PageSize, (addr+n-1)/memory.PageSize
	if n == 0 {
		return false
	}
	var pages []uint64
	if last-first < uint64(len(s.pages)) {
		for p := first; p <= last; p++ {
			if len(s.pages[p]) > 0 || s.guarded[p*memory.PageSize] {
				pages = append(pages, p)
			}
		}
	} else {
		for p := range s.pages {
			if p >= first && p <= last {
				pages = append(pages, p)
			}
		}
	}
	if len(pages) == 0 {
		return false
	}
	s.stop()
	defer s.start()
	s.settleAll()
	for _, p := range pages {
		for _, b := range s.pages[p] {
			s.kill(b)
		}
		delete(s.pages, p)
		if s.guarded[p*memory.PageSize] {
			guarded = true
			s.unguard(p * memory.PageSize)
		}
	}
	s.gen.Add(1)
	return guarded
}

// kill makes a block unreachable. No thread is in guest mode.
func (s *Space) kill(b *block) {
	if b.dead {
		return
	}
	b.dead = true
	if s.blocks[b.pc] == b {
		delete(s.blocks, b.pc)
		setSlot(s.tableTop, b.pc, 0)
	}
	for _, rel := range b.incoming {
		from := s.blockAt(uint64(s.cache.rx) + uint64(rel))
		for _, t := range from.sites {
			if from.host+t.rel == rel {
				s.cache.patch(rel, from.host+t.stub)
			}
		}
	}
	b.incoming = nil
}

// Written implements cpu.Executor.
func (s *Space) Written(addr, n uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.invalidate(addr, n)
}

// writtenBy is Written for a write by guest code at pc.
func (s *Space) writtenBy(addr, pc uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.guarded[memory.PageDown(addr)] {
		s.wrote(addr, pc)
	}
	return s.invalidate(memory.PageDown(addr), 1)
}
