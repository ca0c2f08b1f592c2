package kernel

import "sync"

// Queue is a wait queue: whoever waits for an object to change is on the
// object's queue. Its lock is a leaf, but for the ready lists and queues of
// epolls.
type Queue struct {
	mu   sync.Mutex
	head *entry
}

// waker is what a queue wakes: a channel of one token, so that a wake-up
// between the check and the wait is not lost.
type waker struct {
	ch chan struct{}
	// f is called instead, when not nil, with the POLL* bits that may hold now.
	// It must not block.
	f func(bits uint32)
}

func newWaker() *waker { return &waker{ch: make(chan struct{}, 1)} }

// poke leaves a token.
func (w *waker) poke() { w.pokeBits(^uint32(0)) }

func (w *waker) pokeBits(bits uint32) {
	if w.f != nil {
		w.f(bits)
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
func (q *Queue) Wake() { q.wakeBits(^uint32(0)) }

// wakeBits is Wake for a change that concerns some POLL* bits only; it spares
// an edge-triggered epoll what did not happen.
func (q *Queue) wakeBits(bits uint32) {
	q.mu.Lock()
	for e := q.head; e != nil; e = e.next {
		e.w.pokeBits(bits)
	}
	q.mu.Unlock()
}

// Subscribe calls f at every Wake until the returned function is called. f
// must not block and must not use the queue.
func (q *Queue) Subscribe(f func()) (cancel func()) {
	e := &entry{}
	q.add(e, &waker{f: func(uint32) { f() }})
	return func() { q.remove(e) }
}
