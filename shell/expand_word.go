package shell

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// wordCtx says where a word part stands.
type wordCtx struct {
	quoted  bool // inside double quotes or a here-document
	heredoc bool
	value   bool // literal text is the result of an expansion, as in ${x:-a b}
	tilde   bool
	assign  bool // tildes after colons too
	depth   int
}

func (c wordCtx) deeper() wordCtx {
	c.depth++
	c.tilde, c.assign = false, false
	return c
}

// walk expands parts into the sink.
func (sh *Shell) walk(k *sink, parts []syntax.WordPart, c wordCtx) error {
	if c.depth > maxNesting {
		return errNesting
	}
	for i, part := range parts {
		if err := sh.walkPart(k, part, c, i, len(parts)); err != nil {
			return err
		}
		if k.err != nil {
			return k.err
		}
	}
	return nil
}

func (sh *Shell) walkPart(k *sink, part syntax.WordPart, c wordCtx, i, n int) error {
	switch p := part.(type) {
	case *syntax.Lit:
		s := p.Value
		if c.tilde && !c.assign && i == 0 && sh.bash && !sh.opts[optPosix] {
			// bash takes words that look like assignments for ones, here.
			if name, rest, ok := strings.Cut(s, "="); ok && strings.Contains(rest, "~") && validName(name) {
				k.add(name+"=", false)
				c.assign = true
				s = sh.tildes(k, rest, c, true, i == n-1)
				sh.litPart(k, s, c)
				return nil
			}
		}
		if c.tilde && !c.quoted && (i == 0 || c.assign) {
			s = sh.tildes(k, s, c, i == 0, i == n-1)
		}
		sh.litPart(k, s, c)
	case *syntax.SglQuoted:
		switch {
		case c.quoted && !p.Dollar:
			k.add("'"+p.Value+"'", true)
		case p.Dollar:
			k.add(ansiC(p.Value), true)
			k.started = true
		default:
			k.add(p.Value, true)
			k.started = true
		}
	case *syntax.DblQuoted:
		return sh.quotedPart(k, p, c)
	case *syntax.ParamExp:
		return sh.paramPart(k, p, c)
	case *syntax.CmdSubst:
		s, err := sh.cmdSubst(p)
		if err != nil {
			return err
		}
		k.result(s, c)
	case *syntax.ArithmExp:
		n, err := sh.arithExpr(p.X)
		if err != nil {
			return err
		}
		k.result(strconv.FormatInt(n, 10), c)
	case *syntax.ProcSubst:
		path, err := sh.procSubst(p)
		if err != nil {
			return err
		}
		k.add(path, true)
	case *syntax.ExtGlob:
		return sh.extGlobPart(k, p, c)
	default:
		return errBadSubst
	}
	return nil
}

// result adds what an expansion gave.
func (k *sink) result(s string, c wordCtx) {
	if c.quoted {
		k.add(s, true)
	} else {
		k.value(s)
	}
}

func (sh *Shell) quotedPart(k *sink, p *syntax.DblQuoted, c wordCtx) error {
	c = c.deeper()
	c.quoted, c.heredoc, c.value = true, false, false
	outer := k.emptyAt
	k.emptyAt = false
	if err := sh.walk(k, p.Parts, c); err != nil {
		return err
	}
	if !k.emptyAt {
		k.started, k.delim = true, 0
	}
	k.emptyAt = outer
	return nil
}

// litPart adds literal text, taking out its escapes.
func (sh *Shell) litPart(k *sink, s string, c wordCtx) {
	add := func(s string) {
		switch {
		case c.quoted:
			k.add(s, true)
		case c.value:
			k.value(s)
		default:
			k.add(s, false)
		}
	}
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 || i == len(s)-1 {
			add(s)
			return
		}
		next := s[i+1]
		switch {
		case next == '\n':
			add(s[:i])
		case !c.quoted:
			add(s[:i])
			k.add(s[i+1:i+2], true)
		case next == '$' || next == '`' || next == '\\' || next == '"' && !c.heredoc:
			add(s[:i])
			k.add(s[i+1:i+2], true)
		default:
			add(s[:i+2])
		}
		s = s[i+2:]
	}
}

func (sh *Shell) extGlobPart(k *sink, p *syntax.ExtGlob, c wordCtx) error {
	k.add(p.Op.String(), c.quoted)
	s := p.Pattern.Value
	if strings.ContainsAny(s, "$`\"'") {
		// The parser keeps the list as it is written: its expansions are read here.
		w, err := sh.parseWord(s)
		if err != nil {
			return err
		}
		if err := sh.walk(k, w.Parts, c.deeper()); err != nil {
			return err
		}
	} else {
		k.add(s, c.quoted)
	}
	k.add(")", c.quoted)
	return nil
}

// tildes expands ~ at the start (and after colons in assignments) of s and
// returns what is left to add.
func (sh *Shell) tildes(k *sink, s string, c wordCtx, first, last bool) string {
	if first && strings.HasPrefix(s, "~") {
		s = sh.tilde(k, s, c, last)
	}
	if !c.assign {
		return s
	}
	for {
		i := strings.Index(s, ":~")
		if i < 0 {
			return s
		}
		sh.litPart(k, s[:i+1], c)
		rest := s[i+1:]
		s = sh.tilde(k, rest, c, last)
		if s == rest {
			k.add("~", false)
			s = s[1:]
		}
	}
}

// tilde expands one prefix ~, ~user, ~+ or ~-.
func (sh *Shell) tilde(k *sink, s string, c wordCtx, last bool) string {
	end := strings.IndexByte(s, '/')
	if c.assign {
		if i := strings.IndexByte(s, ':'); i >= 0 && (end < 0 || i < end) {
			end = i
		}
	}
	if end < 0 {
		if !last {
			return s // ~$x is no tilde prefix
		}
		end = len(s)
	}
	name := s[1:end]
	dir, ok := sh.homeOf(name)
	if !ok {
		return s
	}
	rest := s[end:]
	if dir == "/" && strings.HasPrefix(rest, "/") {
		dir = ""
	}
	k.add(dir, true)
	k.started = true
	return rest
}

func (sh *Shell) homeOf(name string) (string, bool) {
	switch {
	case name == "":
		if v := sh.getVar("HOME"); v != nil {
			return v.scalar()
		}
		return sh.passwdHome(sh.userName())
	case name == "+" && sh.bash:
		return sh.getStr("PWD"), true
	case name == "-" && sh.bash:
		if s := sh.getStr("OLDPWD"); s != "" {
			return s, true
		}
		return "", false
	case strings.ContainsAny(name, "\\$'\""):
		return "", false
	}
	return sh.passwdHome(name)
}
