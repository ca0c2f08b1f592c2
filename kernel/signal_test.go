package kernel

import (
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// TestDefaultActions sends every signal to a child that does nothing about it.
func TestDefaultActions(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		for sig := linux.Signal(1); sig < linux.NSIG; sig++ {
			pid := child(t, g, func(c *Task) int {
				c.Setpgid(0, 0)
				c.Kill(c.Getpid(), sig)
				return 3
			})
			_, st, _, err := g.Wait4(pid, linux.WUNTRACED)
			ok(t, err)
			switch defaultOf(sig) {
			case actIgnore:
				want(t, sig.String(), st, linux.ExitStatus(3))
			case actStop:
				// It is stopped at its end at the latest, or ended before.
				if st.Stopped() {
					g.Kill(pid, linux.SIGKILL)
					reap(t, g, pid)
				}
			default:
				want(t, sig.String(), st, linux.SignalStatus(sig, false))
			}
		}
	})
}

func TestDispositions(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		me := g.Getpid()
		for _, sig := range []linux.Signal{linux.SIGKILL, linux.SIGSTOP, 0, linux.NSIG} {
			_, err := g.Sigaction(sig, SigIgnore)
			want[error](t, sig.String(), err, linux.EINVAL)
		}
		old, err := g.Sigaction(linux.SIGTERM, SigIgnore)
		ok(t, err)
		want(t, "was", old, SigDefault)
		ok(t, g.Kill(me, linux.SIGTERM)) // nothing happens
		old, _ = g.Sigaction(linux.SIGTERM, SigHandle)
		want(t, "was", old, SigIgnore)
		ok(t, g.Kill(me, linux.SIGTERM))
		ok(t, g.Kill(me, linux.SIGTERM)) // merged
		sig, got := g.TakeSignal()
		want(t, "taken", sig, linux.SIGTERM)
		want(t, "got", got, true)
		_, got = g.TakeSignal()
		want(t, "once", got, false)

		// Blocked: pending until it is unblocked; ignoring throws it away.
		set := linux.SigSet(0).With(linux.SIGTERM).With(linux.SIGKILL)
		_, err = g.Sigmask(linux.SIG_BLOCK, &set)
		ok(t, err)
		m, _ := g.Sigmask(0, nil)
		want(t, "SIGKILL cannot be blocked", m, set.Without(linux.SIGKILL))
		g.Kill(me, linux.SIGTERM)
		want(t, "pending", g.Sigpending(), m)
		_, got = g.TakeSignal()
		want(t, "blocked", got, false)
		g.Sigaction(linux.SIGTERM, SigIgnore)
		want(t, "thrown away", g.Sigpending(), 0)
		g.Sigaction(linux.SIGTERM, SigHandle)
		g.Kill(me, linux.SIGTERM)
		g.Sigmask(linux.SIG_UNBLOCK, &set)
		sig, _ = g.TakeSignal()
		want(t, "unblocked", sig, linux.SIGTERM)
		_, err = g.Sigmask(9, &set)
		want[error](t, "bad how", err, linux.EINVAL)

		// SA_RESETHAND
		g.SigactionFull(linux.SIGUSR1, &Action{Disp: SigHandle, Flags: linux.SA_RESETHAND})
		g.Kill(me, linux.SIGUSR1)
		g.TakeSignal()
		a, _ := g.SigactionFull(linux.SIGUSR1, nil)
		want(t, "reset", a.Disp, SigDefault)
	})
}

func TestSignalOrderAndQueue(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		me := g.Getpid()
		all := linux.SigSet(1<<64 - 1)
		g.Sigmask(linux.SIG_SETMASK, &all)
		for _, s := range []linux.Signal{40, linux.SIGUSR2, 36, linux.SIGSEGV, linux.SIGHUP, 36} {
			g.Sigaction(s, SigHandle)
			ok(t, g.Kill(me, s))
		}
		for i := range 3 {
			ok(t, g.Sigqueue(me, 40, uint64(i)))
		}
		none := linux.SigSet(0)
		g.Sigmask(linux.SIG_SETMASK, &none)
		for _, s := range []linux.Signal{linux.SIGSEGV, linux.SIGHUP, linux.SIGUSR2, 36, 36, 40, 40, 40, 40} {
			got, _ := g.TakeSignal()
			want(t, "order", got, s)
		}
		// Real-time signals are queued, to a bound.
		g.Sigmask(linux.SIG_SETMASK, &all)
		var err error
		n := 0
		for ; err == nil && n < 2*maxQueued; n++ {
			err = g.Sigqueue(me, 40, uint64(n))
		}
		want[error](t, "full", err, linux.EAGAIN)
		ok(t, g.Kill(me, linux.SIGHUP)) // there is always room for a standard signal
		want(t, "SIGHUP", g.Sigpending().Has(linux.SIGHUP), true)
	})
}

