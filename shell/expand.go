package shell

import (
	"errors"
	"regexp"
	"strings"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"github.com/sbxrun/sbx/shell/match"
)

const (
	maxNesting  = 1000    // nested expansions in one word
	maxFields   = 1 << 20 // words that one command may expand to
	maxWordSize = 64 << 20
	elementCost = 48 // bytes charged for an array element beside its text
)

var (
	errNesting    = errors.New("expansion nested too deeply")
	errTooBig     = errors.New("expansion too large")
	errBadSubst   = errors.New("bad substitution")
	errNoMemory   = errors.New("cannot allocate memory")
	errInterrupt  = errors.New("interrupted")
	errControlled = errors.New("left") // a command inside changed the control flow
)

// unboundError is the use of an unset variable under set -u.
type unboundError struct{ name string }

func (e *unboundError) Error() string { return e.name + ": unbound variable" }

// paramError is ${name:?message}.
type paramError struct{ name, msg string }

func (e *paramError) Error() string { return e.name + ": " + e.msg }

// piece is a part of a field; quoted ones take no part in pathname expansion.
type piece struct {
	s      string
	quoted bool
}

// sink collects expanded text into fields, splitting the results of unquoted
// expansions at IFS as POSIX XCU 2.6.5 says.
type sink struct {
	split   bool
	ifs     string
	fields  [][]piece
	cur     []piece
	started bool  // cur is a field even when empty
	delim   uint8 // what ended the field before: 0, delimSpace
	emptyAt bool  // "$@" gave nothing
	size    int
	err     error
}

const delimSpace = 1

func (k *sink) add(s string, quoted bool) {
	if s == "" {
		return
	}
	if k.size += len(s); k.size > maxWordSize {
		k.err = errTooBig
		return
	}
	k.started, k.delim = true, 0
	k.cur = append(k.cur, piece{s, quoted})
}

// finish ends the current field.
func (k *sink) finish() {
	if k.started {
		k.fields = append(k.fields, k.cur)
		if len(k.fields) > maxFields {
			k.err = errTooBig
		}
	}
	k.cur, k.started = nil, false
}

// value adds the result of an unquoted expansion.
func (k *sink) value(s string) {
	if !k.split || k.ifs == "" {
		k.add(s, false)
		return
	}
	start := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if strings.IndexByte(k.ifs, c) < 0 {
			continue
		}
		k.add(s[start:i], false)
		start = i + 1
		if c == ' ' || c == '\t' || c == '\n' {
			if k.started {
				k.finish()
				k.delim = delimSpace
			}
			continue
		}
		if k.delim == delimSpace && !k.started {
			k.delim = 0
			continue
		}
		k.started = true
		k.finish()
	}
	k.add(s[start:], false)
}

func (k *sink) text() string {
	if len(k.cur) == 1 {
		return k.cur[0].s
	}
	return joinPieces(k.cur)
}

func joinPieces(ps []piece) string {
	if len(ps) == 1 {
		return ps[0].s
	}
	var sb strings.Builder
	for _, p := range ps {
		sb.WriteString(p.s)
	}
	return sb.String()
}

// patternOf escapes what was quoted.
func patternOf(ps []piece) string {
	var sb strings.Builder
	for _, p := range ps {
		if p.quoted {
			sb.WriteString(match.Quote(p.s))
		} else {
			sb.WriteString(p.s)
		}
	}
	return sb.String()
}

// ifs gives the field separators.
func (sh *Shell) ifs() string {
	v := sh.getVar("IFS")
	if v == nil {
		return " \t\n"
	}
	s, ok := v.scalar()
	if !ok {
		return " \t\n"
	}
	return s
}

func ifsFirst(ifs string) string {
	if ifs == "" {
		return ""
	}
	return ifs[:1]
}

// fields expands words to arguments: braces, tildes, parameters, commands,
// arithmetic, field splitting, pathnames, quote removal.
func (sh *Shell) fields(words []*syntax.Word) ([]string, error) {
	out := make([]string, 0, len(words))
	var err error
	for _, w := range words {
		if out, err = sh.wordFields(out, w); err != nil {
			return nil, err
		}
		if len(out) > maxFields {
			return nil, errTooBig
		}
	}
	return out, nil
}

func (sh *Shell) wordFields(out []string, w *syntax.Word) ([]string, error) {
	if lit, ok := simpleLit(w); ok {
		return append(out, lit), nil
	}
	if sh.opts[optBraceExpand] && hasBrace(w) {
		c := *w // SplitBraces replaces Parts
		if syntax.SplitBraces(&c) {
			for bw, err := range expand.BracesSeq(nil, &c) {
				if err != nil {
					return nil, errTooBig
				}
				if out, err = sh.splitWord(out, bw); err != nil {
					return nil, err
				}
				if len(out) > maxFields {
					return nil, errTooBig
				}
			}
			return out, nil
		}
	}
	return sh.splitWord(out, w)
}

