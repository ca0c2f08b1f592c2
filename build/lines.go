package build

import "sync"

// lines makes the two streams of a program one. It is safe for concurrent use.
type lines struct {
	mu sync.Mutex
	w  *vertex
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
