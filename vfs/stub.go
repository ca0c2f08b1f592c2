package vfs

import (
	"context"
	"io"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

const enosys = linux.ENOSYS

type Loc struct {
	Mount *Mount
	Ino   Ino
}

func (l Loc) Ref()                  {}
func (l Loc) Unref()                {}
func (l Loc) Getattr(a *Attr) error { return enosys }
func (l Loc) Super() Super          { return nil }

// IsZero reports whether l is no place (the walker's Cwd where a method takes it).
func (l Loc) IsZero() bool { return l.Mount == nil }

type Mount struct{}

func (m *Mount) Flags() int64 { return 0 } // ST_*
func (m *Mount) ID() int      { return 0 }

type MountOpts struct {
	Source                          string
	ReadOnly, NoSuid, NoExec, NoDev bool
	Root                            Ino // 0: the Super's root; another inode makes a bind mount
	Name                            string
}
type MountInfo struct {
	ID, Parent   int
	Dev          uint64
	Root         string // path within the file system
	Path         string // mount point
	Type, Source string
	Flags        int64 // ST_*
}
type Namespace struct{}

func NewNamespace(root Super) *Namespace                                 { return &Namespace{} }
func (ns *Namespace) RootLoc() Loc                                       { return Loc{} }
func (ns *Namespace) Mount(at Loc, s Super, o MountOpts) (*Mount, error) { return nil, enosys }
func (ns *Namespace) Unmount(at Loc, flags int) error                    { return enosys }
func (ns *Namespace) Mounts() []MountInfo                                { return nil }
func (ns *Namespace) Path(root, l Loc) (path string, reachable bool, err error) {
	return "", false, enosys
}
func (ns *Namespace) Clone() *Namespace { return ns }

// Translate maps a Loc of the namespace that ns was cloned from.
func (ns *Namespace) Translate(l Loc) Loc { return l }

// Watches is the inotify hub; kernel calls Notify for data events (IN_MODIFY, IN_ACCESS, IN_OPEN, IN_CLOSE_*).
func (ns *Namespace) Watches() *Watches                                  { return nil }
func (ns *Namespace) Notify(l Loc, parent Loc, name string, mask uint32) {}

// DenyWrite/AllowWrite bracket the execution of a file: ETXTBSY both ways.
func (ns *Namespace) DenyWrite(l Loc) error { return nil }
func (ns *Namespace) AllowWrite(l Loc)      {}

type ResolveFlags uint32

const (
	NoFollow ResolveFlags = 1 << iota
	Directory
	Beneath
	InRoot
	NoSymlinks
	NoMagic
	NoXDev
	EmptyPath // "" is at itself (AT_EMPTY_PATH)
)

type Walker struct {
	NS        *Namespace
	Root, Cwd Loc
	Cred      *Cred
	Umask     uint32
}

// Opened: what OpenFile found. Parent (not Ref'ed) and Name tell how it was reached, for /proc/PID/fd and inotify.
type Opened struct {
	Loc    Loc
	Handle Handle
	Parent Loc
	Name   string
	Attr   Attr
}

func (w *Walker) Resolve(at Loc, path string, flags ResolveFlags) (Loc, error) { return Loc{}, enosys }
func (w *Walker) OpenFile(at Loc, path string, flags int, mode uint32, rf ResolveFlags) (Opened, error) {
	return Opened{}, enosys
}
func (w *Walker) Open(at Loc, path string, flags int, mode uint32) (Loc, Handle, error) {
	return Loc{}, nil, enosys
}
func (w *Walker) OpenLoc(l Loc, flags int) (Handle, error)                           { return nil, enosys }
func (w *Walker) Stat(at Loc, path string, flags int, a *Attr) error                 { return enosys }
func (w *Walker) Access(at Loc, path string, mode uint32, flags int) error           { return enosys }
func (w *Walker) AccessLoc(l Loc, mode uint32) error                                 { return enosys }
func (w *Walker) Mkdir(at Loc, path string, mode uint32) error                       { return enosys }
func (w *Walker) Mknod(at Loc, path string, mode uint32, rdev uint64) error          { return enosys }
func (w *Walker) Symlink(target string, at Loc, path string) error                   { return enosys }
func (w *Walker) Link(oat Loc, opath string, nat Loc, npath string, flags int) error { return enosys }
func (w *Walker) LinkLoc(l Loc, nat Loc, npath string) error                         { return enosys }
func (w *Walker) Unlink(at Loc, path string) error                                   { return enosys }
func (w *Walker) Rmdir(at Loc, path string) error                                    { return enosys }
func (w *Walker) Rename(oat Loc, opath string, nat Loc, npath string, flags uint32) error {
	return enosys
}
func (w *Walker) Readlink(at Loc, path string) (string, error)                  { return "", enosys }
func (w *Walker) Chmod(at Loc, path string, mode uint32, flags int) error       { return enosys }
func (w *Walker) ChmodLoc(l Loc, mode uint32) error                             { return enosys }
func (w *Walker) Chown(at Loc, path string, uid, gid uint32, flags int) error   { return enosys }
func (w *Walker) ChownLoc(l Loc, uid, gid uint32) error                         { return enosys }
func (w *Walker) Utimens(at Loc, path string, t *[2]Timespec, flags int) error  { return enosys }
func (w *Walker) UtimensLoc(l Loc, t *[2]Timespec) error                        { return enosys }
func (w *Walker) Truncate(at Loc, path string, size int64) error                { return enosys }
func (w *Walker) TruncateLoc(l Loc, size int64) error                           { return enosys }
func (w *Walker) Statfs(at Loc, path string) (linux.Statfs, error)              { return linux.Statfs{}, enosys }
func (w *Walker) StatfsLoc(l Loc) (linux.Statfs, error)                         { return linux.Statfs{}, enosys }
func (w *Walker) Getxattr(at Loc, path, name string, flags int) ([]byte, error) { return nil, enosys }
func (w *Walker) Setxattr(at Loc, path, name string, v []byte, xflags, flags int) error {
	return enosys
}
func (w *Walker) Listxattr(at Loc, path string, flags int) ([]string, error) { return nil, enosys }
func (w *Walker) Removexattr(at Loc, path, name string, flags int) error     { return enosys }
func (w *Walker) GetxattrLoc(l Loc, name string) ([]byte, error)             { return nil, enosys }
func (w *Walker) SetxattrLoc(l Loc, name string, v []byte, xflags int) error { return enosys }
func (w *Walker) ListxattrLoc(l Loc) ([]string, error)                       { return nil, enosys }
func (w *Walker) RemovexattrLoc(l Loc, name string) error                    { return enosys }

// Locks
type LockKey struct {
	Super Super
	Ino   Ino
}

func (l Loc) LockKey() LockKey { return LockKey{} }

type LockKind uint8

const (
	FlockLock LockKind = iota
	PosixLock
	OFDLock
)

type Lock struct {
	Kind       LockKind
	Type       int16 // F_RDLCK F_WRLCK F_UNLCK
	Start, Len int64 // Len 0: to the end
	Owner      any   // comparable
	PID        int
}
type Locks struct{}

func NewLocks() *Locks { return &Locks{} }

// Lock: EAGAIN without wait, EDEADLK for POSIX cycles, EINTR when ctx ends. Type F_UNLCK unlocks.
func (t *Locks) Lock(ctx context.Context, k LockKey, l Lock, wait bool) error { return enosys }

// Get is F_GETLK: the first lock that would be in the way.
func (t *Locks) Get(k LockKey, l Lock) (Lock, bool) { return Lock{}, false }

// ReleaseOwner drops an owner's locks on one inode (close) of one kind.
func (t *Locks) ReleaseOwner(k LockKey, kind LockKind, owner any) {}
func (t *Locks) List() []LockInfo                                 { return nil }

type LockInfo struct {
	Key LockKey
	Lock
	Waiting bool
}

// inotify
type Event struct {
	Mask   uint32
	Cookie uint32
	Name   string
}
type Watches struct{}

// Add: fn must not block. It is called with no lock held but Watches' own.
func (h *Watches) Add(l Loc, mask uint32, fn func(Event)) *Watch { return nil }
func (h *Watches) Remove(w *Watch)                               {}

type Watch struct{}

// images
type Extent struct{ Offset, Len int64 }
type LayerEntry struct {
	Path     string
	Mode     uint32
	UID, GID uint32
	Size     int64
	Offset   int64
	Mtime    Timespec
	Rdev     uint64
	Link     string
	Hard     bool
	Xattrs   map[string]string
	Holes    []Extent
}
type Limits struct {
	Entries, Depth      int
	Strings, XattrBytes int64
	Layers              int
}

func DefaultLimits() Limits                                              { return Limits{} }
func WriteTOC(w io.Writer, es []LayerEntry) error                        { return enosys }
func ReadTOC(r io.Reader, l Limits) ([]LayerEntry, error)                { return nil, enosys }
func BuildIndex(w io.Writer, layers [][]LayerEntry, limits Limits) error { return enosys }

type Index struct{}

func OpenIndex(path string) (*Index, error) { return nil, enosys }
func ParseIndex(b []byte) (*Index, error)   { return nil, enosys }
func (ix *Index) Close() error              { return nil }
func (ix *Index) Inodes() int               { return 0 }
func (ix *Index) Entries() int              { return 0 }

type Content interface {
	io.ReaderAt
	io.Closer
}
type Options struct {
	MaxBytes, MaxInodes int64
	Now                 func() time.Time
	Type                string
	Dev                 uint64
}
type FS struct{ Super }

func New(ix *Index, content []Content, o Options) *FS { return &FS{} }

type DiffOptions struct{ Mtime *time.Time }
type Change struct {
	Kind byte // 'A' 'C' 'D'
	Path string
}
type Usage struct{ Bytes, Inodes, MaxBytes, MaxInodes int64 }

func (fs *FS) Fork() *FS                             { return fs }
func (fs *FS) Diff(w io.Writer, o DiffOptions) error { return enosys }
func (fs *FS) Changes() []Change                     { return nil }
func (fs *FS) ApplyTar(r io.Reader) error            { return enosys }
func (fs *FS) Export(w io.Writer) error              { return enosys }
func (fs *FS) Usage() Usage                          { return Usage{} }
func (fs *FS) Close() error                          { return nil }
