package vfs

import (
	"sync"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// pageMemory is a Memory of Go's.
type pageMemory struct {
	mu     sync.Mutex
	t      *testing.T
	pages  map[int64]*[pageSize]byte
	size   int64
	held   int64
	closed bool
}

func (m *pageMemory) ReadAt(p []byte, off int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if off+int64(len(p)) > m.size {
		m.t.Errorf("%d bytes at %d of %d are read", len(p), off, m.size)
	}
	for i := range p {
		p[i] = 0
		if pg := m.pages[(off+int64(i))/pageSize]; pg != nil {
			p[i] = pg[(off+int64(i))%pageSize]
		}
	}
	return len(p), nil
}

func (m *pageMemory) WriteAt(p []byte, off int64) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if off+int64(len(p)) > m.size {
		m.t.Errorf("%d bytes at %d of %d are written", len(p), off, m.size)
	}
	for i := range p {
		at := off + int64(i)
		if m.pages[at/pageSize] == nil {
			m.pages[at/pageSize] = new([pageSize]byte)
		}
		m.pages[at/pageSize][at%pageSize] = p[i]
	}
	return len(p), nil
}

func (m *pageMemory) Truncate(size int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.punch(size, max(m.size, size)+pageSize-size)
	m.size = size
	return nil
}

func (m *pageMemory) Punch(off, n int64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.punch(off, n)
	return nil
}

func (m *pageMemory) punch(off, n int64) {
	for i, pg := range m.pages {
		lo, hi := max(off, i*pageSize), min(off+n, (i+1)*pageSize)
		switch {
		case hi-lo == pageSize:
			delete(m.pages, i)
		case hi > lo:
			clear(pg[lo-i*pageSize : hi-i*pageSize])
		}
	}
}

func (m *pageMemory) Data(off int64) (from, to int64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for at := off / pageSize * pageSize; at < m.size; at += pageSize {
		if m.pages[at/pageSize] == nil {
			continue
		}
		for to = at + pageSize; m.pages[to/pageSize] != nil; {
			to += pageSize
		}
		return max(at, off), to, true
	}
	return 0, 0, false
}

func (m *pageMemory) Hold(n int64) error { m.held += n; return nil }

func (m *pageMemory) Close() error {
	m.closed, m.held = true, 0
	return nil
}

func newMemory(t *testing.T) *pageMemory {
	return &pageMemory{t: t, pages: map[int64]*[pageSize]byte{}}
}

// guest is a program that maps a range of a file.
type guest struct {
	m        *Mapping
	mem      *pageMemory
	off, end int64
	rw       bool // the pages may be written without asking
	later    bool // what is not there yet has to be asked for
}

func mapFor(t *testing.T, h Handle, off, n int64) *guest { return mapHow(t, h, off, n, false) }

func mapHow(t *testing.T, h Handle, off, n int64, later bool) *guest {
	t.Helper()
	g := &guest{off: off, end: off + n, later: later}
	m, err := h.(Mapper).Map(MapOptions{Off: off, Len: n, Later: later, Clean: func() { g.rw = false },
		New: func() (Memory, error) { return newMemory(t), nil }})
	check(t, err, nil)
	g.m, g.mem = m, m.Memory().(*pageMemory)
	t.Cleanup(func() { _ = m.Close() })
	return g
}

// load is EFAULT where a program gets SIGBUS or SIGSEGV.
func (g *guest) load(at int64) (byte, error) {
	if at < g.off || at >= g.end || at >= pageUp(g.mem.size) {
		return 0, linux.EFAULT
	}
	if g.later {
		if err := g.m.Load(at&^(pageSize-1), pageSize); err != nil {
			return 0, err
		}
	}
	if pg := g.mem.pages[at/pageSize]; pg != nil {
		return pg[at%pageSize], nil
	}
	return 0, nil
}

func (g *guest) store(at int64, b byte) error {
	if !g.rw {
		if err := g.m.Dirty(g.off, g.end-g.off); err != nil {
			return err
		}
		g.rw = true
	}
	if _, err := g.load(at); err != nil {
		return err
	}
	if g.mem.pages[at/pageSize] == nil {
		g.mem.pages[at/pageSize] = new([pageSize]byte)
	}
	g.mem.pages[at/pageSize][at%pageSize] = b
	return nil
}
