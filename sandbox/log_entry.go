package sandbox

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// LogEntry is one line that a program wrote, or a part of a long one.
type LogEntry struct {
	Time   time.Time
	Stderr bool
	Line   []byte // with its end, if it has one
	Attrs  map[string]string
}

// whole reports whether the entry ends its line.
func (e LogEntry) whole() bool { return len(e.Line) > 0 && e.Line[len(e.Line)-1] == '\n' }

// parseEntry reads one line of a log's file; false for what a crash left of one.
func parseEntry(b []byte) (e LogEntry, ok bool) {
	var raw struct {
		Log    json.RawMessage   `json:"log"`
		Stream string            `json:"stream"`
		Attrs  map[string]string `json:"attrs"`
		Time   time.Time         `json:"time"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return e, false
	}
	line, ok := unescape(raw.Log)
	return LogEntry{Time: raw.Time, Stderr: raw.Stream == "stderr", Line: line, Attrs: raw.Attrs}, ok
}

// unescape is appendEscaped's reverse: a valid JSON string whose lone
// surrogates \udc80 to \udcff are bytes.
func unescape(s []byte) ([]byte, bool) {
	if len(s) < 2 || s[0] != '"' {
		return nil, false
	}
	s = s[1 : len(s)-1]
	out := make([]byte, 0, len(s))
	for len(s) > 0 {
		if s[0] != '\\' || len(s) < 2 {
			out = append(out, s[0])
			s = s[1:]
			continue
		}
		if s[1] != 'u' {
			out = append(out, unescapeChar(s[1]))
			s = s[2:]
			continue
		}
		r := hexRune(s)
		s = s[6:]
		switch {
		case r >= 0xdc80 && r <= 0xdcff:
			out = append(out, byte(r))
		case r >= 0xd800 && r < 0xdc00 && len(s) >= 6 && s[0] == '\\' && s[1] == 'u' && hexRune(s) >= 0xdc00 && hexRune(s) < 0xe000:
			out = utf8.AppendRune(out, (r-0xd800)<<10|(hexRune(s)-0xdc00)+0x10000)
			s = s[6:]
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return out, true
}

// hexRune is the value of \uXXXX, which the JSON decoder has checked.
func hexRune(s []byte) rune {
	v, _ := strconv.ParseUint(string(s[2:6]), 16, 32)
	return rune(v)
}

func unescapeChar(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	}
	return c // quote, backslash, slash
}
