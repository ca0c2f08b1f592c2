package rewrite

import (
	"cmp"
	"errors"
	"slices"
	"sort"
	"sync"

	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/rewrite/verify"
	"github.com/sbxrun/sbx/cpu/trap"
)

// region is the code made of one piece of a file where it is mapped at one address, for
// all Spaces of the process that map it so and can't write to it. Blocks of it
// never change and never die before it does: a Space whose mapping changes leaves. A region
// has the guest's code itself, so that nobody can put anything else in its place.
type region struct {
	id         regionID
	start, end uint64 // guest addresses
	arena      *arena
	bytes      []byte // the guest's code, outside of Go's heap
	table      int64  // where its slots are in the arena's tables

	mu      sync.Mutex // after Space.mu
	chunk   chunk
	records []record          // in the order of the chunk
	order   []uint32          // those that were loaded, by key
	blocks  map[uint32]uint32 // the others: guest address to offset in the arena
	ways    map[uint32]uint32 // likewise, those that lead away
	checker *verify.Checker
	broken  error // what the checker found
	buf     [maxBytes]byte
	kept    struct { // where it is saved
		cache   *Cache // or nil
		path    string
		records int // how many are
	}

	// Guarded by shared.mu:
	refs     int
	lastUsed uint64 // by shared.clock
}

// record is a block of a region, what it was made from is in the region; or a way into the
// block before it.
type record struct {
	pc, host uint32
	size     uint16 // of a block's code
	n        uint16 // of the guest's; 0: it leads away; and what follows
}

const (
	entered  = 1 << 15 // the table leads here
	goesOn   = 1 << 14 // a way, at which the block goes on
	isReturn = 1 << 13 // a way that is for a return alone
	isWay    = goesOn | isReturn
)

// length is how many bytes of the guest's code a block was made from.
func (k *record) length() int { return int(k.n &^ (entered | isWay)) }

// key orders records by guest address, and there by what they are for: branches, branches that lead away, returns.
func (k *record) key() uint64 {
	switch key := keyOf(uint64(k.pc)); {
	case k.n&isReturn != 0:
		return key + 2
	case k.n&isWay == 0 && k.length() == 0:
		return key + 1
	default:
		return key
	}
}

func keyOf(pc uint64) uint64 { return pc << 2 }

// loaded looks for a block among those that were loaded.
func (r *region) loaded(key uint64) (at uint32) {
	i, ok := slices.BinarySearchFunc(r.order, key, func(i uint32, key uint64) int { return cmp.Compare(r.records[i].key(), key) })
	if !ok {
		return 0
	}
	return r.records[r.order[i]].host
}

var (
	errFull = errors.New("rewrite: a region is full")
	errEdge = errors.New("rewrite: an instruction may not end in its region")
)

// maxInst is the longest instruction.
const maxInst = 15

// read reads the guest's code.
func (r *region) read(pc uint64, p []byte) []byte {
	p = p[:min(uint64(len(p)), r.end-pc)]
	if len(p) == 0 {
		return nil
	}
	n := trap.Copy(pointerTo(p), pointerTo(r.bytes[pc-r.start:]), uintptr(len(p)))
	return p[:n]
}

// find returns where the block at pc is, and makes it if need be: errFull, errEdge, or
// what the verifier says.
func (r *region) find(e *emitter, pc uint64) (at uint32, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.findLocked(e, pc)
}

func (r *region) findLocked(e *emitter, pc uint64) (at uint32, err error) {
	if at := r.blocks[uint32(pc)]; at != 0 {
		return at, nil
	}
	if at := r.loaded(keyOf(pc)); at != 0 {
		return at, nil
	}
	if r.end-pc <= maxInst {
		return 0, errEdge
	}
	code := r.read(pc, r.buf[:])
	if len(code) <= maxInst {
		return 0, errEdge
	}
	return r.place(e, pc, code, r.blocks)
}

// away is find for a block that leads to pc through the table.
func (r *region) away(e *emitter, pc uint64) (at uint32, err error) {
	if at := r.ways[uint32(pc)]; at != 0 {
		return at, nil
	}
	if at := r.loaded(keyOf(pc) + 1); at != 0 {
		return at, nil
	}
	return r.place(e, pc, nil, r.ways)
}

func (r *region) place(e *emitter, pc uint64, code []byte, in map[uint32]uint32) (at uint32, err error) {
	host, n := r.chunk.assemble(e, pc, code, false, r.known)
	if !r.chunk.hasRoom(host, len(e.b)) {
		return 0, errFull
	}
	r.chunk.put(host, e.b)
	r.records = append(r.records, record{uint32(pc), host, uint16(len(e.b)), uint16(n)})
	in[uint32(pc)] = host
	for _, w := range e.ways {
		k := record{pc: uint32(w.pc), host: host + w.host, n: isReturn}
		if w.on {
			k.n = goesOn
			r.blocks[k.pc] = k.host
		}
		r.records = append(r.records, k)
	}
	return host, r.check(e, &made{pc: pc, code: code[:n], host: host, size: uint32(len(e.b))})
}

