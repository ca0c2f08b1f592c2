package shell

import (
	"slices"
	"sort"
)

// array is an indexed array: elems[i] has the index idx[i], or i when idx is nil.
type array struct {
	elems []string
	idx   []int64
}

func newArray(elems []string) *array { return &array{elems: elems} }

func (a *array) clone() *array {
	return &array{elems: slices.Clone(a.elems), idx: slices.Clone(a.idx)}
}

// find gives the place of index i, and whether it is taken.
func (a *array) find(i int64) (int, bool) {
	if a.idx == nil {
		if i < int64(len(a.elems)) {
			return int(i), true
		}
		return len(a.elems), false
	}
	return slices.BinarySearch(a.idx, i)
}

func (a *array) get(i int64) (string, bool) {
	if p, ok := a.find(i); ok {
		return a.elems[p], true
	}
	return "", false
}

func (a *array) set(i int64, v string) {
	p, ok := a.find(i)
	if ok {
		a.elems[p] = v
		return
	}
	if a.idx == nil && i != int64(len(a.elems)) {
		a.idx = a.indexes()
	}
	a.elems = slices.Insert(a.elems, p, v)
	if a.idx != nil {
		a.idx = slices.Insert(a.idx, p, i)
	}
}

func (a *array) unset(i int64) {
	p, ok := a.find(i)
	if !ok {
		return
	}
	if a.idx == nil && p != len(a.elems)-1 {
		a.idx = a.indexes()
	}
	a.elems = slices.Delete(a.elems, p, p+1)
	if a.idx != nil {
		a.idx = slices.Delete(a.idx, p, p+1)
	}
}

// next is the index that an append takes.
func (a *array) next() int64 {
	if a.idx == nil {
		return int64(len(a.elems))
	}
	if len(a.idx) == 0 {
		return 0
	}
	return a.idx[len(a.idx)-1] + 1
}

func (a *array) indexes() []int64 {
	if a.idx != nil {
		return slices.Clone(a.idx)
	}
	out := make([]int64, len(a.elems), len(a.elems)+1)
	for i := range out {
		out[i] = int64(i)
	}
	return out
}

// assoc is an associative array. Its order is the order of bash's hash table,
// so that scripts that print one see what they see under bash.
type assoc struct {
	m     map[string]string
	seq   map[string]int
	count int
}

func newAssoc() *assoc { return &assoc{m: map[string]string{}, seq: map[string]int{}} }

func (a *assoc) clone() *assoc {
	n := newAssoc()
	for k, v := range a.m {
		n.m[k], n.seq[k] = v, a.seq[k]
	}
	n.count = a.count
	return n
}

func (a *assoc) set(k, v string) {
	if _, ok := a.m[k]; !ok {
		a.count++
		a.seq[k] = a.count
	}
	a.m[k] = v
}

func (a *assoc) unset(k string) {
	delete(a.m, k)
	delete(a.seq, k)
}

// assocBuckets is the size of bash's table for associative arrays.
const assocBuckets = 1024

func (a *assoc) keys() []string {
	keys := make([]string, 0, len(a.m))
	for k := range a.m {
		keys = append(keys, k)
	}
	buckets := uint32(assocBuckets)
	for len(keys) > int(buckets)*2 {
		buckets *= 4
	}
	sort.Slice(keys, func(i, j int) bool {
		hi, hj := fnv1(keys[i])&(buckets-1), fnv1(keys[j])&(buckets-1)
		if hi != hj {
			return hi < hj
		}
		return a.seq[keys[i]] > a.seq[keys[j]]
	})
	return keys
}

func fnv1(s string) uint32 {
	h := uint32(2166136261)
	for i := 0; i < len(s); i++ {
		h = h*16777619 ^ uint32(s[i])
	}
	return h
}
