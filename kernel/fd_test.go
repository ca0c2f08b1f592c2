package kernel

import (
	"slices"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

func TestDup(t *testing.T) {
	w := newWorld(t)
	w.file("/f", "0123456789", 0o644)
	w.guest(func(g *Task) {
		fd, _ := g.Open(linux.AT_FDCWD, "/f", linux.O_RDONLY|linux.O_CLOEXEC, 0)
		want(t, "lowest", fd, 0)
		for _, c := range []struct {
			name string
			do   func() (int, error)
			fd   int
			err  error
		}{
			{"dup", func() (int, error) { return g.Dup(0) }, 1, nil},
			{"dup2", func() (int, error) { return g.Dup2(0, 9) }, 9, nil},
			{"dup2 same", func() (int, error) { return g.Dup2(0, 0) }, 0, nil},
			{"dup2 bad same", func() (int, error) { return g.Dup2(7, 7) }, -1, linux.EBADF},
			{"dup2 high", func() (int, error) { return g.Dup2(0, 5000) }, -1, linux.EBADF},
			{"dup2 negative", func() (int, error) { return g.Dup2(0, -1) }, -1, linux.EBADF},
			{"dup3 same", func() (int, error) { return g.Dup3(0, 0, 0) }, -1, linux.EINVAL},
			{"dup3 flags", func() (int, error) { return g.Dup3(0, 3, linux.O_APPEND) }, -1, linux.EINVAL},
			{"dup3", func() (int, error) { return g.Dup3(0, 3, linux.O_CLOEXEC) }, 3, nil},
			{"F_DUPFD", func() (int, error) { return g.DupFrom(0, 9, false) }, 10, nil},
			{"F_DUPFD_CLOEXEC", func() (int, error) { return g.DupFrom(0, 2, true) }, 2, nil},
			{"F_DUPFD high", func() (int, error) { return g.DupFrom(0, 1024, true) }, -1, linux.EINVAL},
			{"bad", func() (int, error) { return g.Dup(100) }, -1, linux.EBADF},
		} {
			n, err := c.do()
			want(t, c.name, n, c.fd)
			want(t, c.name, err, c.err)
		}
		want(t, "open", slices.Equal(g.Fds(), []int{0, 1, 2, 3, 9, 10}), true)
		for fd, flag := range map[int]int{0: 1, 1: 0, 2: 1, 3: 1, 9: 0, 10: 0} {
			got, err := g.FdFlags(fd)
			ok(t, err)
			want(t, "FD_CLOEXEC", got, flag)
		}
		g.Read(9, make([]byte, 4))
		off, _ := g.Lseek(0, 0, linux.SEEK_CUR)
		want(t, "one offset", off, 4)
		ok(t, g.SetFdFlags(0, 0))
		ok(t, g.CloseRange(2, 9, false))
		want(t, "closed", slices.Equal(g.Fds(), []int{0, 1, 10}), true)
		want[error](t, "close", g.Close(9), linux.EBADF)
		n, _ := g.Dup(0)
		want(t, "lowest again", n, 2)
	})
	want(t, "files left", w.k.openFiles.Load(), 0)
}

func TestDescriptorLimits(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.OpenFiles = 30 })
	w.guest(func(g *Task) {
		ok(t, g.Setrlimit(linux.RLIMIT_NOFILE, linux.Rlimit{Cur: 10, Max: 50}))
		for range 10 {
			_, err := g.Open(linux.AT_FDCWD, "/tmp", linux.O_RDONLY, 0)
			ok(t, err)
		}
		_, err := g.Open(linux.AT_FDCWD, "/tmp", linux.O_RDONLY, 0)
		want[error](t, "of the process", err, linux.EMFILE)
		_, _, err = g.Pipe(0)
		want[error](t, "pipe", err, linux.EMFILE)
		g.Close(3)
		_, _, err = g.Pipe(0)
		want[error](t, "half a pipe", err, linux.EMFILE)
		want(t, "nothing leaks", len(g.Fds()), 9)
		ok(t, g.Setrlimit(linux.RLIMIT_NOFILE, linux.Rlimit{Cur: 50, Max: 50}))
		for range 21 {
			_, err = g.Open(linux.AT_FDCWD, "/tmp", linux.O_RDONLY, 0)
			ok(t, err)
		}
		_, err = g.Open(linux.AT_FDCWD, "/tmp", linux.O_RDONLY, 0)
		want[error](t, "of the system", err, linux.ENFILE)
		n, err := g.Dup(0)
		ok(t, err) // no new description
		want(t, "dup", n, 30)
	})
	want(t, "files left", w.k.openFiles.Load(), 0)
}

