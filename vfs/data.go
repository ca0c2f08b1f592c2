package vfs

import (
	"math/bits"

	"github.com/sbxrun/sbx/abi/linux"
)

const (
	chunkShift = 16
	chunkSize  = 1 << chunkShift
	pageSize   = 4096
	chunkPages = chunkSize / pageSize
	maxFile    = 1<<63 - 1
)

// fileBody is the data of a file that was written to. Where it has no chunk,
// the first lowerLen bytes are still those of the index, the rest is a hole.
type fileBody struct {
	epoch    uint64
	lowerLen int64
	pages    int64 // allocated pages, those of the index too
	first    *chunk
	rest     radix[chunk] // from chunk 1 on
}

// chunk holds up to 64 KiB of a file. Bytes after len(data) are zero. It hides
// what the index has in its place.
type chunk struct {
	epoch   uint64
	pages   uint16 // bit for each page that is allocated and not a hole
	written uint16 // bit for each page that has data: fallocate gives pages without
	charged uint16 // pages that the quota was charged for
	stored  bool   // its bytes are in the Memory of the mapped file, and not in data
	data    []byte
}

func (f *fileBody) chunk(i uint64) *chunk {
	if i == 0 {
		return f.first
	}
	return f.rest.get(i)
}

func (f *fileBody) setChunk(epoch, i uint64, c *chunk) {
	if i == 0 {
		f.first = c
		return
	}
	f.rest.set(epoch, i, c)
}

// ownFile returns the body of a regular file to change.
func (fs *FS) ownFile(ino Ino) (*node, *fileBody, error) {
	n, err := fs.own(ino)
	if err != nil {
		return nil, nil, err
	}
	if n.typ() != linux.S_IFREG {
		return nil, nil, linux.EINVAL
	}
	f := n.file()
	switch {
	case f == nil:
		f = &fileBody{epoch: fs.epoch}
		if ino <= fs.nlower {
			f.lowerLen = fs.ix.rec(ino).size()
			f.pages = fs.lowerRef(ino).pages(0, f.lowerLen)
		}
		n.body = f
	case f.epoch != fs.epoch:
		c := *f
		c.epoch = fs.epoch
		f = &c
		n.body = f
	}
	return n, f, nil
}

// getBuf returns a buffer of at least n bytes, at most chunkSize, its content
// undefined.
func (fs *FS) getBuf(n int) []byte {
	if n <= chunkSize/2 {
		return make([]byte, n)
	}
	if b, ok := fs.fam.buffers.Get().(*[chunkSize]byte); ok {
		return b[:]
	}
	return make([]byte, chunkSize)
}

func (fs *FS) putBuf(b []byte) {
	if cap(b) == chunkSize {
		fs.fam.buffers.Put((*[chunkSize]byte)(b[:chunkSize]))
	}
}

// freeChunk gives a chunk's quota back, and its memory when no fork shares it.
func (fs *FS) freeChunk(c *chunk) {
	_ = fs.charge(-int64(c.charged) * pageSize)
	if c.epoch == fs.epoch {
		fs.putBuf(c.data)
		c.data = nil
	}
}

func (fs *FS) freeData(f *fileBody) {
	if f.first != nil {
		fs.freeChunk(f.first)
	}
	f.rest.each(0, func(_ uint64, c *chunk) bool {
		fs.freeChunk(c)
		return true
	})
}

// ownChunk returns chunk i of a file to change, with the index's bytes in it.
// A new chunk is empty and not charged yet.
func (fs *FS) ownChunk(ino Ino, f *fileBody, i uint64) (*chunk, error) {
	if im := fs.maps[ino]; im != nil {
		if _, ok := im.chunks[i]; ok {
			return fs.ownStored(ino, f, i)
		}
	}
	c := f.chunk(i)
	if c == nil {
		c = &chunk{epoch: fs.epoch}
		if base := int64(i) << chunkShift; base < f.lowerLen {
			if err := fs.fillChunk(ino, f, c, base); err != nil {
				return nil, err
			}
		}
		f.setChunk(fs.epoch, i, c)
		return c, nil
	}
	if c.epoch == fs.epoch {
		return c, nil
	}
	d := *c
	d.epoch = fs.epoch
	d.data = fs.getBuf(max(len(c.data), 1))[:len(c.data)]
	copy(d.data, c.data)
	f.setChunk(fs.epoch, i, &d)
	return &d, nil
}

