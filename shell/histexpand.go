package shell

import (
	"fmt"
	"strconv"
	"strings"
)

// expandHistory replaces the !events of a line that was typed, as bash does:
// !!, !n, !-n, !text, !?text?, each with a word of it: $, ^, *, :n; and
// ^old^new^ at the start. changed tells whether there were any.
func (sh *Shell) expandHistory(line string) (out string, changed bool, err error) {
	if strings.HasPrefix(line, "^") {
		return sh.quickSubst(line)
	}
	if strings.IndexByte(line, '!') < 0 {
		return line, false, nil
	}
	var sb strings.Builder
	double := false
	for i := 0; i < len(line); {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line):
			sb.WriteString(line[i : i+2])
			i += 2
			continue
		case c == '"':
			double = !double
		case c == '\'' && !double:
			end := strings.IndexByte(line[i+1:], '\'')
			if end < 0 {
				end = len(line) - i - 2
			}
			sb.WriteString(line[i : i+end+2])
			i += end + 2
			continue
		case c == '!' && !afterParam(line[:i]):
			text, n, err := sh.historyRef(line[i:], double)
			if err != nil {
				return "", false, err
			}
			if n > 0 {
				sb.WriteString(text)
				i, changed = i+n, true
				continue
			}
		}
		sb.WriteByte(line[i])
		i++
	}
	return sb.String(), changed, nil
}

// afterParam tells whether a ! is part of $! or ${!x} or [!x].
func afterParam(before string) bool {
	return strings.HasSuffix(before, "$") || strings.HasSuffix(before, "${") || strings.HasSuffix(before, "[")
}

func eventError(s string) error { return fmt.Errorf("%s: event not found", s) }

// historyRef reads a reference at the start of s; n is 0 when it is none.
func (sh *Shell) historyRef(s string, double bool) (text string, n int, err error) {
	if len(s) < 2 || strings.IndexByte(" \t\n=(;&|", s[1]) >= 0 || double && s[1] == '"' {
		return "", 0, nil
	}
	event, n := "", 2
	found := true
	switch c := s[1]; {
	case c == '!':
		event, found = sh.history.number(-1)
	case c == '$' || c == '^' || c == '*':
		event, found = sh.history.number(-1)
		n = 1
	case c == '-' || '0' <= c && c <= '9':
		for n < len(s) && '0' <= s[n] && s[n] <= '9' {
			n++
		}
		k, convErr := strconv.Atoi(s[1:n])
		if convErr != nil {
			return "", 0, eventError(s[:n])
		}
		event, found = sh.history.number(k)
	case c == '?':
		end := strings.IndexAny(s[2:], "?\n")
		if end < 0 {
			end = len(s) - 2
		}
		event, found = sh.history.search(func(l string) bool { return strings.Contains(l, s[2:2+end]) })
		n = 2 + end
		if n < len(s) && s[n] == '?' {
			n++
		}
	default:
		for n < len(s) && strings.IndexByte(" \t\n:;&|\"'^$*", s[n]) < 0 {
			n++
		}
		event, found = sh.history.search(func(l string) bool { return strings.HasPrefix(l, s[1:n]) })
	}
	if !found {
		return "", 0, eventError(strings.TrimRight(s[:max(n, 2)], "\n"))
	}
	word, k, err := eventWord(event, s[n:])
	return word, n + k, err
}

// eventWord applies a word designator at the start of s to an event.
func eventWord(event, s string) (text string, n int, err error) {
	colon := strings.HasPrefix(s, ":")
	d := strings.TrimPrefix(s, ":")
	if d == "" {
		return event, 0, nil
	}
	words := historyWords(event)
	n = len(s) - len(d) + 1
	switch c := d[0]; {
	case c == '$':
		return words[len(words)-1], n, nil
	case c == '*':
		return strings.Join(words[1:], " "), n, nil
	case c == '^', colon && '0' <= c && c <= '9':
		i := 1
		if c != '^' {
			digits := len(d) - len(strings.TrimLeft(d, "0123456789"))
			i, _ = strconv.Atoi(d[:digits])
			n = len(s) - len(d) + digits
		}
		if i >= len(words) {
			return "", 0, fmt.Errorf(":%d: bad word specifier", i)
		}
		return words[i], n, nil
	}
	return event, 0, nil
}

// historyWords splits a line at blanks outside quotes; there is at least one word.
func historyWords(line string) []string {
	var words []string
	var quote byte
	start := -1
	for i := 0; i < len(line); i++ {
		c := line[i]
		if quote == 0 && (c == ' ' || c == '\t' || c == '\n') {
			if start >= 0 {
				words, start = append(words, line[start:i]), -1
			}
			continue
		}
		if start < 0 {
			start = i
		}
		switch {
		case quote == c:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case c == '\\' && quote != '\'':
			i++
		}
	}
	if start >= 0 || len(words) == 0 {
		words = append(words, line[max(start, 0):])
	}
	return words
}

// quickSubst is ^old^new^: the last line with one replacement.
func (sh *Shell) quickSubst(line string) (string, bool, error) {
	text := strings.TrimRight(line, "\n")
	parts := strings.SplitN(text[1:], "^", 3)
	if len(parts) < 2 || parts[0] == "" {
		return line, false, nil
	}
	last, ok := sh.history.number(-1)
	if !ok {
		return "", false, eventError(text)
	}
	if !strings.Contains(last, parts[0]) {
		return "", false, fmt.Errorf(":s%s: substitution failed", text)
	}
	rest := ""
	if len(parts) == 3 {
		rest = parts[2]
	}
	return strings.Replace(last, parts[0], parts[1], 1) + rest + line[len(text):], true, nil
}

// number finds an event by its number, or from the end when n is negative.
func (h *history) number(n int) (string, bool) {
	i := n - h.base - 1
	if n < 0 {
		i = len(h.lines) + n
	}
	if n == 0 || i < 0 || i >= len(h.lines) {
		return "", false
	}
	return h.lines[i], true
}

// search finds the last event that fits.
func (h *history) search(fits func(string) bool) (string, bool) {
	for i := len(h.lines) - 1; i >= 0; i-- {
		if fits(h.lines[i]) {
			return h.lines[i], true
		}
	}
	return "", false
}
