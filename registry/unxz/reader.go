package unxz

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"sync"

	"github.com/ulikunitz/xz/lzma"
)

// ErrData is what is wrong with input that is not .xz. Input that ends too
// early is io.ErrUnexpectedEOF.
var ErrData = errors.New("unxz: the data is damaged")

// ErrUnsupported is a stream that needs what this package has not: other
// filters than LZMA2, or a larger dictionary than allowed.
var ErrUnsupported = errors.New("unxz: unsupported")

func damaged(what string) error { return fmt.Errorf("%w: %s", ErrData, what) }

var (
	headerMagic = []byte{0xfd, '7', 'z', 'X', 'Z', 0}
	footerMagic = []byte{'Y', 'Z'}
)

// crc64Table is made when it is needed: few programs of those that link this package ever see a file.
var crc64Table = sync.OnceValue(func() *crc64.Table { return crc64.MakeTable(crc64.ECMA) })

// Sizes of the checks, by their type; others are reserved.
var checkSizes = map[byte]int{0: 0, 1: 4, 4: 8, 10: 32}

// Reader decompresses one or more streams.
type Reader struct {
	in      *counter
	maxDict int64
	err     error

	open      bool // in a stream
	check     byte
	sum       hash.Hash // of the block; nil: none
	blocks    []record  // so far, for the index
	inBlock   bool
	began     int64 // of the block in the input
	size      int64 // decompressed of the block so far
	packed    int64 // what the block's header says; -1: nothing
	unpacked  int64
	headerLen int64
	lz        *lzma.Reader2
	dict      int   // bytes of the block's dictionary
	dicts     int64 // of all that were made
}

// record is what the index says of a block.
type record struct{ unpadded, size int64 }

// maxBlocks bounds the blocks of a stream: their sizes are kept for the index.
const maxBlocks = 1 << 20

// Every block has a dictionary of its own, which costs time even where the
// block is empty: all of them together may have freeDicts and dictsPerByte for
// each byte of the input.
const (
	freeDicts    = 1 << 30
	dictsPerByte = 4096
)

// NewReader decompresses r. maxDict bounds the dictionary in bytes.
func NewReader(r io.Reader, maxDict int64) *Reader {
	return &Reader{in: &counter{r: bufio.NewReaderSize(r, 64<<10)}, maxDict: maxDict}
}

// counter counts what is read, and keeps the source's errors apart from those
// of the data.
type counter struct {
	r   *bufio.Reader
	n   int64
	err error // of the source, not its end
}

// Read implements io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

func (c *counter) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	} else if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

func (c *counter) full(p []byte) error {
	n, err := io.ReadFull(c.r, p)
	c.n += int64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	for r.err == nil && len(p) > 0 {
		if !r.inBlock {
			r.err = r.between()
			continue
		}
		n, err := r.lz.Read(p)
		if r.sum != nil {
			r.sum.Write(p[:n])
		}
		switch r.size += int64(n); {
		case r.unpacked >= 0 && r.size > r.unpacked:
			r.err = damaged("a block is longer than it says")
			return 0, r.err
		case err == io.EOF:
			r.err = r.endBlock()
		case err != nil:
			r.err = r.blame(err)
		}
		if n > 0 {
			return n, nil
		}
	}
	if len(p) == 0 && r.err == nil {
		return 0, nil
	}
	return 0, r.err
}

