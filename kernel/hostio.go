package kernel

import (
	"io"
	"sync"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

const (
	hostChunk = 65536 // largest transfer with a host stream
	pollAhead = 4096  // what is read ahead for a poll
)

// hostEnds are the host streams that are open, for Close to let go of.
type hostEnds struct {
	mu sync.Mutex
	m  map[*File]struct{}
}

func (h *hostEnds) add(f *File) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.m == nil {
		h.m = map[*File]struct{}{}
	}
	h.m[f] = struct{}{}
}

func (h *hostEnds) remove(f *File) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.m, f)
}

// closeAll lets go of the streams whose files the host did not close.
func (h *hostEnds) closeAll() {
	h.mu.Lock()
	files := h.m
	h.m = nil
	h.mu.Unlock()
	for f := range files {
		switch e := f.ops.(type) {
		case *hostIn:
			e.stop()
		case *hostOut:
			e.stop()
		}
	}
}

// HostReader makes a file that reads r. A read of n bytes asks r for at most n,
// so that what the guests do not read stays in r for others; only poll(2) reads
// up to 4 KiB ahead, into a buffer that all guests share. An interrupted read
// leaves what arrives later for the next one. The caller owns one reference.
//
// The last close of the file, or Close of the kernel, interrupts a Read of r
// that is under way if r has SetReadDeadline (pipes, sockets and terminals of
// package os and net have); otherwise one goroutine with a buffer of at most
// 64 KiB stays until that Read returns. r is not closed.
func (k *Kernel) HostReader(r io.Reader) *File {
	f, err := k.newFile(&hostIn{r: r}, linux.O_RDONLY)
	if err != nil {
		return k.DevNull()
	}
	f.name = bracket("pipe", f.ino)
	k.ends.add(f)
	return f
}

// HostWriter makes a file that writes to w, in order and at once: a write
// returns when w has taken the bytes. A signal that interrupts a write that w
// holds up counts its bytes as written. The caller owns one reference; w is not
// closed. As for HostReader, only SetWriteDeadline can interrupt w.
func (k *Kernel) HostWriter(w io.Writer) *File {
	f, err := k.newFile(&hostOut{w: w}, linux.O_WRONLY)
	if err != nil {
		return k.DevNull()
	}
	f.name = bracket("pipe", f.ino)
	k.ends.add(f)
	return f
}

// hostIn reads a host stream.
type hostIn struct {
	r io.Reader
	q Queue

	mu      sync.Mutex
	buf     []byte // read and not yet given out
	err     error  // the end: io.EOF or what the stream said
	busy    bool   // a goroutine reads
	stopped bool
}

func (h *hostIn) read(t *Task, f *File, p []byte) (int, error) {
	return h.readSome(t, p, f.nonblock())
}

func (h *hostIn) readSome(t *Task, p []byte, nonblock bool) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	try := func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		if len(h.buf) > 0 {
			n = copy(p, h.buf)
			if h.buf = h.buf[n:]; len(h.buf) == 0 {
				h.buf = nil
			}
			return true
		}
		if h.err != nil {
			if h.err != io.EOF {
				err = linux.ErrnoOf(h.err)
			}
			return true
		}
		h.fillLocked(min(len(p), hostChunk))
		return false
	}
	if nonblock {
		if !try() {
			return 0, linux.EAGAIN
		}
		return n, err
	}
	if werr := t.await(&h.q, forever, try); werr != nil {
		return 0, werr
	}
	return n, err
}

// fillLocked starts reading ahead n bytes, unless that is under way.
func (h *hostIn) fillLocked(n int) {
	if h.busy || h.err != nil {
		return
	}
	h.busy = true
	go func() {
		b := make([]byte, n)
		m, err := readSome(h.r, b)
		h.mu.Lock()
		h.busy = false
		h.buf = append(h.buf, b[:m]...)
		if err != nil && h.err == nil {
			h.err = err
		}
		h.mu.Unlock()
		h.q.Wake()
	}()
}

// readSome reads at least a byte, or gives an error; a reader that does nothing
// for long is an error, and one that panics too.
func readSome(r io.Reader, b []byte) (n int, err error) {
	defer func() {
		if recover() != nil || n < 0 || n > len(b) {
			n, err = 0, linux.EIO
		}
	}()
	for range 100 {
		if n, err = r.Read(b); n != 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

func (h *hostIn) write(*Task, *File, []byte) (int, error) { return 0, linux.EBADF }

// ready reads ahead, for nothing else can tell.
func (h *hostIn) ready(*File) uint32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case len(h.buf) > 0:
		return pollIn
	case h.err == io.EOF:
		return linux.POLLHUP
	case h.err != nil:
		return linux.POLLIN | linux.POLLERR
	}
	h.fillLocked(pollAhead)
	return 0
}

