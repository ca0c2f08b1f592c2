package kernel

import (
	"errors"
	"io/fs"
	"slices"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

func TestForkSharesDescriptions(t *testing.T) {
	w := newWorld(t)
	w.file("/f", "abcdef", 0o644)
	w.guest(func(g *Task) {
		fd, err := g.Open(linux.AT_FDCWD, "/f", linux.O_RDWR, 0)
		ok(t, err)
		pid := child(t, g, func(c *Task) int {
			b := make([]byte, 2)
			c.Read(fd, b)
			c.SetStatusFlags(fd, linux.O_APPEND)
			c.Umask(0)
			c.Chdir("/tmp")
			c.Close(fd)
			return 0
		})
		reap(t, g, pid)
		b := make([]byte, 2)
		n, err := g.Read(fd, b)
		ok(t, err)
		want(t, "offset is shared", string(b[:n]), "cd")
		fl, _ := g.StatusFlags(fd)
		want(t, "flags are shared", fl, linux.O_RDWR|linux.O_APPEND)
		want(t, "umask is not", g.Umask(0), 0o22)
		cwd, _ := g.Getcwd()
		want(t, "cwd is not", cwd, "/")
	})
}

func TestOrphansGoToInit(t *testing.T) {
	w := newWorld(t)
	var ppid int
	st := w.run(func(init *Task) int {
		mid := child(t, init, func(m *Task) int {
			r, wr, _ := m.Pipe(0)
			child(t, m, func(c *Task) int {
				m.Process() // the parent is known
				c.Close(wr)
				b := make([]byte, 1)
				c.Read(r, b) // until the parent is gone
				ppid = c.Getppid()
				return 7
			})
			return 5
		})
		want(t, "middle", reap(t, init, mid), linux.ExitStatus(5))
		pid, st, _, err := init.Wait4(-1, 0)
		ok(t, err)
		want(t, "orphan", st, linux.ExitStatus(7))
		if pid <= mid {
			t.Error("pid", pid)
		}
		return 0
	})
	want(t, "status", st, 0)
	want(t, "ppid of an orphan", ppid, 1)
}

func TestSubreaper(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		g.SetSubreaper(true)
		r, wr, _ := g.Pipe(0)
		mid := child(t, g, func(m *Task) int {
			child(t, m, func(c *Task) int {
				c.Close(wr)
				c.Read(r, make([]byte, 1))
				if c.Getppid() != g.Getpid() {
					return 1
				}
				return 0
			})
			return 0
		})
		reap(t, g, mid)
		g.Close(wr)
		_, st, _, err := g.Wait4(-1, 0)
		ok(t, err)
		want(t, "grandchild", st, 0)
	})
}

func TestInitExitKillsAll(t *testing.T) {
	w := newWorld(t)
	p := w.start(func(init *Task) int {
		for range 5 {
			child(t, init, func(c *Task) int {
				c.Fork(ProgramFunc(func(d *Task) int { d.Pause(); return 0 })) // may come too late
				c.Sigaction(linux.SIGTERM, SigIgnore)
				c.Pause()
				return 0
			})
		}
		return 9
	})
	want(t, "init", w.wait(p), linux.ExitStatus(9))
	<-w.k.Done()
	want(t, "left", len(w.k.Processes()), 0)
	if _, err := w.k.Start(Exec{Program: ProgramFunc(func(*Task) int { return 0 })}); !errors.Is(err, linux.ESRCH) {
		t.Error("start after the end:", err)
	}
}