func TestHighDescriptorsAreCheap(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		g.Setrlimit(linux.RLIMIT_NOFILE, linux.Rlimit{Cur: maxFD, Max: maxFD})
		fd, _ := g.Open(linux.AT_FDCWD, "/tmp", linux.O_RDONLY, 0)
		n, err := g.Dup2(fd, maxFD-1)
		ok(t, err)
		want(t, "fd", n, maxFD-1)
		_, err = g.Dup2(fd, maxFD)
		want[error](t, "beyond", err, linux.EBADF)
		chunks := 0
		for _, c := range g.files.chunks {
			if c != nil {
				chunks++
			}
		}
		want(t, "chunks", chunks, 2)
	})
}

func TestFileSizeLimit(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		g.Setrlimit(linux.RLIMIT_FSIZE, linux.Rlimit{Cur: 10, Max: 100})
		g.Sigaction(linux.SIGXFSZ, SigHandle)
		fd, _ := g.Open(linux.AT_FDCWD, "/tmp/f", linux.O_CREAT|linux.O_RDWR, 0o600)
		n, err := g.Write(fd, make([]byte, 15))
		ok(t, err)
		want(t, "cut", n, 10)
		over := func(name string, err error) {
			t.Helper()
			want[error](t, name, err, linux.EFBIG)
			sig, _ := g.TakeSignal()
			want(t, name, sig, linux.SIGXFSZ)
		}
		_, err = g.Write(fd, []byte("x"))
		over("write", err)
		_, err = g.Pwrite(fd, []byte("x"), 10)
		over("pwrite", err)
		over("ftruncate", g.Ftruncate(fd, 11))
		over("truncate", g.Truncate("/tmp/f", 11))
		over("fallocate", g.Fallocate(fd, 0, 5, 6))
		g.SetStatusFlags(fd, linux.O_APPEND)
		_, err = g.Write(fd, []byte("x"))
		over("append", err)
		ok(t, g.Ftruncate(fd, 8))
		n, err = g.Write(fd, []byte("xyz"))
		ok(t, err)
		want(t, "append, cut", n, 2)
		pid := child(t, g, func(c *Task) int {
			c.Sigaction(linux.SIGXFSZ, SigDefault)
			c.Write(fd, []byte("x"))
			return 0
		})
		want(t, "death", reap(t, g, pid), linux.SignalStatus(linux.SIGXFSZ, false))
	})
}

