package build

import (
	"bytes"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// maxIgnore bounds .dockerignore.
const maxIgnore = 1 << 20

// ignore is what .dockerignore leaves out of a context. nil leaves nothing out.
type ignore struct {
	mu sync.Mutex // the matcher compiles its patterns while it is used
	m  *patternmatcher.PatternMatcher
}

// newIgnore makes a matcher of patterns; none is nil.
func newIgnore(patterns []string) (*ignore, error) {
	if len(patterns) == 0 {
		return nil, nil
	}
	m, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, err
	}
	return &ignore{m: m}, nil
}

// match tells whether a path is left out.
func (i *ignore) match(p string) bool {
	if i == nil {
		return false
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	out, err := i.m.MatchesOrParentMatches(p)
	return err == nil && out
}

// reopens tells whether a pattern that starts with "!" may name something in a
// folder.
func (i *ignore) reopens(dir string) bool {
	if i == nil || !i.m.Exclusions() {
		return false
	}
	for _, p := range i.m.Patterns() {
		if p.Exclusion() && mayLieIn(dir, path.Clean(strings.ReplaceAll(p.String(), `\`, "/"))) {
			return true
		}
	}
	return false
}

// mayLieIn tells whether what a pattern names can be in dir: as far as both
// go, the parts match.
func mayLieIn(dir, pattern string) bool {
	d, p := strings.Split(dir, "/"), strings.Split(pattern, "/")
	for i := range d {
		if i >= len(p) {
			return true
		}
		if p[i] == "**" {
			return true
		}
		if ok, err := path.Match(p[i], d[i]); err == nil && !ok {
			return false
		}
	}
	return true
}

// parseIgnore reads .dockerignore.
func parseIgnore(b []byte) ([]string, error) {
	if len(b) > maxIgnore {
		return nil, badf(".dockerignore has more than %d bytes", maxIgnore)
	}
	return ignorefile.ReadAll(bytes.NewReader(b))
}

// filtered is a tree without what .dockerignore names.
type filtered struct {
	tree
	ignore *ignore
}

func (t *filtered) stat(p string) (entry, error) {
	e, err := t.tree.stat(p)
	if err == nil && !t.visible(p, e, 0) {
		err = &fs.PathError{Op: "stat", Path: p, Err: fs.ErrNotExist}
	}
	return e, err
}

func (t *filtered) visible(p string, e entry, depth int) bool {
	if p == "" || !t.ignore.match(p) {
		return true
	}
	if !e.isDir() || depth > maxDepth || !t.ignore.reopens(p) {
		return false
	}
	names, err := t.tree.list(p)
	return err == nil && slices.ContainsFunc(names, func(n string) bool {
		kid, err := t.tree.stat(path.Join(p, n))
		return err == nil && t.visible(path.Join(p, n), kid, depth+1)
	})
}

func (t *filtered) list(p string) ([]string, error) {
	names, err := t.tree.list(p)
	return slices.DeleteFunc(names, func(n string) bool {
		at := path.Join(p, n)
		if !t.ignore.match(at) {
			return false
		}
		_, err := t.stat(at)
		return err != nil
	}), err
}
