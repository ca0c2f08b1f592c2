package kernel

import "context"

// Freeze halts every task, as the freezer of cgroups does: none sees a signal or
// an interrupted call, clocks and timers go on, and only death gets through.
// Machine code halts wherever it is, other programs at their next system call. It
// returns when all have halted, or with ctx's error while some have not; they
// will. Until Thaw, what is started halts at once. Freezing twice is as once.
func (k *Kernel) Freeze(ctx context.Context) error {
	k.mu.Lock()
	if k.halted == nil {
		k.halted = make(chan struct{})
		for _, t := range k.tasks {
			if !t.exited {
				t.notice()
			}
		}
		k.haltedLocked()
	}
	done := k.halted
	k.mu.Unlock()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Thaw lets the tasks go on.
func (k *Kernel) Thaw() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.halted == nil {
		return
	}
	k.halted = nil
	for _, t := range k.tasks {
		if !t.exited {
			t.recalcLocked()
			t.waker.poke()
		}
	}
}

// haltedLocked tells Freeze once no task runs.
func (k *Kernel) haltedLocked() {
	if k.halted == nil {
		return
	}
	select {
	case <-k.halted:
		return
	default:
	}
	for _, t := range k.tasks {
		if !t.exited && !t.frozen && !t.stopped {
			return
		}
	}
	close(k.halted)
}

// freezeLocked is the halt of one thread, until Thaw or death.
func (t *Task) freezeLocked() {
	t.frozen = true
	start := t.fallAsleep() // before Freeze is told, for from then on it takes no time of a processor
	t.k.haltedLocked()
	for t.k.halted != nil && !t.dead.Load() {
		t.k.mu.Unlock()
		<-t.waker.ch
		t.k.mu.Lock()
	}
	t.wakeUp(start)
	t.waits.Add(1)
	t.frozen = false
}
