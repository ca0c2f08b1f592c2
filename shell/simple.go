package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/vfs"
)

// simple executes a simple command: words, then redirections, then
// assignments, then the command, as POSIX XCU 2.9.1 says.
func (sh *Shell) simple(c *syntax.CallExpr, redirs []*syntax.Redirect) {
	tail := sh.tail
	sh.tail = false
	sh.substatus = 0
	sh.debugTrap(c)
	if sh.stopped() {
		return
	}
	if !sh.bash && len(c.Args) > 0 {
		if name, ok := simpleLit(c.Args[0]); ok && isDeclName(name) && sh.funcs[name] == nil {
			sh.posixDecl(name, c, redirs)
			return
		}
	}
	args, err := sh.fields(c.Args)
	if err != nil {
		sh.expandError(err)
		return
	}
	if len(args) == 0 {
		sh.assignOnly(c, redirs)
		return
	}
	sh.call(args, c.Assigns, redirs, tail)
}

// assignOnly is a command of nothing but assignments and redirections.
func (sh *Shell) assignOnly(c *syntax.CallExpr, redirs []*syntax.Redirect) {
	if len(redirs) > 0 {
		saved, err := sh.redirect(redirs)
		sh.undo(saved)
		if err != nil {
			sh.redirError(err)
			return
		}
	}
	for _, a := range c.Assigns {
		if err := sh.assign(a, sh.opts[optXTrace]); err != nil {
			sh.expandError(err)
			return
		}
	}
	sh.status = sh.substatus
}

// call runs args as a function, a builtin or a program.
func (sh *Shell) call(args []string, assigns []*syntax.Assign, redirs []*syntax.Redirect, tail bool) {
	name := args[0]
	if f := sh.funcs[name]; f != nil && (sh.bash || !isSpecial(name)) {
		sh.around(args, assigns, redirs, func(temp map[string]*variable) {
			sh.callFunction(f, args[1:], temp)
		}, false)
		return
	}
	if b, ok := sh.builtin(name); ok {
		sh.callBuiltin(b, args, assigns, redirs)
		return
	}
	sh.around(args, assigns, redirs, func(temp map[string]*variable) {
		if temp != nil {
			sh.scopes = append(sh.scopes, &scope{vars: temp, temp: true})
			defer func() { sh.scopes = sh.scopes[:len(sh.scopes)-1] }()
		}
		sh.external(args, tail)
	}, tail)
}

// around applies redirections and assignments, runs, and takes the former back.
func (sh *Shell) around(args []string, assigns []*syntax.Assign, redirs []*syntax.Redirect, run func(temp map[string]*variable), keep bool) {
	var saved []savedFd
	if len(redirs) > 0 {
		var err error
		if saved, err = sh.redirect(redirs); err != nil {
			sh.undo(saved)
			sh.redirError(err)
			return
		}
		if !keep {
			defer func() { sh.undo(saved) }()
		}
	}
	temp, err := sh.tempVars(assigns)
	if err != nil {
		sh.expandError(err)
		return
	}
	if sh.opts[optXTrace] {
		sh.traceArgs(args)
	}
	run(temp)
	if keep && sh.ctl != ctlExec {
		sh.undo(saved)
	}
	sh.lastArg = args[len(args)-1]
}

