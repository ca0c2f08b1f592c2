package vfs

import (
	"os"

	"github.com/sbxrun/sbx/abi/linux"
)

// Mapper is a Handle whose pages can be put straight into a guest's memory,
// mmap(2). The Handles of FS are; Unwrap leads to them.
type Mapper interface {
	Handle
	// Map starts a mapping of the inode. It pins the inode until its Close,
	// whatever becomes of the Handle. changed is called with each range of
	// bytes, in whole pages, whose Runs must not be used any more: look again
	// with Fault. It runs in the middle of the change, also of one that this
	// Mapping's Fault makes, so it must be quick and must not call into vfs;
	// once it has returned nobody may store to those pages.
	Map(changed func(off, n int64)) (*Mapping, error)
}

// Mapping hands out the pages of one inode, the same ones to everybody who maps
// it. It is safe for concurrent use.
type Mapping struct {
	fs      *FS
	ino     Ino
	changed func(off, n int64)
	closed  bool // guarded by fs.mu
}

// Run is a range of whole pages of a mapped inode, with one of three things
// behind it:
//
//   - Data: memory that everybody who maps the inode shares, and that reads and
//     writes of the file go to. Stores are allowed where Fault was told so.
//   - Content at Offset: what the image has, unchanged. It must only be read.
//     HostFile says whether the host can map it, if Offset is a multiple of the
//     page; ReadAt always does. After the end of the file the page is zeros.
//   - neither: a hole, which reads as zeros.
//
// A Run is good until changed is called for it or the Mapping is closed.
type Run struct {
	Off, Len int64 // in the inode; multiples of 4096
	Data     []byte
	Content  Content
	Offset   int64
}

// HostFile returns the file of the host that holds a layer's contents, when
// there is one. It stays its owner's.
func HostFile(c Content) (*os.File, bool) {
	f, ok := c.(*os.File)
	return f, ok
}

// inodeMaps is what an FS knows of the mappings of one inode.
type inodeMaps struct {
	maps   []*Mapping
	chunks map[uint64]bool // whose memory was handed out
}

// Map implements Mapper.
func (h *file) Map(changed func(off, n int64)) (*Mapping, error) {
	fs := h.fs
	fs.mu.Lock()
	defer fs.mu.Unlock()
	mode, err := fs.mode(h.ino())
	if err != nil {
		return nil, linux.EIO
	}
	if mode&linux.S_IFMT != linux.S_IFREG {
		return nil, linux.ENODEV
	}
	m := &Mapping{fs: fs, ino: h.ino(), changed: changed}
	if fs.maps == nil {
		fs.maps = make(map[Ino]*inodeMaps)
	}
	im := fs.maps[h.ino()]
	if im == nil {
		im = &inodeMaps{chunks: make(map[uint64]bool)}
		fs.maps[h.ino()] = im
	}
	im.maps = append(im.maps, m)
	fs.Ref(h.ino())
	return m, nil
}

// Close ends the mapping; its Runs must not be used any more. A second one is
// EBADF.
func (m *Mapping) Close() error {
	fs := m.fs
	fs.mu.Lock()
	if m.closed {
		fs.mu.Unlock()
		return linux.EBADF
	}
	m.closed = true
	im := fs.maps[m.ino]
	for i, x := range im.maps {
		if x == m {
			im.maps = append(im.maps[:i], im.maps[i+1:]...)
			break
		}
	}
	if len(im.maps) == 0 {
		delete(fs.maps, m.ino)
		if n := fs.get(m.ino); n != nil && n.file() != nil {
			for i := range im.chunks {
				if c := n.file().chunk(i); c != nil {
					c.mapped = false
				}
			}
		}
	}
	fs.mu.Unlock()
	fs.Unref(m.ino)
	return nil
}

// Fault returns what lies at byte off. With write it is one page of Data, and
// counts as written from now on: times and the quota (ENOSPC) are settled here,
// as Linux does when a page is first stored to. Without, it is as long a Run as
// there is, up to 64 KiB. Pages after the end of the file are EFAULT: SIGBUS.
func (m *Mapping) Fault(off int64, write bool) (Run, error) {
	fs := m.fs
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if m.closed || fs.closed {
		return Run{}, linux.EBADF
	}
	n, r, err := fs.find(m.ino)
	if err != nil {
		return Run{}, linux.EIO
	}
	size, f := int64(0), (*fileBody)(nil)
	if n != nil {
		size, f = n.size, n.file()
	} else {
		size = r.size()
	}
	if off < 0 || off >= size {
		return Run{}, linux.EFAULT
	}
	off &^= pageSize - 1
	if !write && (f == nil || f.chunk(uint64(off)>>chunkShift) == nil) {
		if run, ok := fs.cleanRun(m.ino, f, off, size); ok {
			return run, nil
		}
	}
	return fs.sharedRun(m.ino, off, write)
}

