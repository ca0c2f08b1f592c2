package shell

import (
	"sort"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// pval is what a parameter holds.
type pval struct {
	name string // for messages and assignment
	sub  string // subscript, when assigned through one
	str  string
	list []string
	keys []string // for ${a[@]:off} of sparse arrays and @K
	many bool     // $@, $*, a[@], a[*]
	star bool     // $*, a[*]
	set  bool
	v    *variable
}

func (v *pval) null() bool {
	if v.many {
		return len(v.list) == 0 || len(v.list) == 1 && v.list[0] == ""
	}
	return v.str == ""
}

// paramPart expands ${…} into the sink.
func (sh *Shell) paramPart(k *sink, pe *syntax.ParamExp, c wordCtx) error {
	if pe.Param == nil || pe.NestedParam != nil || pe.Flags != nil || pe.Width || pe.IsSet || len(pe.Modifiers) > 0 {
		return errBadSubst
	}
	if simpleParam(pe) {
		if s, ok := sh.plainParam(pe.Param.Value); ok {
			k.result(s, c)
			return nil
		}
	}
	if strings.HasPrefix(pe.Param.Value, badSubstPrefix) {
		return &badSubstError{originalText("${" + pe.Param.Value + "}")}
	}
	v, err := sh.paramBase(pe)
	if err != nil {
		return err
	}
	if pe.Exp != nil && pe.Exp.Op <= syntax.AssignUnsetOrNull && pe.Exp.Op >= syntax.AlternateUnset {
		done, err := sh.paramDefault(k, pe, &v, c)
		if done || err != nil {
			return err
		}
	}
	if !v.set && sh.opts[optNoUnset] && !sh.exemptUnset(pe, &v) {
		return &unboundError{v.name}
	}
	if pe.Length {
		k.result(strconv.Itoa(sh.paramLength(&v)), c)
		return nil
	}
	if err := sh.paramOps(pe, &v); err != nil {
		return err
	}
	k.emit(&v, c)
	return nil
}

// plainParam is the fast path for $name and $1 that are set.
func (sh *Shell) plainParam(name string) (string, bool) {
	if isNameStart(name[0]) {
		if v := sh.getVar(name); v != nil {
			return v.scalar()
		}
		return "", false
	}
	switch name {
	case "@", "*":
		return "", false
	}
	return sh.special(name)
}

// special reads a special or positional parameter.
func (sh *Shell) special(name string) (string, bool) {
	switch name {
	case "#":
		return strconv.Itoa(len(sh.args)), true
	case "?":
		return strconv.Itoa(sh.status), true
	case "$":
		return strconv.Itoa(sh.pid), true
	case "!":
		if sh.lastBg == 0 {
			return "", false
		}
		return strconv.Itoa(sh.lastBg), true
	case "-":
		return sh.flagString(), true
	case "0":
		return sh.arg0, true
	}
	n, err := strconv.Atoi(name)
	if err != nil || n < 1 || n > len(sh.args) {
		return "", false
	}
	return sh.args[n-1], true
}

// exemptUnset tells which uses of an unset parameter set -u lets pass.
func (sh *Shell) exemptUnset(pe *syntax.ParamExp, v *pval) bool {
	return v.many || pe.Excl && pe.Names != 0
}

// paramBase reads the parameter that an expansion starts from.
func (sh *Shell) paramBase(pe *syntax.ParamExp) (pval, error) {
	name := pe.Param.Value
	if pe.Excl {
		if pe.Names != 0 {
			return sh.prefixNames(name, pe.Names == syntax.NamesPrefix), nil
		}
		if all, star := wholeIndex(pe.Index); all {
			v := sh.getVar(name)
			out := pval{name: name, many: true, star: star}
			if v != nil {
				out.list = v.keys()
			}
			out.set = len(out.list) > 0
			return out, nil
		}
		return sh.indirect(pe, name)
	}
	return sh.paramValue(name, pe.Index)
}

func (sh *Shell) prefixNames(prefix string, star bool) pval {
	out := pval{many: true, star: star, set: true}
	for _, n := range sh.names() {
		if strings.HasPrefix(n, prefix) {
			if v := sh.lookup(n); v != nil && (v.set || v.isArray()) {
				out.list = append(out.list, n)
			}
		}
	}
	return out
}

// indirect is ${!name}: the value of the parameter that $name names, or the
// name that a nameref refers to.
func (sh *Shell) indirect(pe *syntax.ParamExp, name string) (pval, error) {
	if v := sh.lookup(name); v != nil && v.attr&attrNameref != 0 {
		return pval{name: name, str: v.str, set: true}, nil
	}
	v, err := sh.paramValue(name, pe.Index)
	if err != nil {
		return v, err
	}
	if !v.set {
		return pval{}, &paramError{name, "invalid indirect expansion"}
	}
	target := v.str
	if v.many {
		target = strings.Join(v.list, " ")
	}
	return sh.namedValue(target)
}

// namedValue reads a parameter given by text: x, a[1], a[@], 1, @.
func (sh *Shell) namedValue(target string) (pval, error) {
	base, index := target, ""
	if i := strings.IndexByte(target, '['); i > 0 && strings.HasSuffix(target, "]") {
		base, index = target[:i], target[i+1:len(target)-1]
	}
	if index == "" {
		if target == "" || !validName(base) && !isSpecialName(base) {
			return pval{}, &paramError{target, "invalid variable name"}
		}
		return sh.paramValue(base, nil)
	}
	v := sh.getVar(base)
	out := pval{name: target, v: v}
	if index == "@" || index == "*" {
		out.many, out.star = true, index == "*"
		if v != nil {
			out.list, out.keys = v.values(), v.keys()
		}
		out.set = len(out.list) > 0
		return out, nil
	}
	if v != nil {
		out.str, out.set = sh.element(v, index)
	}
	return out, nil
}

func isSpecialName(s string) bool {
	if len(s) == 1 && strings.Contains("@*#?-$!", s) {
		return true
	}
	for i := 0; i < len(s); i++ {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

func wholeIndex(x syntax.ArithmExpr) (all, star bool) {
	w, ok := x.(*syntax.Word)
	if !ok || w == nil {
		return false, false
	}
	switch plainLit(w) {
	case "@":
		return true, false
	case "*":
		return true, true
	}
	return false, false
}

// paramValue reads name or name[index].
func (sh *Shell) paramValue(name string, index syntax.ArithmExpr) (pval, error) {
	out := pval{name: name}
	if name == "@" || name == "*" {
		out.many, out.star, out.list, out.set = true, name == "*", sh.args, len(sh.args) > 0
		return out, nil
	}
	if !isNameStart(name[0]) {
		out.str, out.set = sh.special(name)
		return out, nil
	}
	if index == nil {
		if v := sh.lookup(name); v != nil && v.attr&attrNameref != 0 {
			if target, sub := sh.resolveRef(name); sub != "" {
				return sh.namedValue(target + "[" + sub + "]")
			}
		}
		out.v = sh.getVar(name)
		if out.v != nil {
			out.str, out.set = out.v.scalar()
		}
		return out, nil
	}
	out.v = sh.getVar(name)
	if all, star := wholeIndex(index); all {
		out.many, out.star = true, star
		if out.v != nil {
			out.list, out.keys = out.v.values(), out.v.keys()
		}
		out.set = len(out.list) > 0
		return out, nil
	}
	sub, err := sh.subscript(out.v, index)
	if err != nil {
		return out, err
	}
	out.sub = sub
	out.name = name + "[" + sub + "]"
	if out.v != nil {
		out.str, out.set = sh.element(out.v, sub)
	}
	return out, nil
}

// subscript gives a subscript as text: a key, or an evaluated number.
func (sh *Shell) subscript(v *variable, x syntax.ArithmExpr) (string, error) {
	if v != nil && v.attr&attrAssoc != 0 {
		return sh.subscriptText(x)
	}
	if w, ok := x.(*syntax.Word); ok {
		if lit := plainLit(w); lit != "" && isDigit(lit[0]) {
			if _, ok := decimal(lit); ok {
				return lit, nil
			}
		}
	}
	n, err := sh.arithExpr(x)
	return strconv.FormatInt(n, 10), err
}

// paramDefault does - = ? + with and without colon. done is false when the
// parameter's own value is to be used.
func (sh *Shell) paramDefault(k *sink, pe *syntax.ParamExp, v *pval, c wordCtx) (done bool, err error) {
	op := pe.Exp.Op
	missing := !v.set
	switch op {
	case syntax.AlternateUnsetOrNull, syntax.DefaultUnsetOrNull, syntax.ErrorUnsetOrNull, syntax.AssignUnsetOrNull:
		missing = !v.set || v.null()
	}
	switch op {
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
		if !missing {
			return true, sh.operand(k, pe.Exp.Word, c)
		}
		if v.many && !v.star && c.quoted {
			k.emptyAt = true
		}
		return true, nil
	}
	if !missing {
		return false, nil
	}
	switch op {
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull:
		return true, sh.operand(k, pe.Exp.Word, c)
	case syntax.ErrorUnset, syntax.ErrorUnsetOrNull:
		msg, err := sh.literal(pe.Exp.Word)
		if err != nil {
			return true, err
		}
		if msg == "" {
			msg = "parameter null or not set"
			if op == syntax.ErrorUnset || !sh.bash && !v.set {
				msg = "parameter not set"
			}
		}
		return true, &paramError{v.name, msg}
	}
	return true, sh.paramAssign(k, pe, v, c)
}

// operand expands the word of ${x:-word} in its place.
func (sh *Shell) operand(k *sink, w *syntax.Word, c wordCtx) error {
	if w == nil {
		return nil
	}
	c = c.deeper()
	c.value = !c.quoted
	c.tilde = !c.quoted
	return sh.walk(k, w.Parts, c)
}

func (sh *Shell) paramAssign(k *sink, pe *syntax.ParamExp, v *pval, c wordCtx) error {
	var ps []piece
	var err error
	if pe.Exp.Word != nil {
		if ps, err = sh.pieces(pe.Exp.Word, wordCtx{quoted: c.quoted, tilde: !c.quoted}); err != nil {
			return err
		}
	}
	s := joinPieces(ps)
	if !isNameStart(v.name[0]) {
		return &paramError{"$" + v.name, "cannot assign in this way"}
	}
	if v.sub != "" {
		base, _, _ := strings.Cut(v.name, "[")
		err = sh.setElement(base, v.sub, s, false)
	} else {
		err = sh.setVar(v.name, s)
	}
	if err != nil {
		return err
	}
	k.result(s, c)
	return nil
}

func (sh *Shell) paramLength(v *pval) int {
	if v.many {
		return len(v.list)
	}
	return sh.length(v.str)
}

func (sh *Shell) length(s string) int {
	if !sh.utf8() {
		return len(s)
	}
	n := 0
	for range s {
		n++
	}
	return n
}

// emit adds a value: one field for a scalar, one for each element of "$@".
func (k *sink) emit(v *pval, c wordCtx) {
	if !v.many {
		k.result(v.str, c)
		return
	}
	switch {
	case !k.split:
		sep := " "
		if v.star {
			sep = ifsFirst(k.ifs)
		}
		k.result(strings.Join(v.list, sep), c)
	case c.quoted && v.star:
		k.add(strings.Join(v.list, ifsFirst(k.ifs)), true)
	case c.quoted:
		if len(v.list) == 0 {
			k.emptyAt = true
		}
		for i, s := range v.list {
			if i > 0 {
				k.started = true
				k.finish()
			}
			k.add(s, true)
			k.started = true
		}
	default:
		for i, s := range v.list {
			if i > 0 {
				k.finish()
			}
			k.value(s)
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
