package kernel

import "sync"

// readyList are the items of an epoll that may be ready, in the order in which they are told of. Its methods are to be called with
// epoll.rmu held.
type readyList struct {
	head, tail *epollItem
	n          int
}

// push puts an item at the end, unless it is on the list.
func (l *readyList) push(it *epollItem) {
	if it.queued {
		return
	}
	it.queued, it.prev = true, l.tail
	if l.tail != nil {
		l.tail.next = it
	} else {
		l.head = it
	}
	l.tail = it
	l.n++
}

// remove takes an item off, if it is on the list.
func (l *readyList) remove(it *epollItem) {
	if !it.queued {
		return
	}
	if it.prev != nil {
		it.prev.next = it.next
	} else {
		l.head = it.next
	}
	if it.next != nil {
		it.next.prev = it.prev
	} else {
		l.tail = it.prev
	}
	it.queued, it.prev, it.next = false, nil, nil
	l.n--
}

// watchList are the epolls that watch a file, in no order.
type watchList struct {
	mu    sync.Mutex
	items []*epollItem
}

func (l *watchList) add(it *epollItem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	it.pos = len(l.items)
	l.items = append(l.items, it)
}

func (l *watchList) remove(it *epollItem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := len(l.items) - 1
	if it.pos > last || l.items[it.pos] != it {
		return // drop was here
	}
	l.items[it.pos], l.items[last].pos = l.items[last], it.pos
	l.items[last] = nil
	l.items = l.items[:last]
}

// drop ends all watching: the description is closed.
func (l *watchList) drop() {
	l.mu.Lock()
	items := l.items
	l.items = nil
	l.mu.Unlock()
	for _, it := range items {
		it.ep.mu.Lock()
		it.ep.forget(it)
		it.ep.mu.Unlock()
	}
}
