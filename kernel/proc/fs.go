package proc

import (
	"strconv"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/pseudofs"
	"github.com/sbxrun/sbx/vfs"
)

// Caller is who resolves /proc/self, /proc/thread-self and the links of a
// process: the kernel's task.
type Caller interface {
	// ProcSelf returns the ids of its process and of itself.
	ProcSelf() (tgid, tid int)
	// ProcAccess reports whether it may look into the process, ptrace(2)'s
	// access mode PTRACE_MODE_READ_FSCREDS.
	ProcAccess(pid int) bool
}

// procFS is /proc.
type procFS struct{ staticFS }

// The first two lines of procFiles.
var self, threadSelf = inoOf(0, 1), inoOf(1, 1)

var (
	_ vfs.Super       = (*procFS)(nil)
	_ vfs.MagicLinker = (*procFS)(nil)
)

// New makes /proc over the kernel; dev is its device number.
func New(dev uint64, src Source) vfs.Super {
	return &procFS{newStatic("proc", linux.PROC_SUPER_MAGIC, dev, src, procFiles)}
}

// Folder returns the id of the process whose folder an inode is: EBADF for another,
// ESRCH once the process is gone.
func (f *procFS) Folder(ino vfs.Ino) (pid int, err error) {
	if r := decode(ino); ino&inoDynamic == 0 || r.task || r.kind != kindFolder {
		return 0, linux.EBADF
	}
	r, _, _, err := f.find(ino)
	if err != nil {
		return 0, linux.ESRCH
	}
	return r.id, nil
}

// find resolves an inode of a process's folder; ENOENT once the process is gone.
func (f *procFS) find(ino vfs.Ino) (ref, Task, Status, error) {
	r := decode(ino)
	t, ok := f.src.Task(r.id)
	if !ok {
		return r, nil, Status{}, linux.ENOENT
	}
	st := t.Status()
	if st.TID == 0 || st.Serial&(1<<serialBits-1) != r.serial || int(r.kind) >= len(kinds) {
		return r, nil, Status{}, linux.ENOENT
	}
	return r, t, st, nil
}

// folder is the reference to a process's folder, or below task/ of a thread's.
func (f *procFS) folder(name string, task bool) (ref, Status, error) {
	id, err := strconv.Atoi(name)
	if err != nil || id <= 0 || id > maxID || strconv.Itoa(id) != name {
		return ref{}, Status{}, linux.ENOENT
	}
	t, ok := f.src.Task(id)
	if !ok {
		return ref{}, Status{}, linux.ENOENT
	}
	st := t.Status()
	if st.TID == 0 {
		return ref{}, Status{}, linux.ENOENT
	}
	return ref{id: id, serial: st.Serial, task: task}, st, nil
}

// Lookup finds processes in the root, and what their folders hold.
func (f *procFS) Lookup(dir vfs.Ino, name string) (vfs.Ino, error) {
	if dir&inoDynamic == 0 {
		ino, err := f.staticFS.Lookup(dir, name)
		if dir == rootIno && err == linux.ENOENT {
			r, _, err := f.folder(name, false)
			if err != nil {
				return 0, err
			}
			return r.ino(), nil
		}
		return ino, err
	}
	r, t, st, err := f.find(dir)
	if err != nil {
		return 0, err
	}
	return f.lookupIn(r, t, st, name)
}

func (f *procFS) lookupIn(r ref, t Task, st Status, name string) (vfs.Ino, error) {
	switch r.kind {
	case kindTasks:
		sub, sst, err := f.folder(name, true)
		if err != nil || sst.TGID != st.TGID {
			return 0, linux.ENOENT
		}
		return sub.ino(), nil
	case kindFDs, kindFDInfos:
		fd, err := strconv.Atoi(name)
		if err != nil || fd < 0 || fd > maxArg || strconv.Itoa(fd) != name {
			return 0, linux.ENOENT
		}
		if _, err := t.FD(fd); err != nil {
			return 0, linux.ENOENT
		}
		return r.with(r.kind+1, fd).ino(), nil
	}
	if kinds[r.kind].children == 0 {
		return 0, linux.ENOTDIR
	}
	for k := range kinds {
		if kinds[k].in == r.kind && kinds[k].name == name && !(r.task && kinds[k].processOnly) {
			return r.with(kind(k), 0).ino(), nil
		}
	}
	return 0, linux.ENOENT
}

