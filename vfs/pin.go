package vfs

import "github.com/sbxrun/sbx/abi/linux"

// Ref implements Super.
func (fs *FS) Ref(ino Ino) { fs.pins.take(ino, nil) }

// Unref implements Super. An inode without names goes with its last pin.
func (fs *FS) Unref(ino Ino) { fs.unpin(ino, nil) }

// unpin undoes one take of what ino has through m.
func (fs *FS) unpin(ino Ino, m *Mount) {
	if p := fs.pins.find(ino, m); p != nil {
		fs.drop(p)
	}
}

// drop gives a pin back.
func (fs *FS) drop(p *pin) {
	if p.drop() && fs.norphans.Load() != 0 {
		fs.reap(p.ino)
	}
}

// reap ends an inode that has neither names nor pins.
func (fs *FS) reap(ino Ino) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if _, ok := fs.orphans[ino]; ok && !fs.pinned(ino) {
		fs.delOrphan(ino)
		fs.destroy(ino)
	}
}

func (fs *FS) pinned(ino Ino) bool { return fs.pins.count(ino) > 0 }

// orphan notes an inode that has pins and no names.
func (fs *FS) orphan(ino Ino, linkable bool) {
	fs.norphans.Add(1)
	fs.orphans[ino] = linkable
}

func (fs *FS) delOrphan(ino Ino) {
	delete(fs.orphans, ino)
	fs.norphans.Add(-1)
}

// unname is called when the last name of an inode is gone. It counts as an orphan
// before anybody looks for its pins: the last of them may go at the same time, and
// one of the two must see the other.
func (fs *FS) unname(ino Ino) {
	fs.norphans.Add(1)
	if fs.pinned(ino) {
		fs.orphans[ino] = false
		return
	}
	fs.norphans.Add(-1)
	fs.destroy(ino)
}

// destroy forgets an inode. A lower one leaves a mark, because the index still
// has it.
func (fs *FS) destroy(ino Ino) {
	n := fs.get(ino)
	if n == nil || n.dead() {
		return
	}
	fs.dropMaps(ino)
	if f := n.file(); f != nil {
		fs.freeData(f)
	}
	fs.used -= xattrBytes(n.xattrs)
	if ino <= fs.nlower {
		fs.put(ino, &fs.fam.dead)
		return
	}
	fs.put(ino, nil)
	fs.inodes--
}

// freeLinks is how many links of an inode the quota does not count: what the
// index has, or the first.
func (fs *FS) freeLinks(ino Ino) uint32 {
	if ino <= fs.nlower {
		if r := fs.ix.rec(ino); r != nil {
			return r.nlink()
		}
	}
	return 1
}

// dropLink takes one name from an inode, or a directory's only one.
func (fs *FS) dropLink(ino Ino, now int64) error {
	n, err := fs.own(ino)
	if err != nil {
		return err
	}
	n.ctime = now
	if n.isDir() {
		n.nlink = 0
	} else if n.nlink > 0 {
		n.nlink--
		if n.nlink >= fs.freeLinks(ino) {
			fs.inodes--
		}
	}
	if n.nlink == 0 {
		fs.unname(ino)
	}
	return nil
}

func validName(name string) error {
	switch {
	case name == "" || name == "." || name == "..":
		return linux.EINVAL
	case len(name) > linux.NAME_MAX:
		return linux.ENAMETOOLONG
	}
	for i := 0; i < len(name); i++ {
		if name[i] == '/' || name[i] == 0 {
			return linux.EINVAL
		}
	}
	return nil
}
