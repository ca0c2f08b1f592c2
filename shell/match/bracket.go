package match

import "unicode"

type span struct{ lo, hi rune }

// set is one bracket expression.
type set struct {
	not     bool
	spans   []span
	classes []func(rune) bool
	fold    bool
}

func (s *set) has(r rune) bool {
	if s.in(r) {
		return !s.not
	}
	if s.fold && r < badByte && (s.in(unicode.ToLower(r)) || s.in(unicode.ToUpper(r))) {
		return !s.not
	}
	return s.not
}

func (s *set) in(r rune) bool {
	for _, sp := range s.spans {
		if sp.lo <= r && r <= sp.hi {
			return true
		}
	}
	for _, c := range s.classes {
		if r < badByte && c(r) {
			return true
		}
	}
	return false
}

// bracket parses the bracket expression whose first character is runes[i];
// ok is false when no ']' closes it.
func (c *compiler) bracket(i, end int) (*set, int, bool) {
	s := &set{fold: c.flags&Fold != 0}
	if i < end && (c.runes[i] == '!' || c.runes[i] == '^') {
		s.not = true
		i++
	}
	first := true
	for i < end {
		r := c.runes[i]
		if r == ']' && !first {
			return s, i + 1, true
		}
		first = false
		if r == '[' && i+1 < end && c.runes[i+1] == ':' {
			if f, next, ok := c.class(i+2, end); ok {
				if f != nil {
					s.classes = append(s.classes, f)
				}
				i = next
				continue
			}
		}
		lo, next, ok := c.element(i, end)
		if !ok {
			return nil, 0, false
		}
		i = next
		hi := lo
		if i+1 < end && c.runes[i] == '-' && c.runes[i+1] != ']' {
			if hi, next, ok = c.element(i+1, end); !ok {
				return nil, 0, false
			}
			i = next
		}
		s.spans = append(s.spans, span{lo, hi})
	}
	return nil, 0, false
}

// element reads one character, escaped character, [.x.] or [=x=].
func (c *compiler) element(i, end int) (rune, int, bool) {
	r := c.runes[i]
	if r == '\\' && i+1 < end {
		return c.runes[i+1], i + 2, true
	}
	if r == '[' && i+4 < end && (c.runes[i+1] == '.' || c.runes[i+1] == '=') &&
		c.runes[i+3] == c.runes[i+1] && c.runes[i+4] == ']' {
		return c.runes[i+2], i + 5, true
	}
	return r, i + 1, true
}

// class reads a character class name up to ":]". An unknown name matches nothing.
func (c *compiler) class(i, end int) (func(rune) bool, int, bool) {
	for j := i; j+1 < end && j < i+16; j++ {
		if c.runes[j] == ':' && c.runes[j+1] == ']' {
			return classFunc(string(c.runes[i:j]), c.flags&UTF8 != 0), j + 2, true
		}
	}
	return nil, 0, false
}

func classFunc(name string, multi bool) func(rune) bool {
	lim := func(f func(rune) bool) func(rune) bool {
		return func(r rune) bool { return (multi || r < 0x80) && f(r) }
	}
	switch name {
	case "alnum":
		return lim(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
	case "alpha":
		return lim(unicode.IsLetter)
	case "ascii":
		return func(r rune) bool { return r < 0x80 }
	case "blank":
		return func(r rune) bool { return r == ' ' || r == '\t' }
	case "cntrl":
		return lim(unicode.IsControl)
	case "digit":
		return func(r rune) bool { return '0' <= r && r <= '9' }
	case "graph":
		return lim(func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) })
	case "lower":
		return lim(unicode.IsLower)
	case "print":
		return lim(unicode.IsPrint)
	case "punct":
		return lim(func(r rune) bool {
			return unicode.IsPunct(r) || unicode.IsSymbol(r)
		})
	case "space":
		return lim(unicode.IsSpace)
	case "upper":
		return lim(unicode.IsUpper)
	case "word":
		return lim(func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) })
	case "xdigit":
		return func(r rune) bool {
			return '0' <= r && r <= '9' || 'a' <= r && r <= 'f' || 'A' <= r && r <= 'F'
		}
	}
	return nil
}
