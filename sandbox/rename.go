package sandbox

import (
	"context"
	"os"
)

type renameArgs struct {
	Name string `json:"name"`
}

// Rename gives a container another name, whether it runs or not.
func (e *Engine) Rename(ctx context.Context, ref, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	id, err := e.disk.find(ref)
	if err != nil {
		return err
	}
	all, err := e.disk.lockAll(ctx)
	if err != nil {
		return err
	}
	defer all.unlock()
	rec, err := e.disk.record(id)
	if err != nil {
		return err
	}
	if rec.Name == name {
		return fail(ErrInvalid, "the container has the name %s already", name)
	}
	old := rec.Name
	rec.Name = name
	if err := e.disk.claimName(&rec); err != nil {
		return err
	}
	if err := e.setName(ctx, id, name); err != nil {
		_ = os.Remove(e.disk.nameFile(name))
		return err
	}
	e.emitContainer(rec, "rename", "oldName", old)
	return diskError(os.Remove(e.disk.nameFile(old)))
}

// setName changes the record, by whoever runs the container if it runs. The caller
// holds the lock of all names.
func (e *Engine) setName(ctx context.Context, id, name string) error {
	if st := e.disk.state(id, false); st.Status == StatusRunning {
		a, err := e.callControl(ctx, id, st, "rename", renameArgs{name})
		if err != nil {
			return err
		}
		return a.Close()
	}
	lock, err := e.disk.lock(ctx, id, lockWait)
	if err != nil {
		return err
	}
	defer lock.unlock()
	rec, err := e.disk.record(id)
	if err != nil {
		return err
	}
	rec.Name = name
	return writeJSON(e.disk.file(id, configName), rec)
}

func opRename(r *Run, c *call) error {
	var a renameArgs
	if err := c.decode(&a); err != nil {
		return err
	}
	r.stateMu.Lock()
	defer r.stateMu.Unlock()
	rec, err := r.e.disk.record(r.rec.ID) // what r has is from the start
	if err != nil {
		return err
	}
	rec.Name = a.Name
	if err := writeJSON(r.e.disk.file(rec.ID, configName), rec); err != nil {
		return err
	}
	r.renamed.Store(&a.Name)
	return c.accept(nil)
}

// named is the record with the name that the container has now: while it runs,
// only opRename changes that.
func (r *Run) named() Record {
	rec := r.rec
	if name := r.renamed.Load(); name != nil {
		rec.Name = *name
	}
	return rec
}
