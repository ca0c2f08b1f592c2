package tty

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// with returns the default settings with flags switched: names like "-ICANON".
func with(change func(n *linux.Termios)) linux.Termios {
	n := linux.DefaultTermios()
	change(&n)
	return n
}

func lflag(set, clear uint32) linux.Termios {
	return with(func(n *linux.Termios) { n.Lflag = n.Lflag&^clear | set })
}

func iflag(set, clear uint32) linux.Termios {
	return with(func(n *linux.Termios) { n.Iflag = n.Iflag&^clear | set })
}

func oflag(set, clear uint32) linux.Termios {
	return with(func(n *linux.Termios) { n.Oflag = n.Oflag&^clear | set })
}

func cc(index int, c byte) linux.Termios {
	return with(func(n *linux.Termios) { n.Cc[index] = c })
}

func TestAgainstKernel(t *testing.T) {
	def := linux.DefaultTermios()
	const all = 65536
	for _, c := range []struct {
		name   string
		term   linux.Termios
		input  []string
		output []string
	}{
		{"plain line", def, []string{"hello\n"}, nil},
		{"carriage return", def, []string{"hello\r"}, nil},
		{"erase", def, []string{"hellp\x7fo\n"}, nil},
		{"erase all and more", def, []string{"ab\x7f\x7f\x7fc\n"}, nil},
		{"erase control", def, []string{"a\x01\x7fb\n"}, nil},
		{"erase tab", def, []string{"ab\tc\x7f\x7fd\n", "\t\t\x7f\x7f\n", "x\x01\t\x7f\n"}, nil},
		{"erase tab after prompt", def, []string{"ab\t\x7f\n"}, []string{"prompt> "}},
		{"word erase", def, []string{"one two  \x17three\n", "a.b_c\x17\x17x\n"}, nil},
		{"kill", def, []string{"one two\x15three\n"}, nil},
		{"kill control and tab", def, []string{"o\x01\tx\x15three\n"}, nil},
		{"kill without ECHOKE", lflag(0, linux.ECHOKE), []string{"abc\x15d\n"}, nil},
		{"kill without ECHOK", lflag(0, linux.ECHOK), []string{"abc\x15d\n"}, nil},
		{"kill without ECHO", lflag(0, linux.ECHO), []string{"abc\x15d\n"}, nil},
		{"reprint", def, []string{"abc\x12d\n"}, nil},
		{"literal next", def, []string{"a\x16\x03b\x16\x16\n", "\x16\n\n", "\x16\x04\n", "\x16\x7f\n"}, nil},
		{"end of file", def, []string{"\x04", "abc\x04", "abc\x04\x04"}, nil},
		{"interrupt", def, []string{"abc", "\x03", "def\n"}, nil},
		{"interrupt in one block", def, []string{"abc\x03def\n"}, nil},
		{"interrupt NOFLSH", lflag(linux.NOFLSH, 0), []string{"abc\x03def\n"}, nil},
		{"quit and suspend", def, []string{"a\x1c", "b\x1a", "c\n"}, nil},
		{"no signals", lflag(0, linux.ISIG), []string{"a\x03b\x1ac\n"}, nil},
		{"stop and start", def, []string{"a\x13bc", "d\x11e\n"}, []string{"x"}},
		{"stop, any starts", iflag(linux.IXANY, 0), []string{"a\x13", "b", "c\n"}, []string{"x"}},
		{"no IXON", iflag(0, linux.IXON), []string{"a\x13b\x11\n"}, nil},
		{"no echo", lflag(0, linux.ECHO), []string{"abc\x7f\n"}, nil},
		{"echo newline only", lflag(linux.ECHONL, linux.ECHO), []string{"abc\n"}, nil},
		{"no ECHOE", lflag(0, linux.ECHOE), []string{"abc\x7f\x7fd\x17\n"}, nil},
		{"no ECHOCTL", lflag(0, linux.ECHOCTL), []string{"a\x01b\x7f\x7f\x03c\n"}, nil},
		{"ECHOPRT", lflag(linux.ECHOPRT, 0), []string{"abc\x7f\x7fd\x7f\x7f\x7fe\n", "xy\x15z\n", "xy\x17z\n"}, nil},
		{"ECHOPRT UTF-8", with(func(n *linux.Termios) { n.Lflag |= linux.ECHOPRT; n.Iflag |= linux.IUTF8 }), []string{"aäö\x7f\x7fd\n"}, nil},
		{"UTF-8", iflag(linux.IUTF8, 0), []string{"aä€😀\x7f\x7f\x7fb\n", "\x80\x80\x7f\n", "ä\t\x7f\x7fx\n"}, nil},
		{"no UTF-8", def, []string{"aä\x7f\n"}, nil},
		{"no IEXTEN", lflag(0, linux.IEXTEN), []string{"a b\x17\x16\x12\n"}, nil},
		{"EOL", cc(linux.VEOL, ';'), []string{"abc;def\n"}, nil},
		{"EOL2", cc(linux.VEOL2, '!'), []string{"abc!def\n"}, nil},
		{"EOL2 ff PARMRK", with(func(n *linux.Termios) { n.Cc[linux.VEOL2] = 0xff; n.Iflag |= linux.PARMRK }), []string{"abc\xffd\xff\n"}, nil},
		{"PARMRK", iflag(linux.PARMRK, 0), []string{"a\xffb\n"}, nil},
		{"echo ff", def, []string{"a\xff\xffb\x7f\n"}, nil},
		{"ISTRIP", iflag(linux.ISTRIP, 0), []string{"a\xe1\x8a"}, nil},
		{"IUCLC", iflag(linux.IUCLC, 0), []string{"ABCÄ\n"}, nil},
		{"IUCLC literal", iflag(linux.IUCLC, 0), []string{"\x16A\x16\x03\n"}, nil},
		{"INLCR", iflag(linux.INLCR, linux.ICRNL), []string{"a\nb\rc\x04"}, nil},
		{"INLCR ICRNL", iflag(linux.INLCR, 0), []string{"a\nb\rc\x04"}, nil},
		{"IGNCR", iflag(linux.IGNCR, 0), []string{"a\r\nb\r\n"}, nil},
		{"no ICRNL", iflag(0, linux.ICRNL), []string{"a\rb\n"}, nil},
		{"same character twice", with(func(n *linux.Termios) { n.Cc[linux.VKILL] = 0x7f }), []string{"abc\x7fd\n"}, nil},
		{"werase is erase", with(func(n *linux.Termios) { n.Cc[linux.VWERASE] = 0x7f }), []string{"a bc\x7fd\n"}, nil},
		{"werase is kill", with(func(n *linux.Termios) { n.Cc[linux.VWERASE] = 0x15 }), []string{"a bc\x15d\n"}, nil},
		{"NUL", def, []string{"a\x00b\n\x00\n"}, nil},
		{"VERASE disabled", cc(linux.VERASE, 0), []string{"a\x00\x7fb\n"}, nil},
		{"cbreak", lflag(0, linux.ICANON), []string{"a\r\n\x7f\t\x04"}, nil},
		{"cbreak interrupt", lflag(0, linux.ICANON), []string{"abc", "\x03", "d"}, nil},
		{"raw", with(func(n *linux.Termios) { n.Iflag, n.Oflag, n.Lflag = 0, 0, 0 }), []string{"a\r\n\x7f\x03\x04\xff\x00"}, []string{"a\nb\r\n"}},
		{"EXTPROC", lflag(linux.EXTPROC, 0), []string{"abc\n\x7f\x03"}, nil},
		{"output", def, nil, []string{"a\nb\r\n\tc\bd\x1b[0m\x00\xff\n"}},
		{"output no OPOST", oflag(0, linux.OPOST), nil, []string{"a\nb\t\r\n"}},
		{"output XTABS", oflag(linux.XTABS, 0), nil, []string{"a\tb\t\x01\tabc\b\b\td\n", "ä\t\n12345678\t\n"}},
		{"output XTABS UTF-8", with(func(n *linux.Termios) { n.Oflag |= linux.XTABS; n.Iflag |= linux.IUTF8 }), nil, []string{"ä€\tx\n"}},
		{"output OLCUC", oflag(linux.OLCUC, 0), nil, []string{"abc äßÿ\n"}},
		{"output OCRNL", oflag(linux.OCRNL, 0), nil, []string{"a\rb\n"}},
		{"output OCRNL ONLRET", oflag(linux.OCRNL|linux.ONLRET|linux.XTABS, linux.ONLCR), nil, []string{"ab\rc\td\ne\tf"}},
		{"output ONOCR", oflag(linux.ONOCR, 0), nil, []string{"\ra\r\rb\n\r"}},
		{"output ONLRET", oflag(linux.ONLRET|linux.XTABS, linux.ONLCR), nil, []string{"ab\n\tc"}},
		{"output no ONLCR", oflag(linux.XTABS, linux.ONLCR), nil, []string{"ab\n\tc"}},
		{"echo XTABS", oflag(linux.XTABS, 0), []string{"a\tb\x7f\x7fc\n"}, []string{"> "}},
		{"echo no OPOST", oflag(0, linux.OPOST), []string{"a\tb\x01\n"}, nil},
		{"IMAXBEL", iflag(linux.IMAXBEL, 0), []string{strings.Repeat("x", 3000), strings.Repeat("y", 3000), "\x7f\x7fz\n"}, nil},
		{"long line", def, []string{strings.Repeat("x", 4000), strings.Repeat("y", 95), "z", "\n"}, nil},
		{"too long line", lflag(0, linux.ECHO), []string{strings.Repeat("x", 4095), "y", "z\x7f\x7fab\n", "next\n"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			steps := []step{{do: 't', term: c.term}}
			for _, o := range c.output {
				steps = append(steps, step{do: 'o', data: o})
			}
			for _, in := range c.input {
				steps = append(steps, step{do: 'i', data: in})
			}
			for range 8 {
				steps = append(steps, step{do: 'r', n: all})
			}
			compare(t, steps)
		})
	}
}

