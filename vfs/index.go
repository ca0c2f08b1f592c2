package vfs

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/internal/hostfile"
)

// The index file, little endian throughout:
//
//	header   96 bytes: magic, counts, section sizes, checksums
//	inodes   64 bytes each, number 1 (the root) first
//	entries  16 bytes each; those of one directory lie together, sorted by
//	         hash and then name
//	strings  names and link targets
//	extra    xattrs and holes, only of the inodes that have them
const (
	indexMagic   = "sbxindex"
	indexVersion = 1
	headerSize   = 96
	inodeSize    = 64
	direntSize   = 16
)

// ErrIndex is wrapped by every error about a damaged or foreign index. The index
// is a cache: build it again.
var ErrIndex = errors.New("image index is damaged")

// Index is the merged, immutable tree of an image. It is safe for concurrent
// use, and the bytes below it must not change while it is open.
type Index struct {
	inodes, dirents, strings, extra []byte
	ninodes, ndirents               uint32
	layers                          int
	sum                             uint32

	mu     sync.Mutex
	refs   int // the opener's and one for each FS
	closed bool
	unmap  func() error
}

// OpenIndex opens an index file, mapping it where the host can. The file must
// stay unchanged until Close. A file that is cut short, foreign or not all there
// is an error that wraps ErrIndex; see ParseIndex.
func OpenIndex(path string) (*Index, error) {
	f, err := hostfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, unmap, err := mapFile(f)
	if err != nil {
		return nil, fmt.Errorf("open index %s: %w", path, err)
	}
	ix, err := ParseIndex(b)
	if err != nil {
		if unmap != nil {
			_ = unmap()
		}
		return nil, fmt.Errorf("open index %s: %w", path, err)
	}
	ix.unmap = unmap
	return ix, nil
}

// ParseIndex checks b's header and structure and returns an Index over it. It
// keeps b. What the records say is held against its bounds when it is used, so
// that opening costs the same for every size; Verify sums them up.
func ParseIndex(b []byte) (*Index, error) {
	if len(b) < headerSize || string(b[:8]) != indexMagic {
		return nil, fmt.Errorf("%w: no header", ErrIndex)
	}
	le := binary.LittleEndian
	if v := le.Uint32(b[8:]); v != indexVersion {
		return nil, fmt.Errorf("%w: version %d, not %d", ErrIndex, v, indexVersion)
	}
	if crc32.Checksum(b[:headerSize-4], castagnoli()) != le.Uint32(b[headerSize-4:]) {
		return nil, fmt.Errorf("%w: header checksum", ErrIndex)
	}
	ix := &Index{ninodes: le.Uint32(b[12:]), ndirents: le.Uint32(b[16:]), layers: int(le.Uint32(b[20:])), refs: 1}
	body := b[headerSize:]
	for _, s := range []struct {
		dst  *[]byte
		size uint64
	}{
		{&ix.inodes, uint64(ix.ninodes) * inodeSize},
		{&ix.dirents, uint64(ix.ndirents) * direntSize},
		{&ix.strings, le.Uint64(b[24:])},
		{&ix.extra, le.Uint64(b[32:])},
	} {
		if s.size > uint64(len(body)) {
			return nil, fmt.Errorf("%w: cut short", ErrIndex)
		}
		*s.dst, body = body[:s.size:s.size], body[s.size:]
	}
	if len(body) != 0 {
		return nil, fmt.Errorf("%w: %d bytes too many", ErrIndex, len(body))
	}
	ix.sum = le.Uint32(b[40:])
	if ix.ninodes == 0 || ix.rec(1).mode()&linux.S_IFMT != linux.S_IFDIR {
		return nil, fmt.Errorf("%w: no root", ErrIndex)
	}
	return ix, nil
}

