package build

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"
	"maps"
	"slices"
)

// key sums up what decides about a step.
type key struct{ h hash.Hash }

// keyFormat changes whenever a step of the same key would do something else.
const keyFormat = "sbx build 1"

func newKey(kind string) *key {
	k := &key{sha256.New()}
	return k.add(keyFormat).add(kind)
}

// add adds strings, each with its length, so that no two lists look the same.
func (k *key) add(list ...string) *key {
	for _, s := range list {
		k.num(uint64(len(s)))
		io.WriteString(k.h, s)
	}
	return k
}

// list adds a list as a whole.
func (k *key) list(list []string) *key {
	k.num(uint64(len(list)))
	return k.add(list...)
}

func (k *key) num(list ...uint64) *key {
	var b [8]byte
	for _, n := range list {
		binary.LittleEndian.PutUint64(b[:], n)
		k.h.Write(b[:])
	}
	return k
}

func (k *key) sum() string { return hex.EncodeToString(k.h.Sum(nil)) }

// summer sums up the content of a copying: names, types, permissions, owners,
// attributes and bytes, but no times. The files come in the order of each.
type summer struct {
	k      *key
	inodes map[uint64]int
}

func newSummer() *summer { return &summer{newKey("content"), map[uint64]int{}} }

// source begins with a source.
func (s *summer) source(src *source) { s.k.add("source").num(bit(src.unpack)) }

// file adds what is known of a file; true when its content has to follow.
func (s *summer) file(it item) bool {
	e := it.entry
	if it.root { // which is there, but is not copied
		s.k.add("root")
		return false
	}
	s.k.add(it.rel, e.link).num(uint64(e.mode), uint64(e.uid), uint64(e.gid), e.rdev)
	for _, n := range slices.Sorted(maps.Keys(e.xattrs)) {
		s.k.add(n, e.xattrs[n])
	}
	if !e.isFile() {
		return false
	}
	if e.inode != 0 {
		if first, known := s.inodes[e.inode]; known {
			s.k.num(uint64(first))
			return false
		}
		s.inodes[e.inode] = len(s.inodes) + 1
	}
	return true
}

// content adds the bytes of a file, by their hash.
func (s *summer) content(h hash.Hash) { s.k.add(string(h.Sum(nil))) }

// digest sums the copying up. bytes is how much was read.
func (c *copying) digest(ctx context.Context) (sum string, bytes int64, err error) {
	s, buf := newSummer(), make([]byte, 128<<10)
	for i := range c.sources {
		src := &c.sources[i]
		s.source(src)
		err := c.each(src, func(it item) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if !s.file(it) {
				return nil
			}
			f, err := it.t.open(it.path)
			if err != nil {
				return err
			}
			defer f.Close()
			h := sha256.New()
			n, err := io.CopyBuffer(onlyWriter{h}, f, buf)
			bytes += n
			s.content(h)
			return err
		})
		if err != nil {
			return "", bytes, err
		}
	}
	return s.k.sum(), bytes, nil
}

// onlyWriter keeps io.CopyBuffer from asking for more than Write.
type onlyWriter struct{ io.Writer }

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