func TestWait4(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		_, _, _, err := g.Wait4(-1, 0)
		want[error](t, "no child", err, linux.ECHILD)
		r, wr, _ := g.Pipe(0)
		pid := child(t, g, func(c *Task) int {
			c.Close(wr)
			c.Read(r, make([]byte, 1))
			return 4
		})
		got, _, _, err := g.Wait4(-1, linux.WNOHANG)
		ok(t, err)
		want(t, "WNOHANG", got, 0)
		_, _, _, err = g.Wait4(pid+100, 0)
		want[error](t, "no such child", err, linux.ECHILD)
		_, _, _, err = g.Wait4(-pid, 0)
		want[error](t, "no such group", err, linux.ECHILD)
		_, _, _, err = g.Wait4(-1, 1<<20)
		want[error](t, "bad option", err, linux.EINVAL)
		g.Close(wr)
		got, st, _, err := g.Wait4(0, linux.WNOWAIT)
		ok(t, err)
		want(t, "WNOWAIT", got, pid)
		want(t, "status", st, linux.ExitStatus(4))
		want(t, "again", reap(t, g, pid), linux.ExitStatus(4))
		_, _, _, err = g.Wait4(pid, 0)
		want[error](t, "reaped", err, linux.ECHILD)
	})
}

func TestWaitForClones(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		c, err := g.Clone(CloneOpts{}, ProgramFunc(func(*Task) int { return 5 }))
		ok(t, err)
		pid := child(t, g, func(*Task) int { return 6 })
		for range 2 { // once both have ended and once only it is left
			_, _, _, err = g.Wait4(c.tid, 0)
			want[error](t, "without WCLONE", err, linux.ECHILD)
			reap(t, g, pid)
			_, _, _, err = g.Wait4(-1, 0)
			want[error](t, "any without WCLONE", err, linux.ECHILD)
			pid = child(t, g, func(*Task) int { return 6 })
		}
		_, _, _, err = g.Wait4(pid, linux.WCLONE)
		want[error](t, "WCLONE of a child that sends SIGCHLD", err, linux.ECHILD)
		i, _, err := g.Waitid(linux.P_ALL, 0, linux.WEXITED|linux.WCLONE)
		ok(t, err)
		want(t, "clone", i.PID, c.tid)
		got, _, _, err := g.Wait4(-1, linux.WALL)
		ok(t, err)
		want(t, "WALL", got, pid)

		pid = child(t, g, func(*Task) int { return 7 })
		ended := make(chan struct{})
		_, err = g.Clone(CloneOpts{Thread: true, OnExit: func() { close(ended) }}, ProgramFunc(func(u *Task) int {
			u.ExitThread()
			_, _, _, err := u.Wait4(-1, linux.WNOTHREAD)
			want[error](t, "another thread's child", err, linux.ECHILD)
			child(t, u, func(*Task) int { return 8 })
			return 0
		}))
		ok(t, err)
		<-ended
		for range 2 { // the ended thread's too, which it leaves to others after it has told of its end
			for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
				if _, _, _, err = g.Wait4(-1, linux.WNOTHREAD); err != linux.ECHILD || time.Now().After(end) {
					break
				}
			}
			ok(t, err)
		}
	})
}

func TestIgnoredSIGCHLDReaps(t *testing.T) {
	w := newWorld(t)
	for _, a := range []Action{{Disp: SigIgnore}, {Disp: SigDefault, Flags: linux.SA_NOCLDWAIT}} {
		st := w.run(func(g *Task) int {
			g.SigactionFull(linux.SIGCHLD, &a)
			child(t, g, func(c *Task) int { return 1 })
			_, _, _, err := g.Wait4(-1, 0)
			want[error](t, "wait4", err, linux.ECHILD)
			return 0
		})
		want(t, "status", st, 0)
		w = newWorld(t)
	}
}

