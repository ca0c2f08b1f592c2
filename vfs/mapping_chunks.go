package vfs

import "math/bits"

// inodeMaps is what an FS knows of the mappings of one inode. Its memory has the
// bytes of every chunk that is mapped. A mapped chunk is in one of two states: it is
// stored, and its bytes are in the memory alone; or it is not, and the memory has a
// copy of what the chunk or the index says. Whatever changes a mapped chunk stores
// it first, so that the two never differ. A copy that nobody needed yet may be absent: then the memory has zeros.
type inodeMaps struct {
	mem    Memory
	size   int64 // of mem: the file's
	maps   map[*Mapping]bool
	chunks map[uint64]mappedChunk
	dirty  int // chunks that are
}

// mappedChunk is a chunk that mappings cover.
type mappedChunk struct {
	maps   int32
	dirty  bool // may be stored to by who maps it, without asking
	absent bool // not stored, and not copied to the memory
}

// mapsOf returns the maps of a file, with a memory.
func (fs *FS) mapsOf(ino Ino, make func() (Memory, error)) (*inodeMaps, error) {
	if im := fs.maps[ino]; im != nil {
		return im, nil
	}
	n, r, err := fs.find(ino)
	if err != nil {
		return nil, err
	}
	im := &inodeMaps{maps: map[*Mapping]bool{}, chunks: map[uint64]mappedChunk{}}
	if n != nil {
		im.size = n.size
	} else {
		im.size = r.size()
	}
	if im.mem, err = make(); err != nil {
		return nil, err
	}
	if err := im.mem.Truncate(im.size); err != nil {
		_ = im.mem.Close()
		return nil, err
	}
	if fs.maps == nil {
		fs.maps = map[Ino]*inodeMaps{}
	}
	fs.maps[ino] = im
	return im, nil
}

// reachOf is how much of chunk i a file of some size has, in whole pages.
func reachOf(i uint64, size int64) int {
	if i >= uint64(size+chunkSize-1)>>chunkShift {
		return 0
	}
	return int(min(pageUp(size)-int64(i)<<chunkShift, chunkSize))
}

// useChunk counts a mapping of a chunk in. The first that does not say that there is time brings its bytes to the memory.
func (fs *FS) useChunk(ino Ino, im *inodeMaps, i uint64, later bool) error {
	u := im.chunks[i]
	held := int64(0)
	if u.maps == 0 {
		held = int64(reachOf(i, im.size))
		if err := im.mem.Hold(held); err != nil {
			return err
		}
		u.absent = true
	}
	if u.absent && !later {
		if err := fs.loadChunk(ino, im, i); err != nil {
			_ = im.mem.Hold(-held)
			return err
		}
		u.absent = false
	}
	u.maps++
	im.chunks[i] = u
	return nil
}

// needChunk brings the bytes of a mapped chunk to the memory, if they are not there.
func (fs *FS) needChunk(ino Ino, im *inodeMaps, i uint64) error {
	u, ok := im.chunks[i]
	if !ok || !u.absent {
		return nil
	}
	if err := fs.loadChunk(ino, im, i); err != nil {
		return err
	}
	u.absent = false
	im.chunks[i] = u
	return nil
}

// loadChunk copies a chunk to the memory.
func (fs *FS) loadChunk(ino Ino, im *inodeMaps, i uint64) error {
	base := int64(i) << chunkShift
	if reachOf(i, im.size) == 0 {
		return nil
	}
	low := fs.lowerRef(ino)
	lowerLen := min(low.size, im.size)
	if n := fs.get(ino); n != nil && n.file() != nil {
		f := n.file()
		if c := f.chunk(i); c != nil {
			if n := min(int64(len(c.data)), im.size-base); n > 0 {
				_, err := im.mem.WriteAt(c.data[:n], base)
				return err
			}
			return nil
		}
		lowerLen = f.lowerLen
	}
	n := min(lowerLen-base, chunkSize)
	if n <= 0 || low.pages(base, base+n) == 0 {
		return nil
	}
	buf := fs.getBuf(int(n))[:n]
	defer fs.putBuf(buf)
	if err := low.readAt(buf, base); err != nil {
		return err
	}
	_, err := im.mem.WriteAt(buf, base)
	return err
}

