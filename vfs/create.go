package vfs

import (
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// Create implements Super.
func (fs *FS) Create(dir Ino, name string, o CreateOpts) (Ino, error) {
	if err := validName(name); err != nil {
		return 0, err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	d, err := fs.liveDir(dir)
	if err != nil {
		return 0, err
	}
	if _, _, _, err := fs.lookupIn(&d, name); err == nil {
		return 0, linux.EEXIST
	}
	ino, n, err := fs.newNode(o)
	if err != nil {
		return 0, err
	}
	if n.isDir() {
		n.nlink = 2
		n.body = &dirBody{epoch: fs.epoch, parent: dir, name: strings.Clone(name)}
	}
	if err := fs.enter(dir, name, ino); err != nil {
		return 0, err
	}
	return ino, fs.touchDir(dir, n.ctime, b2i(n.isDir()))
}

// Tmpfile implements Super.
func (fs *FS) Tmpfile(dir Ino, o CreateOpts) (Ino, error) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if _, err := fs.liveDir(dir); err != nil {
		return 0, err
	}
	o.Mode = linux.S_IFREG | o.Mode&0o7777
	ino, n, err := fs.newNode(o)
	if err != nil {
		return 0, err
	}
	n.nlink = 0
	fs.Ref(ino)
	fs.orphan(ino, !o.NoLink)
	return ino, nil
}

// newNode makes an inode without a name.
func (fs *FS) newNode(o CreateOpts) (Ino, *node, error) {
	t := fs.now()
	n := &node{epoch: fs.epoch, mode: o.Mode & (linux.S_IFMT | 0o7777), uid: o.UID, gid: o.GID, nlink: 1,
		atime: t, mtime: t, ctime: t, btime: t}
	switch n.typ() {
	case linux.S_IFREG, linux.S_IFDIR, linux.S_IFIFO, linux.S_IFSOCK:
	case linux.S_IFCHR, linux.S_IFBLK:
		n.size = int64(o.Rdev)
	case linux.S_IFLNK:
		if o.Target == "" || len(o.Target) >= linux.PATH_MAX {
			return 0, nil, linux.ENAMETOOLONG
		}
		n.mode = linux.S_IFLNK | 0o777
		n.size, n.body = int64(len(o.Target)), &linkBody{strings.Clone(o.Target)}
	default:
		return 0, nil, linux.EINVAL
	}
	if fs.closed {
		return 0, nil, linux.EIO
	}
	if err := fs.chargeInode(); err != nil {
		return 0, nil, err
	}
	ino := fs.next
	fs.next++
	fs.put(ino, n)
	return ino, n, nil
}

// liveDir is dirOf for a directory that new entries may go into.
func (fs *FS) liveDir(dir Ino) (dirRef, error) {
	d, err := fs.dirOf(dir)
	if err == nil && d.node != nil && d.node.nlink == 0 {
		return d, linux.ENOENT
	}
	return d, err
}

// touchDir sets a directory's times after a change of its entries and corrects
// its link count by the directories that came or went.
func (fs *FS) touchDir(dir Ino, now int64, subdirs int) error {
	n, err := fs.own(dir)
	if err != nil {
		return err
	}
	n.mtime, n.ctime = now, now
	n.nlink = uint32(int(n.nlink) + subdirs)
	return nil
}

// Link implements Super.
func (fs *FS) Link(ino, dir Ino, name string) error {
	if err := validName(name); err != nil {
		return err
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	d, err := fs.liveDir(dir)
	if err != nil {
		return err
	}
	if _, _, _, err := fs.lookupIn(&d, name); err == nil {
		return linux.EEXIST
	}
	if err := fs.addLink(ino); err != nil {
		return err
	}
	if err := fs.enter(dir, name, ino); err != nil {
		return err
	}
	return fs.touchDir(dir, fs.now(), 0)
}

func (fs *FS) addLink(ino Ino) error {
	mode, err := fs.mode(ino)
	if err != nil {
		return err
	}
	if mode&linux.S_IFMT == linux.S_IFDIR {
		return linux.EPERM
	}
	linkable, orphan := fs.orphans[ino]
	if orphan && !linkable {
		return linux.ENOENT
	}
	n, err := fs.own(ino)
	if err != nil {
		return err
	}
	if n.nlink >= linux.LINK_MAX {
		return linux.EMLINK
	}
	if n.nlink >= fs.freeLinks(ino) {
		if err := fs.chargeInode(); err != nil {
			return err
		}
	}
	if orphan {
		fs.delOrphan(ino)
	}
	n.nlink++
	n.ctime = fs.now()
	return nil
}

// Unlink implements Super. EISDIR for a directory.
func (fs *FS) Unlink(dir Ino, name string) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	ino, mode, err := fs.entry(dir, name)
	if err != nil {
		return err
	}
	if mode&linux.S_IFMT == linux.S_IFDIR {
		return linux.EISDIR
	}
	now := fs.now()
	if err := fs.leave(dir, name); err != nil {
		return err
	}
	if err := fs.dropLink(ino, now); err != nil {
		return err
	}
	return fs.touchDir(dir, now, 0)
}

// Rmdir implements Super. ENOTEMPTY when the directory has entries.
func (fs *FS) Rmdir(dir Ino, name string) error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	ino, mode, err := fs.entry(dir, name)
	if err != nil {
		return err
	}
	if mode&linux.S_IFMT != linux.S_IFDIR {
		return linux.ENOTDIR
	}
	if !fs.isEmpty(ino) {
		return linux.ENOTEMPTY
	}
	now := fs.now()
	if err := fs.leave(dir, name); err != nil {
		return err
	}
	if err := fs.dropDir(ino, now); err != nil {
		return err
	}
	return fs.touchDir(dir, now, -1)
}

// dropDir takes the name of an empty directory. It keeps its parent, for those
// who still stand in it.
func (fs *FS) dropDir(ino Ino, now int64) error {
	if _, _, err := fs.ownDir(ino); err != nil {
		return err
	}
	return fs.dropLink(ino, now)
}

// entry finds a name and the mode of what it names.
func (fs *FS) entry(dir Ino, name string) (Ino, uint32, error) {
	d, err := fs.dirOf(dir)
	if err != nil {
		return 0, 0, err
	}
	ino, _, _, err := fs.lookupIn(&d, name)
	if err != nil {
		return 0, 0, err
	}
	mode, err := fs.mode(ino)
	return ino, mode, err
}

func (fs *FS) isEmpty(dir Ino) bool {
	d, err := fs.dirOf(dir)
	return err == nil && fs.entryCount(&d) == 0
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
