package sandbox

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"
)

// lockWait is how long somebody else's short work on a container is waited
// for.
const lockWait = 2 * time.Second

// RemoveOptions says how Remove treats what is in its way.
type RemoveOptions struct {
	Force   bool // kill it when it runs, remove it when it is damaged
	Volumes bool // also its anonymous volumes
}

// Remove deletes a container with what it changed.
func (e *Engine) Remove(ctx context.Context, ref string, o RemoveOptions) error {
	id, err := e.disk.find(ref)
	if err != nil {
		return err
	}
	c, err := e.load(id, false)
	if err != nil {
		return err
	}
	if c.State.Status == StatusRestarting {
		if !o.Force {
			return fail(ErrConflict, "cannot remove container %q: it is restarting: stop it first, or use rm -f", c.Name)
		}
		if _, err := e.cancelRestart(ctx, id); err != nil {
			return err
		}
		if c, err = e.load(id, false); err != nil {
			return err
		}
	}
	if c.State.Status == StatusRunning {
		if !o.Force && c.State.Paused {
			return fail(ErrConflict, "cannot remove container %q: container is paused and must be unpaused first", c.Name)
		}
		if !o.Force {
			return fail(ErrConflict, "cannot remove container %q: it is running: end it first, or use rm -f", c.Name)
		}
		if err := e.killRunning(ctx, id); err != nil {
			return err
		}
	}
	lock, err := e.disk.lock(ctx, id, lockWait)
	if errors.Is(err, ErrNotFound) && c.Config.AutoRemove {
		return nil // it removed itself as it ended
	}
	if err != nil {
		return err
	}
	return e.removeLocked(c.Record, lock, o.Volumes)
}

// removeLocked deletes a container whose lock is held, and drops the lock.
func (e *Engine) removeLocked(rec Record, lock *fileLock, volumes bool) error {
	own := e.ownVolumes(rec, volumes)
	removeLeft(e.controlPath(rec.ID))
	err := e.disk.remove(rec.ID, rec.Name, lock)
	if err == nil {
		e.emitContainer(rec, "destroy")
	}
	for _, name := range own {
		err = errors.Join(err, e.removeVolume(name))
	}
	return err
}

// removeLeft removes a file that only a killed sbx leaves.
func removeLeft(path string) {
	if _, err := os.Lstat(path); err == nil { // a removal of nothing costs ten times as much
		_ = os.Remove(path)
	}
}

// ownVolumes are a container's anonymous volumes that no other container has.
func (e *Engine) ownVolumes(rec Record, want bool) (names []string) {
	if !want {
		return nil
	}
	for _, m := range rec.Config.Mounts {
		if m.Type == MountVolume && m.Anonymous && validName(m.Source) {
			names = append(names, m.Source)
		}
	}
	if len(names) == 0 {
		return nil
	}
	list, err := e.List(ListOptions{All: true})
	if err != nil {
		return nil // kept rather than lost
	}
	for _, c := range list {
		for _, m := range c.Config.Mounts {
			if c.ID != rec.ID && m.Type == MountVolume {
				names = slices.DeleteFunc(names, func(n string) bool { return n == m.Source })
			}
		}
	}
	return names
}

// discardVolumes says that the volumes which go with a container need not be
// saved.
func (e *Engine) discardVolumes(rec Record, set *mountSet) {
	own := e.ownVolumes(rec, true)
	for _, v := range set.volumes {
		if slices.Contains(own, v.name) {
			v.save.Lock()
			v.discard = true
			v.save.Unlock()
		}
	}
}