func TestSigInfo(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		g.Sigaction(linux.SIGCHLD, SigHandle)
		take := func() SigInfo {
			for {
				if i, _, ok := g.DequeueSignal(); ok {
					return i
				}
				g.Pause()
			}
		}
		pid := child(t, g, func(c *Task) int { c.Setuid(7); return 5 })
		want(t, "exit", take(), SigInfo{Signo: linux.SIGCHLD, Code: CLD_EXITED, PID: pid, UID: 7, Status: 5})
		reap(t, g, pid)
		pid = child(t, g, func(c *Task) int { c.Pause(); return 0 })
		g.Kill(pid, linux.SIGINT)
		want(t, "kill", take(), SigInfo{Signo: linux.SIGCHLD, Code: CLD_KILLED, PID: pid, Status: 2})
		reap(t, g, pid)
		pid = child(t, g, func(c *Task) int { c.Pause(); return 0 })
		g.Kill(pid, linux.SIGSTOP)
		want(t, "stop", take(), SigInfo{Signo: linux.SIGCHLD, Code: CLD_STOPPED, PID: pid, Status: 19})
		g.Kill(pid, linux.SIGCONT)
		want(t, "cont", take(), SigInfo{Signo: linux.SIGCHLD, Code: CLD_CONTINUED, PID: pid, Status: 18})
		g.SigactionFull(linux.SIGCHLD, &Action{Disp: SigHandle, Flags: linux.SA_NOCLDSTOP})
		g.Kill(pid, linux.SIGSTOP)
		g.Wait4(pid, linux.WUNTRACED)
		if i, _, got := g.DequeueSignal(); got {
			t.Error("SA_NOCLDSTOP:", i)
		}
		g.Kill(pid, linux.SIGKILL)
		want(t, "killed", take().Status, 9)
		g.Sigaction(linux.SIGUSR1, SigHandle)
		g.Kill(0, 0)
		g.Sigqueue(g.Getpid(), linux.SIGUSR1, 77)
		want(t, "queue", take(), SigInfo{Signo: linux.SIGUSR1, Code: SI_QUEUE, PID: g.Getpid(), Value: 77})
	})
}

