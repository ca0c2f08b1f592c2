package syscalls

import (
	"encoding/binary"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/kernel"
)

// call is one system call. It is over when its handler returns: a thread has one, for all of its calls.
type call struct {
	*Program
	t *kernel.Task
	a [6]uint64
}

// noEntry is of numbers that are no system calls.
var noEntry entry

// syscall carries out the call that the thread stopped at.
func (p *Program) syscall() {
	r := p.r
	n := r.GPR[cpu.RAX]
	p.number, p.restart = n, false
	c := &p.call
	c.a = [6]uint64{r.GPR[cpu.RDI], r.GPR[cpu.RSI], r.GPR[cpu.RDX], r.GPR[cpu.R10], r.GPR[cpu.R8], r.GPR[cpu.R9]}
	var v int64
	var err error
	e := &noEntry
	if n < uint64(len(table)) {
		e = &table[n]
	}
	verdict := pass
	if s := p.t.Seccomp(); s != nil {
		verdict, err = c.filtered(s)
	}
	switch {
	case verdict != pass:
	case e.do == nil:
		p.l.count(int(n), e.name)
		err = linux.ENOSYS
	default:
		v, err = e.do(c)
	}
	p.t.Kernel().TellOwners()
	if tr := p.l.cfg.Trace; tr != nil {
		text := result(v, err)
		if verdict == trapped {
			text = "?"
		}
		tr.Call(p.t.Gettid(), p.t.Comm(), format(c, n, *e), text)
	}
	if p.ended || verdict == trapped || e.raw && verdict == pass {
		return
	}
	if err != nil {
		errno := linux.ErrnoOf(err)
		if errno == linux.EINTR && !e.once && verdict == pass {
			p.restart = true
		}
		v = -int64(errno)
	}
	r.GPR[cpu.RAX] = uint64(v)
}

// count remembers a call without a handler.
func (l *Loader) count(n int, name string) {
	l.mu.Lock()
	l.missing[n]++
	l.mu.Unlock()
	if l.cfg.Trace != nil {
		l.cfg.Trace.Missing(n, name)
	}
}

// Missing tells which calls there was no handler for, and how often they were made.
func (l *Loader) Missing() map[int]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := make(map[int]int, len(l.missing))
	for k, v := range l.missing {
		m[k] = v
	}
	return m
}

func (c *call) int(i int) int { return int(int32(c.a[i])) }

// fd is a descriptor, which may be AT_FDCWD.
func (c *call) fd(i int) int { return int(int32(c.a[i])) }

const pathMax = 4096

// path reads a path argument.
func (c *call) path(i int) (string, error) { return c.mm.String(c.a[i], pathMax) }

// strings reads a vector of strings, as execve(2) has them: E2BIG when they and their addresses
// take more than room, which becomes what is left of it.
func (c *call) strings(addr uint64, room *uint64) ([]string, error) {
	var list []string
	if addr == 0 {
		return list, nil
	}
	const maxLen = 131072
	for ; ; addr += 8 {
		at, err := c.mm.Uint64(addr)
		if err != nil {
			return nil, err
		}
		if at == 0 {
			return list, nil
		}
		s, err := c.mm.String(at, maxLen)
		if err == linux.ENAMETOOLONG {
			return nil, linux.E2BIG
		}
		if err != nil {
			return nil, err
		}
		n := uint64(len(s) + 9)
		if n > *room {
			return nil, linux.E2BIG
		}
		*room -= n
		list = append(list, s)
	}
}

// maxIO bounds one read or write of a guest, which Linux bounds too.
const maxIO = 0x7ffff000

// buffers hold what is copied between guest and kernel.
var buffers = sync.Pool{New: func() any { return new([chunk]byte) }}

const chunk = 128 << 10

// buf returns room for at most chunk bytes, and how to give it back.
func buf(n uint64) ([]byte, func()) {
	b := buffers.Get().(*[chunk]byte)
	return b[:min(n, chunk)], func() { buffers.Put(b) }
}

var le = binary.LittleEndian

// smallIO is what most reads and writes are within: a thread has a buffer for them.
const smallIO = 4096

// small returns that buffer. It is in use for as long as the call is.
func (c *call) small() []byte {
	if c.smallBuf == nil {
		c.smallBuf = make([]byte, smallIO)
	}
	return c.smallBuf
}

// bytes reads n bytes, which the caller bounded.
func (c *call) bytes(addr uint64, n int) ([]byte, error) {
	b := make([]byte, n)
	return b, c.mm.Read(addr, b)
}
