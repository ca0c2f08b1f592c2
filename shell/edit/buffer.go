package edit

import (
	"slices"
	"unicode"
)

// buffer is the line and where the cursor stands in it.
type buffer struct {
	text []rune
	pos  int
}

func (b *buffer) String() string { return encode(b.text) }

func (b *buffer) clone() buffer { return buffer{slices.Clone(b.text), b.pos} }

func (b *buffer) set(s string) {
	b.text = decode(s)
	b.pos = len(b.text)
}

func (b *buffer) insert(rs ...rune) {
	b.text = slices.Insert(b.text, b.pos, rs...)
	b.pos += len(rs)
}

// cut removes from one position to another, in either order, and returns it.
func (b *buffer) cut(from, to int) []rune {
	if from > to {
		from, to = to, from
	}
	out := slices.Clone(b.text[from:to])
	b.text = slices.Delete(b.text, from, to)
	b.pos = from
	return out
}

// left is the position one character before, with what combines with it.
func (b *buffer) left() int {
	i := b.pos
	for i > 0 {
		i--
		if width(b.text[i]) > 0 {
			break
		}
	}
	return i
}

// right is the position one character on.
func (b *buffer) right() int {
	i := b.pos
	if i < len(b.text) {
		i++
	}
	for i < len(b.text) && width(b.text[i]) == 0 {
		i++
	}
	return i
}

func isWordRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.M, r)
}

// wordLeft is the start of the word before.
func (b *buffer) wordLeft() int {
	i := b.pos
	for i > 0 && !isWordRune(b.text[i-1]) {
		i--
	}
	for i > 0 && isWordRune(b.text[i-1]) {
		i--
	}
	return i
}

// wordRight is the end of the word after.
func (b *buffer) wordRight() int {
	i := b.pos
	for i < len(b.text) && !isWordRune(b.text[i]) {
		i++
	}
	for i < len(b.text) && isWordRune(b.text[i]) {
		i++
	}
	return i
}

// blankLeft is the start of what stands before, up to white space.
func (b *buffer) blankLeft() int {
	i := b.pos
	for i > 0 && unicode.IsSpace(b.text[i-1]) {
		i--
	}
	for i > 0 && !unicode.IsSpace(b.text[i-1]) {
		i--
	}
	return i
}

// transpose swaps the two characters around the cursor; false if there are none.
func (b *buffer) transpose() bool {
	if b.pos == 0 || len(b.text) < 2 {
		return false
	}
	if b.pos == len(b.text) {
		b.pos--
	}
	b.text[b.pos-1], b.text[b.pos] = b.text[b.pos], b.text[b.pos-1]
	b.pos++
	return true
}

// mapWord changes the letters of the word after the cursor and goes to its end.
func (b *buffer) mapWord(f func(i int, r rune) rune) {
	end := b.wordRight()
	first := true
	for i := b.pos; i < end; i++ {
		if isWordRune(b.text[i]) {
			n := 1
			if first {
				n, first = 0, false
			}
			b.text[i] = f(n, b.text[i])
		}
	}
	b.pos = end
}

// killSize is how many cuts the kill ring remembers.
const killSize = 16

// killRing is what was cut; the last is what ^Y gives.
type killRing struct {
	texts [][]rune
	at    int // which one the last yank gave
}

// add remembers a cut; a run of cuts is one text.
func (k *killRing) add(text []rune, again, before bool) {
	if len(text) == 0 {
		return
	}
	if n := len(k.texts); again && n > 0 {
		if before {
			k.texts[n-1] = append(text, k.texts[n-1]...)
		} else {
			k.texts[n-1] = append(k.texts[n-1], text...)
		}
		return
	}
	k.texts = append(k.texts, text)
	if len(k.texts) > killSize {
		k.texts = slices.Delete(k.texts, 0, 1)
	}
}

// yank gives the last cut; older ones when it is asked again and again.
func (k *killRing) yank(older bool) []rune {
	n := len(k.texts)
	if n == 0 {
		return nil
	}
	if older {
		k.at = (k.at + n - 1) % n
	} else {
		k.at = n - 1
	}
	return k.texts[min(k.at, n-1)]
}
