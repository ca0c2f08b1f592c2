package vfs

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// dirBody is what the upper layer knows of a directory: where it is, and how
// its entries differ from the index.
type dirBody struct {
	epoch  uint64
	parent Ino
	name   string
	delta  *dirDelta // nil: as in the index, or empty
}

// dirDelta is the change of a directory's entries. Entries keep the order in
// which they came, and with it their cookie.
type dirDelta struct {
	epoch   uint64
	hidden  []uint64 // bit for each entry of the index that is gone
	nhidden int
	ents    []dent   // by seq; ino 0 is a removed one
	table   []uint32 // open addressing: position in ents plus 1; nil while small
	live    int
	seq     uint32
}

type dent struct {
	name string
	ino  Ino
	hash uint32
	seq  uint32
}

const smallDir = 8 // up to this many entries are searched in order

func (d *dirDelta) clone(epoch uint64) *dirDelta {
	c := *d
	c.epoch = epoch
	c.hidden, c.ents, c.table = slices.Clone(d.hidden), slices.Clone(d.ents), slices.Clone(d.table)
	return &c
}

func (d *dirDelta) isHidden(pos int) bool {
	return pos>>6 < len(d.hidden) && d.hidden[pos>>6]>>(pos&63)&1 != 0
}

func (d *dirDelta) hide(pos, total int) {
	if d.hidden == nil {
		d.hidden = make([]uint64, (total+63)/64)
	}
	d.hidden[pos>>6] |= 1 << (pos & 63)
	d.nhidden++
}

// find returns the position of a name in ents, or -1.
func (d *dirDelta) find(seed maphash.Seed, name string) int {
	if d.live == 0 {
		return -1
	}
	h := uint32(maphash.String(seed, name))
	if d.table == nil {
		for i := range d.ents {
			if e := &d.ents[i]; e.hash == h && e.ino != 0 && e.name == name {
				return i
			}
		}
		return -1
	}
	mask := uint32(len(d.table) - 1)
	for s := h & mask; d.table[s] != 0; s = (s + 1) & mask {
		if e := &d.ents[d.table[s]-1]; e.hash == h && e.ino != 0 && e.name == name {
			return int(d.table[s] - 1)
		}
	}
	return -1
}

// add appends an entry whose name is not there.
func (d *dirDelta) add(seed maphash.Seed, name string, ino Ino) {
	if len(d.ents) >= smallDir && len(d.ents) > 2*d.live || d.seq == ^uint32(0) {
		d.compact()
	}
	d.seq++
	h := uint32(maphash.String(seed, name))
	d.ents = append(d.ents, dent{strings.Clone(name), ino, h, d.seq})
	d.live++
	if len(d.ents) <= smallDir {
		return
	}
	if len(d.ents)*4 > len(d.table)*3 {
		d.rehash()
		return
	}
	d.link(len(d.ents) - 1)
}

func (d *dirDelta) link(pos int) {
	mask := uint32(len(d.table) - 1)
	s := d.ents[pos].hash & mask
	for d.table[s] != 0 {
		s = (s + 1) & mask
	}
	d.table[s] = uint32(pos + 1)
}

func (d *dirDelta) rehash() {
	n := 16
	for n*3 < len(d.ents)*4+4 {
		n *= 2
	}
	d.table = make([]uint32, n)
	for i := range d.ents {
		d.link(i)
	}
}

func (d *dirDelta) remove(pos int) {
	d.ents[pos] = dent{seq: d.ents[pos].seq, hash: d.ents[pos].hash}
	d.live--
	if d.live == 0 {
		d.ents, d.table = nil, nil
	}
}

// compact drops the removed entries; the others keep their cookies, unless the
// numbers of four thousand million entries are used up.
func (d *dirDelta) compact() {
	d.ents = slices.DeleteFunc(d.ents, func(e dent) bool { return e.ino == 0 })
	d.table = nil
	if d.seq == ^uint32(0) {
		for i := range d.ents {
			d.ents[i].seq = uint32(i + 1)
		}
		d.seq = uint32(len(d.ents))
	}
	if len(d.ents) > smallDir {
		d.rehash()
	}
}

// dirRef is a directory as the lookups need it: what is below, what is above.
type dirRef struct {
	rec   inodeRec // nil: nothing below
	node  *node    // nil: not changed
	delta *dirDelta
}

