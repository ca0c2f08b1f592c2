package ipc

import (
	"maps"
	"slices"

	"github.com/sbxrun/sbx/abi/linux"
)

// An identifier is an index and, above it, a number that tells those apart who had
// the same index.
const (
	indexBits = 15
	indexMask = 1<<indexBits - 1
	maxSeq    = 1<<(31-indexBits) - 1
	minCycle  = 64 // indices that are gone through before one is used again
)

// header is what all objects have.
type header struct {
	perm    linux.IPCPerm
	id      int
	removed bool
}

func (h *header) head() *header { return h }

type object interface{ head() *header }

// table finds objects by their identifiers and keys.
type table[T object] struct {
	limit int
	items map[int]T
	keys  map[int32]int // indices
	next  int           // index to try first
	last  int           // index of the object made last
	seq   uint16
}

func newTable[T object](limit int) table[T] {
	return table[T]{limit: limit, items: map[int]T{}, keys: map[int32]int{}, last: -1}
}

// reserve finds an index and makes a header of it; nothing is in the table yet.
func (t *table[T]) reserve(c *Caller, key int32, flags int) (header, error) {
	if len(t.items) >= t.limit {
		return header{}, linux.ENOSPC
	}
	end := min(max(len(t.items)*3/2, minCycle), 1<<indexBits)
	at := t.next
	for ; at < end; at++ {
		if _, used := t.items[at]; !used {
			break
		}
	}
	if at >= end {
		for at = 0; ; at++ {
			if _, used := t.items[at]; !used {
				break
			}
		}
	}
	seq := t.seq
	if at <= t.last {
		if seq++; seq >= maxSeq {
			seq = 0
		}
	}
	h := header{id: int(seq)<<indexBits | at}
	h.perm = linux.IPCPerm{Key: key, UID: c.UID, GID: c.GID, CUID: c.UID, CGID: c.GID, Mode: uint32(flags) & 0o777, Seq: seq}
	return h, nil
}

// add puts an object into the table whose header came from reserve.
func (t *table[T]) add(o T) {
	h := o.head()
	at := h.id & indexMask
	t.items[at] = o
	t.last, t.next, t.seq = at, at+1, h.perm.Seq
	if h.perm.Key != linux.IPC_PRIVATE {
		t.keys[h.perm.Key] = at
	}
}

// remove takes an object out.
func (t *table[T]) remove(o T) {
	h := o.head()
	h.removed = true
	t.hide(o)
	delete(t.items, h.id&indexMask)
}

// hide makes an object one without a key.
func (t *table[T]) hide(o T) {
	if h := o.head(); h.perm.Key != linux.IPC_PRIVATE {
		delete(t.keys, h.perm.Key)
		h.perm.Key = linux.IPC_PRIVATE
	}
}

// find returns the object of an identifier, or EINVAL.
func (t *table[T]) find(id int) (o T, err error) {
	o, err = t.at(id)
	if err == nil && o.head().id != id {
		err = linux.EINVAL
	}
	return o, err
}

// at is find by index, as the *_STAT commands ask.
func (t *table[T]) at(index int) (o T, err error) {
	o, ok := t.items[index&indexMask]
	if index < 0 || !ok {
		err = linux.EINVAL
	}
	return o, err
}

// permitted is find for who needs rights.
func (t *table[T]) permitted(c *Caller, id int, rights uint32) (o T, err error) {
	if o, err = t.find(id); err == nil && !c.may(&o.head().perm, rights) {
		err = linux.EACCES
	}
	return o, err
}

// owned is find for who changes or removes.
func (t *table[T]) owned(c *Caller, id int) (o T, err error) {
	if o, err = t.find(id); err == nil && !c.owns(&o.head().perm) {
		err = linux.EPERM
	}
	return o, err
}

// stat is find for IPC_STAT, *_STAT and *_STAT_ANY.
func (t *table[T]) stat(c *Caller, id int, byIndex, anybody bool) (o T, err error) {
	if byIndex {
		o, err = t.at(id)
	} else {
		o, err = t.find(id)
	}
	if err == nil && !anybody && !c.may(&o.head().perm, readable) {
		err = linux.EACCES
	}
	return o, err
}

// get is what shmget, semget and msgget have in common. fits says whether an object
// that is there will do.
func (t *table[T]) get(c *Caller, key int32, flags int, fits func(o T) bool, make func(h header) error) (int, error) {
	if key != linux.IPC_PRIVATE {
		if at, ok := t.keys[key]; ok {
			o := t.items[at]
			h := o.head()
			switch {
			case flags&linux.IPC_CREAT != 0 && flags&linux.IPC_EXCL != 0:
				return 0, linux.EEXIST
			case !fits(o):
				return 0, linux.EINVAL
			case !c.may(&h.perm, uint32(flags)):
				return 0, linux.EACCES
			}
			return h.id, nil
		}
		if flags&linux.IPC_CREAT == 0 {
			return 0, linux.ENOENT
		}
	}
	h, err := t.reserve(c, key, flags)
	if err != nil {
		return 0, err
	}
	return h.id, make(h)
}

// highest is the index that the *_INFO commands return.
func (t *table[T]) highest() int {
	top := 0
	for at := range t.items {
		top = max(top, at)
	}
	return top
}

// sorted lists the objects by index.
func (t *table[T]) sorted() []T {
	var out []T
	for _, at := range slices.Sorted(maps.Keys(t.items)) {
		out = append(out, t.items[at])
	}
	return out
}

// change is IPC_SET.
func (h *header) change(uid, gid, mode uint32) {
	h.perm.UID, h.perm.GID = uid, gid
	h.perm.Mode = h.perm.Mode&^0o777 | mode&0o777
}
