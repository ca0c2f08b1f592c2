package kernel

import (
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// File is an open file description: what descriptors point to, with an offset
// and status flags that dup and fork share. It lives as long as it has references.
type File struct {
	k     *Kernel
	ops   fileOps
	refs  atomic.Int64
	flags atomic.Uint32 // O_* access mode and status flags

	pos sync.Mutex // the offset, and reads and writes that move it
	off int64

	// What path it was opened by. The Loc is zero for pipes and the like, which
	// have a name instead: "pipe:[12]". The Handle of ops holds it, or it is Ref'ed.
	loc    vfs.Loc
	refed  bool
	parent vfs.Loc
	base   string
	name   string
	ino    uint64

	once  sync.Once
	polls watchList // the epolls that watch it
	owner atomic.Pointer[Owner]
	async atomic.Pointer[asyncWatch] // with O_ASYNC
}

// fileOps is what a kind of file does. The task is the caller; it is never nil
// but for release.
type fileOps interface {
	read(t *Task, f *File, p []byte) (int, error)
	write(t *Task, f *File, p []byte) (int, error)
	// ready returns the POLL* bits that hold now.
	ready(f *File) uint32
	// watch has w poked when the bits may have changed; nil when they never do.
	watch(f *File, w *waker) (cancel func())
	attr(f *File, a *vfs.Attr) error
	release(f *File)
}

// positioned is a file with an offset.
type positioned interface {
	pread(t *Task, f *File, p []byte, off int64) (int, error)
	pwrite(t *Task, f *File, p []byte, off int64) (int, error)
	seek(t *Task, f *File, off int64, whence int) (int64, error)
}

// statusFlags are the flags that F_SETFL may change, beside O_ASYNC.
const statusFlags = linux.O_APPEND | linux.O_NONBLOCK | linux.O_DIRECT | linux.O_NOATIME

// keptFlags are the flags of open that a description remembers.
const keptFlags = linux.O_ACCMODE | statusFlags | linux.O_SYNC | linux.O_DIRECTORY | linux.O_NOFOLLOW |
	linux.O_PATH | linux.O_LARGEFILE | linux.O_TMPFILE_BIT

// newFile makes a description with one reference. ENFILE at the limit.
func (k *Kernel) newFile(ops fileOps, flags int) (*File, error) {
	if k.openFiles.Add(1) > int64(k.cfg.Limits.OpenFiles) {
		k.openFiles.Add(-1)
		return nil, linux.ENFILE
	}
	f := &File{k: k, ops: ops, ino: k.nextIno.Add(1)}
	f.refs.Store(1)
	f.flags.Store(uint32(flags & keptFlags))
	return f, nil
}

// Ref takes another reference, for who keeps the file beyond a call.
func (f *File) Ref() *File {
	f.refs.Add(1)
	return f
}

// Close gives a reference back: the one of GetFile, Ref, HostReader and the like.
func (f *File) Close() error {
	f.decref(nil)
	return nil
}

// decref drops a reference; the last one releases what the file holds. t is the
// task that closes, or nil.
func (f *File) decref(t *Task) {
	if f.refs.Add(-1) != 0 {
		return
	}
	f.once.Do(func() {
		f.polls.drop()
		f.endAsync()
		if f.loc.Mount != nil {
			f.k.locks.ReleaseOwner(f.loc.LockKey(), vfs.FlockLock, f)
			f.k.locks.ReleaseOwner(f.loc.LockKey(), vfs.OFDLock, f)
		}
		f.ops.release(f)
		if f.refed {
			f.loc.Unref()
		}
		f.k.openFiles.Add(-1)
	})
}

// dropped is decref for close(2) and dup2(2): record locks of the process on
// the file go with any descriptor of it.
func (t *Task) dropped(f *File) {
	if f.loc.Mount != nil && f.flags.Load()&linux.O_PATH == 0 {
		t.k.locks.ReleaseOwner(f.loc.LockKey(), vfs.PosixLock, t.files)
	}
	switch o := f.ops.(type) {
	case *mqFile:
		t.k.notifyQueue(o.q.Unregister(t.proc))
	case *directory:
		o.notes.end(t.files)
	}
	f.decref(t)
}

// readable and writable say what the access mode allows.
func (f *File) readable() bool {
	fl := f.flags.Load()
	return fl&linux.O_PATH == 0 && fl&linux.O_ACCMODE != linux.O_WRONLY
}

func (f *File) writable() bool {
	fl := f.flags.Load()
	return fl&linux.O_PATH == 0 && fl&linux.O_ACCMODE != linux.O_RDONLY && fl&linux.O_ACCMODE != 3
}

// nonblock reports O_NONBLOCK.
func (f *File) nonblock() bool { return f.flags.Load()&linux.O_NONBLOCK != 0 }

// Flags returns the access mode and status flags.
func (f *File) Flags() int { return int(f.flags.Load()) }

// setFlags changes those of the mask.
func (f *File) setFlags(mask, flags int) {
	for {
		old := f.flags.Load()
		if f.flags.CompareAndSwap(old, old&^uint32(mask)|uint32(flags&mask)) {
			return
		}
	}
}

// Loc returns where the file is in the tree; zero for pipes and the like. It
// is good as long as the file is open.
func (f *File) Loc() vfs.Loc { return f.loc }

// Attr is fstat(2).
func (f *File) Attr(a *vfs.Attr) error { return f.ops.attr(f, a) }

// ReadAt reads a regular file for a loader; 0 and nil at its end.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	switch o := f.ops.(type) {
	case *regular:
		return o.h.ReadAt(p, off)
	case *execFile:
		return o.h.ReadAt(p, off)
	}
	return 0, linux.ENOEXEC
}

// anonAttr is the fstat of what has no inode in the tree.
func (f *File) anonAttr(a *vfs.Attr, mode uint32) error {
	*a = vfs.Attr{Dev: anonDev, Ino: f.ino, Mode: mode, Nlink: 1, Blksize: 4096}
	now := vfs.TimespecOf(f.k.bootWall)
	a.Atime, a.Mtime, a.Ctime, a.Btime = now, now, now, now
	return nil
}

// anonDev is the device number of pipes, sockets and other files of no tree.
const anonDev = 0xe

// link returns what /proc/PID/fd shows.
func (f *File) link(t *Task) string {
	if f.loc.Mount == nil {
		return f.name
	}
	if f.name != "" { // of memfd_create
		return f.name + " (deleted)"
	}
	path, ok := f.k.pathOf(t, f)
	if !ok {
		return path + " (deleted)"
	}
	return path
}

// bracket makes "pipe:[12]".
func bracket(kind string, n uint64) string { return kind + ":[" + strconv.FormatUint(n, 10) + "]" }