func TestStopAndContinue(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		pid := child(t, g, func(c *Task) int {
			c.Pause()
			return 0
		})
		ok(t, g.Setpgid(pid, 0)) // its group is not orphaned: g is its parent in another one
		step := func(sig linux.Signal, option int, wantSt linux.WaitStatus) {
			t.Helper()
			ok(t, g.Kill(pid, sig))
			got, st, _, err := g.Wait4(pid, option)
			ok(t, err)
			want(t, "pid", got, pid)
			want(t, "status of "+sig.Name(), st, wantSt)
		}
		for _, sig := range []linux.Signal{linux.SIGSTOP, linux.SIGTSTP, linux.SIGTTIN, linux.SIGTTOU} {
			step(sig, linux.WUNTRACED, linux.StopStatus(sig))
			if got, _, _, _ := g.Wait4(pid, linux.WUNTRACED|linux.WNOHANG); got != 0 {
				t.Error("a stop is told once")
			}
			step(linux.SIGCONT, linux.WCONTINUED, linux.ContinuedStatus)
		}
		step(linux.SIGSTOP, linux.WUNTRACED, linux.StopStatus(linux.SIGSTOP))
		ok(t, g.Kill(pid, linux.SIGTERM)) // waits until it goes on
		if got, _, _, _ := g.Wait4(pid, linux.WNOHANG); got != 0 {
			t.Error("SIGTERM killed a stopped process")
		}
		step(linux.SIGCONT, 0, linux.SignalStatus(linux.SIGTERM, false))
		pid = child(t, g, func(c *Task) int { c.Pause(); return 0 })
		step(linux.SIGSTOP, linux.WUNTRACED, linux.StopStatus(linux.SIGSTOP))
		step(linux.SIGKILL, 0, linux.SignalStatus(linux.SIGKILL, false))
		pid = child(t, g, func(c *Task) int { c.Nanosleep(time.Millisecond); return 0 })
		ok(t, g.Kill(pid, linux.SIGTSTP)) // its group is orphaned: nothing stops it
		want(t, "orphaned group", reap(t, g, pid), 0)
	})
}

func TestGroupsAndSessions(t *testing.T) {
	w := newWorld(t)
	w.prog("pause", func(c *Task) int { c.Pause(); return 0 })
	w.guest(func(g *Task) {
		me := g.Getpid()
		pg, _ := g.Getpgid(0)
		want(t, "inherited group", pg, 1)
		ok(t, g.Setpgid(0, 0))
		pg, _ = g.Getpgid(me)
		want(t, "own group", pg, me)
		_, err := g.Setsid()
		want[error](t, "setsid of a group leader", err, linux.EPERM)
		a := child(t, g, func(c *Task) int { c.Pause(); return 0 })
		ok(t, g.Setpgid(a, a))
		b := child(t, g, func(c *Task) int { c.Pause(); return 0 })
		ok(t, g.Setpgid(b, a))
		want[error](t, "no such group", g.Setpgid(b, 9999), linux.EPERM)
		want[error](t, "not my child", g.Setpgid(1, 0), linux.ESRCH)
		want[error](t, "negative", g.Setpgid(b, -2), linux.EINVAL)
		c, err := g.Spawn(SpawnOpts{Path: "pause", Setpgid: a})
		ok(t, err)
		want[error](t, "after exec", g.Setpgid(c, c), linux.EACCES)
		ok(t, g.Kill(-a, linux.SIGUSR1))
		for range 3 {
			_, st, _, err := g.Wait4(-a, 0)
			ok(t, err)
			want(t, "death", st, linux.SignalStatus(linux.SIGUSR1, false))
		}
		want[error](t, "empty group", g.Kill(-a, 0), linux.ESRCH)
		s := child(t, g, func(c *Task) int {
			sid, err := c.Setsid()
			if err != nil || sid != c.Getpid() {
				return 1
			}
			if id, _ := c.Getsid(0); id != sid {
				return 2
			}
			if c.Setpgid(0, 0) != linux.EPERM {
				return 3
			}
			return 0
		})
		want(t, "session", reap(t, g, s), 0)
	})
}

// TestOrphanedGroup: a stopped job whose shell dies gets SIGHUP and SIGCONT.
func TestOrphanedGroup(t *testing.T) {
	w := newWorld(t)
	var mu = make(chan linux.Signal, 4)
	w.guest(func(g *Task) {
		shell := child(t, g, func(s *Task) int {
			s.Setsid()
			job := child(t, s, func(j *Task) int {
				j.Setpgid(0, 0)
				for _, sig := range []linux.Signal{linux.SIGHUP, linux.SIGCONT} {
					j.Sigaction(sig, SigHandle)
				}
				j.Kill(j.Getpid(), linux.SIGSTOP)
				for range 2 {
					if _, ok := peek(j); !ok {
						j.Pause()
					}
					sig, _ := j.TakeSignal()
					mu <- sig
				}
				return 0
			})
			_, st, _, _ := s.Wait4(job, linux.WUNTRACED)
			want(t, "stopped", st.Stopped(), true)
			return 0
		})
		want(t, "shell", reap(t, g, shell), 0)
		got := []linux.Signal{<-mu, <-mu}
		slices.Sort(got)
		want(t, "first", got[0], linux.SIGHUP)
		want(t, "second", got[1], linux.SIGCONT)
	})
}

