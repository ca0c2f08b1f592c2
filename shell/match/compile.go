package match

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Flags choose what a pattern means.
type Flags uint8

// The flags of [Compile].
const (
	Extended Flags = 1 << iota // ?(…) *(…) +(…) @(…) !(…)
	Fold                       // ignore case
	UTF8                       // '?' and brackets take a character, not a byte
)

// maxDepth bounds nested extended groups; deeper ones are literal text.
const maxDepth = 64

type kind uint8

const (
	kLit kind = iota
	kAny
	kStar
	kSet
	kExt
)

type node struct {
	kind kind
	r    rune
	set  *set
	op   byte // kExt: one of ?*+@!
	alts [][]node
}

// Pattern is a compiled pattern; it is immutable and safe for concurrent use.
type Pattern struct {
	nodes   []node
	flags   Flags
	ext     bool
	literal string // valid when isLit
	isLit   bool
	rev     []node
}

// Compile turns a pattern into its compiled form. A backslash takes the next
// character literally; an unfinished bracket or group is literal text, as in
// every shell: there are no errors.
func Compile(pat string, flags Flags) *Pattern {
	p := &Pattern{flags: flags}
	c := compiler{flags: flags, runes: decode(pat, flags&UTF8 != 0)}
	p.nodes, _ = c.seq(0, len(c.runes), 0)
	p.ext = c.ext
	p.isLit = flags&Fold == 0
	var sb strings.Builder
	for _, n := range p.nodes {
		if n.kind != kLit {
			p.isLit = false
			break
		}
		writeRune(&sb, n.r)
	}
	if p.isLit {
		p.literal = sb.String()
	}
	p.rev = reverse(p.nodes)
	return p
}

// HasMeta reports whether pat holds an unescaped pattern character, that is
// whether it can name anything but one text.
func HasMeta(pat string, flags Flags) bool {
	for i := 0; i < len(pat); i++ {
		switch pat[i] {
		case '\\':
			i++
		case '*', '?':
			return true
		case '[':
			if strings.IndexByte(pat[i+1:], ']') >= 0 {
				return true
			}
		case '+', '@', '!':
			if flags&Extended != 0 && i+1 < len(pat) && pat[i+1] == '(' {
				return true
			}
		}
	}
	return false
}

// Quote escapes every pattern character of s.
func Quote(s string) string {
	if !strings.ContainsAny(s, `\*?[]()|!@+-^`) {
		return s
	}
	var sb strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(`\*?[]()|!@+-^`, s[i]) >= 0 {
			sb.WriteByte('\\')
		}
		sb.WriteByte(s[i])
	}
	return sb.String()
}

// Unquote removes the escapes of a pattern: the text it names when it has no
// pattern character.
func Unquote(pat string) string {
	if strings.IndexByte(pat, '\\') < 0 {
		return pat
	}
	var sb strings.Builder
	for i := 0; i < len(pat); i++ {
		if pat[i] == '\\' && i+1 < len(pat) {
			i++
		}
		sb.WriteByte(pat[i])
	}
	return sb.String()
}

type compiler struct {
	flags Flags
	runes []rune
	ext   bool
}

// seq compiles runes[i:end].
func (c *compiler) seq(i, end, depth int) ([]node, int) {
	var out []node
	for i < end {
		r := c.runes[i]
		if c.flags&Extended != 0 && depth < maxDepth && i+1 < end && c.runes[i+1] == '(' && strings.ContainsRune("?*+@!", r) {
			if alts, next, ok := c.group(i+2, end, depth); ok {
				c.ext = true
				out = append(out, node{kind: kExt, op: byte(r), alts: alts})
				i = next
				continue
			}
		}
		switch r {
		case '\\':
			if i+1 < end {
				i++
			}
			out = append(out, c.lit(c.runes[i]))
			i++
		case '*':
			if len(out) == 0 || out[len(out)-1].kind != kStar {
				out = append(out, node{kind: kStar})
			}
			i++
		case '?':
			out = append(out, node{kind: kAny})
			i++
		case '[':
			if s, next, ok := c.bracket(i+1, end); ok {
				out = append(out, node{kind: kSet, set: s})
				i = next
				continue
			}
			out = append(out, c.lit(r))
			i++
		default:
			out = append(out, c.lit(r))
			i++
		}
	}
	return out, i
}

func (c *compiler) lit(r rune) node {
	if c.flags&Fold != 0 {
		r = fold(r)
	}
	return node{kind: kLit, r: r}
}

// group compiles the alternatives that start at i and end at the matching ')'.
func (c *compiler) group(i, end, depth int) (alts [][]node, next int, ok bool) {
	level, start := 0, i
	var cuts []int
	for ; i < end; i++ {
		switch c.runes[i] {
		case '\\':
			i++
		case '[':
			if _, n, ok := c.bracket(i+1, end); ok {
				i = n - 1
			}
		case '(':
			level++
		case '|':
			if level == 0 {
				cuts = append(cuts, i)
			}
		case ')':
			if level > 0 {
				level--
				continue
			}
			for _, cut := range append(cuts, i) {
				alt, _ := c.seq(start, cut, depth+1)
				alts = append(alts, alt)
				start = cut + 1
			}
			return alts, i + 1, true
		}
	}
	return nil, 0, false
}

func reverse(in []node) []node {
	out := make([]node, len(in))
	for i, n := range in {
		if n.kind == kExt {
			alts := make([][]node, len(n.alts))
			for j, a := range n.alts {
				alts[j] = reverse(a)
			}
			n.alts = alts
		}
		out[len(in)-1-i] = n
	}
	return out
}

// invalid bytes travel as runes above the Unicode range, one each.
const badByte = unicode.MaxRune + 1

func decode(s string, multi bool) []rune {
	out := make([]rune, 0, len(s))
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf || !multi {
			if c < utf8.RuneSelf {
				out = append(out, rune(c))
			} else {
				out = append(out, badByte+rune(c))
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			r = badByte + rune(c)
		}
		out = append(out, r)
		i += n
	}
	return out
}

func writeRune(sb *strings.Builder, r rune) {
	if r >= badByte {
		sb.WriteByte(byte(r - badByte))
		return
	}
	sb.WriteRune(r)
}

func runeLen(r rune) int {
	if r >= badByte {
		return 1
	}
	return utf8.RuneLen(r)
}

func fold(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	if r >= badByte {
		return r
	}
	return unicode.ToLower(r)
}
