package build

import (
	"context"

	"github.com/sbxrun/sbx/sandbox"
	"github.com/sbxrun/sbx/vfs"
)

// workdirOp makes the folder of a WORKDIR, which is the user's.
type workdirOp struct{ dir, user string }

func (o *workdirOp) alone() bool { return false }

func (o *workdirOp) key(_ context.Context, _ *builder, on chain, content bool) (string, error) {
	if content {
		return "", nil
	}
	return on.key(newKey("workdir")).add(o.dir, o.user).sum(), nil
}

func (o *workdirOp) apply(_ context.Context, b *builder, f *vfs.FS, _ *vertex) error {
	w, ns := newWriter(f, o.dir, vfs.TimespecOf(b.now()))
	defer ns.Close()
	if o.user != "" {
		who, err := sandbox.FindUser(f, o.user)
		if err != nil {
			return err
		}
		w.owner = &owner{who.UID, who.GID}
	}
	if err := w.folder(o.dir); err != nil {
		return err
	}
	return w.finish()
}
