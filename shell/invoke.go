package shell

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/vfs"
)

// Version is the bash release whose behaviour the shell follows.
const Version = "5.2.15(1)-release"

// invocation is a parsed command line of the shell.
type invocation struct {
	command, stdin, interactive, login bool
	norc, noprofile, posix             bool
	rcfile                             string
	rest                               []string
}

var errUsage = errors.New("usage")

// main is the whole life of a shell process; it returns the exit code.
func (sh *Shell) main(argv, env []string) int {
	sh.arg0 = "sh"
	if len(argv) > 0 {
		sh.arg0 = argv[0]
	}
	if sh.bash {
		sh.opts[optBraceExpand], sh.opts[optHashAll] = true, true
	}
	inv, err := sh.parseArgs(argv)
	if err != nil {
		return 2
	}
	sh.noteIgnored()
	sh.importEnv(env)
	sh.startVars()
	src, code := sh.openInput(&inv)
	if src == nil {
		return code
	}
	if sh.interactive {
		sh.startInteractive()
	}
	sh.startFiles(&inv)
	if sh.ctl == ctlNone {
		sh.run(src)
	}
	sh.ctlEnd()
	if sh.interactive && sh.ctl != ctlExec {
		sh.endInteractive()
	}
	return sh.exitCode()
}

// ctlEnd turns what is left of the control flow into an end.
func (sh *Shell) ctlEnd() {
	if sh.ctl != ctlExec {
		sh.ctl = ctlNone
	}
}

func (sh *Shell) parseArgs(argv []string) (invocation, error) {
	var inv invocation
	if len(argv) > 0 && strings.HasPrefix(argv[0], "-") {
		inv.login = true
	}
	args := argv[min(1, len(argv)):]
	for len(args) > 0 {
		a := args[0]
		if len(a) < 2 || a[0] != '-' && a[0] != '+' {
			break
		}
		args = args[1:]
		if a == "--" {
			break
		}
		if strings.HasPrefix(a, "--") {
			used, err := sh.longArg(&inv, a, args)
			if err != nil {
				return inv, err
			}
			args = args[used:]
			continue
		}
		used, err := sh.shortArgs(&inv, a, args)
		if err != nil {
			return inv, err
		}
		args = args[used:]
	}
	if len(args) > 0 && args[0] == "-" {
		args = args[1:]
	}
	inv.rest = args
	return inv, nil
}

func (sh *Shell) longArg(inv *invocation, a string, args []string) (used int, err error) {
	switch a {
	case "--login":
		inv.login = true
	case "--norc":
		inv.norc = true
	case "--noprofile":
		inv.noprofile = true
	case "--posix":
		sh.opts[optPosix] = true
	case "--rcfile", "--init-file":
		if len(args) == 0 {
			return 0, sh.usage(a + ": option requires an argument")
		}
		inv.rcfile = args[0]
		return 1, nil
	case "--noediting", "--restricted", "--verbose":
		sh.opts[optVerbose] = sh.opts[optVerbose] || a == "--verbose"
	case "--version":
		_ = sh.writeAll(1, "sbx shell, following GNU bash, version "+Version+"\n")
		return 0, errUsage
	default:
		return 0, sh.usage(a + ": invalid option")
	}
	return 0, nil
}

func (sh *Shell) usage(msg string) error {
	if sh.bash {
		sh.stderr(sh.arg0 + ": " + msg + "\n")
	} else {
		sh.stderr(sh.arg0 + ": 0: Illegal option " + strings.TrimSuffix(msg, ": invalid option") + "\n")
	}
	return errUsage
}

