package match

import "strings"

// Match reports whether the whole of s matches.
func (p *Pattern) Match(s string) bool {
	if p.isLit {
		return s == p.literal
	}
	rs := p.text(s)
	if !p.ext {
		return wild(p.nodes, rs, p.flags&Fold != 0)
	}
	return last(p.ends(p.nodes, rs, []int{0})) == len(rs)
}

// Prefix gives the length in bytes of the shortest or longest prefix of s that
// matches, or -1.
func (p *Pattern) Prefix(s string, longest bool) int {
	if p.isLit {
		if strings.HasPrefix(s, p.literal) {
			return len(p.literal)
		}
		return -1
	}
	rs := p.text(s)
	return byteLen(rs, pick(p.ends(p.nodes, rs, []int{0}), longest))
}

// Suffix gives the length in bytes of the shortest or longest suffix of s that
// matches, or -1.
func (p *Pattern) Suffix(s string, longest bool) int {
	if p.isLit {
		if strings.HasSuffix(s, p.literal) {
			return len(p.literal)
		}
		return -1
	}
	rs := p.text(s)
	for i, j := 0, len(rs)-1; i < j; i, j = i+1, j-1 {
		rs[i], rs[j] = rs[j], rs[i]
	}
	return byteLen(rs, pick(p.ends(p.rev, rs, []int{0}), longest))
}

// Replace puts the text that with returns in the place of the first match, or
// of each match, taking the longest match at the leftmost place.
func (p *Pattern) Replace(s string, all bool, with func(match string) string) string {
	if p.isLit {
		return p.replaceLiteral(s, all, with)
	}
	rs := p.text(s)
	var sb strings.Builder
	pos, i := 0, 0 // byte and rune position
	for i <= len(rs) {
		end := pick(p.ends(p.nodes, rs, []int{i}), true)
		if end <= i {
			// An empty match replaces nothing, except in an empty text.
			if end == i && len(rs) == 0 {
				return with("")
			}
			if i == len(rs) {
				break
			}
			n := runeLen(rs[i])
			sb.WriteString(s[pos : pos+n])
			pos += n
			i++
			continue
		}
		n := 0
		for _, r := range rs[i:end] {
			n += runeLen(r)
		}
		sb.WriteString(with(s[pos : pos+n]))
		pos += n
		i = end
		if !all {
			break
		}
	}
	sb.WriteString(s[pos:])
	return sb.String()
}

func (p *Pattern) replaceLiteral(s string, all bool, with func(string) string) string {
	if p.literal == "" {
		return s
	}
	var sb strings.Builder
	for {
		i := strings.Index(s, p.literal)
		if i < 0 {
			break
		}
		sb.WriteString(s[:i])
		sb.WriteString(with(p.literal))
		s = s[i+len(p.literal):]
		if !all {
			break
		}
	}
	sb.WriteString(s)
	return sb.String()
}

func (p *Pattern) text(s string) []rune { return decode(s, p.flags&UTF8 != 0) }

func byteLen(rs []rune, n int) int {
	if n < 0 {
		return -1
	}
	total := 0
	for _, r := range rs[:n] {
		total += runeLen(r)
	}
	return total
}

func pick(ends []int, longest bool) int {
	if len(ends) == 0 {
		return -1
	}
	if longest {
		return ends[len(ends)-1]
	}
	return ends[0]
}

func last(ends []int) int { return pick(ends, true) }

func (n *node) one(r rune, foldCase bool) bool {
	switch n.kind {
	case kAny:
		return true
	case kSet:
		return n.set.has(r)
	case kLit:
		return n.r == r || foldCase && n.r == fold(r)
	}
	return false
}

// wild matches patterns without groups with the usual two pointers.
func wild(nodes []node, rs []rune, foldCase bool) bool {
	n, i, star, mark := 0, 0, -1, 0
	for i < len(rs) {
		switch {
		case n < len(nodes) && nodes[n].kind == kStar:
			star, mark = n, i
			n++
		case n < len(nodes) && nodes[n].one(rs[i], foldCase):
			n++
			i++
		case star >= 0:
			mark++
			n, i = star+1, mark
		default:
			return false
		}
	}
	for n < len(nodes) && nodes[n].kind == kStar {
		n++
	}
	return n == len(nodes)
}
