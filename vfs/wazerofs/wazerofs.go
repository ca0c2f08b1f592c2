// Package wazerofs shows a sandbox's files to a WebAssembly module that a Go program runs with wazero's own WASI: it is an
// experimental/sys.FS. (Modules inside a sandbox do not need it: package wasi runs them as kernel tasks.)
package wazerofs

import (
	"io/fs"

	"github.com/tetratelabs/wazero/experimental/sys"
	wsys "github.com/tetratelabs/wazero/sys"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
	"github.com/sbxrun/sbx/vfs/internal/openfile"
)

// FS is a sys.FS over a walker's view. Paths are relative to the walker's directory, as wazero gives them. It is safe
// for concurrent use while nobody changes the walker.
type FS struct {
	sys.UnimplementedFS
	w *vfs.Walker
}

var _ sys.FS = (*FS)(nil)

// New returns the face of a walker.
func New(w *vfs.Walker) *FS { return &FS{w: w} }

// errnos pairs Linux's numbers with the few that wazero knows; the rest is EIO.
var errnos = map[linux.Errno]sys.Errno{
	linux.EACCES: sys.EACCES, linux.EAGAIN: sys.EAGAIN, linux.EBADF: sys.EBADF, linux.EEXIST: sys.EEXIST,
	linux.EFAULT: sys.EFAULT, linux.EINTR: sys.EINTR, linux.EINVAL: sys.EINVAL, linux.EISDIR: sys.EISDIR,
	linux.ELOOP: sys.ELOOP, linux.ENAMETOOLONG: sys.ENAMETOOLONG, linux.ENOENT: sys.ENOENT, linux.ENOSYS: sys.ENOSYS,
	linux.ENOTDIR: sys.ENOTDIR, linux.ERANGE: sys.ERANGE, linux.ENOTEMPTY: sys.ENOTEMPTY, linux.EOPNOTSUPP: sys.ENOTSUP,
	linux.EPERM: sys.EPERM, linux.EROFS: sys.EROFS,
}

func errno(err error) sys.Errno {
	if err == nil {
		return 0
	}
	if e, ok := errnos[linux.ErrnoOf(err)]; ok {
		return e
	}
	return sys.EIO
}

var openFlags = [...]struct {
	from sys.Oflag
	to   int
}{
	{sys.O_APPEND, linux.O_APPEND}, {sys.O_CREAT, linux.O_CREAT}, {sys.O_DIRECTORY, linux.O_DIRECTORY}, {sys.O_DSYNC, linux.O_DSYNC},
	{sys.O_EXCL, linux.O_EXCL}, {sys.O_NOFOLLOW, linux.O_NOFOLLOW}, {sys.O_NONBLOCK, linux.O_NONBLOCK},
	{sys.O_RSYNC, linux.O_RSYNC}, {sys.O_SYNC, linux.O_SYNC}, {sys.O_TRUNC, linux.O_TRUNC},
}

func perm(m fs.FileMode) uint32 { return vfs.LinuxMode(m) &^ linux.S_IFMT }

// OpenFile implements sys.FS.
func (f *FS) OpenFile(path string, flag sys.Oflag, mode fs.FileMode) (sys.File, sys.Errno) {
	flags := linux.O_RDONLY
	switch {
	case flag&sys.O_RDWR != 0:
		flags = linux.O_RDWR
	case flag&sys.O_WRONLY != 0:
		flags = linux.O_WRONLY
	}
	for _, b := range openFlags {
		if flag&b.from != 0 {
			flags |= b.to
		}
	}
	file, err := openfile.Open(f.w, dot(path), flags, perm(mode))
	if err != nil {
		return nil, errno(err)
	}
	return &File{f: file}, 0
}

// dot makes the empty path, wazero's name for the root of the mount, one that Linux knows.
func dot(path string) string {
	if path == "" {
		return "."
	}
	return path
}

// Stat implements sys.FS.
func (f *FS) Stat(path string) (wsys.Stat_t, sys.Errno) { return f.stat(path, 0) }

// Lstat implements sys.FS.
func (f *FS) Lstat(path string) (wsys.Stat_t, sys.Errno) {
	return f.stat(path, linux.AT_SYMLINK_NOFOLLOW)
}

func (f *FS) stat(path string, flags int) (wsys.Stat_t, sys.Errno) {
	var a vfs.Attr
	if err := f.w.Stat(vfs.Loc{}, dot(path), flags, &a); err != nil {
		return wsys.Stat_t{}, errno(err)
	}
	return statOf(&a), 0
}

func statOf(a *vfs.Attr) wsys.Stat_t {
	return wsys.Stat_t{
		Dev: a.Dev, Ino: a.Ino, Mode: vfs.GoMode(a.Mode), Nlink: uint64(a.Nlink), Size: a.Size,
		Atim: a.Atime.Time().UnixNano(), Mtim: a.Mtime.Time().UnixNano(), Ctim: a.Ctime.Time().UnixNano(),
	}
}

// Mkdir implements sys.FS.
func (f *FS) Mkdir(path string, mode fs.FileMode) sys.Errno {
	return errno(f.w.Mkdir(vfs.Loc{}, path, perm(mode)))
}

// Chmod implements sys.FS.
func (f *FS) Chmod(path string, mode fs.FileMode) sys.Errno {
	return errno(f.w.Chmod(vfs.Loc{}, dot(path), perm(mode), 0))
}

// Rename implements sys.FS.
func (f *FS) Rename(from, to string) sys.Errno {
	return errno(f.w.Rename(vfs.Loc{}, from, vfs.Loc{}, to, 0))
}

// Rmdir implements sys.FS.
func (f *FS) Rmdir(path string) sys.Errno { return errno(f.w.Rmdir(vfs.Loc{}, path)) }

// Unlink implements sys.FS.
func (f *FS) Unlink(path string) sys.Errno { return errno(f.w.Unlink(vfs.Loc{}, path)) }

// Link implements sys.FS.
func (f *FS) Link(from, to string) sys.Errno {
	return errno(f.w.Link(vfs.Loc{}, from, vfs.Loc{}, to, 0))
}

// Symlink implements sys.FS.
func (f *FS) Symlink(target, path string) sys.Errno {
	return errno(f.w.Symlink(target, vfs.Loc{}, path))
}

// Readlink implements sys.FS.
func (f *FS) Readlink(path string) (string, sys.Errno) {
	target, err := f.w.Readlink(vfs.Loc{}, path)
	return target, errno(err)
}

// Utimens implements sys.FS.
func (f *FS) Utimens(path string, atim, mtim int64) sys.Errno {
	t := times(atim, mtim)
	return errno(f.w.Utimens(vfs.Loc{}, dot(path), &t, 0))
}

func times(atim, mtim int64) [2]vfs.Timespec { return [2]vfs.Timespec{timespec(atim), timespec(mtim)} }

func timespec(ns int64) vfs.Timespec {
	if ns == sys.UTIME_OMIT {
		return vfs.Timespec{Nsec: linux.UTIME_OMIT}
	}
	sec := ns / 1e9
	if ns%1e9 < 0 {
		sec--
	}
	return vfs.Timespec{Sec: sec, Nsec: uint32(ns - sec*1e9)}
}
