package vfs

import (
	"math/bits"

	"github.com/sbxrun/sbx/abi/linux"
)

// checkAllocate looks at the arguments of fallocate(2).
func checkAllocate(mode uint32, off, n int64) error {
	const keep, punch, zero = linux.FALLOC_FL_KEEP_SIZE, linux.FALLOC_FL_PUNCH_HOLE, linux.FALLOC_FL_ZERO_RANGE
	switch {
	case off < 0 || n <= 0:
		return linux.EINVAL
	case mode&^(keep|punch|zero) != 0, mode&(punch|keep) == punch, mode&(punch|zero) == punch|zero:
		return linux.EOPNOTSUPP
	case off > maxFile-n:
		return linux.EFBIG
	}
	return nil
}

// allocate is fallocate(2). The caller holds mu.
func (fs *FS) allocate(ino Ino, mode uint32, off, n int64) error {
	nd, f, err := fs.ownFile(ino)
	if err != nil {
		return err
	}
	if mode&(linux.FALLOC_FL_PUNCH_HOLE|linux.FALLOC_FL_ZERO_RANGE) != 0 {
		end := min(off+n, (maxFile>>chunkShift)<<chunkShift)
		if err := fs.punch(ino, f, off, end); err != nil {
			return err
		}
		if err := fs.punchMaps(ino, f, off, end, uint64(off+chunkSize-1)>>chunkShift, uint64(end)>>chunkShift); err != nil {
			return err
		}
	}
	if mode&linux.FALLOC_FL_PUNCH_HOLE == 0 {
		if err := fs.fill(ino, f, off, off+n); err != nil {
			return err
		}
	}
	if mode&linux.FALLOC_FL_KEEP_SIZE == 0 && off+n > nd.size {
		if err := fs.resizeMaps(ino, f, off+n); err != nil {
			return err
		}
		nd.size = off + n
	}
	nd.mtime = fs.now()
	nd.ctime = nd.mtime
	return nil
}

// fill allocates pages: the quota is charged, the memory comes with the data.
func (fs *FS) fill(ino Ino, f *fileBody, off, end int64) error {
	if max := fs.opts.MaxBytes; max > 0 && end-off > max {
		return linux.ENOSPC
	}
	if end-off > 1<<40 {
		return linux.ENOSPC // more chunks than memory can describe
	}
	for at := off; at < end; {
		i := uint64(at) >> chunkShift
		base := int64(i) << chunkShift
		lo, hi := int(at-base), int(min(end-base, chunkSize))
		c, err := fs.ownChunk(ino, f, i)
		if err != nil {
			return err
		}
		if need := (hi + pageSize - 1) / pageSize; need > int(c.charged) {
			if err := fs.charge(int64(need-int(c.charged)) * pageSize); err != nil {
				return err
			}
			c.charged = uint16(need)
		}
		had := c.pages
		c.written |= had & f.touch(c, lo, hi) // reserved twice is data, as on tmpfs
		at = base + chunkSize
	}
	return nil
}

// punch makes [off, end) read as zeros and frees whole pages in it.
func (fs *FS) punch(ino Ino, f *fileBody, off, end int64) error {
	first, last := uint64(off)>>chunkShift, uint64(end)>>chunkShift
	if off&(chunkSize-1) != 0 {
		hi := chunkSize
		if first == last {
			hi = int(end & (chunkSize - 1))
		}
		if err := fs.punchChunk(ino, f, first, int(off&(chunkSize-1)), hi); err != nil || first == last {
			return err
		}
		first++
	}
	if o := int(end & (chunkSize - 1)); o != 0 && last >= first {
		if err := fs.punchChunk(ino, f, last, 0, o); err != nil {
			return err
		}
	}
	fs.dropChunks(f, first, last)
	return fs.hideBelow(ino, f, first, last)
}

// hideBelow puts empty chunks over the index's data in [first, last).
func (fs *FS) hideBelow(ino Ino, f *fileBody, first, last uint64) error {
	if first >= last || int64(first)<<chunkShift >= f.lowerLen {
		return nil
	}
	lo, hi := int64(first)<<chunkShift, min(int64(last)<<chunkShift, f.lowerLen)
	f.pages -= fs.belowPages(ino, f, lo, hi)
	if hi == f.lowerLen {
		f.lowerLen = lo
		return nil
	}
	for i := first; i < last; i++ {
		f.setChunk(fs.epoch, i, &chunk{epoch: fs.epoch})
	}
	return nil
}

// punchChunk zeroes [o, end) of one chunk.
func (fs *FS) punchChunk(ino Ino, f *fileBody, i uint64, o, end int) error {
	if f.chunk(i) == nil && int64(i)<<chunkShift >= f.lowerLen {
		return nil
	}
	c, err := fs.ownChunk(ino, f, i)
	if err != nil {
		return err
	}
	if o < len(c.data) {
		clear(c.data[o:min(end, len(c.data))])
	}
	lo, hi := (o+pageSize-1)/pageSize, end/pageSize
	if hi <= lo {
		return nil
	}
	gone := c.pages & uint16((1<<hi-1)&^(1<<lo-1))
	f.pages -= int64(bits.OnesCount16(gone))
	c.pages &^= gone
	c.written &= c.pages
	return nil
}

// seek finds the first page at or after off that is data, or that is a hole.
func (fs *FS) seek(ino Ino, off int64, data bool) (int64, error) {
	n, r, err := fs.find(ino)
	if err != nil {
		return 0, err
	}
	f, size := (*fileBody)(nil), int64(0)
	if n != nil {
		f, size = n.file(), n.size
	} else {
		size = r.size()
	}
	if off < 0 || off >= size {
		return 0, linux.ENXIO
	}
	if f == nil {
		f = &fileBody{lowerLen: min(size, fs.lowerRef(ino).size)}
	}
	low := fs.lowerRef(ino)
	for at := off; at < size; {
		isData, next := fs.kindAt(ino, f, &low, at)
		if isData == data {
			return at, nil
		}
		at = next
	}
	if data {
		return 0, linux.ENXIO
	}
	return size, nil
}

// kindAt tells whether the byte at is data, and where that may change.
func (fs *FS) kindAt(ino Ino, f *fileBody, low *lowerRef, at int64) (bool, int64) {
	i := uint64(at) >> chunkShift
	base := int64(i) << chunkShift
	page := at / pageSize * pageSize
	if c := f.chunk(i); c != nil {
		if c.stored {
			m, _ := fs.maps[ino].pages(i)
			return (c.written|m)>>((at-base)/pageSize)&1 != 0, page + pageSize
		}
		if c.written == 0 {
			return false, base + chunkSize
		}
		// What fallocate reserved and nobody wrote counts as a hole.
		return c.written>>((at-base)/pageSize)&1 != 0, page + pageSize
	}
	if at < f.lowerLen {
		if len(low.holes) == 0 {
			return true, min(base+chunkSize, f.lowerLen)
		}
		return low.pages(page, min(page+pageSize, f.lowerLen)) > 0, page + pageSize
	}
	next := int64(maxFile)
	f.rest.each(max(i, 1), func(j uint64, _ *chunk) bool {
		next = int64(j) << chunkShift
		return false
	})
	return false, next
}