func TestReadsAgainstKernel(t *testing.T) {
	def := linux.DefaultTermios()
	raw := lflag(0, linux.ICANON|linux.ECHO)
	vmin0 := with(func(n *linux.Termios) { n.Lflag &^= linux.ICANON; n.Cc[linux.VMIN] = 0 })
	vmin5 := with(func(n *linux.Termios) { n.Lflag &^= linux.ICANON; n.Cc[linux.VMIN] = 5 })
	vtime := with(func(n *linux.Termios) { n.Lflag &^= linux.ICANON; n.Cc[linux.VMIN] = 0; n.Cc[linux.VTIME] = 1 })
	in := func(s string) step { return step{do: 'i', data: s} }
	rd := func(n int) step { return step{do: 'r', n: n} }
	set := func(when int, n linux.Termios) step { return step{do: 't', n: when, term: n} }
	for name, steps := range map[string][]step{
		"piecewise":                {in("abc\ndef\n"), rd(2), rd(2), rd(10), rd(1)},
		"exact then end of file":   {in("abc\x04def\n"), rd(3), rd(3), rd(9)},
		"short then end of file":   {in("abc\x04def\n"), rd(2), rd(9), rd(9)},
		"exact line":               {in("abc\ndef\n"), rd(4), rd(4), rd(4)},
		"two ends of file":         {in("\x04\x04a\n"), rd(9), rd(9), rd(9), rd(9)},
		"65 bytes":                 {in(strings.Repeat("a", 64) + "\n"), rd(64), rd(9)},
		"64 bytes and end of file": {in(strings.Repeat("a", 64) + "\x04" + "b\n"), rd(200), rd(9)},
		"canonical to raw":         {in("abc\x7f\ndef"), set(0, raw), rd(3), rd(99)},
		"canonical to raw, eof":    {in("abc\x04def"), set(0, raw), rd(99)},
		"raw to canonical":         {set(0, raw), in("abc\ndef"), set(0, def), rd(2), rd(99), in("x\n"), rd(99)},
		"raw to canonical, typing": {set(0, raw), in("abc"), set(0, def), in("x\x7f\x7f\x7f\n"), rd(99), rd(99)},
		"raw to canonical, eof":    {set(0, raw), in("abc\x04"), set(0, def), rd(99), rd(99)},
		"TCSAFLUSH":                {in("abc\ndef"), set(2, def), in("x\n"), rd(99), rd(99)},
		"TCSADRAIN":                {in("abc\ndef"), set(1, raw), rd(99)},
		"tcflush input":            {in("abc\ndef"), {do: 'f', n: 0}, in("x\n"), rd(99), rd(9)},
		"tcflush output":           {in("abc\ndef"), {do: 'f', n: 1}, in("x\n"), rd(99), rd(9)},
		"tcflush both":             {in("abc\n"), {do: 'f', n: 2}, rd(9)},
		"tcflush bad":              {{do: 'f', n: 3}},
		"tcflow":                   {{do: 'x', n: 0}, {do: 'o', data: "abc"}, in("def\n"), {do: 'x', n: 1}, {do: 'o', data: "x"}, rd(9)},
		"tcflow ^Q":                {{do: 'x', n: 0}, in("a\x11b\n"), {do: 'o', data: "abc"}, {do: 'x', n: 1}, {do: 'o', data: "x"}},
		"tcflow in":                {{do: 'x', n: 2}, {do: 'x', n: 3}, {do: 'x', n: 4}},
		"VMIN 0":                   {set(0, vmin0), rd(9), in("abc"), rd(2), rd(9), rd(9)},
		"VMIN 5":                   {set(0, vmin5), in("abc"), rd(9), in("abcdef"), rd(3), rd(9)},
		"VTIME":                    {set(0, vtime), rd(9), in("abc"), rd(9)},
		"stopped, IXON off":        {in("\x13abc"), set(0, iflag(0, linux.IXON)), {do: 'o', data: "x"}},
		"literal then canonical":   {in("\x16"), set(0, raw), in("\x03"), rd(9), set(0, def), in("\x03x\n"), rd(9)},
		"zero read":                {in("abc\n"), rd(0), rd(9)},
	} {
		t.Run(name, func(t *testing.T) { compare(t, steps) })
	}
}

