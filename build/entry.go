package build

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// tree is where files are copied from. Its paths are relative, clean and with
// slashes; "" is the root. It follows no links. Errors are those of package
// io/fs.
type tree interface {
	// stat describes a path.
	stat(p string) (entry, error)
	// list returns the names in a folder, sorted.
	list(p string) ([]string, error)
	// open reads a regular file.
	open(p string) (io.ReadCloser, error)
}

// entry is what a tree has at a path.
type entry struct {
	mode     uint32 // type and permissions
	uid, gid uint32
	size     int64
	mtime    vfs.Timespec
	link     string // target of a symbolic link
	rdev     uint64
	xattrs   map[string]string
	inode    uint64 // the same number means the same file; 0: it has one name
}

func (e *entry) isDir() bool  { return linux.S_ISDIR(e.mode) }
func (e *entry) isFile() bool { return linux.S_ISREG(e.mode) }
func (e *entry) isLink() bool { return linux.S_ISLNK(e.mode) }

// clean makes a relative path of one that may start with "/" or leave the tree.
func clean(p string) string { return strings.TrimPrefix(path.Clean("/"+p), "/") }

// maxDepth bounds folders inside folders.
const maxDepth = 512

// maxLinks is how many symbolic links a path may lead through, as on Linux.
const maxLinks = 40

// resolve follows the links of a path, inside of the tree: an absolute link
// starts at its root, and ".." stops there.
func resolve(t tree, p string) (string, entry, error) {
	done, rest := "", clean(p)
	e, err := t.stat("")
	for links := 0; rest != "" && err == nil; {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		at := path.Join(done, name)
		if e, err = t.stat(at); err != nil {
			break
		}
		if !e.isLink() {
			done = at
			continue
		}
		if links++; links > maxLinks {
			return "", e, &fs.PathError{Op: "stat", Path: p, Err: linux.ELOOP}
		}
		base := done
		if path.IsAbs(e.link) {
			base = ""
		}
		rest = clean(path.Join("/", base, e.link, rest))
		done = ""
		e, err = t.stat("")
	}
	if err != nil {
		return "", e, &fs.PathError{Op: "stat", Path: p, Err: reason(err)}
	}
	return done, e, nil
}

// reason takes the paths of the host out of an error.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
