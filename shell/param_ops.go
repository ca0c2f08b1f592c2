package shell

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// paramOps applies what stands after the name: slices, replacements, removals.
func (sh *Shell) paramOps(pe *syntax.ParamExp, v *pval) error {
	switch {
	case pe.Slice != nil:
		return sh.paramSlice(pe, v)
	case pe.Repl != nil:
		return sh.paramReplace(pe, v)
	case pe.Exp != nil:
		return sh.paramExp(pe, v)
	}
	return nil
}

func (v *pval) each(f func(string) string) {
	if !v.many {
		v.str = f(v.str)
		return
	}
	out := make([]string, len(v.list))
	for i, s := range v.list {
		out[i] = f(s)
	}
	v.list = out
}

func (sh *Shell) paramExp(pe *syntax.ParamExp, v *pval) error {
	switch op := pe.Exp.Op; op {
	case syntax.RemSmallPrefix, syntax.RemLargePrefix, syntax.RemSmallSuffix, syntax.RemLargeSuffix:
		pat, err := sh.pattern(pe.Exp.Word)
		if err != nil {
			return err
		}
		m := sh.matcher(pat, false)
		v.each(func(s string) string {
			if op == syntax.RemSmallPrefix || op == syntax.RemLargePrefix {
				return s[max(0, m.Prefix(s, op == syntax.RemLargePrefix)):]
			}
			return s[:len(s)-max(0, m.Suffix(s, op == syntax.RemLargeSuffix))]
		})
	case syntax.UpperFirst, syntax.UpperAll, syntax.LowerFirst, syntax.LowerAll:
		return sh.paramCase(pe, v)
	case syntax.OtherParamOps:
		return sh.paramAt(pe, v)
	}
	return nil
}

func (sh *Shell) paramCase(pe *syntax.ParamExp, v *pval) error {
	op := pe.Exp.Op
	pat, err := sh.pattern(pe.Exp.Word)
	if err != nil {
		return err
	}
	m := sh.matcher(pat, false)
	conv := unicode.ToUpper
	if op == syntax.LowerFirst || op == syntax.LowerAll {
		conv = unicode.ToLower
	}
	first := op == syntax.UpperFirst || op == syntax.LowerFirst
	v.each(func(s string) string {
		var sb strings.Builder
		for i := 0; i < len(s); {
			r, n := utf8.DecodeRuneInString(s[i:])
			ch := s[i : i+n]
			if (i == 0 || !first) && r != utf8.RuneError && (pat == "" || m.Match(ch)) {
				sb.WriteRune(conv(r))
			} else {
				sb.WriteString(ch)
			}
			i += n
		}
		return sb.String()
	})
	return nil
}

// paramSlice is ${x:offset:length}.
func (sh *Shell) paramSlice(pe *syntax.ParamExp, v *pval) error {
	off, err := sh.arithExpr(pe.Slice.Offset)
	if err != nil {
		return err
	}
	n, hasLen := int64(0), pe.Slice.Length != nil
	if hasLen {
		if n, err = sh.arithExpr(pe.Slice.Length); err != nil {
			return err
		}
	}
	if v.many {
		return sh.sliceList(v, off, n, hasLen)
	}
	size := int64(sh.length(v.str))
	if off < 0 {
		off += size
	}
	if off < 0 || off > size {
		v.str = ""
		return nil
	}
	end := size
	if hasLen {
		if end = off + n; n < 0 {
			if end = size + n; end < off {
				return fmt.Errorf("%d: substring expression < 0", n)
			}
		}
		end = min(end, size)
	}
	v.str = sh.substr(v.str, off, end)
	return nil
}

func (sh *Shell) substr(s string, from, to int64) string {
	if !sh.utf8() {
		return s[from:to]
	}
	pos, start := int64(0), len(s)
	for i := range s {
		if pos == from {
			start = i
		}
		if pos == to {
			return s[start:i]
		}
		pos++
	}
	return s[min(start, len(s)):]
}

