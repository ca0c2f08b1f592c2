package vfs

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
)

// The table of contents of one layer: magic, version, length and checksum of
// what follows, then the entries as varints and length-prefixed strings.
const (
	tocMagic   = "sbxlayer"
	tocVersion = 1
	tocHeader  = 24
)

// WriteTOC writes the entries of a layer for ReadTOC.
func WriteTOC(w io.Writer, es []LayerEntry) error {
	b := binary.AppendUvarint(nil, uint64(len(es)))
	for i := range es {
		b = appendTOCEntry(b, &es[i])
	}
	h := append(make([]byte, 0, tocHeader), tocMagic...)
	h = binary.LittleEndian.AppendUint32(h, tocVersion)
	h = binary.LittleEndian.AppendUint32(h, crc32.Checksum(b, castagnoli()))
	h = binary.LittleEndian.AppendUint64(h, uint64(len(b)))
	if _, err := w.Write(h); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}

func appendTOCEntry(b []byte, e *LayerEntry) []byte {
	hard := uint64(0)
	if e.Hard {
		hard = 1
	}
	b = appendString(b, e.Path)
	for _, v := range []uint64{uint64(e.Mode), uint64(e.UID), uint64(e.GID), uint64(e.Size), uint64(e.Offset),
		uint64(e.Mtime.Nsec), e.Rdev, hard, uint64(len(e.Xattrs)), uint64(len(e.Holes))} {
		b = binary.AppendUvarint(b, v)
	}
	b = binary.AppendVarint(b, e.Mtime.Sec)
	b = appendString(b, e.Link)
	for _, k := range sortedKeys(e.Xattrs) {
		b = appendString(b, k)
		b = appendString(b, e.Xattrs[k])
	}
	for _, h := range e.Holes {
		b = binary.AppendUvarint(b, uint64(h.Offset))
		b = binary.AppendUvarint(b, uint64(h.Len))
	}
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// ReadTOC reads what WriteTOC wrote. Damage is an error that wraps ErrIndex;
// memory stays within what limits allow.
func ReadTOC(r io.Reader, limits Limits) ([]LayerEntry, error) {
	h := make([]byte, tocHeader)
	if _, err := io.ReadFull(r, h); err != nil || string(h[:8]) != tocMagic {
		return nil, fmt.Errorf("%w: no layer table", ErrIndex)
	}
	le := binary.LittleEndian
	if le.Uint32(h[8:]) != tocVersion {
		return nil, fmt.Errorf("%w: layer table of version %d", ErrIndex, le.Uint32(h[8:]))
	}
	size := le.Uint64(h[16:])
	if size > tocMax(limits) {
		return nil, fmt.Errorf("%w: layer table of %d bytes", ErrIndex, size)
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(size)))
	if err != nil {
		return nil, err
	}
	if uint64(len(b)) != size || crc32.Checksum(b, castagnoli()) != le.Uint32(h[12:]) {
		return nil, fmt.Errorf("%w: layer table checksum", ErrIndex)
	}
	return parseTOC(string(b), limits)
}

func tocMax(l Limits) uint64 {
	d := DefaultLimits()
	if l.Entries <= 0 || l.Strings <= 0 || l.XattrBytes <= 0 {
		l = d
	}
	return uint64(l.Entries)*100 + uint64(l.Strings) + 2*uint64(l.XattrBytes)
}

// tocReader reads the table; its strings share memory with it.
type tocReader struct {
	s   string
	bad bool
}

func (t *tocReader) uvarint() (v uint64) {
	for shift := uint(0); shift < 64; shift += 7 {
		if t.s == "" {
			break
		}
		c := t.s[0]
		t.s = t.s[1:]
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	t.bad = true
	return 0
}

func (t *tocReader) varint() int64 {
	u := t.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (t *tocReader) u32() uint32 {
	v := t.uvarint()
	if v > math.MaxUint32 {
		t.bad = true
	}
	return uint32(v)
}

func (t *tocReader) i64() int64 {
	v := t.uvarint()
	if v > math.MaxInt64 {
		t.bad = true
		return 0
	}
	return int64(v)
}

func (t *tocReader) str() string {
	n := t.uvarint()
	if n > uint64(len(t.s)) {
		t.bad = true
		return ""
	}
	s := t.s[:n]
	t.s = t.s[n:]
	return s
}

func parseTOC(s string, lim Limits) ([]LayerEntry, error) {
	t := &tocReader{s: s}
	n := t.uvarint()
	if n > uint64(len(s)) || lim.Entries > 0 && n > uint64(lim.Entries) {
		return nil, fmt.Errorf("%w: layer table of %d entries", ErrIndex, n)
	}
	es := make([]LayerEntry, 0, min(n, uint64(len(s)/12)))
	for range n {
		e := t.entry()
		if t.bad {
			return nil, fmt.Errorf("%w: layer table entry %d", ErrIndex, len(es))
		}
		es = append(es, e)
	}
	if t.s != "" {
		return nil, fmt.Errorf("%w: layer table is too long", ErrIndex)
	}
	return es, nil
}

func (t *tocReader) entry() LayerEntry {
	e := LayerEntry{Path: t.str(), Mode: t.u32(), UID: t.u32(), GID: t.u32(), Size: t.i64(), Offset: t.i64()}
	e.Mtime.Nsec = t.u32()
	e.Rdev = t.uvarint()
	e.Hard = t.uvarint() == 1
	nx, nh := t.uvarint(), t.uvarint()
	e.Mtime.Sec = t.varint()
	e.Link = t.str()
	if nx > uint64(len(t.s)) || nh > uint64(len(t.s)) {
		t.bad = true
		return e
	}
	if nx > 0 {
		e.Xattrs = make(map[string]string, min(nx, 16))
	}
	for ; nx > 0 && !t.bad; nx-- {
		k := t.str()
		e.Xattrs[k] = t.str()
	}
	for ; nh > 0 && !t.bad; nh-- {
		e.Holes = append(e.Holes, Extent{t.i64(), t.i64()})
	}
	return e
}