func (sh *Shell) shortArgs(inv *invocation, a string, args []string) (used int, err error) {
	on := a[0] == '-'
	for i := 1; i < len(a); i++ {
		switch c := a[i]; c {
		case 'c':
			inv.command = true
		case 's':
			inv.stdin = true
		case 'i':
			inv.interactive = true
		case 'l':
			inv.login = true
		case 'r':
		case 'o', 'O':
			if used >= len(args) {
				return used, sh.usage(a + ": option requires an argument")
			}
			name := args[used]
			used++
			if c == 'O' {
				sh.shopts[name] = on
			} else if o, ok := optionByName(name); ok {
				sh.opts[o] = on
			} else {
				return used, sh.usage(name + ": invalid option name")
			}
		default:
			o, ok := optionByFlag(c)
			if !ok {
				return used, sh.usage("-" + string(c) + ": invalid option")
			}
			sh.opts[o] = on
		}
	}
	return used, nil
}

// openInput decides where commands come from.
func (sh *Shell) openInput(inv *invocation) (*source, int) {
	sh.login = inv.login
	switch {
	case inv.command:
		if len(inv.rest) == 0 {
			sh.usageArg()
			return nil, 2
		}
		return sh.commandInput(inv), 0
	case len(inv.rest) > 0 && !inv.stdin:
		return sh.fileInput(inv.rest[0], inv.rest[1:])
	}
	sh.args = inv.rest
	sh.fromStdin = true
	sh.interactive = inv.interactive || sh.t.Isatty(0) && sh.t.Isatty(2)
	src := &source{name: "stdin", resume: true}
	src.next = func() (string, error) {
		line, eof := sh.nextLine(src.prompt)
		if eof && line == "" {
			return "", io.EOF
		}
		return line, nil
	}
	return src, 0
}

func (sh *Shell) usageArg() {
	if sh.bash {
		sh.stderr(sh.arg0 + ": -c: option requires an argument\n")
	} else {
		sh.stderr(sh.arg0 + ": 0: -c requires an argument\n")
	}
}

func (sh *Shell) commandInput(inv *invocation) *source {
	sh.commandStr = true
	sh.interactive = inv.interactive
	text := inv.rest[0]
	if len(inv.rest) > 1 {
		sh.arg0, sh.args = inv.rest[1], inv.rest[2:]
	}
	src := stringSource(text)
	src.name, src.resume = "-c", true
	lines := strings.Count(strings.TrimRight(text, "\n"), "\n") + 1
	src.canTail = func() bool { return src.lines >= lines }
	return src
}

// fileInput opens a script. Its descriptor is out of the way of the script's own.
func (sh *Shell) fileInput(path string, args []string) (*source, int) {
	script := path
	fd, err := sh.t.Open(linux.AT_FDCWD, script, linux.O_RDONLY|linux.O_CLOEXEC, 0)
	if e, _ := asErrno(err); e == linux.ENOENT && strings.IndexByte(path, '/') < 0 && sh.bash {
		if p, _ := sh.searchPath(path, sh.getStr("PATH")); p != "" {
			fd, err = sh.t.Open(linux.AT_FDCWD, p, linux.O_RDONLY|linux.O_CLOEXEC, 0)
		}
	}
	if err == nil {
		var a vfs.Attr
		if sh.t.Fstat(fd, &a) == nil && a.Mode&linux.S_IFMT == linux.S_IFDIR {
			_ = sh.t.Close(fd)
			sh.stderr(sh.arg0 + ": " + path + ": Is a directory\n")
			return nil, 126
		}
	}
	if err != nil {
		return nil, sh.cannotOpen(path, err)
	}
	if n, err := sh.t.DupFrom(fd, firstPrivateFd, true); err == nil {
		_ = sh.t.Close(fd)
		fd = n
	}
	text, err := sh.peek(fd)
	if err != nil || isBinary(text) {
		_ = sh.t.Close(fd)
		sh.stderr(sh.arg0 + ": " + path + ": cannot execute binary file\n")
		return nil, 126
	}
	sh.arg0, sh.args, sh.file = path, args, path
	src := &source{resume: true}
	in := &scriptFile{sh: sh, fd: fd}
	src.next = in.line
	return src, 0
}

