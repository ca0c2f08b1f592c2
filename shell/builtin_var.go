package shell

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

func varBuiltins() []*builtin {
	return []*builtin{
		{name: "export", special: true, run: (*Shell).declBuiltin},
		{name: "readonly", special: true, run: (*Shell).declBuiltin},
		{name: "local", run: (*Shell).declBuiltin},
		{name: "declare", bashOnly: true, run: (*Shell).declBuiltin},
		{name: "typeset", bashOnly: true, run: (*Shell).declBuiltin},
		{name: "unset", special: true, run: (*Shell).unsetBuiltin},
		{name: "set", special: true, run: (*Shell).setBuiltin},
		{name: "shopt", bashOnly: true, run: (*Shell).shoptBuiltin},
		{name: "shift", special: true, run: (*Shell).shiftBuiltin},
		{name: "getopts", run: (*Shell).getoptsBuiltin},
		{name: "let", bashOnly: true, run: (*Shell).letBuiltin},
		{name: "alias", run: (*Shell).aliasBuiltin},
		{name: "unalias", run: (*Shell).unaliasBuiltin},
	}
}

// declBuiltin is declare and its relatives when words came from expansions.
func (sh *Shell) declBuiltin(out *output, args []string) int {
	var flags []string
	rest := args[1:]
	for len(rest) > 0 && len(rest[0]) > 1 && (rest[0][0] == '-' || rest[0][0] == '+') {
		flags = append(flags, rest[0])
		if rest = rest[1:]; flags[len(flags)-1] == "--" {
			break
		}
	}
	items := make([]declItem, len(rest))
	for i, r := range rest {
		items[i] = parseDecl(r)
	}
	return sh.declare(out, args[0], flags, items)
}

func (sh *Shell) unsetBuiltin(_ *output, args []string) int {
	flags, rest, ok := sh.options(args, "fvn")
	if !ok {
		return 2
	}
	status := 0
	for _, name := range rest {
		if has(flags, 'f') {
			delete(sh.funcs, name)
			continue
		}
		d := parseDecl(name)
		if !validName(d.name) {
			if !has(flags, 'v') && sh.bash && sh.funcs[name] != nil {
				delete(sh.funcs, name)
				continue
			}
			if sh.bash {
				sh.errorf("unset: `%s': not a valid identifier", name)
				status = 1
				continue
			}
			sh.errorf("unset: %s: bad variable name", name)
			return 2
		}
		if err := sh.unsetOne(d, has(flags, 'n'), has(flags, 'v')); err != nil {
			var ve *varError
			if !sh.bash && errors.As(err, &ve) {
				sh.errorf("unset: %s: is read only", ve.name)
				return 2
			}
			sh.errorf("unset: %s", err)
			status = 1
		}
	}
	return status
}

func (sh *Shell) unsetOne(d declItem, ref, varOnly bool) error {
	if d.index != "" {
		return sh.unsetElement(d.name, d.index)
	}
	name := d.name
	if !ref {
		target, sub := sh.resolveRef(name)
		if sub != "" {
			return sh.unsetElement(target, sub)
		}
		name = target
	}
	_, dyn := dynamicVars[name]
	if sh.lookup(name) == nil && dyn && sh.bash {
		sh.plain[name] = true
		return nil
	}
	if sh.lookup(name) == nil && !varOnly && sh.bash {
		delete(sh.funcs, name)
		return nil
	}
	return sh.unsetVar(name)
}

func (sh *Shell) setBuiltin(out *output, args []string) int {
	rest := args[1:]
	if len(rest) == 0 {
		for _, name := range sh.names() {
			if v := sh.lookup(name); v != nil {
				sh.plainAssign(out, name, v)
			}
		}
		if sh.bash && !sh.opts[optPosix] {
			sh.listFuncs(out)
		}
		return 0
	}
	for len(rest) > 0 {
		a := rest[0]
		if a == "--" {
			sh.args = slices.Clone(rest[1:])
			return 0
		}
		if a == "-" {
			sh.opts[optXTrace], sh.opts[optVerbose] = false, false
			if len(rest) > 1 {
				sh.args = slices.Clone(rest[1:])
			}
			return 0
		}
		if len(a) < 2 || a[0] != '-' && a[0] != '+' {
			break
		}
		rest = rest[1:]
		on := a[0] == '-'
		for i := 1; i < len(a); i++ {
			if a[i] == 'o' {
				if len(rest) == 0 {
					sh.showOptions(out, on)
					return 0
				}
				o, ok := optionByName(rest[0])
				if !ok {
					if sh.bash {
						sh.errorf("set: %s: invalid option name", rest[0])
					} else {
						sh.errorf("set: Illegal option -o %s", rest[0])
					}
					return 2
				}
				sh.setOption(o, on)
				rest = rest[1:]
				continue
			}
			o, ok := optionByFlag(a[i])
			if !ok {
				if sh.bash {
					sh.errorf("set: %c%c: invalid option", a[0], a[i])
				} else {
					sh.errorf("set: Illegal option %c%c", a[0], a[i])
				}
				return 2
			}
			sh.setOption(o, on)
		}
	}
	if len(rest) > 0 {
		sh.args = slices.Clone(rest)
	}
	return 0
}

