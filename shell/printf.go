package shell

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// printer is one call of printf.
type printer struct {
	sh     *Shell
	out    *strings.Builder
	args   []string
	used   bool // the pass took an argument
	status int
	stop   bool
}

const (
	maxFieldWidth = 1 << 20
	maxPrintf     = 64 << 20
)

func (sh *Shell) printfBuiltin(out *output, args []string) int {
	rest := args[1:]
	name := ""
	if sh.bash && len(rest) > 1 && rest[0] == "-v" {
		name, rest = rest[1], rest[2:]
		if d := parseDecl(name); !validName(d.name) {
			sh.errorf("printf: `%s': not a valid identifier", name)
			return 2
		}
	}
	if len(rest) > 0 && rest[0] == "--" {
		rest = rest[1:]
	} else if len(rest) > 0 && sh.bash && len(rest[0]) > 1 && rest[0][0] == '-' {
		sh.badOption("printf", rest[0][1])
		return 2
	}
	if len(rest) == 0 {
		sh.errorf("printf: usage: printf [-v var] format [arguments]")
		return 2
	}
	var sb strings.Builder
	p := &printer{sh: sh, out: &sb, args: rest[1:]}
	for {
		p.used = false
		p.pass(rest[0])
		if p.stop || !p.used || len(p.args) == 0 || sb.Len() > maxPrintf || sh.dead() {
			break
		}
		if name == "" {
			out.add(sb.String())
			sb.Reset()
		}
	}
	if name == "" {
		out.add(sb.String())
		return p.status
	}
	var err error
	if d := parseDecl(name); d.index != "" {
		err = sh.setElement(d.name, d.index, sb.String(), false)
	} else {
		err = sh.setVar(name, sb.String())
	}
	if err != nil {
		sh.errorf("printf: %s", err)
		return 1
	}
	return p.status
}

func (p *printer) fail(format string, args ...any) {
	p.sh.errorf("printf: "+format, args...)
	p.status = 1
}

func (p *printer) arg() (string, bool) {
	p.used = true
	if len(p.args) == 0 {
		return "", false
	}
	a := p.args[0]
	p.args = p.args[1:]
	return a, true
}

// spec is one conversion: %[flags][width][.precision]verb.
type spec struct {
	minus, plus, space, alt, zero, quote bool
	width, prec                          int // prec -1: none
}

// pass interprets the format once.
func (p *printer) pass(f string) {
	for i := 0; i < len(f) && !p.stop; {
		switch f[i] {
		case '\\':
			if i+1 >= len(f) {
				p.out.WriteByte('\\')
				return
			}
			n, _ := escape(p.out, f[i+1:], escFormat)
			if f[i+1] == 'c' && !p.sh.bash {
				p.stop = true
			}
			i += 1 + n
		case '%':
			n := p.conversion(f[i+1:])
			if n < 0 {
				p.stop = true
				return
			}
			i += 1 + n
		default:
			j := strings.IndexAny(f[i:], `\%`)
			if j < 0 {
				j = len(f) - i
			}
			p.out.WriteString(f[i : i+j])
			i += j
		}
	}
}

// conversion handles what follows a %; it returns the bytes taken or -1.
func (p *printer) conversion(f string) int {
	if strings.HasPrefix(f, "%") {
		p.out.WriteByte('%')
		return 1
	}
	s := spec{prec: -1}
	i := 0
flags:
	for ; i < len(f); i++ {
		switch f[i] {
		case '-':
			s.minus = true
		case '+':
			s.plus = true
		case ' ':
			s.space = true
		case '#':
			s.alt = true
		case '0':
			s.zero = true
		case '\'':
			s.quote = true
		default:
			break flags
		}
	}
	n := 0
	s.width, n = p.count(f[i:])
	i += n
	if s.width < 0 {
		s.minus, s.width = true, -s.width
	}
	if i < len(f) && f[i] == '.' {
		s.prec, n = p.count(f[i+1:])
		i += 1 + n
	}
	s.width, s.prec = min(s.width, maxFieldWidth), min(s.prec, maxFieldWidth)
	for i < len(f) && strings.IndexByte("hlLjzt", f[i]) >= 0 {
		i++
	}
	if i >= len(f) {
		p.fail("`%s': missing format character", "%"+f)
		return -1
	}
	if f[i] == '(' && p.sh.bash {
		end := strings.Index(f[i:], ")T")
		if end < 0 {
			p.fail("warning: `%s': invalid time format specification", f[i:])
			return -1
		}
		p.time(s, f[i+1:i+end])
		return i + end + 2
	}
	if !p.verb(s, f[i]) {
		if p.sh.bash {
			p.fail("`%c': invalid format character", f[i])
		} else {
			p.fail("%%%s: invalid directive", f[:i+1])
			p.status = 2
		}
		return -1
	}
	return i + 1
}

