package vfs

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sbxrun/sbx/abi/linux"
)

// target is a file system with the system calls of Linux: the real one or ours.
// Every call returns text to compare and the errno.
type target interface {
	as(uid, gid uint32, groups []uint32)
	umask(m uint32)
	mkdir(p string, mode uint32) error
	mknod(p string, mode uint32, dev uint64) error
	symlink(to, p string) error
	link(o, n string, flags int) error
	unlink(p string) error
	rmdir(p string) error
	rename(o, n string, flags uint32) error
	chmod(p string, mode uint32) error
	chown(p string, uid, gid uint32, flags int) error
	utimens(p string, t *[2]Timespec, flags int) error
	truncate(p string, n int64) error
	access(p string, mode uint32) error
	readlink(p string) (string, error)
	stat(p string, flags int) (string, error)
	readdir(p string) (string, error)
	setxattr(p, name, v string, flags int) error
	getxattr(p, name string) (string, error)
	listxattr(p string) (string, error)
	removexattr(p, name string) error
	chdir(p string) error

	open(slot int, p string, flags int, mode uint32) error
	close(slot int) error
	pwrite(slot int, data string, off int64) (string, error)
	append(slot int, data string) (string, error)
	pread(slot int, n int, off int64) (string, error)
	fstat(slot int) (string, error)
	ftruncate(slot int, n int64) error
	fallocate(slot int, mode uint32, off, n int64) error
	seek(slot int, off int64, whence int) (string, error)
	linkfd(slot int, p string) error
}

func errnoText(err error) string {
	if err == nil {
		return "ok"
	}
	return linux.ErrnoOf(err).Name()
}

// statText is what must be equal. Directory sizes are each file system's own
// affair; times count only where the test set them.
func statText(mode, nlink, uid, gid uint32, rdev uint64, size, blocks, msec int64, mnsec uint32) string {
	t := "now"
	if msec < 1_000_000_000 {
		t = fmt.Sprintf("%d.%09d", msec, mnsec)
	}
	switch mode & linux.S_IFMT {
	case linux.S_IFDIR:
		size, blocks = 0, 0
	case linux.S_IFLNK:
		blocks = 0
	}
	return fmt.Sprintf("%06o n%d %d:%d dev%x size%d blocks%d %s", mode, nlink, uid, gid, rdev, size, blocks, t)
}

// hostFS is the real kernel, in a chroot of one locked thread.
type hostFS struct {
	fds    map[int]int
	uid    uint32
	opener map[int]uint32
}

// newHostFS enters an empty directory on a tmpfs. The goroutine must end with
// the test: its thread is not fit for anything else.
func newHostFS(t *testing.T) *hostFS {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("comparing with the kernel as different users needs root")
	}
	parent := "/dev/shm"
	if _, err := os.Stat(parent); err != nil {
		parent = ""
	}
	dir, err := os.MkdirTemp(parent, "vfs")
	if err != nil {
		t.Skip("no temporary directory: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread() // never unlocked: the thread dies with the goroutine
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		t.Skip("unshare: ", err)
	}
	if err := unix.Chroot(dir); err != nil {
		t.Skip("chroot: ", err)
	}
	if err := unix.Chdir("/"); err != nil {
		t.Fatal(err)
	}
	unix.Umask(0o022)
	return &hostFS{fds: map[int]int{}, opener: map[int]uint32{}}
}

func (h *hostFS) as(uid, gid uint32, groups []uint32) {
	h.uid = uid
	// The raw calls are for this thread only; fsuid 0 brings the capabilities back.
	syscall.RawSyscall(unix.SYS_SETFSUID, 0, 0, 0)
	var p unsafe.Pointer
	if len(groups) > 0 {
		p = unsafe.Pointer(&groups[0])
	}
	if _, _, e := syscall.RawSyscall(unix.SYS_SETGROUPS, uintptr(len(groups)), uintptr(p), 0); e != 0 {
		panic(e)
	}
	syscall.RawSyscall(unix.SYS_SETFSGID, uintptr(gid), 0, 0)
	syscall.RawSyscall(unix.SYS_SETFSUID, uintptr(uid), 0, 0)
}

