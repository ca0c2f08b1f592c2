package dev

import (
	"sort"
	"strconv"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/pseudofs"
	"github.com/sbxrun/sbx/kernel/tty"
	"github.com/sbxrun/sbx/vfs"
)

// Inode numbers of devpts: the root, ptmx, then one for each terminal ever made.
const (
	ptsRoot  vfs.Ino = 1
	ptsPtmx  vfs.Ino = 2
	ptsFirst vfs.Ino = 3
)

// ptsNode is one live pseudo-terminal.
type ptsNode struct {
	tty  *tty.TTY
	ino  vfs.Ino
	attr vfs.Attr // mode, owner and times
}

// ptsFS is devpts: ptmx and one node for each live terminal.
type ptsFS struct {
	pseudofs.Base
	o     Options
	birth vfs.Timespec

	mu    sync.Mutex
	next  vfs.Ino
	byNum map[int]*ptsNode
	byIno map[vfs.Ino]*ptsNode
	ptmx  vfs.Attr
}

func newPtsFS(o Options) *ptsFS {
	f := &ptsFS{o: o, next: ptsFirst, byNum: map[int]*ptsNode{}, byIno: map[vfs.Ino]*ptsNode{}}
	f.birth = vfs.TimespecOf(o.Now())
	f.ptmx = f.newAttr(linux.S_IFCHR|0o666, 0, linux.Makedev(majorTTYAux, minorPtmx))
	f.ptmx.Ino, f.ptmx.GID = ptsPtmx, 0
	return f
}

func (f *ptsFS) newAttr(mode, uid uint32, rdev uint64) vfs.Attr {
	now := vfs.TimespecOf(f.o.Now())
	return vfs.Attr{Dev: f.o.PtsDev, Mode: mode, Nlink: 1, UID: uid, GID: f.o.TTYGID, Rdev: rdev,
		Blksize: 1024, Atime: now, Mtime: now, Ctime: now, Btime: now}
}

// add makes a terminal with the lowest free number.
func (f *ptsFS) add(c tty.Config, uid uint32) (*tty.TTY, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.byNum) >= f.o.MaxPtys {
		return nil, linux.ENOSPC
	}
	c.Index = 0
	for f.byNum[c.Index] != nil {
		c.Index++
	}
	n := &ptsNode{tty: tty.New(c), ino: f.next}
	f.next++
	n.attr = f.newAttr(linux.S_IFCHR|0o620, uid, n.tty.Rdev())
	n.attr.Ino = n.ino
	f.byNum[c.Index], f.byIno[n.ino] = n, n
	n.tty.OnClose(func() { f.remove(n) })
	return n.tty, nil
}

func (f *ptsFS) remove(n *ptsNode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.byNum, n.tty.Index())
	delete(f.byIno, n.ino)
}

func (f *ptsFS) find(num int) *tty.TTY {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.byNum[num]; n != nil {
		return n.tty
	}
	return nil
}

// Type is "devpts".
func (f *ptsFS) Type() string { return "devpts" }

// Dev is the number of Options.
func (f *ptsFS) Dev() uint64 { return f.o.PtsDev }

// Root is the only directory.
func (f *ptsFS) Root() vfs.Ino { return ptsRoot }

// Statfs has no numbers to tell.
func (f *ptsFS) Statfs() (linux.Statfs, error) {
	return linux.Statfs{Type: linux.DEVPTS_SUPER_MAGIC, Bsize: 4096, Frsize: 4096, Namelen: 255}, nil
}

// Lookup finds ptmx and N.
func (f *ptsFS) Lookup(dir vfs.Ino, name string) (vfs.Ino, error) {
	if dir != ptsRoot {
		return 0, linux.ENOTDIR
	}
	if name == "ptmx" {
		return ptsPtmx, nil
	}
	num, err := strconv.Atoi(name)
	if err != nil || strconv.Itoa(num) != name {
		return 0, linux.ENOENT
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.byNum[num]; n != nil {
		return n.ino, nil
	}
	return 0, linux.ENOENT
}

// Parent knows the root only.
func (f *ptsFS) Parent(dir vfs.Ino) (vfs.Ino, string, error) {
	if dir != ptsRoot {
		return 0, "", linux.ENOTDIR
	}
	return ptsRoot, "", nil
}

// Getattr tells of ptmx and of live terminals; ENOENT once one is gone.
func (f *ptsFS) Getattr(ino vfs.Ino, a *vfs.Attr) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ino == ptsRoot {
		*a = vfs.Attr{Dev: f.o.PtsDev, Ino: ino, Mode: linux.S_IFDIR | 0o755, Nlink: 2, Blksize: 1024,
			Atime: f.birth, Mtime: f.birth, Ctime: f.birth, Btime: f.birth}
		return nil
	}
	p, err := f.attr(ino)
	if err == nil {
		*a = *p
	}
	return err
}

func (f *ptsFS) attr(ino vfs.Ino) (*vfs.Attr, error) {
	if ino == ptsPtmx {
		return &f.ptmx, nil
	}
	if n := f.byIno[ino]; n != nil {
		return &n.attr, nil
	}
	return nil, linux.ENOENT
}

// Setattr changes mode, owner and times, as login and mesg do.
func (f *ptsFS) Setattr(ino vfs.Ino, s *vfs.SetAttr) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ino == ptsRoot {
		return nil
	}
	a, err := f.attr(ino)
	if err != nil {
		return err
	}
	pseudofs.Apply(a, s, vfs.TimespecOf(f.o.Now()))
	return nil
}

// Readlink finds no links.
func (f *ptsFS) Readlink(vfs.Ino) (string, error) { return "", linux.EINVAL }

// Open opens the directory; terminals are opened through Devices.
func (f *ptsFS) Open(ino vfs.Ino, _ int) (vfs.Handle, error) {
	if ino != ptsRoot {
		return nil, linux.ENXIO
	}
	return &pseudofs.Dir{Self: ptsRoot, Parent: ptsRoot, List: f.list}, nil
}

// list uses 3 as the cookie of ptmx and 4+N for terminal N.
func (f *ptsFS) list(after uint64, fn func(vfs.DirEntry) bool) error {
	for _, e := range f.entries() {
		if e.Cookie > after && !fn(e) {
			break
		}
	}
	return nil
}

func (f *ptsFS) entries() []vfs.DirEntry {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := []vfs.DirEntry{{Name: "ptmx", Ino: ptsPtmx, Type: linux.DT_CHR, Cookie: 3}}
	for num, n := range f.byNum {
		out = append(out, vfs.DirEntry{Name: strconv.Itoa(num), Ino: n.ino, Type: linux.DT_CHR, Cookie: uint64(num) + 4})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Cookie < out[j].Cookie })
	return out
}