// blame tells whose an error of the decompressor is.
func (r *Reader) blame(err error) error {
	if r.in.err != nil {
		return r.in.err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("%w: %w", ErrData, err)
}

// between reads a stream's header, a block's header, or the index and what
// follows it.
func (r *Reader) between() error {
	if !r.open {
		return r.header()
	}
	size, err := r.in.ReadByte()
	if err != nil {
		return err
	}
	if size == 0 {
		return r.index()
	}
	return r.blockHeader(size)
}

// header reads a stream's header; the clean end of the input is io.EOF.
func (r *Reader) header() error {
	if r.in.n > 0 {
		// Padding may follow a stream: zeros, four at a time.
		for {
			b, err := r.in.r.Peek(4)
			if len(b) == 0 && err == io.EOF {
				return io.EOF
			}
			if len(b) < 4 {
				if err == io.EOF {
					err = damaged("something follows the end")
				}
				return err
			}
			if !bytes.Equal(b, []byte{0, 0, 0, 0}) {
				break
			}
			_, _ = r.in.r.Discard(4)
		}
	}
	var h [12]byte
	if err := r.in.full(h[:]); err != nil {
		return err
	}
	if !bytes.Equal(h[:6], headerMagic) || binary.LittleEndian.Uint32(h[8:]) != crc32.ChecksumIEEE(h[6:8]) || h[6] != 0 {
		return damaged("no header")
	}
	if _, ok := checkSizes[h[7]]; !ok {
		return fmt.Errorf("%w check %d", ErrUnsupported, h[7])
	}
	r.open, r.check = true, h[7]
	return nil
}

func (r *Reader) blockHeader(size byte) error {
	r.began = r.in.n - 1
	h := make([]byte, (int(size)+1)*4)
	h[0] = size
	if err := r.in.full(h[1:]); err != nil {
		return err
	}
	end := len(h) - 4
	if binary.LittleEndian.Uint32(h[end:]) != crc32.ChecksumIEEE(h[:end]) {
		return damaged("the header of a block")
	}
	flags, b := h[1], bytes.NewReader(h[2:end])
	if flags&0x3c != 0 {
		return fmt.Errorf("%w block flags", ErrUnsupported)
	}
	r.packed, r.unpacked = -1, -1
	for _, f := range []struct {
		bit byte
		to  *int64
	}{{0x40, &r.packed}, {0x80, &r.unpacked}} {
		if flags&f.bit != 0 {
			n, err := number(b)
			if err != nil {
				return err
			}
			*f.to = n
		}
	}
	if err := r.filters(int(flags&3)+1, b); err != nil {
		return err
	}
	for b.Len() > 0 {
		if c, _ := b.ReadByte(); c != 0 {
			return damaged("the header of a block")
		}
	}
	r.headerLen, r.size, r.inBlock = int64(len(h)), 0, true
	switch r.check {
	case 1:
		r.sum = crc32.NewIEEE()
	case 4:
		r.sum = crc64.New(crc64Table())
	case 10:
		r.sum = sha256.New()
	default:
		r.sum = nil
	}
	// This reads the first chunk's header: it comes after all of the block's.
	var err error
	if r.lz, err = (lzma.Reader2Config{DictCap: r.dict}).NewReader2(r.in); err != nil {
		return r.blame(err)
	}
	return nil
}

// filters reads the list of filters, which has to be LZMA2 alone.
func (r *Reader) filters(n int, b *bytes.Reader) error {
	const lzma2ID = 0x21
	id, err := number(b)
	if err != nil {
		return err
	}
	if n != 1 || id != lzma2ID {
		return fmt.Errorf("%w filter %#x", ErrUnsupported, id)
	}
	size, err := number(b)
	if err != nil {
		return err
	}
	bits, err := b.ReadByte()
	if size != 1 || err != nil || bits > 40 {
		return damaged("the properties of LZMA2")
	}
	dict := int64(1<<32 - 1)
	if bits < 40 {
		dict = int64(2|bits&1) << (bits/2 + 11)
	}
	if dict > r.maxDict {
		return fmt.Errorf("%w: the dictionary has %d bytes", ErrUnsupported, dict)
	}
	if r.unpacked >= 0 {
		dict = min(dict, r.unpacked) // nothing reaches further back
	}
	dict = max(dict, lzma.MinDictCap)
	if r.dicts += dict; r.dicts > freeDicts+dictsPerByte*r.in.n {
		return fmt.Errorf("%w: small blocks with large dictionaries", ErrUnsupported)
	}
	r.dict = int(dict)
	return nil
}

// endBlock reads padding and check of a block.
func (r *Reader) endBlock() error {
	packed := r.in.n - r.began - r.headerLen
	if r.packed >= 0 && packed != r.packed || r.unpacked >= 0 && r.size != r.unpacked {
		return damaged("a block has another size than it says")
	}
	n := checkSizes[r.check]
	r.blocks = append(r.blocks, record{r.headerLen + packed + int64(n), r.size})
	if len(r.blocks) > maxBlocks {
		return fmt.Errorf("%w: more than %d blocks", ErrUnsupported, maxBlocks)
	}
	tail := make([]byte, int(-packed&3)+n)
	if err := r.in.full(tail); err != nil {
		return err
	}
	pad, check := tail[:len(tail)-n], tail[len(tail)-n:]
	if len(bytes.Trim(pad, "\x00")) > 0 {
		return damaged("the padding of a block")
	}
	if r.sum != nil {
		got := r.sum.Sum(nil)
		if r.check != 10 { // numbers stand the other way round
			for i, j := 0, len(got)-1; i < j; i, j = i+1, j-1 {
				got[i], got[j] = got[j], got[i]
			}
		}
		if !bytes.Equal(got, check) {
			return damaged("the check of a block")
		}
	}
	r.inBlock = false
	return nil
}

// index reads the index and the footer of a stream, and holds them against
// what was there.
func (r *Reader) index() error {
	began := r.in.n - 1
	sum := &summing{c: r.in, h: crc32.NewIEEE()}
	sum.h.Write([]byte{0})
	n, err := number(sum)
	if err != nil {
		return err
	}
	if n != int64(len(r.blocks)) {
		return damaged("the index")
	}
	for _, want := range r.blocks {
		a, err := number(sum)
		if err != nil {
			return err
		}
		b, err := number(sum)
		if err != nil {
			return err
		}
		if (record{a, b}) != want {
			return damaged("the index")
		}
	}
	for (r.in.n-began)%4 != 0 {
		b, err := sum.ReadByte()
		if err != nil {
			return err
		}
		if b != 0 {
			return damaged("the index")
		}
	}
	var tail [4 + 12]byte
	if err := r.in.full(tail[:]); err != nil {
		return err
	}
	size := r.in.n - 12 - began
	foot := tail[4:]
	if binary.LittleEndian.Uint32(tail[:]) != sum.h.Sum32() || binary.LittleEndian.Uint32(foot) != crc32.ChecksumIEEE(foot[4:10]) ||
		(int64(binary.LittleEndian.Uint32(foot[4:]))+1)*4 != size || foot[8] != 0 || foot[9] != r.check || !bytes.Equal(foot[10:], footerMagic) {
		return damaged("the end of a stream")
	}
	r.open, r.blocks = false, nil
	return nil
}

// summing reads bytes that are summed up.
type summing struct {
	c *counter
	h hash.Hash32
}

func (s *summing) ReadByte() (byte, error) {
	b, err := s.c.ReadByte()
	if err == nil {
		s.h.Write([]byte{b})
	}
	return b, err
}

// number reads a multibyte integer (section 1.2).
func number(r io.ByteReader) (n int64, err error) {
	for i := range 9 {
		b, err := r.ReadByte()
		if err != nil {
			return 0, inHeader(err)
		}
		n |= int64(b&0x7f) << (7 * i)
		if b < 0x80 {
			if b == 0 && i > 0 {
				return 0, damaged("a number")
			}
			return n, nil
		}
	}
	return 0, damaged("a number")
}

// inHeader makes the end of a header that is in memory damage.
func inHeader(err error) error {
	if err == io.EOF {
		return damaged("a header ends too early")
	}
	return err
}
