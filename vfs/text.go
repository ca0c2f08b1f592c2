package vfs

import (
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
)

// LockKey names an inode for Locks, Watches and the ETXTBSY table.
type LockKey struct {
	Super Super
	Ino   Ino
}

// LockKey returns the identity of l's inode, the same through every mount.
func (l Loc) LockKey() LockKey { return LockKey{l.Mount.super, l.Ino} }

// textTable counts who writes and who executes a file: positive writers,
// negative executions.
type textTable struct {
	mu sync.Mutex
	n  map[LockKey]int
}

func newTextTable() *textTable { return &textTable{n: make(map[LockKey]int)} }

func (t *textTable) add(k LockKey, by int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.n[k]
	if n != 0 && n > 0 != (by > 0) {
		return linux.ETXTBSY
	}
	t.n[k] = n + by
	return nil
}

func (t *textTable) sub(k LockKey, by int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.n[k] - by; n != 0 {
		t.n[k] = n
	} else {
		delete(t.n, k)
	}
}

func (t *textTable) executing(k LockKey) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n[k] < 0
}

// DenyWrite marks a file as being executed: opening it for writing is ETXTBSY
// until AllowWrite. It is ETXTBSY itself while somebody writes, execve(2).
func (ns *Namespace) DenyWrite(l Loc) error { return ns.texts.add(l.LockKey(), -1) }

// AllowWrite undoes one DenyWrite.
func (ns *Namespace) AllowWrite(l Loc) { ns.texts.sub(l.LockKey(), -1) }

// writeHandle is a Handle that counts as a writer until it is closed.
type writeHandle struct {
	Handle
	texts *textTable
	key   LockKey
	once  sync.Once
}

// Close implements Handle.
func (h *writeHandle) Close() error {
	h.once.Do(func() { h.texts.sub(h.key, 1) })
	return h.Handle.Close()
}

// Unwrap returns the file system's own handle.
func (h *writeHandle) Unwrap() Handle { return h.Handle }
