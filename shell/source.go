package shell

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/sbxrun/sbx/abi/linux"
)

const (
	maxNestedSource = 10_000 // openers without their closers in one complete command
	maxOperators    = 60_000 // operators in one complete command
	maxLine         = 16 << 20
)

// source gives a shell its commands, one line at a time.
type source struct {
	next    func() (line string, err error) // io.EOF at the end
	lines   int
	pending string // rest of a line that the parser had no room for
	command []byte // what the parser has of the present command
	start   int    // lines before the present command
	before  int    // bytes that the parser had before it
	fixed   int    // expansions of it that were deferred
	carried bool   // carryBytes changed something
	name    string // for messages: "-c", "eval"
	text    string // the last line, for messages
	prompt  bool
	ended   bool
	quoted  bool   // aliases: a quote is open
	hereEnd string // aliases: the delimiter that ends a here-document
	guard   guard
	resume  bool        // an error gives up its line only
	canTail func() bool // whether the line just read is the last
}

// stringSource reads commands from a string.
func stringSource(s string) *source {
	return &source{next: func() (string, error) {
		if s == "" {
			return "", io.EOF
		}
		line := s
		if i := strings.IndexByte(s, '\n'); i >= 0 {
			line = s[:i+1]
		}
		s = s[len(line):]
		return line, nil
	}}
}

// reader feeds the parser whole lines and nothing beyond.
type reader struct {
	sh  *Shell
	src *source
}

var errTooComplex = errors.New("syntax error: command too complex")

func (r *reader) Read(p []byte) (int, error) {
	src := r.src
	if src.pending == "" {
		if src.ended {
			return 0, io.EOF
		}
		line, err := src.next()
		if err != nil || line == "" {
			src.ended = true
			return 0, io.EOF
		}
		if r.sh.opts[optVerbose] {
			r.sh.stderr(line)
		}
		if line[len(line)-1] != '\n' {
			line += "\n"
		}
		src.lines++
		src.text = line
		if len(r.sh.aliases) > 0 && r.sh.aliasesOn() {
			line = r.sh.expandAliases(line, src)
		}
		if !src.guard.line(line) {
			src.ended = true
			return 0, errTooComplex
		}
		var carried bool
		if line, carried = carryBytes(line); carried {
			src.carried = true
		}
		src.pending = line
		src.command = append(src.command, line...)
	}
	n := copy(p, src.pending)
	src.pending = src.pending[n:]
	return n, nil
}

// guard bounds how deep a command may nest, before the parser recurses into it.
type guard struct {
	depth, ops int
}

func (g *guard) line(s string) bool {
	word := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if 'a' <= c && c <= 'z' {
			continue
		}
		g.keyword(s[word:i])
		word = i + 1
		switch c {
		case '(', '{', '[':
			g.depth++
		case ')', '}', ']':
			g.depth = max(0, g.depth-1)
		case '-', '+', '~', '!', '?', '*', '=', '&', '|', '`', ':', '<', '>', ',', '^', '/', '%':
			g.ops++
		}
	}
	g.keyword(s[word:])
	return g.depth <= maxNestedSource && g.ops <= maxOperators
}

func (g *guard) keyword(w string) {
	switch w {
	case "if", "while", "until", "for", "case", "select", "time", "coproc", "function", "elif", "else":
		g.depth++
	case "fi", "done", "esac":
		g.depth = max(0, g.depth-1)
	}
}

func (sh *Shell) parser() *syntax.Parser {
	lang := syntax.LangPOSIX
	if sh.bash {
		lang = syntax.LangBash
	}
	return syntax.NewParser(syntax.Variant(lang))
}

// parseWord reads the inside of a here-document or an extended pattern.
func (sh *Shell) parseWord(s string) (*syntax.Word, error) {
	var g guard
	if !g.line(s) {
		return nil, errTooComplex
	}
	s, carried := carryBytes(s)
	w, err := sh.parser().Document(strings.NewReader(s))
	if carried && err == nil {
		restoreBytes(w)
	}
	return w, err
}

