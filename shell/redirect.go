package shell

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/vfs"
)

// firstPrivateFd is where the shell keeps descriptors that scripts do not name.
const firstPrivateFd = 10

// savedFd remembers what a descriptor was before a redirection.
type savedFd struct {
	fd   int
	copy int // -1: it was closed
}

// redirErr is a redirection that failed.
type redirErr struct {
	target string
	err    error
	create bool
	open   bool
}

func (e *redirErr) Error() string { return e.target + ": " + errText(e.err) }

func (e *redirErr) Unwrap() error { return e.err }

var (
	errAmbiguous = errors.New("ambiguous redirect")
	errExists    = errors.New("cannot overwrite existing file")
)

// redirError reports a failed redirection; the command is not run.
func (sh *Shell) redirError(err error) {
	var re *redirErr
	if !errors.As(err, &re) {
		sh.expandError(err)
		return
	}
	sh.status = 1
	if sh.bash {
		sh.errorf("%s", re.Error())
		return
	}
	sh.status = 2
	switch {
	case errors.Is(re.err, errExists):
		sh.errorf("cannot create %s: File exists", re.target)
	case re.open && re.create:
		text := errText(re.err)
		if e, _ := asErrno(re.err); e == linux.ENOENT {
			text = "Directory nonexistent"
		}
		sh.errorf("cannot create %s: %s", re.target, text)
	case re.open:
		text := errText(re.err)
		if e, _ := asErrno(re.err); e == linux.ENOENT {
			text = "No such file"
		}
		sh.errorf("cannot open %s: %s", re.target, text)
	default:
		sh.errorf("%s", re.Error())
	}
}

// redirect applies redirections in order. The caller undoes what was saved,
// also after an error.
func (sh *Shell) redirect(rs []*syntax.Redirect) (saved []savedFd, err error) {
	for _, r := range rs {
		if err = sh.redirectOne(r, &saved); err != nil {
			return saved, err
		}
	}
	return saved, nil
}

// undo gives every saved descriptor its old meaning, last first.
func (sh *Shell) undo(saved []savedFd) {
	for i := len(saved) - 1; i >= 0; i-- {
		s := saved[i]
		if s.copy < 0 {
			_ = sh.t.Close(s.fd)
			continue
		}
		_, _ = sh.t.Dup2(s.copy, s.fd)
		_ = sh.t.Close(s.copy)
	}
}

// forget drops what was saved: the redirections stay.
func (sh *Shell) forget(saved []savedFd) {
	for _, s := range saved {
		if s.copy >= 0 {
			_ = sh.t.Close(s.copy)
		}
	}
}

func (sh *Shell) save(fd int, saved *[]savedFd) error {
	for _, s := range *saved {
		if s.fd == fd {
			return nil
		}
	}
	c, err := sh.t.DupFrom(fd, firstPrivateFd, true)
	if e, _ := asErrno(err); e == linux.EINVAL && sh.bash {
		c, err = sh.t.DupFrom(fd, 0, true) // ulimit -n leaves no room above
	}
	if err != nil {
		if e, _ := asErrno(err); e != linux.EBADF {
			return &redirErr{target: strconv.Itoa(fd), err: err}
		}
		c = -1
	}
	*saved = append(*saved, savedFd{fd, c})
	return nil
}

// place makes file descriptor from (which is then closed) descriptor fd.
func (sh *Shell) place(from, fd int, saved *[]savedFd) error {
	if from == fd {
		// It was closed before: only the close-on-exec flag is to go.
		*saved = append(*saved, savedFd{fd, -1})
		return sh.t.SetFdFlags(fd, 0)
	}
	if err := sh.save(fd, saved); err != nil {
		_ = sh.t.Close(from)
		return err
	}
	_, err := sh.t.Dup2(from, fd)
	_ = sh.t.Close(from)
	if err != nil {
		return &redirErr{target: strconv.Itoa(fd), err: err}
	}
	return nil
}

func isInput(op syntax.RedirOperator) bool {
	switch op {
	case syntax.RdrIn, syntax.RdrInOut, syntax.DplIn, syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc:
		return true
	}
	return false
}

