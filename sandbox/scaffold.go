package sandbox

import (
	"errors"
	"io/fs"
	"path"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// scaffold makes what mounts and the first program need in the container's
// own file system: mount points (remembered, since they are no change of the
// guest's) and the working directory (kept, as docker does).
type scaffold struct {
	w     *vfs.Walker
	paths []string // made as mount points
}

// dir makes a mount point that is a directory.
func (s *scaffold) dir(p string) error {
	made, err := mkdirAll(s.w, p, 0o755)
	s.paths = append(s.paths, made...)
	return err
}

// file makes a mount point that is a file.
func (s *scaffold) file(p string) error {
	if err := s.dir(path.Dir(p)); err != nil {
		return err
	}
	var a vfs.Attr
	if err := s.w.Stat(vfs.Loc{}, p, 0, &a); err == nil {
		return nil
	}
	loc, h, err := s.w.Open(vfs.Loc{}, p, linux.O_WRONLY|linux.O_CREAT, 0o644)
	if err != nil {
		return err
	}
	if h == nil {
		loc.Unref()
	} else {
		_ = h.Close()
	}
	s.paths = append(s.paths, p)
	return nil
}

// mkdirAll makes p and what is missing above it, and tells what it made. What
// is there is followed through links, as the guest would.
func mkdirAll(w *vfs.Walker, p string, mode uint32) (made []string, err error) {
	at := ""
	for part := range strings.SplitSeq(strings.Trim(path.Clean(p), "/"), "/") {
		if part == "" {
			continue
		}
		at += "/" + part
		switch err := w.Mkdir(vfs.Loc{}, at, mode); {
		case err == nil:
			made = append(made, at)
		case errors.Is(err, fs.ErrExist):
			if err := mustBeDir(w, at); err != nil {
				return made, err
			}
		default:
			return made, &fs.PathError{Op: "mkdir", Path: at, Err: err}
		}
	}
	return made, nil
}

func mustBeDir(w *vfs.Walker, p string) error {
	var a vfs.Attr
	if err := w.Stat(vfs.Loc{}, p, 0, &a); err != nil {
		return &fs.PathError{Op: "mkdir", Path: p, Err: err}
	}
	if a.Mode&linux.S_IFMT != linux.S_IFDIR {
		return &fs.PathError{Op: "mkdir", Path: p, Err: linux.ENOTDIR}
	}
	return nil
}
