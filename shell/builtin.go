package shell

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/sbxrun/sbx/abi/linux"
)

// builtin is one command of the shell's own. run gives its exit status.
type builtin struct {
	name     string
	special  bool // special builtin of POSIX XCU 2.14
	program  bool // makes sense as a program of its own
	bashOnly bool
	run      func(sh *Shell, out *output, args []string) int
}

// output collects what a builtin prints; it is written at once.
type output struct {
	sh  *Shell
	buf []byte
	err error
}

const outputRoom = 64 << 10

func (o *output) add(s string) {
	o.buf = append(o.buf, s...)
	if len(o.buf) >= outputRoom {
		o.flush()
	}
}

func (o *output) flush() {
	if len(o.buf) > 0 && o.err == nil {
		o.err = o.sh.writeAll(1, string(o.buf))
	}
	o.buf = o.buf[:0]
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}

// builtins is the table of the shell's own commands; it is never written.
var builtins map[string]*builtin

func init() {
	list := slices.Concat(controlBuiltins(), fileBuiltins(), textBuiltins(), varBuiltins(), jobBuiltins(), infoBuiltins())
	builtins = make(map[string]*builtin, len(list))
	for _, b := range list {
		builtins[b.name] = b
	}
}

func isSpecial(name string) bool {
	b := builtins[name]
	return b != nil && b.special
}

// builtin finds the builtin of that name in this kind of shell.
func (sh *Shell) builtin(name string) (*builtin, bool) {
	b, ok := builtins[name]
	if !ok || b.bashOnly && !sh.bash || sh.disabled[name] {
		return nil, false
	}
	return b, true
}

func (sh *Shell) runBuiltin(b *builtin, args []string) {
	if b.name != "exec" {
		sh.release()
	}
	out := &output{sh: sh}
	status := b.run(sh, out, args)
	out.flush()
	if out.err != nil && !sh.dead() {
		if e, _ := asErrno(out.err); e != linux.EPIPE || sh.bash {
			if sh.bash {
				sh.errorf("%s: write error: %s", args[0], errText(out.err))
			} else {
				sh.errorf("%s: I/O error", args[0])
			}
		}
		if status == 0 {
			status = 1
		}
	}
	if sh.ctl == ctlExec {
		return
	}
	sh.status = status
	if status == 2 && b.special && !sh.bash && sh.ctl == ctlNone && b.name != "." && b.name != "eval" {
		sh.leave()
	}
}

// options parses flags of a builtin: letters in spec, those with ':' take a value.
func (sh *Shell) options(args []string, spec string) (flags map[byte]string, rest []string, ok bool) {
	flags = map[byte]string{}
	name := args[0]
	args = args[1:]
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		a := args[0]
		args = args[1:]
		if a == "--" {
			break
		}
		for i := 1; i < len(a); i++ {
			at := strings.IndexByte(spec, a[i])
			if at < 0 || a[i] == ':' {
				sh.badOption(name, a[i])
				return nil, nil, false
			}
			if at+1 >= len(spec) || spec[at+1] != ':' {
				flags[a[i]] = ""
				continue
			}
			switch {
			case i+1 < len(a):
				flags[a[i]] = a[i+1:]
			case len(args) > 0:
				flags[a[i]] = args[0]
				args = args[1:]
			default:
				sh.errorf("%s: -%c: option requires an argument", name, a[i])
				return nil, nil, false
			}
			break
		}
	}
	return flags, args, true
}

func (sh *Shell) badOption(name string, c byte) {
	if sh.bash {
		sh.errorf("%s: -%c: invalid option", name, c)
		return
	}
	sh.errorf("%s: Illegal option -%c", name, c)
}

func has(flags map[byte]string, c byte) bool {
	_, ok := flags[c]
	return ok
}

