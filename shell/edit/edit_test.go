package edit

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

func past() *Lines {
	l := &Lines{}
	for _, s := range []string{"echo one", "make test", "ls -l /tmp", "echo two three"} {
		l.Add(s)
	}
	return l
}

// TestKeys types each string both at once and byte by byte.
func TestKeys(t *testing.T) {
	for _, c := range []struct{ keys, want string }{
		{"abc\r", "abc"}, {"abc\n", "abc"}, {"\r", ""},
		{"bc\x01a\r", "abc"}, {"bc\x1b[Ha\x1b[Fd\r", "abcd"}, {"bc\x1b[1~a\x1b[4~d\r", "abcd"}, {"bc\x1bOHa\r", "abc"},
		{"ac\x1b[Db\r", "abc"}, {"ac\x02b\x06d\r", "abcd"}, {"a\x1b[D\x1b[D\x1b[Cb\r", "ab"},
		{"abc\x7f\x7fd\r", "ad"}, {"abc\x08\r", "ab"}, {"abc\x01\x04\r", "bc"}, {"abc\x01\x1b[3~\r", "bc"}, {"\x7fa\r", "a"},
		{"one two\x01\x0bx\r", "x"}, {"one two\x15x\r", "x"}, {"one two.x\x17y\r", "one y"}, {"one two.x\x1b\x7fy\r", "one two.y"},
		{"one two\x01\x1bd\r", " two"}, {"one two\x1bbx\r", "one xtwo"}, {"one two\x01\x1bfx\r", "onex two"},
		{"one two\x1b[1;5Dx\r", "one xtwo"}, {"one two\x17\x17\x19\r", "one two"}, {"one two\x17x\x19\r", "one xtwo"},
		{"a\x15b\x15\x19\x1by\r", "a"}, {"ab\x14\r", "ba"}, {"abc\x02\x14\r", "acb"}, {"\x14a\r", "a"},
		{"word\x1bb\x1bu\r", "WORD"}, {"wORD\x1bb\x1bc\r", "Word"}, {"WORD\x1bb\x1bl\r", "word"},
		{"abc def\x1f\r", "abc"}, {"\x16\x03\r", "\x03"}, {"ä€😀\x7f\x7f\r", "ä"}, {"e\u0301x\x02\x7f\r", "x"}, {"a\xffb\r", "a\xffb"}, {"\xe2\x82a\r", "\xe2a"},
		{"\x1b[99;99zx\r", "x"}, {"\x1b[200~two\r\nlines\x1b[201~\r", "two\nlines"}, {"a\x1b[200~\x03\x1b[201~b\r", "a\x03b"},
		{"\x10\r", "echo two three"}, {"\x1b[A\x1b[A\r", "ls -l /tmp"}, {"draft\x10\x10\x0e\x0e\r", "draft"}, {"\x10x\x10\x0e\r", "echo two threex"},
		{"\x1b<\r", "echo one"}, {"dr\x1b<\x1b>\r", "dr"}, {"x \x1b.\r", "x three"}, {"x \x1b.\x1b.\r", "x /tmp"},
		{"\x12make\r", "make test"}, {"\x12echo\x12\r", "echo one"}, {"\x12echo\x12\x13\r", "echo two three"}, {"x\x12echo\x07y\r", "xy"},
		{"\x12make\x01x\r", "xmake test"}, {"\x12makeq\x7f\r", "make test"}, {"\x12nothing\x07\r", ""}, {"x\x0cy\r", "xy"},
	} {
		for _, split := range []bool{false, true} {
			keys := []string{c.keys}
			if split {
				keys = strings.Split(c.keys, "")
			}
			f := newTerm(t, 40, keys...)
			got, err := New(f, Options{History: past()}).ReadLine("$ ")
			if got != c.want || err != nil || f.raw != 0 || f.paste {
				t.Errorf("%q (split %v): %q, %v, want %q; raw %d", c.keys, split, got, err, c.want, f.raw)
			}
		}
	}
}

func TestEnds(t *testing.T) {
	for _, c := range []struct {
		keys string
		want string
		err  error
	}{
		{"\x04", "", io.EOF}, {"abc\x03", "", ErrInterrupt}, {"", "", io.EOF}, {"abc", "abc", nil}, {"\x12a\x03", "", ErrInterrupt},
	} {
		keys := []string{c.keys}
		if c.keys == "" {
			keys = nil
		}
		f := newTerm(t, 40, keys...)
		got, err := New(f, Options{History: past()}).ReadLine("$ ")
		if got != c.want || !errors.Is(err, c.err) || f.raw != 0 {
			t.Errorf("%q: %q, %v, raw %d", c.keys, got, err, f.raw)
		}
	}
}

func TestComplete(t *testing.T) {
	words := []string{"alpha", "alpine", "beta", "dir/", "ärmel"}
	complete := func(line string, pos int) Completion {
		c := Completion{Start: strings.LastIndexByte(line[:pos], ' ') + 1}
		for _, w := range words {
			if strings.HasPrefix(w, line[c.Start:pos]) {
				c.Candidates = append(c.Candidates, w)
			}
		}
		return c
	}
	for keys, want := range map[string]string{
		"b\t\r": "beta ", "ls b\tx\r": "ls beta x", "a\t\r": "alp", "alph\t\r": "alpha ", "d\t\r": "dir/", "x\t\r": "x",
		"a\t\t\tha\r": "alpha", "ä ä\t\r": "ä ärmel ", "b end\x01\x06\t\r": "beta  end",
	} {
		f := newTerm(t, 40, strings.Split(keys, "")...)
		got, err := New(f, Options{Complete: complete}).ReadLine("$ ")
		if got != want || err != nil {
			t.Errorf("%q: %q, %v, want %q", keys, got, err, want)
		}
	}
	f := newTerm(t, 40, "a", "\t", "\t", "\t", "\r")
	New(f, Options{Complete: complete}).ReadLine("$ ")
	if s := f.String(); !strings.Contains(s, "alpha   alpine") {
		t.Errorf("screen\n%s", s)
	}
}

