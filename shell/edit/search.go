package edit

import "strings"

// search is ^R: each key makes the text to look for longer, ^R goes to older
// matches, ^S to newer ones. Enter takes the line, ^G gives up, and any other
// key takes the match and then does what it does.
func (e *Editor) search() done {
	s := &searcher{e: e, at: e.historyLen(), start: e.buf.clone(), from: e.hist.at}
	for {
		if !e.in.buffered() {
			s.show()
			if err := e.flush(); err != nil {
				return doneInterrupt
			}
		}
		k, err := e.in.key()
		if err == ErrResize {
			continue
		}
		if err != nil {
			return errOf(err)
		}
		if over, d := s.handle(k); over {
			return d
		}
	}
}

// searcher is one search.
type searcher struct {
	e       *Editor
	pattern []rune
	at      int // line that matches; historyLen: none yet
	failed  bool
	start   buffer
	from    int
}

// handle does what a key means; over tells that the search has ended.
func (s *searcher) handle(k key) (over bool, d done) {
	e := s.e
	switch k {
	case ctrl('R'):
		s.find(s.at-1, -1)
	case ctrl('S'):
		s.find(s.at+1, 1)
	case backspace, ctrl('H'):
		if n := len(s.pattern); n > 0 {
			s.pattern = s.pattern[:n-1]
			s.at = e.historyLen()
			s.find(s.at-1, -1)
		}
	case ctrl('G'):
		e.buf, e.hist.at = s.start, s.from
		e.dirty = true
		return true, doneNot
	case escape, keyUnknown:
		e.dirty = true
		return true, doneNot
	case keyPaste:
		for _, r := range e.in.pasted {
			s.add(r)
		}
		e.in.pasted = nil
	default:
		if k >= 0x20 && k < alt {
			s.add(rune(k))
			return false, doneNot
		}
		e.dirty = true
		e.refresh()
		return true, e.handle(k)
	}
	return false, doneNot
}

// maxPattern bounds what is looked for.
const maxPattern = 256

func (s *searcher) add(r rune) {
	if len(s.pattern) == maxPattern {
		s.e.bell()
		return
	}
	s.pattern = append(s.pattern, r)
	s.find(min(s.at, s.e.historyLen()-1), -1)
}

// find looks for the pattern from a line on, in one direction.
func (s *searcher) find(from, step int) {
	e, want := s.e, encode(s.pattern)
	if want == "" {
		return
	}
	for i := from; i >= 0 && i < e.historyLen(); i += step {
		line := e.o.History.At(i)
		if at := strings.LastIndex(line, want); at >= 0 {
			s.at, s.failed = i, false
			e.hist.at = i
			e.buf.set(line)
			e.buf.pos = len(decode(line[:at]))
			return
		}
	}
	s.failed = true
	e.bell()
}

// show draws the search instead of the prompt.
func (s *searcher) show() {
	prompt := "(reverse-i-search)`"
	if s.failed {
		prompt = "(failed reverse-i-search)`"
	}
	var b []byte
	for _, r := range s.pattern {
		b = show(b, r)
	}
	prompt += string(b) + "': "
	s.e.draw(prompt, visibleWidth(prompt), s.e.buf.text, s.e.buf.pos)
}
