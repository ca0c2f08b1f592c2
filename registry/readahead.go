package registry

import (
	"context"
	"errors"
	"io"
)

// readAhead reads a source on its own goroutine, a few chunks ahead of its reader, so that two stages of a pipeline
// work at the same time. Its memory is chunks times size.
type readAhead struct {
	ctx  context.Context
	full chan chunk
	free chan []byte
	quit chan struct{}
	done chan struct{}

	onChunk func([]byte) // called by the reader's side with every chunk, in order, before it is delivered
	buf     []byte       // backing array of cur, to be given back
	cur     []byte
	err     error
}

type chunk struct {
	b   []byte
	err error
}

var errClosed = errors.New("read after close")

func newReadAhead(ctx context.Context, src io.Reader, size, chunks int) *readAhead {
	r := &readAhead{
		ctx: ctx, full: make(chan chunk, chunks), free: make(chan []byte, chunks),
		quit: make(chan struct{}), done: make(chan struct{}),
	}
	for range chunks {
		r.free <- make([]byte, size)
	}
	go r.produce(src)
	return r
}

// produce fills chunks until the source ends, fails, or nobody reads any more.
func (r *readAhead) produce(src io.Reader) {
	defer close(r.done)
	for {
		var b []byte
		select {
		case b = <-r.free:
		case <-r.quit:
			return
		}
		n, err := fill(src, b[:cap(b)])
		select {
		case r.full <- chunk{b[:n], err}:
		case <-r.quit:
			return
		}
		if err != nil {
			return
		}
	}
}

// fill reads until b is full or the source ends or fails. Unlike io.ReadFull it reports the source's own error.
func fill(src io.Reader, b []byte) (n int, err error) {
	for idle := 0; n < len(b) && err == nil; {
		var m int
		m, err = src.Read(b[n:])
		n += m
		if m > 0 {
			idle = 0
		} else if idle++; err == nil && idle > 100 {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

// Read implements io.Reader.
func (r *readAhead) Read(p []byte) (int, error) {
	for len(r.cur) == 0 {
		if r.err != nil {
			return 0, r.err
		}
		if r.buf != nil {
			r.free <- r.buf
			r.buf = nil
		}
		select {
		case c := <-r.full:
			r.buf, r.cur, r.err = c.b, c.b, c.err
		case <-r.ctx.Done():
			r.err = r.ctx.Err()
		}
		if r.onChunk != nil && len(r.cur) > 0 {
			r.onChunk(r.cur)
		}
	}
	n := copy(p, r.cur)
	r.cur = r.cur[n:]
	return n, nil
}

// Close ends the goroutine. With wait it returns once that has happened, which needs a source whose read ends when
// the context does; without wait the goroutine ends with the read that it is in, as with a terminal.
func (r *readAhead) Close(wait bool) {
	r.err, r.cur = errClosed, nil
	select {
	case <-r.quit:
	default:
		close(r.quit)
	}
	if wait {
		<-r.done
	}
}
