package kernel

import (
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// FuzzCalls does random system calls in a small kernel: whatever a guest does, the
// kernel does not panic, ends when it is closed, and gives everything back. The
// clock is advanced by the guests, so nothing waits for real time.
func FuzzCalls(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17"))
	f.Add([]byte{11, 0, 4, 1, 11, 2, 5, 9, 12, 1, 13, 19, 13, 18, 14, 3})
	f.Add([]byte{6, 0, 0, 6, 1, 200, 2, 3, 4, 7, 7, 7, 20, 1, 2, 21, 3, 4})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 300 {
			script = script[:300]
		}
		clock := NewManualClock(time.Unix(1e9, 0))
		w := newWorld(t, func(c *Config) {
			c.Clock = clock
			c.Limits = Limits{Tasks: 12, OpenFiles: 60, Memory: 4 << 20}
		})
		w.file("/bin/s", "#!/bin/s x\n", 0o755)
		w.prog("p", func(g *Task) int { return randomCalls(g, clock, script[len(script)/2:], 2) })
		p := w.start(func(g *Task) int { return randomCalls(g, clock, script, 0) })
		select {
		case <-p.Done():
		case <-time.After(20 * time.Millisecond): // it waits for something that does not come
		}
		if err := w.k.Close(); err != nil {
			t.Error(err)
		}
		if n := w.k.openFiles.Load(); n != 0 {
			t.Error("files left:", n)
		}
		if n := len(w.k.procs); n != 0 {
			t.Error("processes left:", n)
		}
	})
}

// randomCalls reads calls and their arguments from a script.
func randomCalls(g *Task, clock *ManualClock, script []byte, depth int) int {
	next := func() int {
		if len(script) == 0 {
			return 0
		}
		b := script[0]
		script = script[1:]
		return int(b)
	}
	path := func() string {
		return []string{"/tmp/a", "/tmp/b", "/tmp", "/tmp/fifo", "/bin/p", "/bin/s", "/proc/self/stat", "/dev/ptmx", "/dev/zero", ""}[next()%10]
	}
	for len(script) > 0 && g.Context().Err() == nil {
		fileCall(g, next()%40, next, path)
		switch op := next() % 24; op {
		case 0, 1:
			if depth < 3 {
				rest := script[len(script)/2:]
				g.Clone(CloneOpts{Thread: op == 1, Files: next()%2 == 0, FS: next()%2 == 0, ExitSignal: linux.SIGCHLD},
					ProgramFunc(func(c *Task) int { return randomCalls(c, clock, rest, depth+1) }))
			}
		case 2:
			g.Wait4(next()%6-2, next()%16)
		case 3:
			g.Kill(next()%8-3, linux.Signal(next()%70))
		case 4:
			g.Sigaction(linux.Signal(next()%70), Disposition(next()%3))
		case 5:
			set := linux.SigSet(next()) << (next() % 64)
			g.Sigmask(next()%4, &set)
		case 6:
			g.Setpgid(next()%4, next()%4)
		case 7:
			g.Setsid()
		case 8:
			g.TakeSignal()
		case 9:
			g.Spawn(SpawnOpts{Path: path(), Files: map[int]int{next() % 5: next()%6 - 1}, Setpgid: next()%4 - 1})
		case 10:
			g.Alarm(time.Duration(next()) * time.Second)
		case 11:
			clock.Advance(time.Duration(next()) * time.Second)
		case 12:
			if next()%8 == 0 && g.Exec(path(), []string{"x"}, nil) == nil {
				return 0
			}
		case 13:
			g.Setresuid(uint32(next()%3), uint32(next()%3), uint32(next()%3))
		case 14:
			g.Setrlimit(next()%17, linux.Rlimit{Cur: uint64(next()), Max: uint64(next())})
		case 15:
			g.GrowMemory(int64(next()-100) << 12)
		case 16:
			g.Tgkill(next()%6, next()%6, linux.Signal(next()%70))
		case 17:
			g.Poll([]PollFd{{FD: next() % 6, Events: 5}, {FD: next() % 6, Events: 1}}, time.Duration(next()%3))
		}
	}
	return next()
}

// fileCall does one call on files.
func fileCall(g *Task, op int, next func() int, path func() string) {
	fd := next() % 8
	switch op {
	case 0, 1, 2:
		flags := []int{0, 1, 2, linux.O_CREAT | 2, linux.O_NONBLOCK, linux.O_PATH, linux.O_NONBLOCK | 1, linux.O_CREAT | linux.O_APPEND | 1}
		g.Open(linux.AT_FDCWD, path(), flags[next()%8]|linux.O_NONBLOCK, 0o644)
	case 3:
		g.Pipe([]int{0, linux.O_NONBLOCK, linux.O_CLOEXEC}[next()%3])
	case 4, 5:
		g.Read(fd, make([]byte, next()*40))
	case 6, 7:
		g.Write(fd, make([]byte, next()*40))
	case 8:
		g.Close(fd)
	case 9:
		g.Dup2(fd, next()%10)
	case 10:
		g.SetPipeSize(fd, next()<<10)
	case 11:
		g.Lseek(fd, int64(next()-50), next()%6)
	case 12:
		g.Mknod(linux.AT_FDCWD, "/tmp/fifo", linux.S_IFIFO|0o666, 0)
	case 13:
		g.Flock(fd, []int{1, 2, 5, 6, 8}[next()%5])
	case 14:
		g.FcntlLock(fd, []int{5, 6, 7, 36, 37, 38}[next()%6], &Flock{Type: int16(next() % 4), Start: int64(next()), Len: int64(next() - 20)})
	case 15:
		g.Unlink(linux.AT_FDCWD, path(), next()%2*linux.AT_REMOVEDIR)
	case 16:
		g.ReadDir(fd, func(vfs.DirEntry) bool { return next()%3 > 0 })
	case 17:
		g.Ftruncate(fd, int64(next()<<8))
	case 18:
		g.Chdir(path())
	case 19:
		g.Tcsetpgrp(fd, next()%4)
		g.SetCTTY(fd, next()%2 == 0)
		g.PtyLock(fd, false)
		g.Open(linux.AT_FDCWD, "/dev/pts/0", linux.O_RDWR|linux.O_NONBLOCK, 0)
	case 20:
		g.SetStatusFlags(fd, linux.O_NONBLOCK*(next()%2))
	case 21:
		g.CloseRange(fd, next()%10, next()%2 == 0)
	}
}
