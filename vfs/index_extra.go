package vfs

import "encoding/binary"

// An extra record holds what few inodes have: a count of xattrs, each as name
// length, value length, name, value; then a count of holes, each as offset and
// length. Counts and lengths are 32 bits, holes 64.

// extraReader reads one record; bad is set when it runs out of bounds.
type extraReader struct {
	b   []byte
	bad bool
}

func (e *extraReader) u32() uint32 {
	if len(e.b) < 4 {
		e.bad = true
		return 0
	}
	v := binary.LittleEndian.Uint32(e.b)
	e.b = e.b[4:]
	return v
}

func (e *extraReader) bytes(n uint32) []byte {
	if uint64(n) > uint64(len(e.b)) {
		e.bad = true
		return nil
	}
	v := e.b[:n]
	e.b = e.b[n:]
	return v
}

// decodeExtra returns the xattrs and holes of a record. What is damaged is left
// out.
func (ix *Index) decodeExtra(r inodeRec) (xattrs map[string]string, holes []Extent) {
	o := r.extra()
	if o == 0 || uint64(o-1) > uint64(len(ix.extra)) {
		return nil, nil
	}
	e := extraReader{b: ix.extra[o-1:]}
	for n := e.u32(); n > 0 && !e.bad; n-- {
		nl, vl := e.u32(), e.u32()
		name, val := e.bytes(nl), e.bytes(vl)
		if e.bad {
			return xattrs, nil
		}
		if xattrs == nil {
			xattrs = make(map[string]string)
		}
		xattrs[string(name)] = string(val)
	}
	return xattrs, e.holes()
}

func (e *extraReader) holes() (holes []Extent) {
	end := int64(0)
	for n := e.u32(); n > 0 && !e.bad; n-- {
		b := e.bytes(16)
		if e.bad {
			break
		}
		h := Extent{int64(binary.LittleEndian.Uint64(b)), int64(binary.LittleEndian.Uint64(b[8:]))}
		if h.Offset < end || h.Len <= 0 || h.Offset+h.Len < h.Offset {
			break
		}
		end = h.Offset + h.Len
		holes = append(holes, h)
	}
	return holes
}

// appendExtra encodes a record with the names in order, so that equal trees
// have equal indexes.
func appendExtra(b []byte, xattrs map[string]string, holes []Extent) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, uint32(len(xattrs)))
	for _, k := range sortedKeys(xattrs) {
		b = le.AppendUint32(b, uint32(len(k)))
		b = le.AppendUint32(b, uint32(len(xattrs[k])))
		b = append(b, k...)
		b = append(b, xattrs[k]...)
	}
	b = le.AppendUint32(b, uint32(len(holes)))
	for _, h := range holes {
		b = le.AppendUint64(b, uint64(h.Offset))
		b = le.AppendUint64(b, uint64(h.Len))
	}
	return b
}
