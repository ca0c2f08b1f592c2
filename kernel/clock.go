package kernel

import (
	"container/heap"
	"sync"
	"time"
)

// Clock is the time that guests live by: timestamps, sleeps, timers and poll
// timeouts. It must be safe for concurrent use.
type Clock interface {
	// Now is CLOCK_REALTIME.
	Now() time.Time
	// Monotonic is CLOCK_MONOTONIC: it never goes back, from any origin.
	Monotonic() time.Duration
	// AfterFunc calls f once, on a goroutine of its own or the caller's of
	// Advance, when d of monotonic time has passed. f must not block.
	AfterFunc(d time.Duration, f func()) Timer
}

// Timer is a pending AfterFunc.
type Timer interface {
	// Stop keeps f from being called; false means that it was called or stopped.
	Stop() bool
}

// HostClock returns the host's clock. Monotonic counts from the call.
func HostClock() Clock { return &hostClock{start: nanotime()} }

// hostClock is the host's; start is what it counted when the guest's was made.
type hostClock struct{ start time.Duration }

func (c *hostClock) Now() time.Time           { return time.Now() }
func (c *hostClock) Monotonic() time.Duration { return nanotime() - c.start }
func (c *hostClock) AfterFunc(d time.Duration, f func()) Timer {
	return time.AfterFunc(d, f)
}

// ManualClock is a clock that stands still until it is told to advance. It
// makes runs repeatable.
type ManualClock struct {
	mu     sync.Mutex
	wall   time.Time
	mono   time.Duration
	seq    uint64
	timers timerHeap
	added  chan struct{} // closed and replaced when a timer is added
}

// NewManualClock returns a clock that shows start.
func NewManualClock(start time.Time) *ManualClock {
	return &ManualClock{wall: start, added: make(chan struct{})}
}

// Now returns the time that the clock shows.
func (c *ManualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall
}

// Monotonic returns how far the clock was advanced.
func (c *ManualClock) Monotonic() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mono
}

// SetWall changes the time of day and leaves the monotonic time and the timers
// alone, as clock_settime(2) does.
func (c *ManualClock) SetWall(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wall = t
}

// AfterFunc calls f on the goroutine of the Advance that passes d.
func (c *ManualClock) AfterFunc(d time.Duration, f func()) Timer {
	c.mu.Lock()
	c.seq++
	t := &manualTimer{clock: c, when: c.mono + max(d, 0), seq: c.seq, f: f}
	due := d <= 0
	if !due {
		heap.Push(&c.timers, t)
	} else {
		t.index = -1
	}
	close(c.added)
	c.added = make(chan struct{})
	c.mu.Unlock()
	if due {
		f()
	}
	return t
}

// Timers returns how many timers wait, and a channel that is closed when the
// next one is added: tests wait on it until a guest sleeps.
func (c *ManualClock) Timers() (int, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.timers), c.added
}

// Advance moves the clock by d and calls what falls due, in order of time, each
// with the clock showing its own moment.
func (c *ManualClock) Advance(d time.Duration) {
	c.mu.Lock()
	end := c.mono + d
	for len(c.timers) > 0 && c.timers[0].when <= end {
		t := heap.Pop(&c.timers).(*manualTimer)
		c.moveTo(t.when)
		c.mu.Unlock()
		t.f()
		c.mu.Lock()
	}
	c.moveTo(end)
	c.mu.Unlock()
}

func (c *ManualClock) moveTo(mono time.Duration) {
	if mono > c.mono {
		c.wall = c.wall.Add(mono - c.mono)
		c.mono = mono
	}
}

type manualTimer struct {
	clock *ManualClock
	when  time.Duration
	seq   uint64
	f     func()
	index int // in the heap, -1 when not there
}

func (t *manualTimer) Stop() bool {
	t.clock.mu.Lock()
	defer t.clock.mu.Unlock()
	if t.index < 0 {
		return false
	}
	heap.Remove(&t.clock.timers, t.index)
	return true
}

// timerHeap orders timers by time, then by age.
type timerHeap []*manualTimer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].when != h[j].when {
		return h[i].when < h[j].when
	}
	return h[i].seq < h[j].seq
}
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *timerHeap) Push(x any) {
	t := x.(*manualTimer)
	t.index = len(*h)
	*h = append(*h, t)
}
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
