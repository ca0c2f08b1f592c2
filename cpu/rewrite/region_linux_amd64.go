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
	aways   map[uint32]uint32 // likewise, those that lead away
	ins     map[uint32]uint32 // and those that lead in
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
	n        uint16 // of the guest's, if it is from code; and what follows
}

const (
	entered = 1 << 15 // the table leads here
	isOn    = 1 << 14 // a way, where the block goes on
	isEntry = 1 << 13 // a way that the table may lead to
	isIn    = 1 << 12 // a block that leads in
	isWay   = isOn | isEntry
)

// length is how many bytes of the guest's code a block was made from.
func (k *record) length() int { return int(k.n &^ (entered | isWay | isIn)) }

// kind is that of a block.
func (k *record) kind() kind {
	switch {
	case k.n&isIn != 0:
		return leadIn
	case k.length() == 0:
		return leadAway
	}
	return fromCode
}

// Keys order records by guest address, and there by what they are for.
const (
	keyPlace = iota // where branches enter
	keyAway
	keyIn
	keyReturn // where a return comes to alone; there may be several
)

func keyOf(pc uint64, what uint64) uint64 { return pc<<2 + what }

func (k *record) key() uint64 {
	what := uint64(keyPlace)
	switch {
	case k.n&isWay == isEntry:
		what = keyReturn
	case k.n&isWay != 0:
	case k.kind() == leadAway:
		what = keyAway
	case k.kind() == leadIn:
		what = keyIn
	}
	return keyOf(uint64(k.pc), what)
}

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
	if at := r.loaded(keyOf(pc, keyPlace)); at != 0 {
		return at, nil
	}
	if r.end-pc <= maxInst {
		return 0, errEdge
	}
	code := r.read(pc, r.buf[:])
	if len(code) <= maxInst {
		return 0, errEdge
	}
	return r.place(e, pc, fromCode, code, r.blocks)
}

// away is find for a block that leads to pc through the table.
func (r *region) away(e *emitter, pc uint64) (at uint32, err error) {
	if at := r.aways[uint32(pc)]; at != 0 {
		return at, nil
	}
	if at := r.loaded(keyOf(pc, keyAway)); at != 0 {
		return at, nil
	}
	return r.place(e, pc, leadAway, nil, r.aways)
}

func (r *region) place(e *emitter, pc uint64, k kind, code []byte, in map[uint32]uint32) (at uint32, err error) {
	host, n := r.chunk.assemble(e, pc, k, code, false, r.known)
	if !r.chunk.hasRoom(host, len(e.b)) {
		return 0, errFull
	}
	r.chunk.put(host, e.b)
	b := record{uint32(pc), host, uint16(len(e.b)), uint16(n)}
	if k == leadIn {
		b.n = isIn
	}
	r.records = append(r.records, b)
	in[uint32(pc)] = host
	for _, w := range e.ways {
		k := record{pc: uint32(w.pc), host: host + w.host}
		if w.entry {
			k.n = isEntry
		}
		if w.on {
			k.n |= isOn
			r.blocks[k.pc] = k.host
		}
		r.records = append(r.records, k)
	}
	return host, r.check(e, &made{pc: pc, kind: k, code: code[:n], host: host, size: uint32(len(e.b))})
}

// check has the verifier look at a block.
func (r *region) check(e *emitter, m *made) error {
	if r.checker == nil || r.broken != nil {
		return r.broken
	}
	r.broken = r.checker.Check(r.arena.describe(e, m, func(host uint64) bool {
		k := r.recordAt(uint32(host - uint64(r.arena.rx)))
		return k != nil && k.n&isWay != isEntry
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

// index returns which block a host address lies in, or -1.
func (r *region) index(host uint64) int {
	off := uint32(host - uint64(r.arena.rx))
	i := sort.Search(len(r.records), func(i int) bool { return r.records[i].host-entrySize > off }) - 1
	for i >= 0 && r.records[i].n&isWay != 0 {
		i--
	}
	return i
}

// known reports whether there is a block that branches to pc lead to.
func (r *region) known(pc uint64) bool {
	return pc < r.end && (r.blocks[uint32(pc)] != 0 || r.loaded(keyOf(pc, keyPlace)) != 0)
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
	m := made{pc: uint64(k.pc), kind: k.kind(), host: k.host, size: uint32(k.size)}
	if n := k.length(); n > 0 {
		m.code = r.read(m.pc, buf[:n])
	}
	return m
}

// enter returns where the table may lead for branches to pc, that enter at a place, and notes that it does, and
// to another place no more. It returns 0 if it may not.
func (r *region) enter(e *emitter, pc uint64, at, was uint32) uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.recordAt(at)
	if k != nil && k.n&isWay == isOn {
		var err error
		if at, err = r.leadIn(e, pc, at); err != nil {
			return 0
		}
		k = r.recordAt(at)
	}
	if k == nil {
		return 0
	}
	if old := r.recordAt(was); old != nil {
		old.n &^= entered
	}
	k.n |= entered
	return at
}

// leadIn is find for a block that leads in from the table to where branches to pc enter.
func (r *region) leadIn(e *emitter, pc uint64, to uint32) (at uint32, err error) {
	if at := r.ins[uint32(pc)]; at != 0 {
		return at, nil
	}
	if at := r.loaded(keyOf(pc, keyIn)); at != 0 {
		return at, nil
	}
	if at, err = r.place(e, pc, leadIn, nil, r.ins); err != nil {
		return 0, err
	}
	r.arena.patch(at+e.sites[0].rel, to)
	return at, r.check(e, &made{pc: pc, kind: leadIn, host: at, size: uint32(len(e.b))})
}

// recordAt returns the record of a place where branches enter, or nil.
func (r *region) recordAt(at uint32) *record {
	i := sort.Search(len(r.records), func(i int) bool { return r.records[i].host >= at })
	if i < len(r.records) && r.records[i].host == at {
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