// TestOrphanedGroupStays: in a group that was orphaned all along, as all are without
// job control, the end of one process is no hangup for another that is stopped.
func TestOrphanedGroupStays(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		leader := child(t, g, func(s *Task) int {
			s.Setsid()
			sleeper := child(t, s, func(j *Task) int { j.Pause(); return 0 })
			ok(t, s.Kill(sleeper, linux.SIGSTOP))
			_, st, _, _ := s.Wait4(sleeper, linux.WUNTRACED)
			want(t, "stopped", st.Stopped(), true)
			want(t, "another", reap(t, s, child(t, s, func(*Task) int { return 5 })), linux.ExitStatus(5))
			ok(t, s.Kill(sleeper, linux.SIGKILL))
			want(t, "the stopped one", reap(t, s, sleeper), linux.SignalStatus(linux.SIGKILL, false))
			return 7
		})
		want(t, "nobody is hung up", reap(t, g, leader), linux.ExitStatus(7))
	})
}

// peek tells whether a caught signal is pending.
func peek(t *Task) (linux.SigSet, bool) {
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	s := (t.pending.set | t.proc.pending.set) &^ t.mask
	return s, s != 0
}

func TestTaskLimit(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.Tasks = 5 })
	w.guest(func(g *Task) {
		n := 0
		for {
			_, err := g.Fork(ProgramFunc(func(c *Task) int { c.Pause(); return 0 }))
			if err != nil {
				want[error](t, "at the limit", err, linux.EAGAIN)
				break
			}
			n++
		}
		want(t, "children", n, 3)
	})
}

func TestNproc(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		ok(t, g.Setrlimit(linux.RLIMIT_NPROC, linux.Rlimit{Cur: 2, Max: 2}))
		child(t, g, func(c *Task) int { return 0 }) // root may
		ok(t, g.Setuid(1000))
		child(t, g, func(c *Task) int { c.Pause(); return 0 })
		_, err := g.Fork(ProgramFunc(func(c *Task) int { return 0 }))
		want[error](t, "at the limit", err, linux.EAGAIN)
		want[error](t, "raise", g.Setrlimit(linux.RLIMIT_NPROC, linux.Rlimit{Cur: 3, Max: 3}), linux.EPERM)
	})
}

func TestPanicKillsTheTaskOnly(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		pid := child(t, g, func(c *Task) int {
			var m map[string]int
			m["x"] = 1
			return 0
		})
		want(t, "status", reap(t, g, pid), linux.SignalStatus(linux.SIGSEGV, false))
	})
	if err := w.k.Close(); err == nil {
		t.Error("Close says nothing of the panic")
	}
}