func controlBuiltins() []*builtin {
	return []*builtin{
		{name: ":", special: true, run: func(*Shell, *output, []string) int { return 0 }},
		{name: "true", program: true, run: func(*Shell, *output, []string) int { return 0 }},
		{name: "false", program: true, run: func(*Shell, *output, []string) int { return 1 }},
		{name: "break", special: true, run: loopBuiltin(ctlBreak)},
		{name: "continue", special: true, run: loopBuiltin(ctlContinue)},
		{name: "return", special: true, run: (*Shell).returnBuiltin},
		{name: "exit", special: true, run: (*Shell).exitBuiltin},
		{name: "logout", bashOnly: true, run: (*Shell).exitBuiltin},
		{name: "eval", special: true, run: (*Shell).evalBuiltin},
		{name: ".", special: true, run: (*Shell).sourceBuiltin},
		{name: "source", bashOnly: true, run: (*Shell).sourceBuiltin},
		{name: "exec", special: true},
		{name: "command", run: (*Shell).commandBuiltin},
		{name: "builtin", bashOnly: true, run: (*Shell).builtinBuiltin},
		{name: "enable", bashOnly: true, run: (*Shell).enableBuiltin},
		{name: "trap", special: true, run: (*Shell).trapBuiltin},
		{name: "complete", bashOnly: true, run: func(*Shell, *output, []string) int { return 0 }},
		{name: "compgen", bashOnly: true, run: (*Shell).compgenBuiltin},
		{name: "bind", bashOnly: true, run: func(*Shell, *output, []string) int { return 0 }},
	}
}

func loopBuiltin(c control) func(*Shell, *output, []string) int {
	return func(sh *Shell, _ *output, args []string) int {
		n := 1
		if len(args) > 1 {
			v, err := strconv.Atoi(args[1])
			if err != nil || v < 1 {
				if sh.bash {
					sh.errorf("%s: %s: loop count out of range", args[0], args[1])
					return 1
				}
				sh.errorf("%s: Illegal number: %s", args[0], args[1])
				return 2
			}
			n = v
		}
		if sh.loops == 0 {
			if sh.bash {
				sh.errorf("%s: only meaningful in a `for', `while', or `until' loop", args[0])
			}
			return 0
		}
		sh.ctl, sh.ctlN = c, min(n, sh.loops)
		return 0
	}
}

// exitArg reads the optional status of exit and return.
func (sh *Shell) exitArg(args []string) (int, bool) {
	if len(args) > 1 && args[1] == "--" {
		args = args[1:]
	}
	if len(args) < 2 {
		return sh.status, true
	}
	n, err := strconv.ParseInt(strings.TrimSpace(args[1]), 10, 64)
	if err != nil {
		if sh.bash {
			sh.errorf("%s: %s: numeric argument required", args[0], args[1])
		} else {
			sh.errorf("%s: Illegal number: %s", args[0], args[1])
		}
		return 2, false
	}
	return int(n & 0xff), true
}

func (sh *Shell) returnBuiltin(_ *output, args []string) int {
	n, _ := sh.exitArg(args)
	if len(sh.frames) == 0 {
		if sh.bash {
			sh.errorf("return: can only `return' from a function or sourced script")
			return 2
		}
		sh.ctl = ctlExit
		return n
	}
	sh.ctl = ctlReturn
	return n
}

func (sh *Shell) exitBuiltin(_ *output, args []string) int {
	n, _ := sh.exitArg(args)
	if sh.closing && len(args) < 2 {
		n = sh.status
	}
	sh.ctl = ctlExit
	return n
}

func (sh *Shell) evalBuiltin(_ *output, args []string) int {
	if len(args) > 1 && args[1] == "--" {
		args = args[1:]
	}
	text := strings.Join(args[1:], " ")
	if strings.TrimSpace(text) == "" {
		return 0
	}
	if !sh.enter() {
		return sh.status
	}
	sh.status = 0
	depth := sh.jc.substDepth
	if sh.bash {
		sh.jc.substDepth++
	}
	sh.evalString(text, 0)
	sh.jc.substDepth = depth
	sh.calls--
	return sh.status
}

func (sh *Shell) sourceBuiltin(_ *output, args []string) int {
	if len(args) > 1 && args[1] == "--" {
		args = append(args[:1:1], args[2:]...)
	}
	if len(args) < 2 {
		sh.errorf("%s: filename argument required", args[0])
		return 2
	}
	path := args[1]
	if strings.IndexByte(path, '/') < 0 {
		if p := sh.searchReadable(path); p != "" {
			path = p
		} else if !sh.bash {
			sh.errorf(".: %s: not found", path)
			sh.leave()
			return 127
		}
	}
	sh.sourceFile(path, args[2:], true)
	return sh.status
}

func (sh *Shell) searchReadable(name string) string {
	for _, dir := range strings.Split(sh.getStr("PATH"), ":") {
		p := strings.TrimSuffix(dir, "/") + "/" + name
		if dir != "" && sh.t.Access(linux.AT_FDCWD, p, linux.R_OK, 0) == nil && !sh.isDir(p) {
			return p
		}
	}
	return ""
}