// run executes commands from src until its end, an exit, or a syntax error.
func (sh *Shell) run(src *source) {
	savedBase := sh.lineBase
	defer func() { sh.lineBase = savedBase }()
	base := savedBase
	for {
		sh.lineBase = base + src.start
		again := sh.runParser(src)
		if !again || sh.dead() {
			return
		}
		src.prompt = false
	}
}

// runParser executes until a syntax error; again asks for a fresh parser.
func (sh *Shell) runParser(src *source) (again bool) {
	p := sh.parser()
	src.guard = guard{}
	src.before = 0
	ran := false
	for stmts, err := range p.InteractiveSeq(&reader{sh, src}) {
		if err != nil {
			if src.prompt && src.ended && src.text == "" {
				return false
			}
			if src.repair(err) {
				return true
			}
			src.pending = ""
			src.nextCommand()
			return sh.syntaxError(src, err)
		}
		if p.Incomplete() {
			src.prompt = true
			continue
		}
		src.prompt = false
		src.guard = guard{}
		if src.carried {
			for _, st := range stmts {
				restoreBytes(st)
			}
		}
		src.before += len(src.command)
		src.nextCommand()
		if len(stmts) == 0 {
			continue
		}
		sh.parseLine = src.lines
		if src.canTail != nil && len(stmts) > 0 && src.canTail() {
			sh.stmtsTail(stmts)
		} else {
			sh.stmts(stmts)
		}
		ran = true
		if sh.ctl == ctlAbort && sh.afterAbort(src) {
			src.pending = ""
			return true
		}
		if sh.stopped() {
			return false
		}
		if sh.opts[optOneCmd] {
			return false
		}
	}
	if !ran && src.lines == 0 && src.name != "" {
		sh.status = 0
	}
	return false
}

// nextCommand notes that the lines read so far are parsed.
func (src *source) nextCommand() {
	src.command, src.start, src.fixed = src.command[:0], src.lines, 0
}

// repair defers the expansion that the parser refused; the command is to be parsed again.
func (src *source) repair(err error) bool {
	if src.fixed >= maxDeferred {
		return false
	}
	var pos syntax.Pos
	var pe syntax.ParseError
	var le syntax.LangError
	switch {
	case errors.As(err, &pe):
		pos = pe.Pos
	case errors.As(err, &le):
		pos = le.Pos
	}
	text, ok := deferExpansion(string(src.command), int(pos.Offset())-src.before, err)
	if !ok {
		return false
	}
	src.command, src.pending = []byte(text), text
	src.fixed++
	return true
}

// afterAbort gives up a line and goes on with the next, where the input has lines.
func (sh *Shell) afterAbort(src *source) bool {
	if !src.resume {
		return false
	}
	sh.ctl, sh.ctlN, sh.noErr, sh.loops = ctlNone, 0, 0, 0
	return true
}

// syntaxError reports a parse error as bash or dash words it.
func (sh *Shell) syntaxError(src *source, err error) (again bool) {
	var pe syntax.ParseError
	var le syntax.LangError
	msg, line := err.Error(), 0
	switch {
	case errors.As(err, &pe):
		msg, line = pe.Text, int(pe.Pos.Line())
	case errors.As(err, &le):
		line = int(le.Pos.Line())
	}
	sh.status = 2
	if line > 0 {
		sh.line = sh.lineBase + line
	}
	token := ""
	if i := strings.IndexByte(msg, '`'); i >= 0 {
		if j := strings.IndexByte(msg[i+1:], '`'); j > 0 {
			token = msg[i+1 : i+1+j]
		}
	}
	incomplete := syntax.IsIncomplete(err)
	switch {
	case strings.Contains(msg, "arithmetic") || strings.Contains(msg, "expansion operator") || strings.Contains(msg, "parameter expansion"):
		if sh.bash {
			sh.status = 1
		}
		sh.errorf("%s: bad substitution or arithmetic: %s", strings.TrimSpace(src.text), msg)
		if src.resume {
			return true
		}
	case sh.bash:
		sh.bashSyntax(src, msg, token, incomplete)
	default:
		sh.dashSyntax(msg, token, incomplete, &le)
	}
	if sh.interactive && src.resume {
		return true
	}
	if sh.ctl == ctlNone && (!sh.bash || src.name != "eval") {
		sh.leave()
	}
	return false
}