// fillChunk copies a chunk of the index up.
func (fs *FS) fillChunk(ino Ino, f *fileBody, c *chunk, base int64) error {
	n := min(f.lowerLen-base, chunkSize)
	b := fs.getBuf(int(n))[:n]
	if err := fs.lowerRef(ino).readAt(b, base); err != nil {
		return err
	}
	if err := fs.adoptLower(ino, f, c, base); err != nil {
		return err
	}
	c.data = b
	return nil
}

// adoptLower makes the pages of the index a chunk's, and charges for them.
func (fs *FS) adoptLower(ino Ino, f *fileBody, c *chunk, base int64) error {
	low := fs.lowerRef(ino)
	np := int((min(f.lowerLen-base, chunkSize) + pageSize - 1) / pageSize)
	if err := fs.charge(int64(np) * pageSize); err != nil {
		return err
	}
	c.charged = uint16(np)
	for p := range np {
		o := base + int64(p)*pageSize
		if low.pages(o, min(o+pageSize, f.lowerLen)) > 0 {
			c.pages |= 1 << p
		}
	}
	c.written = c.pages
	return nil
}

// reserve makes room for the bytes [o, end) of a chunk and charges for it. It
// answers how far it came: the quota may end earlier.
func (fs *FS) reserve(c *chunk, o, end int) (int, error) {
	if need := (end + pageSize - 1) / pageSize; need > int(c.charged) {
		if err := fs.charge(int64(need-int(c.charged)) * pageSize); err != nil {
			for need > int(c.charged) && fs.charge(pageSize) == nil {
				c.charged++
			}
			if end = int(c.charged) * pageSize; end <= o {
				return o, err
			}
		} else {
			c.charged = uint16(need)
		}
	}
	if c.stored || end <= len(c.data) {
		return end, nil
	}
	if end > cap(c.data) {
		fs.growBuf(c, end)
	}
	old := len(c.data)
	c.data = c.data[:end]
	if o > old {
		clear(c.data[old:o])
	}
	return end, nil
}

func (fs *FS) growBuf(c *chunk, end int) {
	size := max(end, min(2*cap(c.data), chunkSize))
	if size < pageSize {
		size = 1 << bits.Len(uint(max(size, 32)-1))
	}
	if end > chunkSize/2 {
		size = chunkSize
	}
	b := fs.getBuf(size)[:len(c.data)]
	copy(b, c.data)
	fs.putBuf(c.data)
	c.data = b
}

// touch marks pages [o, end) of a chunk as allocated and returns their bits.
func (f *fileBody) touch(c *chunk, o, end int) uint16 {
	m := pageBits(o, end)
	f.pages += int64(bits.OnesCount16(m &^ c.pages))
	c.pages |= m
	return m
}

// pageBits has a bit for each page of a chunk that [o, end) touches.
func pageBits(o, end int) uint16 {
	lo, hi := o/pageSize, (end+pageSize-1)/pageSize
	return uint16((1<<hi - 1) &^ (1<<lo - 1))
}

// write puts p at off and answers how much fitted. The caller holds mu.
func (fs *FS) write(ino Ino, p []byte, off int64) (int, error) {
	n, f, err := fs.ownFile(ino)
	if err != nil {
		return 0, err
	}
	if end := off + int64(len(p)); end > n.size && fs.maps[ino] != nil {
		if err := fs.resizeMaps(ino, f, end); err != nil {
			return 0, err
		}
		defer func() { _ = fs.resizeMaps(ino, f, n.size) }() // if less was written
	}
	done := 0
	for done < len(p) {
		at := off + int64(done)
		c, err := fs.ownChunk(ino, f, uint64(at)>>chunkShift)
		if err != nil {
			return fs.wrote(n, off, done), err
		}
		o := int(at & (chunkSize - 1))
		end, err := fs.reserve(c, o, min(o+len(p)-done, chunkSize))
		if end > o {
			if !c.stored {
				copy(c.data[o:end], p[done:])
			} else if _, err := fs.maps[ino].mem.WriteAt(p[done:done+end-o], at); err != nil {
				return fs.wrote(n, off, done), err
			}
			c.written |= f.touch(c, o, end)
			done += end - o
		}
		if err != nil {
			return fs.wrote(n, off, done), err
		}
	}
	return fs.wrote(n, off, done), nil
}

