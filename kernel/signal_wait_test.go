package kernel

import (
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

func TestSigtimedwait(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		set := linux.SigSet(0).With(linux.SIGCHLD).With(linux.SIGTERM)
		_, err := g.Sigmask(linux.SIG_BLOCK, &set)
		ok(t, err)
		_, err = g.Sigtimedwait(set, 0)
		want[error](t, "nothing", err, linux.EAGAIN)
		_, err = g.Sigtimedwait(set, time.Millisecond)
		want[error](t, "nothing in a while", err, linux.EAGAIN)

		// One that is pending already, though it is ignored by default.
		pid := child(t, g, func(*Task) int { return 7 })
		info, err := g.Sigtimedwait(set, forever)
		ok(t, err)
		want(t, "signal", info.Signo, linux.SIGCHLD)
		want(t, "of", info.PID, pid)
		reap(t, g, pid)

		// One that arrives while waiting.
		me := g.Getpid()
		pid = child(t, g, func(c *Task) int {
			c.Nanosleep(10 * time.Millisecond)
			c.Kill(me, linux.SIGTERM)
			return 0
		})
		info, err = g.Sigtimedwait(set.Without(linux.SIGCHLD), forever)
		ok(t, err)
		want(t, "signal", info.Signo, linux.SIGTERM)
		want(t, "from", info.PID, pid)
		reap(t, g, pid)

		// Another one interrupts.
		g.Sigaction(linux.SIGUSR1, SigHandle)
		pid = child(t, g, func(c *Task) int { c.Kill(me, linux.SIGUSR1); return 0 })
		_, err = g.Sigtimedwait(linux.SigSet(0).With(linux.SIGTERM).With(linux.SIGKILL), forever)
		want[error](t, "interrupted", err, linux.EINTR)
		reap(t, g, pid)
	})
}

func nice(t *Task) int {
	n, _ := t.Nice(PRIO_PROCESS, 0)
	return n
}

func TestNice(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		ok(t, g.SetNice(PRIO_PROCESS, 0, 5))
		reap(t, g, child(t, g, func(c *Task) int {
			want(t, "inherited", nice(c), 5)
			ok(t, c.SetNice(PRIO_PROCESS, 0, 99))
			want(t, "cut", nice(c), 19)
			ok(t, c.SetNice(PRIO_PROCESS, 0, -99))
			want(t, "cut", nice(c), -20)
			ok(t, c.SetNice(PRIO_PROCESS, 0, 3))
			ok(t, c.Setuid(1000))
			want[error](t, "down", c.SetNice(PRIO_PROCESS, 0, 2), linux.EACCES)
			ok(t, c.SetNice(PRIO_PROCESS, 0, 4))
			return 0
		}))
		want(t, "the parent's", nice(g), 5)
	})
}