// sourceFile runs a file in this shell.
func (sh *Shell) sourceFile(path string, args []string, loud bool) {
	fd, err := sh.openTarget(path, syntax.RdrIn)
	if err == nil && sh.isDir(path) {
		_ = sh.t.Close(fd)
		err = linux.EISDIR
	}
	if err != nil {
		sh.sourceError(path, err)
		return
	}
	if n, err := sh.t.DupFrom(fd, firstPrivateFd, true); err == nil {
		_ = sh.t.Close(fd)
		fd = n
	}
	text, err := sh.readAll(fd, maxWordSize)
	_ = sh.t.Close(fd)
	if err != nil {
		sh.sourceError(path, err)
		return
	}
	if !sh.enter() {
		return
	}
	savedArgs, savedBase, savedLoops := sh.args, sh.lineBase, sh.loops
	if len(args) > 0 && sh.bash {
		sh.args = args
	}
	sh.lineBase, sh.loops = 0, 0
	sh.frames = append(sh.frames, frame{fn: "source", source: path, call: sh.line})
	sh.status = 0
	src := stringSource(text)
	line := sh.line
	sh.run(src)
	if sh.ctl == ctlReturn {
		sh.ctl = ctlNone
	}
	sh.line = line
	sh.frames = sh.frames[:len(sh.frames)-1]
	if len(args) > 0 && sh.bash {
		sh.args = savedArgs
	}
	sh.lineBase, sh.loops = savedBase, savedLoops
	sh.calls--
}

func (sh *Shell) sourceError(path string, err error) {
	sh.status = 1
	var re *redirErr
	if errors.As(err, &re) {
		err = re.err
	}
	if sh.bash {
		sh.errorf("%s: %s", path, errText(err))
		return
	}
	text := errText(err)
	if e, _ := asErrno(err); e == linux.ENOENT {
		text = "No such file"
	}
	sh.errorf(".: cannot open %s: %s", path, text)
	sh.status = 2
	sh.leave()
}

// execBuiltin is exec: redirections that stay, and perhaps a new program.
func (sh *Shell) execBuiltin(args []string, assigns []*syntax.Assign, redirs []*syntax.Redirect) {
	saved, err := sh.redirect(redirs)
	if err != nil {
		sh.undo(saved)
		sh.redirError(err)
		if !sh.bash || sh.opts[optPosix] {
			sh.leave()
		}
		return
	}
	if sh.opts[optXTrace] {
		sh.traceArgs(args)
	}
	sh.status = 0
	flags, rest := map[byte]string{}, args[1:]
	if sh.bash {
		var ok bool
		if flags, rest, ok = sh.options(args, "cla:"); !ok {
			sh.status = 2
			return
		}
	}
	if len(rest) == 0 {
		sh.forget(saved)
		for _, a := range assigns {
			if err := sh.assign(a, false); err != nil {
				sh.expandError(err)
				return
			}
		}
		return
	}
	temp, err := sh.tempVars(assigns)
	if err != nil {
		sh.expandError(err)
		return
	}
	if temp != nil {
		sh.scopes = append(sh.scopes, &scope{vars: temp, temp: true})
		defer func() { sh.scopes = sh.scopes[:len(sh.scopes)-1] }()
	}
	path, code := sh.findProgram(rest[0])
	if code != 0 {
		sh.status = code
		sh.undo(saved)
		sh.execFailed()
		return
	}
	env := sh.environ()
	if has(flags, 'c') {
		env = nil
	}
	argv := slices.Clone(rest)
	if a, ok := flags['a']; ok {
		argv[0] = a
	}
	if has(flags, 'l') {
		argv[0] = "-" + argv[0]
	}
	sh.execProgram(path, argv, env)
	if sh.ctl != ctlExec && sh.ctl != ctlExit {
		sh.undo(saved)
		sh.execFailed()
	}
}

func (sh *Shell) execFailed() {
	if !sh.interactive && !sh.shopts["execfail"] {
		sh.ctl = ctlExit
	}
}

