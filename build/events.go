package build

import (
	"fmt"
	"sync"
	"time"
)

// EventKind says what happened to a vertex.
type EventKind int

// The kinds of events. A vertex starts once and ends once, with one of Done,
// Cached, Failed and Canceled.
const (
	Started  EventKind = iota
	Printed            // Text is what a program wrote
	Status             // Text is one line about what sbx does
	Done               // finished
	Cached             // found in the cache
	Failed             // Text is the error
	Canceled           // something else failed
	Warning            // Text is for the user; the vertex is 0
)

// Event is one thing that happens in a build, to one of its vertices: steps of
// the Dockerfile and what sbx does around them.
type Event struct {
	Vertex int // from 1 on, in the order of their starts
	Kind   EventKind
	Name   string // of the vertex
	Text   string
	Time   time.Time
}

// progress numbers vertices and hands events on, one at a time.
type progress struct {
	fn func(Event)

	mu   sync.Mutex
	last int
}

func (p *progress) send(e Event) {
	if p.fn == nil {
		return
	}
	e.Time = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fn(e)
}

// vertex is one of the things that a build does.
type vertex struct {
	p    *progress
	id   int
	name string
}

// start begins a vertex.
func (p *progress) start(name string) *vertex {
	p.mu.Lock()
	p.last++
	v := &vertex{p: p, id: p.last, name: name}
	p.mu.Unlock()
	v.event(Started, "")
	return v
}

func (v *vertex) event(k EventKind, text string) {
	v.p.send(Event{Vertex: v.id, Kind: k, Name: v.name, Text: text})
}

func (v *vertex) status(format string, args ...any) { v.event(Status, fmt.Sprintf(format, args...)) }

// Write takes output of a program.
func (v *vertex) Write(b []byte) (int, error) {
	v.event(Printed, string(b))
	return len(b), nil
}

// end is Done, or tells the error.
func (v *vertex) end(err error, canceled bool) {
	switch {
	case err == nil:
		v.event(Done, "")
	case canceled:
		v.event(Canceled, "")
	default:
		v.event(Failed, err.Error())
	}
}