func (h *hostFS) umask(m uint32)                    { unix.Umask(int(m)) }
func (h *hostFS) mkdir(p string, mode uint32) error { return unix.Mkdir(p, mode) }
func (h *hostFS) mknod(p string, mode uint32, dev uint64) error {
	return unix.Mknod(p, mode, int(dev))
}
func (h *hostFS) symlink(to, p string) error { return unix.Symlink(to, p) }
func (h *hostFS) link(o, n string, flags int) error {
	return unix.Linkat(unix.AT_FDCWD, o, unix.AT_FDCWD, n, flags)
}
func (h *hostFS) unlink(p string) error { return unix.Unlink(p) }
func (h *hostFS) rmdir(p string) error  { return unix.Rmdir(p) }
func (h *hostFS) rename(o, n string, flags uint32) error {
	return unix.Renameat2(unix.AT_FDCWD, o, unix.AT_FDCWD, n, uint(flags))
}
func (h *hostFS) chmod(p string, mode uint32) error { return unix.Chmod(p, mode) }
func (h *hostFS) chown(p string, uid, gid uint32, flags int) error {
	return unix.Fchownat(unix.AT_FDCWD, p, int(int32(uid)), int(int32(gid)), flags)
}
func (h *hostFS) utimens(p string, t *[2]Timespec, flags int) error {
	var ts []unix.Timespec
	if t != nil {
		ts = []unix.Timespec{unixTimespec(t[0]), unixTimespec(t[1])}
	}
	return unix.UtimesNanoAt(unix.AT_FDCWD, p, ts, flags)
}

func unixTimespec(t Timespec) (u unix.Timespec) {
	u = unix.NsecToTimespec(t.Sec * 1e9)
	setNsec(&u, t.Nsec)
	return u
}

func (h *hostFS) truncate(p string, n int64) error { return unix.Truncate(p, n) }
func (h *hostFS) access(p string, mode uint32) error {
	return unix.Faccessat2(unix.AT_FDCWD, p, mode, unix.AT_EACCESS)
}
func (h *hostFS) readlink(p string) (string, error) {
	b := make([]byte, 5000)
	n, err := unix.Readlink(p, b)
	return string(b[:max(n, 0)]), err
}

func hostStatText(s *unix.Stat_t) string {
	return statText(s.Mode, uint32(s.Nlink), s.Uid, s.Gid, uint64(s.Rdev), s.Size, s.Blocks, int64(s.Mtim.Sec), uint32(s.Mtim.Nsec))
}

func (h *hostFS) stat(p string, flags int) (string, error) {
	var s unix.Stat_t
	if err := unix.Fstatat(unix.AT_FDCWD, p, &s, flags); err != nil {
		return "", err
	}
	return hostStatText(&s), nil
}

func (h *hostFS) readdir(p string) (string, error) {
	fd, err := unix.Open(p, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	var out []string
	buf := make([]byte, 8192)
	for {
		n, err := unix.Getdents(fd, buf)
		if err != nil || n == 0 {
			slices.Sort(out)
			return strings.Join(out, " "), err
		}
		for b := buf[:n]; len(b) > 0; {
			reclen := int(b[16]) | int(b[17])<<8
			name, _, _ := strings.Cut(string(b[19:reclen]), "\x00")
			out = append(out, fmt.Sprintf("%s/%d", name, b[18]))
			b = b[reclen:]
		}
	}
}

func (h *hostFS) setxattr(p, name, v string, flags int) error {
	return unix.Setxattr(p, name, []byte(v), flags)
}
func (h *hostFS) getxattr(p, name string) (string, error) {
	b := make([]byte, 70000)
	n, err := unix.Getxattr(p, name, b)
	return string(b[:max(n, 0)]), err
}
func (h *hostFS) listxattr(p string) (string, error) {
	b := make([]byte, 70000)
	n, err := unix.Listxattr(p, b)
	l := strings.Split(strings.TrimSuffix(string(b[:max(n, 0)]), "\x00"), "\x00")
	slices.Sort(l)
	return strings.Join(l, ","), err
}
func (h *hostFS) removexattr(p, name string) error { return unix.Removexattr(p, name) }
func (h *hostFS) chdir(p string) error             { return unix.Chdir(p) }

func (h *hostFS) open(slot int, p string, flags int, mode uint32) error {
	fd, err := unix.Open(p, flags|unix.O_CLOEXEC|unix.O_NONBLOCK, mode)
	if err == nil {
		h.fds[slot], h.opener[slot] = fd, h.uid
	}
	return err
}
func (h *hostFS) close(slot int) error {
	fd := h.fds[slot]
	delete(h.fds, slot)
	return unix.Close(fd)
}
func (h *hostFS) pwrite(slot int, data string, off int64) (string, error) {
	n, err := unix.Pwrite(h.fds[slot], []byte(data), off)
	return fmt.Sprint(n), err
}
func (h *hostFS) append(slot int, data string) (string, error) {
	fd := h.fds[slot]
	fl, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, fl|unix.O_APPEND); err != nil {
		return "", err
	}
	n, err := unix.Write(fd, []byte(data))
	_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETFL, fl)
	off, _ := unix.Seek(fd, 0, 1)
	return fmt.Sprint(n, off), err
}
func (h *hostFS) pread(slot, n int, off int64) (string, error) {
	b := make([]byte, n)
	m, err := unix.Pread(h.fds[slot], b, off)
	return digest(b[:max(m, 0)]), err
}
func (h *hostFS) fstat(slot int) (string, error) {
	var s unix.Stat_t
	if err := unix.Fstat(h.fds[slot], &s); err != nil {
		return "", err
	}
	return hostStatText(&s), nil
}
func (h *hostFS) ftruncate(slot int, n int64) error { return unix.Ftruncate(h.fds[slot], n) }
func (h *hostFS) fallocate(slot int, mode uint32, off, n int64) error {
	return unix.Fallocate(h.fds[slot], mode, off, n)
}
func (h *hostFS) seek(slot int, off int64, whence int) (string, error) {
	o, err := unix.Seek(h.fds[slot], off, whence)
	return fmt.Sprint(o), err
}
func (h *hostFS) linkfd(slot int, p string) error {
	return unix.Linkat(h.fds[slot], "", unix.AT_FDCWD, p, unix.AT_EMPTY_PATH)
}