// Verify reads the whole index and tells whether it is what was built: nil, or an
// error that wraps ErrIndex. A closed index is not looked at.
func (ix *Index) Verify() error {
	ix.mu.Lock()
	gone := ix.refs <= 0
	if !gone {
		ix.refs++
	}
	ix.mu.Unlock()
	if gone {
		return nil
	}
	sum := uint32(0)
	for _, s := range [][]byte{ix.inodes, ix.dirents, ix.strings, ix.extra} {
		sum = crc32.Update(sum, castagnoli(), s)
	}
	if err := ix.release(); err != nil {
		return err
	}
	if sum != ix.sum {
		return fmt.Errorf("%w: checksum", ErrIndex)
	}
	return nil
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// Inodes returns the number of inodes in the image.
func (ix *Index) Inodes() int { return int(ix.ninodes) }

// Entries returns the number of directory entries in the image.
func (ix *Index) Entries() int { return int(ix.ndirents) }

// Layers returns how many layer contents the index refers to.
func (ix *Index) Layers() int { return ix.layers }

// Size returns the length of the index in bytes.
func (ix *Index) Size() int64 {
	return int64(headerSize + len(ix.inodes) + len(ix.dirents) + len(ix.strings) + len(ix.extra))
}

// Close gives the index back. The memory is unmapped once the last FS over it
// is closed too.
func (ix *Index) Close() error {
	ix.mu.Lock()
	again := ix.closed
	ix.closed = true
	ix.mu.Unlock()
	if again {
		return nil
	}
	return ix.release()
}

func (ix *Index) retain() {
	ix.mu.Lock()
	ix.refs++
	ix.mu.Unlock()
}

func (ix *Index) release() error {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	ix.refs--
	if ix.refs > 0 || ix.unmap == nil {
		return nil
	}
	unmap := ix.unmap
	ix.unmap = nil
	ix.inodes, ix.dirents, ix.strings, ix.extra = nil, nil, nil, nil
	return unmap()
}

// inodeRec is the 64 bytes of one inode.
//
//	0 mode  4 uid  8 gid  12 nlink  16 size (directories: entries)
//	24 where: content offset, first entry, string offset or device number
//	32 mtime seconds  40 mtime ns  44 layer  46 flags
//	48 parent (directories)  52 own entry (directories)  56 extra+1  60 zero
type inodeRec []byte

func (r inodeRec) mode() uint32     { return binary.LittleEndian.Uint32(r) }
func (r inodeRec) uid() uint32      { return binary.LittleEndian.Uint32(r[4:]) }
func (r inodeRec) gid() uint32      { return binary.LittleEndian.Uint32(r[8:]) }
func (r inodeRec) nlink() uint32    { return binary.LittleEndian.Uint32(r[12:]) }
func (r inodeRec) size() int64      { return int64(binary.LittleEndian.Uint64(r[16:]) &^ (1 << 63)) }
func (r inodeRec) where() uint64    { return binary.LittleEndian.Uint64(r[24:]) }
func (r inodeRec) mtimeSec() int64  { return int64(binary.LittleEndian.Uint64(r[32:])) }
func (r inodeRec) mtimeNs() uint32  { return binary.LittleEndian.Uint32(r[40:]) }
func (r inodeRec) layer() int       { return int(binary.LittleEndian.Uint16(r[44:])) }
func (r inodeRec) parent() Ino      { return Ino(binary.LittleEndian.Uint32(r[48:])) }
func (r inodeRec) ownEntry() uint32 { return binary.LittleEndian.Uint32(r[52:]) }
func (r inodeRec) extra() uint32    { return binary.LittleEndian.Uint32(r[56:]) }

// rec returns the record of ino, or nil when there is none.
func (ix *Index) rec(ino Ino) inodeRec {
	if ino == 0 || ino > Ino(ix.ninodes) {
		return nil
	}
	o := int(ino-1) * inodeSize
	if o+inodeSize > len(ix.inodes) {
		return nil
	}
	return inodeRec(ix.inodes[o : o+inodeSize : o+inodeSize])
}

// direntRec is the 16 bytes of one entry: hash, inode, name offset, name length.
type direntRec []byte

func (d direntRec) hash() uint32 { return binary.LittleEndian.Uint32(d) }
func (d direntRec) ino() Ino     { return Ino(binary.LittleEndian.Uint32(d[4:])) }

// name returns the bytes of an entry's name; nil when they are out of bounds.
func (ix *Index) name(d direntRec) []byte {
	o, n := uint64(binary.LittleEndian.Uint32(d[8:])), uint64(d[12])
	if o+n > uint64(len(ix.strings)) {
		return nil
	}
	return ix.strings[o : o+n]
}

// entries returns the entries of a directory record, clipped to what exists.
func (ix *Index) entries(r inodeRec) []byte {
	first, n := r.where(), uint64(r.size())
	if first > uint64(ix.ndirents) || n > uint64(ix.ndirents)-first {
		return nil
	}
	return ix.dirents[first*direntSize : (first+n)*direntSize]
}

// count returns how many entries a lower directory has.
func (ix *Index) count(dir Ino) int {
	r := ix.rec(dir)
	if r == nil || r.mode()&linux.S_IFMT != linux.S_IFDIR {
		return 0
	}
	return len(ix.entries(r)) / direntSize
}

// lookup finds a name in a lower directory: the inode and the entry's position
// in the directory.
func (ix *Index) lookup(r inodeRec, name string) (ino Ino, pos int, ok bool) {
	es := ix.entries(r)
	lo, hi := 0, len(es)/direntSize
	if hi == 0 {
		return 0, 0, false
	}
	h := nameHash(name)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		d := direntRec(es[mid*direntSize : mid*direntSize+direntSize])
		dh := d.hash()
		if dh == h {
			b := ix.name(d)
			if string(b) == name {
				if ino = d.ino(); ino == 0 || ino > Ino(ix.ninodes) {
					return 0, 0, false
				}
				return ino, mid, true
			}
			if string(b) < name {
				lo = mid + 1
			} else {
				hi = mid
			}
		} else if dh < h {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return 0, 0, false
}

// nameHash is the order of entries within a directory: FNV-1a, stirred so that
// the high bits depend on every byte. Equal hashes are ordered by name, so names
// chosen to collide cost a hostile image nothing.
func nameHash(name string) uint32 {
	h := uint32(2166136261)
	for i := 0; i < len(name); i++ {
		h = (h ^ uint32(name[i])) * 16777619
	}
	h ^= h >> 16
	h *= 0x7feb352d
	return h ^ h>>15
}

// target returns a symbolic link's text.
func (ix *Index) target(r inodeRec) (string, bool) {
	o, n := r.where(), uint64(r.size())
	if o > uint64(len(ix.strings)) || n > uint64(len(ix.strings))-o {
		return "", false
	}
	return string(ix.strings[o : o+n]), true
}
