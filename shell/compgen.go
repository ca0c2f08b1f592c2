package shell

import (
	"slices"
	"strings"

	"github.com/sbxrun/sbx/shell/match"
)

// compgenActions are the lists that -A and the short options of compgen name.
var compgenActions = map[string]func(*Shell, string) []string{
	"alias":    func(sh *Shell, _ string) []string { return sortedKeys(sh.aliases) },
	"arrayvar": func(sh *Shell, _ string) []string { return sh.variables(func(v *variable) bool { return v.isArray() }) },
	"builtin": func(sh *Shell, _ string) []string {
		return slices.DeleteFunc(sortedKeys(builtins), func(n string) bool { _, ok := sh.builtin(n); return !ok })
	},
	"command":   (*Shell).completeCommand,
	"directory": func(sh *Shell, word string) []string { return sh.compgenFiles(word, true) },
	"export": func(sh *Shell, _ string) []string {
		return sh.variables(func(v *variable) bool { return v.attr&attrExport != 0 })
	},
	"file":     func(sh *Shell, word string) []string { return sh.compgenFiles(word, false) },
	"function": func(sh *Shell, _ string) []string { return sortedKeys(sh.funcs) },
	"job": func(sh *Shell, _ string) (out []string) {
		for _, j := range sh.jc.jobs {
			out = append(out, j.text)
		}
		return out
	},
	"keyword": func(*Shell, string) []string {
		return []string{"if", "then", "else", "elif", "fi", "case", "esac", "for", "select", "while", "until", "do", "done", "in",
			"function", "time", "{", "}", "!", "[[", "]]", "coproc"}
	},
	"setopt": func(*Shell, string) (out []string) {
		for _, o := range optNames {
			out = append(out, o.name)
		}
		return sorted(out)
	},
	"shopt":    func(sh *Shell, _ string) []string { return sortedKeys(sh.shopts) },
	"user":     func(sh *Shell, _ string) []string { return sh.accounts("/etc/passwd") },
	"group":    func(sh *Shell, _ string) []string { return sh.accounts("/etc/group") },
	"variable": func(sh *Shell, _ string) []string { return sh.variables(func(*variable) bool { return true }) },
}

var compgenLetters = map[byte]string{'a': "alias", 'b': "builtin", 'c': "command", 'd': "directory", 'e': "export", 'f': "file",
	'g': "group", 'j': "job", 'k': "keyword", 'u': "user", 'v': "variable"}

// compgenBuiltin is bash's compgen but for -C and -F, which need its completion.
func (sh *Shell) compgenBuiltin(out *output, args []string) int {
	var found []string
	var words, glob, prefix, suffix, filter string
	var actions []string
	hasWords, hasGlob := false, false
	rest := args[1:]
	for len(rest) > 0 && len(rest[0]) > 1 && rest[0][0] == '-' {
		a := rest[0]
		rest = rest[1:]
		if a == "--" {
			break
		}
		for i := 1; i < len(a); i++ {
			if name, ok := compgenLetters[a[i]]; ok {
				actions = append(actions, name)
				continue
			}
			if strings.IndexByte("AGWPSXoCF", a[i]) < 0 {
				sh.errorf("compgen: -%c: invalid option", a[i])
				return 2
			}
			value := a[i+1:]
			if value == "" {
				if len(rest) == 0 {
					sh.errorf("compgen: -%c: option requires an argument", a[i])
					return 2
				}
				value, rest = rest[0], rest[1:]
			}
			switch a[i] {
			case 'A':
				if compgenActions[value] == nil {
					sh.errorf("compgen: %s: invalid action name", value)
					return 2
				}
				actions = append(actions, value)
			case 'G':
				glob, hasGlob = value, true
			case 'W':
				words, hasWords = value, true
			case 'P':
				prefix = value
			case 'S':
				suffix = value
			case 'X':
				filter = value
			case 'C', 'F':
				sh.errorf("compgen: -%c: not supported", a[i])
				return 1
			}
			break
		}
	}
	word := ""
	if len(rest) > 0 {
		word = rest[0]
	}
	for _, name := range actions {
		found = append(found, compgenActions[name](sh, word)...)
	}
	if hasGlob {
		// Patterns are not held against the word.
		g := globber{sh: sh}
		g.run(glob)
		found = append(found, sorted(g.out)...)
	}
	if hasWords {
		list, err := sh.compgenWords(words)
		if err != nil {
			sh.expandError(err)
			return 1
		}
		found = append(found, list...)
	}
	status := 1
	for _, s := range found {
		if !hasGlob && !strings.HasPrefix(s, word) || filter != "" && sh.filtered(filter, word, s) {
			continue
		}
		out.add(prefix + s + suffix + "\n")
		status = 0
	}
	return status
}

// compgenWords expands the words of -W and splits them by IFS.
func (sh *Shell) compgenWords(s string) ([]string, error) {
	w, err := sh.parseWord(s)
	if err != nil {
		return nil, err
	}
	text, err := sh.document(w)
	if err != nil {
		return nil, err
	}
	ifs := " \t\n"
	if v := sh.getVar("IFS"); v != nil && v.set {
		ifs = v.str
	}
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(ifs, r) }), nil
}

// filtered tells whether the pattern of -X takes s out; & in it is the word.
func (sh *Shell) filtered(filter, word, s string) bool {
	pat, keep := strings.CutPrefix(filter, "!")
	return match.Compile(strings.ReplaceAll(pat, "&", word), 0).Match(s) != keep
}

func (sh *Shell) compgenFiles(word string, dirsOnly bool) (out []string) {
	for _, f := range sh.completeFile(word) {
		name, dir := strings.CutSuffix(f, "/")
		if dir || !dirsOnly {
			out = append(out, name)
		}
	}
	return out
}

func (sh *Shell) variables(want func(*variable) bool) (out []string) {
	for _, n := range sh.names() {
		if v := sh.lookup(n); v != nil && want(v) {
			out = append(out, n)
		}
	}
	return out
}

// accounts lists the names of /etc/passwd or /etc/group.
func (sh *Shell) accounts(file string) (out []string) {
	for line := range strings.Lines(sh.smallFile(file)) {
		if name, _, ok := strings.Cut(line, ":"); ok {
			out = append(out, name)
		}
	}
	return out
}