func (p *printer) count(f string) (v, n int) {
	if strings.HasPrefix(f, "*") {
		a, _ := p.arg()
		v, _ = strconv.Atoi(a)
		return max(-maxFieldWidth, min(v, maxFieldWidth)), 1
	}
	for n < len(f) && isDigit(f[n]) {
		v = min(v*10+int(f[n]-'0'), maxFieldWidth)
		n++
	}
	return v, n
}

func (p *printer) verb(s spec, c byte) bool {
	switch c {
	case 's':
		a, _ := p.arg()
		p.pad(s, p.cut(s, a))
	case 'b':
		a, _ := p.arg()
		text, stop := unescape(a, escEcho)
		p.pad(s, p.cut(s, text))
		p.stop = stop
	case 'q', 'Q':
		if !p.sh.bash {
			return false
		}
		a, _ := p.arg()
		if c == 'Q' {
			a = p.cut(s, a)
			s.prec = -1
		}
		p.pad(s, p.cut(s, quoteBackslash(a)))
	case 'c':
		a, _ := p.arg()
		if a != "" {
			p.pad(s, a[:1])
		} else if p.sh.bash {
			p.pad(s, "\x00")
		}
	case 'd', 'i':
		a, _ := p.arg()
		n := p.int(a)
		sign := ""
		u := uint64(n)
		if n < 0 {
			sign, u = "-", -u
		} else if s.plus {
			sign = "+"
		} else if s.space {
			sign = " "
		}
		p.integer(s, sign, strconv.FormatUint(u, 10))
	case 'u':
		a, _ := p.arg()
		p.integer(s, "", strconv.FormatUint(uint64(p.int(a)), 10))
	case 'o':
		a, _ := p.arg()
		d := strconv.FormatUint(uint64(p.int(a)), 8)
		if s.alt && d[0] != '0' {
			d = "0" + d
		}
		p.integer(s, "", d)
	case 'x', 'X':
		a, _ := p.arg()
		n := uint64(p.int(a))
		d, pre := strconv.FormatUint(n, 16), ""
		if s.alt && n != 0 {
			pre = "0x"
		}
		if c == 'X' {
			d, pre = strings.ToUpper(d), strings.ToUpper(pre)
		}
		p.integer(s, pre, d)
	case 'e', 'E', 'f', 'F', 'g', 'G', 'a', 'A':
		a, _ := p.arg()
		p.float(s, c, a)
	default:
		return false
	}
	return true
}

func (p *printer) cut(s spec, text string) string {
	if s.prec >= 0 && s.prec < len(text) {
		return text[:s.prec]
	}
	return text
}

func (p *printer) pad(s spec, text string) {
	fill := strings.Repeat(" ", max(0, s.width-len(text)))
	if s.minus {
		p.out.WriteString(text + fill)
		return
	}
	p.out.WriteString(fill + text)
}

// integer writes sign and digits with precision and zero padding.
func (p *printer) integer(s spec, sign, digits string) {
	if s.prec == 0 && digits == "0" {
		digits = ""
	}
	want := s.prec
	if s.prec < 0 && s.zero && !s.minus {
		want = s.width - len(sign)
	}
	digits = strings.Repeat("0", max(0, want-len(digits))) + digits
	p.pad(s, sign+digits)
}

// int reads an argument as C does; 'x is the character's code.
func (p *printer) int(a string) int64 {
	t := strings.TrimLeft(a, " \t\n")
	if t == "" {
		if a != "" {
			p.bad(a, "invalid number")
		}
		return 0
	}
	if t[0] == '\'' || t[0] == '"' {
		return p.charCode(t[1:])
	}
	n, rest, over := parseC(t)
	if over {
		p.bad(a, "Result too large")
	} else if rest == t || rest != "" {
		p.bad(a, "invalid number")
	}
	return n
}

func (p *printer) charCode(s string) int64 {
	if s == "" {
		return 0
	}
	if p.sh.utf8() {
		for _, r := range s {
			return int64(r)
		}
	}
	return int64(s[0])
}