func (h *hostIn) buffered() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.buf)
}

func (h *hostIn) watch(_ *File, w *waker) func() { return watchQueue(&h.q, w) }
func (h *hostIn) attr(f *File, a *vfs.Attr) error {
	return f.anonAttr(a, linux.S_IFIFO|0o600)
}

func (h *hostIn) release(f *File) {
	f.k.ends.remove(f)
	h.stop()
}

// stop drops the buffer and interrupts a read, if the stream can be.
func (h *hostIn) stop() {
	h.mu.Lock()
	h.stopped, h.buf = true, nil
	if h.err == nil {
		h.err = io.EOF
	}
	busy := h.busy
	h.mu.Unlock()
	if d, ok := h.r.(interface{ SetReadDeadline(time.Time) error }); ok && busy {
		if d.SetReadDeadline(time.Unix(1, 0)) == nil {
			h.settle()
			_ = d.SetReadDeadline(time.Time{})
		}
	}
}

// settle waits for the reading goroutine, which a deadline has woken.
func (h *hostIn) settle() {
	w := newWaker()
	defer watchQueue(&h.q, w)()
	for {
		h.mu.Lock()
		busy := h.busy
		h.mu.Unlock()
		if !busy {
			return
		}
		<-w.ch
	}
}

// watchQueue puts w on a queue.
func watchQueue(q *Queue, w *waker) func() {
	e := &entry{}
	q.add(e, w)
	return func() { q.remove(e) }
}

// hostOut writes to a host stream.
type hostOut struct {
	w io.Writer
	q Queue

	mu   sync.Mutex
	busy bool  // a goroutine writes
	n    int   // what it wrote
	err  error // and how that ended
	dead error // an earlier error that nobody was told of
}

func (h *hostOut) read(*Task, *File, []byte) (int, error) { return 0, linux.EBADF }

func (h *hostOut) write(t *Task, f *File, p []byte) (int, error) {
	done := 0
	for first := true; first || done < len(p); first = false {
		chunk := p[done:min(len(p), done+hostChunk)]
		n, err := h.one(t, f, chunk)
		done += n
		if err != nil && done == 0 {
			return 0, err
		}
		if err != nil || n < len(chunk) {
			break
		}
	}
	return done, nil
}

// one hands one piece to the stream.
func (h *hostOut) one(t *Task, f *File, p []byte) (int, error) {
	var err error
	begin := func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.busy {
			return false
		}
		if err = h.dead; err != nil {
			h.dead = nil
			return true
		}
		h.startLocked(append([]byte(nil), p...))
		return true
	}
	if f.nonblock() {
		if !begin() {
			return 0, linux.EAGAIN
		}
	} else if werr := t.await(&h.q, forever, begin); werr != nil {
		return 0, werr
	}
	if err != nil {
		return 0, err
	}
	return h.finish(t, len(p))
}

// startLocked writes on a goroutine.
func (h *hostOut) startLocked(b []byte) {
	h.busy = true
	go func() {
		n, err := writeAll(h.w, b)
		h.mu.Lock()
		h.n, h.err, h.busy = n, err, false
		h.mu.Unlock()
		h.q.Wake()
	}()
}

func writeAll(w io.Writer, b []byte) (n int, err error) {
	defer func() {
		if recover() != nil {
			n, err = 0, linux.EIO
		}
	}()
	n, err = w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return min(max(n, 0), len(b)), err
}

// finish waits for the write. When a signal comes first, the bytes count as
// written: they are on their way.
func (h *hostOut) finish(t *Task, n int) (int, error) {
	var err error
	done := 0
	end := func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.busy {
			return false
		}
		done = h.n
		if h.err != nil {
			err = linux.ErrnoOf(h.err)
		}
		h.err = nil
		return true
	}
	if werr := t.await(&h.q, forever, end); werr != nil {
		return n, nil
	}
	return done, err
}

func (h *hostOut) ready(*File) uint32 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.busy {
		return 0
	}
	return pollOut
}

func (h *hostOut) watch(_ *File, w *waker) func() { return watchQueue(&h.q, w) }
func (h *hostOut) attr(f *File, a *vfs.Attr) error {
	return f.anonAttr(a, linux.S_IFIFO|0o600)
}

func (h *hostOut) release(f *File) {
	f.k.ends.remove(f)
	h.stop()
}

// stop interrupts a write, if the stream can be.
func (h *hostOut) stop() {
	h.mu.Lock()
	busy := h.busy
	h.mu.Unlock()
	if d, ok := h.w.(interface{ SetWriteDeadline(time.Time) error }); ok && busy {
		_ = d.SetWriteDeadline(time.Unix(1, 0))
	}
}
