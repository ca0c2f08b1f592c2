package match

// ends gives, sorted, every position where a match of nodes that starts at one
// of the sorted positions from may end.
func (p *Pattern) ends(nodes []node, rs []rune, from []int) []int {
	foldCase := p.flags&Fold != 0
	cur := from
	for i := range nodes {
		n := &nodes[i]
		if len(cur) == 0 {
			return nil
		}
		switch n.kind {
		case kStar:
			cur = upTo(cur[0], len(rs))
		case kExt:
			cur = p.group(n, rs, cur)
		default:
			next := make([]int, 0, len(cur))
			for _, at := range cur {
				if at < len(rs) && n.one(rs[at], foldCase) {
					next = append(next, at+1)
				}
			}
			cur = next
		}
	}
	return cur
}

func upTo(lo, hi int) []int {
	out := make([]int, 0, hi-lo+1)
	for i := lo; i <= hi; i++ {
		out = append(out, i)
	}
	return out
}

func (p *Pattern) group(n *node, rs []rune, cur []int) []int {
	switch n.op {
	case '?':
		return union(cur, p.any(n, rs, cur))
	case '@':
		return p.any(n, rs, cur)
	case '*':
		return p.closure(n, rs, cur)
	case '+':
		return p.closure(n, rs, p.any(n, rs, cur))
	}
	// '!': whatever no alternative matches, from each start on its own.
	var out []int
	for _, at := range cur {
		no := p.any(n, rs, []int{at})
		var ends []int
		for i, j := at, 0; i <= len(rs); i++ {
			for j < len(no) && no[j] < i {
				j++
			}
			if j >= len(no) || no[j] != i {
				ends = append(ends, i)
			}
		}
		out = union(out, ends)
	}
	return out
}

func (p *Pattern) any(n *node, rs []rune, cur []int) []int {
	var out []int
	for _, alt := range n.alts {
		out = union(out, p.ends(alt, rs, cur))
	}
	return out
}

// closure repeats the group until no new position appears.
func (p *Pattern) closure(n *node, rs []rune, cur []int) []int {
	seen, fresh := cur, cur
	for len(fresh) > 0 {
		fresh = minus(p.any(n, rs, fresh), seen)
		seen = union(seen, fresh)
	}
	return seen
}

func union(a, b []int) []int {
	if len(a) == 0 {
		return b
	}
	if len(b) == 0 {
		return a
	}
	out := make([]int, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0] < b[0]:
			out, a = append(out, a[0]), a[1:]
		case a[0] > b[0]:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, a[0]), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

func minus(a, b []int) []int {
	out := make([]int, 0, len(a))
	for _, x := range a {
		for len(b) > 0 && b[0] < x {
			b = b[1:]
		}
		if len(b) == 0 || b[0] != x {
			out = append(out, x)
		}
	}
	return out
}
