package rewrite

import (
	"bytes"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/rewrite/verify"
)

// regionID tells regions apart. Files that may change have no numbers: what is
// mapped from them is compared.
type regionID struct {
	start, end uint64
	dev, ino   uint64
	off        int64
	verified   bool
}

// shared are the regions of the process. Those that nobody uses are kept for who comes
// next, within bounds.
var shared struct {
	mu      sync.Mutex // a leaf, but for the arena's
	regions map[regionID][]*region
	clock   uint64 // counts releases
	copied  uint64 // bytes of guest code that regions have copies of
}

// Bounds.
const (
	maxIdle      = 128       // regions that nobody uses
	maxIdleBytes = 128 << 20 // of code in them
	maxCompared  = 32 << 20  // of an image that has to be compared
	maxAlike     = 4         // regions at one address that are compared
	maxCopied    = 256 << 20 // of all images that are compared
	maxRegion    = 64 << 20  // of the code of a region
)

// regionFor returns the region of an image, held for the caller, or nil. A new one takes over what
// the cache has, if there is one.
func (a *arena) regionFor(im cpu.Image, w *memory.Window, verified bool, cache *Cache) *region {
	id := regionID{start: im.Start, end: im.End, verified: verified}
	var st unix.Stat_t
	if im.File != nil {
		if unix.Fstat(int(im.File.Fd()), &st) != nil {
			return nil
		}
		id.dev, id.ino, id.off = st.Dev, st.Ino, im.Offset
	} else if im.End-im.Start > maxCompared {
		return nil
	}
	for _, r := range candidates(id) {
		if im.File != nil || r.same(w) {
			return r
		}
		r.release()
	}
	r := a.newRegion(id, im, w)
	if r == nil {
		return nil
	}
	if cache != nil && im.File != nil && madeBy() != "" {
		r.kept.cache, r.kept.path = cache, cache.path(id, im, st.Size)
		r.load()
	}
	shared.mu.Lock()
	if shared.regions == nil {
		shared.regions = map[regionID][]*region{}
	}
	shared.regions[id] = append(shared.regions[id], r)
	shared.mu.Unlock()
	return r
}

// candidates are the regions that an image may be, each held.
func candidates(id regionID) []*region {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	list := shared.regions[id]
	list = slices.Clone(list[max(0, len(list)-maxAlike):])
	if id.ino != 0 {
		list = list[:min(len(list), 1)]
	}
	for _, r := range list {
		r.refs++
	}
	return list
}

// newRegion makes a region with one hold on it.
func (a *arena) newRegion(id regionID, im cpu.Image, w *memory.Window) *region {
	n := im.End - im.Start
	r := &region{id: id, start: im.Start, end: im.End, arena: a, refs: 1,
		blocks: map[uint32]uint32{}, aways: map[uint32]uint32{}, ins: map[uint32]uint32{}}
	if id.verified {
		r.checker = &verify.Checker{}
	}
	if im.File == nil && !copies(n) && !(dropIdle() && copies(n)) {
		return nil
	}
	var err error
	if im.File != nil {
		r.bytes, err = mapFile(int(im.File.Fd()), im.Offset, n)
	} else if r.bytes, err = ownPages(n); err == nil {
		w.Read(im.Start, r.bytes)
	}
	if err != nil {
		r.uncopied()
		return nil
	}
	size := uint32(min(4*n+arenaUnit, maxRegion))
	var ok bool
	if r.chunk, ok = a.take(size, leftByRegion); !ok && dropIdle() {
		r.chunk, ok = a.take(size, leftByRegion)
	}
	if ok {
		if r.table, ok = a.takeTable(n); !ok {
			a.giveBack(&r.chunk)
		}
	}
	if !ok {
		freePages(r.bytes)
		r.uncopied()
		return nil
	}
	return r
}

// copies reports whether another copy of n bytes may be made, and counts it.
func copies(n uint64) bool {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.copied+n > maxCopied {
		return false
	}
	shared.copied += n
	return true
}

// uncopied takes back what copies counted for a region.
func (r *region) uncopied() {
	if r.id.ino == 0 {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		shared.copied -= r.end - r.start
	}
}

// same reports whether a window has the region's code where it belongs.
func (r *region) same(w *memory.Window) bool {
	buf := make([]byte, 64<<10)
	for at := 0; at < len(r.bytes); {
		p := buf[:min(len(buf), len(r.bytes)-at)]
		if w.Read(r.start+uint64(at), p) != len(p) || !bytes.Equal(p, r.bytes[at:at+len(p)]) {
			return false
		}
		at += len(p)
	}
	return true
}

func (r *region) hold() {
	shared.mu.Lock()
	r.refs++
	shared.mu.Unlock()
}

// release gives a hold back.
func (r *region) release() {
	shared.mu.Lock()
	shared.clock++
	r.lastUsed = shared.clock
	var gone []*region
	if r.refs--; r.refs == 0 {
		gone = takeIdle(maxIdle, maxIdleBytes)
	}
	shared.mu.Unlock()
	freeAll(gone)
}

// FreeIdle gives back the memory of all code that is kept for Spaces to come. What has
// a cache goes there.
func FreeIdle() { dropIdle() }

// dropIdle frees all regions that nobody uses, and reports whether there were any.
func dropIdle() bool {
	shared.mu.Lock()
	gone := takeIdle(0, 0)
	shared.mu.Unlock()
	freeAll(gone)
	return len(gone) > 0
}

// takeIdle takes out regions that nobody uses until there are at most max, with so many bytes
// of code. It begins with those that were not used for longest. They are to be freed, without the lock.
func takeIdle(max, maxBytes int) []*region {
	var idle []*region
	sum := 0
	for _, list := range shared.regions {
		for _, r := range list {
			if r.refs == 0 {
				idle = append(idle, r)
				sum += r.cost()
			}
		}
	}
	if len(idle) <= max && sum <= maxBytes {
		return nil
	}
	slices.SortFunc(idle, func(a, b *region) int { return int(int64(a.lastUsed - b.lastUsed)) })
	n := 0
	for ; len(idle)-n > max || n < len(idle) && sum > maxBytes; n++ {
		r := idle[n]
		sum -= r.cost()
		list := slices.DeleteFunc(shared.regions[r.id], func(o *region) bool { return o == r })
		if shared.regions[r.id] = list; len(list) == 0 {
			delete(shared.regions, r.id)
		}
	}
	return idle[:n]
}

// cost is the memory that a region takes, about.
func (r *region) cost() int {
	n := int(r.chunk.used - r.chunk.start)
	if r.id.ino == 0 {
		n += len(r.bytes)
	}
	return n
}

// freeAll saves and gives back what regions have that takeIdle took out.
func freeAll(list []*region) {
	for _, r := range list {
		r.save()
		r.arena.giveBackTable(r.table, r.end-r.start)
		r.arena.giveBack(&r.chunk)
		freePages(r.bytes)
		r.uncopied()
	}
}
