package shell

import (
	"sort"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/shell/match"
	"github.com/sbxrun/sbx/vfs"
)

const (
	maxGlobDepth = 256     // components that ** descends
	maxGlobReads = 1 << 16 // directories that one pattern reads
)

// globField expands one field as a pathname; ok is false when it stays as it is.
func (sh *Shell) globField(f []piece) (matches []string, ok bool, err error) {
	flags := match.Flags(0)
	if sh.shopts["extglob"] {
		flags |= match.Extended
	}
	meta := false
	for _, p := range f {
		if !p.quoted && strings.ContainsAny(p.s, "*?[(") {
			meta = true
			break
		}
	}
	if !meta {
		return nil, false, nil
	}
	pat := patternOf(f)
	if !match.HasMeta(pat, flags) {
		return nil, false, nil
	}
	g := globber{sh: sh}
	g.run(pat)
	if sh.stopped() {
		return nil, false, errInterrupt
	}
	if len(g.out) > 0 {
		sort.Strings(g.out)
		return g.out, true, nil
	}
	if sh.shopts["failglob"] {
		return nil, false, &globError{joinPieces(f)}
	}
	return nil, sh.shopts["nullglob"], nil
}

// globError is a pattern without a match under failglob.
type globError struct{ pat string }

func (e *globError) Error() string { return "no match: " + e.pat }

// globber expands one pattern through the task's own directories.
type globber struct {
	sh    *Shell
	out   []string
	reads int
}

// run splits the pattern at slashes and descends.
func (g *globber) run(pat string) {
	base := ""
	rest := strings.TrimLeft(pat, "/")
	base = pat[:len(pat)-len(rest)]
	g.descend(base, splitSlash(rest), 0)
}

// splitSlash cuts at slashes that are outside of extended groups.
func splitSlash(pat string) []string {
	var out []string
	level, start := 0, 0
	for i := 0; i < len(pat); i++ {
		switch pat[i] {
		case '\\':
			if i+1 < len(pat) && pat[i+1] != '/' {
				i++
			}
		case '(':
			level++
		case ')':
			level = max(0, level-1)
		case '/':
			if level == 0 {
				out = append(out, strings.TrimSuffix(pat[start:i], "\\"))
				for i+1 < len(pat) && pat[i+1] == '/' {
					i++
				}
				start = i + 1
			}
		}
	}
	return append(out, pat[start:])
}

func (g *globber) descend(base string, parts []string, depth int) {
	if depth > maxGlobDepth || len(g.out) > maxFields || g.sh.stopped() {
		return
	}
	part, rest := parts[0], parts[1:]
	if part == "" { // a trailing slash
		if g.isDir(base) {
			g.out = append(g.out, base)
		}
		return
	}
	flags := match.Flags(0)
	if g.sh.shopts["extglob"] {
		flags |= match.Extended
	}
	if part == "**" && g.sh.shopts["globstar"] {
		g.star(base, rest, depth)
		return
	}
	if !match.HasMeta(part, flags) {
		name := base + match.Unquote(part)
		if len(rest) > 0 {
			g.descend(name+"/", rest, depth+1)
		} else if g.exists(name) {
			g.out = append(g.out, name)
		}
		return
	}
	m := g.sh.matcher(part, g.sh.shopts["nocaseglob"])
	if flags&match.Extended == 0 {
		m = match.Compile(part, g.plainFlags())
	}
	dot := part[0] == '.' || strings.HasPrefix(part, "\\.")
	for _, e := range g.list(base) {
		if !g.visible(e.Name, dot, part) || !m.Match(e.Name) {
			continue
		}
		name := base + e.Name
		if len(rest) == 0 {
			g.out = append(g.out, name)
		} else if e.Type == linux.DT_DIR || e.Type == linux.DT_LNK || e.Type == linux.DT_UNKNOWN {
			if e.Type == linux.DT_DIR || g.isDir(name) {
				g.descend(name+"/", rest, depth+1)
			}
		}
	}
}

func (g *globber) plainFlags() match.Flags {
	var f match.Flags
	if g.sh.shopts["nocaseglob"] {
		f |= match.Fold
	}
	if g.sh.utf8() {
		f |= match.UTF8
	}
	return f
}

// visible applies the rule for names that begin with a dot.
func (g *globber) visible(name string, dot bool, part string) bool {
	if name[0] != '.' {
		return true
	}
	if name == "." || name == ".." {
		return dot && !g.sh.bash
	}
	return dot || g.sh.shopts["dotglob"] || strings.HasPrefix(part, "@(.") || strings.HasPrefix(part, "?(.")
}

// star is the component **: this directory and every directory below.
func (g *globber) star(base string, rest []string, depth int) {
	if len(rest) > 0 {
		g.descend(base, rest, depth+1)
	}
	if len(rest) == 0 && base != "" {
		g.out = append(g.out, base)
	}
	g.starBelow(base, rest, depth)
}

func (g *globber) starBelow(base string, rest []string, depth int) {
	if depth > maxGlobDepth || g.sh.stopped() {
		return
	}
	for _, e := range g.list(base) {
		if e.Name[0] == '.' && !g.sh.shopts["dotglob"] || e.Name == "." || e.Name == ".." {
			continue
		}
		name := base + e.Name
		if len(rest) == 0 {
			g.out = append(g.out, name)
		}
		if e.Type == linux.DT_DIR {
			if len(rest) > 0 {
				g.descend(name+"/", rest, depth+1)
			}
			g.starBelow(name+"/", rest, depth+1)
		}
	}
}

func (g *globber) list(dir string) []vfs.DirEntry {
	if g.reads++; g.reads > maxGlobReads {
		return nil
	}
	if dir == "" {
		dir = "."
	}
	t := g.sh.t
	fd, err := t.Open(linux.AT_FDCWD, dir, linux.O_RDONLY|linux.O_DIRECTORY|linux.O_CLOEXEC|linux.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer t.Close(fd)
	var out []vfs.DirEntry
	_ = t.ReadDir(fd, func(e vfs.DirEntry) bool {
		out = append(out, e)
		return len(out) < maxFields
	})
	return out
}

func (g *globber) exists(name string) bool {
	var a vfs.Attr
	return g.sh.t.Stat(linux.AT_FDCWD, name, linux.AT_SYMLINK_NOFOLLOW, &a) == nil
}

func (g *globber) isDir(name string) bool {
	var a vfs.Attr
	return g.sh.t.Stat(linux.AT_FDCWD, name, 0, &a) == nil && a.Mode&linux.S_IFMT == linux.S_IFDIR
}
