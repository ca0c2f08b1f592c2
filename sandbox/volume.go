package sandbox

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// A volume is a file system of its own in $SBX_HOME/volumes/<name>: saved as
// one layer, as a container's changes are, because a folder of the host keeps
// neither owners nor modes nor links everywhere and without root. It is in
// memory while a container has it. All containers of one engine share that
// memory; the lock keeps other engines out meanwhile.
const (
	volumeData = "data.tar"
	volumeLock = "lock"

	// firstVolumeDev is below no device number that a namespace gives out.
	firstVolumeDev = 1 << 16
)

// volumes are those that an engine has open.
type volumes struct {
	mu   sync.Mutex
	open map[string]*volume
	devs uint64 // given out

	turns map[string]*turn // of those that are one's alone at a time
}

// volume is an open one. Its fields are set once ready is closed.
type volume struct {
	in        *volumes
	name, dir string
	patient   bool          // its lock is waited for as long as it takes
	refs      int           // guarded by volumes.mu; 0: being closed
	ready     chan struct{} // closed when err, fs and lock are set
	gone      chan struct{} // closed when it is saved and the lock given back
	err       error
	lock      *fileLock
	fs        *vfs.FS

	save    sync.Mutex // guards what follows
	keeper  keeper
	old     bool // it was saved before, or given its first files
	discard bool // its containers are removed, and it with them
}

// VolumePath is the folder of the host that keeps a volume.
func (e *Engine) VolumePath(name string) string { return e.volumeDir(name) }

func (e *Engine) volumeDir(name string) string { return filepath.Join(e.home, "volumes", name) }

// openVolume brings a volume into memory, which makes it if there is none, or
// shares the one that is. The caller closes it.
func (e *Engine) openVolume(ctx context.Context, name string) (*volume, error) {
	return e.vols.get(ctx, name, e.volumeDir(name), false)
}

func (s *volumes) get(ctx context.Context, name, dir string, patient bool) (*volume, error) {
	for {
		v, mine, closing := s.enter(name, dir)
		if closing != nil {
			select {
			case <-closing:
				continue
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
		if mine {
			v.patient = patient
			v.err = v.load(ctx, s.newDev())
			close(v.ready)
		}
		select {
		case <-v.ready:
		case <-ctx.Done():
			_ = v.close()
			return nil, context.Cause(ctx)
		}
		if v.err != nil {
			_ = v.close()
			return nil, v.err
		}
		return v, nil
	}
}

// enter finds an open volume and takes a reference, or registers a new one,
// which is then the caller's to load. One that is being closed has to be waited
// for.
func (s *volumes) enter(name, dir string) (v *volume, mine bool, closing <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v = s.open[name]; v != nil {
		if v.refs == 0 {
			return nil, false, v.gone
		}
		v.refs++
		return v, false, nil
	}
	v = &volume{in: s, name: name, dir: dir, refs: 1, ready: make(chan struct{}), gone: make(chan struct{})}
	if s.open == nil {
		s.open = map[string]*volume{}
	}
	s.open[name] = v
	return v, true, nil
}

// newDev numbers volumes, so that two in one container are two devices.
func (s *volumes) newDev() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.devs++
	return firstVolumeDev + s.devs
}

func (v *volume) load(ctx context.Context, dev uint64) error {
	wait := ctx
	if !v.patient {
		var cancel context.CancelFunc
		wait, cancel = context.WithTimeoutCause(ctx, lockWait, errLocked)
		defer cancel()
	}
	lock, err := lockVolume(wait, v.dir)
	if errors.Is(err, errLocked) {
		return fail(ErrConflict, "volume %s is in use by a container of another sbx: end that one first, or let both mount a host folder (-v ./folder:/path)", v.name)
	}
	if err != nil {
		return err
	}
	v.lock = lock
	sweepTemp(v.dir)
	v.fs = vfs.New(nil, nil, vfs.Options{Type: "overlay", Dev: dev})
	f, err := os.Open(filepath.Join(v.dir, volumeData))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	if err := v.fs.ApplyTar(f); err != nil {
		return fail(ErrCorrupt, "volume %s is damaged (%v): its file is %s", v.name, err, f.Name())
	}
	v.keeper.loaded(v.fs)
	v.old = true
	return nil
}

// lockVolume makes a volume's folder if it is missing and takes its lock, for
// which it waits until ctx ends.
func lockVolume(ctx context.Context, dir string) (*fileLock, error) {
	for {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, diskError(err)
		}
		lock, err := waitLock(ctx, filepath.Join(dir, volumeLock))
		if errors.Is(err, fs.ErrNotExist) && ctx.Err() == nil {
			continue // removed between the two steps
		}
		if err != nil || lock.current(filepath.Join(dir, volumeLock)) {
			return lock, err
		}
		lock.unlock() // of a folder that was removed meanwhile
	}
}

// close drops a reference. With the last one the volume is saved, if it
// changed, and its memory given back.
func (v *volume) close() error {
	v.in.mu.Lock()
	v.refs--
	last := v.refs == 0
	v.in.mu.Unlock()
	if !last {
		return nil
	}
	<-v.ready // whoever opens it may still be at it
	err := v.flush()
	if v.fs != nil {
		_ = v.fs.Close()
	}
	v.lock.unlock()
	v.in.mu.Lock()
	delete(v.in.open, v.name)
	v.in.mu.Unlock()
	close(v.gone)
	return err
}

// flush saves the volume if it changed since it was saved.
func (v *volume) flush() error {
	if v.err != nil {
		return nil
	}
	v.save.Lock()
	defer v.save.Unlock()
	if v.discard {
		return nil
	}
	_, err := v.keeper.keep(v.fs, filepath.Join(v.dir, volumeData))
	if err != nil {
		return fail(err, "the changes of volume %s could not be saved: %v", v.name, reasonOf(err))
	}
	return nil
}

// fill copies what a container's image has at a path into the volume, if
// nothing is in there: files, modes, owners, links.
func (v *volume) fill(t *tree, target string) error {
	v.save.Lock()
	defer v.save.Unlock()
	empty, err := isEmpty(v.fs)
	if err != nil || !empty {
		return err
	}
	loc, err := t.walker().Resolve(vfs.Loc{}, target, vfs.Directory)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.CloseWithError(t.fs.ExportDir(w, loc.Ino))
	}()
	err = v.fs.ApplyTar(r)
	r.CloseWithError(err)
	<-done
	return err
}

func isEmpty(s vfs.Super) (bool, error) {
	h, err := s.Open(s.Root(), linux.O_RDONLY)
	if err != nil {
		return false, err
	}
	defer h.Close()
	empty := true
	err = h.ReadDir(0, func(d vfs.DirEntry) bool {
		empty = d.Name == "." || d.Name == ".."
		return empty
	})
	return empty, err
}

// removeVolume deletes a volume that nobody has open.
func (e *Engine) removeVolume(name string) error {
	return removeVolumeDir(e.volumeDir(name), name)
}

func removeVolumeDir(dir, name string) error {
	lock, err := tryLock(filepath.Join(dir, volumeLock))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if errors.Is(err, errLocked) {
		return fail(ErrConflict, "volume %s is in use", name)
	}
	if err != nil {
		return err
	}
	err = os.Remove(filepath.Join(dir, volumeData))
	lock.unlock() // an open file cannot be removed on every host
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	const tries = 100
	for range tries {
		if err = os.RemoveAll(dir); err == nil {
			break // else somebody may just have made it anew
		}
	}
	return err
}