func (sh *Shell) setOption(o option, on bool) {
	sh.opts[o] = on
	switch o {
	case optVi:
		sh.opts[optEmacs] = sh.opts[optEmacs] && !on
	case optEmacs:
		sh.opts[optVi] = sh.opts[optVi] && !on
	}
}

func (sh *Shell) showOptions(out *output, table bool) {
	names := map[string]bool{}
	for o := range optNames {
		names[optNames[o].name] = sh.opts[o]
	}
	if !table {
		for _, n := range sortedKeys(names) {
			sign := "+"
			if names[n] {
				sign = "-"
			}
			out.add("set " + sign + "o " + n + "\n")
		}
		return
	}
	if !sh.bash {
		out.add("Current option settings\n")
	}
	for _, n := range sortedKeys(names) {
		state := "off"
		if names[n] {
			state = "on"
		}
		if sh.bash {
			out.add(n + strings.Repeat(" ", max(1, 16-len(n))) + "\t" + state + "\n")
		} else {
			out.add(n + strings.Repeat(" ", max(1, 16-len(n))) + state + "\n")
		}
	}
}

func (sh *Shell) shoptBuiltin(out *output, args []string) int {
	flags, rest, ok := sh.options(args, "opqsu")
	if !ok {
		return 2
	}
	set, unset := has(flags, 's'), has(flags, 'u')
	get := func(name string) (bool, bool) {
		if has(flags, 'o') {
			o, ok := optionByName(name)
			return ok && sh.opts[o], ok
		}
		v, ok := sh.shopts[name]
		return v, ok
	}
	if len(rest) == 0 {
		for _, name := range sortedKeys(sh.shopts) {
			on := sh.shopts[name]
			if set && !on || unset && on {
				continue
			}
			out.add(shoptLine(name, on, has(flags, 'p')))
		}
		return 0
	}
	status := 0
	for _, name := range rest {
		on, known := get(name)
		if !known {
			sh.errorf("shopt: %s: invalid shell option name", name)
			status = 1
			continue
		}
		switch {
		case set || unset:
			if has(flags, 'o') {
				o, _ := optionByName(name)
				sh.setOption(o, set)
			} else {
				sh.shopts[name] = set
			}
		default:
			if !on {
				status = 1
			}
			if !has(flags, 'q') {
				out.add(shoptLine(name, on, has(flags, 'p')))
			}
		}
	}
	return status
}

func shoptLine(name string, on, command bool) string {
	if command {
		if on {
			return "shopt -s " + name + "\n"
		}
		return "shopt -u " + name + "\n"
	}
	state := "off"
	if on {
		state = "on"
	}
	return name + strings.Repeat(" ", max(0, 20-len(name))) + "\t" + state + "\n"
}

func (sh *Shell) shiftBuiltin(_ *output, args []string) int {
	n := 1
	if len(args) > 1 {
		v, err := strconv.Atoi(args[1])
		if err != nil || v < 0 {
			if sh.bash {
				if err == nil {
					sh.errorf("shift: %s: shift count out of range", args[1])
				} else {
					sh.errorf("shift: %s: numeric argument required", args[1])
				}
				return 1
			}
			sh.errorf("shift: Illegal number: %s", args[1])
			return 2
		}
		n = v
	}
	if n > len(sh.args) {
		if !sh.bash {
			sh.errorf("shift: can't shift that many")
			return 2
		}
		if sh.shopts["shift_verbose"] {
			sh.errorf("shift: %d: shift count out of range", n)
		}
		return 1
	}
	sh.args = sh.args[n:]
	return 0
}

// getoptState is where getopts stands inside an argument such as -abc.
type getoptState struct {
	at int
}

// noOptArg clears OPTARG: bash unsets it, dash empties it.
func (sh *Shell) noOptArg() {
	if sh.bash {
		_ = sh.unsetVar("OPTARG")
		return
	}
	_ = sh.setVar("OPTARG", "")
}

