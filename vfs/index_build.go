package vfs

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"math"
	"slices"

	"github.com/sbxrun/sbx/abi/linux"
)

// BuildIndex merges layers, the lowest first, and writes the index of the
// result. Equal layers make equal bytes. Errors about entries wrap ErrLayer.
func BuildIndex(w io.Writer, layers [][]LayerEntry, limits Limits) error {
	if len(layers) > math.MaxUint16 || limits.Layers > 0 && len(layers) > limits.Layers {
		return fmt.Errorf("image has %d layers: too many", len(layers))
	}
	m := &merger{lim: limits, root: newDirNode(Timespec{}, 0)}
	for i, es := range layers {
		if err := m.add(i, es); err != nil {
			return fmt.Errorf("layer %d: %w", i, err)
		}
	}
	b := indexBuilder{names: make(map[string]uint32), layers: len(layers)}
	if err := b.number(m.root); err != nil {
		return err
	}
	return b.write(w)
}

// indexBuilder turns the merged tree into the sections of the file.
type indexBuilder struct {
	layers  int
	nodes   []*mergeNode // by inode number - 1
	dirents []byte
	strs    []byte
	extra   []byte
	names   map[string]uint32
}

// number gives out inode numbers in walking order and writes the entries.
func (b *indexBuilder) number(root *mergeNode) error {
	b.give(root)
	root.up, root.nlink, root.entry = root, 2, ^uint32(0)
	stack := []*mergeNode{root}
	for len(stack) > 0 {
		d := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		subdirs, err := b.entries(d)
		if err != nil {
			return err
		}
		slices.Reverse(subdirs)
		stack = append(stack, subdirs...)
	}
	return nil
}

func (b *indexBuilder) give(n *mergeNode) {
	b.nodes = append(b.nodes, n)
	n.ino = Ino(len(b.nodes))
}

// entries numbers the children of one directory and writes its entries, sorted
// as Index.lookup wants them.
func (b *indexBuilder) entries(d *mergeNode) (subdirs []*mergeNode, err error) {
	names := slices.Sorted(maps.Keys(d.kids))
	for _, name := range names {
		n := d.kids[name]
		if n.ino == 0 {
			b.give(n)
		}
		n.nlink++
		if n.isDir() {
			n.nlink, n.up = 2, d
			d.nlink++
			subdirs = append(subdirs, n)
		}
	}
	type keyed struct {
		hash uint32
		name string
	}
	ks := make([]keyed, len(names))
	for i, name := range names {
		ks[i] = keyed{nameHash(name), name}
	}
	slices.SortStableFunc(ks, func(x, y keyed) int {
		if x.hash != y.hash {
			if x.hash < y.hash {
				return -1
			}
			return 1
		}
		return 0 // the names are in order already
	})
	d.first = uint64(len(b.dirents) / direntSize)
	if d.first+uint64(len(ks)) >= math.MaxUint32 {
		return nil, fmt.Errorf("image has too many entries")
	}
	for i, k := range ks {
		n := d.kids[k.name]
		if n.isDir() {
			n.entry = uint32(d.first) + uint32(i)
		}
		off, err := b.str(k.name)
		if err != nil {
			return nil, err
		}
		b.dirents = appendDirent(b.dirents, k.hash, n, off, k.name)
	}
	return subdirs, nil
}

func appendDirent(b []byte, hash uint32, n *mergeNode, off uint32, name string) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, hash)
	b = le.AppendUint32(b, uint32(n.ino))
	b = le.AppendUint32(b, off)
	return append(b, byte(len(name)), linux.DirType(n.e.Mode), 0, 0)
}

// str puts a string into the table, once.
func (b *indexBuilder) str(s string) (uint32, error) {
	if o, ok := b.names[s]; ok {
		return o, nil
	}
	if uint64(len(b.strs))+uint64(len(s)) > math.MaxUint32 {
		return 0, fmt.Errorf("image has too many names")
	}
	o := uint32(len(b.strs))
	b.strs = append(b.strs, s...)
	b.names[s] = o
	return o, nil
}