func (p *printer) bad(a, what string) {
	switch {
	case what == "Result too large" && p.sh.bash:
		p.sh.errorf("printf: warning: %s: Numerical result out of range", a)
	case what == "Result too large":
		p.fail("%s: Numerical result out of range", a)
	case p.sh.bash:
		p.fail("%s: invalid number", a)
	case a != "" && isDigit(strings.TrimLeft(a, " +-")[:1][0]):
		p.fail("%s: not completely converted", a)
	default:
		p.fail("%s: expected numeric value", a)
	}
}

// parseC reads a number with strtoimax's rules and returns what is left.
func parseC(s string) (n int64, rest string, over bool) {
	i, neg := 0, false
	if s[0] == '-' || s[0] == '+' {
		neg = s[0] == '-'
		i++
	}
	base := uint64(10)
	if strings.HasPrefix(s[i:], "0x") || strings.HasPrefix(s[i:], "0X") {
		base = 16
		i += 2
	} else if i < len(s) && s[i] == '0' {
		base = 8
	}
	start := i
	var u uint64
	for ; i < len(s); i++ {
		d := digitValue(s[i], 36)
		if d >= base {
			break
		}
		if u > (math.MaxUint64-d)/base {
			over = true
		}
		u = u*base + d
	}
	if i == start {
		return 0, s, false
	}
	switch {
	case over:
		if neg {
			return math.MinInt64, s[i:], true
		}
		return math.MaxInt64, s[i:], true
	case neg && u > 1<<63:
		return math.MinInt64, s[i:], true
	case !neg && u > math.MaxInt64 && base == 10:
		return math.MaxInt64, s[i:], true
	}
	if neg {
		return -int64(u), s[i:], false
	}
	return int64(u), s[i:], false
}

func (p *printer) float(s spec, c byte, a string) {
	v := 0.0
	t := strings.TrimSpace(a)
	switch {
	case t == "":
	case t[0] == '\'' || t[0] == '"':
		v = float64(p.charCode(t[1:]))
	default:
		f, err := strconv.ParseFloat(t, 64)
		if err != nil && !math.IsInf(f, 0) {
			if n, rest, _ := parseC(t); rest == "" {
				f = float64(n)
			} else {
				p.bad(a, "invalid number")
				f = floatPrefix(t)
			}
		}
		v = f
	}
	sign := ""
	switch {
	case math.Signbit(v):
		sign = "-"
	case s.plus:
		sign = "+"
	case s.space:
		sign = " "
	}
	text := formatFloat(math.Abs(v), c, s)
	if s.zero && !s.minus && !math.IsInf(v, 0) && !math.IsNaN(v) {
		text = strings.Repeat("0", max(0, s.width-len(sign)-len(text))) + text
	}
	p.pad(s, sign+text)
}

func floatPrefix(t string) float64 {
	for n := len(t) - 1; n > 0; n-- {
		if f, err := strconv.ParseFloat(t[:n], 64); err == nil {
			return f
		}
	}
	return 0
}

func formatFloat(v float64, c byte, s spec) string {
	upper := c >= 'A' && c <= 'Z'
	verb := c
	if upper {
		verb += 'a' - 'A'
	}
	prec := s.prec
	if prec < 0 && verb != 'a' {
		prec = 6
	}
	var text string
	switch verb {
	case 'a':
		text = strconv.FormatFloat(v, 'x', prec, 64)
		text = strings.Replace(strings.Replace(text, "p+0", "p+", 1), "p-0", "p-", 1)
	case 'g':
		format := "%.*g"
		if s.alt {
			format = "%#.*g"
		}
		text = fmt.Sprintf(format, max(prec, 1), v)
	default:
		text = strconv.FormatFloat(v, verb, min(prec, 1<<12), 64)
		if s.alt && prec == 0 {
			text += "."
		}
	}
	text = strings.ToLower(strings.TrimPrefix(text, "+"))
	if upper {
		text = strings.ToUpper(text)
	}
	return text
}

// time is %(format)T.
func (p *printer) time(s spec, format string) {
	a, ok := p.arg()
	now := p.sh.now()
	if ok && a != "" {
		switch n := p.int(a); n {
		case -1:
		case -2:
			now = p.sh.started.In(now.Location())
		default:
			now = time.Unix(n, 0).In(now.Location())
		}
	}
	if format == "" {
		format = "%X"
	}
	p.pad(s, p.cut(s, strftime(format, now)))
}
