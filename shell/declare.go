package shell

import (
	"errors"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// declItem is one operand of declare and its relatives.
type declItem struct {
	name  string
	index string
	has   bool // with a value
	value string
	app   bool
	array *syntax.ArrayExpr
}

func isDeclName(name string) bool {
	return name == "export" || name == "readonly" || name == "local"
}

// declClause runs declare, local, export, readonly, typeset.
func (sh *Shell) declClause(c *syntax.DeclClause, redirs []*syntax.Redirect) {
	sh.substatus = 0
	saved, err := sh.redirect(redirs)
	defer func() { sh.undo(saved) }()
	if err != nil {
		sh.redirError(err)
		return
	}
	var flags []string
	var items []declItem
	for _, a := range c.Args {
		if a.Name == nil {
			fields, err := sh.fields([]*syntax.Word{a.Value})
			if err != nil {
				sh.expandError(err)
				return
			}
			for _, f := range fields {
				if (strings.HasPrefix(f, "-") || strings.HasPrefix(f, "+")) && len(f) > 1 && len(items) == 0 {
					flags = append(flags, f)
				} else {
					items = append(items, parseDecl(f))
				}
			}
			continue
		}
		it := declItem{name: a.Name.Value, has: !a.Naked, app: a.Append, array: a.Array}
		if a.Index != nil {
			if it.index, err = sh.subscript(sh.lookup(it.name), a.Index); err != nil {
				sh.expandError(err)
				return
			}
		}
		if !a.Naked && a.Array == nil {
			if it.value, err = sh.assigned(a.Value); err != nil {
				sh.expandError(err)
				return
			}
		}
		items = append(items, it)
	}
	if sh.opts[optXTrace] {
		words := append([]string{c.Variant.Value}, flags...)
		for _, it := range items {
			w := it.name
			if it.has && it.array == nil {
				w += "=" + quoteIfNeeded(it.value)
			}
			words = append(words, w)
		}
		sh.trace(strings.Join(words, " "))
	}
	if f := sh.funcs[c.Variant.Value]; f != nil {
		sh.errorf("%s: cannot be a function here", c.Variant.Value)
		sh.status = 1
		return
	}
	out := &output{sh: sh}
	sh.status = sh.declare(out, c.Variant.Value, flags, items)
	out.flush()
}

// posixDecl runs export, readonly and local of a POSIX shell, whose operands of
// the form name=word are assignments and not words.
func (sh *Shell) posixDecl(name string, c *syntax.CallExpr, redirs []*syntax.Redirect) {
	saved, err := sh.redirect(redirs)
	defer func() { sh.undo(saved) }()
	if err != nil {
		sh.redirError(err)
		sh.leave()
		return
	}
	for _, a := range c.Assigns {
		if err := sh.assign(a, false); err != nil {
			sh.expandError(err)
			return
		}
	}
	var flags []string
	var items []declItem
	for _, w := range c.Args[1:] {
		if isAssignWord(w) {
			s, err := sh.assigned(w)
			if err != nil {
				sh.expandError(err)
				return
			}
			items = append(items, parseDecl(s))
			continue
		}
		fields, err := sh.fields([]*syntax.Word{w})
		if err != nil {
			sh.expandError(err)
			return
		}
		for _, f := range fields {
			if strings.HasPrefix(f, "-") && len(f) > 1 && len(items) == 0 {
				flags = append(flags, f)
			} else {
				items = append(items, parseDecl(f))
			}
		}
	}
	if sh.opts[optXTrace] {
		words := append([]string{name}, flags...)
		for _, it := range items {
			words = append(words, it.text())
		}
		sh.trace(strings.Join(words, " "))
	}
	out := &output{sh: sh}
	sh.status = sh.declare(out, name, flags, items)
	out.flush()
}

func (it declItem) text() string {
	if !it.has {
		return it.name
	}
	return it.name + "=" + quoteIfNeeded(it.value)
}

func isAssignWord(w *syntax.Word) bool {
	if len(w.Parts) == 0 {
		return false
	}
	lit, ok := w.Parts[0].(*syntax.Lit)
	if !ok {
		return false
	}
	name, _, ok := strings.Cut(lit.Value, "=")
	return ok && validName(name)
}

func parseDecl(s string) declItem {
	name, value, has := strings.Cut(s, "=")
	it := declItem{name: name, value: value, has: has}
	if has && strings.HasSuffix(name, "+") {
		it.name, it.app = name[:len(name)-1], true
	}
	if i := strings.IndexByte(it.name, '['); i > 0 && strings.HasSuffix(it.name, "]") {
		it.name, it.index = it.name[:i], it.name[i+1:len(it.name)-1]
	}
	return it
}

// declFlags are the parsed options of declare.
type declFlags struct {
	on, off              attr
	funcs, funcNames     bool
	global, print, unexp bool
	inherit              bool
}

var attrFlags = map[byte]attr{
	'a': attrIndexed, 'A': attrAssoc, 'i': attrInteger, 'l': attrLower, 'n': attrNameref, 'r': attrReadonly,
	't': attrTrace, 'u': attrUpper, 'x': attrExport,
}

func (sh *Shell) declParse(variant string, flags []string) (declFlags, bool) {
	var d declFlags
	for _, f := range flags {
		if f == "--" {
			continue
		}
		for i := 1; i < len(f); i++ {
			a := attrFlags[f[i]]
			switch {
			case variant == "export" && f[i] == 'n':
				d.unexp = true
			case a != 0 && f[0] == '+':
				d.off |= a
			case a != 0:
				d.on |= a
			case f[i] == 'f':
				d.funcs = true
			case f[i] == 'F':
				d.funcs, d.funcNames = true, true
			case f[i] == 'g':
				d.global = true
			case f[i] == 'p':
				d.print = true
			case f[i] == 'I':
				d.inherit = true
			default:
				if sh.bash {
					sh.errorf("%s: %c%c: invalid option", variant, f[0], f[i])
				} else {
					sh.errorf("%s: Illegal option -%c", variant, f[i])
					sh.leave()
				}
				return d, false
			}
		}
	}
	switch variant {
	case "export":
		d.on |= attrExport
	case "readonly":
		d.on |= attrReadonly
	case "nameref":
		d.on |= attrNameref
	}
	return d, true
}

// declare does the work of declare, typeset, local, export and readonly.
func (sh *Shell) declare(out *output, variant string, flags []string, items []declItem) int {
	d, ok := sh.declParse(variant, flags)
	if !ok {
		return 2
	}
	if d.funcs {
		return sh.declareFuncs(out, d, items)
	}
	if variant == "local" && len(sh.frames) == 0 {
		if sh.bash {
			sh.errorf("local: can only be used in a function")
			return 1
		}
		sh.errorf("local: not in a function")
		sh.leave()
		return 2
	}
	if len(items) == 0 {
		sh.listVars(out, variant, d)
		return 0
	}
	if d.print && variant != "export" && variant != "readonly" {
		return sh.printVars(out, variant, items)
	}
	status := 0
	for _, it := range items {
		if err := sh.declareOne(variant, d, it); err != nil {
			status = 1
			sh.declError(variant, err)
			if sh.ctl != ctlNone {
				return sh.status
			}
		}
	}
	if status == 0 && sh.dead() {
		return 1
	}
	return status
}

func (sh *Shell) declError(variant string, err error) {
	var ve *varError
	if !sh.bash {
		if errors.As(err, &ve) && errors.Is(err, errReadonly) {
			sh.errorf("%s: %s: is read only", variant, ve.name)
		} else {
			sh.errorf("%s: %s", variant, err)
		}
		sh.status = 2
		sh.leave()
		return
	}
	if errors.As(err, &ve) && errors.Is(err, errReadonly) {
		sh.errorf("%s", err)
		return
	}
	sh.errorf("%s: %s", variant, err)
}

func (sh *Shell) declareOne(variant string, d declFlags, it declItem) error {
	if !validName(it.name) {
		shown := it.name
		if it.has {
			shown += "=" + it.value
		}
		if !sh.bash {
			return errors.New(it.name + ": bad variable name")
		}
		return errors.New("`" + shown + "': not a valid identifier")
	}
	local := variant == "local" || (variant == "declare" || variant == "typeset") && len(sh.frames) > 0 && !d.global
	if local && sh.localScope() != nil {
		if err := sh.makeLocal(it.name, d.inherit); err != nil {
			return err
		}
	}
	name := it.name
	if d.on&attrNameref == 0 && !local {
		name, _ = sh.resolveRef(name)
	}
	if it.array != nil {
		if err := sh.assignArray(name, it.array, it.app, d.on&attrAssoc); err != nil {
			return err
		}
	}
	sc := sh.scopeOf(name)
	if sc == nil {
		sc = sh.scopes[0]
	}
	if d.global {
		sc = sh.scopes[0]
	}
	if v := sc.vars[name]; v != nil && v.attr&attrReadonly != 0 && (it.has || d.off&attrReadonly != 0) && it.array == nil {
		return &varError{name, errReadonly}
	} else if v != nil && v.attr&attrReadonly != 0 {
		if v.owner != sh.tok {
			v = v.clone(sh.tok)
			sc.vars[name] = v
		}
		v.attr |= d.on
		return nil
	}
	v, err := sh.writableIn(sc, name)
	if err != nil {
		return err
	}
	sh.setAttrs(v, d)
	if it.has && it.array == nil {
		if err := sh.declValue(name, d, it); err != nil {
			return err
		}
	}
	if v := sc.vars[name]; d.on&attrReadonly != 0 && v != nil {
		v.attr |= attrReadonly
	}
	return nil
}

func (sh *Shell) declValue(name string, d declFlags, it declItem) error {
	if d.on&attrNameref != 0 {
		v := sh.lookup(name)
		if it.value == name {
			return errors.New(name + ": nameref variable self references not allowed")
		}
		v.str, v.set = it.value, true
		return nil
	}
	if it.index != "" {
		return sh.setElement(name, it.index, it.value, it.app)
	}
	if d.global {
		v := sh.scopes[0].vars[name]
		s, err := sh.convert(v, v.str, it.value, it.app)
		v.str, v.set = s, true
		return err
	}
	return sh.assignVar(name, it.value, it.app)
}

// setAttrs switches attributes; readonly comes last, after the value.
func (sh *Shell) setAttrs(v *variable, d declFlags) {
	on := d.on &^ attrReadonly
	v.attr = (v.attr | on) &^ (d.off &^ (attrReadonly | attrIndexed | attrAssoc))
	if d.unexp {
		v.attr &^= attrExport
	}
	if on&attrLower != 0 {
		v.attr &^= attrUpper
	}
	if on&attrUpper != 0 {
		v.attr &^= attrLower
	}
	if on&attrIndexed != 0 && v.arr == nil && v.set {
		v.arr = newArray([]string{v.str})
		v.str = ""
	}
	if on&attrAssoc != 0 {
		v.attr &^= attrIndexed
		if v.assoc == nil && v.set {
			v.assoc = newAssoc()
			v.assoc.set("0", v.str)
			v.str = ""
		}
	}
}

// localScope is the scope of the running function, or nil.
func (sh *Shell) localScope() *scope {
	if len(sh.frames) == 0 {
		return nil
	}
	for i := len(sh.scopes) - 1; i > 0; i-- {
		if !sh.scopes[i].temp {
			return sh.scopes[i]
		}
	}
	return nil
}

func (sh *Shell) makeLocal(name string, inherit bool) error {
	sc := sh.localScope()
	if _, ok := sc.vars[name]; ok {
		return nil
	}
	old := sh.lookup(name)
	if old != nil && old.attr&attrReadonly != 0 {
		return &varError{name, errReadonly}
	}
	if name == "-" {
		return nil
	}
	v := &variable{attr: attrLocal, owner: sh.tok}
	switch {
	case old != nil && (inherit || !sh.bash || sh.shopts["localvar_inherit"]):
		v = old.clone(sh.tok)
		v.attr |= attrLocal
	case old != nil:
		v.attr |= old.attr & attrExport
	}
	sc.vars[name] = v
	return nil
}