// tempVars evaluates the assignments before a command.
func (sh *Shell) tempVars(assigns []*syntax.Assign) (map[string]*variable, error) {
	if len(assigns) == 0 {
		return nil, nil
	}
	sc := &scope{vars: map[string]*variable{}, temp: true}
	for _, a := range assigns {
		name := a.Name.Value
		if old := sh.lookup(name); old != nil && old.attr&attrReadonly != 0 {
			return nil, &varError{name, errReadonly}
		}
		s, err := sh.assigned(a.Value)
		if err != nil {
			return nil, err
		}
		v := &variable{attr: attrExport, set: true, str: s, owner: sh.tok}
		if a.Append {
			v.str = sh.getStr(name) + s
		}
		if old := sh.lookup(name); old != nil && old.attr&attrInteger != 0 {
			v.attr |= attrInteger
			if v.str, err = sh.convert(old, old.str, s, a.Append); err != nil {
				return nil, err
			}
		}
		if sh.opts[optXTrace] {
			sh.trace(name + "=" + quoteIfNeeded(v.str))
		}
		sc.vars[name] = v
		// Later assignments see the earlier ones.
		sh.scopes = append(sh.scopes, sc)
		defer func() { sh.scopes = sh.scopes[:len(sh.scopes)-1] }()
	}
	return sc.vars, nil
}

func (sh *Shell) callBuiltin(b *builtin, args []string, assigns []*syntax.Assign, redirs []*syntax.Redirect) {
	if b.name == "exec" {
		sh.execBuiltin(args, assigns, redirs)
		return
	}
	special := b.special && (!sh.bash || sh.opts[optPosix])
	var saved []savedFd
	if len(redirs) > 0 {
		var err error
		if saved, err = sh.redirect(redirs); err != nil {
			sh.undo(saved)
			sh.redirError(err)
			if special {
				sh.leave()
			}
			return
		}
		defer func() { sh.undo(saved) }()
	}
	if special || len(assigns) == 0 {
		for _, a := range assigns {
			if err := sh.assign(a, sh.opts[optXTrace]); err != nil {
				sh.expandError(err)
				return
			}
		}
		if sh.opts[optXTrace] {
			sh.traceArgs(args)
		}
		sh.runBuiltin(b, args)
	} else {
		temp, err := sh.tempVars(assigns)
		if err != nil {
			sh.expandError(err)
			return
		}
		if sh.opts[optXTrace] {
			sh.traceArgs(args)
		}
		at := len(sh.scopes)
		sh.scopes = append(sh.scopes, &scope{vars: temp, temp: true})
		sh.runBuiltin(b, args)
		sh.scopes = append(sh.scopes[:at], sh.scopes[at+1:]...)
	}
	sh.lastArg = args[len(args)-1]
}

// external runs a program and waits for it; with tail it takes over the task.
func (sh *Shell) external(args []string, tail bool) {
	path, code := sh.findProgram(args[0])
	if code != 0 {
		sh.status = code
		return
	}
	_ = sh.setUnderscore(path)
	env := sh.environ()
	if tail && !sh.jc.active {
		sh.execProgram(path, args, env)
		return
	}
	sh.release()
	pid, err := sh.spawn(path, args, env)
	if err != nil {
		if e, ok := asErrno(err); ok && e == linux.ENOEXEC {
			sh.runChild(func(c *Shell) { c.runScriptFile(path, args) })
			return
		}
		sh.status = sh.execError(args[0], path, err)
		return
	}
	sh.waitForeground(pid, strings.Join(args, " "))
}

func (sh *Shell) setUnderscore(s string) error {
	v, err := sh.writableIn(sh.scopes[0], "_")
	if err != nil {
		return err
	}
	v.str, v.set, v.attr = s, true, attrExport
	return nil
}

func (sh *Shell) spawn(path string, args, env []string) (int, error) {
	o := kernel.SpawnOpts{Path: path, Argv: args, Env: env, SigDefault: sh.defaultedSignals()}
	if sh.jc.active {
		o.Setpgid, o.Foreground = kernel.PgidNew, true
	}
	return sh.t.Spawn(o)
}

// execProgram replaces this task's program.
func (sh *Shell) execProgram(path string, args, env []string) {
	sh.resetSignals()
	err := sh.t.Exec(path, args, env)
	if err == nil {
		sh.ctl = ctlExec
		return
	}
	if e, ok := asErrno(err); ok && e == linux.ENOEXEC {
		sh.runScriptFile(path, args)
		return
	}
	sh.status = sh.execError(args[0], path, err)
}

