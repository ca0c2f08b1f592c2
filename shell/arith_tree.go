package shell

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// arithExpr evaluates a parsed expression. One without expansions inside is
// evaluated from its tree; any other is expanded to text first.
func (sh *Shell) arithExpr(x syntax.ArithmExpr) (int64, error) {
	if x == nil {
		return 0, nil
	}
	if n, ok := sh.arithTree(x); ok {
		return n, nil
	}
	s, err := sh.arithText(x)
	if err != nil {
		return 0, err
	}
	return sh.arithString(s)
}

// arithTree is the fast path: names and decimal numbers joined by operators
// that cannot fail; ok is false (and nothing was assigned) for anything else.
func (sh *Shell) arithTree(x syntax.ArithmExpr) (int64, bool) {
	switch x := x.(type) {
	case *syntax.Word:
		return sh.arithLeaf(x)
	case *syntax.ParenArithm:
		return sh.arithTree(x.X)
	case *syntax.UnaryArithm:
		return sh.arithStep(x)
	case *syntax.BinaryArithm:
		switch x.Op {
		case syntax.Add, syntax.Sub, syntax.Mul, syntax.Lss, syntax.Leq, syntax.Gtr, syntax.Geq, syntax.Eql, syntax.Neq:
		default:
			return 0, false
		}
		if hasStep(x.X) || hasStep(x.Y) {
			return 0, false
		}
		a, ok := sh.arithTree(x.X)
		if !ok {
			return 0, false
		}
		b, ok := sh.arithTree(x.Y)
		if !ok {
			return 0, false
		}
		return arithBinary(x.Op.String(), a, b), true
	}
	return 0, false
}

func hasStep(x syntax.ArithmExpr) bool {
	switch x := x.(type) {
	case *syntax.UnaryArithm:
		return true
	case *syntax.ParenArithm:
		return hasStep(x.X)
	}
	return false
}

// arithStep does i++ and the like on a plain variable.
func (sh *Shell) arithStep(x *syntax.UnaryArithm) (int64, bool) {
	w, ok := x.X.(*syntax.Word)
	if !ok || x.Op != syntax.Inc && x.Op != syntax.Dec {
		return 0, false
	}
	name := plainLit(w)
	if !validName(name) {
		return 0, false
	}
	n, ok := sh.arithLeaf(w)
	if !ok {
		return 0, false
	}
	old := n
	if x.Op == syntax.Inc {
		n++
	} else {
		n--
	}
	if sh.setVar(name, strconv.FormatInt(n, 10)) != nil {
		return 0, false
	}
	if x.Post {
		return old, true
	}
	return n, true
}

func plainLit(w *syntax.Word) string {
	if len(w.Parts) != 1 {
		return ""
	}
	lit, _ := w.Parts[0].(*syntax.Lit)
	if lit == nil {
		return ""
	}
	return lit.Value
}

func (sh *Shell) arithLeaf(w *syntax.Word) (int64, bool) {
	if len(w.Parts) != 1 {
		return 0, false
	}
	var name string
	switch p := w.Parts[0].(type) {
	case *syntax.Lit:
		if n, ok := decimal(p.Value); ok {
			return n, true
		}
		name = p.Value
	case *syntax.ParamExp:
		if !simpleParam(p) {
			return 0, false
		}
		name = p.Param.Value
	}
	if !validName(name) {
		return 0, false
	}
	v := sh.getVar(name)
	if v == nil {
		return 0, false
	}
	s, ok := v.scalar()
	if !ok {
		return 0, false
	}
	return decimal(s)
}

func decimal(s string) (int64, bool) {
	if s == "" || len(s) > 18 || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) && (i > 0 || s[0] != '-' || len(s) == 1) {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// simpleParam reports a plain $name or ${name}.
func simpleParam(p *syntax.ParamExp) bool {
	return p.Param != nil && p.Flags == nil && !p.Excl && !p.Length && !p.Width && !p.IsSet && p.NestedParam == nil &&
		p.Index == nil && len(p.Modifiers) == 0 && p.Slice == nil && p.Repl == nil && p.Names == 0 && p.Exp == nil
}

// arithText expands a parsed expression back to text.
func (sh *Shell) arithText(x syntax.ArithmExpr) (string, error) {
	var sb strings.Builder
	if err := sh.arithWrite(&sb, x, 0, " "); err != nil {
		return "", err
	}
	return sb.String(), nil
}

// subscriptText expands the subscript of an associative array, which is no
// arithmetic though it is parsed as such.
func (sh *Shell) subscriptText(x syntax.ArithmExpr) (string, error) {
	var sb strings.Builder
	err := sh.arithWrite(&sb, x, 0, "")
	return sb.String(), err
}

func (sh *Shell) arithWrite(sb *strings.Builder, x syntax.ArithmExpr, depth int, gap string) error {
	if depth > maxNesting {
		return errNesting
	}
	switch x := x.(type) {
	case *syntax.Word:
		return sh.arithWord(sb, x, depth, gap)
	case *syntax.ParenArithm:
		sb.WriteByte('(')
		if err := sh.arithWrite(sb, x.X, depth+1, gap); err != nil {
			return err
		}
		sb.WriteByte(')')
	case *syntax.UnaryArithm:
		if !x.Post {
			sb.WriteString(x.Op.String() + gap)
		}
		if err := sh.arithWrite(sb, x.X, depth+1, gap); err != nil {
			return err
		}
		if x.Post {
			sb.WriteString(x.Op.String())
		}
	case *syntax.BinaryArithm:
		if err := sh.arithWrite(sb, x.X, depth+1, gap); err != nil {
			return err
		}
		op := x.Op.String()
		sb.WriteString(gap + op + gap)
		return sh.arithWrite(sb, x.Y, depth+1, gap)
	}
	return nil
}

func (sh *Shell) arithWord(sb *strings.Builder, w *syntax.Word, depth int, gap string) error {
	if len(w.Parts) == 1 {
		if pe, ok := w.Parts[0].(*syntax.ParamExp); ok && pe.Index != nil && pe.Short && !pe.Dollar.IsValid() {
			sb.WriteString(pe.Param.Value + "[")
			if err := sh.arithWrite(sb, pe.Index, depth+1, gap); err != nil {
				return err
			}
			sb.WriteByte(']')
			return nil
		}
	}
	s, err := sh.literal(w)
	sb.WriteString(s)
	return err
}
