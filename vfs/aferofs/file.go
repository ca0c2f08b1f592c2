package aferofs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
	"github.com/sbxrun/sbx/vfs/internal/openfile"
)

// File is an open file: an afero.File and an fs.ReadDirFile.
type File struct {
	*openfile.File
	name string
}

var _ fs.ReadDirFile = (*File)(nil)

// wrap makes a *fs.PathError; io.EOF stays what it is, and a closed file is fs.ErrClosed.
func (f *File) wrap(op string, err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return pathErr(op, f.name, err)
}

// Name returns the path that the file was opened by.
func (f *File) Name() string { return f.name }

// Read reads at the offset.
func (f *File) Read(p []byte) (int, error) {
	n, err := f.File.Read(p)
	return n, f.wrap("read", err)
}

// ReadAt reads at off.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(p, off)
	return n, f.wrap("read", err)
}

// Write writes at the offset.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	return n, f.wrap("write", err)
}

// WriteString writes at the offset.
func (f *File) WriteString(s string) (int, error) { return f.Write([]byte(s)) }

// WriteAt writes at off.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	return n, f.wrap("write", err)
}

// Seek moves the offset.
func (f *File) Seek(off int64, whence int) (int64, error) {
	at, err := f.File.Seek(off, whence)
	return at, f.wrap("seek", err)
}

// Truncate sets the size.
func (f *File) Truncate(size int64) error { return f.wrap("truncate", f.File.Truncate(size)) }

// Sync does what fsync(2) does.
func (f *File) Sync() error { return f.wrap("sync", f.File.Sync()) }

// Close closes.
func (f *File) Close() error { return f.wrap("close", f.File.Close()) }

// Stat answers for the open file, also after its name is gone.
func (f *File) Stat() (os.FileInfo, error) {
	info := &fileInfo{name: path.Base(clean(f.name))}
	if err := f.Getattr(&info.attr); err != nil {
		return nil, f.wrap("stat", err)
	}
	return info, nil
}

// Readdirnames returns names as os.File does: with n > 0, io.EOF at the end.
func (f *File) Readdirnames(n int) ([]string, error) {
	list, err := f.File.ReadDir(n)
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = e.Name
	}
	return names, f.endOf(n, len(list), err)
}

// Readdir returns entries with what lstat tells of them.
func (f *File) Readdir(n int) ([]os.FileInfo, error) {
	list, err := f.infos(n)
	out := make([]os.FileInfo, len(list))
	for i, e := range list {
		out[i] = e
	}
	return out, f.endOf(n, len(list), err)
}

// ReadDir is Readdir for package io/fs.
func (f *File) ReadDir(n int) ([]fs.DirEntry, error) {
	list, err := f.infos(n)
	out := make([]fs.DirEntry, len(list))
	for i, e := range list {
		out[i] = fs.FileInfoToDirEntry(e)
	}
	return out, f.endOf(n, len(list), err)
}

// infos reads entries until it has n that are still there.
func (f *File) infos(n int) ([]*fileInfo, error) {
	var out []*fileInfo
	for {
		list, err := f.File.ReadDir(n - len(out))
		for _, e := range list {
			info := &fileInfo{name: e.Name}
			if err := (vfs.Loc{Mount: f.Loc().Mount, Ino: e.Ino}).Getattr(&info.attr); err != nil {
				continue // removed meanwhile
			}
			out = append(out, info)
		}
		if err != nil || n <= 0 || len(out) >= n || len(list) == 0 {
			return out, err
		}
	}
}

func (f *File) endOf(n, got int, err error) error {
	if err == nil && n > 0 && got == 0 {
		return io.EOF
	}
	return f.wrap("readdir", err)
}

// fileInfo is an os.FileInfo whose Sys is a *vfs.Attr.
type fileInfo struct {
	name string
	attr vfs.Attr
}

func (i *fileInfo) Name() string       { return i.name }
func (i *fileInfo) Size() int64        { return i.attr.Size }
func (i *fileInfo) Mode() fs.FileMode  { return vfs.GoMode(i.attr.Mode) }
func (i *fileInfo) ModTime() time.Time { return i.attr.Mtime.Time() }
func (i *fileInfo) IsDir() bool        { return linux.S_ISDIR(i.attr.Mode) }
func (i *fileInfo) Sys() any           { return &i.attr }
