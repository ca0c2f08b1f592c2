package sandbox

import (
	"context"
	"io"
	"sync"
)

// inboxBytes is how much is typed ahead of a program that does not read.
const inboxBytes = 64 << 10

// inbox is standard input that callers write: a pipe whose writers can be
// called off.
type inbox struct {
	mu     sync.Mutex
	buf    []byte
	closed bool
	change chan struct{} // closed and replaced at every change
}

func newInbox() *inbox { return &inbox{change: make(chan struct{})} }

func (b *inbox) changedLocked() {
	close(b.change)
	b.change = make(chan struct{})
}

// Read implements io.Reader.
func (b *inbox) Read(p []byte) (int, error) {
	for {
		b.mu.Lock()
		if len(b.buf) > 0 || b.closed || len(p) == 0 {
			n := copy(p, b.buf)
			b.buf = b.buf[n:]
			end := b.closed && n == 0 && len(p) > 0
			b.changedLocked()
			b.mu.Unlock()
			if end {
				return 0, io.EOF
			}
			return n, nil
		}
		wait := b.change
		b.mu.Unlock()
		<-wait
	}
}

// write waits for room until ctx ends; after close the bytes go nowhere.
func (b *inbox) write(ctx context.Context, p []byte) {
	for len(p) > 0 {
		b.mu.Lock()
		if b.closed {
			b.mu.Unlock()
			return
		}
		if n := min(len(p), inboxBytes-len(b.buf)); n > 0 {
			b.buf = append(b.buf, p[:n]...)
			p = p[n:]
			b.changedLocked()
			b.mu.Unlock()
			continue
		}
		wait := b.change
		b.mu.Unlock()
		select {
		case <-wait:
		case <-ctx.Done():
			return
		}
	}
}

// close is the end of the input once what is there is read.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.closed = true
		b.changedLocked()
	}
}
