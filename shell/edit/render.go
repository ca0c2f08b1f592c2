package edit

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// view is what the screen shows of the line.
type view struct {
	prompt      string // its last line
	promptWidth int
	row         int // where the cursor is, counted from the prompt's
	columns     int
}

// place is a position on the screen, counted from the start of the prompt. A
// column equal to the width is the right edge, before the line wraps.
type place struct{ row, col int }

// advance moves over something that is w columns wide.
func (p *place) advance(w, columns int) {
	if p.col+w > columns {
		p.row++
		p.col = 0
	}
	p.col += w
}

// setPrompt takes the last line of the prompt and returns what comes before.
func (v *view) setPrompt(prompt string, columns int) string {
	head := ""
	if i := strings.LastIndexByte(prompt, '\n'); i >= 0 {
		head, prompt = strings.ReplaceAll(prompt[:i+1], "\n", "\r\n"), prompt[i+1:]
	}
	v.prompt = strings.NewReplacer("\x01", "", "\x02", "").Replace(prompt)
	v.promptWidth = visibleWidth(v.prompt)
	v.columns = columns
	return head
}

// visibleWidth is the width of a text without its escape sequences.
func visibleWidth(s string) int {
	w := 0
	for len(s) > 0 {
		if s[0] == 0x1b {
			s = s[sequence(s):]
			continue
		}
		r, n := utf8.DecodeRuneInString(s)
		if r >= 0x20 && r != 0x7f {
			w += width(r)
		}
		s = s[n:]
	}
	return w
}

// sequence is the length of the escape sequence that s begins with.
func sequence(s string) int {
	if len(s) < 2 {
		return len(s)
	}
	switch s[1] {
	case '[':
		for i := 2; i < len(s); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
		}
		return len(s)
	case ']':
		for i := 2; i < len(s); i++ {
			if s[i] == 7 {
				return i + 1
			}
			if s[i] == '\\' && s[i-1] == 0x1b {
				return i + 1
			}
		}
		return len(s)
	}
	return 2
}

// refresh draws the prompt and the line anew and puts the cursor in its place.
func (e *Editor) refresh() {
	e.draw(e.view.prompt, e.view.promptWidth, e.buf.text, e.buf.pos)
}

// draw shows a text after a prompt, with the cursor at pos.
func (e *Editor) draw(prompt string, promptWidth int, text []rune, pos int) {
	v := &e.view
	v.columns = e.columns()
	if v.row > 0 {
		e.write("\x1b[" + strconv.Itoa(v.row) + "A")
	}
	e.write("\r\x1b[J" + prompt)
	at := place{promptWidth / v.columns, promptWidth % v.columns}
	if at.col == 0 && at.row > 0 {
		at = place{at.row - 1, v.columns}
	}
	cursor := at
	for i, r := range text {
		if i == pos {
			cursor = at
			if width(r) == 2 && r >= 0x80 && at.col+2 > v.columns { // wraps as a whole
				cursor = place{at.row + 1, 0}
			}
		}
		e.drawRune(r, &at)
	}
	if pos >= len(text) {
		cursor = at
	}
	if at.col == v.columns { // leave the right edge, where terminals differ
		e.write("\r\n")
		at = place{at.row + 1, 0}
	}
	e.moveTo(at, cursor)
	e.dirty = false
}

func (e *Editor) drawRune(r rune, at *place) {
	if r == '\n' {
		if at.col < e.view.columns {
			e.write("\x1b[K")
		}
		e.write("\r\n")
		*at = place{at.row + 1, 0}
		return
	}
	if w := width(r); w > 2 || w == 2 && r < 0x80 { // several characters: may break anywhere
		for _, c := range show(nil, r) {
			e.out = append(e.out, c)
			at.advance(1, e.view.columns)
		}
		return
	} else {
		at.advance(w, e.view.columns)
	}
	e.out = show(e.out, r)
}

// moveTo goes from where drawing ended to where the cursor belongs.
func (e *Editor) moveTo(from, to place) {
	if to.col == e.view.columns {
		to = place{to.row + 1, 0}
	}
	if up := from.row - to.row; up > 0 {
		e.write("\x1b[" + strconv.Itoa(up) + "A")
	}
	e.write("\r")
	if to.col > 0 {
		e.write("\x1b[" + strconv.Itoa(to.col) + "C")
	}
	e.view.row = to.row
}

// typed draws one more character at the end of the line, where that is all that
// changes.
func (e *Editor) typed(r rune) {
	v := &e.view
	if e.dirty || e.buf.pos != len(e.buf.text) || width(r) != 1 || v.columns != e.columns() || len(e.buf.text) > 4096 {
		e.dirty = true
		return
	}
	at := place{0, 0}
	at.advance(v.promptWidth, 1<<30)
	if at.col >= v.columns {
		e.dirty = true
		return
	}
	for _, c := range e.buf.text {
		w := width(c)
		if c == '\n' || w != 1 {
			e.dirty = true
			return
		}
		at.advance(w, v.columns)
	}
	if at.row != v.row || at.col >= v.columns {
		e.dirty = true
		return
	}
	e.out = show(e.out, r)
}
