package vfs

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// Ino is an inode number. A Super never gives one out again while it lives.
type Ino = uint64

// Timespec is a time of a file: seconds since 1970 and nanoseconds in [0, 1e9).
type Timespec struct {
	Sec  int64
	Nsec uint32
}

// TimespecOf converts a Go time.
func TimespecOf(t time.Time) Timespec {
	return Timespec{Sec: t.Unix(), Nsec: uint32(t.Nanosecond())}
}

// Time converts to a Go time in UTC.
func (t Timespec) Time() time.Time { return time.Unix(t.Sec, int64(t.Nsec)).UTC() }

// Attr is what stat(2) answers. Blocks are of 512 bytes.
type Attr struct {
	Dev                        uint64
	Ino                        Ino
	Mode                       uint32 // S_IFMT and permission bits
	Nlink                      uint32
	UID, GID                   uint32
	Rdev                       uint64
	Size                       int64
	Blocks                     int64
	Blksize                    uint32
	Atime, Mtime, Ctime, Btime Timespec
}

// What of a SetAttr is to be set.
const (
	SetMode uint32 = 1 << iota
	SetUID
	SetGID
	SetSize
	SetAtime
	SetMtime
	SetCtime
)

// SetAttr is a change of an inode. Setting anything sets the ctime to now unless
// SetCtime gives it. Mode is permission bits only.
type SetAttr struct {
	Valid               uint32
	Mode, UID, GID      uint32
	Size                int64
	Atime, Mtime, Ctime Timespec
}

// CreateOpts says what Create makes. The type in Mode decides: Rdev is for
// devices, Target for symbolic links.
type CreateOpts struct {
	Mode     uint32
	UID, GID uint32
	Rdev     uint64
	Target   string
	NoLink   bool // Tmpfile: linkat(2) may never give it a name (O_EXCL)
}

// DirEntry is one entry of a directory. Cookie is where reading goes on after it.
type DirEntry struct {
	Name   string
	Ino    Ino
	Type   uint8 // DT_*
	Cookie uint64
}

// Super is one file system. It checks no permissions: Walker does, once, for
// all. It must be safe for concurrent use. Its errors are linux.Errno.
type Super interface {
	Type() string // as in /proc/mounts
	Dev() uint64
	Root() Ino
	Statfs() (linux.Statfs, error)

	// Lookup finds a name in a directory; never "." or "..".
	Lookup(dir Ino, name string) (Ino, error)
	// Parent returns where a directory is. The root is its own parent with
	// the name "". A removed directory is ENOENT.
	Parent(dir Ino) (parent Ino, name string, err error)
	Getattr(ino Ino, a *Attr) error
	Setattr(ino Ino, s *SetAttr) error
	Readlink(ino Ino) (string, error)

	// Create makes an inode of any type; EEXIST when the name is there.
	Create(dir Ino, name string, o CreateOpts) (Ino, error)
	// Tmpfile makes a regular file without a name. It comes with one pin, as
	// from Ref, which the caller drops.
	Tmpfile(dir Ino, o CreateOpts) (Ino, error)
	Link(ino, dir Ino, name string) error
	Unlink(dir Ino, name string) error
	Rmdir(dir Ino, name string) error
	Rename(odir Ino, oname string, ndir Ino, nname string, flags uint32) error

	// Open opens a regular file or a directory. Of flags only the access mode
	// counts. The Handle pins the inode.
	Open(ino Ino, flags int) (Handle, error)

	Getxattr(ino Ino, name string) ([]byte, error)
	Setxattr(ino Ino, name string, v []byte, flags int) error
	Listxattr(ino Ino) ([]string, error)
	Removexattr(ino Ino, name string) error

	// Ref keeps an inode alive after its last unlink; Unref drops that.
	Ref(ino Ino)
	Unref(ino Ino)
}

// Handle is an opened inode. It has no offset and no flags: those belong to the
// kernel's file description.
type Handle interface {
	// ReadAt reads; 0 and nil at the end of the file.
	ReadAt(p []byte, off int64) (int, error)
	WriteAt(p []byte, off int64) (int, error)
	// Append writes at the end in one step and tells where that was.
	Append(p []byte) (off int64, n int, err error)
	// Allocate is fallocate(2) with FALLOC_FL_* as mode.
	Allocate(mode uint32, off, n int64) error
	// SeekData finds the first data at or after off: ENXIO past the end.
	SeekData(off int64) (int64, error)
	// SeekHole finds the first hole at or after off; the end counts as one.
	SeekHole(off int64) (int64, error)
	// ReadDir calls fn for each entry after cookie (0 is the start), with "."
	// and "..", until it answers false. Cookies stay good while entries come and go.
	ReadDir(cookie uint64, fn func(DirEntry) bool) error
	Sync() error
	Close() error
}

// MagicLinker is a Super some of whose symbolic links are followed by identity
// and not by text, such as /proc/self/fd/1. The answer is false for the others.
// The Loc comes without a Ref. A file that has no Loc is *Elsewhere.
type MagicLinker interface {
	FollowMagic(ino Ino) (Loc, bool, error)
}
