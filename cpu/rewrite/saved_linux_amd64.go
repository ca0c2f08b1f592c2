package rewrite

import (
	"cmp"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sbxrun/sbx/cpu/memory"
)

// The file of a region, all little-endian:
//
//	magic     8 bytes
//	records   uint32, how many
//	used      uint32, bytes of code, from the start of the region's chunk
//	guest     uint32, CRC-32C of the guest's code that blocks were made from
//	sum       uint32, CRC-32C of all that follows
//	records   of 12 bytes, in the order of the chunk; places in the chunk instead of the arena
//	order     uint32 for each record: which one is next by guest address
//	code
//
// Code leads nowhere but within itself and through the table, and its branches are aligned within chunks: it is
// the same wherever in the arena the chunk lies.
const (
	savedMagic  = "sbxcode\x02"
	savedHeader = 24
	recordSize  = 12
	orderSize   = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errSaved = errors.New("rewrite: a file of the cache is damaged")

// load takes over what the cache has for a region that nobody else has yet, if it is what was put there; if code
// is verified, each block of it.
func (r *region) load() {
	f, err := os.Open(r.kept.path)
	if err != nil {
		return
	}
	defer f.Close()
	if err := r.loadFrom(f); err != nil {
		r.chunk.clear()
		r.arena.clearTable(r.table, r.end-r.start)
		r.records, r.order = nil, nil
		_ = os.Remove(r.kept.path)
		return
	}
	r.kept.records = len(r.records)
	_ = unix.Madvise(r.bytes, unix.MADV_DONTNEED) // the sum has touched more of the guest's code than is needed again
	if st, err := f.Stat(); err == nil && time.Since(st.ModTime()) > unusedFor {
		_ = os.Chtimes(r.kept.path, time.Time{}, time.Now())
	}
}

func (r *region) loadFrom(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	var head [savedHeader]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || string(head[:8]) != savedMagic {
		return errSaved
	}
	count, used := binary.LittleEndian.Uint32(head[8:]), binary.LittleEndian.Uint32(head[12:])
	lists := int64(count) * (recordSize + orderSize)
	if int64(used) > int64(r.chunk.end-r.chunk.start) || st.Size() != savedHeader+lists+int64(used) {
		return errSaved
	}
	list := make([]byte, lists)
	code := r.arena.rw[r.chunk.start : r.chunk.start+used]
	r.chunk.used = r.chunk.start + used
	if _, err := unix.Preadv(int(f.Fd()), [][]byte{list, code}, savedHeader); err != nil {
		return err
	}
	if sum := crc32.Update(crc32.Checksum(list, castagnoli), castagnoli, code); sum != binary.LittleEndian.Uint32(head[20:]) {
		return errSaved
	}
	if !r.setRecords(list[:count*recordSize], list[count*recordSize:], used) {
		return errSaved
	}
	if sum, ok := r.guestSum(); !ok || sum != binary.LittleEndian.Uint32(head[16:]) {
		return errSaved
	}
	if r.checker != nil {
		var e emitter
		for i := range r.records {
			if r.records[i].n&isWay != 0 {
				continue
			}
			m := r.made(i, r.buf[:])
			if r.check(&e, &m) != nil || !r.hasWays(i, e.ways) {
				r.broken = nil // it is not taken
				return errSaved
			}
		}
	}
	return r.fillTable()
}

// hasWays reports whether the records behind a block's are those of its ways.
func (r *region) hasWays(block int, ways []way) bool {
	n := block + 1
	for ; n < len(r.records) && r.records[n].n&isWay != 0; n++ {
		k := &r.records[n]
		if len(ways) == 0 || uint64(k.pc) != ways[0].pc || k.host != r.records[block].host+ways[0].host || (k.n&isOn != 0) != ways[0].on || (k.n&isEntry != 0) != ways[0].entry {
			return false
		}
		ways = ways[1:]
	}
	return len(ways) == 0
}

// setRecords takes over the lists of a file, and reports whether they make sense.
func (r *region) setRecords(list, order []byte, used uint32) bool {
	n := len(list) / recordSize
	r.records = make([]record, n)
	var start, end uint32 // of the last block
	for i := range r.records {
		b := list[i*recordSize:]
		k := record{pc: binary.LittleEndian.Uint32(b), host: binary.LittleEndian.Uint32(b[4:]), size: binary.LittleEndian.Uint16(b[8:]), n: binary.LittleEndian.Uint16(b[10:])}
		l := k.length()
		if l > maxBytes || l > 0 && (uint64(k.pc) < r.start || uint64(k.pc)+uint64(l) > r.end) {
			return false
		}
		if k.n&isWay != 0 {
			if l > 0 || k.size > 0 || k.n&isIn != 0 || uint64(k.pc) < r.start || uint64(k.pc) >= r.end || k.host <= start || k.host >= end {
				return false
			}
			start = k.host
		} else {
			if l > 0 && k.n&isIn != 0 || l == 0 && k.kind() == leadAway && k.n != 0 || k.host < end+entrySize || k.host > used || uint32(k.size) > used-k.host {
				return false
			}
			start, end = k.host, k.host+uint32(k.size)
		}
		k.host += r.chunk.start
		r.records[i] = k
	}
	r.order = make([]uint32, n)
	for i := range r.order {
		r.order[i] = binary.LittleEndian.Uint32(order[i*orderSize:])
		if uint64(r.order[i]) >= uint64(n) || i > 0 && !ordered(&r.records[r.order[i-1]], &r.records[r.order[i]]) {
			return false
		}
	}
	return true
}

// ordered reports whether two records may follow each other by address. There may be several ways for one return.
func ordered(a, b *record) bool {
	return a.key() < b.key() || a.key() == b.key() && a.n&isWay == isEntry
}

// guestSum is the sum of the guest's code that blocks were made from, by address. ok is false if it cannot be read.
func (r *region) guestSum() (sum uint32, ok bool) {
	var buf [16 << 10]byte
	add := func(from, to uint64) bool {
		for from < to {
			p := r.read(from, buf[:min(to-from, uint64(len(buf)))])
			if len(p) == 0 {
				return false
			}
			sum = crc32.Update(sum, castagnoli, p)
			from += uint64(len(p))
		}
		return true
	}
	var from, to uint64
	for _, i := range r.order {
		k := &r.records[i]
		pc, end := uint64(k.pc), uint64(k.pc)+uint64(k.length())
		switch {
		case pc == end || end <= to:
			continue
		case pc > to:
			if !add(from, to) {
				return 0, false
			}
			from = pc
		}
		to = end
	}
	return sum, add(from, to)
}

// fillTable has indirect branches lead where they led before, which spares a fault for each.
func (r *region) fillTable() error {
	const page = memory.PageSize
	var buf [64 << 10]byte
	var at, n int64 // where in the table what is in buf belongs
	flush := func() (err error) {
		if n > 0 {
			_, err = unix.Pwrite(r.arena.tables, buf[:n], r.table+at)
			clear(buf[:n])
		}
		return err
	}
	for _, i := range slices.Backward(r.order) {
		k := &r.records[i]
		if k.n&entered == 0 {
			continue
		}
		off := slotSize * int64(r.end-uint64(k.pc)-1)
		if off >= at+n && (n == 0 || off >= at+n+page || at+n+page > at+int64(len(buf))) {
			if err := flush(); err != nil {
				return err
			}
			at, n = off&^(page-1), page
		} else if off >= at+n {
			n += page
		}
		binary.LittleEndian.PutUint64(buf[off-at:], uint64(r.arena.rx)+uint64(k.host)-entrySize)
	}
	return flush()
}

// save puts a region that nobody has any more into the cache, if much of it is new.
func (r *region) save() {
	n := len(r.records)
	if r.kept.cache == nil || r.broken != nil || (n-r.kept.records)*16 <= n {
		return
	}
	r.order = make([]uint32, n)
	for i := range r.order {
		r.order[i] = uint32(i)
	}
	slices.SortFunc(r.order, func(a, b uint32) int { return cmp.Compare(r.records[a].key(), r.records[b].key()) })
	list := make([]byte, 0, n*(recordSize+orderSize))
	for _, k := range r.records {
		list = binary.LittleEndian.AppendUint32(list, k.pc)
		list = binary.LittleEndian.AppendUint32(list, k.host-r.chunk.start)
		list = binary.LittleEndian.AppendUint16(list, k.size)
		list = binary.LittleEndian.AppendUint16(list, k.n)
	}
	for _, i := range r.order {
		list = binary.LittleEndian.AppendUint32(list, i)
	}
	guest, ok := r.guestSum()
	if !ok {
		return
	}
	code := r.arena.rw[r.chunk.start:r.chunk.used]
	head := append(make([]byte, 0, savedHeader), savedMagic...)
	head = binary.LittleEndian.AppendUint32(head, uint32(n))
	head = binary.LittleEndian.AppendUint32(head, uint32(len(code)))
	head = binary.LittleEndian.AppendUint32(head, guest)
	head = binary.LittleEndian.AppendUint32(head, crc32.Update(crc32.Checksum(list, castagnoli), castagnoli, code))
	if r.kept.cache.put(r.kept.path, head, list, code) == nil {
		r.kept.records = n
	}
}
