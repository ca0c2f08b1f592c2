// Package aferofs shows a sandbox's files to Go programs as an afero.Fs. Links, owners, modes, holes and
// unlinked open files are what they are on Linux, which afero's own MemMapFs does not keep.
package aferofs

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/spf13/afero"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
	"github.com/sbxrun/sbx/vfs/internal/openfile"
)

// FS is an afero.Fs over a walker's view: its root, directory, credentials and umask count. Errors are
// *fs.PathError or *os.LinkError around a linux.Errno. It is safe for concurrent use while nobody changes the walker.
type FS struct{ w *vfs.Walker }

var (
	_ afero.Fs        = (*FS)(nil)
	_ afero.Symlinker = (*FS)(nil)
)

// New returns the face of a walker.
func New(w *vfs.Walker) *FS { return &FS{w: w} }

// Of returns the face of one filesystem by itself, seen by root with the usual umask.
func Of(s vfs.Super) *FS {
	ns := vfs.NewNamespace(s)
	return New(&vfs.Walker{NS: ns, Root: ns.RootLoc(), Cwd: ns.RootLoc(), Cred: vfs.RootCred(), Umask: 0o022})
}

// Name returns "sbx".
func (f *FS) Name() string { return "sbx" }

// clean makes a path of the host's form one of ours; the empty path is the directory, as afero has it.
func clean(name string) string {
	if name == "" {
		return "."
	}
	return filepath.ToSlash(name)
}

func pathErr(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

func linkErr(op, from, to string, err error) error {
	if err == nil {
		return nil
	}
	return &os.LinkError{Op: op, Old: from, New: to, Err: err}
}

// openFlags pairs the flags of package os, whose numbers differ between hosts, with Linux's.
var openFlags = [...]struct{ host, linux int }{
	{os.O_WRONLY, linux.O_WRONLY}, {os.O_RDWR, linux.O_RDWR}, {os.O_APPEND, linux.O_APPEND},
	{os.O_CREATE, linux.O_CREAT}, {os.O_EXCL, linux.O_EXCL}, {os.O_SYNC, linux.O_SYNC}, {os.O_TRUNC, linux.O_TRUNC},
}

// OpenFile opens as os.OpenFile does, with flags of package os.
func (f *FS) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	flags := 0
	for _, b := range openFlags {
		if flag&b.host == b.host {
			flags |= b.linux
		}
	}
	file, err := openfile.Open(f.w, clean(name), flags, vfs.LinuxMode(perm)&^linux.S_IFMT)
	if err != nil {
		return nil, pathErr("open", name, err)
	}
	return &File{File: file, name: name}, nil
}

// Open opens for reading.
func (f *FS) Open(name string) (afero.File, error) { return f.OpenFile(name, os.O_RDONLY, 0) }

