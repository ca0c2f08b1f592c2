package kernel

import "sync"

// Queue is a wait queue: whoever waits for an object to change is on the
// object's queue. Its lock is a leaf.
type Queue struct {
	mu   sync.Mutex
	head *entry
}

// waker is what a queue wakes: a channel of one token, so that a wake-up
// between the check and the wait is not lost.
type waker struct {
	ch chan struct{}
	f  func() // called as well, when not nil; it must not block
}

func newWaker() *waker { return &waker{ch: make(chan struct{}, 1)} }

// poke leaves a token.
func (w *waker) poke() {
	if w.f != nil {
		w.f()
		return
	}
	select {
	case w.ch <- struct{}{}:
	default:
	}
}

// entry is the place of one waker on one queue.
type entry struct {
	w          *waker
	prev, next *entry
	on         bool
}

// add puts e on the queue.
func (q *Queue) add(e *entry, w *waker) {
	q.mu.Lock()
	e.w, e.prev, e.next, e.on = w, nil, q.head, true
	if q.head != nil {
		q.head.prev = e
	}
	q.head = e
	q.mu.Unlock()
}

// remove takes e off the queue.
func (q *Queue) remove(e *entry) {
	q.mu.Lock()
	if e.on {
		if e.prev != nil {
			e.prev.next = e.next
		} else {
			q.head = e.next
		}
		if e.next != nil {
			e.next.prev = e.prev
		}
		e.prev, e.next, e.on = nil, nil, false
	}
	q.mu.Unlock()
}

// Wake tells everyone on the queue to look again. It never blocks.
func (q *Queue) Wake() {
	q.mu.Lock()
	for e := q.head; e != nil; e = e.next {
		e.w.poke()
	}
	q.mu.Unlock()
}

// Subscribe calls f at every Wake until the returned function is called. f
// must not block and must not use the queue.
func (q *Queue) Subscribe(f func()) (cancel func()) {
	e := &entry{}
	q.add(e, &waker{f: f})
	return func() { q.remove(e) }
}