func TestSeekAndPositions(t *testing.T) {
	w := newWorld(t)
	w.file("/f", "0123456789", 0o644)
	w.guest(func(g *Task) {
		fd, _ := g.Open(linux.AT_FDCWD, "/f", linux.O_RDWR, 0)
		for _, c := range []struct {
			off    int64
			whence int
			want   int64
			err    error
		}{
			{3, linux.SEEK_SET, 3, nil}, {4, linux.SEEK_CUR, 7, nil}, {-8, linux.SEEK_CUR, 0, linux.EINVAL},
			{5, linux.SEEK_END, 15, nil}, {-1, linux.SEEK_SET, 0, linux.EINVAL}, {0, 9, 0, linux.EINVAL},
			{0, linux.SEEK_HOLE, 10, nil}, {2, linux.SEEK_DATA, 2, nil}, {50, linux.SEEK_DATA, 0, linux.ENXIO},
			{1<<63 - 1, linux.SEEK_CUR, 0, linux.EOVERFLOW},
		} {
			n, err := g.Lseek(fd, c.off, c.whence)
			want(t, "offset", n, c.want)
			want(t, "error", err, c.err)
		}
		b := make([]byte, 4)
		n, err := g.Pread(fd, b, 8)
		ok(t, err)
		want(t, "pread", string(b[:n]), "89")
		_, err = g.Pread(fd, b, -1)
		want[error](t, "negative", err, linux.EINVAL)
		g.SetStatusFlags(fd, linux.O_APPEND)
		g.Pwrite(fd, []byte("AB"), 0) // appends, as Linux does
		n, _ = g.Pread(fd, b, 8)
		want(t, "pwrite with O_APPEND", string(b[:n]), "89AB")
		r, _, _ := g.Pipe(0)
		_, err = g.Lseek(r, 0, 0)
		want[error](t, "pipe", err, linux.ESPIPE)
		_, err = g.Pread(r, b, 0)
		want[error](t, "pipe", err, linux.ESPIPE)
		p, err := g.Open(linux.AT_FDCWD, "/f", linux.O_PATH, 0)
		ok(t, err)
		for name, err := range map[string]error{
			"read": second(g.Read(p, b)), "write": second(g.Write(p, b)), "pread": second(g.Pread(p, b, 0)),
			"fchmod": g.Fchmod(p, 0), "fsync": g.Fsync(p), "ftruncate": g.Ftruncate(p, 0), "flock": g.Flock(p, linux.LOCK_EX),
			"ioctl": second(g.Tcgetattr(p)), "setfl": g.SetStatusFlags(p, 0),
		} {
			want[error](t, "O_PATH "+name, err, linux.EBADF)
		}
		var a vfs.Attr
		ok(t, g.Fstat(p, &a))
		ok(t, g.Stat(p, "", linux.AT_EMPTY_PATH, &a))
		want(t, "size", a.Size, 12)
	})
}

func second[T any](_ T, err error) error { return err }

func TestReadDir(t *testing.T) {
	w := newWorld(t)
	for _, n := range []string{"a", "b", "c"} {
		w.file("/tmp/"+n, "", 0o644)
	}
	w.guest(func(g *Task) {
		fd, _ := g.Open(linux.AT_FDCWD, "/tmp", linux.O_RDONLY|linux.O_DIRECTORY, 0)
		var names []string
		for {
			before := len(names)
			took := 0
			err := g.ReadDir(fd, func(e vfs.DirEntry) bool {
				if took == 2 {
					return false
				}
				took++
				names = append(names, e.Name)
				return true
			})
			ok(t, err)
			if len(names) == before {
				break
			}
		}
		slices.Sort(names)
		want(t, "names", slices.Equal(names, []string{".", "..", "a", "b", "c"}), true)
		off, err := g.Lseek(fd, 0, linux.SEEK_SET)
		ok(t, err)
		want(t, "rewound", off, 0)
		_, err = g.Read(fd, make([]byte, 1))
		want[error](t, "read", err, linux.EISDIR)
		f, _ := g.Open(linux.AT_FDCWD, "/tmp/a", 0, 0)
		want[error](t, "file", g.ReadDir(f, nil), linux.ENOTDIR)
	})
}