func (sh *Shell) redirectOne(r *syntax.Redirect, saved *[]savedFd) error {
	fd, variable := 1, ""
	if isInput(r.Op) {
		fd = 0
	}
	if r.N != nil {
		if n := r.N.Value; strings.HasPrefix(n, "{") {
			variable = strings.Trim(n, "{}")
		} else if v, err := strconv.Atoi(n); err == nil {
			fd = v
		}
	}
	switch r.Op {
	case syntax.DplIn, syntax.DplOut:
		return sh.duplicate(r, fd, variable, saved)
	case syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc:
		body, err := sh.hereText(r)
		if err != nil {
			return err
		}
		from, err := sh.hereFile(body)
		if err != nil {
			return &redirErr{target: "here-document", err: err}
		}
		return sh.placeOrName(from, fd, variable, saved)
	}
	target, err := sh.redirTarget(r.Word)
	if err != nil {
		return err
	}
	from, err := sh.openTarget(target, r.Op)
	if err != nil {
		return err
	}
	if r.Op == syntax.RdrAll || r.Op == syntax.AppAll {
		if err := sh.place(from, 1, saved); err != nil {
			return err
		}
		return sh.dupTo(1, 2, saved)
	}
	return sh.placeOrName(from, fd, variable, saved)
}

// placeOrName puts a descriptor in its place, or in a free one that a variable names.
func (sh *Shell) placeOrName(from, fd int, variable string, saved *[]savedFd) error {
	if variable == "" {
		return sh.place(from, fd, saved)
	}
	n, err := sh.t.DupFrom(from, firstPrivateFd, false)
	_ = sh.t.Close(from)
	if err != nil {
		return &redirErr{target: variable, err: err}
	}
	return sh.setVar(variable, strconv.Itoa(n))
}

// redirTarget expands the word after the operator to exactly one name.
func (sh *Shell) redirTarget(w *syntax.Word) (string, error) {
	if !sh.bash {
		return sh.literal(w)
	}
	fields, err := sh.fields([]*syntax.Word{w})
	if err != nil {
		return "", err
	}
	if len(fields) != 1 {
		return "", &redirErr{target: printWord(w), err: errAmbiguous}
	}
	return fields[0], nil
}

func (sh *Shell) openTarget(target string, op syntax.RedirOperator) (int, error) {
	flags := linux.O_CLOEXEC
	switch op {
	case syntax.RdrIn:
		flags |= linux.O_RDONLY
	case syntax.RdrInOut:
		flags |= linux.O_RDWR | linux.O_CREAT
	case syntax.AppOut, syntax.AppAll:
		flags |= linux.O_WRONLY | linux.O_CREAT | linux.O_APPEND
	default:
		flags |= linux.O_WRONLY | linux.O_CREAT | linux.O_TRUNC
	}
	create := flags&linux.O_CREAT != 0
	if fd, ok := devFd(target); ok {
		n, err := sh.t.DupFrom(fd, firstPrivateFd, true)
		if err != nil {
			return 0, &redirErr{target: target, err: err, open: true, create: create}
		}
		return n, nil
	}
	if sh.opts[optNoClobber] && (op == syntax.RdrOut || op == syntax.RdrAll) {
		var a vfs.Attr
		if sh.t.Stat(linux.AT_FDCWD, target, 0, &a) == nil {
			if a.Mode&linux.S_IFMT == linux.S_IFREG {
				return 0, &redirErr{target: target, err: errExists, create: true, open: true}
			}
		} else {
			flags |= linux.O_EXCL
		}
	}
	if sh.readyFd >= 0 {
		var a vfs.Attr
		if sh.t.Stat(linux.AT_FDCWD, target, 0, &a) == nil && a.Mode&linux.S_IFMT == linux.S_IFIFO {
			sh.release()
		}
	}
	for {
		fd, err := sh.t.Open(linux.AT_FDCWD, target, flags, 0o666)
		if err == nil {
			return fd, nil
		}
		if e, _ := asErrno(err); e == linux.EINTR && !sh.dead() {
			sh.takeSignals()
			continue
		}
		return 0, &redirErr{target: target, err: err, open: true, create: create}
	}
}

// devFd recognizes the names that stand for a descriptor of this process.
func devFd(path string) (int, bool) {
	switch path {
	case "/dev/stdin":
		return 0, true
	case "/dev/stdout":
		return 1, true
	case "/dev/stderr":
		return 2, true
	}
	if rest, ok := strings.CutPrefix(path, "/dev/fd/"); ok {
		n, err := strconv.Atoi(rest)
		return n, err == nil && n >= 0
	}
	return 0, false
}

