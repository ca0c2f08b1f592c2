package vfs

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// ApplyTar puts a layer, such as Diff wrote, onto the FS. Parents are never
// followed through links; whiteouts hide what was there before the call;
// hard links must point to files of the tree. The quota and DefaultLimits bound
// it. After an error the tree holds what was applied so far.
func (fs *FS) ApplyTar(r io.Reader) error {
	return fs.ApplyTarLimits(r, DefaultLimits())
}

// ApplyTarLimits is ApplyTar with other limits.
func (fs *FS) ApplyTarLimits(r io.Reader, lim Limits) error {
	a := &applier{fs: fs, lim: lim, fresh: make(map[entryKey]bool), cleared: make(map[Ino]bool)}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return a.settle()
		}
		if err != nil {
			return fmt.Errorf("read layer: %w", err)
		}
		if err := a.count(h); err != nil {
			return err
		}
		if err := a.apply(h, tr); err != nil {
			return fmt.Errorf("apply %q: %w", h.Name, err)
		}
	}
}

// applier holds the state of one ApplyTar.
type applier struct {
	fs      *FS
	lim     Limits
	fresh   map[entryKey]bool // made by this layer: its whiteouts do not hide them
	cleared map[Ino]bool      // directories that hold nothing older than this layer
	entries int
	strings int64
	xattrs  int64
	dirs    []dirTime // set at the end, when their entries are made
}

type entryKey struct {
	dir  Ino
	name string
}

type dirTime struct {
	ino   Ino
	mtime Timespec
}

func (a *applier) count(h *tar.Header) error {
	a.entries++
	a.strings += int64(len(h.Name) + len(h.Linkname))
	for k, v := range h.PAXRecords {
		if strings.HasPrefix(k, paxXattr) {
			a.xattrs += int64(len(k) + len(v))
		}
	}
	if a.lim.Entries > 0 && a.entries > a.lim.Entries || a.lim.Strings > 0 && a.strings > a.lim.Strings ||
		a.lim.XattrBytes > 0 && a.xattrs > a.lim.XattrBytes {
		return fmt.Errorf("%w: layer is over its limits", ErrLayer)
	}
	return nil
}

// settle gives directories the times that the layer has for them.
func (a *applier) settle() error {
	for _, d := range a.dirs {
		err := a.fs.Setattr(d.ino, &SetAttr{Valid: SetMtime | SetAtime | SetCtime, Mtime: d.mtime, Atime: d.mtime, Ctime: d.mtime})
		if err != nil && err != linux.ENOENT {
			return err
		}
	}
	return nil
}

func (a *applier) apply(h *tar.Header, data io.Reader) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	p, err := cleanPath(h.Name, &a.lim)
	if err != nil {
		return err
	}
	if p == "" {
		return a.root(h)
	}
	dirPath, base := splitPath(p)
	if isWhiteout(base) {
		return a.hide(dirPath, base)
	}
	if isWhiteout(path.Base(h.Name)) {
		return layerErr(h.Name, "unclean whiteout")
	}
	dir, err := a.parents(dirPath)
	if err != nil {
		return err
	}
	if h.Typeflag == tar.TypeLink {
		return a.hardLink(h, dir, base)
	}
	return a.create(h, dir, base, data)
}

func (a *applier) root(h *tar.Header) error {
	if h.Typeflag != tar.TypeDir {
		return layerErr(h.Name, "the root is a directory")
	}
	return a.dress(h, rootIno, true)
}

// find walks without following links.
func (a *applier) find(p string) (Ino, error) {
	ino := rootIno
	for p != "" {
		var name string
		var err error
		name, p, _ = strings.Cut(p, "/")
		if ino, err = a.fs.Lookup(ino, name); err != nil {
			return 0, err
		}
	}
	return ino, nil
}

// parents finds or makes the directories of a path; what is no directory there
// is replaced.
func (a *applier) parents(p string) (Ino, error) {
	dir := rootIno
	for p != "" {
		var name string
		name, p, _ = strings.Cut(p, "/")
		kid, err := a.fs.Lookup(dir, name)
		if err == nil && !a.isDir(kid) {
			if err := a.fs.Unlink(dir, name); err != nil {
				return 0, err
			}
			err = linux.ENOENT
		}
		if err == linux.ENOENT || err == nil && !a.isDir(kid) {
			kid, err = a.fs.Create(dir, name, CreateOpts{Mode: linux.S_IFDIR | 0o755})
			a.cleared[kid] = true
		}
		if err != nil {
			return 0, err
		}
		a.fresh[entryKey{dir, name}] = true
		dir = kid
	}
	return dir, nil
}