// inode encodes one record; see inodeRec.
func (b *indexBuilder) inode(r []byte, n *mergeNode) ([]byte, error) {
	le, e := binary.LittleEndian, n.e
	size, where := uint64(0), uint64(0)
	parent, entry := uint32(0), uint32(0)
	switch e.Mode & linux.S_IFMT {
	case linux.S_IFREG:
		size, where = uint64(e.Size), uint64(e.Offset)
	case linux.S_IFDIR:
		size, where = uint64(len(n.kids)), n.first
		parent, entry = uint32(n.up.ino), n.entry
	case linux.S_IFLNK:
		o, err := b.str(e.Link)
		if err != nil {
			return nil, err
		}
		size, where = uint64(len(e.Link)), uint64(o)
	case linux.S_IFCHR, linux.S_IFBLK:
		where = e.Rdev
	}
	mode := e.Mode & (linux.S_IFMT | 0o7777)
	if mode&linux.S_IFMT == linux.S_IFLNK {
		mode = linux.S_IFLNK | 0o777
	}
	for _, v := range []uint32{mode, e.UID, e.GID, n.nlink} {
		r = le.AppendUint32(r, v)
	}
	r = le.AppendUint64(r, size)
	r = le.AppendUint64(r, where)
	r = le.AppendUint64(r, uint64(e.Mtime.Sec))
	r = le.AppendUint32(r, e.Mtime.Nsec)
	r = le.AppendUint16(r, uint16(n.layer))
	r = le.AppendUint16(r, 0)
	r = le.AppendUint32(r, parent)
	r = le.AppendUint32(r, entry)
	r = le.AppendUint32(r, b.extraOf(e))
	return le.AppendUint32(r, 0), nil
}

func (b *indexBuilder) extraOf(e *LayerEntry) uint32 {
	if len(e.Xattrs) == 0 && (len(e.Holes) == 0 || e.Mode&linux.S_IFMT != linux.S_IFREG) {
		return 0
	}
	at := uint32(len(b.extra)) + 1
	b.extra = appendExtra(b.extra, e.Xattrs, e.Holes)
	return at
}

// write puts the file together.
func (b *indexBuilder) write(w io.Writer) error {
	inodes := make([]byte, 0, len(b.nodes)*inodeSize)
	var err error
	for _, n := range b.nodes {
		if inodes, err = b.inode(inodes, n); err != nil {
			return err
		}
	}
	if uint64(len(b.extra)) >= math.MaxUint32 {
		return fmt.Errorf("image has too many xattrs")
	}
	sections := [][]byte{inodes, b.dirents, b.strs, b.extra}
	crc := uint32(0)
	for _, s := range sections {
		crc = crc32.Update(crc, castagnoli(), s)
	}
	bw := bufio.NewWriter(w)
	if _, err := bw.Write(b.header(crc)); err != nil {
		return err
	}
	for _, s := range sections {
		if _, err := bw.Write(s); err != nil {
			return err
		}
	}
	return bw.Flush()
}

func (b *indexBuilder) header(crc uint32) []byte {
	le := binary.LittleEndian
	h := append(make([]byte, 0, headerSize), indexMagic...)
	h = le.AppendUint32(h, indexVersion)
	h = le.AppendUint32(h, uint32(len(b.nodes)))
	h = le.AppendUint32(h, uint32(len(b.dirents)/direntSize))
	h = le.AppendUint32(h, uint32(b.layers))
	h = le.AppendUint64(h, uint64(len(b.strs)))
	h = le.AppendUint64(h, uint64(len(b.extra)))
	h = le.AppendUint32(h, crc)
	h = h[:headerSize]
	le.PutUint32(h[headerSize-4:], crc32.Checksum(h[:headerSize-4], castagnoli()))
	return h
}
