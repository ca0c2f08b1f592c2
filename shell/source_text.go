package shell

import (
	"encoding/hex"
	"errors"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// Scripts are bytes and the parser reads UTF-8, so a byte that is not UTF-8 is
// carried through it as a character of the last private-use plane.
const rawByteBase = 0x10ff00

// carryBytes gives s as UTF-8; carried tells whether it was not.
func carryBytes(s string) (out string, carried bool) {
	if utf8.ValidString(s) {
		return s, false
	}
	var sb strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			r = rawByteBase + rune(s[i])
		}
		sb.WriteRune(r)
		i += n
	}
	return sb.String(), true
}

// rawBytes takes back carryBytes.
func rawBytes(s string) string {
	if strings.IndexFunc(s, isCarried) < 0 {
		return s
	}
	var sb strings.Builder
	for _, r := range s {
		if isCarried(r) {
			sb.WriteByte(byte(r - rawByteBase))
		} else {
			sb.WriteRune(r)
		}
	}
	return sb.String()
}

func isCarried(r rune) bool { return rawByteBase+0x80 <= r && r <= rawByteBase+0xff }

// restoreBytes takes back carryBytes in a parsed command.
func restoreBytes(n syntax.Node) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.Lit:
			n.Value = rawBytes(n.Value)
		case *syntax.SglQuoted:
			n.Value = rawBytes(n.Value)
		}
		return true
	})
}

// An expansion that the shell's language lacks, as ${x//a/b} in dash or ${(M)x}
// in bash, is an error only when it is expanded. The parser would refuse the
// command, so it is given a parameter of this name and the text in hexadecimal.
const badSubstPrefix = "_sbx_bad_substitution_"

// maxDeferred bounds the expansions that are deferred in one complete command.
const maxDeferred = 200

// deferExpansion replaces the ${…} around offset at, the place of a parse error.
func deferExpansion(text string, at int, err error) (string, bool) {
	var le syntax.LangError
	var pe syntax.ParseError
	switch {
	case errors.As(err, &le):
	case errors.As(err, &pe) && (strings.Contains(pe.Text, "parameter") || strings.Contains(pe.Text, "expansion")):
	default:
		return "", false
	}
	const reach = 4096 // of one expansion
	for i := min(at, len(text)-2); i >= max(0, at-reach); i-- {
		if text[i] != '$' || text[i+1] != '{' {
			continue
		}
		if end := expansionEnd(text[:min(len(text), i+reach)], i+2); end > at {
			bad := badSubstPrefix + hex.EncodeToString([]byte(rawBytes(text[i:end])))
			return text[:i] + "${" + bad + "}" + text[end:], true
		}
	}
	return "", false
}

// expansionEnd finds what follows the } of the ${ before i, or -1.
func expansionEnd(s string, i int) int {
	depth, quoted := 1, false
	for ; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case '\'':
			if quoted {
				continue
			}
			j := strings.IndexByte(s[i+1:], '\'')
			if j < 0 {
				return -1
			}
			i += j + 1
		case '$':
			if i+1 < len(s) && s[i+1] == '{' {
				depth++
				i++
			}
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

var badSubstName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$\{` + badSubstPrefix + `([0-9a-f]*)\}`) })

// originalText gives deferred expansions their own text again.
func originalText(s string) string {
	if !strings.Contains(s, badSubstPrefix) {
		return s
	}
	name := badSubstName()
	return name.ReplaceAllStringFunc(s, func(m string) string {
		text, err := hex.DecodeString(name.FindStringSubmatch(m)[1])
		if err != nil {
			return m
		}
		return string(text)
	})
}

// badSubstError is the expansion of a deferred expansion.
type badSubstError struct{ text string }

func (e *badSubstError) Error() string { return e.text + ": bad substitution" }

func (e *badSubstError) Unwrap() error { return errBadSubst }
