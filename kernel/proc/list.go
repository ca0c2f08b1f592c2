package proc

import (
	"strconv"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/pseudofs"
	"github.com/sbxrun/sbx/vfs"
)

// pidCookies is where the cookies of processes start in the root directory; the
// fixed names come before.
const pidCookies = 1 << 32

func (f *procFS) listRoot(after uint64, fn func(vfs.DirEntry) bool) error {
	if after < pidCookies && !f.tree().list(node{dir: true}, after, fn) {
		return nil
	}
	f.listIDs(f.src.PIDs(), false, pidCookies, after, fn)
	return nil
}

// listIDs gives the folders of processes or threads.
func (f *procFS) listIDs(ids []int, task bool, base, after uint64, fn func(vfs.DirEntry) bool) {
	for _, id := range ids {
		cookie := base + uint64(id)
		if cookie <= after {
			continue
		}
		name := strconv.Itoa(id)
		r, _, err := f.folder(name, task)
		if err == nil && !fn(vfs.DirEntry{Name: name, Ino: r.ino(), Type: linux.DT_DIR, Cookie: cookie}) {
			return
		}
	}
}

func (f *procFS) openDir(ino vfs.Ino, r ref) (vfs.Handle, error) {
	parent, _, err := f.Parent(ino)
	if err != nil {
		return nil, err
	}
	return &pseudofs.Dir{Self: ino, Parent: parent, List: func(after uint64, fn func(vfs.DirEntry) bool) error {
		_, t, _, err := f.find(ino)
		if err != nil {
			return err
		}
		f.listIn(r, t, after, fn)
		return nil
	}}, nil
}

func (f *procFS) listIn(r ref, t Task, after uint64, fn func(vfs.DirEntry) bool) {
	switch r.kind {
	case kindTasks:
		f.listIDs(t.Threads(), true, 3, after, fn)
		return
	case kindFDs, kindFDInfos:
		listFDs(r, t, after, fn)
		return
	}
	for k := range kinds {
		e := &kinds[k]
		if e.in != r.kind || k == int(kindFolder) || e.name == "" || r.task && e.processOnly {
			continue
		}
		cookie := uint64(k) + 3
		if cookie > after && !fn(vfs.DirEntry{Name: e.name, Ino: r.with(kind(k), 0).ino(), Type: linux.DirType(e.mode), Cookie: cookie}) {
			return
		}
	}
}

func listFDs(r ref, t Task, after uint64, fn func(vfs.DirEntry) bool) {
	typ := uint8(linux.DT_LNK)
	if r.kind == kindFDInfos {
		typ = linux.DT_REG
	}
	for _, fd := range t.FDs() {
		cookie := uint64(fd) + 3
		if cookie > after && fd <= maxArg &&
			!fn(vfs.DirEntry{Name: strconv.Itoa(fd), Ino: r.with(r.kind+1, fd).ino(), Type: typ, Cookie: cookie}) {
			return
		}
	}
}
