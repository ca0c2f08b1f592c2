package vfs

import (
	"fmt"
	"path"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// mergeNode is an inode of the tree that BuildIndex merges. Hard links share it.
type mergeNode struct {
	e     *LayerEntry
	layer int
	kids  map[string]*mergeNode // directories
	ino   Ino                   // given when the tree is written
	nlink uint32
	first uint64 // first entry (directories), string offset (links)
	up    *mergeNode
	entry uint32 // own entry (directories)
}

func (n *mergeNode) isDir() bool { return n.e.Mode&linux.S_IFMT == linux.S_IFDIR }

// merger puts layers over each other.
type merger struct {
	root    *mergeNode
	lim     Limits
	entries int
	strings int64
	xattrs  int64
}

func newDirNode(mtime Timespec, layer int) *mergeNode {
	return &mergeNode{e: &LayerEntry{Mode: linux.S_IFDIR | 0o755, Mtime: mtime}, layer: layer, kids: map[string]*mergeNode{}}
}

// add applies one layer: first what it hides of the lower ones, then its
// entries in order, so that the order within the layer does not matter for
// whiteouts and the last duplicate wins.
func (m *merger) add(layer int, es []LayerEntry) error {
	if err := m.count(es); err != nil {
		return err
	}
	for i := range es {
		if isWhiteout(path.Base(es[i].Path)) {
			if err := m.hide(&es[i]); err != nil {
				return err
			}
		}
	}
	for i := range es {
		if isWhiteout(path.Base(es[i].Path)) {
			continue
		}
		if err := m.put(layer, &es[i]); err != nil {
			return err
		}
	}
	return nil
}

// count enforces the limits before anything is built.
func (m *merger) count(es []LayerEntry) error {
	m.entries += len(es)
	for i := range es {
		m.strings += int64(len(es[i].Path) + len(es[i].Link))
		m.xattrs += es[i].xattrBytes()
	}
	for _, c := range []struct {
		have, max int64
		what      string
	}{
		{int64(m.entries), int64(m.lim.Entries), "entries"},
		{m.strings, m.lim.Strings, "bytes of names"},
		{m.xattrs, m.lim.XattrBytes, "bytes of xattrs"},
	} {
		if c.max > 0 && c.have > c.max {
			return fmt.Errorf("image has more than %d %s", c.max, c.what)
		}
	}
	return nil
}

// find walks to a path without following links; nil when it is not there.
func (m *merger) find(p string) *mergeNode {
	n := m.root
	for p != "" && n != nil {
		var name string
		name, p, _ = strings.Cut(p, "/")
		n = n.kids[name]
	}
	return n
}

func splitPath(p string) (dir, base string) {
	if i := strings.LastIndexByte(p, '/'); i >= 0 {
		return p[:i], p[i+1:]
	}
	return "", p
}

func (m *merger) hide(e *LayerEntry) error {
	p, err := cleanPath(e.Path, &m.lim)
	if err != nil {
		return err
	}
	dir, base := splitPath(p)
	if !isWhiteout(base) {
		return layerErr(e.Path, "unclean whiteout")
	}
	name, opaque, skip, err := whiteout(base)
	if err != nil || skip {
		return err
	}
	d := m.find(dir)
	if d == nil || d.kids == nil {
		return nil // hides nothing
	}
	if opaque {
		clear(d.kids)
		return nil
	}
	delete(d.kids, name)
	return nil
}

func (m *merger) put(layer int, e *LayerEntry) error {
	p, err := cleanPath(e.Path, &m.lim)
	if err != nil {
		return err
	}
	if err := e.check(); err != nil {
		return err
	}
	n := &mergeNode{e: e, layer: layer}
	if !e.Hard && n.isDir() {
		n.kids = map[string]*mergeNode{}
	}
	if p == "" {
		if e.Hard || !n.isDir() {
			return layerErr(e.Path, "the root is a directory")
		}
		m.root.e = e
		return nil
	}
	dirPath, base := splitPath(p)
	if isWhiteout(base) {
		return layerErr(e.Path, "unclean whiteout")
	}
	if e.Hard {
		if n, err = m.hardTarget(e); err != nil {
			return err
		}
	}
	d, err := m.parents(dirPath, e.Mtime, layer)
	if err != nil {
		return err
	}
	if old := d.kids[base]; old != nil && old.isDir() && n.isDir() {
		old.e, old.layer = e, layer
		return nil
	}
	d.kids[base] = n
	return nil
}

// parents finds or makes the directories of a path. What is no directory there,
// a link above all, is replaced and never followed.
func (m *merger) parents(p string, mtime Timespec, layer int) (*mergeNode, error) {
	n := m.root
	for p != "" {
		var name string
		name, p, _ = strings.Cut(p, "/")
		next := n.kids[name]
		if next == nil || !next.isDir() {
			if m.entries++; m.lim.Entries > 0 && m.entries > m.lim.Entries {
				return nil, fmt.Errorf("image has more than %d entries", m.lim.Entries)
			}
			next = newDirNode(mtime, layer)
			n.kids[name] = next
		}
		n = next
	}
	return n, nil
}

// hardTarget finds what a hard link points to: it must be in the tree that was
// merged so far, and no directory.
func (m *merger) hardTarget(e *LayerEntry) (*mergeNode, error) {
	p, err := cleanPath(e.Link, &m.lim)
	if err != nil {
		return nil, err
	}
	n := m.find(p)
	if n == nil {
		return nil, layerErr(e.Path, fmt.Sprintf("hard link to %q, which is not there", e.Link))
	}
	if n.isDir() {
		return nil, layerErr(e.Path, "hard link to a directory")
	}
	return n, nil
}
