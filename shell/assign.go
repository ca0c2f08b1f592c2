package shell

import (
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// assign does one assignment of a simple command in the current shell.
func (sh *Shell) assign(a *syntax.Assign, trace bool) error {
	name := a.Name.Value
	if a.Array != nil {
		return sh.assignArray(name, a.Array, a.Append, 0)
	}
	s, err := sh.assigned(a.Value)
	if err != nil {
		return err
	}
	if trace {
		op := "="
		if a.Append {
			op = "+="
		}
		sh.trace(name + op + quoteIfNeeded(s))
	}
	if a.Index != nil {
		target, _ := sh.resolveRef(name)
		sub, err := sh.subscript(sh.lookup(target), a.Index)
		if err != nil {
			return err
		}
		if sub == "" {
			return fmt.Errorf("%s[]: bad array subscript", name)
		}
		return sh.setElement(name, sub, s, a.Append)
	}
	return sh.assignVar(name, s, a.Append)
}

type elem struct{ key, value string }

// arrayElems expands the list of name=(…).
func (sh *Shell) arrayElems(v *variable, x *syntax.ArrayExpr) (elems []elem, keyed []bool, err error) {
	isAssoc := v != nil && v.attr&attrAssoc != 0
	var plain []string
	for _, e := range x.Elems {
		if e.Index != nil {
			sub, err := sh.subscript(v, e.Index)
			if err != nil {
				return nil, nil, err
			}
			s, err := sh.assigned(e.Value)
			if err != nil {
				return nil, nil, err
			}
			elems, keyed = append(elems, elem{sub, s}), append(keyed, true)
			continue
		}
		if isAssoc {
			s, err := sh.literal(e.Value)
			if err != nil {
				return nil, nil, err
			}
			plain = append(plain, s)
			continue
		}
		fields, err := sh.fields([]*syntax.Word{e.Value})
		if err != nil {
			return nil, nil, err
		}
		for _, f := range fields {
			elems, keyed = append(elems, elem{value: f}), append(keyed, false)
		}
	}
	for i := 0; i < len(plain); i += 2 {
		e := elem{key: plain[i]}
		if i+1 < len(plain) {
			e.value = plain[i+1]
		}
		elems, keyed = append(elems, e), append(keyed, true)
	}
	return elems, keyed, nil
}

// assignArray does name=(…) and name+=(…); add are attributes given by declare.
func (sh *Shell) assignArray(name string, x *syntax.ArrayExpr, app bool, add attr) error {
	name, _ = sh.resolveRef(name)
	old := sh.lookup(name)
	if add&attrAssoc != 0 && (old == nil || old.attr&attrAssoc == 0) {
		old = &variable{attr: attrAssoc}
	}
	elems, keyed, err := sh.arrayElems(old, x)
	if err != nil {
		return err
	}
	v, err := sh.writable(name)
	if err != nil {
		return err
	}
	v.attr |= add
	if v.attr&attrAssoc != 0 {
		if !app || v.assoc == nil {
			v.assoc = newAssoc()
		}
		v.set, v.str = true, ""
		for _, e := range elems {
			if err := sh.setAssoc(v, e.key, e.value, false); err != nil {
				return err
			}
		}
		return nil
	}
	sh.toIndexed(v)
	if !app {
		v.arr = newArray(nil)
	}
	v.set = true
	next := v.arr.next()
	cost := 0
	for i, e := range elems {
		if keyed[i] {
			n, err := sh.arithString(e.key)
			if err != nil {
				return err
			}
			if next = n; n < 0 {
				return fmt.Errorf("%s: bad array subscript", e.key)
			}
		}
		s, err := sh.convert(v, "", e.value, false)
		if err != nil {
			return err
		}
		v.arr.set(next, s)
		next++
		cost += len(s) + elementCost
	}
	return sh.charge(cost)
}

// flags gives the attributes as declare -p and ${x@a} write them.
func (v *variable) flags() string {
	var sb strings.Builder
	for _, f := range []struct {
		a attr
		c byte
	}{
		{attrIndexed, 'a'}, {attrAssoc, 'A'}, {attrInteger, 'i'}, {attrNameref, 'n'}, {attrReadonly, 'r'},
		{attrTrace, 't'}, {attrExport, 'x'}, {attrLower, 'l'}, {attrUpper, 'u'},
	} {
		if v.attr&f.a != 0 {
			sb.WriteByte(f.c)
		}
	}
	return sb.String()
}

// declareText gives the command that makes the variable again.
func (sh *Shell) declareText(name string, v *variable) string {
	flags := v.flags()
	if flags == "" {
		flags = "-"
	}
	head := "declare -" + flags + " " + name
	if v.isArray() {
		if !v.set && (v.arr == nil || len(v.arr.elems) == 0) && (v.assoc == nil || len(v.assoc.m) == 0) {
			return head
		}
		return head + "=" + arrayText(v)
	}
	if !v.set {
		return head
	}
	return head + "=" + quoteDouble(v.str)
}

func arrayText(v *variable) string {
	var sb strings.Builder
	sb.WriteByte('(')
	keys, values := v.keys(), v.values()
	for i, k := range keys {
		if v.attr&attrAssoc != 0 {
			sb.WriteString("[" + quoteKey(k) + "]=" + quoteDouble(values[i]) + " ")
			continue
		}
		if i > 0 {
			sb.WriteByte(' ')
		}
		sb.WriteString("[" + k + "]=" + quoteDouble(values[i]))
	}
	sb.WriteByte(')')
	return sb.String()
}

func quoteKey(k string) string {
	if k == "" || strings.ContainsAny(k, " \t\n'\"\\|&;()<>*?[]$`!{}^#~@") || needsANSI(k) {
		return quoteDouble(k)
	}
	return k
}
