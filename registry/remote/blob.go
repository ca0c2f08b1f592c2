package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sbxrun/sbx/registry"
)

// blob reads a blob of known size and goes on where it was when the connection breaks.
type blob struct {
	c    *Client
	ctx  context.Context
	ep   *endpoint
	rq   request
	off  int64 // what comes next
	size int64

	body   io.ReadCloser
	cancel context.CancelFunc
	timer  *time.Timer
	stuck  *atomic.Bool
	fails  int // since the last byte
	closed bool
}

// open starts or goes on with the download.
func (b *blob) open() error {
	return b.c.backoff.run(b.ctx, b.attempt)
}

// attempt makes one request for the rest.
func (b *blob) attempt() error {
	ctx, cancel := context.WithCancel(b.ctx)
	rq := b.rq
	if b.off > 0 {
		rq.header = http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", b.off, b.size-1)}}
	}
	res, err := b.c.try(ctx, b.ep, rq)
	if err != nil {
		cancel()
		return err
	}
	if err := b.check(res); err != nil {
		res.Body.Close()
		cancel()
		return err
	}
	b.body, b.cancel, b.stuck = res.Body, cancel, new(atomic.Bool)
	stuck := b.stuck
	b.timer = time.AfterFunc(b.c.stall, func() { stuck.Store(true); cancel() })
	if b.off > 0 && res.StatusCode == http.StatusOK {
		return b.skip()
	}
	return nil
}

// check compares what the registry is about to send with what the manifest declares.
func (b *blob) check(res *http.Response) error {
	total := int64(-1)
	switch {
	case res.StatusCode == http.StatusPartialContent:
		start, whole, ok := contentRange(res.Header.Get("Content-Range"))
		if !ok || start != b.off {
			return registry.Errorf(registry.ErrUnavailable, "%s sent another part of %s than asked for: try again later", b.ep.host, b.rq.what)
		}
		total = whole
	case res.ContentLength >= 0:
		total = res.ContentLength
	}
	if total >= 0 && total != b.size {
		return registry.Errorf(registry.ErrCorrupt, "%s has %d bytes in %s, but the manifest declares %d: refused", b.rq.what, total, b.ep.host, b.size)
	}
	return nil
}

// contentRange parses "bytes 5-9/10"; whole is -1 for "*".
func contentRange(s string) (start, whole int64, ok bool) {
	s, ok = strings.CutPrefix(s, "bytes ")
	from, rest, ok1 := strings.Cut(s, "-")
	_, all, ok2 := strings.Cut(rest, "/")
	start, err := strconv.ParseInt(from, 10, 64)
	if !ok || !ok1 || !ok2 || err != nil || start < 0 {
		return 0, 0, false
	}
	if all == "*" {
		return start, -1, true
	}
	whole, err = strconv.ParseInt(all, 10, 64)
	return start, whole, err == nil
}

// skip reads over what we have, from a registry that does not know ranges.
func (b *blob) skip() error {
	buf := make([]byte, 64<<10)
	for left := b.off; left > 0; {
		n, err := b.body.Read(buf[:min(left, int64(len(buf)))])
		b.timer.Reset(b.c.stall)
		if left -= int64(n); err != nil && left > 0 {
			b.hangUp()
			return networkError(b.ep.host, err)
		}
	}
	return nil
}

// Read implements io.Reader. At most one byte more than the blob's size is ever delivered.
func (b *blob) Read(p []byte) (int, error) {
	for {
		if b.closed {
			return 0, errors.New("read from a closed blob")
		}
		if b.body == nil {
			if err := b.open(); err != nil {
				return 0, err
			}
		}
		p = p[:min(int64(len(p)), b.size-b.off+1)]
		n, err := b.body.Read(p)
		b.timer.Reset(b.c.stall)
		if b.off += int64(n); n > 0 {
			b.fails = 0
		}
		if err == nil || (err == io.EOF && b.off >= b.size) {
			return n, err
		}
		if err := b.broken(err); err != nil {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

// broken decides whether to go on after the connection broke.
func (b *blob) broken(err error) error {
	stuck := b.stuck.Load()
	b.hangUp()
	if cerr := b.ctx.Err(); cerr != nil {
		return cerr
	}
	if stuck {
		err = fmt.Errorf("nothing came for %v", b.c.stall)
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	b.fails++
	lost := networkError(b.ep.host, err)
	wait, again := b.c.backoff.next(lost, b.fails)
	if !again {
		return lost
	}
	return sleep(b.ctx, wait)
}

// hangUp ends the current connection.
func (b *blob) hangUp() {
	if b.body == nil {
		return
	}
	b.timer.Stop()
	b.cancel()
	b.body.Close()
	b.body = nil
}

// Close implements io.Closer.
func (b *blob) Close() error {
	b.hangUp()
	b.closed = true
	return nil
}