// ourFS is the same through Walker.
type ourFS struct {
	w   *Walker
	fds map[int]ourFile
}

type ourFile struct {
	loc   Loc
	h     Handle
	flags int
}

// fsCaps are the capabilities that a thread loses with fsuid 0, capabilities(7).
const fsCaps = 1<<linux.CAP_CHOWN | 1<<linux.CAP_DAC_OVERRIDE | 1<<linux.CAP_DAC_READ_SEARCH | 1<<linux.CAP_FOWNER |
	1<<linux.CAP_FSETID | 1<<linux.CAP_MKNOD | 1<<linux.CAP_LINUX_IMMUTABLE | 1<<linux.CAP_MAC_OVERRIDE

func (o *ourFS) as(uid, gid uint32, groups []uint32) {
	o.w.Cred = &Cred{UID: uid, GID: gid, Groups: groups, Caps: linux.CAP_FULL_SET}
	if uid != 0 {
		o.w.Cred.Caps &^= fsCaps
	}
}
func (o *ourFS) umask(m uint32)                    { o.w.Umask = m }
func (o *ourFS) mkdir(p string, mode uint32) error { return o.w.Mkdir(Loc{}, p, mode) }
func (o *ourFS) mknod(p string, mode uint32, dev uint64) error {
	return o.w.Mknod(Loc{}, p, mode, dev)
}
func (o *ourFS) symlink(to, p string) error               { return o.w.Symlink(to, Loc{}, p) }
func (o *ourFS) link(a, b string, flags int) error        { return o.w.Link(Loc{}, a, Loc{}, b, flags) }
func (o *ourFS) unlink(p string) error                    { return o.w.Unlink(Loc{}, p) }
func (o *ourFS) rmdir(p string) error                     { return o.w.Rmdir(Loc{}, p) }
func (o *ourFS) rename(a, b string, flags uint32) error   { return o.w.Rename(Loc{}, a, Loc{}, b, flags) }
func (o *ourFS) chmod(p string, mode uint32) error        { return o.w.Chmod(Loc{}, p, mode, 0) }
func (o *ourFS) chown(p string, u, g uint32, f int) error { return o.w.Chown(Loc{}, p, u, g, f) }
func (o *ourFS) utimens(p string, t *[2]Timespec, flags int) error {
	return o.w.Utimens(Loc{}, p, t, flags)
}
func (o *ourFS) truncate(p string, n int64) error   { return o.w.Truncate(Loc{}, p, n) }
func (o *ourFS) access(p string, mode uint32) error { return o.w.Access(Loc{}, p, mode, 0) }
func (o *ourFS) readlink(p string) (string, error)  { return o.w.Readlink(Loc{}, p) }
func (o *ourFS) setxattr(p, n, v string, f int) error {
	return o.w.Setxattr(Loc{}, p, n, []byte(v), f, 0)
}
func (o *ourFS) getxattr(p, n string) (string, error) {
	b, err := o.w.Getxattr(Loc{}, p, n, 0)
	return string(b), err
}
func (o *ourFS) listxattr(p string) (string, error) {
	l, err := o.w.Listxattr(Loc{}, p, 0)
	return strings.Join(l, ","), err
}
func (o *ourFS) removexattr(p, n string) error { return o.w.Removexattr(Loc{}, p, n, 0) }
func (o *ourFS) chdir(p string) error {
	l, err := o.w.Resolve(Loc{}, p, Directory)
	if err != nil {
		return err
	}
	if err := o.w.AccessLoc(l, linux.X_OK); err != nil {
		return err
	}
	l.Ref()
	o.w.Cwd.Unref()
	o.w.Cwd = l
	return nil
}

