package kernel

import (
	"strings"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// onTerminal runs f as the leader of a session on a fresh terminal.
func onTerminal(t *testing.T, f func(g *Task, host *TTY) int, after ...func()) {
	t.Helper()
	w := newWorld(t)
	host, slave, err := w.k.NewTTY(linux.Winsize{Row: 24, Col: 80})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close()
	// Process 1 is not the subject: the session runs below it, as with "exec -it".
	stop := make(chan struct{})
	init := w.start(func(g *Task) int {
		for {
			select {
			case <-stop:
				return 0
			default:
				g.Pause()
			}
		}
	})
	p, err := w.k.Start(Exec{Program: ProgramFunc(func(g *Task) int { return f(g, host) }), Argv: []string{"sh"},
		Cred: RootCredentials(), Files: []*File{slave, slave, slave}, CTTY: host, NewSession: true})
	if err != nil {
		t.Fatal(err)
	}
	slave.Close()
	want(t, "status", w.wait(p), 0)
	for _, a := range after {
		a()
	}
	close(stop)
	ok(t, init.Signal(linux.SIGKILL))
	w.wait(init)
}

func TestTerminal(t *testing.T) {
	onTerminal(t, func(g *Task, host *TTY) int {
		want(t, "isatty", g.Isatty(0), true)
		ws, err := g.Winsize(0)
		ok(t, err)
		want(t, "size", ws, linux.Winsize{Row: 24, Col: 80})
		pg, err := g.Tcgetpgrp(0)
		ok(t, err)
		want(t, "foreground", pg, g.Getpid())
		sid, err := g.Tcgetsid(0)
		ok(t, err)
		want(t, "session", sid, g.Getpid())
		host.Write([]byte("a line\n"))
		b := make([]byte, 100)
		n, err := g.Read(0, b)
		ok(t, err)
		want(t, "read", string(b[:n]), "a line\n")
		g.Write(1, []byte("out\n"))
		var screen strings.Builder
		for !strings.HasSuffix(screen.String(), "out\r\n") {
			n, err := host.Read(b)
			if err != nil {
				t.Error(err)
				return 1
			}
			screen.Write(b[:n])
		}
		want(t, "screen", screen.String(), "a line\r\nout\r\n")
		g.Sigaction(linux.SIGWINCH, SigHandle)
		host.Resize(linux.Winsize{Row: 50, Col: 100})
		sig, _ := g.TakeSignal()
		want(t, "resize", sig, linux.SIGWINCH)
		fd, err := g.Open(linux.AT_FDCWD, "/dev/tty", linux.O_RDWR, 0)
		ok(t, err)
		want(t, "/dev/tty", g.Isatty(fd), true)
		r, _, _ := g.Pipe(0)
		_, err = g.Tcgetattr(r)
		want[error](t, "pipe", err, linux.ENOTTY)
		return 0
	})
}

func TestJobControl(t *testing.T) {
	onTerminal(t, func(g *Task, host *TTY) int {
		job := func(f func(c *Task) int) int {
			pid := child(t, g, func(c *Task) int {
				c.Setpgid(0, 0)
				return f(c)
			})
			g.Setpgid(pid, pid)
			return pid
		}
		stopped := func(pid int, sig linux.Signal) {
			t.Helper()
			_, st, _, err := g.Wait4(pid, linux.WUNTRACED)
			ok(t, err)
			want(t, "stopped", st, linux.StopStatus(sig))
		}
		// A background read stops, and goes on once it is in the foreground.
		pid := job(func(c *Task) int {
			b := make([]byte, 10)
			n, _ := c.Read(0, b)
			return n
		})
		stopped(pid, linux.SIGTTIN)
		g.Sigaction(linux.SIGTTOU, SigIgnore)
		ok(t, g.Tcsetpgrp(0, pid))
		g.Kill(-pid, linux.SIGCONT)
		host.Write([]byte("abc\n"))
		want(t, "the job has read", reap(t, g, pid), linux.ExitStatus(4))
		ok(t, g.Tcsetpgrp(0, g.Getpid()))

		// Changing the terminal from the background is SIGTTOU.
		g.Sigaction(linux.SIGTTOU, SigDefault)
		pid = job(func(c *Task) int {
			tio, _ := c.Tcgetattr(0)
			return int(linux.ErrnoOf(c.Tcsetattr(0, linux.TCSANOW, tio)))
		})
		stopped(pid, linux.SIGTTOU)
		g.Kill(pid, linux.SIGKILL)
		reap(t, g, pid)

		// Keys reach the foreground group only.
		for key, sig := range map[string]linux.Signal{"\x03": linux.SIGINT, "\x1c": linux.SIGQUIT} {
			ready := make(chan struct{})
			pid = job(func(c *Task) int { close(ready); c.Pause(); return 0 })
			<-ready
			g.Sigaction(linux.SIGTTOU, SigIgnore)
			ok(t, g.Tcsetpgrp(0, pid))
			host.Write([]byte(key))
			want(t, "key", reap(t, g, pid), linux.SignalStatus(sig, false))
			ok(t, g.Tcsetpgrp(0, g.Getpid()))
		}
		ready := make(chan struct{})
		pid = job(func(c *Task) int { close(ready); c.Pause(); return 0 })
		<-ready
		ok(t, g.Tcsetpgrp(0, pid))
		host.Write([]byte("\x1a"))
		stopped(pid, linux.SIGTSTP)
		g.Kill(pid, linux.SIGKILL)
		reap(t, g, pid)
		return 0
	})
}

// TestHangup: closing the terminal ends the session, unless it handles SIGHUP.
func TestHangup(t *testing.T) {
	w := newWorld(t)
	host, slave, err := w.k.NewTTY(linux.Winsize{})
	if err != nil {
		t.Fatal(err)
	}
	w.start(func(g *Task) int {
		for g.Context().Err() == nil {
			g.Pause()
		}
		return 0
	})
	ready := make(chan struct{})
	p, err := w.k.Start(Exec{Program: ProgramFunc(func(g *Task) int { close(ready); g.Pause(); return 0 }),
		Cred: RootCredentials(), Files: []*File{slave}, CTTY: host, NewSession: true})
	if err != nil {
		t.Fatal(err)
	}
	slave.Close()
	<-ready
	ok(t, host.Close())
	want(t, "leader", w.wait(p), linux.SignalStatus(linux.SIGHUP, false))
}

// TestLeaderExit: the end of the leader sends SIGHUP to the foreground group.
func TestLeaderExit(t *testing.T) {
	status := make(chan linux.Signal, 1)
	onTerminal(t, func(g *Task, host *TTY) int {
		ready := make(chan struct{})
		child(t, g, func(c *Task) int {
			c.Sigaction(linux.SIGHUP, SigHandle)
			close(ready)
			c.Pause()
			sig, _ := c.TakeSignal()
			status <- sig
			return 0
		})
		<-ready
		return 0
	}, func() { want(t, "foreground", <-status, linux.SIGHUP) })
}
