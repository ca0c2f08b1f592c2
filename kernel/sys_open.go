package kernel

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/mqueue"
	"github.com/sbxrun/sbx/vfs"
)

// Open is openat(2): dirfd may be linux.AT_FDCWD. It may block on a FIFO.
func (t *Task) Open(dirfd int, path string, flags int, mode uint32) (int, error) {
	return t.Openat2(dirfd, path, flags, mode, 0)
}

// Openat2 is openat2(2) with RESOLVE_* flags as those of vfs.
func (t *Task) Openat2(dirfd int, path string, flags int, mode uint32, rf vfs.ResolveFlags) (int, error) {
	if err := t.enter(); err != nil {
		return -1, err
	}
	f, err := t.openFile(dirfd, path, flags, mode, rf)
	if err != nil {
		if f, err = t.openElsewhere(err, flags); err != nil {
			return -1, err
		}
	}
	return t.install(f, 0, flags&linux.O_CLOEXEC != 0)
}

// openFile opens a path as a description.
func (t *Task) openFile(dirfd int, path string, flags int, mode uint32, rf vfs.ResolveFlags) (*File, error) {
	a, err := t.at(dirfd, path)
	if err != nil {
		return nil, err
	}
	defer a.done(t)
	if a.f != nil && a.loc.Mount == nil {
		return nil, linux.ENOENT // the empty path at a pipe
	}
	w := t.walker()
	defer w.done()
	o, err := w.OpenFile(a.loc, path, flags, mode, rf)
	if err != nil {
		return nil, err
	}
	f, err := t.fileOf(&w, o, flags)
	if err != nil {
		o.Close()
		return nil, err
	}
	f.loc, f.parent, f.base, f.refed = o.Loc, o.Parent, o.Name, o.Handle == nil
	t.k.notify(f, linux.IN_OPEN)
	return f, nil
}

// fileOf makes the description of what a walk found. The description takes over
// the Handle; the caller tells it the Loc.
func (t *Task) fileOf(w *walker, o vfs.Opened, flags int) (*File, error) {
	if flags&linux.O_PATH != 0 {
		return t.k.newFile(located{}, flags)
	}
	switch o.Mode & linux.S_IFMT {
	case linux.S_IFREG:
		if fs, ok := o.Loc.Super().(*mqueue.FS); ok {
			return t.k.newFile(&mqFile{regular: &regular{h: o.Handle}, q: fs.Queue(o.Loc.Ino)}, flags)
		}
		r := &regular{h: o.Handle, seals: t.k.sealsOf(o.Loc)}
		f, err := t.k.newFile(r, flags)
		if err != nil {
			t.k.sealsDone(o.Loc, r.seals)
		}
		return f, err
	case linux.S_IFDIR:
		return t.k.newFile(&directory{h: o.Handle}, flags)
	case linux.S_IFIFO:
		return t.openFifo(o.Loc, flags)
	case linux.S_IFCHR:
		var a vfs.Attr
		if err := o.Loc.Getattr(&a); err != nil {
			return nil, err
		}
		return t.openDevice(o.Loc, a.Rdev, flags)
	}
	return nil, linux.ENXIO // a socket, a block device
}

// notify tells inotify what happened to an open file.
func (k *Kernel) notify(f *File, mask uint32) {
	if f.loc.Mount == nil {
		return
	}
	if _, ok := f.ops.(*directory); ok {
		mask |= linux.IN_ISDIR
	}
	k.ns.Notify(f.loc, f.parent, f.base, mask)
}

// notifyClose tells it of the end of a description.
func (k *Kernel) notifyClose(f *File) {
	mask := uint32(linux.IN_CLOSE_NOWRITE)
	if f.writable() {
		mask = linux.IN_CLOSE_WRITE
	}
	k.notify(f, mask)
}

// pathOf returns the path of an open file as t sees it, and whether the file
// still has one.
func (k *Kernel) pathOf(t *Task, f *File) (string, bool) {
	w := t.walker()
	defer w.done()
	return k.pathFrom(w.Root, f.loc, f.parent, f.base)
}

// pathFrom finds the path of a place that was reached as base in parent.
func (k *Kernel) pathFrom(root, loc, parent vfs.Loc, base string) (string, bool) {
	var a vfs.Attr
	if err := loc.Getattr(&a); err == nil && linux.S_ISDIR(a.Mode) || parent.Mount == nil {
		path, _, err := k.ns.Path(root, loc)
		return path, err == nil
	}
	dir, _, err := k.ns.Path(root, parent)
	if err != nil {
		return "/" + base, false
	}
	if dir != "/" {
		dir += "/"
	}
	ino, err := parent.Super().Lookup(parent.Ino, base)
	return dir + base, err == nil && ino == loc.Ino
}