// wrote settles size, times and set-id bits after done bytes at off.
func (fs *FS) wrote(n *node, off int64, done int) int {
	if done == 0 {
		return 0
	}
	n.size = max(n.size, off+int64(done))
	n.mtime = fs.now()
	n.ctime = n.mtime
	return done
}

// read fills p from off. The caller holds mu.
func (fs *FS) read(ino Ino, n *node, f *fileBody, p []byte, off int64) (int, error) {
	if off >= n.size {
		return 0, nil
	}
	p = p[:min(int64(len(p)), n.size-off)]
	for done := 0; done < len(p); {
		at := off + int64(done)
		o := int(at & (chunkSize - 1))
		part := p[done:min(len(p), done+chunkSize-o)]
		if c := f.chunk(uint64(at) >> chunkShift); c != nil {
			m := 0
			if c.stored {
				m, _ = fs.maps[ino].mem.ReadAt(part, at)
			} else if o < len(c.data) {
				m = copy(part, c.data[o:])
			}
			clear(part[m:])
		} else if err := fs.readBelow(ino, f, part, at); err != nil {
			return done, err
		}
		done += len(part)
	}
	return len(p), nil
}

func (fs *FS) readBelow(ino Ino, f *fileBody, p []byte, off int64) error {
	low := p[:max(min(int64(len(p)), f.lowerLen-off), 0)]
	clear(p[len(low):])
	if len(low) == 0 {
		return nil
	}
	return fs.lowerRef(ino).readAt(low, off)
}

// truncate sets the size of a file. The same size leaves the times of a file
// without pages alone, as on tmpfs.
func (fs *FS) truncate(ino Ino, size int64) error {
	n, f, err := fs.ownFile(ino)
	if err != nil {
		return err
	}
	stamp := size != n.size || f.pages > 0
	if size <= n.size { // the same size drops what fallocate reserved after the end
		if err := fs.cut(ino, f, size); err != nil {
			return err
		}
	}
	if err := fs.resizeMaps(ino, f, size); err != nil {
		return err
	}
	n.size = size
	if stamp {
		n.mtime = fs.now()
		n.ctime = n.mtime
	}
	return nil
}

// cut throws away all data from size on.
func (fs *FS) cut(ino Ino, f *fileBody, size int64) error {
	keep := uint64(size) >> chunkShift
	if o := int(size & (chunkSize - 1)); o > 0 {
		if f.chunk(keep) != nil {
			c, err := fs.ownChunk(ino, f, keep)
			if err != nil {
				return err
			}
			fs.cutChunk(f, c, o)
		}
		keep++
	}
	if size < f.lowerLen {
		f.pages -= fs.belowPages(ino, f, size, f.lowerLen)
		f.lowerLen = size
	}
	fs.dropChunks(f, keep, 1<<47)
	return nil
}

// cutChunk drops the bytes of a chunk from o on.
func (fs *FS) cutChunk(f *fileBody, c *chunk, o int) {
	if o < len(c.data) {
		c.data = c.data[:o]
	}
	np := (o + pageSize - 1) / pageSize
	gone := c.pages &^ (1<<np - 1)
	f.pages -= int64(bits.OnesCount16(gone))
	c.pages &^= gone
	c.written &= c.pages
	if int(c.charged) > np {
		_ = fs.charge(-int64(int(c.charged)-np) * pageSize)
		c.charged = uint16(np)
	}
}

// dropChunks removes the chunks of the upper layer in [from, to).
func (fs *FS) dropChunks(f *fileBody, from, to uint64) {
	if from == 0 && to > 0 && f.first != nil {
		f.pages -= int64(bits.OnesCount16(f.first.pages))
		fs.freeChunk(f.first)
		f.first = nil
	}
	var gone []uint64
	f.rest.each(from, func(i uint64, c *chunk) bool {
		if i >= to {
			return false
		}
		f.pages -= int64(bits.OnesCount16(c.pages))
		fs.freeChunk(c)
		gone = append(gone, i)
		return true
	})
	for _, i := range gone {
		f.rest.set(fs.epoch, i, nil)
	}
}
