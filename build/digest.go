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

// digest sums up the content of a copying: names, types, permissions, owners,
// attributes and bytes, but no times. bytes is how much was read.
func (c *copying) digest(ctx context.Context) (sum string, bytes int64, err error) {
	k := newKey("content")
	buf := make([]byte, 128<<10)
	inodes := map[uint64]int{}
	for i := range c.sources {
		s := &c.sources[i]
		k.add("source").num(bit(s.unpack))
		err := c.each(s, func(it item) error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			n, err := k.file(it, inodes, buf)
			bytes += n
			return err
		})
		if err != nil {
			return "", bytes, err
		}
	}
	return k.sum(), bytes, nil
}

// file adds one file.
func (k *key) file(it item, inodes map[uint64]int, buf []byte) (int64, error) {
	e := it.entry
	if it.root { // which is there, but is not copied
		k.add("root")
		return 0, nil
	}
	k.add(it.rel, e.link).num(uint64(e.mode), uint64(e.uid), uint64(e.gid), e.rdev)
	for _, n := range slices.Sorted(maps.Keys(e.xattrs)) {
		k.add(n, e.xattrs[n])
	}
	if !e.isFile() {
		return 0, nil
	}
	if e.inode != 0 {
		first, known := inodes[e.inode]
		if known {
			k.num(uint64(first))
			return 0, nil
		}
		inodes[e.inode] = len(inodes) + 1
	}
	f, err := it.t.open(it.path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	content := sha256.New()
	n, err := io.CopyBuffer(onlyWriter{content}, f, buf)
	k.num(uint64(n)).add(string(content.Sum(nil)))
	return n, err
}

// onlyWriter keeps io.CopyBuffer from asking for more than Write.
type onlyWriter struct{ io.Writer }

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}
