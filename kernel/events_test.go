package kernel

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

func TestPosixTimers(t *testing.T) {
	clock := NewManualClock(time.Unix(1e9, 0))
	w := newWorld(t, func(c *Config) { c.Clock = clock })
	w.guest(func(g *Task) {
		g.Sigaction(linux.SIGUSR1, SigHandle)
		id, err := g.TimerCreate(linux.CLOCK_MONOTONIC, &Sigevent{Notify: linux.SIGEV_SIGNAL, Signo: linux.SIGUSR1, Value: 77})
		ok(t, err)
		_, _, err = g.TimerSettime(id, 0, time.Second, 2*time.Second)
		ok(t, err)
		clock.Advance(time.Second)
		i, _, got := g.DequeueSignal()
		want(t, "signal", got, true)
		want(t, "code", i.Code, SI_TIMER)
		want(t, "value", i.Value, 77)
		want(t, "id", i.TimerID, id)
		n, _ := g.TimerGetoverrun(id)
		want(t, "overrun", n, 0)
		clock.Advance(7 * time.Second) // at 3, 5 and 7: one signal
		_, _, got = g.DequeueSignal()
		want(t, "signal", got, true)
		n, _ = g.TimerGetoverrun(id)
		want(t, "overrun", n, 2)
		_, _, got = g.DequeueSignal()
		want(t, "another", got, false)
		v, iv, _ := g.TimerGettime(id)
		want(t, "left", v, time.Second)
		want(t, "interval", iv, 2*time.Second)
		none, err := g.TimerCreate(linux.CLOCK_REALTIME, &Sigevent{Notify: linux.SIGEV_NONE})
		ok(t, err)
		g.TimerSettime(none, linux.TIMER_ABSTIME, time.Duration(clock.Now().UnixNano())+5*time.Second, 0)
		v, _, _ = g.TimerGettime(none)
		want(t, "absolute", v, 5*time.Second)
		ok(t, g.TimerDelete(id))
		want[error](t, "gone", g.TimerDelete(id), linux.EINVAL)
		_, err = g.TimerCreate(99, nil)
		want[error](t, "clock", err, linux.EINVAL)
		_, err = g.TimerCreate(linux.CLOCK_MONOTONIC, &Sigevent{Notify: linux.SIGEV_THREAD_ID, Signo: linux.SIGUSR1, TID: 1})
		want[error](t, "not my thread", err, linux.EINVAL)
	})
}

func TestCPUTimers(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		g.Sigaction(linux.SIGPROF, SigHandle)
		_, _, err := g.Setitimer(linux.ITIMER_PROF, 5*time.Millisecond, 0)
		ok(t, err)
		for end := time.Now().Add(20 * time.Second); ; { // works, as a guest would
			if sig, got := g.TakeSignal(); got {
				want(t, "signal", sig, linux.SIGPROF)
				break
			}
			if time.Now().After(end) {
				t.Error("no SIGPROF")
				break
			}
		}
		now, _ := g.ClockGettime(linux.CLOCK_PROCESS_CPUTIME_ID)
		want(t, "not too early", now >= 5*time.Millisecond, true)
	})
}

func TestTimerfdCounts(t *testing.T) {
	clock := NewManualClock(time.Unix(1e9, 0))
	w := newWorld(t, func(c *Config) { c.Clock = clock })
	w.guest(func(g *Task) {
		fd, err := g.TimerfdCreate(linux.CLOCK_MONOTONIC, 0)
		ok(t, err)
		g.TimerfdSettime(fd, 0, time.Second, time.Second)
		ep, _ := g.EpollCreate(0)
		ok(t, g.EpollCtl(ep, linux.EPOLL_CTL_ADD, fd, EpollEvent{linux.EPOLLIN, 9}))
		go advanceWhenWaited(clock, 3*time.Second)
		ev, err := g.EpollWait(ep, 1, -1, nil)
		ok(t, err)
		want(t, "event", fmt.Sprint(ev), "[{1 9}]")
		for clock.Monotonic() < 3*time.Second {
		}
		b := make([]byte, 8)
		_, err = g.Read(fd, b)
		ok(t, err)
		want(t, "ends", binary.LittleEndian.Uint64(b), 3)
		ev, err = g.EpollWait(ep, 1, 0, nil)
		ok(t, err)
		want(t, "no event", len(ev), 0)
	})
}