func (sh *Shell) cannotOpen(path string, err error) int {
	e, _ := asErrno(err)
	code := 126
	if e == linux.ENOENT {
		code = 127
	}
	if sh.bash {
		sh.stderr(sh.arg0 + ": " + path + ": " + errText(err) + "\n")
		return code
	}
	text := errText(err)
	if e == linux.ENOENT {
		text = "No such file"
	}
	sh.stderr(sh.arg0 + ": 0: cannot open " + path + ": " + text + "\n")
	return 2
}

func (sh *Shell) peek(fd int) (string, error) {
	buf := make([]byte, 80)
	n, err := sh.t.Pread(fd, buf, 0)
	if e, _ := asErrno(err); e == linux.ESPIPE {
		return "", nil
	}
	return string(buf[:max(0, n)]), err
}

// isBinary looks for a NUL in the first line, as bash does.
func isBinary(head string) bool {
	line, _, _ := strings.Cut(head, "\n")
	return strings.IndexByte(line, 0) >= 0
}

// scriptFile reads a script by lines through a buffer of its own.
type scriptFile struct {
	sh  *Shell
	fd  int
	buf []byte
	eof bool
}

func (f *scriptFile) line() (string, error) {
	for {
		if i := strings.IndexByte(string(f.buf), '\n'); i >= 0 {
			line := string(f.buf[:i+1])
			f.buf = f.buf[i+1:]
			return line, nil
		}
		if f.eof || len(f.buf) > maxLine {
			line := string(f.buf)
			f.buf = nil
			if line == "" {
				return "", io.EOF
			}
			return line, nil
		}
		chunk := make([]byte, 8192)
		n, err := f.sh.t.Read(f.fd, chunk)
		if e, _ := asErrno(err); e == linux.EINTR && !f.sh.dead() {
			f.sh.takeSignals()
			continue
		}
		if err != nil || n == 0 {
			f.eof = true
			_ = f.sh.t.Close(f.fd)
			continue
		}
		f.buf = append(f.buf, chunk[:n]...)
	}
}

// runScriptFile runs a file without #! in this process, as a fresh shell.
func (sh *Shell) runScriptFile(path string, args []string) {
	sh.release()
	env := sh.environ()
	n := newShell(sh.t, sh.bash)
	n.arg0 = path
	n.ignored = sh.ignored
	n.importEnv(env)
	n.startVars()
	src, code := n.fileInput(path, args[min(1, len(args)):])
	if src == nil {
		sh.status, sh.ctl = code, ctlExit
		return
	}
	n.run(src)
	n.ctlEnd()
	sh.status = n.exitCode()
	sh.ctl, sh.closing = ctlExit, true
}

// noteIgnored remembers the signals that were ignored on entry: POSIX says that
// a non-interactive shell cannot trap them.
func (sh *Shell) noteIgnored() {
	for sig := linux.Signal(1); sig < 32; sig++ {
		if a, err := sh.t.SigactionFull(sig, nil); err == nil && a.Disp == kernel.SigIgnore {
			sh.ignored[sig] = true
		}
	}
}

// importEnv makes variables of the environment.
func (sh *Shell) importEnv(env []string) {
	for _, e := range env {
		name, value, ok := strings.Cut(e, "=")
		if !ok {
			continue
		}
		if !validName(name) {
			sh.foreignEnv = append(sh.foreignEnv, e)
			continue
		}
		sh.scopes[0].vars[name] = &variable{attr: attrExport, set: true, str: value, owner: sh.tok}
	}
}