// commandBuiltin is command [-pvV].
func (sh *Shell) commandBuiltin(out *output, args []string) int {
	flags, rest, ok := sh.options(args, "pvV")
	if !ok {
		return 2
	}
	if len(rest) == 0 {
		return 0
	}
	path := sh.getStr("PATH")
	if has(flags, 'p') {
		path = "/usr/sbin:/usr/bin:/sbin:/bin"
	}
	if has(flags, 'v') || has(flags, 'V') {
		status := 0
		for _, name := range rest {
			if !sh.describe(out, name, path, has(flags, 'V')) {
				status = 1
				if !sh.bash {
					status = 127
				}
				if has(flags, 'V') {
					if sh.bash {
						sh.errorf("command: %s: not found", name)
					} else {
						out.add(name + ": not found\n")
					}
				}
			}
		}
		return status
	}
	if b, ok := sh.builtin(rest[0]); ok {
		return sh.plainBuiltin(b, rest)
	}
	if has(flags, 'p') {
		if p, _ := sh.searchPath(rest[0], path); p != "" {
			sh.hash[rest[0]] = p
		}
	}
	out.flush()
	sh.external(rest, false)
	return sh.status
}

// plainBuiltin runs a builtin without what special ones do on errors.
func (sh *Shell) plainBuiltin(b *builtin, args []string) int {
	if b.name == "exec" {
		sh.execBuiltin(args, nil, nil)
		return sh.status
	}
	c := *b
	c.special = false
	sh.runBuiltin(&c, args)
	return sh.status
}

func (sh *Shell) builtinBuiltin(_ *output, args []string) int {
	if len(args) < 2 {
		return 0
	}
	b, ok := builtins[args[1]]
	if !ok {
		sh.errorf("builtin: %s: not a shell builtin", args[1])
		return 1
	}
	return sh.plainBuiltin(b, args[1:])
}

func (sh *Shell) enableBuiltin(out *output, args []string) int {
	flags, rest, ok := sh.options(args, "anps")
	if !ok {
		return 2
	}
	if len(rest) == 0 {
		for _, name := range sortedKeys(builtins) {
			out.add("enable " + name + "\n")
		}
		return 0
	}
	for _, name := range rest {
		if _, ok := builtins[name]; !ok {
			sh.errorf("enable: %s: not a shell builtin", name)
			return 1
		}
		d := map[string]bool{}
		for k, v := range sh.disabled {
			d[k] = v
		}
		d[name] = has(flags, 'n')
		sh.disabled = d
	}
	return 0
}

// trapBuiltin is trap.
func (sh *Shell) trapBuiltin(out *output, args []string) int {
	rest := args[1:]
	print := false
	for len(rest) > 0 && len(rest[0]) > 1 && rest[0][0] == '-' {
		switch rest[0] {
		case "-p":
			print = true
		case "-l":
			return sh.killList(out, nil)
		case "--":
		default:
			if sh.bash {
				sh.badOption("trap", rest[0][1])
				return 2
			}
			sh.errorf("trap: bad trap")
			return 1
		}
		rest = rest[1:]
		if print {
			break
		}
	}
	if len(rest) == 0 || print {
		return sh.showTraps(out, rest)
	}
	cmd, reset := rest[0], false
	conds := rest[1:]
	if _, err := strconv.Atoi(cmd); err == nil || len(rest) == 1 {
		conds, reset = rest, true
	} else if cmd == "-" {
		reset = true
	}
	status := 0
	for _, c := range conds {
		name, ok := sh.trapName(c)
		if !ok {
			if sh.bash {
				sh.errorf("trap: %s: invalid signal specification", c)
			} else {
				sh.errorf("trap: %s: bad trap", c)
			}
			status = 1
			continue
		}
		if len(sh.shownTraps) > 0 {
			sh.shownTraps = nil
		}
		sh.setTrap(name, cmd, reset)
	}
	return status
}

func (sh *Shell) showTraps(out *output, names []string) int {
	traps := sh.traps
	if len(traps) == 0 {
		traps = sh.shownTraps
	}
	show := func(name string) {
		cmd, ok := traps[name]
		if !ok {
			return
		}
		shown := name
		if _, isSig := linux.ParseSignal(name); isSig && sh.bash {
			shown = "SIG" + name
		}
		quoted := quoteSingle(cmd)
		if !sh.bash {
			quoted = quoteDash(cmd)
		}
		out.add("trap -- " + quoted + " " + shown + "\n")
	}
	if len(names) > 0 {
		for _, n := range names {
			if name, ok := sh.trapName(n); ok {
				show(name)
			}
		}
		return 0
	}
	show("EXIT")
	for sig := linux.Signal(1); sig < linux.NSIG; sig++ {
		show(sig.Name())
	}
	for _, name := range []string{"DEBUG", "ERR", "RETURN"} {
		show(name)
	}
	return 0
}