// unuseChunks counts a mapping of [first, end) out. What is mapped by nobody any more
// goes back to where files have their bytes, and the last takes the memory along.
func (fs *FS) unuseChunks(ino Ino, im *inodeMaps, first, end uint64) {
	var f *fileBody
	for i := first; i < end; i++ {
		u := im.chunks[i]
		if u.maps > 1 {
			u.maps--
			im.chunks[i] = u
			continue
		}
		delete(im.chunks, i)
		if u.dirty {
			im.dirty--
		}
		_ = im.mem.Hold(-int64(reachOf(i, im.size)))
		if u.absent {
			continue
		}
		if fs.stored(ino, i) {
			if f == nil {
				f = fs.quietBody(ino)
			}
			fs.unstoreChunk(f, im, i)
		}
		if len(im.maps) > 0 { // or else all of it goes
			_ = im.mem.Punch(int64(i)<<chunkShift, chunkSize)
		}
	}
	if len(im.maps) == 0 && len(im.chunks) == 0 {
		fs.dropMaps(ino)
	}
}

// dropMaps lets the memory of an inode go.
func (fs *FS) dropMaps(ino Ino) {
	if im := fs.maps[ino]; im != nil {
		_ = im.mem.Close()
		delete(fs.maps, ino)
	}
}

// ownStored returns a mapped chunk to change: its bytes are in the memory alone from
// now on.
func (fs *FS) ownStored(ino Ino, f *fileBody, i uint64) (*chunk, error) {
	c := f.chunk(i)
	if c != nil && c.stored && c.epoch == fs.epoch {
		return c, nil
	}
	if err := fs.needChunk(ino, fs.maps[ino], i); err != nil {
		return nil, err
	}
	d := &chunk{epoch: fs.epoch, stored: true}
	if c != nil {
		d.pages, d.written, d.charged = c.pages, c.written, c.charged
		if c.epoch == fs.epoch && !c.stored {
			fs.putBuf(c.data)
			c.data = nil
		}
	} else if base := int64(i) << chunkShift; base < f.lowerLen {
		if err := fs.adoptLower(ino, f, d, base); err != nil {
			return nil, err
		}
	}
	f.setChunk(fs.epoch, i, d)
	return d, nil
}

// stored reports whether chunk i of a file is.
func (fs *FS) stored(ino Ino, i uint64) bool {
	if n := fs.get(ino); n != nil && n.file() != nil {
		c := n.file().chunk(i)
		return c != nil && c.stored
	}
	return false
}

// quietBody returns the body of a file to say the same in another way, which is no
// change that Generation counts: the first real one still is.
func (fs *FS) quietBody(ino Ino) *fileBody {
	n := fs.get(ino)
	if n.epoch == fs.epoch && n.file().epoch == fs.epoch {
		return n.file()
	}
	c, f := *n, *n.file()
	c.epoch, f.epoch, c.body = 0, 0, &f
	fs.put(ino, &c)
	fs.gen--
	return &f
}

// unstoreChunk gives a chunk its bytes back.
func (fs *FS) unstoreChunk(f *fileBody, im *inodeMaps, i uint64) {
	d := fs.copyStored(f, im, i)
	d.epoch = fs.epoch
	// What was charged for stores that nobody made is given back.
	if need := bits.Len16(d.pages); int(d.charged) > need {
		_ = fs.charge(-int64(int(d.charged)-need) * pageSize)
		d.charged = uint16(need)
	}
	if d.pages == 0 && int64(i)<<chunkShift >= f.lowerLen {
		d = nil
	}
	f.setChunk(fs.epoch, i, d)
}

// copyStored makes a chunk of no epoch out of a stored one. Pages that have memory are
// its file's.
func (fs *FS) copyStored(f *fileBody, im *inodeMaps, i uint64) *chunk {
	d := *f.chunk(i)
	d.epoch, d.stored = 0, false
	m, end := im.pages(i)
	f.pages += int64(bits.OnesCount16(m &^ d.pages))
	d.pages |= m
	d.written |= m
	if end > 0 {
		d.data = fs.getBuf(end)[:end]
		n, _ := im.mem.ReadAt(d.data, int64(i)<<chunkShift)
		clear(d.data[n:])
	}
	return &d
}

