package registry

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"

	"github.com/klauspost/compress/gzip"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/sbxrun/sbx/vfs"
)

// layer is a layer that is in the store, blob, contents and table of contents.
type layer struct {
	desc    ocispec.Descriptor
	diffID  Digest
	entries []vfs.LayerEntry // nil when they have not been read
	existed bool
}

// fetchFunc opens a blob at an offset.
type fetchFunc func(ctx context.Context, offset int64) (io.ReadCloser, error)

// ingest makes sure that the layer desc, whose uncompressed digest must be diffID, is in the store, and fetches what
// is missing. Only one process fetches a layer; the others wait and find it. A download that was cut off, even by the
// end of the process, goes on where it stopped.
func (s *Store) ingest(ctx context.Context, desc ocispec.Descriptor, diffID Digest, b *budget, fetch fetchFunc, progress func(int64)) (layer, error) {
	l, err := s.lockDigest(ctx, hexOf(desc.Digest))
	if err != nil {
		return layer{}, err
	}
	defer l.Unlock()
	out := layer{desc: desc, diffID: diffID}
	haveBlob := s.hasBlob(desc)
	if haveBlob && s.hasContent(diffID) {
		out.existed = true
		return out, nil
	}
	var u *unpacked
	if haveBlob {
		u, err = s.unpackBlob(ctx, desc, diffID, b)
		if errors.Is(err, ErrCorrupt) && fetch != nil {
			// The stored blob itself is damaged. No other file may have its name, so it has to go first.
			if err = os.Remove(s.blobPath(desc.Digest)); err == nil {
				haveBlob = false
			}
		}
	}
	if err == nil && !haveBlob {
		if fetch == nil {
			return out, Errorf(ErrNotFound, "layer %s is missing from the image store: pull the image again", desc.Digest)
		}
		u, err = s.download(ctx, desc, diffID, b, fetch, progress)
	}
	if err != nil {
		return out, err
	}
	out.entries = u.entries
	return out, s.publishContent(u)
}

// hasBlob tells whether a blob of the right size has been published.
func (s *Store) hasBlob(desc ocispec.Descriptor) bool {
	fi, err := os.Lstat(s.blobPath(desc.Digest))
	return err == nil && fi.Mode().IsRegular() && fi.Size() == desc.Size
}

// hasContent tells whether a layer has been unpacked.
func (s *Store) hasContent(diffID Digest) bool {
	return exists(s.contentPath(diffID)) && exists(s.tocPath(diffID))
}

// unpackBlob unpacks a stored blob again.
func (s *Store) unpackBlob(ctx context.Context, desc ocispec.Descriptor, diffID Digest, b *budget) (*unpacked, error) {
	f, err := os.Open(s.blobPath(desc.Digest))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	tee := &wireTee{r: f, max: desc.Size}
	return s.unpackVerified(ctx, tee, desc, diffID, b, func() {})
}

// download fetches, verifies, unpacks and publishes a blob. When what an earlier attempt left turns out to be wrong,
// it starts again from nothing, once.
func (s *Store) download(ctx context.Context, desc ocispec.Descriptor, diffID Digest, b *budget, fetch fetchFunc, progress func(int64)) (*unpacked, error) {
	u, resumed, err := s.downloadOnce(ctx, desc, diffID, b, fetch, progress)
	if resumed && errors.Is(err, ErrCorrupt) && ctx.Err() == nil {
		u, _, err = s.downloadOnce(ctx, desc, diffID, b, fetch, progress)
	}
	return u, err
}

