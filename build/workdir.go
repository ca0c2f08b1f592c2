package build

import (
	"context"

	"github.com/sbxrun/sbx/vfs"
)

// workdirOp makes the folder of a WORKDIR.
type workdirOp struct{ dir string }

func (o *workdirOp) alone() bool { return false }

func (o *workdirOp) key(_ context.Context, _ *builder, on chain, content bool) (string, error) {
	if content {
		return "", nil
	}
	return on.key(newKey("workdir")).add(o.dir).sum(), nil
}

func (o *workdirOp) apply(_ context.Context, b *builder, f *vfs.FS, _ *vertex) error {
	w, ns := newWriter(f, o.dir, vfs.TimespecOf(b.now()))
	defer ns.Close()
	if err := w.folder(o.dir); err != nil {
		return err
	}
	return w.finish()
}
