package kernel

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// file starts a call on a descriptor. The reference is the caller's.
func (t *Task) file(fd int) (*File, error) {
	if err := t.enter(); err != nil {
		return nil, err
	}
	return t.files.get(fd)
}

// Read is read(2): 0 is the end of the file.
func (t *Task) Read(fd int, p []byte) (int, error) {
	f, err := t.file(fd)
	if err != nil {
		return 0, err
	}
	defer f.decref(t)
	if !f.readable() {
		return 0, linux.EBADF
	}
	if len(p) > maxRW {
		p = p[:maxRW]
	}
	n, err := f.ops.read(t, f, p)
	if n > 0 {
		t.k.notify(f, linux.IN_ACCESS)
	}
	return n, err
}

// Write is write(2). A pipe without readers raises SIGPIPE and gives EPIPE. It
// may write less than asked, as Linux may.
func (t *Task) Write(fd int, p []byte) (int, error) {
	f, err := t.file(fd)
	if err != nil {
		return 0, err
	}
	defer f.decref(t)
	if !f.writable() {
		return 0, linux.EBADF
	}
	if len(p) > maxRW {
		p = p[:maxRW]
	}
	n, err := f.ops.write(t, f, p)
	if err == linux.EPIPE {
		t.brokenPipe(f)
	}
	return n, err
}

// brokenPipe sends SIGPIPE for a write that nobody reads.
func (t *Task) brokenPipe(f *File) {
	if _, host := f.ops.(*hostOut); host && t.proc.pid == 1 {
		// Nobody inside could end a process 1 that goes on writing.
		_ = t.proc.Terminate(linux.SIGPIPE)
		return
	}
	t.raise(linux.SIGPIPE)
}

// seekable starts a call on a file with an offset: ESPIPE without one.
func (t *Task) seekable(fd int) (*File, positioned, error) {
	f, err := t.file(fd)
	if err != nil {
		return nil, nil, err
	}
	if f.flags.Load()&linux.O_PATH != 0 {
		f.decref(t)
		return nil, nil, linux.EBADF
	}
	p, ok := f.ops.(positioned)
	if !ok {
		f.decref(t)
		return nil, nil, linux.ESPIPE
	}
	return f, p, nil
}

// Pread is pread(2).
func (t *Task) Pread(fd int, p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, linux.EINVAL
	}
	f, pos, err := t.seekable(fd)
	if err != nil {
		return 0, err
	}
	defer f.decref(t)
	if !f.readable() {
		return 0, linux.EBADF
	}
	n, err := pos.pread(t, f, p, off)
	if n > 0 {
		t.k.notify(f, linux.IN_ACCESS)
	}
	return n, err
}

// Pwrite is pwrite(2). With O_APPEND it appends, as Linux does.
func (t *Task) Pwrite(fd int, p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, linux.EINVAL
	}
	f, pos, err := t.seekable(fd)
	if err != nil {
		return 0, err
	}
	defer f.decref(t)
	if !f.writable() {
		return 0, linux.EBADF
	}
	if r, ok := f.ops.(*regular); ok && f.flags.Load()&linux.O_APPEND != 0 {
		f.pos.Lock()
		defer f.pos.Unlock()
		keep := f.off
		n, err := r.append(t, f, p)
		f.off = keep
		return n, err
	}
	return pos.pwrite(t, f, p, off)
}

// Lseek is lseek(2), with SEEK_DATA and SEEK_HOLE.
func (t *Task) Lseek(fd int, off int64, whence int) (int64, error) {
	f, pos, err := t.seekable(fd)
	if err != nil {
		return 0, err
	}
	defer f.decref(t)
	return pos.seek(t, f, off, whence)
}

// StatusFlags is F_GETFL.
func (t *Task) StatusFlags(fd int) (int, error) {
	f, err := t.files.get(fd)
	if err != nil {
		return 0, err
	}
	defer f.decref(t)
	return int(f.flags.Load()), nil
}

