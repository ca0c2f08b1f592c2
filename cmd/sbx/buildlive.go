package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/sbxrun/sbx/build"
	"github.com/sbxrun/sbx/cmd/sbx/format"
)

// liveScreen is the live form of a build's progress: a line for each vertex, and
// the last lines of what the running ones print.
type liveScreen struct {
	width, height int
	drawn         int // lines on the screen
	at            time.Time
	stop          chan struct{}
	began         time.Time
}

// liveTail is how many lines of a running program are shown.
const liveTail = 6

// buildProgress chooses the form.
func (a *app) buildProgress(f *buildFlags) (*buildShow, error) {
	mode := f.progress
	fd := ttyFd(a.err)
	if f.quiet {
		mode = "quiet"
	}
	switch mode {
	case "auto":
		mode = "plain"
		if fd >= 0 && enableEscapes(fd) {
			mode = "tty"
		}
	case "tty":
		if fd < 0 || !enableEscapes(fd) {
			return nil, errors.New("--progress=tty needs a terminal at standard error")
		}
	case "plain", "quiet":
	default:
		return nil, usagef("invalid --progress %q: use auto, plain, tty or quiet", mode)
	}
	s := newBuildShow(a.err, mode)
	if mode == "tty" {
		s.width, s.height = 80, 24
		if cols, rows, err := term.GetSize(fd); err == nil && cols > 0 && rows > 0 {
			s.width, s.height = cols, rows
		}
		s.stop, s.began = make(chan struct{}), time.Now()
		go s.tick()
	}
	return s, nil
}

// tick redraws running clocks.
func (s *buildShow) tick() {
	t := time.NewTicker(2 * drawInterval)
	defer t.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-t.C:
			s.mu.Lock()
			select {
			case <-s.stop: // the end was drawn while this waited
			default:
				s.draw(false)
			}
			s.mu.Unlock()
		}
	}
}

// changed draws after an event, not too often.
func (s *buildShow) changed(build.Event) {
	if now := time.Now(); now.Sub(s.at) >= drawInterval {
		s.draw(false)
	}
}

// last draws the end.
func (s *buildShow) last() {
	close(s.stop)
	s.draw(true)
}

// draw draws everything anew over what is there.
func (s *buildShow) draw(final bool) {
	s.at = time.Now()
	lines := s.view(final)
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", s.drawn)
	}
	b.WriteString("\r\x1b[J")
	for _, l := range lines {
		b.WriteString(l + "\n")
	}
	s.drawn = len(lines)
	fmt.Fprint(s.w, b.String())
}

// view is the lines to show: as many as fit, but all at the end.
func (s *buildShow) view(final bool) []string {
	ids := make([]int, 0, len(s.steps))
	done := 0
	for id, st := range s.steps {
		ids = append(ids, id)
		if !st.end.IsZero() {
			done++
		}
	}
	slices.Sort(ids)
	state := ""
	if final {
		state = " FINISHED"
	}
	lines := []string{fmt.Sprintf("[+] Building %.1fs (%d/%d)%s", s.at.Sub(s.began).Seconds(), done, len(ids), state)}
	for _, id := range ids {
		lines = append(lines, s.stepLines(s.steps[id], final)...)
	}
	if room := s.height - 1; !final && len(lines) > room && room > 2 {
		// The head stays, the oldest steps scroll out.
		lines = append(lines[:1:1], lines[len(lines)-room+1:]...)
	}
	return lines
}

// stepLines is " => name   1.2s", and below it the last lines of a program
// that runs.
func (s *buildShow) stepLines(st *buildStep, final bool) []string {
	mark, end := "=>", st.end
	if end.IsZero() {
		end = s.at
	}
	switch st.state {
	case build.Cached:
		mark = "=> CACHED"
	case build.Failed:
		mark = "=> ERROR"
	case build.Canceled:
		mark = "=> CANCELED"
	}
	took := fmt.Sprintf("%.1fs", end.Sub(st.began).Seconds())
	out := []string{s.columns(" "+mark+" "+printable(st.name), took)}
	if !st.end.IsZero() || final {
		return out
	}
	tail := st.tail
	if len(tail) > liveTail {
		tail = tail[len(tail)-liveTail:]
	}
	for _, l := range tail {
		out = append(out, format.Ellipsis(" => => # "+printable(l), s.width-1))
	}
	if len(tail) == 0 && st.status != "" {
		out = append(out, format.Ellipsis(" => => "+printable(st.status), s.width-1))
	}
	return out
}

// columns puts a text to the left and one to the right.
func (s *buildShow) columns(left, right string) string {
	room := s.width - 1 - len(right) - 1
	left = format.Ellipsis(left, room)
	return left + strings.Repeat(" ", max(1, room-len([]rune(left))+1)) + right
}

// printable takes out what a terminal would act on.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case r < ' ' || r >= 0x7f && r < 0xa0:
			return -1
		}
		return r
	}, s)
}
