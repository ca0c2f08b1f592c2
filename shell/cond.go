package shell

import (
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// compiledRegex is a regular expression of =~, or why there is none.
type compiledRegex struct {
	re  *regexp.Regexp
	err error
}

// testClause is [[ … ]].
func (sh *Shell) testClause(c *syntax.TestClause) {
	ok, err := sh.testExpr(c.X, 0)
	if err != nil {
		if te, is := err.(*testError); is {
			if te.msg != "" {
				sh.errorf("%s", te.msg)
			}
			sh.status = 2
			return
		}
		sh.softError("[[", err)
		return
	}
	sh.status = int(truth(!ok))
}

// testError is a test that makes no sense: status 2.
type testError struct{ msg string }

func (e *testError) Error() string { return e.msg }

func (sh *Shell) testExpr(x syntax.TestExpr, depth int) (bool, error) {
	if depth > maxNesting {
		return false, errNesting
	}
	switch x := x.(type) {
	case *syntax.Word:
		s, err := sh.literal(x)
		return s != "", err
	case *syntax.ParenTest:
		return sh.testExpr(x.X, depth+1)
	case *syntax.UnaryTest:
		if x.Op == syntax.TsNot {
			ok, err := sh.testExpr(x.X, depth+1)
			return !ok, err
		}
		w, ok := x.X.(*syntax.Word)
		if !ok {
			return false, errBadSubst
		}
		s, err := sh.literal(w)
		if err != nil {
			return false, err
		}
		return sh.unaryTest(x.Op.String(), s)
	case *syntax.BinaryTest:
		return sh.binaryCond(x, depth)
	}
	return false, errBadSubst
}

func (sh *Shell) binaryCond(x *syntax.BinaryTest, depth int) (bool, error) {
	switch x.Op {
	case syntax.AndTest, syntax.OrTest:
		ok, err := sh.testExpr(x.X, depth+1)
		if err != nil || ok == (x.Op == syntax.OrTest) {
			return ok, err
		}
		return sh.testExpr(x.Y, depth+1)
	}
	xw, ok1 := x.X.(*syntax.Word)
	yw, ok2 := x.Y.(*syntax.Word)
	if !ok1 || !ok2 {
		return false, errBadSubst
	}
	left, err := sh.literal(xw)
	if err != nil {
		return false, err
	}
	switch x.Op {
	case syntax.TsReMatch:
		pat, err := sh.regex(yw)
		if err != nil {
			return false, err
		}
		return sh.regexMatch(left, pat)
	case syntax.TsMatch, syntax.TsMatchShort, syntax.TsNoMatch:
		pat, err := sh.pattern(yw)
		if err != nil {
			return false, err
		}
		ok := sh.matcher(pat, sh.shopts["nocasematch"]).Match(left)
		return ok == (x.Op != syntax.TsNoMatch), nil
	}
	right, err := sh.literal(yw)
	if err != nil {
		return false, err
	}
	switch x.Op {
	case syntax.TsBefore:
		return left < right, nil
	case syntax.TsAfter:
		return left > right, nil
	case syntax.TsEql, syntax.TsNeq, syntax.TsLss, syntax.TsLeq, syntax.TsGtr, syntax.TsGeq:
		a, err := sh.arithString(left)
		if err != nil {
			return false, err
		}
		b, err := sh.arithString(right)
		if err != nil {
			return false, err
		}
		return compareInts(x.Op.String(), a, b), nil
	}
	return sh.binaryTest(x.Op.String(), left, right)
}

func compareInts(op string, a, b int64) bool {
	switch op {
	case "-eq":
		return a == b
	case "-ne":
		return a != b
	case "-lt":
		return a < b
	case "-le":
		return a <= b
	case "-gt":
		return a > b
	}
	return a >= b
}

// regexMatch does =~ and fills BASH_REMATCH.
func (sh *Shell) regexMatch(s, pat string) (bool, error) {
	key := pat
	if sh.shopts["nocasematch"] {
		key = "(?i)" + pat
	}
	c, ok := sh.regexes[key]
	if !ok {
		c = compileRegex(pat, sh.shopts["nocasematch"])
		if len(sh.regexes) >= 64 {
			clear(sh.regexes)
		}
		sh.regexes[key] = c
	}
	if c.err != nil {
		return false, &testError{} // bash says nothing either
	}
	at := c.re.FindStringSubmatchIndex(s)
	var groups []string
	for i := 0; i+1 < len(at); i += 2 {
		if at[i] < 0 {
			groups = append(groups, "")
		} else {
			groups = append(groups, s[at[i]:at[i+1]])
		}
	}
	if err := sh.setArray("BASH_REMATCH", groups); err != nil {
		return false, err
	}
	return at != nil, nil
}

// maxRegex bounds the text of a regular expression; Go's engine is linear in
// the text that it searches.
const maxRegex = 64 << 10

func compileRegex(pat string, fold bool) *compiledRegex {
	if len(pat) > maxRegex {
		return &compiledRegex{err: errTooBig}
	}
	src := posixRegex(pat)
	if fold {
		src = "(?i)" + src
	}
	re, err := regexp.Compile(src)
	if err == nil {
		re.Longest()
	}
	return &compiledRegex{re, err}
}

// posixRegex writes an extended regular expression of POSIX (with GNU's \< \> \b
// \w \s) in Go's syntax: backslashes in brackets are literal, and Perl's
// escapes and groups mean nothing.
func posixRegex(pat string) string {
	var sb strings.Builder
	sb.WriteString("(?s)")
	for i := 0; i < len(pat); i++ {
		c := pat[i]
		switch {
		case c == '[':
			i = bracketRegex(&sb, pat, i)
		case c == '\\' && i+1 < len(pat):
			i++
			switch n := pat[i]; {
			case n == '<' || n == '>':
				sb.WriteString(`\b`)
			case strings.IndexByte("bBwWsS", n) >= 0:
				sb.WriteString(`\` + string(n))
			case isNameByte(n):
				sb.WriteByte(n)
			default:
				sb.WriteString(regexp.QuoteMeta(string(n)))
			}
		case c == '?' && i > 0 && pat[i-1] == '(' && (i < 2 || pat[i-2] != '\\'):
			sb.WriteString(`\?`)
		case (c == '*' || c == '+' || c == '?' || c == '{') && i > 0 && strings.IndexByte("*+?}", pat[i-1]) >= 0 && (i < 2 || pat[i-2] != '\\'):
			// A repetition of a repetition: group, where Go would read "lazy".
			if c == '{' {
				sb.WriteByte(c)
			}
		default:
			sb.WriteByte(c)
		}
	}
	return sb.String()
}

// bracketRegex copies a bracket expression and returns the index of its end.
func bracketRegex(sb *strings.Builder, pat string, i int) int {
	j := i + 1
	if j < len(pat) && pat[j] == '^' {
		j++
	}
	if j < len(pat) && pat[j] == ']' {
		j++
	}
	for j < len(pat) && pat[j] != ']' {
		if pat[j] == '[' && j+1 < len(pat) && strings.IndexByte(":.=", pat[j+1]) >= 0 {
			if end := strings.Index(pat[j+2:], string(pat[j+1])+"]"); end >= 0 {
				j += end + 3
			}
		}
		j++
	}
	if j >= len(pat) {
		sb.WriteString(pat[i:])
		return len(pat)
	}
	body := pat[i+1 : j]
	sb.WriteByte('[')
	if strings.HasPrefix(body, "^") {
		sb.WriteByte('^')
		body = body[1:]
	}
	for k := 0; k < len(body); k++ {
		if body[k] == '[' && k+1 < len(body) && strings.IndexByte(":.=", body[k+1]) >= 0 {
			if end := strings.Index(body[k+2:], string(body[k+1])+"]"); end >= 0 {
				sb.WriteString(body[k : k+end+4])
				k += end + 3
				continue
			}
		}
		if strings.IndexByte(`\[]`, body[k]) >= 0 {
			sb.WriteByte('\\')
		}
		sb.WriteByte(body[k])
	}
	sb.WriteByte(']')
	return j
}
