package edit

import (
	"io"
	"strconv"
	"strings"
	"testing"
)

// screen is a small model of a terminal: printable characters with wrapping at
// the right edge as xterm does it, and the sequences that the editor uses.
type screen struct {
	t        testing.TB
	columns  int
	cells    [][]rune // 0 is blank, -1 the right half of a wide character
	row, col int
	pending  bool // the cursor is past the right edge
	bells    int
	paste    bool
}

func (s *screen) line(row int) []rune {
	for len(s.cells) <= row {
		s.cells = append(s.cells, make([]rune, s.columns))
	}
	return s.cells[row]
}

func (s *screen) put(r rune) {
	w := width(r)
	if w == 0 {
		return
	}
	if s.pending || s.col+w > s.columns {
		s.row, s.col, s.pending = s.row+1, 0, false
	}
	l := s.line(s.row)
	l[s.col] = r
	if w == 2 {
		l[s.col+1] = -1
	}
	s.col += w
	if s.col == s.columns {
		s.col, s.pending = s.columns-1, true
	}
}

func (s *screen) Write(p []byte) (int, error) {
	for rs := decode(string(p)); len(rs) > 0; {
		r := rs[0]
		rs = rs[1:]
		switch {
		case r == 0x1b:
			n := sequence("\x1b" + encode(rs))
			s.control(encode(rs[:n-1]))
			rs = rs[n-1:]
		case r == '\r':
			s.col, s.pending = 0, false
		case r == '\n':
			s.row, s.pending = s.row+1, false
		case r == '\a':
			s.bells++
		case r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= invalid && r < invalid+256:
			s.t.Errorf("control character %#x reached the screen", r)
		default:
			s.put(r)
		}
	}
	return len(p), nil
}

func (s *screen) control(seq string) {
	n, _ := strconv.Atoi(strings.Trim(seq, "[?ABCDHJKm"))
	switch {
	case seq == "[?2004h", seq == "[?2004l":
		s.paste = seq == "[?2004h"
	case seq == "[H":
		s.row, s.col, s.pending = 0, 0, false
	case seq == "[2J":
		s.cells = nil
	case seq == "[K", seq == "[J":
		clear(s.line(s.row)[s.col:])
		if seq == "[J" {
			s.cells = s.cells[:s.row+1]
		}
		s.pending = false
	case strings.HasSuffix(seq, "A"):
		s.row, s.pending = s.row-n, false
		if s.row < 0 {
			s.t.Fatalf("cursor above the screen")
		}
	case strings.HasSuffix(seq, "C"):
		s.col, s.pending = min(s.col+n, s.columns-1), false
	case strings.HasSuffix(seq, "m"):
	default:
		s.t.Errorf("unknown sequence %q", seq)
	}
}

// String is the rows without blanks at their ends.
func (s *screen) String() string {
	var rows []string
	for _, l := range s.cells {
		row := ""
		for _, r := range l {
			switch r {
			case -1:
			case 0:
				row += " "
			default:
				row += string(r)
			}
		}
		rows = append(rows, strings.TrimRight(row, " "))
	}
	return strings.TrimRight(strings.Join(rows, "\n"), "\n")
}

// fakeTerm types keys on a screen, one Read for each element.
type fakeTerm struct {
	*screen
	keys []string
	raw  int
	look func(i int) // called before the i-th read
	i    int
}

func (f *fakeTerm) Read(p []byte) (int, error) {
	if f.look != nil {
		f.look(f.i)
	}
	f.i++
	if len(f.keys) == 0 {
		return 0, io.EOF
	}
	k := f.keys[0]
	f.keys = f.keys[1:]
	if k == "<resize>" {
		return 0, ErrResize
	}
	return copy(p, k), nil
}

func (f *fakeTerm) Raw() (func() error, error) {
	f.raw++
	return func() error { f.raw--; return nil }, nil
}

func (f *fakeTerm) Columns() int { return f.columns }

func newTerm(t testing.TB, columns int, keys ...string) *fakeTerm {
	return &fakeTerm{screen: &screen{t: t, columns: columns}, keys: keys}
}
