package shell

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// ansiC decodes the inside of $'…'; a NUL ends the text.
func ansiC(s string) string {
	out, stop := unescape(s, escANSI)
	_ = stop
	if i := strings.IndexByte(out, 0); i >= 0 {
		out = out[:i]
	}
	return out
}

// escKind is the dialect of backslash escapes.
type escKind uint8

const (
	escANSI   escKind = iota // $'…'
	escEcho                  // echo -e, printf %b: \0nnn, \c
	escFormat                // printf's format: \nnn
)

// unescape decodes backslash escapes; stop is true at \c where that ends output.
func unescape(s string, kind escKind) (out string, stop bool) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, false
	}
	var sb strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 >= len(s) {
			sb.WriteByte(s[i])
			continue
		}
		i++
		n, end := escape(&sb, s[i:], kind)
		if end {
			return sb.String(), true
		}
		i += n - 1
	}
	return sb.String(), false
}

const simpleEscapes = "a\ab\be\x1bE\x1bf\fn\nr\rt\tv\v\\\\"

// escape decodes one escape after its backslash and tells how many bytes it took.
func escape(sb *strings.Builder, s string, kind escKind) (n int, stop bool) {
	c := s[0]
	for i := 0; i < len(simpleEscapes); i += 2 {
		if simpleEscapes[i] == c {
			sb.WriteByte(simpleEscapes[i+1])
			return 1, false
		}
	}
	switch {
	case c == 'c' && kind == escEcho:
		return 1, true
	case c == 'c' && kind == escANSI && len(s) > 1:
		sb.WriteByte(s[1] & 0x1f)
		return 2, false
	case (c == '\'' || c == '"' || c == '?') && kind != escEcho:
		sb.WriteByte(c)
		return 1, false
	case c == '0' && kind == escEcho:
		v, n := number(s[1:], 3, 8)
		sb.WriteByte(byte(v))
		return 1 + n, false
	case '0' <= c && c <= '7':
		v, n := number(s, 3, 8)
		sb.WriteByte(byte(v))
		return n, false
	case c == 'x':
		v, n := number(s[1:], 2, 16)
		if n == 0 {
			sb.WriteString(`\x`)
			return 1, false
		}
		sb.WriteByte(byte(v))
		return 1 + n, false
	case c == 'u' || c == 'U':
		max := 4
		if c == 'U' {
			max = 8
		}
		v, n := number(s[1:], max, 16)
		if n == 0 {
			sb.WriteByte('\\')
			sb.WriteByte(c)
			return 1, false
		}
		if v > utf8.MaxRune {
			v = utf8.RuneError
		}
		sb.WriteRune(rune(v))
		return 1 + n, false
	}
	sb.WriteByte('\\')
	sb.WriteByte(c)
	return 1, false
}

func number(s string, max int, base uint64) (v uint64, n int) {
	for n < max && n < len(s) {
		d := uint64(99)
		switch c := s[n]; {
		case isDigit(c):
			d = uint64(c - '0')
		case 'a' <= c && c <= 'f':
			d = uint64(c-'a') + 10
		case 'A' <= c && c <= 'F':
			d = uint64(c-'A') + 10
		}
		if d >= base {
			break
		}
		v = v*base + d
		n++
	}
	return v, n
}

// quoteSingle quotes as ${x@Q}, declare -p of arrays and set do.
func quoteSingle(s string) string {
	if needsANSI(s) {
		return quoteANSI(s)
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// quoteDash quotes as dash does: quotes of one kind stand in quotes of the other.
func quoteDash(s string) string {
	if s == "" {
		return "''"
	}
	var sb strings.Builder
	for s != "" {
		n := strings.IndexByte(s, '\'')
		if n < 0 {
			n = len(s)
		}
		if n > 0 {
			sb.WriteString("'" + s[:n] + "'")
			s = s[n:]
			continue
		}
		n = len(s) - len(strings.TrimLeft(s, "'"))
		sb.WriteString("\"" + s[:n] + "\"")
		s = s[n:]
	}
	return sb.String()
}

// quoteIfNeeded leaves plain words bare, as set and alias do.
func quoteIfNeeded(s string) string {
	if s == "" {
		return "''"
	}
	if needsANSI(s) {
		return quoteANSI(s)
	}
	if strings.ContainsAny(s, " \t\n'\"\\|&;()<>*?[]$`!{}^#~") {
		if s[0] != '#' && s[0] != '~' && !strings.ContainsAny(s, " \t\n'\"\\|&;()<>*?[]$`!{}^") {
			return s
		}
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}

// quoteBackslash quotes as printf %q does.
func quoteBackslash(s string) string {
	if s == "" {
		return "''"
	}
	if needsANSI(s) {
		return quoteANSI(s)
	}
	var sb strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		special := strings.IndexByte(" \t'\"\\|&;()<>*?[]$`!{}^,", c) >= 0 || i == 0 && (c == '#' || c == '~') ||
			c == '~' && (s[i-1] == ':' || s[i-1] == '=')
		if special {
			sb.WriteByte('\\')
		}
		sb.WriteByte(c)
	}
	return sb.String()
}

// quoteDouble quotes as declare -p does.
func quoteDouble(s string) string {
	if needsANSI(s) {
		return quoteANSI(s)
	}
	var sb strings.Builder
	sb.WriteByte('"')
	for i := 0; i < len(s); i++ {
		if strings.IndexByte("\"\\$`", s[i]) >= 0 {
			sb.WriteByte('\\')
		}
		sb.WriteByte(s[i])
	}
	sb.WriteByte('"')
	return sb.String()
}

func needsANSI(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return !utf8.ValidString(s)
}

func quoteANSI(s string) string {
	var sb strings.Builder
	sb.WriteString("$'")
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if n > 1 {
			sb.WriteRune(r)
			i += n
			continue
		}
		c := s[i]
		i++
		switch c {
		case '\'', '\\':
			sb.WriteByte('\\')
			sb.WriteByte(c)
		case 0x1b:
			sb.WriteString(`\E`)
		default:
			if j := strings.IndexByte("\a\b\f\n\r\t\v", c); j >= 0 {
				sb.WriteByte('\\')
				sb.WriteByte("abfnrtv"[j])
			} else if c < ' ' || c >= 0x7f {
				fmt.Fprintf(&sb, `\%03o`, c)
			} else {
				sb.WriteByte(c)
			}
		}
	}
	sb.WriteByte('\'')
	return sb.String()
}