// SetStatusFlags is F_SETFL: only O_APPEND, O_NONBLOCK, O_ASYNC, O_DIRECT and
// O_NOATIME change.
func (t *Task) SetStatusFlags(fd, flags int) error {
	f, err := t.files.get(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	if f.flags.Load()&linux.O_PATH != 0 {
		return linux.EBADF
	}
	if on := flags&linux.O_ASYNC != 0; on != (f.flags.Load()&linux.O_ASYNC != 0) {
		f.setAsync(t, fd, on)
	}
	f.setFlags(statusFlags, flags)
	return nil
}

// regularFile starts a call that only regular files have.
func (t *Task) regularFile(fd int, bad error) (*File, *regular, error) {
	f, err := t.file(fd)
	if err != nil {
		return nil, nil, err
	}
	r, ok := f.ops.(*regular)
	if m, queue := f.ops.(*mqFile); queue {
		r, ok = m.regular, true
	}
	if !ok {
		f.decref(t)
		if _, path := f.ops.(located); path {
			bad = linux.EBADF
		}
		return nil, nil, bad
	}
	return f, r, nil
}

// Ftruncate is ftruncate(2).
func (t *Task) Ftruncate(fd int, n int64) error {
	if n < 0 {
		return linux.EINVAL
	}
	f, r, err := t.regularFile(fd, linux.EINVAL)
	if err != nil {
		return err
	}
	defer f.decref(t)
	if !f.writable() {
		return linux.EINVAL
	}
	if limit := t.rlimit(linux.RLIMIT_FSIZE); uint64(n) > limit {
		t.raise(linux.SIGXFSZ)
		return linux.EFBIG
	}
	done, err := r.seals.change(f, n, sealTruncate)
	if err != nil {
		return err
	}
	defer done()
	if err := f.loc.Super().Setattr(f.loc.Ino, &vfs.SetAttr{Valid: vfs.SetSize, Size: n}); err != nil {
		return err
	}
	t.k.notify(f, linux.IN_MODIFY)
	return nil
}

// Fallocate is fallocate(2).
func (t *Task) Fallocate(fd int, mode uint32, off, n int64) error {
	if off < 0 || n <= 0 {
		return linux.EINVAL
	}
	f, r, err := t.regularFile(fd, linux.ENODEV)
	if err != nil {
		return err
	}
	defer f.decref(t)
	if !f.writable() {
		return linux.EBADF
	}
	if off+n < 0 {
		return linux.EFBIG
	}
	if limit := t.rlimit(linux.RLIMIT_FSIZE); uint64(off+n) > limit && mode&linux.FALLOC_FL_KEEP_SIZE == 0 {
		t.raise(linux.SIGXFSZ)
		return linux.EFBIG
	}
	how := sealAllocate
	if mode&linux.FALLOC_FL_PUNCH_HOLE != 0 {
		how = sealWrite
	}
	done, err := r.seals.change(f, off+n, how)
	if err != nil {
		return err
	}
	defer done()
	err = r.h.Allocate(mode, off, n)
	if err == nil {
		t.k.notify(f, linux.IN_MODIFY)
	}
	return err
}

// Fsync is fsync(2) and fdatasync(2).
func (t *Task) Fsync(fd int) error {
	f, err := t.file(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	switch o := f.ops.(type) {
	case *regular:
		return o.h.Sync()
	case *directory:
		return o.h.Sync()
	case located:
		return linux.EBADF
	}
	return linux.EINVAL
}

// ReadDir is getdents64(2): it calls fn for the entries after the description's
// offset, which moves on over those for which fn answered true.
func (t *Task) ReadDir(fd int, fn func(vfs.DirEntry) bool) error {
	f, err := t.file(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	d, ok := f.ops.(*directory)
	if !ok {
		if f.flags.Load()&linux.O_PATH != 0 {
			return linux.EBADF
		}
		return linux.ENOTDIR
	}
	f.pos.Lock()
	defer f.pos.Unlock()
	err = d.h.ReadDir(uint64(f.off), func(e vfs.DirEntry) bool {
		if !fn(e) {
			return false
		}
		f.off = int64(e.Cookie)
		return true
	})
	if err == nil {
		t.k.notify(f, linux.IN_ACCESS)
	}
	return err
}

// Readable is FIONREAD: how many bytes a read would find.
func (t *Task) Readable(fd int) (int, error) {
	f, err := t.file(fd)
	if err != nil {
		return 0, err
	}
	defer f.decref(t)
	switch o := f.ops.(type) {
	case *regular:
		var a vfs.Attr
		if err := f.loc.Getattr(&a); err != nil {
			return 0, err
		}
		f.pos.Lock()
		defer f.pos.Unlock()
		return int(a.Size - f.off), nil
	case *pipeEnd:
		o.p.mu.Lock()
		defer o.p.mu.Unlock()
		return o.p.n, nil
	case *device:
		return o.readable()
	case *hostIn:
		return o.buffered(), nil
	case *sock:
		return o.s.Unread()
	case *inotify:
		return o.bytes(), nil
	}
	return 0, linux.ENOTTY
}