func TestSignalfd(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		set := linux.SigSet(0).With(linux.SIGUSR1).With(linux.SIGTERM)
		g.Sigmask(linux.SIG_BLOCK, &set)
		fd, err := g.Signalfd(-1, set, 0)
		ok(t, err)
		ep, _ := g.EpollCreate(0)
		ok(t, g.EpollCtl(ep, linux.EPOLL_CTL_ADD, fd, EpollEvent{Events: linux.EPOLLIN}))
		parent := g.Getpid()
		pid := child(t, g, func(c *Task) int {
			c.Sigqueue(parent, linux.SIGTERM, 5)
			c.Kill(parent, linux.SIGUSR1)
			return 0
		})
		_, err = g.EpollWait(ep, 1, -1, nil)
		ok(t, err)
		reap(t, g, pid)
		b := make([]byte, 10*linux.SignalfdSize)
		n, err := g.Read(fd, b)
		ok(t, err)
		want(t, "both", n, 2*linux.SignalfdSize)
		want(t, "first", linux.Signal(b[0]), linux.SIGUSR1)
		want(t, "second", linux.Signal(b[128]), linux.SIGTERM)
		want(t, "value", b[128+44], 5)
		want(t, "pid", int(binary.LittleEndian.Uint32(b[12:])), pid)
		want(t, "pending", g.Sigpending(), 0)
		_, err = g.Read(fd, b[:100])
		want[error](t, "short", err, linux.EINVAL)
		_, err = g.Signalfd(ep, set, 0)
		want[error](t, "no signalfd", err, linux.EINVAL)
	})
}

func TestPidfd(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		pid := child(t, g, func(c *Task) int { c.Pause(); return 0 })
		fd, err := g.PidfdOpen(pid, linux.PIDFD_NONBLOCK)
		ok(t, err)
		fds := []PollFd{{FD: fd, Events: linux.POLLIN}}
		n, _ := g.Poll(fds, 0)
		want(t, "alive", n, 0)
		_, _, err = g.Waitid(linux.P_PIDFD, fd, linux.WEXITED)
		want[error](t, "not blocking", err, linux.EAGAIN)
		ok(t, g.PidfdSendSignal(fd, 0, nil, 0))
		ok(t, g.PidfdSendSignal(fd, linux.SIGKILL, nil, 0))
		n, err = g.Poll(fds, -1)
		ok(t, err)
		want(t, "ended", n, 1)
		i, _, err := g.Waitid(linux.P_PIDFD, fd, linux.WEXITED|linux.WNOWAIT)
		ok(t, err)
		want(t, "code", i.Code, CLD_KILLED)
		want(t, "signal", i.Status, int32(linux.SIGKILL))
		i, _, err = g.Waitid(linux.P_PID, pid, linux.WEXITED)
		ok(t, err)
		want(t, "pid", i.PID, pid)
		want[error](t, "reaped", g.PidfdSendSignal(fd, 0, nil, 0), linux.ESRCH)
		_, _, err = g.Waitid(linux.P_PIDFD, fd, linux.WEXITED)
		want[error](t, "no child", err, linux.ECHILD)
		_, err = g.PidfdOpen(pid, 0)
		want[error](t, "no process", err, linux.ESRCH)
		_, _, err = g.Waitid(linux.P_ALL, 0, 0)
		want[error](t, "options", err, linux.EINVAL)
	})
}

func TestEpollFollowsManyFiles(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		ep, _ := g.EpollCreate(0)
		var ws []int
		for i := range 200 {
			r, x, err := g.Pipe(0)
			ok(t, err)
			ok(t, g.EpollCtl(ep, linux.EPOLL_CTL_ADD, r, EpollEvent{linux.EPOLLIN, uint64(i)}))
			ws = append(ws, x)
		}
		pid := child(t, g, func(c *Task) int {
			for _, x := range ws {
				c.Write(x, []byte("x"))
			}
			return 0
		})
		seen := map[uint64]bool{}
		for len(seen) < 200 {
			ev, err := g.EpollWait(ep, 7, -1, nil)
			if err != nil {
				t.Error(err)
				return
			}
			for _, e := range ev {
				seen[e.Data] = true
			}
		}
		reap(t, g, pid)
	})
}

func TestInotifyOverflow(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		in, _ := g.InotifyInit(linux.IN_NONBLOCK)
		g.InotifyAddWatch(in, "/tmp", linux.IN_CREATE|linux.IN_DELETE)
		for range maxInotifyEvents {
			g.Mkdir(linux.AT_FDCWD, "/tmp/d", 0o755)
			g.Unlink(linux.AT_FDCWD, "/tmp/d", linux.AT_REMOVEDIR)
		}
		last := int32(0)
		count := 0
		b := make([]byte, 4096)
		for {
			n, err := g.Read(in, b)
			if err != nil {
				break
			}
			for p := b[:n]; len(p) > 0; count++ {
				last = int32(binary.LittleEndian.Uint32(p))
				p = p[16+binary.LittleEndian.Uint32(p[12:]):]
			}
		}
		want(t, "events", count, maxInotifyEvents+1)
		want(t, "overflow", last, -1)
	})
}
