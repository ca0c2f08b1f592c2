package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/sbxrun/sbx/build"
)

// buildShow shows what a build does.
type buildShow struct {
	w    io.Writer
	mode string // plain, tty or quiet

	mu    sync.Mutex
	steps map[int]*buildStep
	turn  int // the vertex whose lines are being printed; 0: none
	queue []int
	warn  []string
	liveScreen
}

// buildStep is what is known of one vertex.
type buildStep struct {
	id      int
	name    string
	began   time.Time
	end     time.Time
	state   build.EventKind
	pending []string     // lines that are not printed yet
	part    bytes.Buffer // of a line
	tail    []string     // the last lines of a program
	status  string
	headed  bool
}

// tailLines are kept of a program's output for the message of its failure.
const tailLines = 80

// maxLine bounds a line that does not end.
const maxLine = 64 << 10

func newBuildShow(w io.Writer, mode string) *buildShow {
	return &buildShow{w: w, mode: mode, steps: map[int]*buildStep{}}
}

// event takes one event.
func (s *buildShow) event(e build.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Kind == build.Warning {
		s.warn = append(s.warn, printable(e.Text))
		return
	}
	st := s.steps[e.Vertex]
	if st == nil {
		st = &buildStep{id: e.Vertex, name: printable(e.Name), began: e.Time}
		s.steps[e.Vertex] = st
		s.queue = append(s.queue, e.Vertex)
	}
	st.take(e)
	if s.mode == "plain" {
		s.print()
	} else if s.mode == "tty" {
		s.changed(e)
	}
}

// take notes what an event says, as lines of BuildKit's plain form.
func (st *buildStep) take(e build.Event) {
	since := e.Time.Sub(st.began).Seconds()
	st.state = e.Kind
	if e.Kind != build.Printed {
		e.Text = printable(e.Text)
	}
	switch e.Kind {
	case build.Printed:
		st.text(e.Text, since)
	case build.Status:
		st.status = e.Text
		st.pending = append(st.pending, e.Text)
	case build.Done:
		st.flush(since)
		st.pending = append(st.pending, fmt.Sprintf("DONE %.1fs", since))
		st.end = e.Time
	case build.Cached:
		st.pending = append(st.pending, "CACHED")
		st.end = e.Time
	case build.Failed:
		st.flush(since)
		st.pending = append(st.pending, "ERROR: "+e.Text)
		st.end = e.Time
	case build.Canceled:
		st.flush(since)
		st.pending = append(st.pending, "CANCELED")
		st.end = e.Time
	}
}

// text splits a program's output into lines.
func (st *buildStep) text(text string, since float64) {
	for text != "" {
		line, rest, whole := strings.Cut(text, "\n")
		st.part.WriteString(line)
		text = rest
		if whole || st.part.Len() > maxLine {
			st.line(since)
		}
	}
}

func (st *buildStep) line(since float64) {
	line := strings.TrimSuffix(st.part.String(), "\r")
	st.part.Reset()
	if i := strings.LastIndexByte(line, '\r'); i >= 0 {
		line = line[i+1:] // what was written over
	}
	line = fmt.Sprintf("%.3f %s", since, line)
	st.pending = append(st.pending, line)
	st.tail = append(st.tail, line)
	if len(st.tail) > tailLines {
		st.tail = append(st.tail[:0], st.tail[1:]...)
	}
}

func (st *buildStep) flush(since float64) {
	if st.part.Len() > 0 {
		st.line(since)
	}
}

// print prints the lines of one vertex after another: those of the next one
// when the first has ended.
func (s *buildShow) print() {
	for len(s.queue) > 0 {
		st := s.steps[s.queue[0]]
		if !st.headed {
			st.headed = true
			if st.id > 1 {
				fmt.Fprintln(s.w)
			}
			fmt.Fprintf(s.w, "#%d %s\n", st.id, st.name)
		}
		for _, l := range st.pending {
			fmt.Fprintf(s.w, "#%d %s\n", st.id, l)
		}
		st.pending = st.pending[:0]
		if st.end.IsZero() {
			return
		}
		s.queue = s.queue[1:]
	}
}

// finish prints what is left.
func (s *buildShow) finish(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.mode {
	case "plain":
		for _, id := range s.queue {
			if st := s.steps[id]; st.end.IsZero() {
				st.end = time.Now()
			}
		}
		s.print()
	case "tty":
		s.last()
	}
	if len(s.warn) > 0 && s.mode != "quiet" {
		plural := "s"
		if len(s.warn) == 1 {
			plural = ""
		}
		fmt.Fprintf(s.w, "\n %d warning%s found:\n", len(s.warn), plural)
		for _, w := range s.warn {
			fmt.Fprintf(s.w, " - %s\n", w)
		}
	}
}

// explain shows the step that failed with its last lines, and the place in the
// Dockerfile.
func (s *buildShow) explain(e *build.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const rule = "------"
	if e.Step != "" {
		name := printable(e.Step)
		fmt.Fprintf(s.w, "%s\n > %s:\n", rule, name)
		for _, st := range s.steps {
			if st.name == name {
				for _, l := range st.tail {
					fmt.Fprintln(s.w, l)
				}
			}
		}
		fmt.Fprintln(s.w, rule)
	}
	if e.Source != "" {
		const line = "--------------------"
		fmt.Fprintf(s.w, "%s:%d\n%s\n", e.File, e.Line, line)
		for l := range strings.Lines(e.Source) {
			fmt.Fprintln(s.w, printable(l))
		}
		fmt.Fprintln(s.w, line)
	}
}
