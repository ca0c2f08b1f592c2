package sandbox

import (
	"path"
	"slices"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// stubs are mount points that are made in a file system and taken out of it
// again. The folders that hold them keep their times, so that nothing tells
// afterwards that they were there.
type stubs struct {
	w    *vfs.Walker
	made []string
}

// make makes what a program and its mounts need.
func (s *stubs) make(c Config, mounts []StepMount) error {
	for _, dir := range []string{"/proc", "/dev", "/sys"} {
		if err := s.dir(dir); err != nil {
			return err
		}
	}
	for _, f := range etcFiles(c, "", nil) {
		if err := s.file(f.path); err != nil {
			return err
		}
	}
	for _, m := range mounts {
		put := s.dir
		if m.File {
			put = s.file
		}
		if err := put(m.Target); err != nil {
			return fail(ErrInvalid, "mount at %s: %v", m.Target, reasonOf(err))
		}
	}
	return nil
}

func (s *stubs) dir(p string) error { return s.each(p, (*scaffold).dir) }

func (s *stubs) file(p string) error {
	if err := s.dir(path.Dir(p)); err != nil {
		return err
	}
	return s.each(p, (*scaffold).file)
}

// each makes the parts of a path that are missing, one after another, with fn
// for the last.
func (s *stubs) each(p string, fn func(*scaffold, string) error) error {
	p = path.Clean("/" + p)
	for i := 1; i <= len(p); i++ {
		if i < len(p) && p[i] != '/' {
			continue
		}
		at, put := p[:i], (*scaffold).dir
		if i == len(p) {
			put = fn
		}
		var a vfs.Attr
		if s.w.Stat(vfs.Loc{}, at, 0, &a) == nil {
			continue
		}
		one := &scaffold{w: s.w}
		if err := s.keepTime(path.Dir(at), func() error { return put(one, at) }); err != nil {
			return err
		}
		// Through a link that leads nowhere something else was made: it stays.
		if s.w.Stat(vfs.Loc{}, at, linux.AT_SYMLINK_NOFOLLOW, &a) == nil && !linux.S_ISLNK(a.Mode) {
			s.made = append(s.made, at)
		}
	}
	return nil
}

// keepTime does something in a folder, which does not get younger by it.
func (s *stubs) keepTime(dir string, do func() error) error {
	var a vfs.Attr
	err := s.w.Stat(vfs.Loc{}, dir, 0, &a)
	if derr := do(); derr != nil || err != nil {
		return derr
	}
	return s.w.Utimens(vfs.Loc{}, dir, &[2]vfs.Timespec{{Nsec: linux.UTIME_OMIT}, a.Mtime}, 0)
}

// remove takes out what is still empty. What a program put into it stays.
func (s *stubs) remove() {
	for _, p := range slices.Backward(s.made) {
		var a vfs.Attr
		if s.w.Stat(vfs.Loc{}, p, linux.AT_SYMLINK_NOFOLLOW, &a) != nil {
			continue
		}
		_ = s.keepTime(path.Dir(p), func() error {
			switch {
			case linux.S_ISDIR(a.Mode):
				return s.w.Rmdir(vfs.Loc{}, p)
			case linux.S_ISREG(a.Mode) && a.Size == 0 && !strings.HasSuffix(p, "/"):
				return s.w.Unlink(vfs.Loc{}, p)
			}
			return nil
		})
	}
}