// check has the verifier look at a block.
func (r *region) check(e *emitter, m *made) error {
	if r.checker == nil || r.broken != nil {
		return r.broken
	}
	r.broken = r.checker.Check(r.arena.describe(e, m, func(host uint64) bool {
		i := r.last(host)
		return i >= 0 && uint64(r.arena.rx)+uint64(r.records[i].host) == host && r.records[i].n&isReturn == 0
	}))
	return r.broken
}

// link has a branch lead to its target, or away.
func (r *region) link(e *emitter, t branch) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	err := errEdge
	at := uint32(0)
	if t.target >= r.start && t.target < r.end {
		at, err = r.findLocked(e, t.target)
	}
	if err == errEdge {
		at, err = r.away(e, t.target)
	}
	switch err {
	case nil:
	case errFull:
		return nil // it stays as it is
	default:
		return err
	}
	r.arena.patch(t.rel, at)
	m := r.made(r.index(uint64(r.arena.rx)+uint64(t.rel)), r.buf[:])
	return r.check(e, &m)
}

// holds reports whether a host address lies in the region's code.
func (r *region) holds(host uint64) bool { return r.chunk.holds(host) }

// last returns the last record whose code does not begin behind a host address, or -1.
func (r *region) last(host uint64) int {
	off := uint32(host - uint64(r.arena.rx))
	return sort.Search(len(r.records), func(i int) bool { return r.records[i].host-entrySize > off }) - 1
}

// index returns which block a host address lies in, or -1.
func (r *region) index(host uint64) int {
	i := r.last(host)
	for i >= 0 && r.records[i].n&isWay != 0 {
		i--
	}
	return i
}

// known reports whether there is a block that branches to pc lead to.
func (r *region) known(pc uint64) bool {
	return pc < r.end && (r.blocks[uint32(pc)] != 0 || r.loaded(keyOf(pc)) != 0)
}

// blockAt returns the block that a host address lies in. Its code is in buf.
func (r *region) blockAt(host uint64, buf []byte) made {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.made(r.index(host), buf)
}

func (r *region) made(i int, buf []byte) made {
	if i < 0 {
		return made{}
	}
	k := r.records[i]
	m := made{pc: uint64(k.pc), host: k.host, size: uint32(k.size)}
	if n := k.length(); n > 0 {
		m.code = r.read(m.pc, buf[:n])
	}
	return m
}

// enter notes that the table leads to a place now, and to another no more.
func (r *region) enter(at, was uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.recordAt(was); k != nil {
		k.n &^= entered
	}
	if k := r.recordAt(at); k != nil {
		k.n |= entered
	}
}

// recordAt returns the record of a place where branches enter, or nil.
func (r *region) recordAt(at uint32) *record {
	if i := r.last(uint64(r.arena.rx) + uint64(at)); i >= 0 && r.records[i].host == at {
		return &r.records[i]
	}
	return nil
}

// attached returns the region that a guest address lies in, if the Space uses it. With s.mu held.
func (s *Space) attached(pc uint64) *region {
	for _, r := range s.regions {
		if pc >= r.start && pc < r.end {
			return r
		}
	}
	return nil
}

// regionOf is attached that looks for a region, or makes one. It returns nil for
// code that is not shared.
func (s *Space) regionOf(pc uint64) *region {
	if r := s.attached(pc); r != nil {
		return r
	}
	im, ok := s.code.Image(pc)
	if !ok || im.Start%memory.PageSize != 0 || im.End%memory.PageSize != 0 || im.Start > pc || im.End <= pc || im.End > memory.Size || s.alone[im.Start] {
		return nil
	}
	r := s.arena.regionFor(im, s.window, s.checker != nil, s.cache)
	if r == nil || !s.attach(r) {
		s.keepAlone(im.Start)
		return nil
	}
	return r
}

// keepAlone has no region looked for at an image again, until it changes.
func (s *Space) keepAlone(start uint64) {
	if s.alone == nil {
		s.alone = map[uint64]bool{}
	}
	s.alone[start] = true
}

// attach makes the Space one of the region's, whose hold on it it takes over.
func (s *Space) attach(r *region) bool {
	if s.arena.shareTable(s.tableTop, r.start, r.end, r.table) != nil {
		r.release()
		return false
	}
	s.regions = append(s.regions, r)
	return true
}

// leave makes the Space none of the region's.
func (s *Space) leave(r *region) {
	s.stop()
	defer s.start()
	s.settleAll()
	if err := unshareTable(s.tableTop, r.start, r.end); err != nil {
		s.fail(err) // nobody enters any more
	}
	for i := range s.regions {
		if s.regions[i] == r {
			s.regions = append(s.regions[:i:i], s.regions[i+1:]...)
			break
		}
	}
	s.keepAlone(r.start)
	s.gen.Add(1)
	r.release()
}

// Inherit implements cpu.Executor.
func (s *Space) Inherit(from cpu.Executor) {
	p, ok := from.(*Space)
	if !ok {
		return
	}
	p.mu.Lock()
	list := append([]*region(nil), p.regions...)
	for _, r := range list {
		r.hold()
	}
	p.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range list {
		im, ok := s.code.Image(r.start)
		if !ok || im.Start != r.start || im.End != r.end || s.closed || (s.checker != nil) != r.id.verified {
			r.release()
			continue
		}
		s.attach(r)
	}
}
