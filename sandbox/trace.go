package sandbox

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/sbxrun/sbx/kernel"
)

// trace prints system calls as strace -f does. A nil trace prints nothing.
type trace struct {
	mu      sync.Mutex
	w       io.Writer
	missing map[int]*missingCall
}

// maxMissing bounds the list: a guest may make calls of any number.
const maxMissing = 512

// missingCall counts the calls that there is no handler for.
type missingCall struct {
	number int
	name   string
	times  int
}

// traceTo returns the loaders of a run whose system calls are told to w, if any.
func (r *Run) traceTo(w io.Writer) []kernel.Loader {
	if w != nil {
		r.trace = &trace{w: w, missing: map[int]*missingCall{}}
	}
	return r.e.loaders(&r.rec.Config, r.trace)
}

// Call implements syscalls.Tracer.
func (t *trace) Call(tid int, _, text, result string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(t.w, "[pid %5d] %s = %s\n", tid, text, result)
}

// Missing implements syscalls.Tracer.
func (t *trace) Missing(number int, name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.missing[number]
	if m == nil {
		if len(t.missing) >= maxMissing {
			return
		}
		m = &missingCall{number: number, name: cmp.Or(name, "unknown")}
		t.missing[number] = m
	}
	m.times++
}

// end lists what was missing.
func (t *trace) end() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.missing) == 0 {
		return
	}
	fmt.Fprintln(t.w, "Calls that there is no handler for (ENOSYS):")
	for _, n := range slices.Sorted(maps.Keys(t.missing)) {
		m := t.missing[n]
		fmt.Fprintf(t.w, "%6d  %s (%d)\n", m.times, m.name, m.number)
	}
	clear(t.missing)
}
