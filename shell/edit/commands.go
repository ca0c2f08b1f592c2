package edit

import (
	"io"
	"strings"
	"unicode"
)

// command is what kind of thing a key did, for those that depend on the one before.
type command uint8

const (
	cmdNone command = iota
	cmdKill
	cmdYank
	cmdTab
	cmdLastArg
	cmdInsert
)

// done is whether a key ends the line, and how.
type done uint8

const (
	doneNot done = iota
	doneLine
	doneInterrupt
	doneEOF
)

// handle does what a key means.
func (e *Editor) handle(k key) done {
	last := e.last
	e.last = cmdNone
	switch k {
	case ctrl('M'), ctrl('J'):
		return doneLine
	case ctrl('C'):
		return doneInterrupt
	case ctrl('D'):
		if len(e.buf.text) == 0 {
			return doneEOF
		}
		e.delete(e.buf.right())
	case keyPaste:
		e.insert(e.in.pasted...)
		e.in.pasted = nil
	case ctrl('R'):
		return e.search()
	case ctrl('I'):
		e.complete(last == cmdTab)
	case ctrl('V'), ctrl('Q'):
		if c, err := e.in.byte(); err == nil {
			e.insert(rune(c))
		}
	default:
		if !e.move(k) && !e.cutKeys(k, last) && !e.change(k, last) {
			e.self(k)
		}
	}
	return doneNot
}

// self inserts a character that is bound to nothing.
func (e *Editor) self(k key) {
	switch {
	case k < 0x20 || k >= alt || k == backspace:
		if k != keyUnknown {
			e.bell()
		}
	default:
		e.insertTyped(rune(k))
	}
}

// move handles the keys that only move.
func (e *Editor) move(k key) bool {
	b := &e.buf
	to := b.pos
	switch k {
	case ctrl('A'), keyHome:
		to = 0
	case ctrl('E'), keyEnd:
		to = len(b.text)
	case ctrl('B'), keyLeft:
		to = b.left()
	case ctrl('F'), keyRight:
		to = b.right()
	case alt | 'b', keyWordLeft:
		to = b.wordLeft()
	case alt | 'f', keyWordRight:
		to = b.wordRight()
	case ctrl('P'), keyUp:
		e.goHistory(e.hist.at - 1)
		return true
	case ctrl('N'), keyDown:
		e.goHistory(e.hist.at + 1)
		return true
	case alt | '<':
		e.goHistory(0)
		return true
	case alt | '>':
		e.goHistory(e.historyLen())
		return true
	case ctrl('L'):
		e.write("\x1b[H\x1b[2J")
		e.view.row = 0
		e.dirty = true
		return true
	default:
		return false
	}
	if to != b.pos {
		b.pos = to
		e.dirty = true
	}
	return true
}

// cutKeys handles the keys that remove.
func (e *Editor) cutKeys(k key, last command) bool {
	b := &e.buf
	switch k {
	case backspace, ctrl('H'):
		e.delete(b.left())
	case keyDelete:
		e.delete(b.right())
	case ctrl('K'):
		e.killTo(len(b.text), last)
	case ctrl('U'):
		e.killTo(0, last)
	case ctrl('W'):
		e.killTo(b.blankLeft(), last)
	case alt | backspace, alt | ctrl('H'):
		e.killTo(b.wordLeft(), last)
	case alt | 'd':
		e.killTo(b.wordRight(), last)
	default:
		return false
	}
	return true
}

// change handles the other keys that change the line.
func (e *Editor) change(k key, last command) bool {
	b := &e.buf
	switch k {
	case ctrl('Y'):
		e.yank(false)
	case alt | 'y':
		if last != cmdYank {
			e.bell()
			break
		}
		e.yank(true)
	case ctrl('T'):
		e.save()
		if !b.transpose() {
			e.bell()
		}
		e.dirty = true
	case alt | 'u':
		e.mapWord(func(_ int, r rune) rune { return unicode.ToUpper(r) })
	case alt | 'l':
		e.mapWord(func(_ int, r rune) rune { return unicode.ToLower(r) })
	case alt | 'c':
		e.mapWord(func(i int, r rune) rune {
			if i == 0 {
				return unicode.ToUpper(r)
			}
			return unicode.ToLower(r)
		})
	case ctrl('_'):
		e.undoOne()
	case alt | '.', alt | '_':
		e.insertLastArg(last == cmdLastArg)
	case ctrl('G'):
		e.bell()
	default:
		return false
	}
	return true
}

// maxUndo is how many changes can be taken back.
const maxUndo = 128

// save notes the line before a change.
func (e *Editor) save() {
	if len(e.undo) == maxUndo {
		copy(e.undo, e.undo[1:])
		e.undo = e.undo[:maxUndo-1]
	}
	e.undo = append(e.undo, e.buf.clone())
}

func (e *Editor) undoOne() {
	n := len(e.undo)
	if n == 0 {
		e.bell()
		return
	}
	e.buf, e.undo = e.undo[n-1], e.undo[:n-1]
	e.dirty = true
}

// room rings the bell and gives false if n more characters are too many.
func (e *Editor) room(n int) bool {
	if len(e.buf.text)+n > e.o.MaxLine {
		e.bell()
		return false
	}
	return true
}

func (e *Editor) insert(rs ...rune) {
	if len(rs) == 0 || !e.room(len(rs)) {
		return
	}
	e.save()
	e.buf.insert(rs...)
	e.dirty = true
}

// insertTyped inserts a typed character. A run of them is one change.
func (e *Editor) insertTyped(r rune) {
	if !e.room(1) {
		return
	}
	n := len(e.undo)
	if n == 0 || len(e.buf.text) == 0 || unicode.IsSpace(r) {
		e.save()
	}
	e.buf.insert(r)
	e.typed(r)
}

// delete removes from the cursor to a position.
func (e *Editor) delete(to int) {
	if to == e.buf.pos {
		e.bell()
		return
	}
	e.save()
	e.buf.cut(e.buf.pos, to)
	e.dirty = true
}

// killTo cuts to a position, for ^Y.
func (e *Editor) killTo(to int, last command) {
	e.last = cmdKill
	from := e.buf.pos
	if to == from {
		return
	}
	e.save()
	e.kill.add(e.buf.cut(from, to), last == cmdKill, to < from)
	e.dirty = true
}

func (e *Editor) yank(older bool) {
	if older {
		e.buf.cut(e.buf.pos-e.lastLen, e.buf.pos)
	}
	text := e.kill.yank(older)
	if len(text) == 0 {
		e.bell()
		return
	}
	e.insert(text...)
	e.last, e.lastLen = cmdYank, len(text)
}

func (e *Editor) mapWord(f func(i int, r rune) rune) {
	e.save()
	e.buf.mapWord(f)
	e.dirty = true
}

// insertLastArg inserts the last word of the previous command, or of older ones
// when it is asked again.
func (e *Editor) insertLastArg(again bool) {
	if again {
		e.lastArg++
		e.buf.cut(e.buf.pos-e.lastLen, e.buf.pos)
	} else {
		e.lastArg = 1
	}
	e.lastLen = 0
	e.last = cmdLastArg
	e.dirty = true
	i := e.historyLen() - e.lastArg
	if i < 0 {
		e.bell()
		return
	}
	words := strings.Fields(e.o.History.At(i))
	if len(words) == 0 {
		return
	}
	text := decode(words[len(words)-1])
	e.insert(text...)
	e.lastLen = len(text)
}

// errOf hides the difference between an end and an error where only a key counts.
func errOf(err error) done {
	if err == io.EOF {
		return doneEOF
	}
	return doneInterrupt
}
