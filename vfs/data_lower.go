package vfs

import (
	"errors"
	"io"
	"sort"

	"github.com/sbxrun/sbx/abi/linux"
)

// lowerRef is where the index has a file's data.
type lowerRef struct {
	content Content
	off     int64
	size    int64
	holes   []Extent
}

// lowerRef finds the lower data of a file; an empty one when it has none.
func (fs *FS) lowerRef(ino Ino) lowerRef {
	r := fs.ix.rec(ino)
	if r == nil || ino > fs.nlower || r.mode()&linux.S_IFMT != linux.S_IFREG {
		return lowerRef{}
	}
	l := lowerRef{off: int64(r.where() &^ (1 << 63)), size: r.size()}
	if r.extra() != 0 {
		_, l.holes = fs.ix.decodeExtra(r)
	}
	if k := r.layer(); k < len(fs.content) {
		l.content = fs.content[k]
	}
	return l
}

// readAt fills p; the caller stays within size. Content that is cut short or
// gone is EIO.
func (l lowerRef) readAt(p []byte, off int64) error {
	if len(p) == 0 {
		return nil
	}
	if l.content == nil || off > l.size-int64(len(p)) || l.off > maxFile-off {
		return linux.EIO
	}
	n, err := l.content.ReadAt(p, l.off+off)
	if n == len(p) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) || linux.ErrnoOf(err) != linux.ENOMEM {
		return linux.EIO
	}
	return linux.ENOMEM
}

// pages counts the pages of [from, to) that are not holes. A page is a hole
// when a hole covers the whole of it.
func (l lowerRef) pages(from, to int64) int64 {
	lo, hi := from/pageSize, (to+pageSize-1)/pageSize
	n := hi - lo
	first := sort.Search(len(l.holes), func(i int) bool { return l.holes[i].Offset+l.holes[i].Len > from })
	for _, h := range l.holes[first:] {
		if h.Offset >= to {
			break
		}
		a := max((h.Offset+pageSize-1)/pageSize, lo)
		b := h.Offset + h.Len
		if b >= l.size {
			b += pageSize - 1
		}
		if b = min(b/pageSize, hi); b > a {
			n -= b - a
		}
	}
	return max(n, 0)
}

// belowPages counts the pages in [from, to) that are still the index's.
func (fs *FS) belowPages(ino Ino, f *fileBody, from, to int64) int64 {
	l := fs.lowerRef(ino)
	from = (from + pageSize - 1) &^ (pageSize - 1)
	if from >= to {
		return 0
	}
	n := l.pages(from, to)
	for i := uint64(from) >> chunkShift; int64(i)<<chunkShift < to; i++ {
		if f.chunk(i) != nil {
			base := int64(i) << chunkShift
			n -= l.pages(max(base, from), min(base+chunkSize, to))
		}
	}
	return n
}
