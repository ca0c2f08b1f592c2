package vfs

import (
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

// stride takes the plain steps of a path within one FS under one lock: into
// directories that may be searched and that nothing is mounted on, and to the
// end when that is there and no link. It returns what is left for component to
// do, and to complain about.
func (k *walk) stride(fs *FS, rest string) string {
	m := k.cur.loc.Mount
	kids := m.children()
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	for {
		for rest != "" && rest[0] == '/' {
			rest = rest[1:]
		}
		if rest == "" {
			return ""
		}
		name, after := rest, ""
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			name, after = rest[:i], rest[i:]
		}
		if name[0] == '.' && (name == "." || name == "..") || !k.cur.isDir() ||
			!k.w.Cred.May(k.cur.mode, k.cur.uid, k.cur.gid, linux.X_OK) {
			return rest
		}
		var next step
		if !k.peek(fs, name, &next) || covers(kids, next.loc.Ino) {
			return rest
		}
		next.loc.Mount = m
		last := onlySlashes(after)
		if !last {
			if !next.isDir() {
				return rest
			}
			k.cur = next
			rest = after
			continue
		}
		if next.isLink() || after != "" && (k.flags&creating != 0 || !next.isDir()) {
			return rest
		}
		k.dir, k.name, k.kind, k.slash = k.cur, name, lastNormal, after != ""
		k.cur = next
		if k.attr != nil {
			k.got = fs.getattr(next.loc.Ino, k.attr) == nil
		}
		return ""
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
