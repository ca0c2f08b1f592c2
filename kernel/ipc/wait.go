package ipc

// Wait is a call that could not be done at once. Whoever makes it possible does it,
// and wakes the waiter once.
type Wait struct {
	ns    *Namespace
	wake  func()
	over  bool
	err   error
	leave func() // takes it out of its queue
}

// finish ends a wait that was taken out of its queue.
func (w *Wait) finish(err error) {
	w.over, w.err = true, err
	w.wake()
}

// Over reports whether the call has been done, or can't be any more.
func (w *Wait) Over() bool {
	w.ns.mu.Lock()
	defer w.ns.mu.Unlock()
	return w.over
}

// End is the result of the call. One that is not over is given up with err.
func (w *Wait) End(err error) error {
	w.ns.mu.Lock()
	defer w.ns.mu.Unlock()
	if !w.over {
		w.leave()
		w.over, w.err = true, err
	}
	return w.err
}
