package mqueue

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/pseudofs"
	"github.com/sbxrun/sbx/vfs"
)

// Limits, as Linux has them by default: /proc/sys/fs/mqueue.
const (
	QueuesMax      = 256  // queues
	MsgMax         = 10   // messages of a queue that somebody without privileges makes
	MsgSizeMax     = 8192 // bytes of a message likewise
	MsgDefault     = 10
	MsgSizeDefault = 8192

	hardMsgMax     = 65536
	hardMsgSizeMax = 16 << 20
	fileSize       = 80 // that stat(2) tells
)

// Config is what the filesystem needs of its kernel.
type Config struct {
	Dev uint64
	Now func() time.Time
	// Charge accounts bytes that messages hold, negative ones back; false refuses.
	Charge func(delta int64) bool
}

// FS is the filesystem of queues. It is safe for concurrent use.
type FS struct {
	pseudofs.Base
	cfg Config

	mu    sync.Mutex
	last  vfs.Ino
	root  vfs.Attr
	names map[string]*Queue
	nodes map[vfs.Ino]*Queue
	bytes map[uint32]uint64 // what queues of a user may hold, RLIMIT_MSGQUEUE
}

var _ vfs.Super = (*FS)(nil)

const rootIno vfs.Ino = 1

// New makes a filesystem without queues.
func New(c Config) *FS {
	f := &FS{cfg: c, last: rootIno, names: map[string]*Queue{}, nodes: map[vfs.Ino]*Queue{}, bytes: map[uint32]uint64{}}
	f.root = f.attr(rootIno, linux.S_IFDIR|linux.S_ISVTX|0o777)
	f.root.Nlink, f.root.Size = 2, 0
	return f
}

func (f *FS) now() vfs.Timespec { return vfs.TimespecOf(f.cfg.Now()) }

func (f *FS) attr(ino vfs.Ino, mode uint32) vfs.Attr {
	now := f.now()
	return vfs.Attr{Dev: f.cfg.Dev, Ino: ino, Mode: mode, Nlink: 1, Size: fileSize, Blksize: 4096, Atime: now, Mtime: now, Ctime: now, Btime: now}
}

// Maker says who makes a queue, and what one.
type Maker struct {
	MaxMsg, MsgSize int64
	Limit           uint64 // RLIMIT_MSGQUEUE
	Privileged      bool   // CAP_SYS_RESOURCE
}

// Make makes a queue of the given name. EEXIST when there is one.
func (f *FS) Make(name string, o vfs.CreateOpts, m Maker) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	most, mostSize := int64(MsgMax), int64(MsgSizeMax)
	if m.Privileged {
		most, mostSize = hardMsgMax, hardMsgSizeMax
	}
	switch {
	case f.names[name] != nil:
		return linux.EEXIST
	case len(f.nodes) >= QueuesMax && !m.Privileged:
		return linux.ENOSPC
	case m.MaxMsg <= 0 || m.MsgSize <= 0 || m.MaxMsg > most || m.MsgSize > mostSize:
		return linux.EINVAL
	case len(f.nodes) >= hardMsgMax:
		return linux.ENOSPC
	}
	// What Linux keeps for a message, and for a priority.
	const perMessage, perPriority = 48, 48
	size := uint64(m.MaxMsg)*perMessage + uint64(min(m.MaxMsg, PrioMax))*perPriority + uint64(m.MaxMsg*m.MsgSize)
	if f.bytes[o.UID]+size > m.Limit {
		return linux.EMFILE
	}
	if !f.cfg.Charge(nodeBytes) {
		return linux.ENOMEM
	}
	f.bytes[o.UID] += size
	f.last++
	q := &Queue{fs: f, maxMsg: int(m.MaxMsg), msgSize: int(m.MsgSize), maker: o.UID, allowance: size}
	q.attr = f.attr(f.last, linux.S_IFREG|o.Mode&0o7777)
	q.attr.UID, q.attr.GID = o.UID, o.GID
	f.names[name], f.nodes[f.last] = q, q
	f.root.Mtime = f.now()
	f.root.Ctime = f.root.Mtime
	return nil
}

// nodeBytes is what a queue without messages is charged for.
const nodeBytes = 512

// Create makes a queue of the usual size, as open(2) does.
func (f *FS) Create(dir vfs.Ino, name string, o vfs.CreateOpts) (vfs.Ino, error) {
	if dir != rootIno || o.Mode&linux.S_IFMT != linux.S_IFREG {
		return 0, linux.EPERM
	}
	const byDefault = 819200 // of RLIMIT_MSGQUEUE
	if err := f.Make(name, o, Maker{MaxMsg: MsgDefault, MsgSize: MsgSizeDefault, Limit: byDefault}); err != nil {
		return 0, err
	}
	return f.Lookup(dir, name)
}