// dirOf finds a directory. ENOTDIR when ino is something else.
func (fs *FS) dirOf(ino Ino) (d dirRef, err error) {
	d.node, d.rec, err = fs.find(ino)
	if err != nil {
		return d, err
	}
	if d.node == nil {
		if d.rec.mode()&linux.S_IFMT != linux.S_IFDIR {
			return d, linux.ENOTDIR
		}
		return d, nil
	}
	if !d.node.isDir() {
		return d, linux.ENOTDIR
	}
	if ino <= fs.nlower {
		d.rec = fs.ix.rec(ino)
	}
	if b := d.node.dir(); b != nil {
		d.delta = b.delta
	}
	return d, nil
}

// lookupIn finds a name; the position is that in the upper (low false) or lower
// entries.
func (fs *FS) lookupIn(d *dirRef, name string) (ino Ino, pos int, low bool, err error) {
	if d.delta != nil {
		if i := d.delta.find(fs.seed, name); i >= 0 {
			return d.delta.ents[i].ino, i, false, nil
		}
	}
	if d.rec != nil {
		ino, pos, ok := fs.ix.lookup(d.rec, name)
		if ok && (d.delta == nil || !d.delta.isHidden(pos)) {
			return ino, pos, true, nil
		}
	}
	return 0, 0, false, linux.ENOENT
}

// size returns how many entries a directory has.
func (fs *FS) entryCount(d *dirRef) int {
	n := 0
	if d.rec != nil {
		n = len(fs.ix.entries(d.rec)) / direntSize
	}
	if d.delta != nil {
		n += d.delta.live - d.delta.nhidden
	}
	return n
}

// ownDir returns the node and the body of a directory to change.
func (fs *FS) ownDir(ino Ino) (*node, *dirBody, error) {
	n, err := fs.own(ino)
	if err != nil {
		return nil, nil, err
	}
	if !n.isDir() {
		return nil, nil, linux.ENOTDIR
	}
	b := n.dir()
	switch {
	case b == nil:
		b = &dirBody{epoch: fs.epoch}
		b.parent, b.name = fs.lowerParent(ino)
		n.body = b
	case b.epoch != fs.epoch:
		c := *b
		c.epoch = fs.epoch
		b = &c
		n.body = b
	}
	return n, b, nil
}

// ownDelta returns a directory's delta to change.
func (fs *FS) ownDelta(ino Ino) (*node, *dirDelta, error) {
	n, b, err := fs.ownDir(ino)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case b.delta == nil:
		b.delta = &dirDelta{epoch: fs.epoch}
	case b.delta.epoch != fs.epoch:
		b.delta = b.delta.clone(fs.epoch)
	}
	return n, b.delta, nil
}

// lowerParent returns where the index has a directory.
func (fs *FS) lowerParent(ino Ino) (Ino, string) {
	if ino == rootIno || ino > fs.nlower {
		return rootIno, ""
	}
	r := fs.ix.rec(ino)
	if r == nil {
		return rootIno, ""
	}
	if e := r.ownEntry(); e < fs.ix.ndirents {
		d := direntRec(fs.ix.dirents[int(e)*direntSize : int(e+1)*direntSize])
		return r.parent(), string(fs.ix.name(d))
	}
	return r.parent(), ""
}

// enter adds or replaces an entry. The caller checked that this is allowed.
func (fs *FS) enter(dir Ino, name string, ino Ino) error {
	d, err := fs.dirOf(dir)
	if err != nil {
		return err
	}
	old, pos, low, lerr := fs.lookupIn(&d, name)
	_, delta, err := fs.ownDelta(dir)
	if err != nil {
		return err
	}
	fs.paths.dropNames(dir)
	switch {
	case lerr != nil:
	case low:
		fs.dropPathsOf(old)
		delta.hide(pos, fs.ix.count(dir))
	default:
		fs.dropPathsOf(old)
		delta.ents[pos].ino = ino
		return nil
	}
	delta.add(fs.seed, name, ino)
	return nil
}

// leave removes an entry that is there.
func (fs *FS) leave(dir Ino, name string) error {
	d, err := fs.dirOf(dir)
	if err != nil {
		return err
	}
	ino, pos, low, err := fs.lookupIn(&d, name)
	if err != nil {
		return err
	}
	_, delta, err := fs.ownDelta(dir)
	if err != nil {
		return err
	}
	fs.paths.dropNames(dir)
	fs.dropPathsOf(ino)
	if low {
		delta.hide(pos, fs.ix.count(dir))
		return nil
	}
	delta.remove(pos)
	return nil
}
