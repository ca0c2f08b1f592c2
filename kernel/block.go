package kernel

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// forever is a timeout that does not come.
const forever = time.Duration(-1)

// await blocks until try reports true: at once, or after a wake-up of q. It
// returns EINTR when a signal is to be handled or the task must die, and
// ETIMEDOUT when timeout (of the kernel's clock, negative: none) has passed.
// While the task is stopped it waits on, as Linux restarts such calls.
func (t *Task) await(q *Queue, timeout time.Duration, try func() bool) error {
	if try() {
		return nil
	}
	if timeout == 0 {
		return linux.ETIMEDOUT
	}
	var e entry
	if q != nil {
		q.add(&e, t.waker)
		defer q.remove(&e)
	}
	return t.loop(timeout, try)
}

// loop is await for a task that is on its queues already.
func (t *Task) loop(timeout time.Duration, try func() bool) error {
	var deadline time.Duration
	if timeout > 0 {
		deadline = t.k.clock.Monotonic() + timeout
		timer := t.k.clock.AfterFunc(timeout, t.waker.poke)
		defer timer.Stop()
	}
	for {
		if try() {
			return nil
		}
		if t.attention.Load() {
			stopped, err := t.attend()
			if err != nil {
				return err
			}
			if stopped {
				continue
			}
		}
		if timeout > 0 && t.k.clock.Monotonic() >= deadline {
			return linux.ETIMEDOUT
		}
		t.park()
	}
}

// fallAsleep notes that the task waits from now on.
func (t *Task) fallAsleep() (start time.Duration) {
	start = t.k.clock.Monotonic()
	t.asleepSince.Store(int64(start) + 1)
	t.sleeping.Store(true)
	return start
}

// wakeUp ends what fallAsleep began.
func (t *Task) wakeUp(start time.Duration) {
	t.sleeping.Store(false)
	t.blocked.Add(int64(t.k.clock.Monotonic() - start))
	t.asleepSince.Store(0)
}

// park waits for a token and accounts the time.
func (t *Task) park() {
	start := t.fallAsleep()
	<-t.waker.ch
	t.wakeUp(start)
	t.waits.Add(1)
}

// enter begins a system call: a stopped task stops here, and a dead one gets
// EINTR from every call.
func (t *Task) enter() error {
	if !t.attention.Load() {
		return nil
	}
	_, err := t.attend()
	if err != nil && t.dead.Load() {
		return err
	}
	return nil
}