func TestThreads(t *testing.T) {
	w := newWorld(t)
	w.prog("next", func(c *Task) int { return 6 })
	w.guest(func(g *Task) {
		// A thread shares files and pid; its end is not the end of the process.
		pid := child(t, g, func(c *Task) int {
			r, wr, _ := c.Pipe(0)
			exited := make(chan struct{})
			th, err := c.Clone(CloneOpts{Thread: true, Files: true, FS: true, OnExit: func() { close(exited) }}, ProgramFunc(func(u *Task) int {
				if u.Getpid() != c.Getpid() || u.Gettid() == c.Gettid() {
					t.Error("ids of a thread")
				}
				u.Write(wr, []byte("x"))
				u.Chdir("/tmp")
				return 1
			}))
			ok(t, err)
			b := make([]byte, 1)
			n, _ := c.Read(r, b)
			<-exited
			want(t, "pipe", n, 1)
			cwd, _ := c.Getcwd()
			want(t, "shared cwd", cwd, "/tmp")
			want[error](t, "thread is gone", c.Tgkill(c.Getpid(), th.tid, 0), linux.ESRCH)
			return 3
		})
		want(t, "status", reap(t, g, pid), linux.ExitStatus(3))

		// exec in a thread ends the others and takes the pid.
		pid = child(t, g, func(c *Task) int {
			c.Clone(CloneOpts{Thread: true}, ProgramFunc(func(u *Task) int {
				if err := u.Exec("/bin/next", nil, nil); err != nil {
					t.Error(err)
				}
				return 0
			}))
			c.Pause()
			return 1
		})
		want(t, "exec of a thread", reap(t, g, pid), linux.ExitStatus(6))

		// A signal ends all threads.
		pid = child(t, g, func(c *Task) int {
			for range 3 {
				c.Clone(CloneOpts{Thread: true}, ProgramFunc(func(u *Task) int { u.Pause(); return 0 }))
			}
			c.Kill(c.Getpid(), linux.SIGUSR2)
			c.Pause()
			return 1
		})
		want(t, "killed group", reap(t, g, pid), linux.SignalStatus(linux.SIGUSR2, false))

		// All threads stop, and go on.
		pid = child(t, g, func(c *Task) int {
			c.Clone(CloneOpts{Thread: true}, ProgramFunc(func(u *Task) int { u.Pause(); return 0 }))
			c.Pause()
			return 1
		})
		ok(t, g.Kill(pid, linux.SIGSTOP))
		_, st, _, _ := g.Wait4(pid, linux.WUNTRACED)
		want(t, "stop", st, linux.StopStatus(linux.SIGSTOP))
		ok(t, g.Kill(pid, linux.SIGKILL))
		want(t, "kill", reap(t, g, pid), linux.SignalStatus(linux.SIGKILL, false))
	})
}

func TestStartErrors(t *testing.T) {
	w := newWorld(t)
	w.file("/bin/text", "no program", 0o755)
	w.file("/bin/plain", BuiltinMagic+"x", 0o644)
	w.file("/bin/elf", "\x7fELF\x02\x01\x01", 0o755)
	for _, c := range []struct {
		path string
		argv []string
		err  linux.Errno
	}{
		{"/bin/none", nil, linux.ENOENT},
		{"", []string{"none"}, linux.ENOENT},
		{"/bin/text", nil, linux.ENOEXEC},
		{"", []string{"text"}, linux.ENOEXEC},
		{"/bin/elf", nil, linux.ENOEXEC},
		{"/bin/plain", nil, linux.EACCES},
		{"", []string{"plain"}, linux.EACCES},
		{"/bin", nil, linux.EACCES},
		{"/bin/text/x", nil, linux.ENOTDIR},
		{"", nil, linux.ENOENT},
	} {
		_, err := w.k.Start(Exec{Path: c.path, Argv: c.argv, Env: []string{"PATH=/usr/bin:/bin"}, Cred: RootCredentials()})
		var pe *fs.PathError
		if !errors.Is(err, c.err) || !errors.As(err, &pe) {
			t.Errorf("%q %v: %v, want %v", c.path, c.argv, err, c.err)
		}
	}
	_, err := w.k.Start(Exec{Argv: []string{"x"}, Cwd: "/nowhere", Cred: RootCredentials()})
	if !errors.Is(err, linux.ENOENT) {
		t.Error(err)
	}
}

func TestUsage(t *testing.T) {
	clock := NewManualClock(time.Unix(1000, 0))
	w := newWorld(t, func(c *Config) { c.Clock = clock })
	w.guest(func(g *Task) {
		pid := child(t, g, func(c *Task) int {
			clock.Advance(2 * time.Second) // it computes
			c.GrowMemory(1 << 20)
			return 0
		})
		got, _, ru, err := g.Wait4(pid, 0)
		ok(t, err)
		want(t, "pid", got, pid)
		want(t, "cpu", ru.User, 2*time.Second)
		want(t, "memory", ru.MaxRSS, 1<<20)
		cu, _ := g.Getrusage(linux.RUSAGE_CHILDREN)
		want(t, "children", cu.User, 2*time.Second)
	})
	want(t, "memory is given back", w.k.memory.Load(), 0)
}
