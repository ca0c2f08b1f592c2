package shell

import (
	"strconv"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// unaryTest is one operator of test with one operand.
func (sh *Shell) unaryTest(op, s string) (bool, error) {
	switch op {
	case "-n":
		return s != "", nil
	case "-z":
		return s == "", nil
	case "-t":
		fd, err := strconv.Atoi(strings.TrimSpace(s))
		return err == nil && sh.t.Isatty(fd), nil
	case "-o":
		o, ok := optionByName(s)
		return ok && sh.opts[o], nil
	case "-v":
		return sh.isSet(s), nil
	case "-R":
		v := sh.lookup(s)
		return v != nil && v.attr&attrNameref != 0, nil
	case "-r":
		return sh.access(s, linux.R_OK), nil
	case "-w":
		return sh.access(s, linux.W_OK), nil
	case "-x":
		return sh.access(s, linux.X_OK), nil
	}
	var a vfs.Attr
	flags := 0
	if op == "-h" || op == "-L" {
		flags = linux.AT_SYMLINK_NOFOLLOW
	}
	if err := sh.stat(s, flags, &a); err != nil {
		return false, nil
	}
	kind := a.Mode & linux.S_IFMT
	cred := sh.t.Credentials()
	switch op {
	case "-e", "-a":
		return true, nil
	case "-f":
		return kind == linux.S_IFREG, nil
	case "-d":
		return kind == linux.S_IFDIR, nil
	case "-b":
		return kind == linux.S_IFBLK, nil
	case "-c":
		return kind == linux.S_IFCHR, nil
	case "-p":
		return kind == linux.S_IFIFO, nil
	case "-S":
		return kind == linux.S_IFSOCK, nil
	case "-h", "-L":
		return kind == linux.S_IFLNK, nil
	case "-s":
		return a.Size > 0, nil
	case "-g":
		return a.Mode&linux.S_ISGID != 0, nil
	case "-u":
		return a.Mode&linux.S_ISUID != 0, nil
	case "-k":
		return a.Mode&linux.S_ISVTX != 0, nil
	case "-O":
		return a.UID == cred.EUID, nil
	case "-G":
		return a.GID == cred.EGID, nil
	case "-N":
		return newer(a.Mtime, a.Atime), nil
	}
	return false, &testError{op + ": unary operator expected"}
}

func newer(a, b vfs.Timespec) bool { return a.Sec > b.Sec || a.Sec == b.Sec && a.Nsec > b.Nsec }

// stat follows /dev/fd/N to this process's descriptors.
func (sh *Shell) stat(path string, flags int, a *vfs.Attr) error {
	if path == "" {
		return linux.ENOENT
	}
	if fd, ok := devFd(path); ok && flags == 0 {
		return sh.t.Fstat(fd, a)
	}
	return sh.t.Stat(linux.AT_FDCWD, path, flags, a)
}

func (sh *Shell) access(path string, mode uint32) bool {
	return path != "" && sh.t.Access(linux.AT_FDCWD, path, mode, linux.AT_EACCESS) == nil
}

// isSet is test -v: a variable, an element, a positional parameter.
func (sh *Shell) isSet(s string) bool {
	if i := strings.IndexByte(s, '['); i > 0 && strings.HasSuffix(s, "]") {
		v := sh.getVar(s[:i])
		if v == nil {
			return false
		}
		index := s[i+1 : len(s)-1]
		if index == "@" || index == "*" {
			return len(v.values()) > 0
		}
		_, ok := sh.element(v, index)
		return ok
	}
	if n, err := strconv.Atoi(s); err == nil {
		return n >= 0 && n <= len(sh.args)
	}
	v := sh.getVar(s)
	if v == nil {
		return false
	}
	_, ok := v.scalar()
	return ok
}

// binaryTest is one operator of test with two operands.
func (sh *Shell) binaryTest(op, a, b string) (bool, error) {
	switch op {
	case "=", "==":
		return a == b, nil
	case "!=":
		return a != b, nil
	case "<":
		return a < b, nil
	case ">":
		return a > b, nil
	case "-eq", "-ne", "-lt", "-le", "-gt", "-ge":
		x, err := sh.testInt(a)
		if err != nil {
			return false, err
		}
		y, err := sh.testInt(b)
		if err != nil {
			return false, err
		}
		return compareInts(op, x, y), nil
	}
	var x, y vfs.Attr
	okX, okY := sh.stat(a, 0, &x) == nil, sh.stat(b, 0, &y) == nil
	switch op {
	case "-nt":
		return okX && (!okY || newer(x.Mtime, y.Mtime)), nil
	case "-ot":
		return okY && (!okX || newer(y.Mtime, x.Mtime)), nil
	case "-ef":
		return okX && okY && x.Dev == y.Dev && x.Ino == y.Ino, nil
	}
	return false, &testError{op + ": binary operator expected"}
}

func (sh *Shell) testInt(s string) (int64, error) {
	n, err := strconv.ParseInt(strings.Trim(s, " \t\n"), 10, 64)
	if err != nil {
		if sh.bash {
			return 0, &testError{s + ": integer expression expected"}
		}
		return 0, &testError{"Illegal number: " + s}
	}
	return n, nil
}

// tester parses the arguments of test and [.
type tester struct {
	sh    *Shell
	args  []string
	pos   int
	depth int
	err   error
}

// test evaluates arguments by their number first, as POSIX says.
func (sh *Shell) test(args []string) (bool, error) {
	switch len(args) {
	case 0:
		return false, nil
	case 1:
		return args[0] != "", nil
	case 2:
		if args[0] == "!" {
			return args[1] == "", nil
		}
		if isUnary(args[0]) {
			return sh.unaryTest(args[0], args[1])
		}
		if sh.bash {
			return false, &testError{args[0] + ": unary operator expected"}
		}
		return false, &testError{args[0] + ": unexpected operator"}
	case 3:
		if isBinaryTest(args[1]) {
			return sh.binaryTest(args[1], args[0], args[2])
		}
		switch {
		case args[1] == "-a":
			return args[0] != "" && args[2] != "", nil
		case args[1] == "-o":
			return args[0] != "" || args[2] != "", nil
		case args[0] == "!":
			ok, err := sh.test(args[1:])
			return !ok, err
		case args[0] == "(" && args[2] == ")":
			return args[1] != "", nil
		}
		if sh.bash {
			return false, &testError{args[1] + ": binary operator expected"}
		}
		return false, &testError{args[1] + ": unexpected operator"}
	case 4:
		if args[0] == "!" {
			ok, err := sh.test(args[1:])
			return !ok, err
		}
		if args[0] == "(" && args[3] == ")" {
			return sh.test(args[1:3])
		}
	}
	p := &tester{sh: sh, args: args}
	ok := p.or()
	if p.err == nil && p.pos < len(args) {
		p.err = &testError{"too many arguments"}
		if !sh.bash {
			p.err = &testError{args[p.pos] + ": unexpected operator"}
		}
	}
	return ok, p.err
}

func isUnary(s string) bool {
	return len(s) == 2 && s[0] == '-' && strings.IndexByte("abcdefghknoprstuvwxzGLNORS", s[1]) >= 0
}

func isBinaryTest(s string) bool {
	switch s {
	case "=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef":
		return true
	}
	return false
}

func (p *tester) peek() string {
	if p.pos < len(p.args) {
		return p.args[p.pos]
	}
	return ""
}

func (p *tester) or() bool {
	ok := p.and()
	for p.err == nil && p.pos < len(p.args) && p.peek() == "-o" {
		p.pos++
		ok = p.and() || ok
	}
	return ok
}

func (p *tester) and() bool {
	ok := p.term()
	for p.err == nil && p.pos < len(p.args) && p.peek() == "-a" {
		p.pos++
		ok = p.term() && ok
	}
	return ok
}

func (p *tester) term() bool {
	if p.depth++; p.depth > maxNesting {
		p.err = errNesting
	}
	defer func() { p.depth-- }()
	left := len(p.args) - p.pos
	if p.err != nil || left == 0 {
		if p.err == nil {
			p.err = &testError{"argument expected"}
		}
		return false
	}
	a := p.peek()
	if left >= 3 && isBinaryTest(p.args[p.pos+1]) {
		ok, err := p.sh.binaryTest(p.args[p.pos+1], a, p.args[p.pos+2])
		p.pos += 3
		p.err = err
		return ok
	}
	switch {
	case a == "!" && left > 1:
		p.pos++
		return !p.term()
	case a == "(" && left > 1:
		p.pos++
		ok := p.or()
		if p.err == nil && p.peek() != ")" {
			p.err = &testError{"`)' expected"}
		}
		p.pos++
		return ok
	case isUnary(a) && left >= 2:
		ok, err := p.sh.unaryTest(a, p.args[p.pos+1])
		p.pos += 2
		p.err = err
		return ok
	}
	p.pos++
	return a != ""
}
