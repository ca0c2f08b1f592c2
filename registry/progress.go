package registry

import (
	"sync"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// eventInterval is the least time between two events about the bytes of one layer.
const eventInterval = 50 * time.Millisecond

// reporter hands events to the caller's function, one at a time.
type reporter struct {
	mu sync.Mutex
	fn func(Event)
}

func newReporter(fn func(Event)) *reporter { return &reporter{fn: fn} }

func (r *reporter) send(e Event) {
	if r.fn == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fn(e)
}

// bytes makes a function that reports how far one blob is, not too often.
func (r *reporter) bytes(d ocispec.Descriptor, st Status) func(int64) {
	if r.fn == nil {
		return nil
	}
	var last time.Time
	return func(n int64) {
		if now := time.Now(); n >= d.Size || now.Sub(last) >= eventInterval {
			last = now
			r.send(Event{Layer: d.Digest, Status: st, Current: n, Total: d.Size})
		}
	}
}