// simpleLit gives the text of a word that nothing expands.
func simpleLit(w *syntax.Word) (string, bool) {
	if len(w.Parts) != 1 {
		return "", false
	}
	switch p := w.Parts[0].(type) {
	case *syntax.Lit:
		if strings.ContainsAny(p.Value, "\\*?[{~") {
			return "", false
		}
		return p.Value, true
	case *syntax.SglQuoted:
		if !p.Dollar {
			return p.Value, true
		}
	}
	return "", false
}

func hasBrace(w *syntax.Word) bool {
	for _, p := range w.Parts {
		if lit, ok := p.(*syntax.Lit); ok && strings.IndexByte(lit.Value, '{') >= 0 {
			return true
		}
	}
	return false
}

func (sh *Shell) splitWord(out []string, w *syntax.Word) ([]string, error) {
	k := sink{split: true, ifs: sh.ifs()}
	if err := sh.walk(&k, w.Parts, wordCtx{tilde: true}); err != nil {
		return nil, err
	}
	k.finish()
	if k.err != nil {
		return nil, k.err
	}
	for _, f := range k.fields {
		if !sh.opts[optNoGlob] {
			matches, ok, err := sh.globField(f)
			if err != nil {
				return nil, err
			}
			if ok {
				out = append(out, matches...)
				continue
			}
		}
		out = append(out, joinPieces(f))
	}
	return out, nil
}

// literal expands a word to one string: no splitting, no pathnames.
func (sh *Shell) literal(w *syntax.Word) (string, error) {
	if w == nil {
		return "", nil
	}
	if lit, ok := simpleLit(w); ok {
		return lit, nil
	}
	ps, err := sh.pieces(w, wordCtx{tilde: true})
	return joinPieces(ps), err
}

// assigned expands the value of an assignment: as literal, with tildes after colons.
func (sh *Shell) assigned(w *syntax.Word) (string, error) {
	if w == nil {
		return "", nil
	}
	if lit, ok := simpleLit(w); ok {
		return lit, nil
	}
	ps, err := sh.pieces(w, wordCtx{tilde: true, assign: true})
	return joinPieces(ps), err
}

// pattern expands a word to a pattern for package match.
func (sh *Shell) pattern(w *syntax.Word) (string, error) {
	if w == nil {
		return "", nil
	}
	ps, err := sh.pieces(w, wordCtx{tilde: true})
	return patternOf(ps), err
}

// regex expands a word to a regular expression: quoted text stands for itself.
func (sh *Shell) regex(w *syntax.Word) (string, error) {
	ps, err := sh.pieces(w, wordCtx{})
	if err != nil {
		return "", err
	}
	var sb strings.Builder
	for _, p := range ps {
		if p.quoted {
			sb.WriteString(regexp.QuoteMeta(p.s))
		} else {
			sb.WriteString(p.s)
		}
	}
	return sb.String(), nil
}

// document expands the body of a here-document.
func (sh *Shell) document(w *syntax.Word) (string, error) {
	if w == nil {
		return "", nil
	}
	ps, err := sh.pieces(w, wordCtx{quoted: true, heredoc: true})
	return joinPieces(ps), err
}

func (sh *Shell) pieces(w *syntax.Word, c wordCtx) ([]piece, error) {
	k := sink{ifs: sh.ifs()}
	if err := sh.walk(&k, w.Parts, c); err != nil {
		return nil, err
	}
	return k.cur, k.err
}

// matcher compiles a pattern with the shell's options; the last few are kept.
func (sh *Shell) matcher(pat string, fold bool) *match.Pattern {
	var f match.Flags
	if sh.bash {
		f |= match.Extended
	}
	if fold {
		f |= match.Fold
	}
	if sh.utf8() {
		f |= match.UTF8
	}
	key := patternKey{pat, f}
	if p, ok := sh.patterns[key]; ok {
		return p
	}
	p := match.Compile(pat, f)
	if len(sh.patterns) >= 64 {
		clear(sh.patterns)
	}
	sh.patterns[key] = p
	return p
}

type patternKey struct {
	pat   string
	flags match.Flags
}

// utf8 reports whether the locale's characters are UTF-8, by LC_ALL, LC_CTYPE, LANG.
func (sh *Shell) utf8() bool {
	if !sh.bash {
		return false
	}
	for _, name := range [...]string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if s := sh.getStr(name); s != "" {
			s = strings.ToLower(s)
			return strings.Contains(s, "utf-8") || strings.Contains(s, "utf8")
		}
	}
	return false
}
