package kernel

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/dev"
)

// SpliceEnd is a file that bytes are moved from or to, at its own offset or at one
// that is given.
type SpliceEnd struct {
	FD int
	// Load reads the offset; nil is the file's own.
	Load func() (int64, error)
	// Off is the offset afterwards.
	Off int64

	f   *File
	own bool
}

// open starts a call on the file.
func (e *SpliceEnd) open(t *Task) (err error) {
	if e.f, err = t.file(e.FD); err == nil && e.f.flags.Load()&linux.O_PATH != 0 {
		e.f.decref(t)
		err = linux.EBADF
	}
	return err
}

// offset finds where the bytes are in a file with offsets; 0 in others.
func (e *SpliceEnd) offset() error {
	_, has := e.f.ops.(positioned)
	if e.Load != nil {
		off, err := e.Load()
		if err != nil {
			return err
		}
		e.Off = off
		return nil
	}
	if e.own = has; has {
		e.f.pos.Lock()
		e.Off = e.f.off
		e.f.pos.Unlock()
	}
	return nil
}

// close ends the call, and moves the file's own offset.
func (e *SpliceEnd) close(t *Task) {
	if e.own {
		e.f.pos.Lock()
		e.f.off = e.Off
		e.f.pos.Unlock()
	}
	e.f.decref(t)
}

// seekable reports whether the file has offsets.
func (e *SpliceEnd) seekable() bool {
	if d, ok := e.f.ops.(*device); ok {
		return d.end() == nil
	}
	_, ok := e.f.ops.(positioned)
	return ok
}

// read and write move bytes at the offset.
func (e *SpliceEnd) read(t *Task, b []byte) (n int, err error) {
	if p, ok := e.f.ops.(positioned); ok && e.seekable() {
		n, err = p.pread(t, e.f, b, e.Off)
	} else {
		n, err = e.f.ops.read(t, e.f, b)
	}
	if n > 0 {
		e.Off += int64(n)
		t.k.notify(e.f, linux.IN_ACCESS)
	}
	return n, err
}

func (e *SpliceEnd) write(t *Task, b []byte) (n int, err error) {
	if p, ok := e.f.ops.(positioned); ok && e.seekable() {
		n, err = p.pwrite(t, e.f, b, e.Off)
	} else {
		n, err = e.f.ops.write(t, e.f, b)
	}
	if err == linux.EPIPE {
		t.brokenPipe(e.f)
	}
	e.Off += int64(max(n, 0))
	return n, err
}

// splices reports whether files of a kind can be an end of splice(2). Nothing can be
// had of /dev/null.
func (f *File) splices(read bool) bool {
	switch o := f.ops.(type) {
	case *regular, *sock, *pipeEnd, *hostIn, *hostOut:
		return true
	case *device:
		_, null := o.d.(dev.Null)
		return !read || !null
	}
	return false
}

// conduit is a pipe as splice(2) sees it.
type conduit interface {
	// drain takes what there is, and waits for the first byte; 0 and nil when no
	// writer is left.
	drain(t *Task, b []byte, nonblock bool) (int, error)
	// unread puts what drain took back.
	unread(b []byte)
	// vacancy waits for room and tells how much there is.
	vacancy(t *Task, nonblock bool) (int, error)
	// fill writes into the room.
	fill(t *Task, b []byte) (int, error)
}

// conduit returns the pipe that a file is, if it is one.
func (f *File) conduit() conduit {
	switch o := f.ops.(type) {
	case *pipeEnd:
		return o.p
	case *hostIn:
		return hostConduit{f, o, nil}
	case *hostOut:
		return hostConduit{f, nil, o}
	}
	return nil
}

// same reports whether two files are ends of one pipe.
func samePipe(a, b conduit) bool {
	p, ok := a.(*pipe)
	q, ok2 := b.(*pipe)
	return ok && ok2 && p == q
}

// spliceChunk is what is moved at a time.
const spliceChunk = 64 << 10

