package sandbox

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

const (
	defaultShm       = 64 << 20 // bytes, as docker
	defaultTmpfsMode = 0o1777
	shmDir           = "/dev/shm"
)

// mountSet holds what was mounted into one namespace, to be given back.
type mountSet struct{ closers []func() error }

func (s *mountSet) close() {
	for _, c := range slices.Backward(s.closers) {
		_ = c()
	}
	s.closers = nil
}

// sortedMounts orders parents before what is mounted inside them.
func sortedMounts(list []Mount) []Mount {
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b Mount) int { return strings.Compare(a.Target, b.Target) })
	return out
}

// mountAll mounts the user's mounts and the files of /etc into ns. Their
// mount points are there already.
func (e *Engine) mountAll(ns *vfs.Namespace, rec Record) (*mountSet, error) {
	set := &mountSet{}
	if err := set.etc(ns, rec); err != nil {
		set.close()
		return nil, err
	}
	shm := Mount{Type: MountTmpfs, Target: shmDir, Size: rec.Config.ShmSize}
	if shm.Size == 0 {
		shm.Size = defaultShm
	}
	for _, m := range append([]Mount{shm}, sortedMounts(rec.Config.Mounts)...) {
		if err := e.mountOne(set, ns, m); err != nil {
			set.close()
			return nil, fail(ErrInvalid, "mount at %s: %v", m.Target, err)
		}
	}
	return set, nil
}

func (e *Engine) mountOne(set *mountSet, ns *vfs.Namespace, m Mount) error {
	// A mount may lie inside a mount before it, whose folders only exist now.
	if _, err := mkdirAll(rootWalker(ns), m.Target, 0o755); err != nil && !isFileBind(m) {
		return err
	}
	opt := vfs.MountOpts{Source: firstOf(m.Source, string(m.Type)), ReadOnly: m.ReadOnly}
	var super vfs.Super
	switch m.Type {
	case MountTmpfs:
		t := newTmpfs(m.Size, firstMode(m.Mode, defaultTmpfsMode))
		set.closers = append(set.closers, t.Close)
		super = t
	default:
		var err error
		if super, err = e.hostSide(m); err != nil {
			return err
		}
		if c, ok := super.(io.Closer); ok {
			set.closers = append(set.closers, c.Close)
		}
	}
	return mountAt(ns, m.Target, super, opt)
}

// hostSide opens the host folder or file behind a bind or volume mount.
func (e *Engine) hostSide(m Mount) (vfs.Super, error) {
	if m.Type == MountVolume {
		return vfs.HostBind(e.volumeDir(m.Source), m.ReadOnly)
	}
	return vfs.HostBind(m.Source, m.ReadOnly)
}

func isFileBind(m Mount) bool {
	if m.Type != MountBind {
		return false
	}
	fi, err := os.Stat(m.Source)
	return err == nil && !fi.IsDir()
}

func mountAt(ns *vfs.Namespace, target string, s vfs.Super, opt vfs.MountOpts) error {
	loc, err := rootWalker(ns).Resolve(vfs.Loc{}, target, 0)
	if err != nil {
		return err
	}
	defer loc.Unref()
	_, err = ns.Mount(loc, s, opt)
	return err
}

// etc mounts the files that sbx makes over the image's.
func (s *mountSet) etc(ns *vfs.Namespace, rec Record) error {
	t := newTmpfs(1<<20, 0o755)
	s.closers = append(s.closers, t.Close)
	for _, f := range etcFiles(rec.Config, rec.ID) {
		ino, err := t.Create(t.Root(), filepath.Base(f.path), vfs.CreateOpts{Mode: linux.S_IFREG | 0o644})
		if err != nil {
			return err
		}
		if err := fillFile(t, ino, f.text); err != nil {
			return err
		}
		if err := mountAt(ns, f.path, t, vfs.MountOpts{Source: "sbx", Root: ino}); err != nil {
			return &fs.PathError{Op: "mount", Path: f.path, Err: err}
		}
	}
	return nil
}

func fillFile(s vfs.Super, ino vfs.Ino, text string) error {
	h, err := s.Open(ino, linux.O_WRONLY)
	if err != nil {
		return err
	}
	_, err = h.WriteAt([]byte(text), 0)
	return errors.Join(err, h.Close())
}

// newTmpfs is a file system in memory, bounded by size bytes (0: not).
func newTmpfs(size int64, mode uint32) *vfs.FS {
	t := vfs.New(nil, nil, vfs.Options{MaxBytes: size, Type: "tmpfs"})
	_ = t.Setattr(t.Root(), &vfs.SetAttr{Valid: vfs.SetMode, Mode: mode})
	return t
}

func firstMode(a, b uint32) uint32 {
	if a != 0 {
		return a
	}
	return b
}

// prepareMounts checks the host's side when a container is made: folders
// exist or are created (-v), volumes get names and folders.
func (e *Engine) prepareMounts(list []Mount) error {
	for i := range list {
		m := &list[i]
		switch m.Type {
		case MountBind:
			if err := prepareBind(m); err != nil {
				return err
			}
		case MountVolume:
			if m.Source == "" {
				m.Source, m.Anonymous = newID(), true
			}
			if err := os.MkdirAll(e.volumeDir(m.Source), 0o755); err != nil {
				return err
			}
		}
	}
	return nil
}

func prepareBind(m *Mount) error {
	if rest, ok := strings.CutPrefix(m.Source, "~"); ok && (rest == "" || rest[0] == '/' || rest[0] == filepath.Separator) {
		home, err := os.UserHomeDir()
		if err != nil {
			return err
		}
		m.Source = home + rest
	}
	abs, err := filepath.Abs(m.Source)
	if err != nil {
		return err
	}
	m.Source = abs
	if _, err := os.Stat(abs); err == nil {
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fail(ErrInvalid, "mount at %s: %v", m.Target, err)
	}
	if !m.Create {
		return fail(ErrInvalid, "mount at %s: the source %s does not exist: make it first", m.Target, abs)
	}
	return os.MkdirAll(abs, 0o755)
}

func (e *Engine) volumeRoot(name string) string { return filepath.Join(e.home, "volumes", name) }

func (e *Engine) volumeDir(name string) string {
	return filepath.Join(e.volumeRoot(name), "_data")
}
