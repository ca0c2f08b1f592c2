package kernel

import (
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// fsContext is what CLONE_FS shares: root, working directory and umask. The
// places have Refs.
type fsContext struct {
	mu        sync.Mutex
	users     int
	root, cwd vfs.Loc
	umask     uint32
}

// copy returns a context of its own.
func (c *fsContext) copy() *fsContext {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.root.Ref()
	c.cwd.Ref()
	return &fsContext{users: 1, root: c.root, cwd: c.cwd, umask: c.umask}
}

// share counts another task in.
func (c *fsContext) share() *fsContext {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.users++
	return c
}

// drop counts a task out; the last one lets go of the places.
func (c *fsContext) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.users--; c.users == 0 {
		c.root.Unref()
		c.cwd.Unref()
		c.root, c.cwd = vfs.Loc{}, vfs.Loc{}
	}
}

// walker resolves paths for one call. While the context is shared it holds
// the places of its own, for another thread may change them.
type walker struct {
	vfs.Walker
	held bool
}

// walker returns a walker with the task's root, directory and credentials;
// done must be called after use.
func (t *Task) walker() walker {
	c := t.fs
	c.mu.Lock()
	w := walker{Walker: vfs.Walker{NS: t.k.ns, Root: c.root, Cwd: c.cwd, Umask: c.umask, Cred: t.cred.Load().fs, Caller: t}}
	if w.held = c.users > 1; w.held {
		w.Root.Ref()
		w.Cwd.Ref()
	}
	c.mu.Unlock()
	return w
}

// done lets go of what walker holds.
func (w *walker) done() {
	if w.held {
		w.Root.Unref()
		w.Cwd.Unref()
	}
}

// at is where a path of the *at(2) calls starts, and the file that keeps it.
type at struct {
	loc vfs.Loc
	f   *File
}

// at resolves dirfd for a path: the zero Loc is the working directory.
func (t *Task) at(dirfd int, path string) (at, error) {
	if dirfd == linux.AT_FDCWD || path != "" && path[0] == '/' {
		return at{}, nil
	}
	f, err := t.files.get(dirfd)
	if err != nil {
		return at{}, err
	}
	if f.loc.Mount == nil {
		if path == "" {
			return at{f: f}, nil
		}
		f.decref(t)
		return at{}, linux.ENOTDIR
	}
	return at{f.loc, f}, nil
}

func (a *at) done(t *Task) {
	if a.f != nil {
		a.f.decref(t)
	}
}

// pathCall runs op with a walker and the start of a path.
func (t *Task) pathCall(dirfd int, path string, op func(w *walker, at vfs.Loc) error) error {
	if err := t.enter(); err != nil {
		return err
	}
	a, err := t.at(dirfd, path)
	if err != nil {
		return err
	}
	w := t.walker()
	err = op(&w, a.loc)
	w.done()
	a.done(t)
	return err
}

// Chdir is chdir(2).
func (t *Task) Chdir(path string) error {
	return t.pathCall(linux.AT_FDCWD, path, func(w *walker, at vfs.Loc) error {
		loc, err := w.Resolve(at, path, vfs.Directory)
		if err != nil {
			return err
		}
		loc.Ref()
		return t.enterDir(w, loc)
	})
}

// Fchdir is fchdir(2).
func (t *Task) Fchdir(fd int) error {
	f, err := t.files.get(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	var a vfs.Attr
	if err := f.ops.attr(f, &a); err != nil {
		return err
	}
	if f.loc.Mount == nil || !linux.S_ISDIR(a.Mode) {
		return linux.ENOTDIR
	}
	w := t.walker()
	defer w.done()
	f.loc.Ref()
	return t.enterDir(&w, f.loc)
}

// enterDir makes loc, whose Ref it takes over, the working directory.
func (t *Task) enterDir(w *walker, loc vfs.Loc) error {
	if err := w.AccessLoc(loc, linux.X_OK); err != nil {
		loc.Unref()
		return err
	}
	c := t.fs
	c.mu.Lock()
	old := c.cwd
	c.cwd = loc
	c.mu.Unlock()
	old.Unref()
	return nil
}

// Chroot is chroot(2); it needs CAP_SYS_CHROOT and leaves the working directory.
func (t *Task) Chroot(path string) error {
	return t.pathCall(linux.AT_FDCWD, path, func(w *walker, at vfs.Loc) error {
		loc, err := w.Resolve(at, path, vfs.Directory)
		if err != nil {
			return err
		}
		if err := w.AccessLoc(loc, linux.X_OK); err != nil {
			return err
		}
		if !t.cred.Load().Has(linux.CAP_SYS_CHROOT) {
			return linux.EPERM
		}
		loc.Ref()
		c := t.fs
		c.mu.Lock()
		old := c.root
		c.root = loc
		c.mu.Unlock()
		old.Unref()
		return nil
	})
}

// Getcwd is getcwd(2): ENOENT when the directory was removed, and a path that
// begins with "(unreachable)" when it is outside of the root.
func (t *Task) Getcwd() (string, error) {
	if err := t.enter(); err != nil {
		return "", err
	}
	w := t.walker()
	defer w.done()
	path, reachable, err := t.k.ns.Path(w.Root, w.Cwd)
	if err != nil {
		return "", err
	}
	if !reachable {
		return "(unreachable)" + path, nil
	}
	return path, nil
}

// Umask is umask(2).
func (t *Task) Umask(mask uint32) uint32 {
	c := t.fs
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.umask
	c.umask = mask & 0o777
	return old
}