// TestInterruptions: every blocking call ends with EINTR at a caught signal.
func TestInterruptions(t *testing.T) {
	w := newWorld(t)
	w.file("/lock", "", 0o644)
	calls := map[string]func(g *Task) error{
		"read": func(g *Task) error {
			r, _, _ := g.Pipe(0)
			_, err := g.Read(r, make([]byte, 1))
			return err
		},
		"write": func(g *Task) error {
			_, wr, _ := g.Pipe(0)
			if n, err := g.Write(wr, make([]byte, pipeDefault)); n != pipeDefault {
				return err
			}
			_, err := g.Write(wr, make([]byte, 1))
			return err
		},
		"wait4": func(g *Task) error {
			g.Fork(ProgramFunc(func(c *Task) int {
				set := linux.SigSet(0)
				c.Sigmask(linux.SIG_SETMASK, &set)
				c.Sigaction(linux.SIGUSR1, SigDefault)
				c.Pause()
				return 0
			}))
			_, _, _, err := g.Wait4(-1, 0)
			return err
		},
		"poll":      func(g *Task) error { _, err := g.Poll(nil, -1); return err },
		"poll time": func(g *Task) error { _, err := g.Poll(nil, time.Hour); return err },
		"sleep": func(g *Task) error {
			left, err := g.Nanosleep(time.Hour)
			if left < 50*time.Minute || left > time.Hour {
				return linux.EIO
			}
			return err
		},
		"pause": func(g *Task) error { return g.Pause() },
		"fifo read": func(g *Task) error {
			g.Mknod(linux.AT_FDCWD, "/fifo1", linux.S_IFIFO|0o600, 0)
			_, err := g.Open(linux.AT_FDCWD, "/fifo1", linux.O_RDONLY, 0)
			return err
		},
		"fifo write": func(g *Task) error {
			g.Mknod(linux.AT_FDCWD, "/fifo2", linux.S_IFIFO|0o600, 0)
			_, err := g.Open(linux.AT_FDCWD, "/fifo2", linux.O_WRONLY, 0)
			return err
		},
		"sigsuspend": func(g *Task) error { return g.Sigsuspend(0) },
		"flock":      func(g *Task) error { return lockTwice(g, func(fd int) error { return g.Flock(fd, linux.LOCK_EX) }) },
		"ofd lock": func(g *Task) error {
			return lockTwice(g, func(fd int) error {
				return g.FcntlLock(fd, linux.F_OFD_SETLKW, &Flock{Type: linux.F_WRLCK})
			})
		},
		"host read": func(g *Task) error {
			r, _ := newHostPipe(t, g.k)
			fd, _ := g.InstallFile(r, true)
			_, err := g.Read(fd, make([]byte, 1))
			return err
		},
		"host poll": func(g *Task) error {
			r, _ := newHostPipe(t, g.k)
			fd, _ := g.InstallFile(r, true)
			_, err := g.Poll([]PollFd{{FD: fd, Events: linux.POLLIN}}, -1)
			return err
		},
		"tty": func(g *Task) error {
			h, f, err := g.k.NewTTY(linux.Winsize{})
			if err != nil {
				return err
			}
			defer h.Close()
			fd, _ := g.InstallFile(f, true)
			_, err = g.Read(fd, make([]byte, 1))
			return err
		},
	}
	for name, call := range calls {
		w.guest(func(g *Task) {
			pid := child(t, g, func(c *Task) int {
				c.Sigaction(linux.SIGUSR1, SigHandle)
				if err := call(c); err != linux.EINTR {
					t.Errorf("%s: %v", name, err)
				}
				if sig, _ := c.TakeSignal(); sig != linux.SIGUSR1 {
					t.Errorf("%s: took %v", name, sig)
				}
				return 0
			})
			for {
				g.Nanosleep(time.Millisecond)
				state, err := g.k.stateOf(pid)
				ok(t, err)
				if state == 'S' {
					break
				}
			}
			ok(t, g.Kill(pid, linux.SIGUSR1))
			want(t, name, reap(t, g, pid), 0)
		})
		w = newWorld(t)
		w.file("/lock", "", 0o644)
	}
}

func lockTwice(g *Task, lock func(fd int) error) error {
	a, _ := g.Open(linux.AT_FDCWD, "/lock", linux.O_RDWR, 0)
	b, _ := g.Open(linux.AT_FDCWD, "/lock", linux.O_RDWR, 0)
	if err := lock(a); err != nil {
		return err
	}
	return lock(b)
}

// stateOf is the state letter of a process.
func (k *Kernel) stateOf(pid int) (byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.procs[pid]
	if p == nil {
		return 0, linux.ESRCH
	}
	return p.stateLocked(), nil
}

func TestSigsuspendMask(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		set := linux.SigSet(0).With(linux.SIGUSR1)
		g.Sigmask(linux.SIG_SETMASK, &set)
		g.Sigaction(linux.SIGUSR1, SigHandle)
		g.Kill(g.Getpid(), linux.SIGUSR1)
		want[error](t, "sigsuspend", g.Sigsuspend(0), linux.EINTR)
		sig, _ := g.TakeSignal()
		want(t, "taken under the mask", sig, linux.SIGUSR1)
		m, _ := g.Sigmask(0, nil)
		want(t, "the mask is back", m, set)
	})
}

func TestKillPermissions(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		pause := func(uid uint32, session bool) int {
			r, wr, _ := g.Pipe(0)
			pid := child(t, g, func(c *Task) int {
				if session {
					c.Setsid()
				}
				c.Setresuid(uid, uid, uid)
				c.Write(wr, []byte("x"))
				c.Pause()
				return 0
			})
			g.Read(r, make([]byte, 1))
			return pid
		}
		root, alice, bob, far := pause(0, false), pause(100, false), pause(200, false), pause(200, true)
		me := child(t, g, func(c *Task) int {
			c.Setresuid(100, 100, 100)
			want[error](t, "root", c.Kill(root, 0), linux.EPERM)
			want[error](t, "alice", c.Kill(alice, 0), nil)
			want[error](t, "bob", c.Kill(bob, linux.SIGTERM), linux.EPERM)
			want[error](t, "bob, SIGCONT in the session", c.Kill(bob, linux.SIGCONT), nil)
			want[error](t, "SIGCONT outside", c.Kill(far, linux.SIGCONT), linux.EPERM)
			want[error](t, "nobody", c.Kill(9999, 0), linux.ESRCH)
			want[error](t, "bad", c.Kill(alice, linux.NSIG), linux.EINVAL)
			want[error](t, "group", c.Kill(-9999, 0), linux.ESRCH)
			want[error](t, "all", c.Kill(-1, linux.SIGURG), nil)
			return 0
		})
		want(t, "checker", reap(t, g, me), 0)
		ok(t, g.Kill(-1, linux.SIGTERM)) // all but 1 and the caller
		for range 4 {
			_, st, _, err := g.Wait4(-1, 0)
			ok(t, err)
			want(t, "status", st, linux.SignalStatus(linux.SIGTERM, false))
		}
	})
}

