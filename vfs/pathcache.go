package vfs

import (
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
)

// pathCache remembers where the directory part of a path led, so that a program
// that opens one file after another under /usr/lib/python3/dist-packages walks
// there once. Only plain ways are kept: directories that everybody may search,
// no links, nothing mounted on them. So what is remembered holds for every Cred,
// and it ends when any directory of the FS is moved, removed or given other
// permissions; files come and go without disturbing it.
type pathCache struct {
	gen   uint64 // changed under FS.mu when what is kept may be wrong
	slots [pathSlots]pathSlot
}

const (
	pathSlots  = 64
	maxPathKey = 512 // longer paths are walked each time: bounds the memory
)

type pathSlot struct {
	kept   atomic.Pointer[keptPath]
	missed atomic.Uint64 // hash of the last one that was not here: the second time it is kept
}

type keptPath struct {
	gen   uint64
	kids  *[]*Mount // of the mount that was walked, by identity
	start Ino
	path  string
	dir   step // without its Mount
}

// drop forgets everything. The caller holds FS.mu for writing.
func (c *pathCache) drop() { c.gen++ }

// dropPathsOf is called when ino loses a name.
func (fs *FS) dropPathsOf(ino Ino) {
	if mode, err := fs.mode(ino); err != nil || mode&linux.S_IFMT == linux.S_IFDIR {
		fs.paths.drop()
	}
}

func (c *pathCache) slot(seed maphash.Seed, start Ino, path string) (*pathSlot, uint64) {
	h := maphash.String(seed, path) ^ start*0x9e3779b97f4a7c15
	return &c.slots[h%pathSlots], h
}

// jump goes where path, which ends before a slash, leads from k.cur, if that
// is known.
func (fs *FS) jump(k *walk, kids *[]*Mount, s *pathSlot, path string) bool {
	p := s.kept.Load()
	if p == nil || p.gen != fs.paths.gen || p.start != k.cur.loc.Ino || p.kids != kids || p.path != path {
		return false
	}
	m := k.cur.loc.Mount
	k.cur = p.dir
	k.cur.loc.Mount = m
	return true
}

// keep remembers that path leads from start to dir.
func (fs *FS) keep(kids *[]*Mount, s *pathSlot, hash uint64, start Ino, path string, dir *step) {
	if s.missed.Swap(hash) != hash {
		return
	}
	p := &keptPath{gen: fs.paths.gen, kids: kids, start: start, path: strings.Clone(path), dir: *dir}
	p.dir.loc.Mount = nil
	s.kept.Store(p)
}

// open reports whether everybody may search the directory.
func (s *step) open() bool {
	const all = linux.S_IXUSR | linux.S_IXGRP | linux.S_IXOTH
	return s.mode&all == all
}