// Parent finds where a directory is.
func (f *procFS) Parent(dir vfs.Ino) (vfs.Ino, string, error) {
	if dir&inoDynamic == 0 {
		return f.staticFS.Parent(dir)
	}
	r, _, st, err := f.find(dir)
	if err != nil {
		return 0, "", err
	}
	if r.kind != kindFolder {
		k := &kinds[r.kind]
		if !k.isDir() {
			return 0, "", linux.ENOTDIR
		}
		return r.with(k.in, 0).ino(), k.name, nil
	}
	if !r.task {
		return rootIno, strconv.Itoa(r.id), nil
	}
	up, _, err := f.folder(strconv.Itoa(st.TGID), false)
	if err != nil {
		return 0, "", err
	}
	return up.with(kindTasks, 0).ino(), strconv.Itoa(r.id), nil
}

// Getattr gives a process's files to its effective user.
func (f *procFS) Getattr(ino vfs.Ino, a *vfs.Attr) error {
	if ino&inoDynamic == 0 {
		err := f.staticFS.Getattr(ino, a)
		if ino == rootIno {
			a.Nlink += uint32(len(f.src.PIDs()))
		}
		if ino == self || ino == threadSelf {
			a.Size = 0
		}
		return err
	}
	r, t, st, err := f.find(ino)
	if err != nil {
		return err
	}
	born := vfs.TimespecOf(f.boot().Time().Add(st.Start))
	*a = vfs.Attr{Dev: f.dev, Ino: ino, Mode: kinds[r.kind].mode, Nlink: 1, UID: st.UID[1], GID: st.GID[1],
		Blksize: 1024, Atime: born, Mtime: born, Ctime: born, Btime: born}
	switch r.kind {
	case kindFolder:
		a.Nlink = 9
		if r.task {
			a.Nlink = 7
		}
	case kindTasks:
		a.Nlink = 2 + uint32(len(t.Threads()))
	case kindFDs:
		a.Nlink, a.Size = 2, int64(len(t.FDs()))
	case kindFD:
		return fdAttr(t, r.arg, a)
	default:
		if kinds[r.kind].isDir() {
			a.Nlink = 2
		}
	}
	return nil
}

// fdAttr shows in the permissions of fd/N what the descriptor is open for.
func fdAttr(t Task, fd int, a *vfs.Attr) error {
	d, err := t.FD(fd)
	if err != nil {
		return linux.ENOENT
	}
	a.Size = 64
	acc := d.Flags & linux.O_ACCMODE
	a.Mode = linux.S_IFLNK | 0o100
	if d.Flags&linux.O_PATH != 0 {
		return nil
	}
	if acc != linux.O_WRONLY {
		a.Mode |= 0o400
	}
	if acc != linux.O_RDONLY {
		a.Mode |= 0o200
	}
	return nil
}

// ReadlinkFor is Readlink on behalf of a task, which is what /proc/self needs.
func (f *procFS) ReadlinkFor(ino vfs.Ino, caller any) (string, bool, error) {
	c, ok := caller.(Caller)
	if !ok {
		return "", false, nil
	}
	if ino == self || ino == threadSelf {
		tgid, tid := c.ProcSelf()
		s := strconv.Itoa(tgid)
		if ino == threadSelf {
			s += "/task/" + strconv.Itoa(tid)
		}
		return s, true, nil
	}
	if ino&inoDynamic != 0 && !c.ProcAccess(decode(ino).id) {
		return "", true, linux.EACCES
	}
	return "", false, nil
}

