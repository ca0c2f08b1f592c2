package build

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// hostTree is a folder of the host. It goes through os.Root: no link leads out
// of it, whoever changes it meanwhile.
type hostTree struct{ root *os.Root }

// native is a path as os.Root wants it.
func native(p string) string {
	if p == "" {
		return "."
	}
	return filepath.FromSlash(p)
}

func (t *hostTree) stat(p string) (entry, error) {
	fi, err := t.root.Lstat(native(p))
	if err != nil {
		return entry{}, err
	}
	return t.entry(p, fi)
}

func (t *hostTree) entry(p string, fi fs.FileInfo) (entry, error) {
	perm := uint32(fi.Mode().Perm())
	if runtime.GOOS == "windows" {
		perm = 0o755
	}
	for bit, mode := range map[fs.FileMode]uint32{fs.ModeSetuid: linux.S_ISUID, fs.ModeSetgid: linux.S_ISGID, fs.ModeSticky: linux.S_ISVTX} {
		if fi.Mode()&bit != 0 {
			perm |= mode
		}
	}
	e := entry{mtime: vfs.TimespecOf(fi.ModTime())}
	switch fi.Mode().Type() {
	case 0:
		e.mode, e.size = linux.S_IFREG|perm, fi.Size()
	case fs.ModeDir:
		e.mode = linux.S_IFDIR | perm
	case fs.ModeSymlink:
		target, err := t.root.Readlink(native(p))
		if err != nil {
			return e, err
		}
		e.mode, e.link = linux.S_IFLNK|0o777, filepath.ToSlash(target)
	case fs.ModeNamedPipe:
		e.mode = linux.S_IFIFO | perm
	default:
		e.mode = linux.S_IFSOCK | perm // devices and sockets of the host are nobody's
	}
	return e, nil
}

func (t *hostTree) list(p string) ([]string, error) {
	f, err := t.root.Open(native(p))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	slices.Sort(names)
	return names, err
}

// open opens a file without waiting for whoever may be at the other end of it.
func (t *hostTree) open(p string) (io.ReadCloser, error) {
	f, err := t.root.OpenFile(native(p), os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil, err
	}
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		f.Close()
		return nil, &fs.PathError{Op: "open", Path: p, Err: fs.ErrInvalid}
	}
	return f, nil
}