// randomTermios switches a few flags and control characters.
func randomTermios(r *rand.Rand) linux.Termios {
	n := linux.DefaultTermios()
	flip := func(f *uint32, bits ...uint32) {
		for _, b := range bits {
			if r.IntN(4) == 0 {
				*f ^= b
			}
		}
	}
	flip(&n.Iflag, linux.IUTF8, linux.ISTRIP, linux.IUCLC, linux.INLCR, linux.IGNCR, linux.ICRNL, linux.IXON, linux.IXANY, linux.PARMRK, linux.IMAXBEL)
	flip(&n.Oflag, linux.OPOST, linux.OLCUC, linux.ONLCR, linux.OCRNL, linux.ONOCR, linux.ONLRET, linux.XTABS)
	flip(&n.Lflag, linux.ICANON, linux.ISIG, linux.IEXTEN, linux.ECHO, linux.ECHOE, linux.ECHOK, linux.ECHOKE, linux.ECHOCTL, linux.ECHOPRT, linux.ECHONL, linux.NOFLSH)
	if r.IntN(20) == 0 {
		n.Lflag |= linux.EXTPROC
	}
	for i := range n.Cc {
		if r.IntN(12) == 0 && i != linux.VTIME && i != linux.VMIN {
			n.Cc[i] = randomByte(r)
		}
	}
	return n
}

