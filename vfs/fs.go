package vfs

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

const (
	rootIno   Ino = 1
	blockSize     = 4096
)

// Options says how an FS behaves. Zero limits are no limits.
type Options struct {
	MaxBytes, MaxInodes int64
	Now                 func() time.Time // nil: the host's clock
	Type                string           // "" is "overlay" with an index and "tmpfs" without
	Dev                 uint64           // 0: the first Namespace that mounts it gives one
	RootMode            uint32           // permissions of the root of an empty tree; 0 is 0755
	RootUID, RootGID    uint32
}

// FS is a file system in memory: changes above an immutable Index, or above
// nothing. It is a Super. Access times change only when they are set.
type FS struct {
	mu      sync.RWMutex
	ix      *Index
	nlower  Ino // inodes up to this number may be in ix
	content []Content
	seed    maphash.Seed
	fam     *family
	epoch   uint64
	gen     uint64 // counts nodes that took a new state, see Generation
	lower   radix[node]
	upper   radix[node]
	next    Ino
	used    int64        // bytes
	inodes  int64        // inodes and further links above the index
	orphans map[Ino]bool // without a name but pinned; true: link(2) may give one
	maps    map[Ino]*inodeMaps
	opts    Options
	closed  bool

	dev      atomic.Uint64
	norphans atomic.Int64
	pins     pinTable
	paths    pathCache
}

// family is what an FS and its forks share.
type family struct {
	epochs  atomic.Uint64
	buffers sync.Pool // *[chunkSize]byte
	dead    node      // stands for every removed inode of the index
}

// Content is the file of one layer's contents. Its owner closes it, after the
// last FS that reads it.
type Content interface {
	ReadAt(p []byte, off int64) (int, error)
	Close() error
}

// New returns an FS over an index, in constant time whatever the image's size.
// content has one for each layer that BuildIndex merged. A nil index is an empty
// tree with a root directory.
func New(ix *Index, content []Content, o Options) *FS {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Type == "" {
		o.Type = "overlay"
		if ix == nil {
			o.Type = "tmpfs"
		}
	}
	fs := &FS{ix: ix, content: content, opts: o, seed: maphash.MakeSeed(), fam: &family{}, epoch: 1,
		orphans: make(map[Ino]bool)}
	fs.fam.epochs.Store(1)
	fs.dev.Store(o.Dev)
	if ix != nil {
		ix.retain()
		fs.nlower = Ino(ix.ninodes)
		fs.next = fs.nlower + 1
		return fs
	}
	fs.ix = &Index{refs: 1}
	fs.ix.retain()
	mode := o.RootMode & 0o7777
	if mode == 0 {
		mode = 0o755
	}
	t := fs.now()
	fs.put(rootIno, &node{epoch: 1, mode: linux.S_IFDIR | mode, uid: o.RootUID, gid: o.RootGID, nlink: 2,
		atime: t, mtime: t, ctime: t, btime: t})
	fs.next = rootIno + 1
	return fs
}

func (fs *FS) now() int64 { return fs.opts.Now().UnixNano() }

// Type returns the name that /proc/mounts shows.
func (fs *FS) Type() string { return fs.opts.Type }

// Dev returns the device number.
func (fs *FS) Dev() uint64 { return fs.dev.Load() }

// assignDev gives a device number to an FS that has none.
func (fs *FS) assignDev(d uint64) { fs.dev.CompareAndSwap(0, d) }

// Root returns the root directory.
func (fs *FS) Root() Ino { return rootIno }

// Close drops the memory and the hold on the index. Operations fail afterwards.
func (fs *FS) Close() error {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.closed {
		return nil
	}
	fs.closed = true
	for ino := range fs.maps {
		fs.dropMaps(ino)
	}
	ix := fs.ix
	fs.ix, fs.nlower, fs.content = &Index{refs: 1}, 0, nil
	fs.lower, fs.upper = radix[node]{}, radix[node]{}
	fs.paths.drop()
	fs.orphans = make(map[Ino]bool)
	fs.norphans.Store(0)
	return ix.release()
}

// Lookup implements Super.
func (fs *FS) Lookup(dir Ino, name string) (Ino, error) {
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	d, err := fs.dirOf(dir)
	if err != nil {
		return 0, err
	}
	ino, _, _, err := fs.lookupIn(&d, name)
	return ino, err
}

// Parent implements Super.
func (fs *FS) Parent(dir Ino) (Ino, string, error) {
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	p, name, err := fs.parentOf(dir)
	if err != nil {
		return 0, "", err
	}
	if n := fs.get(dir); n != nil && n.nlink == 0 {
		return 0, "", linux.ENOENT
	}
	return p, name, nil
}

// Readlink implements Super.
func (fs *FS) Readlink(ino Ino) (string, error) {
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	n, r, err := fs.find(ino)
	if err != nil {
		return "", err
	}
	if n != nil {
		if l, ok := n.body.(*linkBody); ok {
			return l.target, nil
		}
		return "", linux.EINVAL
	}
	if r.mode()&linux.S_IFMT != linux.S_IFLNK {
		return "", linux.EINVAL
	}
	if s, ok := fs.ix.target(r); ok {
		return s, nil
	}
	return "", linux.EIO
}