func TestHistoryBounds(t *testing.T) {
	l := &Lines{Max: 3, IgnoreDups: true, IgnoreSpace: true}
	for _, s := range []string{"a", "a", " b", "", "c", "d", "e"} {
		l.Add(s)
	}
	if l.Len() != 3 || l.At(0) != "c" || l.At(2) != "e" {
		t.Errorf("%v", l.lines)
	}
}

func TestMaxLine(t *testing.T) {
	f := newTerm(t, 40, "abcdef\x1b[200~too long\x1b[201~\r")
	if got, err := New(f, Options{MaxLine: 4}).ReadLine(""); got != "abcd" || err != nil || f.bells == 0 {
		t.Errorf("%q, %v", got, err)
	}
}

// want draws prompt and text on a fresh screen, and tells where pos is.
func want(t *testing.T, columns int, prompt string, text []rune, pos int) (string, int, int) {
	s := &screen{t: t, columns: columns}
	s.Write([]byte(prompt))
	row, col := -1, 0
	here := func(w int) {
		row, col = s.row, s.col
		if s.pending || col+w > columns {
			row, col = row+1, 0
		}
	}
	for i, r := range text {
		first := width(r)
		if first > 2 || r < 0x80 {
			first = 1
		}
		if i == pos {
			here(first)
		}
		if r == '\n' {
			s.Write([]byte("\r\n"))
			continue
		}
		s.Write(show(nil, r))
	}
	if pos >= len(text) {
		here(1)
	}
	return s.String(), row, col
}

// TestScreen types random keys and compares the screen, before each key, with
// the line drawn afresh.
func TestScreen(t *testing.T) {
	keys := []string{"a", "b", " ", "word ", "ä", "日本", "😀", "e\u0301", "\x16\x01", "\xff", "\x7f", "\x7f", "\x17", "\x15", "\x0b", "\x19",
		"\x01", "\x05", "\x02", "\x06", "\x1bb", "\x1bf", "\x14", "\x1b[200~x\ny\x1b[201~", "\x10", "\x0e", "\x1f", "<resize>", "long long text "}
	for seed := range 60 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 3))
			var typed []string
			for range 120 {
				typed = append(typed, keys[r.IntN(len(keys))])
			}
			columns := 5 + r.IntN(30)
			prompt := []string{"$ ", "", "\x1b[1mname\x1b[0m> ", "äöü# "}[r.IntN(4)]
			f := newTerm(t, columns, typed...)
			e := New(f, Options{History: past()})
			f.look = func(i int) {
				if e.in.buffered() || t.Failed() {
					return
				}
				screen, row, col := want(t, columns, prompt, e.buf.text, e.buf.pos)
				if got := f.String(); got != screen || f.row != row || f.col != col {
					t.Errorf("columns %d, after %q:\n%s\ncursor %d,%d\nwant\n%s\ncursor %d,%d", columns, typed[max(0, i-3):min(i, len(typed))],
						got, f.row, f.col, screen, row, col)
				}
			}
			e.ReadLine(prompt)
		})
	}
}

func TestPromptOfSeveralLines(t *testing.T) {
	f := newTerm(t, 20, "x", "\r")
	New(f, Options{}).ReadLine("first\n\x01\x1b[31m\x02second\x01\x1b[0m\x02> ")
	if got := f.String(); got != "first\nsecond> x" {
		t.Errorf("%q", got)
	}
}

func FuzzReadLine(f *testing.F) {
	f.Add("abc\x01\x0b\x19\x12ec\x12\x07\t\t\r", uint8(10))
	f.Add("\x1b[200~a\nb\x1b[201~\x1b[A\x1b.\x1b.\x1by\xff\xe2\x82", uint8(3))
	f.Fuzz(func(t *testing.T, keys string, columns uint8) {
		term := &quietTerm{keys: keys, columns: int(columns)}
		e := New(term, Options{History: past(), MaxLine: 1000, Complete: func(string, int) Completion {
			return Completion{Candidates: []string{"abc", "abd"}}
		}})
		for range 20 {
			line, err := e.ReadLine("$ ")
			if len(decode(line)) > 1000 {
				t.Fatalf("%d characters", len(line))
			}
			if err == io.EOF && term.keys == "" {
				return
			}
		}
	})
}

// quietTerm throws the output away.
type quietTerm struct {
	keys    string
	columns int
}

func (q *quietTerm) Read(p []byte) (int, error) {
	if q.keys == "" {
		return 0, io.EOF
	}
	n := copy(p, q.keys)
	q.keys = q.keys[n:]
	return n, nil
}
func (q *quietTerm) Write(p []byte) (int, error) { return len(p), nil }
func (q *quietTerm) Raw() (func() error, error)  { return func() error { return nil }, nil }
func (q *quietTerm) Columns() int                { return q.columns }

func BenchmarkTyping(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		New(&quietTerm{keys: "echo some words here | sort -u > /tmp/out\r", columns: 80}, Options{}).ReadLine("$ ")
	}
}
