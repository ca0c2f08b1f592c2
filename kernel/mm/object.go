package mm

import (
	"os"
	"sync"
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// object is what areas are mapped from: a file, shared memory, or a name alone. Areas
// of several spaces may have the same one, after fork(2).
type object struct {
	refs   atomic.Int64
	Name   string // as /proc/PID/maps shows it
	dev    uint64
	ino    uint64
	shared bool
	held   int64 // bytes of memory that were paid for
	let    func(n int64)
	// segment is what the areas are attached to, and detached from.
	segment *Segment
	// Of a file:
	backing  Backing
	writable bool // it was opened for writing
	tracked  bool // the file is told of stores; set before anybody else knows the object
	users    users

	mu   sync.Mutex     // a leaf, guards what follows
	host []*os.File     // memory that the object owns
	maps []*vfs.Mapping // of the file's memory
}

func (o *object) ref() *object {
	if o != nil {
		o.refs.Add(1)
	}
	return o
}

func (o *object) unref() {
	if o == nil || o.refs.Add(-1) > 0 {
		return
	}
	for _, f := range o.host {
		freeSharedMemory(f)
	}
	if o.let != nil {
		o.let(o.held)
	}
	// The inode is let go before its memory: without a name, nobody needs the bytes.
	if o.backing != nil {
		o.backing.Unref()
	}
	for _, m := range o.maps {
		_ = m.Close()
	}
}

// own keeps memory as long as the object.
func (o *object) own(f *os.File) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.host = append(o.host, f)
}

// hold keeps a mapping as long as the object, and returns its memory.
func (o *object) hold(m *vfs.Mapping) *os.File {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.maps = append(o.maps, m)
	return fileOf(m)
}

// load brings a range of the file to its memory.
func (o *object) load(off, n int64) error {
	o.mu.Lock()
	maps := o.maps
	o.mu.Unlock()
	for _, m := range maps {
		if err := m.Load(off, n); err != nil {
			return err
		}
	}
	return nil
}

// dirty tells the file of stores to a range.
func (o *object) dirty(off, n int64) error {
	o.mu.Lock()
	maps := o.maps
	o.mu.Unlock()
	for _, m := range maps {
		if err := m.Dirty(off, n); err != nil {
			return err
		}
	}
	return nil
}

// key is the same for all objects of one file, and for all areas of one shared memory.
func (o *object) key() any {
	if o.backing != nil {
		return o.backing.Key()
	}
	return o
}

// size is how long the file of a shared map is, or the most.
func (o *object) size() int64 {
	if o == nil || o.backing == nil || !o.shared {
		return 1<<63 - 1
	}
	n, err := o.backing.Size()
	if err != nil {
		return 0
	}
	return n
}

// users are the spaces that have areas of an object.
type users struct {
	mu  sync.Mutex // a leaf
	set map[*Space]bool
}

func (u *users) add(s *Space) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.set == nil {
		u.set = map[*Space]bool{}
	}
	u.set[s] = true
}

func (u *users) remove(s *Space) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.set, s)
}

func (u *users) list() []*Space {
	u.mu.Lock()
	defer u.mu.Unlock()
	all := make([]*Space, 0, len(u.set))
	for s := range u.set {
		all = append(all, s)
	}
	return all
}

// fileMemory is memory that windows can map and vfs reads and writes.
type fileMemory struct {
	f       *os.File
	account Account
	held    int64 // guarded by who uses it
}

var _ vfs.Memory = (*fileMemory)(nil)

// newMemory makes the memory of a file that is mapped; the space's account pays for
// what can be reached.
func (s *Space) newMemory() (vfs.Memory, error) {
	f, err := newSharedMemory(0)
	if err != nil {
		return nil, linux.ENOMEM
	}
	return &fileMemory{f: f, account: s.account}, nil
}

func (m *fileMemory) ReadAt(p []byte, off int64) (int, error) {
	n, err := m.f.ReadAt(p, off)
	return n, memoryErr(err)
}

func (m *fileMemory) WriteAt(p []byte, off int64) (int, error) {
	n, err := m.f.WriteAt(p, off)
	return n, memoryErr(err)
}

func (m *fileMemory) Truncate(size int64) error { return memoryErr(m.f.Truncate(size)) }

func (m *fileMemory) Hold(delta int64) error {
	if m.account != nil && delta != 0 {
		if err := m.account.Hold(delta); err != nil {
			return linux.ENOMEM
		}
	}
	m.held += delta
	return nil
}

func (m *fileMemory) Close() error {
	_ = m.Hold(-m.held)
	freeSharedMemory(m.f)
	return nil
}

// memoryErr is the errno of an error.
func memoryErr(err error) error {
	if err == nil {
		return nil
	}
	return linux.ErrnoOf(err)
}
