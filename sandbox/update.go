package sandbox

import "context"

// Update changes limits of a container and its policy; what is nil stays.
type Update struct {
	Memory    *int64         `json:"memory,omitempty"`    // bytes; 0: no limit
	PidsLimit *int64         `json:"pidsLimit,omitempty"` // 0 or -1: no limit
	Restart   *RestartPolicy `json:"restart,omitempty"`   // from the next end on
}

// apply edits what a container was asked to be.
func (u Update) apply(c *Config) error {
	if u.Memory != nil && *u.Memory < 0 || u.PidsLimit != nil && *u.PidsLimit < -1 {
		return fail(ErrInvalid, "limits cannot be negative")
	}
	if u.Restart != nil {
		if err := u.Restart.check(); err != nil {
			return err
		}
		if c.AutoRemove && u.Restart.Restarts() {
			return fail(ErrConflict, "a container that is removed when it ends cannot be started again")
		}
		c.Restart = *u.Restart
	}
	if u.Memory != nil {
		c.Memory = *u.Memory
	}
	if u.PidsLimit != nil {
		c.PidsLimit = *u.PidsLimit
	}
	return nil
}

// Update changes a container, at once when it runs. What its programs hold above a
// new limit stays theirs.
func (e *Engine) Update(ctx context.Context, ref string, u Update) error {
	id, err := e.disk.find(ref)
	if err != nil {
		return err
	}
	if e.disk.state(id, false).Status == StatusRunning {
		a, err := e.callRunning(ctx, ref, "update", u)
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
	rec, err := e.updateRecord(id, u)
	if err == nil {
		e.emitContainer(rec, "update")
	}
	return err
}

// updateRecord changes the record of a container that the caller holds.
func (e *Engine) updateRecord(id string, u Update) (Record, error) {
	rec, err := e.disk.record(id)
	if err != nil {
		return rec, err
	}
	if err := u.apply(&rec.Config); err != nil {
		return rec, err
	}
	return rec, writeJSON(e.disk.file(id, configName), rec)
}

func opUpdate(r *Run, c *call) error {
	var u Update
	if err := c.decode(&u); err != nil {
		return err
	}
	if err := r.update(u); err != nil {
		return err
	}
	return c.accept(nil)
}

func (r *Run) update(u Update) error {
	r.stateMu.Lock()
	defer r.stateMu.Unlock()
	k := r.reach.Load()
	if k == nil {
		return notRunning(r.rec.Name)
	}
	rec, err := r.e.updateRecord(r.rec.ID, u) // what r has is from the start
	if err == nil {
		k.SetLimits(rec.Config.Memory, int(max(rec.Config.PidsLimit, 0)))
		r.e.emitContainer(rec, "update")
	}
	return err
}