func (sh *Shell) sliceList(v *pval, off, n int64, hasLen bool) error {
	if hasLen && n < 0 {
		return fmt.Errorf("%d: substring expression < 0", n)
	}
	list := v.list
	start := off
	switch {
	case v.name == "@" || v.name == "*":
		list = append([]string{sh.arg0}, list...)
		if off < 0 {
			start += int64(len(list))
		}
		if off == 0 || start > 0 {
			break
		}
	case v.keys != nil && v.v != nil && v.v.attr&attrIndexed != 0:
		// The offset of an indexed array is an index, not a place.
		if off < 0 {
			off += v.v.arr.next()
		}
		if start, _ = findKey(v.keys, off); off < 0 {
			start = -1
		}
	case off < 0:
		start += int64(len(list))
	}
	if start < 0 || start > int64(len(list)) {
		v.list = nil
		return nil
	}
	list = list[start:]
	if hasLen && n < int64(len(list)) {
		list = list[:n]
	}
	v.list = list
	return nil
}

func findKey(keys []string, at int64) (int64, bool) {
	for i, k := range keys {
		if n, _ := strconv.ParseInt(k, 10, 64); n >= at {
			return int64(i), true
		}
	}
	return int64(len(keys)), false
}

// paramReplace is ${x/pattern/text} and its anchored and global forms.
func (sh *Shell) paramReplace(pe *syntax.ParamExp, v *pval) error {
	pat, err := sh.pattern(pe.Repl.Orig)
	if err != nil {
		return err
	}
	var with []piece
	if pe.Repl.With != nil {
		if with, err = sh.pieces(pe.Repl.With, wordCtx{tilde: true}); err != nil {
			return err
		}
	}
	put := func(m string) string { return substitute(with, m) }
	anchor := byte(0)
	if !pe.Repl.All && pat != "" && (pat[0] == '#' || pat[0] == '%') {
		anchor, pat = pat[0], pat[1:]
	}
	if pat == "" && anchor == 0 {
		return nil
	}
	m := sh.matcher(pat, sh.shopts["nocasematch"])
	total := 0
	v.each(func(s string) string {
		switch anchor {
		case '#':
			if n := m.Prefix(s, true); n >= 0 {
				return put(s[:n]) + s[n:]
			}
			return s
		case '%':
			if n := m.Suffix(s, true); n >= 0 {
				return s[:len(s)-n] + put(s[len(s)-n:])
			}
			return s
		}
		return m.Replace(s, pe.Repl.All, func(match string) string {
			out := put(match)
			if total += len(out); total > maxWordSize {
				err = errTooBig
				return ""
			}
			return out
		})
	})
	return err
}

// substitute puts the match in the place of each unquoted & of the replacement.
func substitute(with []piece, match string) string {
	var sb strings.Builder
	for _, p := range with {
		if p.quoted {
			sb.WriteString(p.s)
		} else {
			sb.WriteString(strings.ReplaceAll(p.s, "&", match))
		}
	}
	return sb.String()
}

// paramAt is ${x@Q} and its relatives.
func (sh *Shell) paramAt(pe *syntax.ParamExp, v *pval) error {
	op, err := sh.literal(pe.Exp.Word)
	if err != nil {
		return err
	}
	if !v.set && op != "a" && op != "A" {
		return nil
	}
	switch op {
	case "Q":
		v.each(quoteSingle)
	case "E":
		v.each(ansiC)
	case "U":
		v.each(strings.ToUpper)
	case "L":
		v.each(strings.ToLower)
	case "u":
		v.each(func(s string) string {
			r, n := utf8.DecodeRuneInString(s)
			if n == 0 || r == utf8.RuneError {
				return s
			}
			return string(unicode.ToUpper(r)) + s[n:]
		})
	case "P":
		v.each(sh.promptString)
	case "a":
		v.str, v.many = "", false
		if v.v != nil {
			v.str = v.v.flags()
		}
	case "A":
		sh.paramDeclare(v)
	case "K", "k":
		sh.paramPairs(v, op == "K")
	default:
		return errBadSubst
	}
	return nil
}

func (sh *Shell) paramDeclare(v *pval) {
	base, _, _ := strings.Cut(v.name, "[")
	switch {
	case v.v == nil:
		v.str = ""
	case v.many || v.v.attr&^(attrLocal) != 0:
		v.str = sh.declareText(base, v.v)
	default:
		v.str = base + "=" + quoteSingle(v.str)
	}
	v.many = false
}

func (sh *Shell) paramPairs(v *pval, joined bool) {
	if !v.many || len(v.keys) != len(v.list) {
		v.each(quoteSingle)
		return
	}
	var out []string
	for i, k := range v.keys {
		if joined {
			out = append(out, k, quoteDouble(v.list[i]))
		} else {
			out = append(out, k, v.list[i])
		}
	}
	if joined {
		v.str, v.many = strings.Join(out, " "), false
		return
	}
	v.list = out
}
