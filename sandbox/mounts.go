package sandbox

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

const defaultTmpfsMode = 0o1777

// mountSet holds what was mounted into one namespace, to be given back.
type mountSet struct {
	closers []func() error
	volumes []mountedVolume
}

type mountedVolume struct {
	*volume
	anonymous bool
}

// close gives everything back. The error tells what of a volume is lost.
func (s *mountSet) close() error {
	var errs []error
	for _, c := range slices.Backward(s.closers) {
		errs = append(errs, c())
	}
	s.closers, s.volumes = nil, nil
	return errors.Join(errs...)
}

// flush saves the volumes that changed; those that end with their container
// are not worth it.
func (s *mountSet) flush(temporary bool) {
	for _, v := range s.volumes {
		if !temporary || !v.anonymous {
			_ = v.flush() // the end tells if it still cannot be saved
		}
	}
}

// volume finds a mounted volume by name; nil when there is none.
func (s *mountSet) volume(name string) *volume {
	for _, v := range s.volumes {
		if v.name == name {
			return v.volume
		}
	}
	return nil
}

// sortedMounts orders parents before what is mounted inside them.
func sortedMounts(list []Mount) []Mount {
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b Mount) int { return strings.Compare(a.Target, b.Target) })
	return out
}

// mountAll mounts the files of /etc and the user's mounts into ns. Their
// mount points are there already. Empty volumes get what from has in their
// places, unless from is nil.
func (e *Engine) mountAll(ctx context.Context, ns *vfs.Namespace, rec Record, eps []Endpoint, from *tree) (*mountSet, error) {
	set := &mountSet{}
	err := set.etc(ns, rec, eps)
	for _, m := range sortedMounts(rec.Config.Mounts) {
		if err == nil {
			err = mountError(m, e.mountOne(ctx, set, ns, m, from))
		}
	}
	if err != nil {
		return nil, errors.Join(err, set.close())
	}
	return set, nil
}

// mountError names the mount, unless the message is made for people already.
func mountError(m Mount, err error) error {
	var told *userError
	if err == nil || errors.As(err, &told) {
		return err
	}
	return fail(ErrInvalid, "mount at %s: %v", m.Target, err)
}

func (e *Engine) mountOne(ctx context.Context, set *mountSet, ns *vfs.Namespace, m Mount, from *tree) error {
	// A mount may lie inside a mount before it, whose folders only exist now.
	if _, err := mkdirAll(rootWalker(ns), m.Target, 0o755); err != nil && !isFileBind(m) {
		return err
	}
	opt := vfs.MountOpts{Source: firstOf(m.Source, string(m.Type)), ReadOnly: m.ReadOnly, Path: m.Target}
	var super vfs.Super
	switch m.Type {
	case MountTmpfs:
		t := newTmpfs(m.Size, firstMode(m.Mode, defaultTmpfsMode))
		set.closers = append(set.closers, t.Close)
		super = t
	case MountVolume:
		v, err := e.openVolume(ctx, m.Source)
		if err != nil {
			return err
		}
		set.closers = append(set.closers, func() error { return v.close() })
		set.volumes = append(set.volumes, mountedVolume{v, m.Anonymous})
		if from != nil && !m.NoCopy {
			if err := v.fill(from, m.Target); err != nil {
				return err
			}
		}
		super = v.fs
	default:
		h, err := vfs.HostBind(m.Source, m.ReadOnly)
		if err != nil {
			return err
		}
		set.closers = append(set.closers, h.Close)
		super = h
	}
	return mountAt(ns, m.Target, super, opt)
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
	_, err = ns.Mount(loc, s, opt)
	return err
}

// etc mounts the files that sbx makes over the image's.
func (s *mountSet) etc(ns *vfs.Namespace, rec Record, eps []Endpoint) error {
	t := newTmpfs(1<<20, 0o755)
	s.closers = append(s.closers, t.Close)
	for _, f := range etcFiles(rec.Config, rec.ID, eps) {
		ino, err := t.Create(t.Root(), filepath.Base(f.path), vfs.CreateOpts{Mode: linux.S_IFREG | 0o644})
		if err != nil {
			return err
		}
		if err := fillFile(t, ino, f.text); err != nil {
			return err
		}
		if err := mountAt(ns, f.path, t, vfs.MountOpts{Source: "sbx", Root: ino, Path: f.path}); err != nil {
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
// exist or are created (-v), volumes get names and folders. undo takes away the
// volumes that nothing else will ever use.
func (e *Engine) prepareMounts(list []Mount) (undo func(), err error) {
	var made []string
	undo = func() {
		for _, name := range made {
			_ = os.RemoveAll(e.volumeDir(name))
		}
	}
	for i := range list {
		m := &list[i]
		switch m.Type {
		case MountBind:
			err = prepareBind(m)
		case MountVolume:
			var labels map[string]string
			if m.Source == "" {
				m.Source, m.Anonymous = newID(), true
				made = append(made, m.Source)
				labels = map[string]string{anonymousLabel: ""}
			}
			err = e.makeVolume(m.Source, labels)
		}
		if err != nil {
			undo()
			return nil, err
		}
	}
	return undo, nil
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
