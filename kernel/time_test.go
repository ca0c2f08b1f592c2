package kernel

import (
	"slices"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// drive advances the clock whenever a timer waits, until p ends.
func drive(clock *ManualClock, p *Process) {
	for {
		n, added := clock.Timers()
		if n > 0 {
			clock.Advance(time.Second)
			continue
		}
		select {
		case <-added:
		case <-p.Done():
			return
		}
	}
}

func TestTimeouts(t *testing.T) {
	clock := NewManualClock(time.Unix(1e9, 0))
	w := newWorld(t, func(c *Config) { c.Clock = clock })
	p := w.start(func(g *Task) int {
		r, wr, _ := g.Pipe(0)
		fds := []PollFd{{FD: r, Events: linux.POLLIN}, {FD: -1}, {FD: wr, Events: linux.POLLIN}, {FD: 77}}
		n, _ := g.Poll(fds, time.Second)
		want(t, "POLLNVAL", n, 1)
		want(t, "bits", fds[3].Revents, linux.POLLNVAL)
		start := clock.Monotonic()
		n, err := g.Poll(fds[:3], 3*time.Second)
		ok(t, err)
		want(t, "nothing", n, 0)
		want(t, "time of poll", clock.Monotonic()-start, 3*time.Second)
		start = clock.Monotonic()
		left, err := g.Nanosleep(time.Hour)
		ok(t, err)
		want(t, "slept", left, 0)
		want(t, "time of sleep", clock.Monotonic()-start, time.Hour)
		_, err = g.Nanosleep(-1)
		want[error](t, "negative", err, linux.EINVAL)
		fd, _ := g.Open(linux.AT_FDCWD, "/tmp/x", linux.O_CREAT|linux.O_WRONLY, 0o644)
		g.Write(fd, []byte("x"))
		var a vfs.Attr
		g.Fstat(fd, &a)
		want(t, "mtime", a.Mtime.Sec, clock.Now().Unix())
		real, _ := g.ClockGettime(linux.CLOCK_REALTIME)
		want(t, "realtime", real, time.Duration(clock.Now().UnixNano()))
		mono, _ := g.ClockGettime(linux.CLOCK_MONOTONIC)
		want(t, "monotonic", mono, clock.Monotonic())
		_, err = g.ClockGettime(99)
		want[error](t, "bad clock", err, linux.EINVAL)
		return 0
	})
	drive(clock, p)
	want(t, "status", w.wait(p), 0)
}

func TestItimer(t *testing.T) {
	clock := NewManualClock(time.Unix(1e9, 0))
	w := newWorld(t, func(c *Config) { c.Clock = clock })
	w.run(func(g *Task) int {
		g.Sigaction(linux.SIGALRM, SigHandle)
		g.Setitimer(linux.ITIMER_REAL, time.Second, 2*time.Second)
		var got []bool
		for range 6 {
			clock.Advance(time.Second)
			_, alarmed := g.TakeSignal()
			got = append(got, alarmed)
		}
		want(t, "alarms", slices.Equal(got, []bool{true, false, true, false, true, false}), true)
		v, iv, _ := g.Getitimer(linux.ITIMER_REAL)
		want(t, "left", v, time.Second)
		want(t, "interval", iv, 2*time.Second)
		want(t, "alarm", g.Alarm(10*time.Second), time.Second)
		want(t, "alarm(0)", g.Alarm(0), 10*time.Second)
		clock.Advance(time.Minute)
		_, alarmed := g.TakeSignal()
		want(t, "cancelled", alarmed, false)
		_, _, err := g.Setitimer(3, 1, 0)
		want[error](t, "no such timer", err, linux.EINVAL)
		n, _ := clock.Timers()
		want(t, "timers", n, 0)
		return 0
	})
}

func TestAlarmEndsWithTheProcess(t *testing.T) {
	clock := NewManualClock(time.Unix(1e9, 0))
	w := newWorld(t, func(c *Config) { c.Clock = clock })
	w.guest(func(g *Task) {
		g.Alarm(time.Hour)
		pid := child(t, g, func(c *Task) int { // a fork has no alarm
			want(t, "left", c.Alarm(time.Hour), 0)
			return 0
		})
		reap(t, g, pid)
		n, _ := clock.Timers()
		want(t, "timers", n, 1)
	})
	n, _ := clock.Timers()
	want(t, "timers", n, 0)
}

func TestManualClock(t *testing.T) {
	c := NewManualClock(time.Unix(0, 0))
	var got []int
	c.AfterFunc(2, func() { got = append(got, 2); c.AfterFunc(1, func() { got = append(got, 3) }) })
	c.AfterFunc(1, func() { got = append(got, 1) })
	s := c.AfterFunc(1, func() { got = append(got, 9) })
	want(t, "stop", s.Stop(), true)
	want(t, "stop again", s.Stop(), false)
	c.AfterFunc(0, func() { got = append(got, 0) })
	c.Advance(5)
	want(t, "order", slices.Equal(got, []int{0, 1, 2, 3}), true)
	c.SetWall(time.Unix(50, 0))
	want(t, "monotonic", c.Monotonic(), 5)
	want(t, "wall", c.Now().Unix(), 50)
}