func randomByte(r *rand.Rand) byte {
	const usual = "ab cd.E\tÄ€\n\n\r\x7f\x7f\x15\x17\x16\x12\x04\x03\x13\x11\xff\x80;"
	if r.IntN(10) == 0 {
		return byte(r.Uint32())
	}
	return usual[r.IntN(len(usual))]
}

func randomBytes(r *rand.Rand, n int) string {
	b := make([]byte, 1+r.IntN(n))
	for i := range b {
		b[i] = randomByte(r)
	}
	return string(b)
}

func TestRandomAgainstKernel(t *testing.T) {
	count := 80
	if testing.Short() {
		count = 20
	}
	for seed := range count {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 7))
			compare(t, randomScript(r))
		})
	}
}

func randomScript(r *rand.Rand) []step {
	term := randomTermios(r)
	steps := []step{{do: 't', term: term}}
	for range 30 {
		switch k := r.IntN(20); {
		case k < 11:
			steps = append(steps, splitSignals(term, randomBytes(r, 20))...)
		case k < 13:
			steps = append(steps, step{do: 'o', data: randomBytes(r, 30)})
		case k < 17:
			steps = append(steps, step{do: 'r', n: 1 + r.IntN(12)})
		case k < 18:
			term = randomTermios(r)
			steps = append(steps, step{do: 't', n: r.IntN(3), term: term})
		case k < 19:
			steps = append(steps, step{do: 'f', n: r.IntN(3)})
		default:
			steps = append(steps, step{do: 'x', n: r.IntN(4)})
		}
	}
	return steps
}

// splitSignals types each byte that may be a signal alone: what of the echo
// before it is lost depends on how the kernel has cut the input into blocks.
func splitSignals(n linux.Termios, s string) []step {
	var out []step
	start := 0
	for i := range len(s) {
		c := s[i]
		if n.Iflag&linux.ISTRIP != 0 {
			c &= 0x7f
		}
		c = toLower(c)
		if l := toLower(n.Cc[linux.VINTR]); c == l || c == toLower(n.Cc[linux.VQUIT]) || c == toLower(n.Cc[linux.VSUSP]) {
			if i > start {
				out = append(out, step{do: 'i', data: s[start:i]})
			}
			out = append(out, step{do: 'i', data: s[i : i+1]})
			start = i + 1
		}
	}
	if start < len(s) {
		out = append(out, step{do: 'i', data: s[start:]})
	}
	return out
}