// downloadOnce goes on with the part of the blob that is in v1/tmp, if there is one.
func (s *Store) downloadOnce(ctx context.Context, desc ocispec.Descriptor, diffID Digest, b *budget, fetch fetchFunc, progress func(int64)) (u *unpacked, resumed bool, err error) {
	part, have, err := s.openPart(desc)
	if err != nil {
		return nil, false, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	src := &lazyTail{head: io.NewSectionReader(part, 0, have), open: func() (io.ReadCloser, error) {
		if have == desc.Size {
			return io.NopCloser(eofReader{}), nil
		}
		return fetch(ctx, have)
	}}
	defer src.Close()
	tee := &wireTee{r: src, w: part, skip: have, max: desc.Size, progress: progress}
	u, err = s.unpackVerified(ctx, tee, desc, diffID, b, cancel)
	src.Close()
	switch {
	case err == nil:
		if err = s.publish(part, s.blobPath(desc.Digest)); err != nil {
			u.discard()
			return nil, false, err
		}
	case errors.Is(err, ErrCorrupt), errors.Is(err, ErrTooLarge), errors.Is(err, ErrUnsupported):
		discard(part)
	default:
		part.Close() // kept: the next attempt goes on with it
	}
	return u, have > 0, err
}

// openPart opens the unfinished download of a blob, positioned at its end. The caller holds the digest's lock.
func (s *Store) openPart(desc ocispec.Descriptor) (*os.File, int64, error) {
	f, err := os.OpenFile(s.path("v1", "tmp", "part-"+hexOf(desc.Digest)), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, diskError(s.home, err)
	}
	have, err := f.Seek(0, io.SeekEnd)
	if err == nil && have > desc.Size {
		have = 0
		if err = f.Truncate(0); err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
	}
	if err != nil {
		f.Close()
		return nil, 0, diskError(s.home, err)
	}
	return f, have, nil
}

// unpackVerified unpacks what tee delivers and checks size, digest and diffID.
func (s *Store) unpackVerified(ctx context.Context, tee *wireTee, desc ocispec.Descriptor, diffID Digest, b *budget, abort func()) (*unpacked, error) {
	h := sha256.New()
	tee.hash = h
	u, err := s.unpack(ctx, tee, b, abort)
	if err != nil {
		return nil, err
	}
	switch got := digestSum(h.Sum(nil)); {
	case tee.n.Load() != desc.Size:
		err = corrupt("layer %s has %d bytes instead of %d: the registry or the network damaged it, pull again", desc.Digest, tee.n.Load(), desc.Size)
	case got != desc.Digest:
		err = corrupt("layer %s arrived as %s: the registry or the network damaged it, pull again", desc.Digest, got)
	case diffID != "" && u.diffID != diffID:
		err = corrupt("layer %s unpacks to %s, but the image configuration says %s: refused", desc.Digest, u.diffID, diffID)
	}
	if err != nil {
		b.refund(u.scan, u.rawSize)
		u.discard()
		return nil, err
	}
	return u, nil
}

// ingestStream stores a layer of which nothing is known beforehand. With compress, a stream that is not compressed
// is stored as gzip.
func (s *Store) ingestStream(ctx context.Context, r io.Reader, compress bool, b *budget, progress func(int64)) (layer, error) {
	blob, err := s.createTemp("blob")
	if err != nil {
		return layer{}, err
	}
	sum := &countHash{h: sha256.New(), w: blob}
	tee := &wireTee{r: r, hash: sum, max: -1, progress: progress}
	var z *gzip.Writer
	if compress {
		z, _ = gzip.NewWriterLevel(sum, gzip.BestSpeed)
		tee.hash = z
	}
	u, err := s.unpack(ctx, tee, b, nil)
	if err == nil && z != nil {
		err = z.Close()
	}
	if err == nil {
		err = sum.err
	}
	if err != nil {
		u.discard()
		discard(blob)
		return layer{}, diskError(s.home, err)
	}
	kind := u.compression
	if compress {
		kind = gzipped
	}
	out := layer{diffID: u.diffID, entries: u.entries}
	if b.outer { // an archive may hold many images: entries are read again when they are needed
		defer b.refundMemory(u.scan)
		out.entries = nil
	}
	out.desc = ocispec.Descriptor{MediaType: layerType(kind), Digest: digestSum(sum.h.Sum(nil)), Size: sum.n}
	return out, together(
		func() error { return s.publish(blob, s.blobPath(out.desc.Digest)) },
		func() error { return s.publishContent(u) },
	)
}

// layerType is the OCI media type of a compression.
func layerType(c compression) string {
	switch c {
	case gzipped:
		return ocispec.MediaTypeImageLayerGzip
	case zstandard:
		return ocispec.MediaTypeImageLayerZstd
	}
	return ocispec.MediaTypeImageLayer
}

// countHash writes to a file and hashes. It remembers the first error, for writers that are not asked.
type countHash struct {
	h interface {
		io.Writer
		Sum([]byte) []byte
	}
	w   io.Writer
	n   int64
	err error
}

func (c *countHash) Write(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	c.h.Write(p)
	n, err := c.w.Write(p)
	c.n += int64(n)
	c.err = err
	return n, err
}

// lazyTail reads head, then what open returns.
type lazyTail struct {
	head io.Reader
	open func() (io.ReadCloser, error)
	tail io.ReadCloser
}

func (l *lazyTail) Read(p []byte) (int, error) {
	if l.head != nil {
		n, err := l.head.Read(p)
		if err != io.EOF {
			return n, err
		}
		l.head = nil
		if n > 0 {
			return n, nil
		}
	}
	if l.tail == nil {
		t, err := l.open()
		if err != nil {
			return 0, err
		}
		l.tail = t
	}
	return l.tail.Read(p)
}

// Close ends the tail.
func (l *lazyTail) Close() error {
	if l.tail == nil {
		return nil
	}
	return l.tail.Close()
}

type eofReader struct{}

func (eofReader) Read([]byte) (int, error) { return 0, io.EOF }
