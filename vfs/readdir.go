package vfs

import (
	"sort"

	"github.com/sbxrun/sbx/abi/linux"
)

// A cookie says how many places of the directory were read: 1 after ".", 2
// after "..", then the entries of the index by position, then those of the
// upper layer by the number they got when they came. None of these moves when
// other entries come and go.

const readDirBatch = 128

// ReadDir lists a directory; see Handle.
func (fs *FS) readDir(dir Ino, cookie uint64, fn func(DirEntry) bool) error {
	batch := make([]DirEntry, 0, 16)
	for {
		var err error
		batch, err = fs.readBatch(dir, cookie, batch[:0])
		if err != nil || len(batch) == 0 {
			return err
		}
		for _, e := range batch {
			if !fn(e) {
				return nil
			}
		}
		cookie = batch[len(batch)-1].Cookie
	}
}

// readBatch takes some entries after cookie, so that no lock is held while they
// are handed out.
func (fs *FS) readBatch(dir Ino, cookie uint64, out []DirEntry) ([]DirEntry, error) {
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	d, err := fs.dirOf(dir)
	if err != nil {
		return nil, err
	}
	if d.node != nil && d.node.nlink == 0 {
		return nil, linux.ENOENT // rmdir'ed while open, as Linux answers
	}
	if cookie == 0 {
		out = append(out, DirEntry{".", dir, linux.DT_DIR, 1})
		cookie = 1
	}
	if cookie == 1 {
		p, _, err := fs.parentOf(dir)
		if err != nil {
			return nil, err
		}
		out = append(out, DirEntry{"..", p, linux.DT_DIR, 2})
		cookie = 2
	}
	low := 0
	if d.rec != nil {
		out, low = fs.readLower(&d, cookie-2, out)
	}
	if len(out) < readDirBatch && d.delta != nil {
		out = fs.readUpper(d.delta, cookie, uint64(low)+2, out)
	}
	return out, nil
}

func (fs *FS) readLower(d *dirRef, from uint64, out []DirEntry) ([]DirEntry, int) {
	es := fs.ix.entries(d.rec)
	total := len(es) / direntSize
	for i := from; i < uint64(total) && len(out) < readDirBatch; i++ {
		if d.delta != nil && d.delta.isHidden(int(i)) {
			continue
		}
		e := direntRec(es[i*direntSize : (i+1)*direntSize])
		r := fs.ix.rec(e.ino())
		if r == nil {
			continue
		}
		out = append(out, DirEntry{string(fs.ix.name(e)), e.ino(), linux.DirType(r.mode()), i + 3})
	}
	return out, total
}

func (fs *FS) readUpper(d *dirDelta, cookie, base uint64, out []DirEntry) []DirEntry {
	after := uint32(0)
	if cookie > base {
		after = uint32(min(cookie-base, uint64(^uint32(0))))
	}
	i := sort.Search(len(d.ents), func(i int) bool { return d.ents[i].seq > after })
	for ; i < len(d.ents) && len(out) < readDirBatch; i++ {
		e := &d.ents[i]
		if e.ino == 0 {
			continue
		}
		mode, err := fs.mode(e.ino)
		if err != nil {
			continue
		}
		out = append(out, DirEntry{e.name, e.ino, linux.DirType(mode), base + uint64(e.seq)})
	}
	return out
}

// parentOf returns where a directory is.
func (fs *FS) parentOf(dir Ino) (Ino, string, error) {
	n, r, err := fs.find(dir)
	if err != nil {
		return 0, "", err
	}
	if n != nil {
		if !n.isDir() {
			return 0, "", linux.ENOTDIR
		}
		if b := n.dir(); b != nil {
			return b.parent, b.name, nil
		}
	} else if r.mode()&linux.S_IFMT != linux.S_IFDIR {
		return 0, "", linux.ENOTDIR
	}
	p, name := fs.lowerParent(dir)
	return p, name, nil
}
