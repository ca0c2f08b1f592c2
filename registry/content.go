package registry

import (
	"bytes"
	"io"
	"os"

	"github.com/sbxrun/sbx/vfs"
)

const (
	blockSize     = 4096
	contentBuffer = 1 << 20
	minHole       = 16 * blockSize // shorter runs of zeros are written: a seek costs more than they do
)

var zeroBlock [blockSize]byte

// contentWriter writes the content file of a layer: files one after another, each at a multiple of 4 KiB. Long runs
// of zeros stay holes of the content file.
type contentWriter struct {
	f    io.WriterAt
	buf  []byte // data that belongs at base
	base int64  // multiple of blockSize
}

func newContentWriter(f io.WriterAt) *contentWriter {
	return &contentWriter{f: f, buf: make([]byte, 0, contentBuffer)}
}

// pos is the end of what has been written.
func (w *contentWriter) pos() int64 { return w.base + int64(len(w.buf)) }

// align moves to the next multiple of 4 KiB. The buffer's capacity is one, so that it always has room.
func (w *contentWriter) align() {
	if n := len(w.buf) % blockSize; n != 0 {
		w.buf = append(w.buf, zeroBlock[n:]...)
	}
}

// copy appends what r holds and tells how much that was. It reads straight into the buffer.
func (w *contentWriter) copy(r io.Reader) (int64, error) {
	for total := int64(0); ; {
		if len(w.buf) == cap(w.buf) {
			if err := w.flush(); err != nil {
				return total, err
			}
		}
		n, err := r.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+n]
		total += int64(n)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// copySparse is copy for a sparse file. It also reports the runs of zero blocks, relative to the file's start.
func (w *contentWriter) copySparse(r io.Reader) (total int64, holes []vfs.Extent, err error) {
	w.align()
	for {
		if len(w.buf) == cap(w.buf) {
			if err := w.flush(); err != nil {
				return total, holes, err
			}
		}
		start := len(w.buf)
		end := min(start+64*blockSize, cap(w.buf))
		n, err := fill(r, w.buf[start:end])
		w.buf = w.buf[:start+n]
		holes = addHoles(holes, w.buf[start:], total)
		total += int64(n)
		if err == io.EOF {
			return total, holes, nil
		}
		if err != nil {
			return total, holes, err
		}
	}
}

// addHoles appends the zero blocks of b, which is at off of its file, to the extents.
func addHoles(holes []vfs.Extent, b []byte, off int64) []vfs.Extent {
	for len(b) > 0 {
		n := min(len(b), blockSize)
		if isZero(b[:n]) {
			if k := len(holes) - 1; k >= 0 && holes[k].Offset+holes[k].Len == off {
				holes[k].Len += int64(n)
			} else {
				holes = append(holes, vfs.Extent{Offset: off, Len: int64(n)})
			}
		}
		b, off = b[n:], off+int64(n)
	}
	return holes
}

func isZero(b []byte) bool { return bytes.Equal(b, zeroBlock[:len(b)]) }

// flush writes the buffer, leaving out long runs of zeros. It keeps base aligned: only full buffers and the end of
// the file are flushed.
func (w *contentWriter) flush() error {
	b := w.buf
	for start := 0; start < len(b); {
		dataEnd, next := dataRun(b, start)
		if dataEnd > start {
			if _, err := w.f.WriteAt(b[start:dataEnd], w.base+int64(start)); err != nil {
				return err
			}
		}
		start = next
	}
	w.base += int64(len(b))
	w.buf = b[:0]
	return nil
}

// dataRun finds the data that starts at start: its end, and where to look for more after the hole behind it.
func dataRun(b []byte, start int) (end, next int) {
	hole := -1
	for i := start; i < len(b); i += blockSize {
		n := min(blockSize, len(b)-i)
		zero := b[i] == 0 && isZero(b[i:i+n])
		switch {
		case zero && hole < 0:
			hole = i
		case !zero && hole >= 0 && i-hole >= minHole:
			return hole, i
		case !zero:
			hole = -1
		}
	}
	if hole >= 0 && len(b)-hole >= minHole {
		return hole, len(b)
	}
	return len(b), len(b)
}

// finish writes the rest and gives the file its full size, in case that it ends in a hole.
func (w *contentWriter) finish(f *os.File) error {
	w.align()
	if err := w.flush(); err != nil {
		return err
	}
	return f.Truncate(w.base)
}
