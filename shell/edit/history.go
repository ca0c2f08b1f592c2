package edit

import "slices"

// History is the lines that were entered before, oldest first.
type History interface {
	Len() int
	At(i int) string
}

// Lines is a History with a bound. The zero value keeps 500 lines.
type Lines struct {
	Max         int  // 0: 500
	IgnoreDups  bool // a line like the one before is not kept
	IgnoreSpace bool // a line that starts with a space is not kept
	lines       []string
}

// Len is how many lines there are.
func (l *Lines) Len() int { return len(l.lines) }

// At returns one.
func (l *Lines) At(i int) string { return l.lines[i] }

// Add appends a line, unless it is empty or Ignore... says otherwise. The oldest
// ones make room.
func (l *Lines) Add(line string) {
	n := len(l.lines)
	if line == "" || l.IgnoreSpace && line[0] == ' ' || l.IgnoreDups && n > 0 && l.lines[n-1] == line {
		return
	}
	limit := l.Max
	if limit <= 0 {
		limit = 500
	}
	l.lines = append(l.lines, line)
	if over := len(l.lines) - limit; over > 0 {
		l.lines = slices.Delete(l.lines, 0, over)
	}
}

// cursor is where in the history the editor stands. What was changed in lines
// of it is kept until the line is entered.
type cursor struct {
	at     int            // Len is the line that is being written
	edited map[int]buffer // what was left behind
}

// maxEdited bounds how many changed lines are kept.
const maxEdited = 256

func (e *Editor) historyLen() int {
	if e.o.History == nil {
		return 0
	}
	return e.o.History.Len()
}

// goHistory shows another line of the history.
func (e *Editor) goHistory(to int) {
	if to < 0 || to > e.historyLen() || to == e.hist.at {
		e.bell()
		return
	}
	if e.hist.edited == nil || len(e.hist.edited) > maxEdited {
		draft, ok := e.hist.edited[e.historyLen()]
		e.hist.edited = map[int]buffer{}
		if ok {
			e.hist.edited[e.historyLen()] = draft
		}
	}
	e.hist.edited[e.hist.at] = e.buf.clone()
	e.hist.at = to
	if b, ok := e.hist.edited[to]; ok {
		e.buf = b.clone()
		e.buf.pos = len(e.buf.text)
	} else {
		e.buf.set(e.o.History.At(to))
	}
	e.undo = nil
	e.dirty = true
}
