package mm

import (
	"slices"

	"github.com/sbxrun/sbx/cpu/memory"
)

// Protections as in mmap(2).
const (
	ProtRead  = 1
	ProtWrite = 2
	ProtExec  = 4
)

const pageSize = memory.PageSize

// area is a range of pages that are made of one thing and allow one thing.
type area struct {
	start, end uint64
	prot       int
	src        memory.Source // its Offset is that of start
	obj        *object       // what it shows as; nil: anonymous
	off        int64         // of start in obj
	charged    bool          // counts against the limit
	lazy       bool          // will count when it is touched
	absent     bool          // a file's, and copied to the file's memory when it is touched
	blank      bool          // was never writable: zeros
	beyond     bool          // behind the end of its file: SIGBUS
	told       bool          // of a tracked object: the file knows of stores
	noFork     bool          // MADV_DONTFORK
	readOnly   bool          // may not become writable
	wipe       bool          // MADV_WIPEONFORK
	written    bool          // may have been written to
	fixed      bool          // src never changes
}

// pristine reports whether all of it is as in its file, for it never could be written to.
func (a *area) pristine() bool { return a.src.File != nil && !a.written && a.prot&ProtWrite == 0 }

// clip returns the part of a between two addresses, with a reference of its own.
func (a *area) clip(start, end uint64) *area {
	c := *a
	c.start, c.end = max(a.start, start), min(a.end, end)
	c.off += int64(c.start - a.start)
	if c.src.File != nil {
		c.src.Offset += int64(c.start - a.start)
	}
	c.obj.ref()
	return &c
}

// joins reports whether b goes on where a ends. Parts of a segment stay apart, for
// each counts as one who is attached.
func (a *area) joins(b *area) bool {
	if a.obj != nil && a.obj.segment != nil {
		return false
	}
	return a.end == b.start && a.prot == b.prot && a.obj == b.obj && a.charged == b.charged && a.lazy == b.lazy && a.absent == b.absent && a.blank == b.blank && a.beyond == b.beyond &&
		a.noFork == b.noFork && a.wipe == b.wipe && a.written == b.written && a.fixed == b.fixed && a.told == b.told && a.readOnly == b.readOnly && a.src.File == b.src.File && a.src.Shared == b.src.Shared &&
		(a.src.File == nil || a.src.Offset+int64(a.end-a.start) == b.src.Offset) &&
		(a.obj == nil || a.off+int64(a.end-a.start) == b.off)
}

// image reports a private map of a file that is as the file is.
func (a *area) image() bool {
	return a.obj != nil && a.obj.backing != nil && !a.obj.shared && !a.src.Shared && !a.written && a.prot&ProtWrite == 0 && a.src.File != nil && !a.beyond
}

// anonymous reports private memory.
func (a *area) anonymous() bool { return a.src.File == nil && !a.beyond }

// search returns the index of the first area that ends behind addr.
func (s *Space) search(addr uint64) int {
	lo, hi := 0, len(s.areas)
	for lo < hi {
		if mid := (lo + hi) / 2; s.areas[mid].end > addr {
			hi = mid
		} else {
			lo = mid + 1
		}
	}
	return lo
}

// at returns the area that addr lies in.
func (s *Space) at(addr uint64) *area {
	if i := s.search(addr); i < len(s.areas) && s.areas[i].start <= addr {
		return s.areas[i]
	}
	return nil
}

// overlapping calls f with the parts of areas within a range.
func (s *Space) overlapping(start, end uint64, f func(a *area, from, to uint64)) {
	for i := s.search(start); i < len(s.areas) && s.areas[i].start < end; i++ {
		a := s.areas[i]
		f(a, max(a.start, start), min(a.end, end))
	}
}

// covered reports whether a range has no holes.
func (s *Space) covered(start, end uint64) bool {
	at := start
	s.overlapping(start, end, func(_ *area, from, to uint64) {
		if from == at {
			at = to
		}
	})
	return at == end
}

// cut takes a range out of the list and returns what was there.
func (s *Space) cut(start, end uint64) (out []*area) {
	lo := s.search(start)
	hi := lo
	var keep []*area
	for ; hi < len(s.areas) && s.areas[hi].start < end; hi++ {
		a := s.areas[hi]
		if a.start < start {
			keep = append(keep, a.clip(a.start, start))
		}
		out = append(out, a.clip(start, end))
		if a.end > end {
			keep = append(keep, a.clip(end, a.end))
		}
		a.obj.unref()
	}
	s.replace(lo, hi, keep)
	return out
}

func (s *Space) replace(lo, hi int, with []*area) {
	s.count(len(with) - (hi - lo))
	s.areas = slices.Replace(s.areas, lo, hi, with...)
}

// put adds areas where there is a hole, and joins what can be joined.
func (s *Space) put(list ...*area) {
	for _, a := range list {
		i := s.search(a.start)
		if i > 0 && s.areas[i-1].joins(a) {
			s.areas[i-1].end = a.end
			a.obj.unref()
			a = s.areas[i-1]
			i--
		} else {
			s.replace(i, i, []*area{a})
		}
		if i+1 < len(s.areas) && a.joins(s.areas[i+1]) {
			a.end = s.areas[i+1].end
			s.areas[i+1].obj.unref()
			s.replace(i+1, i+2, nil)
		}
	}
}

// free returns the lowest or highest hole of n bytes between two addresses, or 0.
func (s *Space) free(lo, hi, n uint64, top bool) uint64 {
	if hi-lo < n {
		return 0
	}
	if !top {
		at := lo
		for i := s.search(lo); i < len(s.areas) && s.areas[i].start < at+n; i++ {
			at = s.areas[i].end
		}
		if at+n <= hi {
			return at
		}
		return 0
	}
	at := hi - n
	for i := s.search(hi-1) - 0; i >= 0; i-- {
		if i >= len(s.areas) || s.areas[i].start >= at+n {
			continue
		}
		if s.areas[i].end <= at {
			break
		}
		if s.areas[i].start < lo+n {
			return 0
		}
		at = s.areas[i].start - n
	}
	if at < lo {
		return 0
	}
	return at
}
