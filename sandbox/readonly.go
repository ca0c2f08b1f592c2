package sandbox

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// readOnly is a root file system that refuses every change with EROFS:
// --read-only. What is mounted inside is not touched by it.
type readOnly struct{ vfs.Super }

func (readOnly) Setattr(vfs.Ino, *vfs.SetAttr) error { return linux.EROFS }
func (readOnly) Create(vfs.Ino, string, vfs.CreateOpts) (vfs.Ino, error) {
	return 0, linux.EROFS
}
func (readOnly) Tmpfile(vfs.Ino, vfs.CreateOpts) (vfs.Ino, error)      { return 0, linux.EROFS }
func (readOnly) Link(vfs.Ino, vfs.Ino, string) error                   { return linux.EROFS }
func (readOnly) Unlink(vfs.Ino, string) error                          { return linux.EROFS }
func (readOnly) Rmdir(vfs.Ino, string) error                           { return linux.EROFS }
func (readOnly) Rename(vfs.Ino, string, vfs.Ino, string, uint32) error { return linux.EROFS }
func (readOnly) Setxattr(vfs.Ino, string, []byte, int) error           { return linux.EROFS }
func (readOnly) Removexattr(vfs.Ino, string) error                     { return linux.EROFS }

func (r readOnly) Open(ino vfs.Ino, flags int) (vfs.Handle, error) {
	if flags&linux.O_ACCMODE != linux.O_RDONLY {
		return nil, linux.EROFS
	}
	return r.Super.Open(ino, flags)
}

func (r readOnly) Statfs() (linux.Statfs, error) {
	s, err := r.Super.Statfs()
	s.Flags |= linux.ST_RDONLY
	return s, err
}