// duplicate does >&n, <&n, n>&- and >&word.
func (sh *Shell) duplicate(r *syntax.Redirect, fd int, variable string, saved *[]savedFd) error {
	word, err := sh.redirTarget(r.Word)
	if err != nil {
		return err
	}
	if variable != "" && word == "-" {
		n, err := strconv.Atoi(sh.getStr(variable))
		if err != nil {
			return &redirErr{target: variable, err: errAmbiguous}
		}
		_ = sh.t.Close(n)
		return nil
	}
	if word == "-" {
		if err := sh.save(fd, saved); err != nil {
			return err
		}
		_ = sh.t.Close(fd)
		return nil
	}
	num, move := strings.CutSuffix(word, "-")
	from, err := strconv.Atoi(num)
	if err != nil || from < 0 {
		if r.Op == syntax.DplOut && r.N == nil && sh.bash {
			f, err := sh.openTarget(word, syntax.RdrOut)
			if err != nil {
				return err
			}
			if err := sh.place(f, 1, saved); err != nil {
				return err
			}
			return sh.dupTo(1, 2, saved)
		}
		if sh.bash {
			return &redirErr{target: word, err: errAmbiguous}
		}
		return &redirErr{target: word, err: errors.New("bad file descriptor")}
	}
	if variable != "" {
		n, err := sh.t.DupFrom(from, firstPrivateFd, false)
		if err != nil {
			return &redirErr{target: word, err: err}
		}
		return sh.setVar(variable, strconv.Itoa(n))
	}
	if err := sh.dupTo(from, fd, saved); err != nil {
		return err
	}
	if move && from != fd {
		if err := sh.save(from, saved); err != nil {
			return err
		}
		_ = sh.t.Close(from)
	}
	return nil
}

func (sh *Shell) dupTo(from, to int, saved *[]savedFd) error {
	if err := sh.save(to, saved); err != nil {
		return err
	}
	if from == to {
		if _, err := sh.t.FdFlags(from); err != nil {
			return &redirErr{target: strconv.Itoa(from), err: err}
		}
		return nil
	}
	if _, err := sh.t.Dup2(from, to); err != nil {
		return &redirErr{target: strconv.Itoa(from), err: err}
	}
	return nil
}

// hereText expands a here-document or here-string.
func (sh *Shell) hereText(r *syntax.Redirect) (string, error) {
	if r.Op == syntax.WordHdoc {
		s, err := sh.literal(r.Word)
		return s + "\n", err
	}
	if r.Hdoc == nil {
		return "", nil
	}
	w := r.Hdoc
	if r.Op == syntax.DashHdoc {
		w = stripTabs(w)
	}
	if quotedDelim(r.Word) {
		var sb strings.Builder
		for _, p := range w.Parts {
			if lit, ok := p.(*syntax.Lit); ok {
				sb.WriteString(lit.Value)
			}
		}
		return sb.String(), nil
	}
	return sh.document(w)
}

func quotedDelim(w *syntax.Word) bool {
	for _, p := range w.Parts {
		lit, ok := p.(*syntax.Lit)
		if !ok || strings.IndexByte(lit.Value, '\\') >= 0 {
			return true
		}
	}
	return false
}

// stripTabs takes the leading tabs of every line of a <<- body.
func stripTabs(w *syntax.Word) *syntax.Word {
	out := &syntax.Word{}
	start := true
	for _, p := range w.Parts {
		lit, ok := p.(*syntax.Lit)
		if !ok {
			out.Parts, start = append(out.Parts, p), false
			continue
		}
		var sb strings.Builder
		for i := 0; i < len(lit.Value); i++ {
			c := lit.Value[i]
			if start && c == '\t' {
				continue
			}
			start = c == '\n'
			sb.WriteByte(c)
		}
		out.Parts = append(out.Parts, &syntax.Lit{ValuePos: lit.ValuePos, ValueEnd: lit.ValueEnd, Value: sb.String()})
	}
	return out
}

// pipeRoom is how much a new pipe takes without a reader.
const pipeRoom = 64 << 10

// hereFile gives a descriptor that reads body: a pipe that is already full of
// it, or one that a child fills.
func (sh *Shell) hereFile(body string) (int, error) {
	r, w, err := sh.t.Pipe(linux.O_CLOEXEC)
	if err != nil {
		return 0, err
	}
	defer sh.t.Close(w)
	if len(body) <= pipeRoom {
		return r, sh.writeAll(w, body)
	}
	_, err = sh.t.Fork(kernel.ProgramFunc(func(t *kernel.Task) int {
		_ = t.Close(r)
		for p := []byte(body); len(p) > 0; {
			n, err := t.Write(w, p)
			if err != nil {
				return 1
			}
			p = p[n:]
		}
		return 0
	}))
	if err != nil {
		_ = sh.t.Close(r)
		return 0, fmt.Errorf("fork: %w", err)
	}
	return r, nil
}
