package tty

import "github.com/sbxrun/sbx/abi/linux"

// erase handles VERASE, VWERASE and VKILL.
func (d *disc) erase(t *TTY, c byte) {
	if d.head == d.line {
		return
	}
	lf := t.term.Lflag
	one := c == t.term.Cc[linux.VERASE]
	word := !one && c == t.term.Cc[linux.VWERASE]
	kill := !one && !word
	if kill {
		const visual = linux.ECHO | linux.ECHOK | linux.ECHOKE | linux.ECHOE
		if lf&linux.ECHO == 0 {
			d.head = d.line
			return
		}
		if lf&visual != visual {
			d.head = d.line
			d.finishErasing()
			d.echoChar(t, t.term.Cc[linux.VKILL])
			if lf&linux.ECHOK != 0 {
				d.echoRaw('\n')
			}
			return
		}
	}
	d.eraseChars(t, one, word)
	if d.head == d.line && lf&linux.ECHO != 0 {
		d.finishErasing()
	}
}

// eraseChars takes characters off the line: one, a word, or all.
func (d *disc) eraseChars(t *TTY, one, word bool) {
	seenWord := false
	for d.head != d.line {
		at := d.head
		var c byte
		for {
			at--
			c = d.at(at)
			if !t.continuation(c) || at == d.line {
				break
			}
		}
		if t.continuation(c) {
			return // never part of a character
		}
		if word {
			if isWord(c) {
				seenWord = true
			} else if seenWord {
				return
			}
		}
		end := d.head
		d.head = at
		if t.term.Lflag&linux.ECHO != 0 {
			d.echoErased(t, c, at, end, one)
		}
		if one {
			return
		}
	}
}

// echoErased shows that the character c, stored from at to end, is gone.
func (d *disc) echoErased(t *TTY, c byte, at, end uint32, one bool) {
	lf := t.term.Lflag
	switch {
	case lf&linux.ECHOPRT != 0:
		if !d.erasing {
			d.echoRaw('\\')
			d.erasing = true
		}
		d.echoChar(t, c)
		for i := at + 1; i != end; i++ {
			d.echoRaw(d.at(i))
			d.addEchoOp(opMoveBack)
		}
	case one && lf&linux.ECHOE == 0:
		d.echoChar(t, t.term.Cc[linux.VERASE])
	case c == '\t':
		d.echoErasedTab(t)
	default:
		if isControl(c) {
			if lf&linux.ECHOCTL == 0 {
				return
			}
			d.echoRub()
		}
		d.echoRub()
	}
}

func (d *disc) echoRub() {
	d.echoRaw('\b')
	d.echoRaw(' ')
	d.echoRaw('\b')
}

// echoErasedTab goes back over a tab: how far depends on the columns that the
// characters before it take, back to another tab or the start of the line.
func (d *disc) echoErasedTab(t *TTY) {
	columns, afterTab := uint32(0), false
	for i := d.head; i != d.line; {
		i--
		c := d.at(i)
		if c == '\t' {
			afterTab = true
			break
		}
		if isControl(c) {
			if t.term.Lflag&linux.ECHOCTL != 0 {
				columns += 2
			}
		} else if !t.continuation(c) {
			columns++
		}
	}
	arg := byte(columns & 7)
	if afterTab {
		arg |= 0x80
	}
	d.addEchoOp(opEraseTab)
	d.addEcho(arg)
}

func (d *disc) finishErasing() {
	if d.erasing {
		d.echoRaw('/')
		d.erasing = false
	}
}

// continuation tells the bytes of an UTF-8 character after the first, IUTF8.
func (t *TTY) continuation(c byte) bool {
	return c&0xc0 == 0x80 && t.term.Iflag&linux.IUTF8 != 0
}

// The kernel's character classes are those of Latin-1.

func isControl(c byte) bool { return c < ' ' || c == 0x7f }

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 0xc0 && c <= 0xde && c != 0xd7 }

func isLower(c byte) bool { return c >= 'a' && c <= 'z' || c >= 0xdf && c != 0xf7 }

func isWord(c byte) bool { return isUpper(c) || isLower(c) || c >= '0' && c <= '9' || c == '_' }

func toLower(c byte) byte {
	if isUpper(c) {
		return c + 0x20
	}
	return c
}

func toUpper(c byte) byte {
	if isLower(c) {
		return c - 0x20
	}
	return c
}
