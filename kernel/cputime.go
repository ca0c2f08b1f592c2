package kernel

import (
	"time"

	"github.com/sbxrun/sbx/cpu"
)

// slice is when a task last began to run on a thread of the host.
type slice struct {
	thread int           // 0: it is not known
	used   time.Duration // by the thread, until then
	ran    time.Duration // by the task
}

// cpu returns the time that the task used of processors: what it did not wait, as far as that is known. It never goes back.
func (t *Task) cpu() time.Duration {
	if e := t.ended.Load(); e > 0 {
		return time.Duration(e)
	}
	d := int64(t.ran())
	for {
		told := t.told.Load()
		if d <= told {
			return time.Duration(told)
		}
		if t.told.CompareAndSwap(told, d) {
			return time.Duration(d)
		}
	}
}

// ran is the time that the task did not wait.
func (t *Task) ran() time.Duration {
	now := t.k.clock.Monotonic()
	d := now - t.started - time.Duration(t.blocked.Load())
	if since := t.asleepSince.Load(); since > 0 {
		d -= now - time.Duration(since-1)
	}
	return max(d, 0)
}

// Preempted tells that the task's goroutine had to leave its thread of the host, and is back. It waited since then; and if it was on one
// thread since the last time, it did not run for longer than that thread did. It is for programs of machine code, on the task's goroutine.
func (t *Task) Preempted(left, back cpu.HostTime) {
	waited := back.Clock - left.Clock
	if s := t.slice; s.thread != 0 && s.thread == left.Thread {
		waited += max(t.ran()-(back.Clock-left.Clock)-s.ran-(left.CPU-s.used), 0)
	}
	t.blocked.Add(int64(waited))
	t.slice = slice{back.Thread, back.CPU, t.ran()}
}
