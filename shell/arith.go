package shell

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Arithmetic is evaluated from its text once expanded, as POSIX XCU 2.6.4 says:
// the value of $x is text, so that $x*2 with x=1+2 is 5. Numbers are 64 bits
// and wrap on every host.

const (
	maxArithDepth = 200 // nested parentheses, ternaries, unary operators
	maxArithRefs  = 32  // variables that hold expressions
)

// arithError is an arithmetic error; it ends a non-interactive shell as bash does.
type arithError struct {
	expr, msg, token string
}

func (e *arithError) Error() string {
	if e.token == "" {
		return e.expr + ": " + e.msg
	}
	return fmt.Sprintf("%s: %s (error token is \"%s\")", e.expr, e.msg, e.token)
}

// arithString evaluates an expression given as text.
func (sh *Shell) arithString(s string) (int64, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && (len(s) == 1 || s[0] != '0') && s[0] != '+' {
		return n, nil
	}
	if sh.arithRefs >= maxArithRefs {
		return 0, &arithError{s, "expression recursion level exceeded", s}
	}
	sh.arithRefs++
	defer func() { sh.arithRefs-- }()
	p := &arith{sh: sh, src: s, rest: s}
	p.next()
	if p.tok == "" {
		return 0, p.err
	}
	n := p.comma(true)
	if p.err == nil && p.tok != "" {
		p.fail("syntax error in expression")
		if p.num || isNameStart(p.tok[0]) {
			p.err = &arithError{p.expr(), "syntax error in expression", p.from}
		}
	}
	return n, p.err
}

type arith struct {
	sh    *Shell
	src   string
	rest  string // after the current token
	from  string // from the current token on
	tok   string // "" at the end
	num   bool
	err   error
	depth int
}

func (p *arith) expr() string { return strings.TrimSpace(p.src) }

func (p *arith) fail(msg string) {
	if p.err == nil {
		p.err = &arithError{p.expr(), msg, p.from}
	}
	p.tok, p.rest = "", ""
}

var arithOps = []string{
	"<<=", ">>=", "**", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "++", "--",
	"+=", "-=", "*=", "/=", "%=", "&=", "^=", "|=",
}

