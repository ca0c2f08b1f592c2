package ipc

import (
	"slices"
	"sync"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// Limits, as Linux has them by default: /proc/sys/kernel.
const (
	ShmMax = 1<<64 - 1 - 1<<24 // bytes of a segment
	ShmAll = ShmMax            // pages of all segments
	ShmMNI = 4096              // segments
	SemMSL = 32000             // semaphores of a set
	SemMNS = 1024000000        // of all sets
	SemOPM = 500               // operations of one semop(2)
	SemMNI = 32000             // sets
	MsgMax = 8192              // bytes of a message
	MsgMNB = 16384             // bytes of a queue
	MsgMNI = 32000             // queues

	semVMX   = 32767 // the highest value, and of an adjustment
	pageSize = 4096
)

// Config is what a namespace needs of its kernel.
type Config struct {
	Now func() time.Time
	// Charge accounts bytes that the objects hold, negative ones back; false refuses.
	Charge func(delta int64) bool
}

// Namespace has the objects of one sandbox. It is safe for concurrent use.
type Namespace struct {
	cfg Config

	mu       sync.Mutex
	shm      table[*segment]
	shmPages uint64
	sem      table[*set]
	sems     int // of all sets
	msg      table[*queue]
	messages int // in all queues
	msgBytes uint64
}

// New makes an empty namespace.
func New(c Config) *Namespace {
	return &Namespace{cfg: c, shm: newTable[*segment](ShmMNI), sem: newTable[*set](SemMNI), msg: newTable[*queue](MsgMNI)}
}

// Close removes everything. Nobody may wait any more.
func (ns *Namespace) Close() {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	for _, s := range ns.shm.sorted() {
		ns.destroy(s)
	}
	for _, s := range ns.sem.sorted() {
		ns.removeSet(s)
	}
	for _, q := range ns.msg.sorted() {
		ns.removeQueue(q)
	}
}

func (ns *Namespace) now() int64 { return ns.cfg.Now().Unix() }

// Caller is who makes a call.
type Caller struct {
	PID      int
	UID, GID uint32 // effective
	Groups   []uint32
	Caps     uint64 // effective
}

func (c *Caller) has(capability uint) bool { return c.Caps>>capability&1 != 0 }

func (c *Caller) in(gid uint32) bool { return c.GID == gid || slices.Contains(c.Groups, gid) }

// Rights that a call needs, in any of the three places of a mode.
const (
	readable  = 0o444
	writeable = 0o222
)

// may is ipcperms: whether the mode grants what flags ask for.
func (c *Caller) may(p *linux.IPCPerm, flags uint32) bool {
	want := (flags>>6 | flags>>3 | flags) & 7
	grant := p.Mode
	switch {
	case c.UID == p.CUID || c.UID == p.UID:
		grant >>= 6
	case c.in(p.CGID) || c.in(p.GID):
		grant >>= 3
	}
	return want&^grant&7 == 0 || c.has(linux.CAP_IPC_OWNER)
}

// owns says who may change and remove an object.
func (c *Caller) owns(p *linux.IPCPerm) bool {
	return c.UID == p.CUID || c.UID == p.UID || c.has(linux.CAP_SYS_ADMIN)
}
