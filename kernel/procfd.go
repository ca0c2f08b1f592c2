package kernel

import (
	"strconv"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// ownFd recognizes the names of t's own descriptors under /dev and /proc.
func (t *Task) ownFd(path string) (int, bool) {
	switch path {
	case "/dev/stdin":
		return 0, true
	case "/dev/stdout":
		return 1, true
	case "/dev/stderr":
		return 2, true
	}
	for _, prefix := range []string{"/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/", "/proc/" + strconv.Itoa(t.proc.pid) + "/fd/"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			n, err := strconv.Atoi(rest)
			return n, err == nil && n >= 0
		}
	}
	return 0, false
}

// openAnon opens a pipe or another file without a place in the tree by the name
// of its descriptor, which no walk can follow. The new descriptor shares the
// description: a pipe has no offset that would tell the difference.
func (t *Task) openAnon(path string, flags int) (*File, bool) {
	f, ok := t.anonAt(path)
	if !ok {
		return nil, false
	}
	have, want := f.Flags()&linux.O_ACCMODE, flags&linux.O_ACCMODE
	if have != linux.O_RDWR && have != want {
		f.decref(t)
		return nil, false
	}
	return f, true
}

// anonAt gives a reference to the file without a Loc that path names.
func (t *Task) anonAt(path string) (*File, bool) {
	fd, ok := t.ownFd(path)
	if !ok {
		return nil, false
	}
	f, err := t.files.get(fd)
	if err != nil {
		return nil, false
	}
	if f.loc.Mount != nil {
		f.decref(t)
		return nil, false
	}
	return f, true
}

// statAnon is stat(2) of such a name.
func (t *Task) statAnon(path string, flags int, a *vfs.Attr) bool {
	if flags&linux.AT_SYMLINK_NOFOLLOW != 0 {
		return false
	}
	fd, ok := t.ownFd(path)
	if !ok {
		return false
	}
	f, ok := t.anonAt(path)
	if !ok {
		return false
	}
	f.decref(t)
	return t.Fstat(fd, a) == nil
}
