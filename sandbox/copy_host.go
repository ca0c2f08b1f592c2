package sandbox

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/sbxrun/sbx/vfs"
)

// packHost writes the host's tree at src as a tar stream whose root is called
// name.
func packHost(w io.Writer, src, name string, o CopyOptions) error {
	tw := tar.NewWriter(w)
	if o.FollowLink || dotted(filepath.ToSlash(src)) || strings.HasSuffix(filepath.ToSlash(src), "/") {
		real, err := filepath.EvalSymlinks(src)
		if err != nil {
			return err
		}
		src = real
	}
	err := filepath.WalkDir(src, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, p)
		if err != nil {
			return err
		}
		return packHostEntry(tw, p, path.Join(name, filepath.ToSlash(rel)), d)
	})
	if err != nil {
		return err
	}
	return tw.Close()
}

func packHostEntry(tw *tar.Writer, p, name string, d fs.DirEntry) error {
	fi, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone since the folder was read
	}
	if err != nil {
		return err
	}
	target := ""
	switch fi.Mode().Type() {
	case 0, fs.ModeDir:
	case fs.ModeSymlink:
		if target, err = os.Readlink(p); err != nil {
			return err
		}
	default:
		return nil // devices, sockets and FIFOs do not travel
	}
	h, err := tar.FileInfoHeader(fi, filepath.ToSlash(target))
	if err != nil {
		return err
	}
	h.Name, h.Format = name, tar.FormatPAX
	h.Uname, h.Gname = "", ""
	if !fi.Mode().IsRegular() {
		return tw.WriteHeader(h)
	}
	f, err := os.Open(p)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.CopyBuffer(tw, io.LimitReader(f, h.Size), make([]byte, copyChunk))
	return err
}

// ExportTo writes the files of a file system into a folder of the host, which
// is made if it is missing. Owners, devices and attributes stay behind.
func ExportTo(ctx context.Context, f *vfs.FS, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	_, err := stream(ctx, f.Export, func(r io.Reader) (int64, error) { return unpackHost(dir, r) })
	return err
}

// unpackHost makes the entries of a tar stream in a folder of the host. It
// goes through os.Root: no name and no link of the stream leads out of dir.
func unpackHost(dir string, r io.Reader) (int64, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return 0, err
	}
	defer root.Close()
	u := hostUnpacker{root: root, modes: map[string]fs.FileMode{}}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return u.bytes, u.finish()
		}
		if err != nil {
			return u.bytes, err
		}
		if err := u.entry(h, tr); err != nil {
			return u.bytes, err
		}
	}
}

type hostUnpacker struct {
	root  *os.Root
	bytes int64
	modes map[string]fs.FileMode // of folders, set when all is in them
}

func (u *hostUnpacker) entry(h *tar.Header, r io.Reader) error {
	name := filepath.FromSlash(strings.TrimPrefix(path.Clean("/"+h.Name), "/"))
	if name == "" {
		return nil // the root of a merge is there
	}
	mode := fs.FileMode(h.Mode) & fs.ModePerm
	switch h.Typeflag {
	case tar.TypeDir:
		u.modes[name] = mode
		err := u.root.Mkdir(name, mode|0o700)
		if errors.Is(err, fs.ErrExist) {
			delete(u.modes, name)
			return u.mustBeDir(name)
		}
		return err
	case tar.TypeReg:
		return u.file(name, mode, h, r)
	case tar.TypeSymlink:
		return errors.Join(u.clear(name), u.root.Symlink(filepath.FromSlash(h.Linkname), name))
	case tar.TypeLink:
		return errors.Join(u.clear(name), u.root.Link(filepath.FromSlash(h.Linkname), name))
	}
	return nil
}

func (u *hostUnpacker) mustBeDir(name string) error {
	fi, err := u.root.Stat(name)
	if err == nil && !fi.IsDir() {
		err = fail(ErrInvalid, "%s is in the way: it is no folder", name)
	}
	return err
}

func (u *hostUnpacker) clear(name string) error {
	fi, err := u.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if fi.IsDir() {
		return fail(ErrInvalid, "the folder %s is in the way of a file", name)
	}
	return u.root.Remove(name)
}

func (u *hostUnpacker) file(name string, mode fs.FileMode, h *tar.Header, r io.Reader) error {
	if err := u.clear(name); err != nil {
		return err
	}
	f, err := u.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode|0o200)
	if err != nil {
		return err
	}
	n, err := io.CopyBuffer(f, r, make([]byte, copyChunk))
	u.bytes += n
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return errors.Join(u.root.Chmod(name, mode), u.root.Chtimes(name, h.ModTime, h.ModTime))
}

// finish gives folders the modes that would have been in the way.
func (u *hostUnpacker) finish() error {
	var errs []error
	for name, mode := range u.modes {
		errs = append(errs, u.root.Chmod(name, mode))
	}
	return errors.Join(errs...)
}
