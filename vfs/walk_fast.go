package vfs

import (
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// stride takes the plain steps of a path within one FS under one lock: into
// directories that may be searched and that nothing is mounted on, and to the
// end when that is there and no link. It returns what is left for component to
// do, and to complain about. It also loads cur, when nobody did.
func (k *walk) stride(fs *FS, rest string) (string, error) {
	m := k.cur.loc.Mount
	kids := m.kids.Load()
	for rest != "" && rest[0] == '/' {
		rest = rest[1:]
	}
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	whole, start, plain := rest, k.cur.loc.Ino, false
	var slot *pathSlot
	var hash uint64
	if i := strings.LastIndexByte(rest, '/'); i > 0 && i < len(rest)-1 && i <= maxPathKey {
		slot, hash = fs.paths.slot(fs.seed, start, rest[:i])
		if fs.jump(k, kids, slot, rest[:i]) {
			slot, rest = nil, rest[i+1:]
		}
	}
	if k.cur.mode == 0 {
		if err := fs.permOf(start, &k.cur); err != nil {
			return rest, err
		}
	}
	plain = k.cur.open()
	for {
		for rest != "" && rest[0] == '/' {
			rest = rest[1:]
		}
		if rest == "" {
			return "", nil
		}
		name, after := rest, ""
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			name, after = rest[:i], rest[i:]
		}
		if name[0] == '.' && (name == "." || name == "..") || !k.cur.isDir() ||
			!k.w.Cred.May(k.cur.mode, k.cur.uid, k.cur.gid, linux.X_OK) {
			return rest, nil
		}
		if after == "" && slot != nil && plain {
			fs.keep(kids, slot, hash, start, whole[:len(whole)-len(name)-1], &k.cur)
		}
		var next step
		if !k.peek(fs, name, &next) || kids != nil && covers(*kids, next.loc.Ino) {
			return rest, nil
		}
		next.loc.Mount = m
		last := onlySlashes(after)
		if !last {
			if !next.isDir() {
				return rest, nil
			}
			k.cur = next
			plain = plain && next.open()
			rest = after
			continue
		}
		if next.isLink() || after != "" && (k.flags&creating != 0 || !next.isDir()) {
			return rest, nil
		}
		k.dir, k.name, k.kind, k.slash = k.cur, name, lastNormal, after != ""
		k.cur = next
		if t := next.mode & linux.S_IFMT; k.pin && (t == linux.S_IFREG || t == linux.S_IFDIR) {
			fs.pins.add(next.loc.Ino, 2)
			k.pinned = fs
		}
		if k.attr != nil {
			k.got = fs.getattr(next.loc.Ino, k.attr) == nil
		}
		return "", nil
	}
}

// peek looks a name up in cur; the caller holds the lock.
func (k *walk) peek(fs *FS, name string, next *step) bool {
	d, err := fs.dirOf(k.cur.loc.Ino)
	if err != nil {
		return false
	}
	ino, _, _, err := fs.lookupIn(&d, name)
	if err != nil {
		return false
	}
	next.loc.Ino = ino
	return fs.permOf(ino, next) == nil
}

func covers(kids []*Mount, ino Ino) bool {
	for _, m := range kids {
		if m.at == ino {
			return true
		}
	}
	return false
}

func onlySlashes(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] != '/' {
			return false
		}
	}
	return true
}