func TestLocks(t *testing.T) {
	w := newWorld(t)
	w.file("/l", "0123456789", 0o644)
	w.guest(func(g *Task) {
		open := func(c *Task) int {
			fd, err := c.Open(linux.AT_FDCWD, "/l", linux.O_RDWR, 0)
			ok(t, err)
			return fd
		}
		a, b := open(g), open(g)
		ok(t, g.Flock(a, linux.LOCK_EX))
		want[error](t, "flock", g.Flock(b, linux.LOCK_EX|linux.LOCK_NB), linux.EAGAIN)
		d, _ := g.Dup(a)
		g.Close(a)
		want[error](t, "still held by the dup", g.Flock(b, linux.LOCK_SH|linux.LOCK_NB), linux.EAGAIN)
		g.Close(d)
		ok(t, g.Flock(b, linux.LOCK_SH|linux.LOCK_NB))

		ok(t, g.FcntlLock(b, linux.F_SETLK, &Flock{Type: linux.F_WRLCK, Start: 2, Len: 3}))
		pid := child(t, g, func(c *Task) int {
			l := Flock{Type: linux.F_WRLCK}
			ok(t, c.FcntlLock(b, linux.F_GETLK, &l))
			want(t, "getlk", l, Flock{Type: linux.F_WRLCK, Start: 2, Len: 3, PID: g.Getpid()})
			want[error](t, "setlk", c.FcntlLock(b, linux.F_SETLK, &Flock{Type: linux.F_RDLCK, Start: 4, Len: 1}), linux.EAGAIN)
			return 0
		})
		reap(t, g, pid)
		x := open(g)
		g.Close(x) // any close of the file drops the process's record locks
		pid = child(t, g, func(c *Task) int {
			return int(linux.ErrnoOf(c.FcntlLock(b, linux.F_SETLK, &Flock{Type: linux.F_WRLCK})))
		})
		want(t, "dropped", reap(t, g, pid), 0)

		// A waiting lock gets its turn.
		ok(t, g.FcntlLock(b, linux.F_SETLK, &Flock{Type: linux.F_WRLCK}))
		pid = child(t, g, func(c *Task) int {
			return int(linux.ErrnoOf(c.FcntlLock(b, linux.F_SETLKW, &Flock{Type: linux.F_WRLCK})))
		})
		ok(t, g.FcntlLock(b, linux.F_SETLK, &Flock{Type: linux.F_UNLCK}))
		want(t, "turn", reap(t, g, pid), 0)
	})
}

// TestLinksToPipes: nginx's log is a link to /dev/stdout, which is one to
// /proc/self/fd/1, which is a pipe.
func TestLinksToPipes(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		r, wr, err := g.Pipe(0)
		ok(t, err)
		_, err = g.Dup2(wr, 9)
		ok(t, err)
		ok(t, g.Symlink("/proc/self/fd/9", linux.AT_FDCWD, "/tmp/one"))
		ok(t, g.Symlink("one", linux.AT_FDCWD, "/tmp/two"))
		var a vfs.Attr
		ok(t, g.Stat(linux.AT_FDCWD, "/tmp/two", 0, &a))
		want(t, "a pipe", linux.S_ISFIFO(a.Mode), true)
		for _, path := range []string{"/proc/self/fd/9", "/tmp/one", "/tmp/two"} {
			fd, err := g.Open(linux.AT_FDCWD, path, linux.O_WRONLY|linux.O_CREAT|linux.O_APPEND|linux.O_TRUNC, 0o644)
			ok(t, err)
			_, err = g.Write(fd, []byte(path))
			ok(t, err)
			ok(t, g.Close(fd))
			b := make([]byte, 100)
			n, err := g.Read(r, b)
			ok(t, err)
			want(t, "read", string(b[:n]), path)
		}
		ok(t, g.Access(linux.AT_FDCWD, "/tmp/two", linux.W_OK, 0))
		open := func(path string, flags int) error {
			_, err := g.Open(linux.AT_FDCWD, path, flags, 0o644)
			return err
		}
		want[error](t, "on the way", open("/tmp/two/x", linux.O_RDONLY), linux.ENOTDIR)
		want[error](t, "a folder", open("/tmp/two", linux.O_RDONLY|linux.O_DIRECTORY), linux.ENOTDIR)
		s, _ := g.Socket(linux.AF_UNIX, linux.SOCK_STREAM, 0)
		_, err = g.Dup2(s, 9)
		ok(t, err)
		want[error](t, "a socket", open("/tmp/two", linux.O_RDWR), linux.ENXIO)
		ok(t, g.Close(9))
		want[error](t, "closed", open("/tmp/two", linux.O_RDONLY), linux.ENOENT)
	})
}
