package sandbox

import (
	"context"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/sbxrun/sbx/vfs"
)

// view is a container's tree for looking at or changing while it is not
// being run, or a copy of it while it is.
type view struct {
	*tree
	e      *Engine
	rec    Record
	state  State     // of the running one
	lock   *fileLock // nil for the copy of a running one
	mounts *mountSet // volumes and binds, when files are copied
}

// openView opens a container's tree. With change set, the container must not
// be running.
func (e *Engine) openView(ctx context.Context, ref string, change bool) (*view, error) {
	id, err := e.disk.find(ref)
	if err != nil {
		return nil, err
	}
	c, err := e.load(id, false)
	if err != nil {
		return nil, err
	}
	switch {
	case c.State.Status == StatusDead:
		return nil, fail(ErrCorrupt, "%s", c.State.Error)
	case c.State.Status == StatusRunning && change:
		return nil, fail(ErrConflict, "container %s is running", ref) // it was started since the caller looked
	case c.State.Status == StatusRunning:
		t, err := e.liveTree(ctx, c)
		if err != nil {
			return nil, err
		}
		return &view{tree: t, e: e, rec: c.Record, state: c.State}, nil
	}
	lock, err := e.disk.lock(ctx, id, lockWait)
	if err != nil {
		return nil, err
	}
	t, err := e.openTree(ctx, c.Record)
	if err != nil {
		lock.unlock()
		return nil, err
	}
	return &view{tree: t, e: e, rec: c.Record, lock: lock}, nil
}

// liveTree copies a running container's tree: the upper layer as its sbx sends
// it.
func (e *Engine) liveTree(ctx context.Context, c Container) (*tree, error) {
	body, err := e.callControl(ctx, c.ID, c.State, "upper", nil)
	if err != nil {
		return nil, fail(ErrConflict, "the files of the running container %s cannot be read: %v", c.Name, err)
	}
	defer body.Close()
	img, err := e.store.Resolve(c.ImageID)
	if err != nil {
		return nil, err
	}
	root, err := e.openImageRoot(ctx, img, c.Config.Userland)
	if err != nil {
		return nil, err
	}
	t := newTree(root, 0)
	if err := t.fs.ApplyTar(body); err != nil {
		t.close()
		return nil, err
	}
	return t, nil
}

func (v *view) Close() {
	if v.mounts != nil {
		_ = v.mounts.close() // what was changed is saved by save
	}
	v.close()
	v.lock.unlock()
}

// save keeps what was changed in the view.
func (v *view) save(e *Engine) error {
	if v.mounts != nil {
		for _, m := range v.mounts.volumes {
			if err := m.flush(); err != nil {
				return err
			}
		}
	}
	st := e.disk.state(v.rec.ID, true)
	n, err := v.saveUpper(e.disk.file(v.rec.ID, upperName), st.Scaffold)
	if err != nil {
		return err
	}
	st.UpperLen = n
	return writeJSON(e.disk.file(v.rec.ID, stateName), st)
}

// Change is one changed path of a container: Kind is 'A'dded, 'C'hanged or
// 'D'eleted.
type Change = vfs.Change

// Diff lists what a container changed in its file system, sorted by path.
// Mount points that sbx made are left out.
func (e *Engine) Diff(ctx context.Context, ref string) ([]Change, error) {
	v, err := e.openView(ctx, ref, false)
	if err != nil {
		return nil, err
	}
	defer v.Close()
	return dropScaffold(v.fs.Changes(), e.disk.state(v.rec.ID, v.lock != nil).Scaffold), nil
}

// dropScaffold removes what sbx made, and folders that changed by nothing
// else.
func dropScaffold(list []Change, made []string) []Change {
	mine := map[string]bool{}
	for _, p := range made {
		mine[path.Clean("/"+p)] = true
	}
	above := map[string]bool{} // folders of what sbx made
	kept := list[:0:0]
	for _, c := range list {
		c.Path = path.Clean("/" + c.Path)
		if mine[c.Path] && c.Kind == 'A' {
			above[path.Dir(c.Path)] = true
			continue
		}
		kept = append(kept, c)
	}
	// A folder is its own change unless all that happened in it was ours.
	out := kept[:0:0]
	for i, c := range kept {
		if c.Kind == 'C' && above[c.Path] && !slices.ContainsFunc(kept[i+1:], func(k Change) bool { return strings.HasPrefix(k.Path, strings.TrimSuffix(c.Path, "/")+"/") }) {
			continue
		}
		out = append(out, c)
	}
	return out
}

// Export writes the whole file system of a container as a tar stream.
func (e *Engine) Export(ctx context.Context, ref string, w io.Writer) error {
	v, err := e.openView(ctx, ref, false)
	if err != nil {
		return err
	}
	defer v.Close()
	err = v.fs.Export(ctxWriter{ctx, w})
	if err == nil {
		e.emitContainer(v.rec, "export")
	}
	return err
}

// ctxWriter fails once its context is done.
type ctxWriter struct {
	ctx context.Context
	w   io.Writer
}

func (w ctxWriter) Write(p []byte) (int, error) {
	if w.ctx.Err() != nil {
		return 0, context.Cause(w.ctx)
	}
	return w.w.Write(p)
}
