package edit

import (
	"slices"
	"strconv"
	"strings"
)

// askAbove is from how many candidates on the editor asks before it lists them.
const askAbove = 100

// complete is the tab key: inserts what all candidates have in common; again,
// lists them.
func (e *Editor) complete(again bool) {
	if e.o.Complete == nil {
		e.bell()
		return
	}
	e.last = cmdTab
	line := e.buf.String()
	pos := len(encode(e.buf.text[:e.buf.pos]))
	c := e.o.Complete(line, pos)
	if len(c.Candidates) == 0 || c.Start < 0 || c.Start > pos {
		e.bell()
		return
	}
	word := line[c.Start:pos]
	common := commonPrefix(c.Candidates)
	single := len(c.Candidates) == 1
	if single && !c.NoSpace && !strings.HasSuffix(common, "/") {
		common += " "
	}
	if common != word && (single || strings.HasPrefix(common, word)) {
		e.replace(c.Start, pos, common)
		return
	}
	if single {
		return
	}
	if !again {
		e.bell()
		return
	}
	e.list(c.Candidates)
}

// replace puts s in the place of the bytes from start to the cursor.
func (e *Editor) replace(start, pos int, s string) {
	from := len(decode(e.buf.String()[:start]))
	text := decode(s)
	if !e.room(len(text)) {
		return
	}
	e.save()
	e.buf.cut(from, e.buf.pos)
	e.buf.insert(text...)
	e.dirty = true
}

func commonPrefix(ss []string) string {
	p := ss[0]
	for _, s := range ss[1:] {
		n := 0
		for n < len(p) && n < len(s) && p[n] == s[n] {
			n++
		}
		p = p[:n]
	}
	return strings.ToValidUTF8(p, "")
}

// list shows the candidates in columns below the line.
func (e *Editor) list(candidates []string) {
	pos := e.buf.pos
	e.leave()
	e.buf.pos = pos
	if len(candidates) <= askAbove || e.ask(len(candidates)) {
		e.columnsOf(candidates)
	}
	e.view.row = 0
	e.dirty = true
}

// ask asks whether to list so many.
func (e *Editor) ask(n int) bool {
	e.write("Display all " + strconv.Itoa(n) + " possibilities? (y or n)")
	defer e.write("\r\n")
	for e.flush() == nil {
		k, err := e.in.key()
		switch {
		case err == ErrResize:
		case err != nil, k == 'n', k == 'N', k == backspace, k == ctrl('C'), k == ctrl('G'):
			return false
		case k == 'y', k == 'Y', k == ' ':
			return true
		}
	}
	return false
}

// columnsOf writes words in columns, down and then right, as ls does.
func (e *Editor) columnsOf(words []string) {
	words = slices.Clone(words)
	for i, w := range words { // only what is after the last slash
		words[i] = w[strings.LastIndexByte(strings.TrimSuffix(w, "/"), '/')+1:]
	}
	slices.Sort(words)
	longest := 0
	for _, w := range words {
		longest = max(longest, shownWidth(w))
	}
	longest += 2
	perRow := max(1, e.columns()/longest)
	rows := (len(words) + perRow - 1) / perRow
	for r := range rows {
		for i := r; i < len(words); i += rows {
			for _, c := range decode(words[i]) {
				e.out = show(e.out, c)
			}
			if i+rows < len(words) {
				e.write(strings.Repeat(" ", longest-shownWidth(words[i])))
			}
		}
		e.write("\r\n")
	}
}

func shownWidth(s string) int {
	w := 0
	for _, r := range decode(s) {
		w += width(r)
	}
	return w
}
