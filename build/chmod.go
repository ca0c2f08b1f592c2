package build

import (
	"strconv"
	"strings"
)

// chmod is a mode as chmod(1) takes it: octal, or symbolic as "u=rwX,go=rX".
type chmod struct {
	octal   bool
	mode    uint32
	clauses []modeClause
}

type modeClause struct {
	who uint32 // mask of the bits that it is about
	op  byte
	// bits are in all three places; x is where X would set them.
	bits, x uint32
	copy    byte // u, g or o: whose bits are taken
}

// parseChmod reads --chmod; "" is nil.
func parseChmod(s string) (*chmod, error) {
	if s == "" {
		return nil, nil
	}
	if n, err := strconv.ParseUint(s, 8, 32); err == nil && n <= 0o7777 {
		return &chmod{octal: true, mode: uint32(n)}, nil
	}
	c := &chmod{}
	for clause := range strings.SplitSeq(s, ",") {
		if err := c.parse(clause); err != nil {
			return nil, badf("invalid chmod parameter: '%s'. it should be octal string and between 0 and 07777, or a mode of chmod(1)", s)
		}
	}
	return c, nil
}

const allBits = 0o7777

func (c *chmod) parse(s string) error {
	who, i := uint32(0), 0
	for ; i < len(s); i++ {
		m := map[byte]uint32{'u': 0o4700, 'g': 0o2070, 'o': 0o1007, 'a': allBits}[s[i]]
		if m == 0 {
			break
		}
		who |= m
	}
	if who == 0 {
		who = allBits
	}
	if i == len(s) {
		return strconv.ErrSyntax
	}
	for i < len(s) {
		cl := modeClause{who: who, op: s[i]}
		if !strings.ContainsRune("+-=", rune(s[i])) {
			return strconv.ErrSyntax
		}
		for i++; i < len(s) && !strings.ContainsRune("+-=", rune(s[i])); i++ {
			switch s[i] {
			case 'r':
				cl.bits |= 0o444
			case 'w':
				cl.bits |= 0o222
			case 'x':
				cl.bits |= 0o111
			case 'X':
				cl.x |= 0o111
			case 's':
				cl.bits |= 0o6000
			case 't':
				cl.bits |= 0o1000
			case 'u', 'g', 'o':
				cl.copy = s[i]
			default:
				return strconv.ErrSyntax
			}
		}
		c.clauses = append(c.clauses, cl)
	}
	return nil
}

// apply returns what mode becomes.
func (c *chmod) apply(mode uint32, dir bool) uint32 {
	if c.octal {
		return c.mode
	}
	for _, cl := range c.clauses {
		bits := cl.bits
		if dir || mode&0o111 != 0 {
			bits |= cl.x
		}
		if cl.copy != 0 {
			shift := map[byte]int{'u': 6, 'g': 3, 'o': 0}[cl.copy]
			bits |= (mode >> shift & 7) * 0o111
		}
		who := cl.who
		bits &= who
		switch cl.op {
		case '+':
			mode |= bits
		case '-':
			mode &^= bits
		case '=':
			clear := who & 0o777
			if !dir {
				clear |= who & 0o6000
			}
			mode = mode&^clear | bits
		}
	}
	return mode & allBits
}
