package vfs

import (
	"context"
	"io"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

const enosys = linux.ENOSYS

// Locks
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

type DiffOptions struct{ Mtime *time.Time }
type Change struct {
	Kind byte // 'A' 'C' 'D'
	Path string
}

func (fs *FS) Diff(w io.Writer, o DiffOptions) error { return enosys }
func (fs *FS) Changes() []Change                     { return nil }
func (fs *FS) ApplyTar(r io.Reader) error            { return enosys }
func (fs *FS) Export(w io.Writer) error              { return enosys }
