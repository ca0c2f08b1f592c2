package vfs

import (
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
)

// pathCache remembers where paths led: whole ones, so that what is opened again and
// again is found by its path alone, and their directory parts, so that a program that
// opens one file after another under /usr/lib/python3/dist-packages walks there once.
// Only plain ways are kept: directories that everybody may search, no links, nothing
// mounted on them. So what is remembered holds for every Cred, and it ends when any
// directory of the FS is moved, removed or given other permissions. A whole path also
// ends when names come to its last directory or go; other attributes are not kept.
type pathCache struct {
	gen   uint64 // changed under FS.mu when what is kept may be wrong
	table atomic.Pointer[pathTable]
}

// pathTable is made when a path is first walked.
type pathTable struct {
	names [nameGens]uint32 // changed under FS.mu when a name comes to a directory or goes
	dirs  [pathSlots]pathSlot
	ends  [pathSlots]pathSlot
}

const (
	pathSlots  = 64
	nameGens   = 64  // directories share a counter by their number
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
	dir   step   // where its directory part leads, without its Mount
	ino   Ino    // of a whole path: the end
	names uint32 // likewise: what dir's counter was
	base  int    // likewise: where the last name begins
}

// drop forgets everything. The caller holds FS.mu for writing.
func (c *pathCache) drop() { c.gen++ }

// dropNames forgets the whole paths to entries of dir.
func (c *pathCache) dropNames(dir Ino) {
	if t := c.table.Load(); t != nil {
		t.names[dir%nameGens]++
	}
}

// slots returns the table.
func (c *pathCache) slots() *pathTable {
	if t := c.table.Load(); t != nil {
		return t
	}
	c.table.CompareAndSwap(nil, &pathTable{})
	return c.table.Load()
}

// dropPathsOf is called when ino loses a name.
func (fs *FS) dropPathsOf(ino Ino) {
	if mode, err := fs.mode(ino); err != nil || mode&linux.S_IFMT == linux.S_IFDIR {
		fs.paths.drop()
	}
}

// hash is where a path from start is remembered.
func (fs *FS) pathHash(start Ino, path string) uint64 {
	return maphash.String(fs.seed, path) ^ start*0x9e3779b97f4a7c15
}

// known returns what a slot remembers of a path from l, or nil.
func (fs *FS) known(s *pathSlot, l Loc, path string) *keptPath {
	p := s.kept.Load()
	if p == nil || p.gen != fs.paths.gen || p.start != l.Ino || p.kids != l.Mount.kids.Load() || p.path != path {
		return nil
	}
	return p
}

// recall returns where a whole path from l leads, if that is remembered, and its hash
// in any case. The caller holds fs.mu.
func (fs *FS) recall(l Loc, path string) (end step, p *keptPath, hash uint64) {
	hash = fs.pathHash(l.Ino, path)
	t := fs.paths.slots()
	p = fs.known(&t.ends[hash%pathSlots], l, path)
	if p == nil || p.names != t.names[p.dir.loc.Ino%nameGens] || fs.permOf(p.ino, &end) != nil {
		return end, nil, hash
	}
	end.loc = Loc{l.Mount, p.ino}
	return end, p, hash
}

// keep remembers a path the second time that it is walked.
func (fs *FS) keep(s *pathSlot, hash uint64, p keptPath) {
	if s.missed.Load() != hash {
		s.missed.Store(hash)
		return
	}
	p.gen, p.names = fs.paths.gen, fs.paths.slots().names[p.dir.loc.Ino%nameGens]
	p.path = strings.Clone(p.path)
	p.dir.loc.Mount = nil
	s.kept.Store(&p)
}

// open reports whether everybody may search the directory.
func (s *step) open() bool {
	const all = linux.S_IXUSR | linux.S_IXGRP | linux.S_IXOTH
	return s.mode&all == all
}
