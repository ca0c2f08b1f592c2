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
	for rest != "" && rest[0] == '/' {
		rest = rest[1:]
	}
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	if rest == "" || len(rest) > maxPathKey {
		return k.steps(fs, rest, false, 0)
	}
	end, p, hash := fs.recall(k.cur.loc, rest)
	if p == nil {
		return k.steps(fs, rest, true, hash)
	}
	k.dir = p.dir
	k.dir.loc.Mount = end.loc.Mount
	k.cur = end
	k.name, k.kind, k.slash = rest[p.base:], lastNormal, false
	k.arrive(fs)
	return "", nil
}

// arrive takes along what is wanted of the end.
func (k *walk) arrive(fs *FS) {
	if k.pin && k.cur.isOpenable() {
		k.pinned = fs.pins.take(k.cur.loc.Ino, k.cur.loc.Mount)
	}
	if k.attr != nil {
		k.got = fs.getattr(k.cur.loc.Ino, k.attr) == nil
	}
}

// steps is stride of a path that is not remembered. With plain it may be from now
// on, if the way is.
func (k *walk) steps(fs *FS, rest string, plain bool, hash uint64) (string, error) {
	at, whole := k.cur.loc, rest
	kids := at.Mount.kids.Load()
	var prefix *pathSlot // to remember the directory part in
	var prefixHash uint64
	if i := strings.LastIndexByte(rest, '/'); plain && i > 0 && i < len(rest)-1 {
		prefixHash = fs.pathHash(at.Ino, rest[:i])
		prefix = &fs.paths.slots().dirs[prefixHash%pathSlots]
		if p := fs.known(prefix, at, rest[:i]); p != nil {
			k.cur = p.dir
			k.cur.loc.Mount = at.Mount
			prefix, rest = nil, rest[i+1:]
		}
	}
	if k.cur.mode == 0 {
		if err := fs.permOf(at.Ino, &k.cur); err != nil {
			return rest, err
		}
	}
	plain = plain && k.cur.open()
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
		if after == "" && prefix != nil && plain {
			fs.keep(prefix, prefixHash, keptPath{kids: kids, start: at.Ino, path: whole[:len(whole)-len(name)-1], dir: k.cur})
		}
		var next step
		if !k.peek(fs, name, &next) || kids != nil && covers(*kids, next.loc.Ino) {
			return rest, nil
		}
		next.loc.Mount = at.Mount
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
		if plain && after == "" {
			fs.keep(&fs.paths.slots().ends[hash%pathSlots], hash,
				keptPath{kids: kids, start: at.Ino, path: whole, dir: k.dir, ino: next.loc.Ino, base: len(whole) - len(name)})
		}
		k.arrive(fs)
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