func (sh *Shell) bashSyntax(src *source, msg, token string, incomplete bool) {
	where := sh.name() + ": "
	if src.name != "" && src.name != "stdin" {
		where += src.name + ": "
	}
	if !sh.interactive && !sh.fromStdin {
		where = strings.TrimSuffix(where, " ") + " line " + strconv.Itoa(sh.line) + ": "
	}
	if incomplete {
		if strings.Contains(msg, "without matching") && token != "" && len(token) <= 2 {
			sh.stderr(where + "unexpected EOF while looking for matching `" + closer(token) + "'\n")
		} else {
			sh.stderr(where + "syntax error: unexpected end of file\n")
		}
		return
	}
	if token == "" {
		sh.stderr(where + "syntax error: " + msg + "\n")
		return
	}
	sh.stderr(where + "syntax error near unexpected token `" + token + "'\n")
	sh.stderr(where + "`" + strings.TrimRight(src.text, "\n") + "'\n")
}

func (sh *Shell) dashSyntax(msg, token string, incomplete bool, le *syntax.LangError) {
	switch {
	case incomplete && (strings.Contains(token, "\"") || strings.Contains(token, "'")):
		sh.errorf("Syntax error: Unterminated quoted string")
	case incomplete:
		sh.errorf("Syntax error: end of file unexpected")
	case strings.Contains(le.Feature, "array"):
		sh.errorf("Syntax error: \"(\" unexpected")
	case le.Feature != "":
		sh.errorf("Bad substitution")
	case token != "":
		sh.errorf("Syntax error: \"%s\" unexpected", token)
	default:
		sh.errorf("Syntax error: %s", msg)
	}
}

func closer(open string) string {
	switch open {
	case "(", "$(", "((", "<(", ">(":
		return ")"
	case "{", "${":
		return "}"
	case "$'":
		return "'"
	case "$\"":
		return "\""
	}
	return open
}

// evalString runs commands given as text, as eval and traps do.
func (sh *Shell) evalString(s string, base int) {
	src := stringSource(s)
	src.name = "eval"
	saved := sh.lineBase
	sh.lineBase = max(0, sh.line-1)
	tail := sh.tail
	sh.tail = false
	sh.run(src)
	sh.tail = tail
	sh.lineBase = saved
}

// readLine reads one line from a descriptor and no byte beyond it.
func (sh *Shell) readLine(fd int) (line string, eof bool) {
	var out []byte
	if off, err := sh.t.Lseek(fd, 0, linux.SEEK_CUR); err == nil && !sh.t.Isatty(fd) {
		return sh.readSeek(fd, off)
	}
	buf := make([]byte, 1)
	for len(out) < maxLine {
		n, err := sh.t.Read(fd, buf)
		if err != nil {
			if e, _ := asErrno(err); e == linux.EINTR && !sh.dead() {
				sh.takeSignals()
				if sh.ctl != ctlNone {
					return string(out), false
				}
				sh.poll()
				continue
			}
			return string(out), true
		}
		if n == 0 {
			return string(out), true
		}
		out = append(out, buf[0])
		if buf[0] == '\n' {
			break
		}
	}
	return string(out), false
}

// readSeek reads a block and goes back to the end of the line.
func (sh *Shell) readSeek(fd int, off int64) (string, bool) {
	var out []byte
	buf := make([]byte, 512)
	for len(out) < maxLine {
		n, err := sh.t.Read(fd, buf)
		if err != nil || n == 0 {
			return string(out), true
		}
		chunk := buf[:n]
		if i := strings.IndexByte(string(chunk), '\n'); i >= 0 {
			out = append(out, chunk[:i+1]...)
			_, _ = sh.t.Lseek(fd, off+int64(len(out)), linux.SEEK_SET)
			return string(out), false
		}
		out = append(out, chunk...)
		if len(buf) < 64<<10 {
			buf = make([]byte, len(buf)*2)
		}
	}
	return string(out), false
}