func (a *applier) isDir(ino Ino) bool {
	var at Attr
	return a.fs.Getattr(ino, &at) == nil && linux.S_ISDIR(at.Mode)
}

// hide applies a whiteout: what this layer made stays.
func (a *applier) hide(dirPath, base string) error {
	name, opaque, skip, err := whiteout(base)
	if err != nil || skip {
		return err
	}
	dir, err := a.find(dirPath)
	if err != nil || !a.isDir(dir) {
		return nil // hides nothing
	}
	if opaque {
		return a.removeOld(dir, 0)
	}
	kid, err := a.fs.Lookup(dir, name)
	if err != nil {
		return nil
	}
	return a.removeEntry(dir, name, kid, 0)
}

// removeEntry removes an entry unless this layer made it; of a directory that
// it made, what is older goes.
func (a *applier) removeEntry(dir Ino, name string, ino Ino, depth int) error {
	keep := a.fresh[entryKey{dir, name}]
	if !a.isDir(ino) {
		if keep {
			return nil
		}
		return a.fs.Unlink(dir, name)
	}
	if err := a.removeOld(ino, depth+1); err != nil || keep {
		return err
	}
	return a.fs.Rmdir(dir, name)
}

// removeOld empties a directory of what was there before this layer. That is
// done once: a second opaque whiteout finds it cleared.
func (a *applier) removeOld(dir Ino, depth int) error {
	if depth > maxTreeDepth {
		return linux.ELOOP
	}
	if a.cleared[dir] {
		return nil
	}
	for _, e := range a.list(dir) {
		if err := a.removeEntry(dir, e.name, e.ino, depth); err != nil {
			return err
		}
	}
	a.cleared[dir] = true
	return nil
}

type namedIno struct {
	name string
	ino  Ino
}

func (a *applier) list(dir Ino) (es []namedIno) {
	a.fs.mu.RLock()
	defer a.fs.mu.RUnlock()
	a.fs.eachEntry(dir, func(name string, ino Ino) { es = append(es, namedIno{name, ino}) })
	return es
}

// clear makes way for a new entry. It keeps a directory when the new one is a
// directory too.
func (a *applier) clear(dir Ino, name string, isDir bool) (keep Ino, err error) {
	old, err := a.fs.Lookup(dir, name)
	if err == linux.ENOENT {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if !a.isDir(old) {
		return 0, a.fs.Unlink(dir, name)
	}
	if isDir {
		return old, nil
	}
	return 0, a.removeTree(dir, name, old, 0)
}

func (a *applier) removeTree(dir Ino, name string, ino Ino, depth int) error {
	if depth > maxTreeDepth {
		return linux.ELOOP
	}
	if !a.isDir(ino) {
		return a.fs.Unlink(dir, name)
	}
	for _, e := range a.list(ino) {
		if err := a.removeTree(ino, e.name, e.ino, depth+1); err != nil {
			return err
		}
	}
	return a.fs.Rmdir(dir, name)
}

func (a *applier) hardLink(h *tar.Header, dir Ino, base string) error {
	p, err := cleanPath(h.Linkname, &a.lim)
	if err != nil {
		return err
	}
	target, err := a.find(p)
	if err != nil {
		return layerErr(h.Name, fmt.Sprintf("hard link to %q, which is not there", h.Linkname))
	}
	if a.isDir(target) {
		return layerErr(h.Name, "hard link to a directory")
	}
	if old, err := a.fs.Lookup(dir, base); err == nil && old == target {
		a.fresh[entryKey{dir, base}] = true
		return nil
	}
	a.fs.Ref(target)
	defer a.fs.Unref(target)
	if _, err := a.clear(dir, base, false); err != nil {
		return err
	}
	if err := a.fs.Link(target, dir, base); err != nil {
		return layerErr(h.Name, "hard link: "+err.Error())
	}
	a.fresh[entryKey{dir, base}] = true
	return nil
}
