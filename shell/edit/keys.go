package edit

import (
	"strings"
	"unicode/utf8"
)

// key is one key: a character, a control character, or one of the constants;
// with alt, pressed together with Alt or after Escape.
type key int32

const (
	keyUp key = -1 - iota
	keyDown
	keyLeft
	keyRight
	keyHome
	keyEnd
	keyDelete
	keyWordLeft
	keyWordRight
	keyPaste // the text is in input.pasted
	keyUnknown
)

const (
	alt       key = 1 << 24
	backspace key = 0x7f
	escape    key = 0x1b
)

func ctrl(c byte) key { return key(c & 0x1f) }

// invalid is the rune that stands for a byte that is not UTF-8: a low surrogate,
// which no decoder gives.
const invalid = 0xdc00

// maxSequence bounds an escape sequence, so that garbage ends some time.
const maxSequence = 32

// maxPaste bounds what is pasted at once, in bytes.
const maxPaste = 4 << 20

// input turns bytes into keys.
type input struct {
	t      Terminal
	buf    [4096]byte
	r, w   int
	pasted []rune
}

// buffered tells whether a key can be had, or at least begun, without waiting.
func (in *input) buffered() bool { return in.r < in.w }

func (in *input) byte() (byte, error) {
	for in.r == in.w {
		n, err := in.t.Read(in.buf[:])
		if n <= 0 && err == nil {
			continue
		}
		if n <= 0 {
			return 0, err
		}
		in.r, in.w = 0, n
	}
	c := in.buf[in.r]
	in.r++
	return c, nil
}

// key reads the next key.
func (in *input) key() (key, error) {
	c, err := in.byte()
	if err != nil {
		return 0, err
	}
	switch {
	case c == byte(escape):
		return in.escape()
	case c < utf8.RuneSelf:
		return key(c), nil
	}
	return in.multibyte(c)
}

// multibyte completes a character; a byte that is part of none stands for itself.
func (in *input) multibyte(first byte) (key, error) {
	var p [utf8.UTFMax]byte
	p[0] = first
	n := 1
	for want := sequenceLen(first); n < want; n++ {
		c, err := in.byte()
		if err != nil {
			break
		}
		if c&0xc0 != 0x80 {
			in.r--
			break
		}
		p[n] = c
	}
	r, size := utf8.DecodeRune(p[:n])
	if r == utf8.RuneError && size <= 1 {
		// The bytes after the first are of no use without it.
		return key(invalid + rune(first)), nil
	}
	return key(r), nil
}

// sequenceLen is how long a character with this first byte is.
func sequenceLen(c byte) int {
	switch {
	case c >= 0xf0 && c <= 0xf4:
		return 4
	case c >= 0xe0 && c < 0xf0:
		return 3
	case c >= 0xc2 && c < 0xe0:
		return 2
	}
	return 1
}

// escape reads what follows Escape: a sequence of the terminal, or a key with Alt.
func (in *input) escape() (key, error) {
	c, err := in.byte()
	if err != nil {
		return 0, err
	}
	switch c {
	case '[':
		return in.csi()
	case 'O':
		c, err = in.byte()
		if err != nil {
			return 0, err
		}
		return final(string(c)), nil
	case byte(escape):
		k, err := in.escape()
		return k, err
	}
	if c < utf8.RuneSelf {
		return key(c) | alt, nil
	}
	k, err := in.multibyte(c)
	return k | alt, err
}

// csi reads a control sequence, ECMA-48 5.4.
func (in *input) csi() (key, error) {
	seq := ""
	for len(seq) < maxSequence {
		c, err := in.byte()
		if err != nil {
			return 0, err
		}
		seq += string(rune(c))
		if c >= 0x40 && c <= 0x7e && !(c == '[' && seq == "[") {
			break
		}
		if c < 0x20 {
			return keyUnknown, nil
		}
	}
	if seq == "200~" {
		return in.paste()
	}
	return final(seq), nil
}

// final gives the key of a sequence without its beginning.
func final(seq string) key {
	switch seq {
	case "A":
		return keyUp
	case "B":
		return keyDown
	case "C":
		return keyRight
	case "D":
		return keyLeft
	case "H", "1~", "7~":
		return keyHome
	case "F", "4~", "8~":
		return keyEnd
	case "3~":
		return keyDelete
	case "1;5C", "1;3C", "5C", "c":
		return keyWordRight
	case "1;5D", "1;3D", "5D", "d":
		return keyWordLeft
	}
	return keyUnknown
}

// paste reads up to the end of a bracketed paste.
func (in *input) paste() (key, error) {
	const end = "\x1b[201~"
	var b []byte
	for {
		c, err := in.byte()
		if err != nil {
			return 0, err
		}
		b = append(b, c)
		if c == '~' && strings.HasSuffix(string(b[max(0, len(b)-len(end)):]), end) {
			b = b[:len(b)-len(end)]
			break
		}
		if len(b) > maxPaste {
			b = append(b[:0], b[len(b)-len(end):]...) // too much: only the end still counts
		}
	}
	in.pasted = decode(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(b)))
	return keyPaste, nil
}

// decode splits a text into characters, bytes that are none included.
func decode(s string) []rune {
	out := make([]rune, 0, len(s))
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			r = invalid + rune(s[0])
		}
		out = append(out, r)
		s = s[n:]
	}
	return out
}

// encode is the inverse of decode.
func encode(rs []rune) string {
	b := make([]byte, 0, len(rs))
	for _, r := range rs {
		if r >= invalid && r < invalid+256 {
			b = append(b, byte(r-invalid))
		} else {
			b = utf8.AppendRune(b, r)
		}
	}
	return string(b)
}