// Create makes or empties a file and opens it for reading and writing.
func (f *FS) Create(name string) (afero.File, error) {
	return f.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// Mkdir makes a directory.
func (f *FS) Mkdir(name string, perm os.FileMode) error {
	return pathErr("mkdir", name, f.w.Mkdir(vfs.Loc{}, clean(name), vfs.LinuxMode(perm)&^linux.S_IFMT))
}

// MkdirAll makes a directory and its missing parents.
func (f *FS) MkdirAll(name string, perm os.FileMode) error {
	p := path.Clean(clean(name))
	var a vfs.Attr
	if err := f.w.Stat(vfs.Loc{}, p, 0, &a); err == nil {
		if !linux.S_ISDIR(a.Mode) {
			return pathErr("mkdir", name, linux.ENOTDIR)
		}
		return nil
	}
	if parent := path.Dir(p); parent != p {
		if err := f.MkdirAll(parent, perm); err != nil {
			return err
		}
	}
	if err := f.Mkdir(p, perm); err != nil && !errors.Is(err, linux.EEXIST) {
		return err
	}
	return nil
}

// Remove removes a file or an empty directory.
func (f *FS) Remove(name string) error {
	p := clean(name)
	err := f.w.Unlink(vfs.Loc{}, p)
	if errors.Is(err, linux.EISDIR) || errors.Is(err, linux.EPERM) {
		if dirErr := f.w.Rmdir(vfs.Loc{}, p); !errors.Is(dirErr, linux.ENOTDIR) {
			err = dirErr
		}
	}
	return pathErr("remove", name, err)
}

// RemoveAll removes a tree; nothing there is no error. Links are removed, never followed.
func (f *FS) RemoveAll(name string) error {
	err := f.Remove(name)
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist), errors.Is(err, linux.ENOTDIR):
		return nil
	case !errors.Is(err, linux.ENOTEMPTY):
		return err
	}
	for {
		dir, err := f.Open(name)
		if err != nil {
			return err
		}
		names, err := dir.Readdirnames(256)
		dir.Close()
		if len(names) == 0 {
			if err := f.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		}
		if err != nil {
			return err
		}
		for _, n := range names {
			if err := f.RemoveAll(path.Join(clean(name), n)); err != nil {
				return err
			}
		}
	}
}

// Rename moves as rename(2) does.
func (f *FS) Rename(from, to string) error {
	return linkErr("rename", from, to, f.w.Rename(vfs.Loc{}, clean(from), vfs.Loc{}, clean(to), 0))
}

// Stat follows links.
func (f *FS) Stat(name string) (os.FileInfo, error) { return f.stat("stat", name, 0) }

// LstatIfPossible does not follow a link at the end. It is always possible.
func (f *FS) LstatIfPossible(name string) (os.FileInfo, bool, error) {
	info, err := f.stat("lstat", name, linux.AT_SYMLINK_NOFOLLOW)
	return info, true, err
}

func (f *FS) stat(op, name string, flags int) (os.FileInfo, error) {
	info := &fileInfo{name: path.Base(clean(name))}
	if err := f.w.Stat(vfs.Loc{}, clean(name), flags, &info.attr); err != nil {
		return nil, pathErr(op, name, err)
	}
	return info, nil
}

// SymlinkIfPossible makes a symbolic link.
func (f *FS) SymlinkIfPossible(target, name string) error {
	return linkErr("symlink", target, name, f.w.Symlink(target, vfs.Loc{}, clean(name)))
}

// ReadlinkIfPossible returns a link's text.
func (f *FS) ReadlinkIfPossible(name string) (string, error) {
	target, err := f.w.Readlink(vfs.Loc{}, clean(name))
	return target, pathErr("readlink", name, err)
}

// Link makes a hard link, which afero has no interface for.
func (f *FS) Link(from, to string) error {
	return linkErr("link", from, to, f.w.Link(vfs.Loc{}, clean(from), vfs.Loc{}, clean(to), 0))
}

// Chmod follows links.
func (f *FS) Chmod(name string, mode os.FileMode) error {
	return pathErr("chmod", name, f.w.Chmod(vfs.Loc{}, clean(name), vfs.LinuxMode(mode)&^linux.S_IFMT, 0))
}

// Chown follows links; -1 leaves an owner as it is.
func (f *FS) Chown(name string, uid, gid int) error {
	return pathErr("chown", name, f.w.Chown(vfs.Loc{}, clean(name), uint32(uid), uint32(gid), 0))
}

// Chtimes follows links. A zero time leaves that time as it is.
func (f *FS) Chtimes(name string, atime, mtime time.Time) error {
	t := [2]vfs.Timespec{timespec(atime), timespec(mtime)}
	return pathErr("chtimes", name, f.w.Utimens(vfs.Loc{}, clean(name), &t, 0))
}

func timespec(t time.Time) vfs.Timespec {
	if t.IsZero() {
		return vfs.Timespec{Nsec: linux.UTIME_OMIT}
	}
	return vfs.TimespecOf(t)
}
