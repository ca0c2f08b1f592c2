package kernel

import (
	"testing"
	"time"

	"github.com/sbxrun/sbx/cpu"
)

// A task that waits uses no CPU, also before its wait is over.
func TestCPUTimeWhileAsleep(t *testing.T) {
	g := &Task{k: &Kernel{clock: &stillClock{now: 100 * time.Second}}, started: 10 * time.Second}
	if got := g.cpu(); got != 90*time.Second {
		t.Errorf("running: %v", got)
	}
	start := g.fallAsleep()
	g.k.clock.(*stillClock).now = 150 * time.Second
	if got := g.cpu(); got != 90*time.Second {
		t.Errorf("asleep: %v", got)
	}
	g.wakeUp(start)
	g.k.clock.(*stillClock).now = 151 * time.Second
	if got := g.cpu(); got != 91*time.Second {
		t.Errorf("awake: %v", got)
	}
}

// stillClock stands still unless it is moved.
type stillClock struct {
	Clock
	now time.Duration
}

func (c *stillClock) Monotonic() time.Duration { return c.now }

// A task that waits for a processor uses none: of the host's Go, or of the host, which is known while it stays on one thread. What was
// told before that was known stays until it is true.
func TestCPUTimeWithoutProcessor(t *testing.T) {
	const s = time.Second
	clock := &stillClock{now: 10 * s}
	g := &Task{k: &Kernel{clock: clock}, started: 10 * s}
	check := func(what string, want time.Duration) {
		t.Helper()
		if got := g.cpu(); got != want {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	at := func(clock time.Duration, thread int, used time.Duration) cpu.HostTime {
		return cpu.HostTime{Clock: clock, Thread: thread, CPU: used}
	}
	g.Preempted(at(0, 1, 100*s), at(0, 1, 100*s)) // the clocks of the host and of the kernel differ by ten seconds
	clock.now = 15 * s
	check("five seconds on", 5*s)
	g.Preempted(at(3*s, 1, 102*s), at(5*s, 2, 50*s)) // three until it was stopped, of which the thread ran two; then it waited
	check("told before", 5*s)
	clock.now = 19 * s
	check("it goes on", 6*s)
	g.Preempted(at(9*s, 3, 1*s), at(9*s, 3, 1*s)) // it was moved at an unknown moment
	check("moved", 6*s)
	start := g.fallAsleep()
	clock.now = 29 * s
	g.wakeUp(start)
	clock.now = 30 * s
	g.Preempted(at(20*s, 3, 8*s), at(20*s, 3, 8*s)) // the thread ran others while it slept
	check("slept", 7*s)
	g.Preempted(at(20*s, 0, 0), at(20*s, 0, 0)) // the host does not tell
	clock.now = 32 * s
	g.Preempted(at(22*s, 0, 0), at(22*s, 0, 0))
	check("untold", 9*s)
}
