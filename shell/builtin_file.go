package shell

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

func fileBuiltins() []*builtin {
	return []*builtin{
		{name: "cd", run: (*Shell).cdBuiltin},
		{name: "pwd", program: true, run: (*Shell).pwdBuiltin},
		{name: "pushd", bashOnly: true, run: (*Shell).pushdBuiltin},
		{name: "popd", bashOnly: true, run: (*Shell).popdBuiltin},
		{name: "dirs", bashOnly: true, run: (*Shell).dirsBuiltin},
		{name: "umask", run: (*Shell).umaskBuiltin},
		{name: "ulimit", run: (*Shell).ulimitBuiltin},
		{name: "test", program: true, run: (*Shell).testBuiltin},
		{name: "[", program: true, run: (*Shell).testBuiltin},
		{name: "hash", run: (*Shell).hashBuiltin},
	}
}

func (sh *Shell) testBuiltin(_ *output, args []string) int {
	rest := args[1:]
	if args[0] == "[" {
		if len(rest) == 0 || rest[len(rest)-1] != "]" {
			if sh.bash {
				sh.errorf("[: missing `]'")
			} else {
				sh.errorf("[: missing ]")
			}
			return 2
		}
		rest = rest[:len(rest)-1]
	}
	ok, err := sh.test(rest)
	if err != nil {
		sh.errorf("%s: %s", args[0], err)
		return 2
	}
	return int(truth(!ok))
}

// cdBuiltin is cd [-L|-P] [dir], with CDPATH and OLDPWD.
func (sh *Shell) cdBuiltin(out *output, args []string) int {
	physical := sh.opts[optPhysical]
	rest := args[1:]
	for len(rest) > 0 && len(rest[0]) > 1 && rest[0][0] == '-' {
		a := rest[0]
		rest = rest[1:]
		if a == "--" {
			break
		}
		for i := 1; i < len(a); i++ {
			switch a[i] {
			case 'L':
				physical = false
			case 'P':
				physical = true
			case 'e', '@':
			default:
				sh.badOption("cd", a[i])
				return 2
			}
		}
	}
	if len(rest) > 1 && sh.bash {
		sh.errorf("cd: too many arguments")
		return 1
	}
	dir, show := "", false
	switch {
	case len(rest) == 0:
		if dir = sh.getStr("HOME"); dir == "" {
			if !sh.bash {
				return 0
			}
			if v := sh.getVar("HOME"); v == nil {
				sh.errorf("cd: HOME not set")
				return 1
			}
			return 0
		}
	case rest[0] == "-":
		if dir = sh.getStr("OLDPWD"); dir == "" {
			if sh.bash {
				sh.errorf("cd: OLDPWD not set")
				return 1
			}
			dir = sh.getStr("PWD")
		}
		show = true
	default:
		dir = rest[0]
	}
	target, found := sh.cdPath(dir)
	if err := sh.chdir(target, physical); err != nil {
		if sh.bash {
			sh.errorf("cd: %s: %s", dir, errText(err))
			return 1
		}
		sh.errorf("cd: can't cd to %s", dir)
		return 2
	}
	if show || found {
		out.add(sh.cwd + "\n")
	}
	return 0
}

// cdPath looks a relative directory up in CDPATH.
func (sh *Shell) cdPath(dir string) (target string, found bool) {
	first, _, _ := strings.Cut(dir, "/")
	list := sh.getStr("CDPATH")
	if dir == "" || first == "" || first == "." || first == ".." || list == "" {
		return dir, false
	}
	for _, p := range strings.Split(list, ":") {
		if p == "" {
			if sh.isDir(dir) {
				return dir, false
			}
			continue
		}
		if t := strings.TrimSuffix(p, "/") + "/" + dir; sh.isDir(t) {
			return t, true
		}
	}
	return dir, false
}

// chdir changes the directory and PWD, OLDPWD; names stay logical unless physical.
func (sh *Shell) chdir(dir string, physical bool) error {
	if dir == "" && !sh.bash {
		dir = "."
	}
	if dir == "" {
		return nil
	}
	logical := dir
	if !strings.HasPrefix(dir, "/") {
		logical = strings.TrimSuffix(sh.cwd, "/") + "/" + dir
	}
	logical = path.Clean(logical)
	if !physical {
		if err := sh.t.Chdir(logical); err == nil {
			sh.moved(logical)
			return nil
		}
	}
	if err := sh.t.Chdir(dir); err != nil {
		return err
	}
	real, err := sh.t.Getcwd()
	if err != nil {
		real = logical
	}
	sh.moved(real)
	return nil
}

