package ipc

import "sync"

// Wait is a call that could not be done at once. Whoever makes it possible does it,
// and wakes the waiter once.
type Wait struct {
	mu    *sync.Mutex
	wake  func()
	over  bool
	err   error
	leave func() // takes it out of its queue
}

// NewWait makes a wait of an object that mu guards: wake wakes the waiter, and leave
// takes the call out of its queue. Both are called with mu held.
func NewWait(mu *sync.Mutex, wake, leave func()) *Wait {
	return &Wait{mu: mu, wake: wake, leave: leave}
}

// Finish ends a wait that was taken out of its queue; mu is held.
func (w *Wait) Finish(err error) {
	w.over, w.err = true, err
	w.wake()
}

// Over reports whether the call has been done, or can't be any more.
func (w *Wait) Over() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.over
}

// End is the result of the call. One that is not over is given up with err.
func (w *Wait) End(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.leave()
		w.over, w.err = true, err
	}
	return w.err
}
