package registry

import (
	"compress/bzip2"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/sbxrun/sbx/registry/gunzip"
	"github.com/sbxrun/sbx/registry/unxz"
)

// zstdErrors are the data errors that zstd reports by value.
var zstdErrors = [...]error{
	zstd.ErrMagicMismatch, zstd.ErrReservedBlockType, zstd.ErrCompressedSizeTooBig, zstd.ErrBlockTooSmall,
	zstd.ErrUnexpectedBlockSize, zstd.ErrWindowSizeTooSmall, zstd.ErrUnknownDictionary, zstd.ErrFrameSizeExceeded,
	zstd.ErrFrameSizeMismatch, zstd.ErrCRCMismatch,
}

// isDataError tells whether a decompressor complained about its data, and not its source about the network.
func isDataError(err error) bool {
	var bzErr bzip2.StructuralError
	if errors.Is(err, gunzip.ErrData) || errors.Is(err, unxz.ErrData) || errors.As(err, &bzErr) {
		return true
	}
	for _, e := range zstdErrors {
		if errors.Is(err, e) {
			return true
		}
	}
	return err == io.ErrUnexpectedEOF // sources wrap theirs
}