func (sh *Shell) moved(dir string) {
	old := sh.getStr("PWD")
	if old == "" {
		old = sh.cwd
	}
	_ = sh.setVar("OLDPWD", old)
	_ = sh.setVar("PWD", dir)
	sh.cwd = dir
}

func (sh *Shell) pwdBuiltin(out *output, args []string) int {
	flags, _, ok := sh.options(args, "LP")
	if !ok {
		return 2
	}
	if !has(flags, 'P') && !sh.opts[optPhysical] && sh.cwd != "" && !sh.applet {
		out.add(sh.cwd + "\n")
		return 0
	}
	dir, err := sh.t.Getcwd()
	if err != nil {
		sh.errorf("pwd: error retrieving current directory: getcwd: %s", errText(err))
		return 1
	}
	out.add(dir + "\n")
	return 0
}

// dirStack lists the current directory and those that pushd saved.
func (sh *Shell) dirStack() []string { return append([]string{sh.cwd}, sh.dirs...) }

func (sh *Shell) tildeName(dir string) string {
	home := sh.getStr("HOME")
	if home != "" && home != "/" && (dir == home || strings.HasPrefix(dir, home+"/")) {
		return "~" + dir[len(home):]
	}
	return dir
}

func (sh *Shell) printDirs(out *output) {
	var names []string
	for _, d := range sh.dirStack() {
		names = append(names, sh.tildeName(d))
	}
	out.add(strings.Join(names, " ") + "\n")
}

// stackIndex reads +n and -n.
func (sh *Shell) stackIndex(name, s string) (int, bool) {
	if len(s) < 2 || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	n, err := strconv.Atoi(s[1:])
	if err != nil {
		return 0, false
	}
	size := len(sh.dirs) + 1
	if s[0] == '-' {
		n = size - 1 - n
	}
	if n < 0 || n >= size {
		sh.errorf("%s: %s: directory stack index out of range", name, s)
		return -1, true
	}
	return n, true
}

func (sh *Shell) pushdBuiltin(out *output, args []string) int {
	rest := args[1:]
	stay := false
	if len(rest) > 0 && rest[0] == "-n" {
		stay, rest = true, rest[1:]
	}
	stack := sh.dirStack()
	switch {
	case len(rest) == 0:
		if len(stack) < 2 {
			sh.errorf("pushd: no other directory")
			return 1
		}
		stack[0], stack[1] = stack[1], stack[0]
	default:
		if n, ok := sh.stackIndex("pushd", rest[0]); ok {
			if n < 0 {
				return 1
			}
			stack = append(slices.Clone(stack[n:]), stack[:n]...)
			break
		}
		if len(stack) > 4096 {
			sh.errorf("pushd: directory stack too large")
			return 1
		}
		old := sh.cwd
		if stay {
			sh.dirs = append([]string{rest[0]}, sh.dirs...)
			sh.printDirs(out)
			return 0
		}
		if err := sh.chdir(rest[0], false); err != nil {
			sh.errorf("pushd: %s: %s", rest[0], errText(err))
			return 1
		}
		sh.dirs = append([]string{old}, sh.dirs...)
		sh.printDirs(out)
		return 0
	}
	if err := sh.chdir(stack[0], false); err != nil {
		sh.errorf("pushd: %s: %s", stack[0], errText(err))
		return 1
	}
	sh.dirs = stack[1:]
	sh.printDirs(out)
	return 0
}

func (sh *Shell) popdBuiltin(out *output, args []string) int {
	n := 0
	if len(args) > 1 {
		i, ok := sh.stackIndex("popd", args[1])
		if !ok || i < 0 {
			return 1
		}
		n = i
	}
	if len(sh.dirs) == 0 {
		sh.errorf("popd: directory stack empty")
		return 1
	}
	if n > 0 {
		sh.dirs = slices.Delete(sh.dirs, n-1, n)
		sh.printDirs(out)
		return 0
	}
	if err := sh.chdir(sh.dirs[0], false); err != nil {
		sh.errorf("popd: %s: %s", sh.dirs[0], errText(err))
		return 1
	}
	sh.dirs = sh.dirs[1:]
	sh.printDirs(out)
	return 0
}

