package shell

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"mvdan.cc/sh/v3/syntax"
)

func infoBuiltins() []*builtin {
	return []*builtin{
		{name: "type", run: (*Shell).typeBuiltin},
		{name: "times", special: true, run: (*Shell).timesBuiltin},
		{name: "history", bashOnly: true, run: (*Shell).historyBuiltin},
		{name: "fc", run: (*Shell).fcBuiltin},
		{name: "caller", bashOnly: true, run: (*Shell).callerBuiltin},
		{name: "help", bashOnly: true, run: (*Shell).helpBuiltin},
	}
}

// describe tells what a name means, as command -v (short) or -V and type (long).
func (sh *Shell) describe(out *output, name, path string, long bool) bool {
	say := func(short, text string) bool {
		if long {
			out.add(name + " is " + text + "\n")
		} else {
			out.add(short + "\n")
		}
		return true
	}
	if text, ok := sh.aliases[name]; ok && sh.aliasesOn() {
		if sh.bash {
			return say("alias "+name+"="+quoteSingle(text), "aliased to `"+text+"'")
		}
		return say("alias "+name+"="+quoteSingle(text), "an alias for "+text)
	}
	if syntax.IsKeyword(name) && (sh.bash || isPosixKeyword(name)) {
		return say(name, "a shell keyword")
	}
	if f := sh.funcs[name]; f != nil {
		if !sh.bash {
			return say(name, "a shell function")
		}
		say(name, "a function")
		if long {
			out.add(sh.funcText(f))
		}
		return true
	}
	if b, ok := sh.builtin(name); ok {
		switch {
		case b.special && !sh.bash:
			return say(name, "a special shell builtin")
		default:
			return say(name, "a shell builtin")
		}
	}
	if strings.IndexByte(name, '/') >= 0 {
		if sh.executable(name) {
			return say(name, name)
		}
		return false
	}
	if p, ok := sh.hash[name]; ok && long && sh.bash {
		return say(p, "hashed ("+p+")")
	}
	if p, _ := sh.searchPath(name, path); p != "" {
		return say(p, p)
	}
	return false
}

func isPosixKeyword(name string) bool {
	switch name {
	case "[[", "]]", "function", "select", "time", "coproc":
		return false
	}
	return true
}

func (sh *Shell) typeBuiltin(out *output, args []string) int {
	flags, rest, ok := map[byte]string{}, args[1:], true
	if sh.bash {
		if flags, rest, ok = sh.options(args, "afptP"); !ok {
			return 2
		}
	}
	status := 0
	for _, name := range rest {
		found := false
		switch {
		case has(flags, 't'):
			if kind := sh.kindOf(name); kind != "" {
				out.add(kind + "\n")
				found = true
			}
		case has(flags, 'p') || has(flags, 'P'):
			if k := sh.kindOf(name); k == "file" || has(flags, 'P') {
				if p, _ := sh.searchPath(name, sh.getStr("PATH")); p != "" {
					out.add(p + "\n")
					found = true
				}
			} else {
				found = k != ""
			}
		default:
			found = sh.describe(out, name, sh.getStr("PATH"), true)
			if !found {
				out.flush()
				if sh.bash {
					sh.errorf("type: %s: not found", name)
				} else {
					out.add(name + ": not found\n")
				}
			}
			if p, _ := sh.searchPath(name, sh.getStr("PATH")); has(flags, 'a') && p != "" && sh.kindOf(name) != "file" {
				out.add(name + " is " + p + "\n")
			}
		}
		if !found {
			status = 1
			if !sh.bash {
				status = 127
			}
		}
	}
	return status
}

func (sh *Shell) kindOf(name string) string {
	if _, ok := sh.aliases[name]; ok && sh.aliasesOn() {
		return "alias"
	}
	if syntax.IsKeyword(name) {
		return "keyword"
	}
	if sh.funcs[name] != nil {
		return "function"
	}
	if _, ok := sh.builtin(name); ok {
		return "builtin"
	}
	if strings.IndexByte(name, '/') >= 0 {
		if sh.executable(name) {
			return "file"
		}
		return ""
	}
	if p, _ := sh.searchPath(name, sh.getStr("PATH")); p != "" {
		return "file"
	}
	return ""
}

func (sh *Shell) timesBuiltin(out *output, _ []string) int {
	t := sh.t.Times()
	f := func(d time.Duration) string {
		m := int64(d / time.Minute)
		prec := 3
		if !sh.bash {
			prec = 6
		}
		return fmt.Sprintf("%dm%.*fs", m, prec, (d - time.Duration(m)*time.Minute).Seconds())
	}
	out.add(f(t.User) + " " + f(t.System) + "\n" + f(t.ChildrenUser) + " " + f(t.ChildrenSystem) + "\n")
	return 0
}

