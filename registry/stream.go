package registry

import (
	"bufio"
	"io"
)

// Decompress returns the plain bytes of a stream that may be compressed with gzip, bzip2, xz or zstd, and tells whether it
// was. How much comes out is the caller's to bound.
func Decompress(r io.Reader) (plain io.ReadCloser, compressed bool, err error) {
	br := bufio.NewReaderSize(r, 64<<10)
	kind, err := sniff(br)
	if err != nil {
		return nil, false, err
	}
	plain, err = decompress(br, kind, DefaultLimits().WindowBytes)
	return plain, kind != uncompressed, err
}
