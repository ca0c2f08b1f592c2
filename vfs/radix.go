package vfs

const (
	radixBits = 6
	radixFan  = 1 << radixBits
)

// radix is a persistent sparse array of pointers. Branches belong to the epoch
// that made them; a change under another epoch copies the path first, so copies
// of the radix struct are snapshots.
type radix[T any] struct {
	root   *branch[T]
	height uint // levels below and with root; 0 is empty
}

// branch has kids, or on the lowest level vals.
type branch[T any] struct {
	epoch uint64
	live  int32
	kids  *[radixFan]*branch[T]
	vals  *[radixFan]*T
}

// get returns what is at i, or nil.
func (r *radix[T]) get(i uint64) *T {
	if r.height == 0 || r.height*radixBits < 64 && i>>(r.height*radixBits) != 0 {
		return nil
	}
	b := r.root
	for h := r.height - 1; h > 0; h-- {
		if b = b.kids[i>>(h*radixBits)%radixFan]; b == nil {
			return nil
		}
	}
	return b.vals[i%radixFan]
}

// set puts v at i; nil removes what is there.
func (r *radix[T]) set(epoch, i uint64, v *T) {
	if v == nil && r.get(i) == nil {
		return
	}
	for r.height == 0 || r.height*radixBits < 64 && i>>(r.height*radixBits) != 0 {
		r.grow(epoch)
	}
	r.root = r.root.put(epoch, r.height-1, i, v)
	if r.root == nil {
		r.height = 0
	}
}

func (r *radix[T]) grow(epoch uint64) {
	r.height++
	if r.root == nil {
		r.root = newBranch[T](epoch, r.height-1)
		return
	}
	b := newBranch[T](epoch, r.height-1)
	b.kids[0], b.live = r.root, 1
	r.root = b
}

func newBranch[T any](epoch uint64, level uint) *branch[T] {
	if level == 0 {
		return &branch[T]{epoch: epoch, vals: new([radixFan]*T)}
	}
	return &branch[T]{epoch: epoch, kids: new([radixFan]*branch[T])}
}

// own returns b, or a copy of it when it belongs to another epoch.
func (b *branch[T]) own(epoch uint64) *branch[T] {
	if b.epoch == epoch {
		return b
	}
	c := &branch[T]{epoch: epoch, live: b.live}
	if b.kids != nil {
		k := *b.kids
		c.kids = &k
	} else {
		v := *b.vals
		c.vals = &v
	}
	return c
}

// put sets i below b and returns the branch to keep: nil when it became empty.
func (b *branch[T]) put(epoch uint64, level uint, i uint64, v *T) *branch[T] {
	b = b.own(epoch)
	slot := i >> (level * radixBits) % radixFan
	var had, has bool
	if level == 0 {
		had, has = b.vals[slot] != nil, v != nil
		b.vals[slot] = v
	} else {
		k := b.kids[slot]
		had = k != nil
		if k == nil {
			k = newBranch[T](epoch, level-1)
		}
		k = k.put(epoch, level-1, i, v)
		has = k != nil
		b.kids[slot] = k
	}
	switch {
	case has && !had:
		b.live++
	case had && !has:
		b.live--
	}
	if b.live == 0 {
		return nil
	}
	return b
}

// each calls fn in order for what is at from and after it, until fn answers
// false.
func (r *radix[T]) each(from uint64, fn func(i uint64, v *T) bool) {
	if r.height == 0 || r.height*radixBits < 64 && from>>(r.height*radixBits) != 0 {
		return
	}
	r.root.each(r.height-1, 0, from, fn)
}

func (b *branch[T]) each(level uint, base, from uint64, fn func(uint64, *T) bool) bool {
	first := uint64(0)
	if from > base {
		first = (from - base) >> (level * radixBits)
	}
	for s := first; s < radixFan; s++ {
		at := base + s<<(level*radixBits)
		if level == 0 {
			if v := b.vals[s]; v != nil && !fn(at, v) {
				return false
			}
		} else if k := b.kids[s]; k != nil && !k.each(level-1, at, from, fn) {
			return false
		}
	}
	return true
}
