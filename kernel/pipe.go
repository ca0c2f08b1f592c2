package kernel

import (
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

const (
	pipeDefault = 65536
	pipePage    = 4096
	pipeMax     = 1 << 20 // fs.pipe-max-size
	pipeMost    = 1 << 26 // for CAP_SYS_RESOURCE
)

// pipe is the buffer between the ends of a pipe or a FIFO, pipe(7).
type pipe struct {
	k *Kernel
	q Queue // anything changed

	mu      sync.Mutex
	buf     []byte // a ring; its length grows up to limit
	head, n int
	limit   int
	readers int
	writers int
	rOpens  uint64 // counts opens for reading
	wOpens  uint64 // counts opens for writing
	users   int    // descriptions of a FIFO, and opens on their way
	ino     uint64
}

func (k *Kernel) newPipe() *pipe {
	return &pipe{k: k, limit: pipeDefault, ino: k.nextIno.Add(1)}
}

// get moves bytes out of the ring.
func (p *pipe) get(b []byte) int {
	n := min(len(b), p.n)
	first := copy(b[:n], p.buf[p.head:])
	copy(b[first:n], p.buf)
	p.head += n
	if p.head >= len(p.buf) {
		p.head -= len(p.buf)
	}
	p.n -= n
	if p.n == 0 {
		p.head = 0
	}
	return n
}

// put moves bytes into the ring, as many as fit.
func (p *pipe) put(b []byte) int {
	n := min(len(b), p.limit-p.n)
	if n <= 0 {
		return 0
	}
	if p.n+n > len(p.buf) {
		p.resize(p.n + n)
		n = min(n, len(p.buf)-p.n)
	}
	tail := p.head + p.n
	if tail >= len(p.buf) {
		tail -= len(p.buf)
	}
	first := copy(p.buf[tail:], b[:n])
	copy(p.buf, b[first:n])
	p.n += n
	return n
}

// resize makes room for want bytes, in powers of two. Without memory left it
// stays as it is, but for the first page.
func (p *pipe) resize(want int) {
	size := max(len(p.buf), pipePage)
	for size < want {
		size *= 2
	}
	size = min(size, max(p.limit, pipePage))
	if delta := size - max(len(p.buf), pipePage); delta > 0 && !p.k.admit(int64(delta)) {
		size = pipePage
	}
	if size > len(p.buf) {
		p.move(size)
	}
}

// move gives the ring another size, which holds all that is in it.
func (p *pipe) move(size int) {
	nb := make([]byte, size)
	n := p.n
	p.get(nb[:n])
	p.buf, p.head, p.n = nb, 0, n
}

// room reports whether an atomic write of n bytes fits.
func (p *pipe) room(n int) bool { return p.limit-p.n >= n }

// readSome reads what there is, and waits only for the first byte.
func (p *pipe) readSome(t *Task, b []byte, nonblock bool) (n int, err error) {
	if len(b) == 0 {
		return 0, nil
	}
	try := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.n > 0 {
			n = p.get(b)
			return true
		}
		return p.writers == 0
	}
	if nonblock {
		if !try() {
			return 0, linux.EAGAIN
		}
	} else if err = t.await(&p.q, forever, try); err != nil {
		return 0, err
	}
	if n > 0 {
		p.q.wakeBits(pollOut)
	}
	return n, nil
}

// write writes all of b. Up to PIPE_BUF bytes go in one piece; of more, a
// non-blocking or interrupted write tells how much went.
func (p *pipe) write(t *Task, f *File, b []byte) (int, error) {
	done, broken := 0, false
	try := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.readers == 0 {
			broken = true
			return true
		}
		if len(b) <= linux.PIPE_BUF && !p.room(len(b)) {
			return false
		}
		n := p.put(b[done:])
		done += n
		if n > 0 {
			p.q.wakeBits(pollIn)
		}
		return done == len(b)
	}
	if len(b) == 0 {
		return 0, nil
	}
	var err error
	if f.nonblock() {
		if !try() && done == 0 {
			err = linux.EAGAIN
		}
	} else {
		err = t.await(&p.q, forever, try)
	}
	switch {
	case done > 0:
		return done, nil
	case broken:
		return 0, linux.EPIPE
	}
	return 0, err
}