// Splice is splice(2).
func (t *Task) Splice(in, out *SpliceEnd, n uint64, flags int) (int, error) {
	if n == 0 {
		return 0, nil
	}
	if flags&^linux.SPLICE_F_ALL != 0 {
		return 0, linux.EINVAL
	}
	if err := in.open(t); err != nil {
		return 0, err
	}
	defer in.close(t)
	if err := out.open(t); err != nil {
		return 0, err
	}
	defer out.close(t)
	from, to := in.f.conduit(), out.f.conduit()
	if from != nil && in.Load != nil || to != nil && out.Load != nil {
		return 0, linux.ESPIPE
	}
	if err := out.offset(); err != nil {
		return 0, err
	}
	if err := in.offset(); err != nil {
		return 0, err
	}
	nonblock := flags&linux.SPLICE_F_NONBLOCK != 0
	size := int(min(n, maxRW))
	switch {
	case !in.f.readable() || !out.f.writable():
		return 0, linux.EBADF
	case from != nil && to != nil:
		if samePipe(from, to) {
			return 0, linux.EINVAL
		}
		return t.pipeToPipe(from, to, size, nonblock || in.f.nonblock() || out.f.nonblock())
	case from != nil:
		if out.Load != nil && !out.seekable() || out.f.Flags()&linux.O_APPEND != 0 || out.Off < 0 || !out.f.splices(false) {
			return 0, linux.EINVAL
		}
		return t.pipeToFile(from, out, size, nonblock || in.f.nonblock())
	case to != nil:
		if in.Load != nil && !in.seekable() || in.Off < 0 || !in.f.splices(true) {
			return 0, linux.EINVAL
		}
		return t.fileToPipe(in, to, size, nonblock || out.f.nonblock())
	}
	return 0, linux.EINVAL
}

// pipeToFile moves what is in a pipe, at least a byte.
func (t *Task) pipeToFile(from conduit, out *SpliceEnd, n int, nonblock bool) (done int, err error) {
	b := make([]byte, min(n, spliceChunk))
	for done < n {
		got, err := from.drain(t, b[:min(n-done, len(b))], nonblock || done > 0)
		if err != nil || got == 0 {
			return done, unlessDone(done, err)
		}
		put, err := out.write(t, b[:got])
		put = max(put, 0)
		if put < got {
			from.unread(b[put:got])
		}
		if done += put; err != nil || put < got {
			return done, unlessDone(done, err)
		}
	}
	return done, nil
}

// fileToPipe moves what there is room for.
func (t *Task) fileToPipe(in *SpliceEnd, to conduit, n int, nonblock bool) (done int, err error) {
	room, err := to.vacancy(t, nonblock)
	if err != nil {
		return 0, err
	}
	n = min(n, room)
	b := make([]byte, min(n, spliceChunk))
	_, whole := in.f.ops.(*regular)
	for done < n {
		got, err := in.read(t, b[:min(n-done, len(b))])
		if err != nil || got <= 0 {
			return done, unlessDone(done, err)
		}
		put, err := to.fill(t, b[:got])
		if done += put; err != nil || put < got || !whole {
			return done, unlessDone(done, err)
		}
	}
	return done, nil
}

// pipeToPipe moves what is in one pipe and fits into another.
func (t *Task) pipeToPipe(from, to conduit, n int, nonblock bool) (done int, err error) {
	b := make([]byte, min(n, spliceChunk))
	for done < n {
		// Bytes are waited for before room, and taken when there is room.
		got, err := from.drain(t, b[:1], nonblock || done > 0)
		if err != nil || got == 0 {
			return done, unlessDone(done, err)
		}
		from.unread(b[:got])
		room, err := to.vacancy(t, nonblock || done > 0)
		if err != nil {
			return done, unlessDone(done, err)
		}
		if got, err = from.drain(t, b[:min(n-done, len(b), room)], true); err == linux.EAGAIN {
			continue // somebody else took them
		}
		if err != nil || got == 0 {
			return done, unlessDone(done, err)
		}
		put, err := to.fill(t, b[:got])
		if put < got {
			from.unread(b[max(put, 0):got])
		}
		if done += max(put, 0); err != nil {
			return done, unlessDone(done, err)
		}
	}
	return done, nil
}

// unlessDone leaves an error for the next call when something was moved.
func unlessDone(done int, err error) error {
	if done > 0 {
		return nil
	}
	return err
}

// Tee is tee(2).
func (t *Task) Tee(in, out int, n uint64, flags int) (int, error) {
	if flags&^linux.SPLICE_F_ALL != 0 {
		return 0, linux.EINVAL
	}
	if n == 0 {
		return 0, nil
	}
	a, b := SpliceEnd{FD: in}, SpliceEnd{FD: out}
	if err := a.open(t); err != nil {
		return 0, err
	}
	defer a.close(t)
	if err := b.open(t); err != nil {
		return 0, err
	}
	defer b.close(t)
	if !a.f.readable() || !b.f.writable() {
		return 0, linux.EBADF
	}
	from, ok := a.f.ops.(*pipeEnd)
	to, ok2 := b.f.ops.(*pipeEnd)
	if !ok || !ok2 || from.p == to.p {
		return 0, linux.EINVAL
	}
	nonblock := flags&linux.SPLICE_F_NONBLOCK != 0 || a.f.nonblock() || b.f.nonblock()
	var one [1]byte
	if got, err := from.p.drain(t, one[:], nonblock); err != nil || got == 0 {
		return 0, err
	}
	from.p.unread(one[:])
	room, err := to.p.vacancy(t, nonblock)
	if err != nil {
		return 0, err
	}
	return to.p.fill(t, from.p.peek(int(min(n, uint64(room)))))
}
