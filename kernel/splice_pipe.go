package kernel

import "github.com/sbxrun/sbx/abi/linux"

// drain implements conduit.
func (p *pipe) drain(t *Task, b []byte, nonblock bool) (n int, err error) {
	return p.readSome(t, b, nonblock)
}

// unread implements conduit: the bytes are the next ones again, whatever was written
// meanwhile.
func (p *pipe) unread(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.grow(p.n + len(b))
	if p.head -= len(b); p.head < 0 {
		p.head += len(p.buf)
	}
	first := copy(p.buf[p.head:], b)
	copy(p.buf, b[first:])
	p.n += len(b)
	p.q.wakeBits(pollIn)
}

// grow makes the ring hold n bytes, over its limit if need be.
func (p *pipe) grow(n int) {
	size := max(len(p.buf), pipePage)
	for size < n {
		size *= 2
	}
	if size > len(p.buf) {
		p.k.memory.Add(int64(size - max(len(p.buf), pipePage)))
		p.move(size)
	}
}

// vacancy implements conduit. EPIPE, and SIGPIPE, without a reader.
func (p *pipe) vacancy(t *Task, nonblock bool) (room int, err error) {
	try := func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.readers == 0 {
			err = linux.EPIPE
			return true
		}
		room = p.limit - p.n
		return room > 0
	}
	if nonblock {
		if !try() {
			return 0, linux.EAGAIN
		}
	} else if werr := t.await(&p.q, forever, try); werr != nil {
		return 0, werr
	}
	if err != nil {
		t.raise(linux.SIGPIPE)
	}
	return room, err
}

// fill implements conduit. Others may have filled the room meanwhile: what was taken
// for it goes in nevertheless.
func (p *pipe) fill(_ *Task, b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.grow(p.n + len(b))
	tail := (p.head + p.n) % len(p.buf)
	first := copy(p.buf[tail:], b)
	copy(p.buf, b[first:])
	p.n += len(b)
	p.q.wakeBits(pollIn)
	return len(b), nil
}

// peek returns a copy of the first n bytes, or fewer.
func (p *pipe) peek(n int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := make([]byte, min(n, p.n))
	first := copy(b, p.buf[p.head:])
	copy(b[first:], p.buf)
	return b
}

// WritePipe is vmsplice(2) of bytes: what fits. ReadPipe is the other direction. EBADF
// for what is no pipe.
func (t *Task) WritePipe(fd int, flags int, b []byte) (int, error) {
	e := SpliceEnd{FD: fd}
	if err := e.open(t); err != nil {
		return 0, err
	}
	defer e.close(t)
	to := e.f.conduit()
	if to == nil || !e.f.writable() {
		return 0, linux.EBADF
	}
	if len(b) == 0 {
		return 0, nil
	}
	room, err := to.vacancy(t, flags&linux.SPLICE_F_NONBLOCK != 0)
	if err != nil {
		return 0, err
	}
	return to.fill(t, b[:min(len(b), room)])
}

// ReadPipe reads at least a byte into b, unless no writer is left.
func (t *Task) ReadPipe(fd int, flags int, b []byte) (int, error) {
	e := SpliceEnd{FD: fd}
	if err := e.open(t); err != nil {
		return 0, err
	}
	defer e.close(t)
	from := e.f.conduit()
	if from == nil || !e.f.readable() {
		return 0, linux.EBADF
	}
	return from.drain(t, b, flags&linux.SPLICE_F_NONBLOCK != 0)
}

// hostConduit is a stream of the host's, which guests take for a pipe.
type hostConduit struct {
	f   *File
	in  *hostIn
	out *hostOut
}

func (h hostConduit) drain(t *Task, b []byte, nonblock bool) (int, error) {
	if h.in == nil {
		return 0, linux.EBADF
	}
	return h.in.readSome(t, b, nonblock)
}

func (h hostConduit) unread(b []byte) {
	h.in.mu.Lock()
	defer h.in.mu.Unlock()
	h.in.buf = append(append([]byte(nil), b...), h.in.buf...)
	h.in.q.Wake()
}

func (h hostConduit) vacancy(*Task, bool) (int, error) {
	if h.out == nil {
		return 0, linux.EBADF
	}
	return hostChunk, nil
}

func (h hostConduit) fill(t *Task, b []byte) (int, error) {
	n, err := h.out.write(t, h.f, b)
	if err == linux.EPIPE {
		t.brokenPipe(h.f)
	}
	return n, err
}