func (sh *Shell) dirsBuiltin(out *output, args []string) int {
	flags, _, ok := sh.options(args, "clpv")
	switch {
	case !ok:
		return 2
	case has(flags, 'c'):
		sh.dirs = nil
	case has(flags, 'v'), has(flags, 'p'):
		for i, d := range sh.dirStack() {
			if !has(flags, 'l') {
				d = sh.tildeName(d)
			}
			if has(flags, 'v') {
				d = fmt.Sprintf("%2d  %s", i, d)
			}
			out.add(d + "\n")
		}
	case has(flags, 'l'):
		out.add(strings.Join(sh.dirStack(), " ") + "\n")
	default:
		sh.printDirs(out)
	}
	return 0
}

func (sh *Shell) umaskBuiltin(out *output, args []string) int {
	flags, rest, ok := sh.options(args, "pS")
	if !ok {
		return 2
	}
	old := sh.t.Umask(0)
	sh.t.Umask(old)
	if len(rest) == 0 {
		text := fmt.Sprintf("%04o", old)
		if has(flags, 'S') {
			text = symbolicMask(old)
		}
		if has(flags, 'p') {
			text = "umask " + text
		}
		out.add(text + "\n")
		return 0
	}
	if isDigit(rest[0][0:1][0]) {
		n, err := strconv.ParseUint(rest[0], 8, 12)
		if err != nil || n > 0o777 {
			if sh.bash {
				sh.errorf("umask: %s: octal number out of range", rest[0])
				return 1
			}
			sh.errorf("umask: Illegal mode: %s", rest[0])
			return 2
		}
		sh.t.Umask(uint32(n))
		return 0
	}
	perm, ok := symbolicMode(rest[0], 0o777&^old)
	if !ok {
		if sh.bash {
			sh.errorf("umask: `%c': invalid symbolic mode character", rest[0][0])
			return 1
		}
		sh.errorf("umask: Illegal mode: %s", rest[0])
		return 2
	}
	sh.t.Umask(0o777 &^ perm)
	return 0
}

func symbolicMask(mask uint32) string {
	part := func(shift uint) string {
		s := ""
		for i, c := range "rwx" {
			if mask>>shift&(4>>i) == 0 {
				s += string(c)
			}
		}
		return s
	}
	return "u=" + part(6) + ",g=" + part(3) + ",o=" + part(0)
}

// symbolicMode applies u=rwx,go-w to permissions.
func symbolicMode(s string, perm uint32) (uint32, bool) {
	for _, clause := range strings.Split(s, ",") {
		who, i := uint32(0), 0
		for ; i < len(clause) && strings.IndexByte("ugoa", clause[i]) >= 0; i++ {
			who |= map[byte]uint32{'u': 0o700, 'g': 0o070, 'o': 0o007, 'a': 0o777}[clause[i]]
		}
		if who == 0 {
			who = 0o777
		}
		if i >= len(clause) {
			return 0, false
		}
		for i < len(clause) {
			op := clause[i]
			if strings.IndexByte("+-=", op) < 0 {
				return 0, false
			}
			bits := uint32(0)
			for i++; i < len(clause) && strings.IndexByte("+-=", clause[i]) < 0; i++ {
				switch clause[i] {
				case 'r':
					bits |= 0o444
				case 'w':
					bits |= 0o222
				case 'x', 'X':
					bits |= 0o111
				case 's', 't':
				case 'u':
					bits |= perm >> 6 & 7 * 0o111
				case 'g':
					bits |= perm >> 3 & 7 * 0o111
				case 'o':
					bits |= perm & 7 * 0o111
				default:
					return 0, false
				}
			}
			switch op {
			case '+':
				perm |= bits & who
			case '-':
				perm &^= bits & who
			case '=':
				perm = perm&^who | bits&who
			}
		}
	}
	return perm, true
}

type ulimitRow struct {
	flag byte
	res  int
	text string
	unit int64
}

var ulimitRows = []ulimitRow{
	{'c', linux.RLIMIT_CORE, "core file size              (blocks, -c)", 512},
	{'d', linux.RLIMIT_DATA, "data seg size               (kbytes, -d)", 1024},
	{'e', linux.RLIMIT_NICE, "scheduling priority                 (-e)", 1},
	{'f', linux.RLIMIT_FSIZE, "file size                   (blocks, -f)", 512},
	{'i', linux.RLIMIT_SIGPENDING, "pending signals                     (-i)", 1},
	{'l', linux.RLIMIT_MEMLOCK, "max locked memory           (kbytes, -l)", 1024},
	{'m', linux.RLIMIT_RSS, "max memory size             (kbytes, -m)", 1024},
	{'n', linux.RLIMIT_NOFILE, "open files                          (-n)", 1},
	{'q', linux.RLIMIT_MSGQUEUE, "POSIX message queues         (bytes, -q)", 1},
	{'r', linux.RLIMIT_RTPRIO, "real-time priority                  (-r)", 1},
	{'s', linux.RLIMIT_STACK, "stack size                  (kbytes, -s)", 1024},
	{'t', linux.RLIMIT_CPU, "cpu time                   (seconds, -t)", 1},
	{'u', linux.RLIMIT_NPROC, "max user processes                  (-u)", 1},
	{'v', linux.RLIMIT_AS, "virtual memory              (kbytes, -v)", 1024},
	{'x', linux.RLIMIT_LOCKS, "file locks                          (-x)", 1},
}