func isNameStart(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isNameByte(c byte) bool { return isNameStart(c) || isDigit(c) }

func (p *arith) next() {
	s := strings.TrimLeft(p.rest, " \t\n\r")
	p.from, p.num = s, false
	if s == "" {
		p.tok, p.rest = "", ""
		return
	}
	n := 1
	switch c := s[0]; {
	case isDigit(c):
		p.num = true
		for n < len(s) && (isNameByte(s[n]) || s[n] == '#' || s[n] == '@') {
			n++
		}
	case isNameStart(c):
		for n < len(s) && isNameByte(s[n]) {
			n++
		}
	default:
		for _, op := range arithOps {
			if strings.HasPrefix(s, op) {
				n = len(op)
				break
			}
		}
	}
	p.tok, p.rest = s[:n], s[n:]
}

// The live argument of the methods is false in the branch of && || ?: that is
// not taken: syntax is checked, nothing is assigned.

func (p *arith) comma(live bool) int64 {
	n := p.assign(live)
	for p.tok == "," {
		p.next()
		n = p.assign(live)
	}
	return n
}

// ref is a place to assign to.
type ref struct {
	name, index string
	indexed     bool
}

// lvalue reads a name with its subscript; the current token is the name.
func (p *arith) lvalue() ref {
	r := ref{name: p.tok}
	if strings.HasPrefix(p.rest, "[") {
		level, quote := 0, false
		for i := 0; i < len(p.rest); i++ {
			switch p.rest[i] {
			case '"':
				quote = !quote
			case '[':
				level++
			case ']':
				level--
			}
			if level == 0 {
				r.index, r.indexed = p.rest[1:i], true
				p.rest = p.rest[i+1:]
				break
			}
		}
		if !r.indexed {
			p.fail("bad array subscript")
			return r
		}
	}
	p.next()
	return r
}

func (p *arith) load(r ref, live bool) int64 {
	if !live || p.err != nil {
		return 0
	}
	var s string
	ok := false
	v := p.sh.getVar(r.name)
	switch {
	case v == nil:
	case r.indexed:
		s, ok = p.sh.element(v, r.index)
	default:
		s, ok = v.scalar()
	}
	if !ok {
		if p.sh.opts[optNoUnset] {
			p.err = &unboundError{r.name}
		}
		return 0
	}
	n, err := p.sh.arithString(s)
	if err != nil && p.err == nil {
		p.err = err
	}
	return n
}

func (p *arith) store(r ref, n int64, live bool) {
	if !live || p.err != nil {
		return
	}
	s := strconv.FormatInt(n, 10)
	var err error
	if r.indexed {
		err = p.sh.setElement(r.name, r.index, s, false)
	} else {
		err = p.sh.setVar(r.name, s)
	}
	if err != nil && p.err == nil {
		p.err = err
	}
}

var errArithAssign = errors.New("attempted assignment to non-variable")

func (p *arith) assign(live bool) int64 {
	if p.depth++; p.depth > maxArithDepth {
		p.fail("expression recursion level exceeded")
		return 0
	}
	defer func() { p.depth-- }()
	if p.tok != "" && isNameStart(p.tok[0]) {
		save := *p
		r := p.lvalue()
		op := p.tok
		if op == "=" || len(op) >= 2 && op[len(op)-1] == '=' && strings.IndexByte("+-*/%&^|<>", op[0]) >= 0 && op != "<=" && op != ">=" {
			p.next()
			n := p.assign(live)
			if op != "=" {
				n = p.binary(op[:len(op)-1], p.load(r, live), n, live)
			}
			p.store(r, n, live)
			return n
		}
		err := p.err
		*p = save
		if err != nil {
			p.err = err
			p.tok = ""
			return 0
		}
	}
	n := p.ternary(live)
	if p.tok == "=" && p.err == nil {
		p.fail(errArithAssign.Error())
	}
	return n
}

func (p *arith) ternary(live bool) int64 {
	cond := p.infix(0, live)
	if p.tok != "?" {
		return cond
	}
	p.next()
	if p.tok == ":" || p.tok == "" {
		p.fail("expression expected")
		return 0
	}
	a := p.comma(live && cond != 0)
	if p.tok != ":" {
		p.fail("`:' expected for conditional expression")
		return 0
	}
	p.next()
	if p.tok == "" {
		p.fail("expression expected")
		return 0
	}
	b := p.assign(live && cond == 0)
	if cond != 0 {
		return a
	}
	return b
}

var arithPrec = map[string]int{
	"||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6,
	"<": 7, ">": 7, "<=": 7, ">=": 7, "<<": 8, ">>": 8, "+": 9, "-": 9,
	"*": 10, "/": 10, "%": 10, "**": 11,
}

func (p *arith) infix(min int, live bool) int64 {
	if p.depth++; p.depth > maxArithDepth {
		p.fail("expression recursion level exceeded")
		return 0
	}
	defer func() { p.depth-- }()
	left := p.unary(live)
	for {
		op := p.tok
		prec := arithPrec[op]
		if prec == 0 || prec <= min || p.err != nil {
			return left
		}
		p.next()
		switch op {
		case "&&":
			right := p.infix(prec, live && left != 0)
			left = truth(left != 0 && right != 0)
		case "||":
			right := p.infix(prec, live && left == 0)
			left = truth(left != 0 || right != 0)
		case "**":
			left = p.binary(op, left, p.infix(prec-1, live), live)
		default:
			at := p.from
			right := p.infix(prec, live)
			if (op == "/" || op == "%") && right == 0 && live && p.err == nil {
				p.from = at
				p.fail("division by 0")
				return 0
			}
			left = p.binary(op, left, right, live)
		}
	}
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (p *arith) unary(live bool) int64 {
	if p.depth++; p.depth > maxArithDepth {
		p.fail("expression recursion level exceeded")
		return 0
	}
	defer func() { p.depth-- }()
	switch p.tok {
	case "!":
		p.next()
		return truth(p.unary(live) == 0)
	case "~":
		p.next()
		return ^p.unary(live)
	case "-":
		p.next()
		return -p.unary(live)
	case "+":
		p.next()
		return p.unary(live)
	case "++", "--":
		d := int64(1)
		if p.tok == "--" {
			d = -1
		}
		p.next()
		if p.tok == "" || !isNameStart(p.tok[0]) {
			return p.unary(live) // --5 is -(-5)
		}
		r := p.lvalue()
		n := p.load(r, live) + d
		p.store(r, n, live)
		return n
	}
	return p.primary(live)
}

func (p *arith) primary(live bool) int64 {
	switch {
	case p.tok == "(":
		p.next()
		n := p.comma(live)
		if p.tok != ")" {
			p.fail("missing `)'")
			return 0
		}
		p.next()
		return n
	case p.tok == "":
		p.fail("syntax error: operand expected")
		return 0
	case p.num:
		n, err := parseArithNumber(p.tok)
		if err != nil {
			p.from = p.tok
			p.fail(err.Error())
			return 0
		}
		p.next()
		return n
	case isNameStart(p.tok[0]):
		r := p.lvalue()
		n := p.load(r, live)
		switch p.tok {
		case "++":
			p.next()
			p.store(r, n+1, live)
		case "--":
			p.next()
			p.store(r, n-1, live)
		}
		return n
	}
	p.fail("syntax error: operand expected")
	return 0
}

func (p *arith) binary(op string, a, b int64, live bool) int64 {
	if !live || p.err != nil {
		return 0
	}
	if (op == "/" || op == "%") && b == 0 {
		p.fail("division by 0")
		return 0
	}
	if op == "**" && b < 0 {
		p.fail("exponent less than 0")
		return 0
	}
	return arithBinary(op, a, b)
}

func arithBinary(op string, a, b int64) int64 {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "%":
		return a % b
	case "**":
		n := int64(1)
		for ; b > 0; b >>= 1 {
			if b&1 != 0 {
				n *= a
			}
			a *= a
		}
		return n
	case "<<":
		return a << (uint64(b) & 63)
	case ">>":
		return a >> (uint64(b) & 63)
	case "&":
		return a & b
	case "|":
		return a | b
	case "^":
		return a ^ b
	case "==":
		return truth(a == b)
	case "!=":
		return truth(a != b)
	case "<":
		return truth(a < b)
	case ">":
		return truth(a > b)
	case "<=":
		return truth(a <= b)
	case ">=":
		return truth(a >= b)
	}
	return 0
}

// parseArithNumber reads 10, 0x1f, 017 and base#digits; large ones wrap.
func parseArithNumber(s string) (int64, error) {
	base, digits := uint64(10), s
	if i := strings.IndexByte(s, '#'); i >= 0 {
		b, err := strconv.ParseUint(s[:i], 10, 8)
		if err != nil || b < 2 || b > 64 {
			return 0, errors.New("invalid arithmetic base")
		}
		base, digits = b, s[i+1:]
		if digits == "" {
			return 0, errors.New("invalid integer constant")
		}
	} else if len(s) > 1 && s[0] == '0' {
		if s[1] == 'x' || s[1] == 'X' {
			base, digits = 16, s[2:]
		} else {
			base, digits = 8, s[1:]
		}
	}
	var n uint64
	for i := 0; i < len(digits); i++ {
		d := digitValue(digits[i], base)
		if d >= base {
			if d == 99 {
				return 0, errors.New("syntax error: invalid arithmetic operator")
			}
			return 0, errors.New("value too great for base")
		}
		n = n*base + d
	}
	return int64(n), nil
}

func digitValue(c byte, base uint64) uint64 {
	switch {
	case isDigit(c):
		return uint64(c - '0')
	case 'a' <= c && c <= 'z':
		return uint64(c-'a') + 10
	case 'A' <= c && c <= 'Z':
		if base <= 36 {
			return uint64(c-'A') + 10
		}
		return uint64(c-'A') + 36
	case c == '@':
		return 62
	case c == '_':
		return 63
	}
	return 99
}
