package registry

import (
	"bufio"
	"context"
	"crypto/sha256"
	"io"
	"os"
	"sync/atomic"

	"github.com/sbxrun/sbx/vfs"
)

const (
	wireChunk, wireChunks = 128 << 10, 4
	tarChunk, tarChunks   = 256 << 10, 4
)

// unpacked is a layer whose stream has been read to its end. Its content file is still in v1/tmp.
type unpacked struct {
	content     *os.File
	entries     []vfs.LayerEntry
	diffID      Digest
	size        int64 // sum of file sizes
	rawSize     int64 // uncompressed tar
	compression compression
	scan        *layerScanner // what it cost
}

// discard removes the content file of a layer that is not to be published.
func (u *unpacked) discard() {
	if u != nil && u.content != nil {
		discard(u.content)
		u.content = nil
	}
}

// unpack reads one layer in three stages that run at the same time: wire (which hashes and stores what it passes on),
// decompression, and hashing and writing of the files. Memory does not depend on the layer's size. abort ends a read
// of wire that is waiting; nil when nothing can, as with a terminal.
func (s *Store) unpack(ctx context.Context, wire *wireTee, b *budget, abort func()) (*unpacked, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wire.budget = b
	in := newReadAhead(ctx, wire, wireChunk, wireChunks)
	u, err := s.unpackWire(ctx, cancel, in, b)
	if err != nil {
		cancel()
		if abort != nil {
			abort()
		}
	}
	in.Close(abort != nil || err == nil)
	return u, err
}

// unpackWire is the second stage of unpack.
func (s *Store) unpackWire(ctx context.Context, cancel func(), in io.Reader, b *budget) (u *unpacked, err error) {
	br := bufio.NewReaderSize(in, 64<<10)
	kind, err := sniff(br)
	if err != nil {
		return nil, err
	}
	plain, err := decompress(br, kind, s.limits.WindowBytes)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	u = &unpacked{compression: kind}
	if u.content, err = s.createTemp("content"); err != nil {
		return nil, err
	}
	err = s.unpackTar(ctx, cancel, u, plain, b)
	if err == nil {
		_, err = io.Copy(io.Discard, br)
	}
	if err != nil {
		u.discard()
		return nil, diskError(s.home, err)
	}
	return u, nil
}

// unpackTar is the last stage of unpack.
func (s *Store) unpackTar(ctx context.Context, cancel func(), u *unpacked, plain io.Reader, b *budget) (err error) {
	h := sha256.New()
	var raw int64
	var tarIn *readAhead
	if u.compression == uncompressed {
		tarIn = newReadAhead(ctx, plain, tarChunk, 1)
	} else {
		tarIn = newReadAhead(ctx, plain, tarChunk, tarChunks)
	}
	sc := &layerScanner{lim: s.limits, budget: b, content: newContentWriter(u.content)}
	defer func() {
		if err != nil {
			cancel()
			b.refund(sc, raw)
		}
		tarIn.Close(true)
	}()
	tarIn.onChunk = func(p []byte) { h.Write(p); raw += int64(len(p)); b.spent.raw.Add(int64(len(p))) }
	capped := &cappedReader{r: tarIn, n: &raw, budget: b}
	if err := sc.scan(ctx, bufio.NewReaderSize(capped, 64<<10)); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, capped); err != nil {
		return err
	}
	if err := sc.content.finish(u.content); err != nil {
		return err
	}
	u.entries, u.size, u.rawSize, u.diffID, u.scan = sc.entries, sc.size, raw, digestSum(h.Sum(nil)), sc
	return nil
}

// publishContent publishes the content file and the table of contents of a layer.
func (s *Store) publishContent(u *unpacked) error {
	f := u.content
	u.content = nil
	return together(
		func() error { return s.publish(f, s.contentPath(u.diffID)) },
		func() error { return s.writeTOC(u.diffID, u.entries, u.size) },
	)
}

// wireTee passes a blob on, hashes it and stores it. The first skip bytes are in the file already.
type wireTee struct {
	r        io.Reader
	w        io.Writer // nil: the blob is not kept
	hash     io.Writer
	skip     int64
	n        atomic.Int64
	max      int64 // more bytes than this are an error; negative: unknown
	progress func(n int64)
	budget   *budget
}

func (t *wireTee) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	b := p[:n]
	if total := t.n.Add(int64(n)); t.max >= 0 && total > t.max {
		return 0, corrupt("the blob is longer than the %d bytes that its manifest declares: refused", t.max)
	}
	if !t.budget.outer {
		t.budget.wire.Add(int64(n))
	}
	t.hash.Write(b)
	if t.skip > 0 {
		k := min(t.skip, int64(len(b)))
		b, t.skip = b[k:], t.skip-k
	}
	if t.w != nil && len(b) > 0 {
		if _, werr := t.w.Write(b); werr != nil {
			return 0, werr
		}
	}
	if t.progress != nil && n > 0 {
		t.progress(t.n.Load())
	}
	return n, err
}
