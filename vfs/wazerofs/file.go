package wazerofs

import (
	"errors"
	"io"

	"github.com/tetratelabs/wazero/experimental/sys"
	wsys "github.com/tetratelabs/wazero/sys"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
	"github.com/sbxrun/sbx/vfs/internal/openfile"
)

// File is an open file or directory: a sys.File.
type File struct {
	sys.UnimplementedFile
	f *openfile.File
}

var _ sys.File = (*File)(nil)

// end turns the end of a file into success with no bytes, and a directory that is read as a file into EISDIR.
func end(n int, err error) (int, sys.Errno) {
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, errno(err)
}

// Dev implements sys.File.
func (f *File) Dev() (uint64, sys.Errno) {
	st, err := f.Stat()
	return st.Dev, err
}

// Ino implements sys.File.
func (f *File) Ino() (wsys.Inode, sys.Errno) {
	st, err := f.Stat()
	return st.Ino, err
}

// IsDir implements sys.File.
func (f *File) IsDir() (bool, sys.Errno) { return f.f.IsDir(), 0 }

// IsAppend implements sys.File.
func (f *File) IsAppend() bool { return f.f.Append() }

// SetAppend implements sys.File.
func (f *File) SetAppend(on bool) sys.Errno {
	if f.f.IsDir() {
		return sys.EISDIR
	}
	f.f.SetAppend(on)
	return 0
}

// Stat implements sys.File.
func (f *File) Stat() (wsys.Stat_t, sys.Errno) {
	var a vfs.Attr
	if err := f.f.Getattr(&a); err != nil {
		return wsys.Stat_t{}, errno(err)
	}
	return statOf(&a), 0
}

// Read implements sys.File.
func (f *File) Read(p []byte) (int, sys.Errno) { return end(f.f.Read(p)) }

// Pread implements sys.File.
func (f *File) Pread(p []byte, off int64) (int, sys.Errno) { return end(f.f.ReadAt(p, off)) }

// Write implements sys.File.
func (f *File) Write(p []byte) (int, sys.Errno) { return end(f.f.Write(p)) }

// Pwrite implements sys.File.
func (f *File) Pwrite(p []byte, off int64) (int, sys.Errno) { return end(f.f.WriteAt(p, off)) }

// offset is int64. Under its own name, vet does not take Seek for a misspelt io.Seeker.
type offset = int64

// Seek implements sys.File.
func (f *File) Seek(off offset, whence int) (int64, sys.Errno) {
	at, err := f.f.Seek(off, whence)
	return at, errno(err)
}

// Readdir implements sys.File.
func (f *File) Readdir(n int) ([]sys.Dirent, sys.Errno) {
	list, err := f.f.ReadDir(n)
	if linux.ErrnoOf(err) == linux.ENOTDIR {
		return nil, sys.EBADF // what wazero's interface asks for
	}
	out := make([]sys.Dirent, len(list))
	for i, e := range list {
		out[i] = sys.Dirent{Ino: e.Ino, Name: e.Name, Type: vfs.GoMode(uint32(e.Type) << 12).Type()}
	}
	return out, errno(err)
}

// Truncate implements sys.File.
func (f *File) Truncate(size int64) sys.Errno {
	if size < 0 {
		return sys.EINVAL
	}
	return errno(f.f.Truncate(size))
}

// Sync implements sys.File.
func (f *File) Sync() sys.Errno { return errno(f.f.Sync()) }

// Datasync implements sys.File.
func (f *File) Datasync() sys.Errno { return f.Sync() }

// Utimens implements sys.File.
func (f *File) Utimens(atim, mtim int64) sys.Errno {
	t := times(atim, mtim)
	return errno(f.f.Utimens(&t))
}

// Close implements sys.File.
func (f *File) Close() sys.Errno { return errno(f.f.Close()) }
