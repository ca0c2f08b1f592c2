package shell

import "strings"

// printVars is declare -p with names.
func (sh *Shell) printVars(out *output, variant string, items []declItem) int {
	status := 0
	for _, it := range items {
		v := sh.lookup(it.name)
		if v == nil {
			if f, ok := dynamicVars[it.name]; ok && sh.dynamic(it.name) {
				v = f(sh)
			}
		}
		if v == nil {
			sh.errorf("%s: %s: not found", variant, it.name)
			status = 1
			continue
		}
		out.add(sh.declareText(it.name, v) + "\n")
	}
	return status
}

// listVars prints what export, readonly, declare and local print without names.
func (sh *Shell) listVars(out *output, variant string, d declFlags) {
	want := d.on
	var names []string
	if variant == "local" {
		if sc := sh.localScope(); sc != nil {
			names = sortedKeys(sc.vars)
		}
	} else {
		names = sh.names()
	}
	for _, name := range names {
		v := sh.lookup(name)
		if v == nil || v.attr&want != want {
			continue
		}
		switch {
		case !sh.bash:
			if variant == "local" {
				continue
			}
			out.add(variant + " " + name)
			if v.set {
				out.add("=" + quoteDash(v.str))
			}
			out.add("\n")
		case (variant == "declare" || variant == "typeset" || variant == "local") && !d.print && want == 0:
			sh.plainAssign(out, name, v)
		default:
			out.add(sh.declareText(name, v) + "\n")
		}
	}
	if want == 0 && !d.print && variant != "local" {
		sh.listFuncs(out)
	}
}

// plainAssign prints name=value as set does.
func (sh *Shell) plainAssign(out *output, name string, v *variable) {
	if v.isArray() {
		if v.set {
			out.add(name + "=" + arrayText(v) + "\n")
		}
		return
	}
	if !v.set {
		return
	}
	if sh.bash {
		out.add(name + "=" + quoteIfSet(v.str) + "\n")
	} else {
		out.add(name + "=" + quoteDash(v.str) + "\n")
	}
}

func quoteIfSet(s string) string {
	if s == "" {
		return ""
	}
	return quoteIfNeeded(s)
}

func (sh *Shell) listFuncs(out *output) {
	for _, name := range sortedKeys(sh.funcs) {
		out.add(sh.funcText(sh.funcs[name]))
	}
}

// funcText prints a function as a command that defines it again.
func (sh *Shell) funcText(f *function) string {
	body := printNode(f.body)
	if strings.HasPrefix(body, "{") {
		body = strings.TrimSpace(body[1 : len(body)-1])
		return f.name + " () \n{ \n" + indent(body) + "\n}\n"
	}
	return f.name + " () \n{ \n" + indent(body) + "\n}\n"
}

func indent(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = "    " + strings.TrimPrefix(l, "\t")
	}
	return strings.Join(lines, "\n")
}

func (sh *Shell) declareFuncs(out *output, d declFlags, items []declItem) int {
	if len(items) == 0 {
		if d.funcNames {
			for _, name := range sortedKeys(sh.funcs) {
				out.add("declare -f " + name + "\n")
			}
		} else {
			sh.listFuncs(out)
		}
		return 0
	}
	status := 0
	for _, it := range items {
		f := sh.funcs[it.name]
		switch {
		case f == nil:
			status = 1
		case d.on&attrReadonly != 0:
			n := *f
			n.file = readonlyFunc
			sh.funcs[it.name] = &n
		case d.on&(attrExport|attrTrace) != 0:
		case d.funcNames:
			out.add(it.name + "\n")
		default:
			out.add(sh.funcText(f))
		}
	}
	return status
}