// Unlink takes a queue's name: it goes with who has it open last.
func (f *FS) Unlink(dir vfs.Ino, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := f.names[name]
	if q == nil {
		return linux.ENOENT
	}
	delete(f.names, name)
	q.attr.Nlink = 0
	f.root.Mtime = f.now()
	f.root.Ctime = f.root.Mtime
	f.reap(q)
	return nil
}

// reap frees a queue that has neither a name nor a user.
func (f *FS) reap(q *Queue) {
	if q.attr.Nlink > 0 || q.pins > 0 {
		return
	}
	delete(f.nodes, q.attr.Ino)
	if f.bytes[q.maker] -= q.allowance; f.bytes[q.maker] == 0 {
		delete(f.bytes, q.maker)
	}
	f.cfg.Charge(-nodeBytes)
	for _, m := range q.list {
		f.cfg.Charge(-m.charge())
	}
	q.list = nil
}

// Ref keeps a queue.
func (f *FS) Ref(ino vfs.Ino) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if q := f.nodes[ino]; q != nil {
		q.pins++
	}
}

// Unref lets it go.
func (f *FS) Unref(ino vfs.Ino) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if q := f.nodes[ino]; q != nil {
		q.pins--
		f.reap(q)
	}
}

// Type is "mqueue".
func (f *FS) Type() string { return "mqueue" }

// Dev is the number of the Config.
func (f *FS) Dev() uint64 { return f.cfg.Dev }

// Root is the only directory.
func (f *FS) Root() vfs.Ino { return rootIno }

// Statfs has no numbers to tell.
func (f *FS) Statfs() (linux.Statfs, error) {
	return linux.Statfs{Type: linux.MQUEUE_MAGIC, Bsize: 4096, Frsize: 4096, Namelen: linux.NAME_MAX}, nil
}

// Lookup finds a queue.
func (f *FS) Lookup(dir vfs.Ino, name string) (vfs.Ino, error) {
	if dir != rootIno {
		return 0, linux.ENOTDIR
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if q := f.names[name]; q != nil {
		return q.attr.Ino, nil
	}
	return 0, linux.ENOENT
}

// Parent knows the root only.
func (f *FS) Parent(dir vfs.Ino) (vfs.Ino, string, error) {
	if dir != rootIno {
		return 0, "", linux.ENOTDIR
	}
	return rootIno, "", nil
}

func (f *FS) find(ino vfs.Ino) *vfs.Attr {
	if ino == rootIno {
		return &f.root
	}
	if q := f.nodes[ino]; q != nil {
		return &q.attr
	}
	return nil
}

// Getattr tells of a queue; ENOENT once it is gone.
func (f *FS) Getattr(ino vfs.Ino, a *vfs.Attr) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := f.find(ino)
	if p == nil {
		return linux.ENOENT
	}
	*a = *p
	if ino == rootIno {
		const entrySize = 20
		a.Size = int64(len(f.names)+2) * entrySize
	}
	return nil
}

// Setattr changes the mode, the owner and times. A queue has no other size.
func (f *FS) Setattr(ino vfs.Ino, s *vfs.SetAttr) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.find(ino)
	if a == nil {
		return linux.ENOENT
	}
	pseudofs.Apply(a, s, f.now())
	return nil
}

// Readlink finds no links.
func (f *FS) Readlink(vfs.Ino) (string, error) { return "", linux.EINVAL }

// Open opens a queue or the directory.
func (f *FS) Open(ino vfs.Ino, _ int) (vfs.Handle, error) {
	if ino == rootIno {
		return &pseudofs.Dir{Self: rootIno, Parent: rootIno, List: f.list}, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	q := f.nodes[ino]
	if q == nil {
		return nil, linux.ENOENT
	}
	q.pins++
	return &handle{q: q}, nil
}

// Queue returns the queue of an inode that is in use, nil for the directory.
func (f *FS) Queue(ino vfs.Ino) *Queue {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.nodes[ino]
}

// list gives the queues in the order of their inodes, which are the cookies too.
func (f *FS) list(after uint64, fn func(vfs.DirEntry) bool) error {
	f.mu.Lock()
	var all []vfs.DirEntry
	for name, q := range f.names {
		if c := q.attr.Ino + 1; c > after {
			all = append(all, vfs.DirEntry{Name: strings.Clone(name), Ino: q.attr.Ino, Type: linux.DT_REG, Cookie: c})
		}
	}
	f.mu.Unlock()
	slices.SortFunc(all, func(a, b vfs.DirEntry) int { return int(int64(a.Cookie - b.Cookie)) })
	for _, e := range all {
		if !fn(e) {
			break
		}
	}
	return nil
}
