package kernel

import (
	"testing"
	"time"
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
