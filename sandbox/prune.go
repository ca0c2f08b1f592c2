package sandbox

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/wasi"
)

// PruneContainers removes every container that does not run and returns the
// ids and the bytes of their layers. One in use is left alone.
func (e *Engine) PruneContainers(ctx context.Context) (ids []string, freed int64, err error) {
	list, err := e.List(ListOptions{All: true})
	if err != nil {
		return nil, 0, err
	}
	var errs []error
	for _, c := range list {
		if c.State.Active() {
			continue
		}
		lock, err := tryLock(e.disk.file(c.ID, lockName))
		if errors.Is(err, errLocked) || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = e.removeLocked(c.Record, lock, false)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		ids, freed = append(ids, c.ID), freed+c.State.UpperLen
		if ctx.Err() != nil {
			return ids, freed, context.Cause(ctx)
		}
	}
	e.emitPrune(EventContainer, freed)
	return ids, freed, errors.Join(append(errs, e.disk.tidy(ctx))...)
}

// PruneImages removes images without a name that no container needs; with
// all set, every image that none needs.
func (e *Engine) PruneImages(ctx context.Context, all bool) ([]registry.RemoveEvent, int64, error) {
	e.base.Lock()
	e.baseDone = false
	e.base.Unlock()
	gone, freed, err := e.store.Prune(ctx, all)
	e.emitRemoved(gone)
	e.emitPrune(EventImage, freed)
	return gone, freed, err
}

// PruneCode removes the compiled modules and translated machine code that are kept for the next run, and returns the bytes
// freed. Containers that run lose nothing: they have what they use in memory, and what one is about to keep or to take
// is made again when it is not there. A file that the host keeps from removal stays.
func (e *Engine) PruneCode(ctx context.Context) (freed int64, err error) {
	_ = filepath.WalkDir(e.cacheDir(), func(path string, d fs.DirEntry, werr error) error {
		switch {
		case ctx.Err() != nil:
			err = context.Cause(ctx)
			return filepath.SkipAll
		case werr != nil:
			return nil
		case d.IsDir() && wasi.InUse(d.Name()):
			return filepath.SkipDir
		}
		if fi, ierr := d.Info(); ierr == nil && fi.Mode().IsRegular() && os.Remove(path) == nil {
			freed += fi.Size()
		}
		return nil
	})
	return freed, err
}

// dirSize sums the files below a folder; what cannot be read counts nothing.
func dirSize(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if fi, err := d.Info(); err == nil {
				n += fi.Size()
			}
		}
		return nil
	})
	return n
}

// Usage is what `system df` shows, in bytes.
type Usage struct {
	Images                          int
	ImagesActive                    int
	ImagesSize, ImagesReclaimable   int64
	Containers, ContainersActive    int
	ContainersSize                  int64
	ContainersReclaimable           int64
	Volumes, VolumesActive          int
	VolumesSize, VolumesReclaimable int64
	CacheSize                       int64 // compiled modules and translated machine code; all can be made again
	Builds, BuildsActive            int   // steps and cache mounts of builds; those whose layer an image has
	BuildsSize                      int64 // beyond what images need; all can be made again
}

// DiskUsage counts what the engine's home holds.
func (e *Engine) DiskUsage(ctx context.Context) (u Usage, err error) {
	list, err := e.List(ListOptions{All: true})
	if err != nil {
		return u, err
	}
	for _, c := range list {
		u.Containers++
		u.ContainersSize += c.State.UpperLen
		if c.State.Active() {
			u.ContainersActive++
		} else {
			u.ContainersReclaimable += c.State.UpperLen
		}
	}
	if err := e.ensureBase(ctx); err != nil {
		return u, err
	}
	store, err := e.store.Usage()
	if err != nil {
		return u, err
	}
	u.Images, u.ImagesActive, u.ImagesSize, u.ImagesReclaimable = store.Images, store.Active, store.Size, store.Reclaimable
	volumes, err := e.Volumes()
	for _, v := range volumes {
		u.Volumes++
		u.VolumesSize += v.Size
		if len(v.Users) > 0 {
			u.VolumesActive++
		} else {
			u.VolumesReclaimable += v.Size
		}
	}
	if err != nil {
		return u, err
	}
	u.CacheSize = dirSize(e.cacheDir())
	builds, err := e.store.BuildUsage()
	if err != nil {
		return u, err
	}
	mounts, err := e.BuildMounts()
	u.Builds, u.BuildsActive, u.BuildsSize = builds.Records+len(mounts), builds.Active, builds.Size
	for _, m := range mounts {
		u.BuildsSize += m.Size
	}
	return u, err
}