func TestInitIsSafe(t *testing.T) {
	w := newWorld(t)
	st := w.run(func(init *Task) int {
		child(t, init, func(c *Task) int {
			for sig := linux.Signal(1); sig < linux.NSIG; sig++ {
				ok(t, c.Kill(1, sig))
			}
			return 0
		})
		init.Wait4(-1, 0)
		init.Kill(1, linux.SIGKILL)
		init.Sigaction(linux.SIGTERM, SigHandle)
		init.Kill(1, linux.SIGTERM)
		sig, _ := init.TakeSignal()
		want(t, "handled", sig, linux.SIGTERM)
		return 8
	})
	want(t, "init", st, linux.ExitStatus(8))
	w = newWorld(t)
	p := w.start(func(init *Task) int {
		for init.Context().Err() == nil {
			init.Pause()
		}
		return 0
	})
	ok(t, p.Signal(linux.SIGTERM)) // from the host too
	ok(t, p.Signal(linux.SIGKILL))
	want(t, "from outside", w.wait(p), linux.SignalStatus(linux.SIGKILL, false))
}

func TestSigpipe(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		r, wr, _ := g.Pipe(0)
		g.Close(r)
		pid := child(t, g, func(c *Task) int {
			c.Write(wr, []byte("x"))
			return 0
		})
		want(t, "default", reap(t, g, pid), linux.SignalStatus(linux.SIGPIPE, false))
		pid = child(t, g, func(c *Task) int {
			c.Sigaction(linux.SIGPIPE, SigIgnore)
			_, err := c.Write(wr, []byte("x"))
			return int(linux.ErrnoOf(err))
		})
		want(t, "ignored", reap(t, g, pid), linux.ExitStatus(int(linux.EPIPE)))
		// A writer that waits is told when the reader goes.
		r, wr, _ = g.Pipe(0)
		pid = child(t, g, func(c *Task) int {
			c.Close(r)
			c.Write(wr, make([]byte, 2*pipeDefault))
			c.Write(wr, make([]byte, 2*pipeDefault))
			return 0
		})
		g.Close(wr)
		g.Read(r, make([]byte, 100))
		g.Close(r)
		want(t, "waiting", reap(t, g, pid), linux.SignalStatus(linux.SIGPIPE, false))
	})
}

// TestDeadTask: a task that a signal killed gets EINTR from every call.
func TestDeadTask(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		pid := child(t, g, func(c *Task) int {
			ok(t, c.Kill(c.Getpid(), linux.SIGKILL))
			want(t, "context", c.Context().Err() != nil, true)
			_, err := c.Fork(ProgramFunc(func(*Task) int { return 0 }))
			want[error](t, "fork", err, linux.EINTR)
			_, err = c.Open(linux.AT_FDCWD, "/tmp", 0, 0)
			want[error](t, "open", err, linux.EINTR)
			_, err = c.Write(1, nil)
			want[error](t, "write", err, linux.EINTR)
			return 0
		})
		want(t, "status", reap(t, g, pid), linux.SignalStatus(linux.SIGKILL, false))
	})
}

func TestForceSignal(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		for _, d := range []Disposition{SigIgnore, SigDefault} {
			pid := child(t, g, func(c *Task) int {
				c.Sigaction(linux.SIGSEGV, d)
				c.ForceSignal(SigInfo{Signo: linux.SIGSEGV, Addr: 0x10})
				return 0
			})
			want(t, "killed", reap(t, g, pid), linux.SignalStatus(linux.SIGSEGV, false))
		}
		g.Sigaction(linux.SIGSEGV, SigHandle)
		g.ForceSignal(SigInfo{Signo: linux.SIGSEGV, Addr: 0x10})
		i, _, _ := g.DequeueSignal()
		want(t, "handled", i.Addr, 0x10)
	})
}