// execError reports why a program did not start and gives the exit status.
func (sh *Shell) execError(name, path string, err error) int {
	e, _ := asErrno(err)
	if e == linux.EACCES && sh.isDir(path) {
		if sh.bash {
			sh.errorf("%s: Is a directory", name)
		} else {
			sh.errorf("%s: Permission denied", name)
		}
		return 126
	}
	switch e {
	case linux.ENOENT, linux.ENOTDIR:
		if sh.bash {
			sh.errorf("%s: %s", name, errText(e))
		} else {
			sh.errorf("%s: not found", name)
		}
		if e == linux.ENOTDIR && sh.bash {
			return 126
		}
		return 127
	}
	sh.errorf("%s: %s", name, errText(err))
	return 126
}

// findProgram looks name up in PATH; code is not 0 when there is nothing to run.
func (sh *Shell) findProgram(name string) (path string, code int) {
	if strings.IndexByte(name, '/') >= 0 {
		return name, 0
	}
	if p, ok := sh.hash[name]; ok {
		if sh.executable(p) {
			return p, 0
		}
		delete(sh.hash, name)
	}
	p, seen := sh.searchPath(name, sh.getStr("PATH"))
	if p != "" {
		if len(sh.hash) < 4096 && p[0] == '/' {
			sh.hash[name] = p
		}
		return p, 0
	}
	if seen != "" {
		sh.errorf("%s: Permission denied", seenName(sh, name, seen))
		return "", 126
	}
	if sh.bash {
		sh.errorf("%s: command not found", name)
	} else {
		sh.errorf("%s: not found", name)
	}
	return "", 127
}

func seenName(sh *Shell, name, seen string) string {
	if sh.bash {
		return seen
	}
	return name
}

// searchPath finds an executable file; seen is one that may not be executed.
func (sh *Shell) searchPath(name, path string) (found, seen string) {
	if name == "" {
		return "", ""
	}
	for _, dir := range strings.Split(path, ":") {
		p := name
		if dir != "" {
			p = strings.TrimSuffix(dir, "/") + "/" + name
		} else if path == "" {
			break
		} else {
			p = "./" + name
		}
		var a vfs.Attr
		if sh.t.Stat(linux.AT_FDCWD, p, 0, &a) != nil || a.Mode&linux.S_IFMT != linux.S_IFREG {
			continue
		}
		if sh.t.Access(linux.AT_FDCWD, p, linux.X_OK, linux.AT_EACCESS) == nil {
			return p, ""
		}
		if seen == "" {
			seen = p
		}
	}
	return "", seen
}

func (sh *Shell) executable(p string) bool {
	var a vfs.Attr
	return sh.t.Stat(linux.AT_FDCWD, p, 0, &a) == nil && a.Mode&linux.S_IFMT == linux.S_IFREG &&
		sh.t.Access(linux.AT_FDCWD, p, linux.X_OK, linux.AT_EACCESS) == nil
}

// trace writes a line of set -x.
func (sh *Shell) trace(line string) {
	ps4 := "+ "
	if v := sh.getVar("PS4"); v != nil && v.set {
		off := sh.opts[optXTrace]
		sh.opts[optXTrace] = false
		ps4 = sh.promptString(v.str)
		sh.opts[optXTrace] = off
	}
	if sh.bash && ps4 != "" && sh.subshell > 0 && len(sh.frames) >= 0 {
		if n := sh.traceDepth(); n > 0 {
			ps4 = strings.Repeat(ps4[:1], n) + ps4
		}
	}
	sh.stderr(ps4 + line + "\n")
}

// traceDepth counts the command substitutions and evals around, for bash's "++ ".
func (sh *Shell) traceDepth() int { return sh.jc.substDepth }

func (sh *Shell) traceArgs(args []string) {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = a
		if sh.bash {
			out[i] = quoteIfNeeded(a)
		}
	}
	sh.trace(strings.Join(out, " "))
}
