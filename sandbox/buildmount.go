package sandbox

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sbxrun/sbx/vfs"
)

// The cache mounts of builds are kept like volumes, in
// $SBX_HOME/build/mounts/<key>: data.tar, lock, and the name that a Dockerfile
// has for it in label.
const mountLabel = "label"

// BuildMount is an open cache mount. All builds of this engine that have it
// open share one file system; those of others wait.
type BuildMount struct {
	v    *volume
	turn *turn // held; nil: shared
}

// turn is a lock that can be waited for with a context.
type turn struct{ c chan struct{} }

func (e *Engine) buildMountDir(key string) string {
	return filepath.Join(e.home, "build", "mounts", key)
}

// OpenBuildMount opens a cache mount, which is made if there is none. The key
// is 64 hexadecimal digits. With exclusive set it is nobody else's meanwhile who
// asks for that too. Who opens several does so in the order of their keys.
func (e *Engine) OpenBuildMount(ctx context.Context, key, label string, exclusive bool) (*BuildMount, error) {
	if len(key) != idLen || !isHex(key) {
		return nil, fail(ErrInvalid, "%q is no key of a cache mount", key)
	}
	v, err := e.caches.get(ctx, key, e.buildMountDir(key), true)
	if err != nil {
		return nil, err
	}
	m := &BuildMount{v: v}
	if exclusive {
		t := e.caches.turn(key)
		select {
		case t.c <- struct{}{}:
			m.turn = t
		case <-ctx.Done():
			_ = v.close()
			return nil, context.Cause(ctx)
		}
	}
	if file := filepath.Join(v.dir, mountLabel); label != "" {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			_ = os.WriteFile(file, []byte(label), 0o600) // only for people
		}
	}
	return m, nil
}

// turn finds the lock of a name.
func (s *volumes) turn(name string) *turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turns == nil {
		s.turns = map[string]*turn{}
	}
	t := s.turns[name]
	if t == nil {
		t = &turn{make(chan struct{}, 1)}
		s.turns[name] = t
	}
	return t
}

// FS is the file system.
func (m *BuildMount) FS() *vfs.FS { return m.v.fs }

// Init calls fn if the mount is new, before anybody else sees it.
func (m *BuildMount) Init(fn func(*vfs.FS) error) error {
	m.v.save.Lock()
	defer m.v.save.Unlock()
	if m.v.old {
		return nil
	}
	err := fn(m.v.fs)
	m.v.old = err == nil
	return err
}

// Close saves the mount when nobody else has it open.
func (m *BuildMount) Close() error {
	if m.turn != nil {
		<-m.turn.c
		m.turn = nil
	}
	return m.v.close()
}

// BuildMountInfo tells of a cache mount that is kept.
type BuildMountInfo struct {
	Key, Label string
	Size       int64
	Used       time.Time // when it was last written
}

// BuildMounts lists the cache mounts.
func (e *Engine) BuildMounts() ([]BuildMountInfo, error) {
	list, err := os.ReadDir(e.buildMountDir(""))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []BuildMountInfo
	for _, d := range list {
		if len(d.Name()) != idLen || !isHex(d.Name()) {
			continue
		}
		dir := e.buildMountDir(d.Name())
		m := BuildMountInfo{Key: d.Name(), Size: dirSize(dir)}
		if f, err := os.Open(filepath.Join(dir, mountLabel)); err == nil {
			b, _ := io.ReadAll(io.LimitReader(f, 4096))
			_ = f.Close()
			m.Label = strings.ToValidUTF8(string(b), "?")
		}
		if fi, err := os.Stat(filepath.Join(dir, volumeData)); err == nil {
			m.Used = fi.ModTime()
		}
		out = append(out, m)
	}
	return out, nil
}

// RemoveBuildMount deletes a cache mount; one that is in use is ErrConflict.
func (e *Engine) RemoveBuildMount(key string) error {
	if len(key) != idLen || !isHex(key) {
		return fail(ErrInvalid, "%q is no key of a cache mount", key)
	}
	return removeVolumeDir(e.buildMountDir(key), key)
}