func (sh *Shell) ulimitBuiltin(out *output, args []string) int {
	flags, rest, ok := sh.options(args, "HSacdefilmnqrstuvx")
	if !ok {
		return 2
	}
	if has(flags, 'a') {
		for _, r := range ulimitRows {
			out.add(r.text + " " + sh.limitText(r, has(flags, 'H')) + "\n")
		}
		return 0
	}
	var picked []ulimitRow
	for _, r := range ulimitRows {
		if has(flags, r.flag) {
			picked = append(picked, r)
		}
	}
	if len(picked) == 0 {
		picked = []ulimitRow{ulimitRows[3]}
	}
	if len(rest) == 0 {
		for _, r := range picked {
			head := ""
			if len(picked) > 1 {
				head = r.text + " "
			}
			out.add(head + sh.limitText(r, has(flags, 'H')) + "\n")
		}
		return 0
	}
	return sh.setLimit(picked[len(picked)-1], rest[0], has(flags, 'H'), has(flags, 'S'))
}

func (sh *Shell) limitText(r ulimitRow, hard bool) string {
	l, err := sh.t.Getrlimit(r.res)
	if err != nil {
		return "unlimited"
	}
	v := l.Cur
	if hard {
		v = l.Max
	}
	if v == linux.RLIM_INFINITY {
		return "unlimited"
	}
	return strconv.FormatUint(uint64(v)/uint64(r.unit), 10)
}

func (sh *Shell) setLimit(r ulimitRow, value string, hard, soft bool) int {
	l, err := sh.t.Getrlimit(r.res)
	if err != nil {
		sh.errorf("ulimit: %s", errText(err))
		return 1
	}
	n := l.Cur
	switch value {
	case "unlimited":
		n = linux.RLIM_INFINITY
	case "hard":
		n = l.Max
	case "soft":
	default:
		v, err := strconv.ParseUint(value, 10, 63)
		if err != nil || v > 1<<62/uint64(r.unit) {
			sh.errorf("ulimit: %s: invalid number", value)
			return 1
		}
		n = v * uint64(r.unit)
	}
	if !hard && !soft {
		hard, soft = true, true
	}
	if hard {
		l.Max = n
	}
	if soft {
		l.Cur = n
	}
	if err := sh.t.Setrlimit(r.res, l); err != nil {
		sh.errorf("ulimit: %s: cannot modify limit: %s", strings.TrimSpace(r.text[:26]), errText(err))
		return 1
	}
	return 0
}

func (sh *Shell) hashBuiltin(out *output, args []string) int {
	flags, rest, ok := sh.options(args, "rdlp:t")
	if !ok {
		return 2
	}
	if has(flags, 'r') {
		clear(sh.hash)
		return 0
	}
	if p, ok := flags['p']; ok && len(rest) > 0 {
		sh.hash[rest[0]] = p
		return 0
	}
	if len(rest) == 0 {
		if len(sh.hash) == 0 && sh.bash {
			out.add("hash: hash table empty\n")
			return 0
		}
		if sh.bash {
			out.add("hits\tcommand\n")
		}
		for _, name := range sortedKeys(sh.hash) {
			if sh.bash {
				out.add("   1\t")
			}
			out.add(sh.hash[name] + "\n")
		}
		return 0
	}
	status := 0
	for _, name := range rest {
		if has(flags, 'd') {
			delete(sh.hash, name)
			continue
		}
		if p, ok := sh.hash[name]; ok && has(flags, 't') {
			out.add(p + "\n")
			continue
		}
		if _, ok := sh.builtin(name); ok || sh.funcs[name] != nil {
			continue
		}
		p, _ := sh.searchPath(name, sh.getStr("PATH"))
		if p == "" {
			sh.errorf("hash: %s: not found", name)
			status = 1
			continue
		}
		sh.hash[name] = p
	}
	return status
}
