package registry

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/sbxrun/sbx/registry/gunzip"
	"github.com/sbxrun/sbx/registry/unxz"
)

// compression of a stream, found by its first bytes: media types of real images are not always right about it.
type compression string

const (
	uncompressed compression = ""
	gzipped      compression = "gzip"
	zstandard    compression = "zstd"
	bzipped      compression = "bzip2"
	xzed         compression = "xz"
)

var (
	magicGzip  = []byte{0x1f, 0x8b}
	magicZstd  = []byte{0x28, 0xb5, 0x2f, 0xfd}
	magicXZ    = []byte{0xfd, '7', 'z', 'X', 'Z', 0}
	magicBzip2 = []byte{'B', 'Z', 'h'}
)

// maxXZWindow is the dictionary of `xz -9`.
const maxXZWindow = 64 << 20

// sniff tells the compression of the stream at br without consuming it.
func sniff(br *bufio.Reader) (compression, error) {
	head, err := br.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	switch {
	case bytes.HasPrefix(head, magicGzip):
		return gzipped, nil
	case bytes.HasPrefix(head, magicZstd), len(head) >= 4 && head[0]&0xf0 == 0x50 && bytes.Equal(head[1:4], []byte{0x2a, 0x4d, 0x18}):
		return zstandard, nil
	case bytes.HasPrefix(head, magicXZ):
		return xzed, nil
	case len(head) == 6 && bytes.HasPrefix(head, magicBzip2) && head[3] >= '1' && head[3] <= '9':
		return bzipped, nil
	}
	return uncompressed, nil
}

// decompress returns the uncompressed stream of br. Memory is bounded by window for zstd, by that and maxXZWindow for xz. Errors of the compressed
// data wrap ErrCorrupt.
func decompress(br *bufio.Reader, c compression, window uint64) (io.ReadCloser, error) {
	switch c {
	case gzipped:
		return &blamer{r: gunzip.NewReader(br), close: func() error { return nil }}, nil
	case zstandard:
		z, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(window))
		if err != nil {
			return nil, badStream(err)
		}
		return &blamer{r: z, close: func() error { z.Close(); return nil }}, nil
	case bzipped:
		return &blamer{r: bzip2.NewReader(br), close: func() error { return nil }}, nil
	case xzed:
		return &blamer{r: unxz.NewReader(br, int64(min(window, maxXZWindow))), close: func() error { return nil }}, nil
	}
	return io.NopCloser(br), nil
}

// blamer turns errors of a decompressor into ErrCorrupt.
type blamer struct {
	r     io.Reader
	close func() error
}

func (b *blamer) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	return n, badStream(err)
}

func (b *blamer) Close() error { return b.close() }

// badStream names data errors of decompressors; other errors come from the source and stay as they are.
func badStream(err error) error {
	switch {
	case err == nil, err == io.EOF:
		return err
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return Errorf(ErrTooLarge, "the zstd stream needs a larger window than allowed: refused: %w", err)
	case errors.Is(err, unxz.ErrUnsupported):
		return Errorf(ErrUnsupported, "the xz stream cannot be read: %w", err)
	case isDataError(err):
		return corrupt("the compressed data is damaged: %w", err)
	}
	return err
}