func (sh *Shell) getoptsBuiltin(_ *output, args []string) int {
	if len(args) < 3 {
		sh.errorf("getopts: usage: getopts optstring name [arg ...]")
		return 2
	}
	spec, name := args[1], args[2]
	list := sh.args
	if len(args) > 3 {
		list = args[3:]
	}
	quiet := strings.HasPrefix(spec, ":")
	ind, err := strconv.Atoi(sh.getStr("OPTIND"))
	if err != nil || ind < 1 {
		ind = 1
	}
	at := sh.getopt.at
	done := func(value string, status, next, inside int) int {
		_ = sh.setVar("OPTIND", strconv.Itoa(next))
		sh.getopt.at = inside
		if err := sh.setVar(name, value); err != nil {
			sh.errorf("getopts: %s", err)
			return 1
		}
		return status
	}
	if at == 0 {
		if ind > len(list) || len(list[ind-1]) < 2 || list[ind-1][0] != '-' {
			sh.noOptArg()
			return done("?", 1, ind, 0)
		}
		if list[ind-1] == "--" {
			sh.noOptArg()
			return done("?", 1, ind+1, 0)
		}
		at = 1
	}
	if ind > len(list) || at >= len(list[ind-1]) {
		return done("?", 1, ind, 0)
	}
	word := list[ind-1]
	c := word[at]
	at++
	next, inside := ind, at
	if at >= len(word) {
		next, inside = ind+1, 0
	}
	i := strings.IndexByte(strings.TrimPrefix(spec, ":"), c)
	if i < 0 || c == ':' {
		if quiet {
			_ = sh.setVar("OPTARG", string(c))
		} else {
			sh.noOptArg()
			sh.optMessage("illegal option -- ", "Illegal option -", c)
		}
		return done("?", 0, next, inside)
	}
	if rest := strings.TrimPrefix(spec, ":")[i+1:]; !strings.HasPrefix(rest, ":") {
		sh.noOptArg()
		return done(string(c), 0, next, inside)
	}
	switch {
	case at < len(word):
		_ = sh.setVar("OPTARG", word[at:])
		return done(string(c), 0, ind+1, 0)
	case ind < len(list):
		_ = sh.setVar("OPTARG", list[ind])
		return done(string(c), 0, ind+2, 0)
	case quiet:
		_ = sh.setVar("OPTARG", string(c))
		return done(":", 0, ind+1, 0)
	}
	sh.noOptArg()
	sh.optMessage("option requires an argument -- ", "No arg for -", c)
	return done("?", 0, ind+1, 0)
}

func (sh *Shell) optMessage(bash, dash string, c byte) {
	if sh.bash {
		if sh.getStr("OPTERR") != "0" {
			sh.stderr(sh.arg0 + ": " + bash + string(c) + "\n")
		}
		return
	}
	if c != 0 {
		end := " option\n"
		if strings.HasPrefix(dash, "Illegal") {
			end = "\n"
		}
		sh.stderr(dash + string(c) + end)
	}
}

func (sh *Shell) letBuiltin(_ *output, args []string) int {
	if len(args) < 2 {
		sh.errorf("let: expression expected")
		return 1
	}
	var n int64
	var err error
	for _, a := range args[1:] {
		if n, err = sh.arithString(a); err != nil {
			sh.errorf("let: %s", err)
			return 1
		}
	}
	return int(truth(n == 0))
}

func (sh *Shell) aliasBuiltin(out *output, args []string) int {
	rest := args[1:]
	if len(rest) > 0 && rest[0] == "-p" {
		rest = rest[1:]
	}
	show := func(name string) {
		prefix := ""
		if sh.bash {
			prefix = "alias "
		}
		out.add(prefix + name + "='" + strings.ReplaceAll(sh.aliases[name], "'", `'\''`) + "'\n")
	}
	if len(rest) == 0 {
		for _, name := range sortedKeys(sh.aliases) {
			show(name)
		}
		return 0
	}
	status := 0
	for _, a := range rest {
		name, value, set := strings.Cut(a, "=")
		switch {
		case set && name != "" && !strings.ContainsAny(name, " \t\n/$`'\"\\|&;()<>"):
			if len(sh.aliases) < 4096 {
				sh.aliases[name] = value
			}
		case set:
			sh.errorf("alias: `%s': invalid alias name", name)
			status = 1
		case sh.aliases[a] != "":
			show(a)
		default:
			if sh.bash {
				sh.errorf("alias: %s: not found", a)
			} else {
				sh.errorf("alias: %s not found", a)
			}
			status = 1
		}
	}
	return status
}

func (sh *Shell) unaliasBuiltin(_ *output, args []string) int {
	flags, rest, ok := sh.options(args, "a")
	if !ok {
		return 2
	}
	if has(flags, 'a') {
		clear(sh.aliases)
		return 0
	}
	status := 0
	for _, name := range rest {
		if _, ok := sh.aliases[name]; !ok {
			if sh.bash {
				sh.errorf("unalias: %s: not found", name)
			} else {
				sh.errorf("unalias: %s not found", name)
			}
			status = 1
		}
		delete(sh.aliases, name)
	}
	return status
}