// setSize is F_SETPIPE_SZ.
func (p *pipe) setSize(t *Task, n int) (int, error) {
	if n < 0 || n > 1<<31-1 {
		return 0, linux.EINVAL
	}
	size := pipePage
	for size < n {
		size *= 2
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if size > p.limit && size > pipeMax && !t.cred.Load().Has(linux.CAP_SYS_RESOURCE) {
		return 0, linux.EPERM
	}
	if size > pipeMost {
		return 0, linux.ENOMEM
	}
	if size < p.n {
		return 0, linux.EBUSY
	}
	p.limit = size
	if len(p.buf) > size {
		p.k.charge(int64(size - len(p.buf)))
		p.move(size)
	}
	p.q.Wake()
	return size, nil
}

// pipeEnd is an open end of a pipe or FIFO.
type pipeEnd struct {
	p          *pipe
	rd, wr     bool
	seenWOpens uint64 // wOpens when it was opened: no POLLHUP before a first writer
	fifo       fifoKey
}

func (e *pipeEnd) read(t *Task, f *File, p []byte) (int, error) {
	return e.p.readSome(t, p, f.nonblock())
}
func (e *pipeEnd) write(t *Task, f *File, p []byte) (int, error) { return e.p.write(t, f, p) }

func (e *pipeEnd) ready(*File) uint32 {
	p := e.p
	p.mu.Lock()
	defer p.mu.Unlock()
	var m uint32
	if e.rd {
		if p.n > 0 {
			m |= pollIn
		}
		if p.writers == 0 && p.wOpens != e.seenWOpens {
			m |= linux.POLLHUP
		}
	}
	if e.wr {
		if p.room(linux.PIPE_BUF) {
			m |= pollOut
		}
		if p.readers == 0 {
			m |= linux.POLLERR
		}
	}
	return m
}

func (e *pipeEnd) watch(_ *File, w *waker) func() {
	en := &entry{}
	e.p.q.add(en, w)
	return func() { e.p.q.remove(en) }
}

func (e *pipeEnd) attr(f *File, a *vfs.Attr) error {
	if f.loc.Mount != nil {
		return f.loc.Getattr(a)
	}
	if err := f.anonAttr(a, linux.S_IFIFO|0o600); err != nil {
		return err
	}
	a.Ino = e.p.ino
	return nil
}

func (e *pipeEnd) release(f *File) {
	p := e.p
	p.mu.Lock()
	if e.rd {
		p.readers--
	}
	if e.wr {
		p.writers--
	}
	if p.readers == 0 && p.writers == 0 {
		p.k.charge(-int64(max(len(p.buf)-pipePage, 0)))
		p.buf, p.head, p.n = nil, 0, 0
	}
	p.mu.Unlock()
	p.q.Wake()
	if f.loc.Mount != nil {
		f.k.fifoDone(e.fifo, p)
		f.k.notifyClose(f)
	}
}

// Pipe is pipe2(2): flags may have O_CLOEXEC, O_NONBLOCK and O_DIRECT, which is
// kept but makes no packets.
func (t *Task) Pipe(flags int) (r, w int, err error) {
	if flags&^(linux.O_CLOEXEC|linux.O_NONBLOCK|linux.O_DIRECT) != 0 {
		return -1, -1, linux.EINVAL
	}
	if err := t.enter(); err != nil {
		return -1, -1, err
	}
	rf, wf, err := t.k.pipeFiles(flags)
	if err != nil {
		return -1, -1, err
	}
	cloexec := flags&linux.O_CLOEXEC != 0
	if r, err = t.install(rf, 0, cloexec); err != nil {
		wf.decref(t)
		return -1, -1, err
	}
	if w, err = t.install(wf, 0, cloexec); err != nil {
		_ = t.Close(r)
		return -1, -1, err
	}
	return r, w, nil
}

// pipeFiles makes the two descriptions of a new pipe.
func (k *Kernel) pipeFiles(flags int) (r, w *File, err error) {
	p := k.newPipe()
	p.readers, p.writers, p.rOpens, p.wOpens = 1, 1, 1, 1
	flags &= linux.O_NONBLOCK | linux.O_DIRECT
	re := &pipeEnd{p: p, rd: true}
	if r, err = k.newFile(re, linux.O_RDONLY|flags); err != nil {
		return nil, nil, err
	}
	if w, err = k.newFile(&pipeEnd{p: p, wr: true}, linux.O_WRONLY|flags); err != nil {
		r.decref(nil)
		return nil, nil, err
	}
	r.name, w.name = bracket("pipe", p.ino), bracket("pipe", p.ino)
	r.ino, w.ino = p.ino, p.ino
	return r, w, nil
}

// PipeSize is F_GETPIPE_SZ.
func (t *Task) PipeSize(fd int) (int, error) {
	p, done, err := t.pipeOf(fd)
	if err != nil {
		return 0, err
	}
	defer done()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.limit, nil
}

// SetPipeSize is F_SETPIPE_SZ; it returns the size that it became.
func (t *Task) SetPipeSize(fd, n int) (int, error) {
	p, done, err := t.pipeOf(fd)
	if err != nil {
		return 0, err
	}
	defer done()
	return p.setSize(t, n)
}

func (t *Task) pipeOf(fd int) (*pipe, func(), error) {
	f, err := t.files.get(fd)
	if err != nil {
		return nil, nil, err
	}
	e, ok := f.ops.(*pipeEnd)
	if !ok {
		f.decref(t)
		return nil, nil, linux.EBADF
	}
	return e.p, func() { f.decref(t) }, nil
}