// cleanRun describes what the index has at off, or a hole. It says no when a
// page there is only partly the index's.
func (fs *FS) cleanRun(ino Ino, f *fileBody, off, size int64) (Run, bool) {
	low := fs.lowerRef(ino)
	lowerLen := low.size
	if f != nil {
		lowerLen = f.lowerLen
	}
	end := min(off&^(chunkSize-1)+chunkSize, pageUp(size))
	if off >= lowerLen {
		return Run{Off: off, Len: end - off}, true
	}
	whole := pageUp(lowerLen)
	if lowerLen < low.size {
		whole = lowerLen &^ (pageSize - 1) // the rest of the page was cut off
	}
	if end = min(end, whole); off >= end || low.content == nil || low.off > maxFile-end {
		return Run{}, false
	}
	run := Run{Off: off, Len: end - off, Content: low.content, Offset: low.off + off}
	if len(low.holes) == 0 {
		return run, true
	}
	data := low.pages(off, off+pageSize) > 0
	for at := off + pageSize; at < end; at += pageSize {
		if low.pages(at, at+pageSize) > 0 != data {
			run.Len = at - off
			break
		}
	}
	if !data {
		run.Content, run.Offset = nil, 0
	}
	return run, true
}

func pageUp(n int64) int64 {
	if n > maxFile-pageSize {
		return maxFile &^ (pageSize - 1)
	}
	return (n + pageSize - 1) &^ (pageSize - 1)
}

// sharedRun returns memory that stays where it is until nobody maps the inode.
func (fs *FS) sharedRun(ino Ino, off int64, write bool) (Run, error) {
	n, f, err := fs.ownFile(ino)
	if err != nil {
		return Run{}, err
	}
	i := uint64(off) >> chunkShift
	base := off &^ (chunkSize - 1)
	o := int(off - base)
	c, err := fs.ownChunk(ino, f, i)
	if err != nil {
		return Run{}, err
	}
	end := int(min(pageUp(n.size)-base, chunkSize))
	if write {
		end = o + pageSize
	}
	if _, err := fs.reserve(c, end, end); err != nil { // and zeros up to end
		return Run{}, err
	}
	fs.settle(ino, i, c)
	if write {
		c.written |= f.touch(c, o, end)
		n.mtime = fs.now()
		n.ctime = n.mtime
	}
	return Run{Off: off, Len: int64(end - o), Data: c.data[o:end:end]}, nil
}

// settle makes a chunk's memory whole, so that it need not move again.
func (fs *FS) settle(ino Ino, i uint64, c *chunk) {
	if !c.mapped {
		old := c.data
		if cap(old) < chunkSize {
			c.data = fs.getBuf(chunkSize)
			copy(c.data, old)
		}
		c.data = c.data[:chunkSize]
		clear(c.data[len(old):])
		c.mapped = true
	}
	fs.maps[ino].chunks[i] = true
}

// remap tells who maps ino that [off, end) changed under them.
func (fs *FS) remap(ino Ino, off, end int64) {
	im := fs.maps[ino]
	if im == nil || off >= end {
		return
	}
	off &^= pageSize - 1
	end = pageUp(end)
	for _, m := range im.maps {
		if m.changed != nil {
			m.changed(off, end-off)
		}
	}
}

// unmapFork makes a fork its own copy of all memory that is mapped, which stays
// with fs: a store to it is seen by nobody else.
func (fs *FS) unmapFork(c *FS) {
	for ino, im := range fs.maps {
		if len(im.chunks) == 0 {
			continue
		}
		_, mine, err := fs.ownFile(ino)
		if err != nil {
			continue
		}
		_, theirs, _ := c.ownFile(ino) // nil: it had no name, and the fork does not have it
		for i := range im.chunks {
			old := mine.chunk(i)
			if old == nil || !old.mapped {
				continue
			}
			keep := *old
			keep.epoch = fs.epoch
			mine.setChunk(fs.epoch, i, &keep)
			if theirs == nil {
				continue
			}
			copied := *old
			copied.epoch, copied.mapped = c.epoch, false
			copied.data = append(c.getBuf(chunkSize)[:0], old.data...)
			theirs.setChunk(c.epoch, i, &copied)
		}
	}
}
