package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/docker/go-units"
	"golang.org/x/term"

	"github.com/sbxrun/sbx/cmd/sbx/format"
	"github.com/sbxrun/sbx/registry"
)

// drawInterval is the least time between two drawings of a live display.
const drawInterval = 50 * time.Millisecond

// progress shows what happens to the layers of an image: on a terminal one
// live line for each, else a line when a layer is done.
type progress struct {
	w     io.Writer
	live  bool
	width int

	mu    sync.Mutex
	order []string // short ids
	last  map[string]registry.Event
	drawn int // lines on the screen
	at    time.Time
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, last: map[string]registry.Event{}, width: 80}
	if fd := ttyFd(w); fd >= 0 && enableEscapes(fd) {
		p.live = true
		if cols, _, err := term.GetSize(fd); err == nil && cols > 0 {
			p.width = cols
		}
	}
	return p
}

// event takes one step of one layer.
func (p *progress) event(e registry.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := e.ID()
	before, known := p.last[id]
	if !known {
		p.order = append(p.order, id)
	}
	p.last[id] = e
	if !p.live {
		if done(e.Status) && before.Status != e.Status {
			fmt.Fprintf(p.w, "%s: %s\n", id, statusText(e))
		}
		return
	}
	if now := time.Now(); done(e.Status) || now.Sub(p.at) >= drawInterval {
		p.at = now
		p.draw()
	}
}

// finish draws the last state.
func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.live {
		p.draw()
	}
}

func (p *progress) draw() {
	var b strings.Builder
	if p.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", p.drawn)
	}
	for _, id := range p.order {
		b.WriteString("\r\x1b[2K" + format.Ellipsis(liveLine(id, p.last[id]), p.width-1) + "\n")
	}
	p.drawn = len(p.order)
	_, _ = io.WriteString(p.w, b.String())
}

// liveLine is "0123456789ab: Downloading [=====>    ]  1.2MB/3MB".
func liveLine(id string, e registry.Event) string {
	line := id + ": " + statusText(e)
	if e.Total > 0 && !done(e.Status) && e.Current > 0 {
		line += " " + bar(e.Current, e.Total) + fmt.Sprintf("%9s/%s", units.HumanSize(float64(e.Current)), units.HumanSize(float64(e.Total)))
	}
	return line
}

func bar(current, total int64) string {
	const cells = 50
	n := int(min(current, total) * cells / total)
	if n >= cells {
		return "[" + strings.Repeat("=", cells) + ">]"
	}
	return "[" + strings.Repeat("=", n) + ">" + strings.Repeat(" ", cells-n) + "]"
}

func statusText(e registry.Event) string {
	if e.Detail != "" {
		return string(e.Status) + " " + e.Detail
	}
	return string(e.Status)
}

// done tells the states that a layer ends in.
func done(s registry.Status) bool {
	switch s {
	case registry.StatusPulled, registry.StatusExists, registry.StatusPushed, registry.StatusMounted, registry.StatusPushExists, registry.StatusLoaded:
		return true
	}
	return false
}
