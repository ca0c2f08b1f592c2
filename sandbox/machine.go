package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/vfs"
)

// tree is a container's file system while somebody works with it: the image,
// the upper layer over it, and a namespace to walk it with. It holds a lease
// on the image until close.
type tree struct {
	root *registry.Root
	fs   *vfs.FS
	ns   *vfs.Namespace // over fs alone; nothing is mounted
	keep keeper
}

// openTree lays a container's file system out: its image by id, and what it
// changed before.
func (e *Engine) openTree(ctx context.Context, rec Record) (*tree, error) {
	img, err := e.store.Resolve(rec.ImageID)
	if err != nil {
		return nil, fmt.Errorf("the image of container %s: %w", rec.Name, err)
	}
	return e.openTreeOf(ctx, rec, img)
}

// openTreeOf is openTree with the image that was found already.
func (e *Engine) openTreeOf(ctx context.Context, rec Record, img registry.Image) (*tree, error) {
	root, err := e.openImageRoot(ctx, img, rec.Config.Userland)
	if err != nil {
		return nil, err
	}
	t := newTree(root, rec.Config.StorageSize)
	if err := t.applyUpper(e.disk.file(rec.ID, upperName)); err != nil {
		t.close()
		return nil, fail(ErrCorrupt, "the saved changes of container %s cannot be read (%v): sbx rm %s removes it", rec.Name, err, rec.Name)
	}
	return t, nil
}

// newTree wraps an open image root; size bounds the upper layer (0: not).
func newTree(root *registry.Root, size int64) *tree {
	t := &tree{root: root, keep: keeper{upper: true}}
	t.fs = vfs.New(root.Index, root.Content, vfs.Options{MaxBytes: size, Type: "overlay"})
	t.ns = vfs.NewNamespace(t.fs)
	return t
}

func (t *tree) applyUpper(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := t.fs.ApplyTar(f); err != nil {
		return err
	}
	t.keep.loaded(t.fs)
	return nil
}

// saveUpper writes the changed files to path, in one step, and returns how
// many bytes they hold. Without changes but sbx's own mount points (made)
// there is no file.
func (t *tree) saveUpper(path string, made []string) (int64, error) {
	t.keep.made = made
	return t.keep.keep(t.fs, path)
}

func (t *tree) close() {
	if t.fs != nil {
		_ = t.fs.Close()
	}
	_ = t.root.Close()
}

// walker walks as root of the container.
func (t *tree) walker() *vfs.Walker { return rootWalker(t.ns) }

func rootWalker(ns *vfs.Namespace) *vfs.Walker {
	root := ns.RootLoc()
	return &vfs.Walker{NS: ns, Root: root, Cwd: root, Cred: vfs.RootCred()}
}

// maxEtcFile bounds what is read of passwd and group.
const maxEtcFile = 4 << 20

// readFile reads a small file of the container; a missing one is empty.
func readFile(w *vfs.Walker, path string, limit int64) ([]byte, error) {
	o, err := w.OpenFile(vfs.Loc{}, path, linux.O_RDONLY|linux.O_NONBLOCK, 0, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer o.Close()
	if o.Handle == nil {
		return nil, nil // a device or a FIFO is no file
	}
	return io.ReadAll(io.LimitReader(&handleReader{h: o.Handle}, limit))
}

// handleReader reads a handle from its start to its end.
type handleReader struct {
	h   vfs.Handle
	off int64
}

func (r *handleReader) Read(p []byte) (int, error) {
	n, err := r.h.ReadAt(p, r.off)
	r.off += int64(n)
	if n == 0 && err == nil && len(p) > 0 {
		err = io.EOF
	}
	return n, err
}

// writeAtomicFunc is writeAtomic for content that is streamed; the file is
// synced before it takes its name.
func writeAtomicFunc(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), tempPrefix)
	if err != nil {
		return diskError(err)
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return diskError(err)
}
