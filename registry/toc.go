package registry

import (
	"bufio"
	"encoding/binary"
	"io"
	"os"

	"github.com/sbxrun/sbx/vfs"
)

// A file in v1/toc is this magic, the sum of the sizes of the layer's files, and what vfs.WriteTOC writes.
const (
	tocMagic  = "sbxtoc1\n"
	tocHeader = len(tocMagic) + 8
)

// writeTOC publishes the table of contents of a layer.
func (s *Store) writeTOC(diffID Digest, entries []vfs.LayerEntry, size int64) error {
	return s.publishFunc(s.tocPath(diffID), func(w io.Writer) error {
		b := bufio.NewWriterSize(w, 128<<10)
		head := binary.LittleEndian.AppendUint64([]byte(tocMagic), uint64(size))
		if _, err := b.Write(head); err != nil {
			return err
		}
		if err := vfs.WriteTOC(b, entries); err != nil {
			return err
		}
		return b.Flush()
	})
}

// readTOC reads the table of contents of a layer.
func (s *Store) readTOC(diffID Digest) ([]vfs.LayerEntry, error) {
	f, err := os.Open(s.tocPath(diffID))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := readTOCHeader(f); err != nil {
		return nil, err
	}
	return vfs.ReadTOC(bufio.NewReaderSize(f, 128<<10), s.tocLimits())
}

// layerSize is the sum of the sizes of a layer's files, as long as the layer is unpacked.
func (s *Store) layerSize(diffID Digest) (int64, error) {
	f, err := os.Open(s.tocPath(diffID))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return readTOCHeader(f)
}

func readTOCHeader(r io.Reader) (int64, error) {
	b := make([]byte, tocHeader)
	if _, err := io.ReadFull(r, b); err != nil || string(b[:len(tocMagic)]) != tocMagic {
		return 0, corrupt("a table of contents in the image store is damaged: run 'sbx system prune'")
	}
	return int64(binary.LittleEndian.Uint64(b[len(tocMagic):])), nil
}

// tocLimits are the limits of vfs that go with ours.
func (s *Store) tocLimits() vfs.Limits {
	l := vfs.DefaultLimits()
	return l
}