// startVars gives the variables that every shell has.
func (sh *Shell) startVars() {
	set := func(name, value string, a attr) {
		sh.scopes[0].vars[name] = &variable{attr: a, set: true, str: value, owner: sh.tok}
	}
	unset := func(name string) bool { return sh.scopes[0].vars[name] == nil }
	set("IFS", " \t\n", 0)
	set("OPTIND", "1", 0)
	set("PPID", strconv.Itoa(sh.t.Getppid()), attrReadonly)
	if unset("PATH") {
		set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 0)
	}
	cwd, err := sh.t.Getcwd()
	if err != nil {
		cwd = "/"
	}
	if p := sh.getStr("PWD"); p != "" && strings.HasPrefix(p, "/") && sh.sameFile(p, ".") && !strings.Contains(p, "/.") {
		cwd = p
	}
	sh.cwd = cwd
	if !sh.bash {
		set("PWD", cwd, 0)
		set("PS4", "+ ", 0)
		return
	}
	set("PWD", cwd, attrExport)
	if unset("OLDPWD") {
		sh.scopes[0].vars["OLDPWD"] = &variable{attr: attrExport, owner: sh.tok}
	}
	lvl, _ := strconv.Atoi(sh.getStr("SHLVL"))
	set("SHLVL", strconv.Itoa(lvl+1), attrExport)
	set("BASH_VERSION", Version, 0)
	sh.scopes[0].vars["BASH_VERSINFO"] = &variable{attr: attrIndexed | attrReadonly, set: true, owner: sh.tok,
		arr: newArray([]string{"5", "2", "15", "1", "release", sh.machine() + "-pc-linux-gnu"})}
	set("BASH", "/bin/bash", 0)
	set("HOSTNAME", sh.t.Uname().Nodename, 0)
	set("HOSTTYPE", sh.machine(), 0)
	set("OSTYPE", "linux-gnu", 0)
	set("MACHTYPE", sh.machine()+"-pc-linux-gnu", 0)
	c := sh.t.Credentials()
	set("UID", strconv.Itoa(int(c.UID)), attrReadonly|attrInteger)
	set("EUID", strconv.Itoa(int(c.EUID)), attrReadonly|attrInteger)
	set("PS4", "+ ", 0)
	set("OPTERR", "1", 0)
	if unset("TERM") {
		set("TERM", "dumb", 0)
	}
}

func (sh *Shell) machine() string {
	if m := sh.t.Uname().Machine; m != "" {
		return m
	}
	return "x86_64"
}

func (sh *Shell) sameFile(a, b string) bool {
	var x, y vfs.Attr
	return sh.t.Stat(linux.AT_FDCWD, a, 0, &x) == nil && sh.t.Stat(linux.AT_FDCWD, b, 0, &y) == nil &&
		x.Dev == y.Dev && x.Ino == y.Ino
}

// startFiles runs the profile and rc files that apply.
func (sh *Shell) startFiles(inv *invocation) {
	if sh.login && !inv.noprofile {
		sh.sourceIf("/etc/profile")
		home := sh.getStr("HOME")
		names := []string{".profile"}
		if sh.bash {
			names = []string{".bash_profile", ".bash_login", ".profile"}
		}
		for _, n := range names {
			if home != "" && sh.ctl == ctlNone && sh.sourceIf(home+"/"+n) {
				break
			}
		}
		return
	}
	switch {
	case sh.bash && sh.interactive && !inv.norc:
		if inv.rcfile != "" {
			sh.sourceIf(inv.rcfile)
			return
		}
		sh.sourceIf("/etc/bash.bashrc")
		if home := sh.getStr("HOME"); home != "" && sh.ctl == ctlNone {
			sh.sourceIf(home + "/.bashrc")
		}
	case !sh.bash && sh.interactive:
		if f := sh.getStr("ENV"); f != "" {
			sh.sourceIf(f)
		}
	case sh.bash && !sh.interactive:
		if f := sh.getStr("BASH_ENV"); f != "" {
			sh.sourceIf(f)
		}
	}
}

func (sh *Shell) sourceIf(path string) bool {
	if sh.t.Access(linux.AT_FDCWD, path, linux.R_OK, 0) != nil || sh.isDir(path) {
		return false
	}
	sh.sourceFile(path, nil, false)
	return true
}