// Readlink reads links. /proc/self depends on who asks, and is that of the
// first process when it is not known: see ReadlinkFor.
func (f *procFS) Readlink(ino vfs.Ino) (string, error) {
	if ino&inoDynamic == 0 {
		if ino == self || ino == threadSelf {
			pids := f.src.PIDs()
			if len(pids) == 0 {
				return "", linux.ENOENT
			}
			s, _, err := f.ReadlinkFor(ino, host{pids[0]})
			return s, err
		}
		return f.staticFS.Readlink(ino)
	}
	_, text, err := f.magic(ino)
	return text, err
}

// host is the caller that is no task: it sees the first process as itself.
type host struct{ pid int }

func (h host) ProcSelf() (int, int) { return h.pid, h.pid }
func (h host) ProcAccess(int) bool  { return true }

// FollowMagic leads exe, cwd, root and fd/N to the very file they stand for.
func (f *procFS) FollowMagic(ino vfs.Ino) (vfs.Loc, bool, error) {
	if ino&inoDynamic == 0 {
		return vfs.Loc{}, false, nil
	}
	l, _, err := f.magic(ino)
	if err == linux.EINVAL {
		return vfs.Loc{}, false, nil
	}
	if err == nil && l == (vfs.Loc{}) {
		err = linux.ENOENT
		if r, t, _, _ := f.find(ino); r.kind == kindFD {
			err = &vfs.Elsewhere{File: OpenFile{t, r.arg}}
		}
	}
	return l, true, err
}

// OpenFile is what a link of /proc/PID/fd leads to when that has no place in the
// tree: the File of a *vfs.Elsewhere.
type OpenFile struct {
	Task Task
	FD   int
}

func (f *procFS) magic(ino vfs.Ino) (vfs.Loc, string, error) {
	r, t, _, err := f.find(ino)
	if err != nil {
		return vfs.Loc{}, "", err
	}
	switch r.kind {
	case kindExe:
		return t.Link(LinkExe)
	case kindCwd:
		return t.Link(LinkCwd)
	case kindRoot:
		return t.Link(LinkRoot)
	case kindFD:
		d, err := t.FD(r.arg)
		if err != nil {
			return vfs.Loc{}, "", linux.ENOENT
		}
		return d.Loc, d.Path, nil
	}
	if s := kinds[r.kind].text; s != "" {
		return vfs.Loc{}, s, nil
	}
	return vfs.Loc{}, "", linux.EINVAL
}

// Setattr lets sizes and times be, and refuses the rest.
func (f *procFS) Setattr(ino vfs.Ino, s *vfs.SetAttr) error {
	if ino&inoDynamic != 0 {
		if _, _, _, err := f.find(ino); err != nil {
			return err
		}
	}
	return f.Base.Setattr(ino, s)
}

// Open opens a file, which is rendered when it is read, or a directory.
func (f *procFS) Open(ino vfs.Ino, flags int) (vfs.Handle, error) {
	if ino == rootIno {
		return &pseudofs.Dir{Self: rootIno, Parent: rootIno, List: f.listRoot}, nil
	}
	if ino&inoDynamic == 0 {
		return f.staticFS.Open(ino, flags)
	}
	r, t, _, err := f.find(ino)
	if err != nil {
		return nil, err
	}
	k := &kinds[r.kind]
	switch {
	case k.isDir():
		return f.openDir(ino, r)
	case k.mode&linux.S_IFMT == linux.S_IFLNK:
		return nil, linux.ELOOP
	}
	h := &pseudofs.File{}
	if k.render != nil {
		h.Render = func() ([]byte, error) {
			r, t, st, err := f.find(ino)
			if err != nil {
				return nil, linux.ESRCH // it is gone
			}
			b, err := k.render(&pidView{t, st, f.src, r})
			return []byte(b), err
		}
	}
	if k.store != nil {
		h.Store = func(p []byte) error { return k.store(t, string(p)) }
	}
	return h, nil
}
