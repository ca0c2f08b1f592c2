package build

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// hasMeta tells whether a path is a pattern.
func hasMeta(p string) bool { return strings.ContainsAny(p, `*?[\`) }

// maxMatches bounds what one pattern names.
const maxMatches = 1 << 20

// glob returns the paths of a tree that a pattern names, in order. Each part
// of the pattern matches a name, as filepath.Match does; with deep, "**" stands
// for any folders.
func glob(t tree, pattern string, deep bool) ([]string, error) {
	g := &globber{t: t, deep: deep, seen: map[place]bool{}}
	err := g.walk("", strings.Split(clean(pattern), "/"), 0)
	return g.out, err
}

type globber struct {
	t    tree
	deep bool
	out  []string
	seen map[place]bool // so that a row of "**" costs no more than one
}

// place is a path with what of the pattern is still to match.
type place struct {
	path string
	left int
}

func (g *globber) walk(dir string, parts []string, depth int) error {
	if depth > maxDepth {
		return badf("folders are nested more than %d deep", maxDepth)
	}
	at := place{dir, len(parts)}
	if g.seen[at] {
		return nil
	}
	g.seen[at] = true
	if len(parts) == 0 {
		g.out = append(g.out, dir)
		if len(g.out) > maxMatches {
			return badf("a pattern names more than %d paths", maxMatches)
		}
		return nil
	}
	part, rest := parts[0], parts[1:]
	if g.deep && part == "**" {
		if err := g.walk(dir, rest, depth); err != nil {
			return err
		}
		return g.each(dir, func(at string, e entry) error {
			if !e.isDir() {
				if len(rest) == 0 {
					return g.walk(at, nil, depth+1)
				}
				return nil
			}
			return g.walk(at, parts, depth+1)
		})
	}
	if !hasMeta(part) {
		at := path.Join(dir, part)
		if len(rest) > 0 { // a folder may be behind a link
			real, _, err := resolve(g.t, at)
			if err != nil {
				return missingIsNone(err)
			}
			at = real
		} else if _, err := g.t.stat(at); err != nil {
			return missingIsNone(err)
		}
		return g.walk(at, rest, depth+1)
	}
	return g.each(dir, func(at string, e entry) error {
		ok, err := path.Match(part, path.Base(at))
		if err != nil {
			return badf("%q is no pattern: %w", part, err)
		}
		if !ok || len(rest) > 0 && !e.isDir() {
			return nil
		}
		return g.walk(at, rest, depth+1)
	})
}

// each calls fn for what is in a folder.
func (g *globber) each(dir string, fn func(at string, e entry) error) error {
	e, err := g.t.stat(dir)
	if err != nil || !e.isDir() {
		return missingIsNone(err)
	}
	names, err := g.t.list(dir)
	if err != nil {
		return missingIsNone(err)
	}
	for _, n := range names {
		at := path.Join(dir, n)
		e, err := g.t.stat(at)
		if err != nil {
			if err := missingIsNone(err); err != nil {
				return err
			}
			continue
		}
		if err := fn(at, e); err != nil {
			return err
		}
	}
	return nil
}

func missingIsNone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
