package wasi

import (
	"sync"

	"github.com/tetratelabs/wazero/experimental"

	"github.com/sbxrun/sbx/kernel"
)

// Buffers up to maxPooled bytes are used again by the next instance, so that a
// short tool costs no garbage.
const (
	maxPooled     = 2 << 20
	maxPoolBuffer = 16
)

// bufferPool keeps zeroed buffers of ended instances.
type bufferPool struct {
	mu   sync.Mutex
	free [][]byte
}

// get returns a zeroed buffer of length size with at least that capacity.
func (p *bufferPool) get(size uint64) []byte {
	p.mu.Lock()
	for i, b := range p.free {
		if uint64(cap(b)) >= size {
			p.free[i] = p.free[len(p.free)-1]
			p.free = p.free[:len(p.free)-1]
			p.mu.Unlock()
			return b[:size]
		}
	}
	p.mu.Unlock()
	return make([]byte, size)
}

// put takes back a buffer whose used part is its length.
func (p *bufferPool) put(b []byte) {
	if cap(b) > maxPooled || cap(b) == 0 {
		return
	}
	clear(b)
	p.mu.Lock()
	if len(p.free) < maxPoolBuffer {
		p.free = append(p.free, b[:0])
	}
	p.mu.Unlock()
}

func (p *bufferPool) drain() {
	p.mu.Lock()
	p.free = nil
	p.mu.Unlock()
}

// allocator gives an instance its memory and charges it to the kernel.
type allocator struct {
	task *kernel.Task
	pool *bufferPool
}

var _ experimental.MemoryAllocator = allocator{}

func (a allocator) Allocate(_, max uint64) experimental.LinearMemory {
	return &linearMemory{allocator: a, max: max}
}

// linearMemory is one instance's memory. Its length never shrinks.
type linearMemory struct {
	allocator
	max uint64
	buf []byte
}

// Reallocate grows to size bytes, or answers nil when the kernel has no more.
func (m *linearMemory) Reallocate(size uint64) []byte {
	old := uint64(len(m.buf))
	if size > m.max {
		return nil
	}
	if size <= old { // a long loop comes here too, interrupt.go
		m.task.Throttle()
		return m.buf[:size]
	}
	if m.task.GrowMemory(int64(size-old)) != nil {
		return nil
	}
	if size <= uint64(cap(m.buf)) {
		m.buf = m.buf[:size]
		return m.buf
	}
	if old == 0 {
		m.buf = m.pool.get(size)
		return m.buf
	}
	grown := make([]byte, size, min(max(size, old+old/2), m.max))
	copy(grown, m.buf)
	m.pool.put(m.buf)
	m.buf = grown
	return m.buf
}

// Free gives the memory back.
func (m *linearMemory) Free() {
	if len(m.buf) > 0 {
		m.task.GrowMemory(-int64(len(m.buf)))
	}
	m.pool.put(m.buf)
	m.buf = nil
}
