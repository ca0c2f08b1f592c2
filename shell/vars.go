package shell

import (
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// attr is a set of variable attributes, as declare gives them.
type attr uint16

const (
	attrExport attr = 1 << iota
	attrReadonly
	attrInteger
	attrLower
	attrUpper
	attrNameref
	attrTrace
	attrIndexed
	attrAssoc
	attrLocal
)

// token marks which shell process may write a variable in place; a fork takes
// new tokens on both sides, so that nothing written is ever shared.
type token struct{ _ byte }

// variable is one shell variable. A variable without a value (declare x) has set false.
type variable struct {
	attr  attr
	set   bool
	str   string
	arr   *array
	assoc *assoc
	owner *token
}

func (v *variable) isArray() bool { return v.attr&(attrIndexed|attrAssoc) != 0 }

// scalar is what $name gives: element 0 of an array.
func (v *variable) scalar() (string, bool) {
	switch {
	case v.attr&attrIndexed != 0:
		if v.arr == nil {
			return "", false
		}
		return v.arr.get(0)
	case v.attr&attrAssoc != 0:
		if v.assoc == nil {
			return "", false
		}
		s, ok := v.assoc.m["0"]
		return s, ok
	}
	return v.str, v.set
}

// values gives the elements of an array, or the one value of a scalar.
func (v *variable) values() []string {
	switch {
	case v.attr&attrIndexed != 0:
		if v.arr == nil {
			return nil
		}
		return v.arr.elems
	case v.attr&attrAssoc != 0:
		if v.assoc == nil {
			return nil
		}
		keys := v.assoc.keys()
		out := make([]string, len(keys))
		for i, k := range keys {
			out[i] = v.assoc.m[k]
		}
		return out
	}
	if !v.set {
		return nil
	}
	return []string{v.str}
}

// keys gives the indexes of an array as text.
func (v *variable) keys() []string {
	switch {
	case v.attr&attrIndexed != 0:
		if v.arr == nil {
			return nil
		}
		idx := v.arr.indexes()
		out := make([]string, len(idx))
		for i, n := range idx {
			out[i] = strconv.FormatInt(n, 10)
		}
		return out
	case v.attr&attrAssoc != 0:
		if v.assoc == nil {
			return nil
		}
		return v.assoc.keys()
	}
	if !v.set {
		return nil
	}
	return []string{"0"}
}

func (v *variable) clone(owner *token) *variable {
	n := *v
	n.owner = owner
	if n.arr != nil {
		n.arr = n.arr.clone()
	}
	if n.assoc != nil {
		n.assoc = n.assoc.clone()
	}
	return &n
}

// scope is one level of variables: the globals, a function call, or the
// assignments before a command.
type scope struct {
	vars map[string]*variable
	temp bool // assignments before a command: local does not declare here
}

var errReadonly = errors.New("readonly variable")

// varError is an assignment that the shell refuses.
type varError struct {
	name string
	err  error
}

func (e *varError) Error() string { return e.name + ": " + e.err.Error() }

func (e *varError) Unwrap() error { return e.err }

// lookup finds a variable as it is, without following a nameref.
func (sh *Shell) lookup(name string) *variable {
	for i := len(sh.scopes) - 1; i >= 0; i-- {
		if v, ok := sh.scopes[i].vars[name]; ok {
			return v
		}
	}
	return nil
}

func (sh *Shell) scopeOf(name string) *scope {
	for i := len(sh.scopes) - 1; i >= 0; i-- {
		if _, ok := sh.scopes[i].vars[name]; ok {
			return sh.scopes[i]
		}
	}
	return nil
}

// maxNameref bounds chains of namerefs.
const maxNameref = 8

// resolveRef follows namerefs; index is set when the last one names an element.
func (sh *Shell) resolveRef(name string) (target, index string) {
	for range maxNameref {
		v := sh.lookup(name)
		if v == nil || v.attr&attrNameref == 0 || v.str == "" {
			return name, ""
		}
		name = v.str
		if i := strings.IndexByte(name, '['); i > 0 && strings.HasSuffix(name, "]") {
			return name[:i], name[i+1 : len(name)-1]
		}
	}
	return name, ""
}

// getVar finds a variable through namerefs and the dynamic variables.
func (sh *Shell) getVar(name string) *variable {
	if f, ok := dynamicVars[name]; ok && sh.dynamic(name) {
		return f(sh)
	}
	v := sh.lookup(name)
	if v != nil && v.attr&attrNameref != 0 && v.str != "" {
		target, index := sh.resolveRef(name)
		if index != "" {
			return sh.elementVar(target, index)
		}
		if target == name {
			return v
		}
		return sh.getVar(target)
	}
	return v
}

func (sh *Shell) elementVar(target, index string) *variable {
	v := sh.getVar(target)
	if v == nil {
		return nil
	}
	if index == "@" || index == "*" {
		return v
	}
	s, ok := sh.element(v, index)
	return &variable{str: s, set: ok}
}

// element reads v[index].
func (sh *Shell) element(v *variable, index string) (string, bool) {
	if v.attr&attrAssoc != 0 {
		if v.assoc == nil {
			return "", false
		}
		s, ok := v.assoc.m[index]
		return s, ok
	}
	n, err := sh.arithString(index)
	if err != nil {
		return "", false
	}
	if v.attr&attrIndexed == 0 {
		if n == 0 || n == -1 {
			return v.str, v.set
		}
		return "", false
	}
	if v.arr == nil {
		return "", false
	}
	if n < 0 {
		n += v.arr.next()
	}
	return v.arr.get(n)
}

// getStr gives the scalar value of a variable, "" when unset.
func (sh *Shell) getStr(name string) string {
	if v := sh.getVar(name); v != nil {
		s, _ := v.scalar()
		return s
	}
	return ""
}

// writable gives the variable to write to, made in the global scope when new.
func (sh *Shell) writable(name string) (*variable, error) {
	sc := sh.scopeOf(name)
	if sc == nil {
		sc = sh.scopes[0]
	}
	return sh.writableIn(sc, name)
}

func (sh *Shell) writableIn(sc *scope, name string) (*variable, error) {
	v := sc.vars[name]
	switch {
	case v == nil:
		v = &variable{owner: sh.tok}
		sc.vars[name] = v
	case v.attr&attrReadonly != 0:
		return nil, &varError{name, errReadonly}
	case v.owner != sh.tok:
		v = v.clone(sh.tok)
		sc.vars[name] = v
	}
	return v, nil
}

// setVar assigns a scalar (element 0 of an array), applying attributes.
func (sh *Shell) setVar(name, value string) error { return sh.assignVar(name, value, false) }

func (sh *Shell) assignVar(name, value string, app bool) error {
	target, index := sh.resolveRef(name)
	if index != "" {
		return sh.setElement(target, index, value, app)
	}
	name = target
	if !validName(name) {
		return &varError{"`" + name + "'", errors.New("not a valid identifier")}
	}
	v, err := sh.writable(name)
	if err != nil {
		return err
	}
	switch {
	case v.attr&attrIndexed != 0:
		return sh.setElement(name, "0", value, app)
	case v.attr&attrAssoc != 0:
		return sh.setElement(name, "0", value, app)
	}
	if value, err = sh.convert(v, v.str, value, app); err != nil {
		return err
	}
	if err := sh.charge(len(value) - len(v.str)); err != nil {
		return err
	}
	v.str, v.set = value, true
	if sh.opts[optAllExport] {
		v.attr |= attrExport
	}
	sh.onAssign(name, value)
	return nil
}

// convert applies the attributes of v to a value, and appends to old when app.
func (sh *Shell) convert(v *variable, old, value string, app bool) (string, error) {
	if v.attr&attrInteger != 0 {
		n, err := sh.arithString(value)
		if err != nil {
			return "", err
		}
		if app {
			o, _ := sh.arithString(old)
			n += o
		}
		return strconv.FormatInt(n, 10), nil
	}
	if app {
		value = old + value
	}
	if v.attr&attrLower != 0 {
		value = strings.ToLower(value)
	}
	if v.attr&attrUpper != 0 {
		value = strings.ToUpper(value)
	}
	return value, nil
}

// setElement assigns name[index], making an array of a scalar.
func (sh *Shell) setElement(name, index, value string, app bool) error {
	name, sub := sh.resolveRef(name)
	if sub != "" {
		return &varError{"`" + name + "[" + sub + "]'", errors.New("not a valid identifier")}
	}
	v, err := sh.writable(name)
	if err != nil {
		return err
	}
	if v.attr&attrAssoc != 0 {
		return sh.setAssoc(v, index, value, app)
	}
	n, err := sh.arithString(index)
	if err != nil {
		return err
	}
	sh.toIndexed(v)
	if n < 0 {
		if n += v.arr.next(); n < 0 {
			return fmt.Errorf("%s[%s]: bad array subscript", name, index)
		}
	}
	old, had := v.arr.get(n)
	if value, err = sh.convert(v, old, value, app); err != nil {
		return err
	}
	cost := len(value) - len(old)
	if !had {
		cost += elementCost
	}
	if err := sh.charge(cost); err != nil {
		return err
	}
	v.arr.set(n, value)
	v.set = true
	return nil
}

func (sh *Shell) setAssoc(v *variable, key, value string, app bool) error {
	if v.assoc == nil {
		v.assoc = newAssoc()
	}
	old := v.assoc.m[key]
	value, err := sh.convert(v, old, value, app)
	if err != nil {
		return err
	}
	if err := sh.charge(len(value) - len(old) + elementCost); err != nil {
		return err
	}
	v.assoc.set(key, value)
	v.set = true
	return nil
}

func (sh *Shell) toIndexed(v *variable) {
	if v.attr&attrIndexed == 0 {
		v.attr |= attrIndexed
		if v.set {
			v.arr = newArray([]string{v.str})
		}
		v.str = ""
	}
	if v.arr == nil {
		v.arr = newArray(nil)
	}
}

// setArray replaces an indexed array.
func (sh *Shell) setArray(name string, elems []string) error {
	name, _ = sh.resolveRef(name)
	v, err := sh.writable(name)
	if err != nil {
		return err
	}
	v.attr = v.attr&^attrAssoc | attrIndexed
	v.arr, v.assoc, v.str, v.set = newArray(elems), nil, "", true
	n := 0
	for _, e := range elems {
		n += len(e) + elementCost
	}
	return sh.charge(n)
}

// unsetVar removes a variable, or only its value where a function declared it local.
func (sh *Shell) unsetVar(name string) error {
	sc := sh.scopeOf(name)
	if sc == nil {
		return nil
	}
	v := sc.vars[name]
	if v.attr&attrReadonly != 0 {
		return &varError{name, errors.New("cannot unset: readonly variable")}
	}
	if len(sh.scopes) > 1 && sc == sh.scopes[len(sh.scopes)-1] && v.attr&attrLocal != 0 {
		sc.vars[name] = &variable{attr: attrLocal, owner: sh.tok}
		return nil
	}
	delete(sc.vars, name)
	if _, ok := dynamicVars[name]; ok {
		sh.plain[name] = true
	}
	sh.onAssign(name, "")
	return nil
}

// unsetElement removes name[index].
func (sh *Shell) unsetElement(name, index string) error {
	name, _ = sh.resolveRef(name)
	if sh.lookup(name) == nil {
		return nil
	}
	v, err := sh.writable(name)
	if err != nil {
		return &varError{name, errors.New("cannot unset: readonly variable")}
	}
	switch {
	case v.attr&attrAssoc != 0:
		if index == "@" || index == "*" {
			v.assoc = newAssoc()
		} else if v.assoc != nil {
			v.assoc.unset(index)
		}
	case v.attr&attrIndexed != 0 && v.arr != nil:
		if index == "@" || index == "*" {
			v.arr = newArray(nil)
			return nil
		}
		n, err := sh.arithString(index)
		if err != nil {
			return err
		}
		if n < 0 {
			n += v.arr.next()
		}
		v.arr.unset(n)
	default:
		if index != "0" {
			return fmt.Errorf("%s: not an array variable", name)
		}
		return sh.unsetVar(name)
	}
	return nil
}

// environ lists the exported variables for a program, sorted.
func (sh *Shell) environ() []string {
	seen := map[string]bool{}
	var out []string
	for i := len(sh.scopes) - 1; i >= 0; i-- {
		for name, v := range sh.scopes[i].vars {
			if seen[name] {
				continue
			}
			seen[name] = true
			if v.attr&attrExport == 0 {
				continue
			}
			if s, ok := v.scalar(); ok {
				out = append(out, name+"="+s)
			}
		}
	}
	out = append(out, sh.foreignEnv...)
	sort.Strings(out)
	return out
}

// names lists every variable that is visible, sorted.
func (sh *Shell) names() []string {
	seen := map[string]bool{}
	for _, sc := range sh.scopes {
		for name := range sc.vars {
			seen[name] = true
		}
	}
	out := make([]string, 0, len(seen))
	for name := range seen {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

func validName(s string) bool {
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || i > 0 && '0' <= c && c <= '9' {
			continue
		}
		return false
	}
	return true
}
