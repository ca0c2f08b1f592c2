package shell

import "strings"

func (sh *Shell) aliasesOn() bool { return !sh.bash || sh.shopts["expand_aliases"] }

// expandAliases replaces alias names in command position, as POSIX XCU 2.3.1
// says, in a line that is about to be parsed. Text inside quotes and
// here-documents stays; a quoted name is no alias.
func (sh *Shell) expandAliases(line string, src *source) string {
	if src.prompt && src.quoted {
		src.quoted = quoteOpen(line, true)
		return line
	}
	if src.hereEnd != "" {
		if strings.TrimLeft(strings.TrimSuffix(line, "\n"), "\t") == src.hereEnd {
			src.hereEnd = ""
		}
		return line
	}
	out := sh.aliasText(line, map[string]bool{}, true)
	src.quoted = quoteOpen(out, false)
	src.hereEnd = hereDelimiter(out)
	return out
}

const maxAliasText = 1 << 20

// aliasText expands s, whose start is a command position when first is true.
func (sh *Shell) aliasText(s string, busy map[string]bool, first bool) string {
	var sb strings.Builder
	command := first
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t':
			sb.WriteByte(c)
			i++
		case strings.IndexByte(";&|()\n{}!", c) >= 0:
			sb.WriteByte(c)
			i++
			command = c != ')'
		case c == '#' && (i == 0 || strings.IndexByte(" \t\n;", s[i-1]) >= 0):
			sb.WriteString(s[i:])
			return sb.String()
		default:
			end := wordEnd(s, i)
			word := s[i:end]
			i = end
			if command && !busy[word] && sb.Len() < maxAliasText {
				if text, ok := sh.aliases[word]; ok {
					busy[word] = true
					sb.WriteString(sh.aliasText(text, busy, true))
					delete(busy, word)
					// A value that ends in a blank passes the position on.
					command = strings.HasSuffix(text, " ") || strings.HasSuffix(text, "\t")
					continue
				}
			}
			sb.WriteString(word)
			command = command && passesCommand(word)
		}
	}
	return sb.String()
}

func passesCommand(word string) bool {
	switch word {
	case "if", "then", "else", "elif", "while", "until", "do", "time", "!", "{":
		return true
	}
	name, _, ok := strings.Cut(word, "=")
	return ok && validName(name)
}

// wordEnd finds the end of the word at i, past quotes and expansions.
func wordEnd(s string, i int) int {
	level := 0
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case c == '\'':
			if n := strings.IndexByte(s[i+1:], '\''); n >= 0 {
				i += n + 1
			} else {
				return len(s)
			}
		case c == '"':
			for i++; i < len(s) && s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case c == '$' && i+1 < len(s) && (s[i+1] == '(' || s[i+1] == '{'):
			level++
			i++
		case level > 0 && (c == '(' || c == '{'):
			level++
		case level > 0 && (c == ')' || c == '}'):
			level--
		case level == 0 && strings.IndexByte(" \t\n;&|()<>", c) >= 0:
			if strings.IndexByte("<>", c) >= 0 {
				continue
			}
			return i
		}
	}
	return min(i, len(s))
}

// quoteOpen tells whether a quote is open at the end of line.
func quoteOpen(line string, open bool) bool {
	single, double := false, open
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && !single:
			i++
		case c == '\'' && !double:
			single = !single
		case c == '"' && !single:
			double = !double
		}
	}
	return single || double
}

// hereDelimiter finds the word after << in a line.
func hereDelimiter(line string) string {
	i := strings.Index(line, "<<")
	if i < 0 || strings.HasPrefix(line[i:], "<<<") {
		return ""
	}
	rest := strings.TrimLeft(strings.TrimPrefix(line[i+2:], "-"), " \t")
	return strings.Trim(rest[:wordEnd(rest, 0)], `'"\`)
}