func (sh *Shell) historyBuiltin(out *output, args []string) int {
	flags, rest, ok := sh.options(args, "cd:anrwps")
	if !ok {
		return 2
	}
	h := &sh.history
	switch {
	case has(flags, 'c'):
		h.lines, h.fresh = nil, 0
		return 0
	case has(flags, 'd'):
		n, err := strconv.Atoi(flags['d'])
		if i := n - 1 - h.base; err == nil && i >= 0 && i < len(h.lines) {
			h.lines = append(h.lines[:i:i], h.lines[i+1:]...)
			return 0
		}
		sh.errorf("history: %s: history position out of range", flags['d'])
		return 1
	case has(flags, 'a'), has(flags, 'w'):
		h.save(sh)
		return 0
	case has(flags, 'r'), has(flags, 'n'):
		h.load(sh)
		return 0
	case has(flags, 's'):
		h.add(sh, strings.Join(rest, " "))
		return 0
	}
	start := 0
	if len(rest) > 0 {
		n, err := strconv.Atoi(rest[0])
		if err != nil || n < 0 {
			sh.errorf("history: %s: numeric argument required", rest[0])
			return 1
		}
		start = max(0, len(h.lines)-n)
	}
	for i := start; i < len(h.lines); i++ {
		out.add(fmt.Sprintf("%5d  %s\n", h.base+i+1, h.lines[i]))
	}
	return 0
}

// fcBuiltin is fc -l [-nr] [first [last]] and fc -s [old=new] [command].
func (sh *Shell) fcBuiltin(out *output, args []string) int {
	flags, rest, ok := sh.options(args, "e:lnrs")
	if !ok {
		return 2
	}
	lines := sh.history.lines
	if has(flags, 's') || flags['e'] == "-" {
		var old, repl string
		if len(rest) > 0 && strings.Contains(rest[0], "=") {
			old, repl, _ = strings.Cut(rest[0], "=")
			rest = rest[1:]
		}
		for i := len(lines) - 2; i >= 0; i-- {
			if len(rest) == 0 || strings.HasPrefix(lines[i], rest[0]) {
				cmd := lines[i]
				if old != "" {
					cmd = strings.Replace(cmd, old, repl, 1)
				}
				sh.stderr(cmd + "\n")
				sh.evalString(cmd, 0)
				return sh.status
			}
		}
		sh.errorf("fc: no command found")
		return 1
	}
	if !has(flags, 'l') {
		sh.errorf("fc: no editor here: use fc -l or fc -s")
		return 1
	}
	first, last := max(0, len(lines)-16), len(lines)-1
	pick := func(s string, def int) int {
		n, err := strconv.Atoi(s)
		switch {
		case err != nil:
			return def
		case n < 0:
			n += len(lines)
		default:
			n -= sh.history.base + 1
		}
		return max(0, min(n, len(lines)-1))
	}
	if len(rest) > 0 {
		first = pick(rest[0], first)
	}
	if len(rest) > 1 {
		last = pick(rest[1], last)
	}
	for i := first; i <= last && i < len(lines); i++ {
		if has(flags, 'n') {
			out.add("\t " + lines[i] + "\n")
		} else {
			out.add(fmt.Sprintf("%d\t %s\n", sh.history.base+i+1, lines[i]))
		}
	}
	return 0
}

func (sh *Shell) callerBuiltin(out *output, args []string) int {
	n := 0
	if len(args) > 1 {
		n, _ = strconv.Atoi(args[1])
	}
	i := len(sh.frames) - 1 - n
	if i < 0 || n < 0 {
		return 1
	}
	source, fn := "NULL", "main"
	if sh.file != "" {
		source = sh.file
	}
	if i > 0 {
		source, fn = sh.frames[i-1].source, sh.frames[i-1].fn
	}
	if len(args) > 1 {
		out.add(fmt.Sprintf("%d %s %s\n", sh.frames[i].call, fn, source))
	} else {
		out.add(fmt.Sprintf("%d %s\n", sh.frames[i].call, source))
	}
	return 0
}

func (sh *Shell) helpBuiltin(out *output, args []string) int {
	if len(args) > 1 {
		if _, ok := sh.builtin(args[1]); !ok {
			sh.errorf("help: no help topics match `%s'", args[1])
			return 1
		}
		out.add(args[1] + ": a shell builtin of the sbx shell, as in bash's manual\n")
		return 0
	}
	out.add("sbx shell, following GNU bash, version " + Version + "\nBuiltin commands:\n")
	for _, name := range sortedKeys(builtins) {
		out.add("  " + name + "\n")
	}
	return 0
}
