package kernel

import (
	"strings"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// memBytes bounds what files of memfd_create hold together, when Limits.Memory
// does not say less.
const memBytes = 1 << 30

// memFS is where files of memfd_create(2) are: a filesystem in memory that is
// mounted nowhere. It is made when it is first needed.
type memFS struct {
	mu    sync.Mutex
	fs    *vfs.FS
	ns    *vfs.Namespace
	seals map[vfs.Ino]*seals
}

// seals of one file, which all its descriptions share.
type seals struct {
	mu    sync.RWMutex // held for reading while the file changes
	set   int
	maps  int // shared ones that may be written
	users int // guarded by memFS.mu
}

// MemfdCreate is memfd_create(2).
func (t *Task) MemfdCreate(name string, flags int) (int, error) {
	const known = linux.MFD_CLOEXEC | linux.MFD_ALLOW_SEALING | linux.MFD_NOEXEC_SEAL | linux.MFD_EXEC
	if flags&^known != 0 || flags&(linux.MFD_EXEC|linux.MFD_NOEXEC_SEAL) == linux.MFD_EXEC|linux.MFD_NOEXEC_SEAL {
		return -1, linux.EINVAL
	}
	if len(name) > linux.NAME_MAX-len("memfd:") || strings.Contains(name, "\x00") {
		return -1, linux.EINVAL
	}
	if err := t.enter(); err != nil {
		return -1, err
	}
	f, r, err := t.newMemfd(name, flags&linux.MFD_NOEXEC_SEAL != 0)
	if err != nil {
		return -1, err
	}
	switch {
	case flags&linux.MFD_NOEXEC_SEAL != 0:
		r.seals.set = linux.F_SEAL_EXEC
	case flags&linux.MFD_ALLOW_SEALING == 0:
		r.seals.set = linux.F_SEAL_SEAL
	}
	return t.install(f, 0, flags&linux.MFD_CLOEXEC != 0)
}

// newMemfd makes the file.
func (t *Task) newMemfd(name string, noexec bool) (*File, *regular, error) {
	m := &t.k.mem
	m.mu.Lock()
	if m.fs == nil {
		size := int64(memBytes)
		if l := t.k.cfg.Limits.Memory; l > 0 {
			size = min(size, l)
		}
		m.fs = t.k.tmpfs(memDev, size)
		m.ns, m.seals = vfs.NewNamespace(m.fs), map[vfs.Ino]*seals{}
	}
	root := m.ns.RootLoc()
	m.mu.Unlock()
	mode := uint32(0o777)
	if noexec {
		mode = 0o666
	}
	c := t.cred.Load()
	w := vfs.Walker{NS: m.ns, Root: root, Cwd: root, Cred: vfs.RootCred()}
	o, err := w.OpenFile(root, ".", linux.O_TMPFILE|linux.O_RDWR, mode, 0)
	if err != nil {
		return nil, nil, err
	}
	r := &regular{h: o.Handle, seals: t.k.sealsOf(o.Loc)}
	f, err := t.k.newFile(r, linux.O_RDWR|linux.O_LARGEFILE)
	if err != nil {
		t.k.sealsDone(o.Loc, r.seals)
		o.Close()
		return nil, nil, err
	}
	// The walker made it root's, so that no limit of a user's directory applies.
	_ = o.Loc.Super().Setattr(o.Loc.Ino, &vfs.SetAttr{Valid: vfs.SetUID | vfs.SetGID | vfs.SetMode, UID: c.FSUID, GID: c.FSGID, Mode: mode})
	f.loc = o.Loc
	f.name = "/memfd:" + name
	return f, r, nil
}

// sealsOf counts a description of a file in; nil when the file is not of
// memfd_create.
func (k *Kernel) sealsOf(l vfs.Loc) *seals {
	m := &k.mem
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fs == nil || l.Super() != vfs.Super(m.fs) {
		return nil
	}
	s := m.seals[l.Ino]
	if s == nil {
		s = &seals{}
		m.seals[l.Ino] = s
	}
	s.users++
	return s
}

// sealsDone counts it out.
func (k *Kernel) sealsDone(l vfs.Loc, s *seals) {
	if s == nil {
		return
	}
	k.mem.mu.Lock()
	defer k.mem.mu.Unlock()
	if s.users--; s.users == 0 {
		delete(k.mem.seals, l.Ino)
	}
}

// Ways to change a file.
const (
	sealWrite = iota
	sealTruncate
	sealAllocate
)

// change begins a change that gives the file a size of at least size, or just
// that size when it is a truncation. done ends it.
func (s *seals) change(f *File, size int64, how int) (done func(), err error) {
	if s == nil {
		return func() {}, nil
	}
	s.mu.RLock()
	var a vfs.Attr
	switch {
	case s.set == 0:
	case how == sealWrite && s.set&(linux.F_SEAL_WRITE|linux.F_SEAL_FUTURE_WRITE) != 0:
		err = linux.EPERM
	case s.set&(linux.F_SEAL_GROW|linux.F_SEAL_SHRINK) != 0:
		if err = f.loc.Getattr(&a); err != nil {
			break
		}
		if size > a.Size && s.set&linux.F_SEAL_GROW != 0 || how == sealTruncate && size < a.Size && s.set&linux.F_SEAL_SHRINK != 0 {
			err = linux.EPERM
		}
	}
	if err != nil {
		s.mu.RUnlock()
		return nil, err
	}
	return s.mu.RUnlock, nil
}

// mapWritable counts a shared map in that may be written; it answers no when seals
// forbid that.
func (s *seals) mapWritable() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set&(linux.F_SEAL_WRITE|linux.F_SEAL_FUTURE_WRITE) != 0 {
		return false
	}
	s.maps++
	return true
}

// unmapWritable counts it out.
func (s *seals) unmapWritable() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.maps--
}

// memfd returns the seals of a descriptor: EINVAL when its file cannot have any.
func (t *Task) memfd(fd int) (*File, *seals, error) {
	f, err := t.file(fd)
	if err != nil {
		return nil, nil, err
	}
	if f.flags.Load()&linux.O_PATH != 0 {
		f.decref(t)
		return nil, nil, linux.EBADF
	}
	r, ok := f.ops.(*regular)
	if !ok || r.seals == nil {
		f.decref(t)
		return nil, nil, linux.EINVAL
	}
	return f, r.seals, nil
}

// Seals is F_GET_SEALS.
func (t *Task) Seals(fd int) (int, error) {
	f, s, err := t.memfd(fd)
	if err != nil {
		return 0, err
	}
	defer f.decref(t)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.set, nil
}

// AddSeals is F_ADD_SEALS. Shared maps that may be written forbid F_SEAL_WRITE: EBUSY.
func (t *Task) AddSeals(fd, set int) error {
	const known = linux.F_SEAL_SEAL | linux.F_SEAL_SHRINK | linux.F_SEAL_GROW | linux.F_SEAL_WRITE | linux.F_SEAL_FUTURE_WRITE | linux.F_SEAL_EXEC
	f, s, err := t.memfd(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	if !f.writable() {
		return linux.EPERM
	}
	if set&^known != 0 {
		return linux.EINVAL
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set&linux.F_SEAL_SEAL != 0 {
		return linux.EPERM
	}
	if set&linux.F_SEAL_WRITE != 0 && s.maps > 0 {
		return linux.EBUSY
	}
	s.set |= set
	return nil
}