// pages returns a bit for each page of a chunk that has memory, and where the last ends.
func (im *inodeMaps) pages(i uint64) (m uint16, end int) {
	base := int64(i) << chunkShift
	for at := base; at < min(base+chunkSize, im.size); {
		from, to, ok := im.mem.Data(at)
		if !ok || from >= base+chunkSize {
			break
		}
		to = min(to, base+chunkSize, im.size)
		if to <= from {
			break
		}
		end = int(to - base)
		m |= pageBits(int(max(from, base)-base), end)
		at = pageUp(to)
	}
	return m, end
}

// extraPages counts the pages that have memory and that f does not know of.
func (im *inodeMaps) extraPages(f *fileBody) (n int64) {
	for at := int64(0); at < im.size; {
		from, to, ok := im.mem.Data(at)
		if !ok || from >= im.size {
			break
		}
		at = min(pageUp(to), pageUp(im.size))
		for i := uint64(from) >> chunkShift; int64(i)<<chunkShift < at; i++ {
			c := f.chunk(i)
			if c == nil || !c.stored {
				continue
			}
			base := int64(i) << chunkShift
			n += int64(bits.OnesCount16(pageBits(int(max(from, base)-base), int(min(at, base+chunkSize)-base)) &^ c.pages))
		}
	}
	return n
}

// reachChunk makes a chunk ready for stores to all of it that a file of some size has.
func (fs *FS) reachChunk(ino Ino, f *fileBody, i uint64, size int64) error {
	end := reachOf(i, size)
	if end == 0 {
		return nil
	}
	c, err := fs.ownStored(ino, f, i)
	if err != nil {
		return err
	}
	_, err = fs.reserve(c, end, end)
	return err
}

// resizeMaps follows the size of a file: before it grows, after it was cut.
func (fs *FS) resizeMaps(ino Ino, f *fileBody, size int64) error {
	im := fs.maps[ino]
	if im == nil || im.size == size {
		return nil
	}
	old, delta, err := im.size, int64(0), error(nil)
	lo, hi := uint64(min(old, size))>>chunkShift, uint64(max(old, size)-1)>>chunkShift
	im.each(lo, hi, func(i uint64, u mappedChunk) {
		delta += int64(reachOf(i, size) - reachOf(i, old))
		if u.dirty && size > old && err == nil {
			err = fs.reachChunk(ino, f, i, size)
		}
	})
	if err == nil {
		err = im.mem.Hold(delta)
	}
	if err == nil {
		if end := pageUp(old); size > old && old < end {
			_ = im.mem.Punch(old, end-old) // what was stored behind the end
		}
		if err = im.mem.Truncate(size); err == nil {
			im.size = size
		} else {
			_ = im.mem.Hold(-delta)
		}
	}
	return err
}

// each calls fn for the mapped chunks in [lo, hi].
func (im *inodeMaps) each(lo, hi uint64, fn func(i uint64, u mappedChunk)) {
	if hi-lo < uint64(len(im.chunks)) {
		for i := lo; i <= hi; i++ {
			if u, ok := im.chunks[i]; ok {
				fn(i, u)
			}
		}
		return
	}
	for i, u := range im.chunks {
		if lo <= i && i <= hi {
			fn(i, u)
		}
	}
}

// punchMaps empties a range, after the chunks that were whole in it, [first, last),
// are gone. Those that may be stored to without asking are stored anew.
func (fs *FS) punchMaps(ino Ino, f *fileBody, off, end int64, first, last uint64) error {
	im := fs.maps[ino]
	if im == nil {
		return nil
	}
	if end = min(end, im.size); off < end {
		if err := im.mem.Punch(off, end-off); err != nil {
			return err
		}
	}
	if im.dirty == 0 || first >= last {
		return nil
	}
	var err error
	im.each(first, last-1, func(i uint64, u mappedChunk) {
		if u.dirty && err == nil {
			err = fs.reachChunk(ino, f, i, im.size)
		}
	})
	return err
}