func ourStatText(a *Attr) string {
	return statText(a.Mode, a.Nlink, a.UID, a.GID, a.Rdev, a.Size, a.Blocks, a.Mtime.Sec, a.Mtime.Nsec)
}

func (o *ourFS) stat(p string, flags int) (string, error) {
	var a Attr
	if err := o.w.Stat(Loc{}, p, flags, &a); err != nil {
		return "", err
	}
	return ourStatText(&a), nil
}

func (o *ourFS) readdir(p string) (string, error) {
	_, h, err := o.w.Open(Loc{}, p, linux.O_DIRECTORY, 0)
	if err != nil {
		return "", err
	}
	defer h.Close()
	var out []string
	err = h.ReadDir(0, func(e DirEntry) bool {
		out = append(out, fmt.Sprintf("%s/%d", e.Name, e.Type))
		return true
	})
	slices.Sort(out)
	return strings.Join(out, " "), err
}

func (o *ourFS) open(slot int, p string, flags int, mode uint32) error {
	l, h, err := o.w.Open(Loc{}, p, flags, mode)
	if err != nil {
		return err
	}
	var a Attr
	if err := l.Getattr(&a); err == nil && flags&linux.O_PATH == 0 {
		// The kernel's part: nobody reads the FIFO, no driver has the device.
		if linux.S_ISSOCK(a.Mode) || linux.S_ISBLK(a.Mode) || linux.S_ISFIFO(a.Mode) && flags&linux.O_ACCMODE == linux.O_WRONLY && !o.readsFIFO(l) {
			l.Unref()
			return linux.ENXIO
		}
	}
	o.fds[slot] = ourFile{l, h, flags}
	return nil
}

func (o *ourFS) readsFIFO(l Loc) bool {
	for _, f := range o.fds {
		if f.loc == l && f.flags&linux.O_PATH == 0 && f.flags&linux.O_ACCMODE != linux.O_WRONLY {
			return true
		}
	}
	return false
}
func (o *ourFS) close(slot int) error {
	f := o.fds[slot]
	delete(o.fds, slot)
	if f.h != nil {
		return f.h.Close()
	}
	f.loc.Unref()
	return nil
}
func (o *ourFS) pwrite(slot int, data string, off int64) (string, error) {
	n, err := o.fds[slot].h.WriteAt([]byte(data), off)
	return fmt.Sprint(n), err
}
func (o *ourFS) append(slot int, data string) (string, error) {
	off, n, err := o.fds[slot].h.Append([]byte(data))
	return fmt.Sprint(n, off+int64(n)), err
}
func (o *ourFS) pread(slot, n int, off int64) (string, error) {
	b := make([]byte, n)
	m, err := o.fds[slot].h.ReadAt(b, off)
	return digest(b[:m]), err
}
func (o *ourFS) fstat(slot int) (string, error) {
	var a Attr
	if err := o.fds[slot].loc.Getattr(&a); err != nil {
		return "", err
	}
	return ourStatText(&a), nil
}
func (o *ourFS) ftruncate(slot int, n int64) error { return o.w.TruncateLoc(o.fds[slot].loc, n) }
func (o *ourFS) fallocate(slot int, mode uint32, off, n int64) error {
	return o.fds[slot].h.Allocate(mode, off, n)
}
func (o *ourFS) seek(slot int, off int64, whence int) (string, error) {
	f := o.fds[slot].h.SeekHole
	if whence == linux.SEEK_DATA {
		f = o.fds[slot].h.SeekData
	}
	n, err := f(off)
	if err != nil {
		n = -1
	}
	return fmt.Sprint(n), err
}
func (o *ourFS) linkfd(slot int, p string) error { return o.w.LinkLoc(o.fds[slot].loc, Loc{}, p) }

// usable reports whether a slot is a regular file opened for reading or writing.
func (h *hostFS) usable(slot int, write bool) bool {
	fl, err := unix.FcntlInt(uintptr(h.fds[slot]), unix.F_GETFL, 0)
	var s unix.Stat_t
	if err != nil || unix.Fstat(h.fds[slot], &s) != nil || s.Mode&unix.S_IFMT != unix.S_IFREG || fl&unix.O_PATH != 0 {
		return false
	}
	if write && h.uid != h.opener[slot] {
		return false // we look at who opens a file when set-id bits go, Linux at who writes
	}
	acc := fl & unix.O_ACCMODE
	return acc == unix.O_RDWR || (acc == unix.O_WRONLY) == write && acc != 3
}
