package build

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/moby/patternmatcher"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// source is one thing that COPY or ADD copies: a path of a tree with what is
// below it, or an archive that is unpacked.
type source struct {
	t      tree
	path   string // links followed
	name   string // what a file is called in a folder
	entry  entry
	unpack bool   // an archive: what is in it is copied
	under  string // --parents: the folders that it keeps, "a/b"; "" none
	// parents is set with --parents: a folder is copied itself, and not what is
	// in it.
	parents bool
}

// copying is what one COPY or ADD does, but for where to.
type copying struct {
	sources []source
	exclude *patternmatcher.PatternMatcher // of paths below the sources; nil: none
}

// item is one file of a copying: rel is where it goes, below the destination.
type item struct {
	t     tree
	path  string
	rel   string
	entry entry
	root  bool // what the source names itself, a folder
}

// each calls fn for every file of a source, folders before what is in them.
func (c *copying) each(s *source, fn func(item) error) error {
	rel := ""
	switch {
	case s.parents:
		rel = path.Join(s.under, s.name)
		if err := c.above(s, fn); err != nil {
			return err
		}
	case !s.entry.isDir():
		rel = s.name
	}
	w := walker{c: c, base: rel, fn: fn}
	return w.walk(item{t: s.t, path: s.path, rel: rel, entry: s.entry, root: !s.parents && s.entry.isDir()}, 0)
}

// above gives the folders that --parents keeps.
func (c *copying) above(s *source, fn func(item) error) error {
	if s.under == "" {
		return nil
	}
	base := strings.TrimSuffix(strings.TrimSuffix(s.path, path.Join(s.under, s.name)), "/")
	at := ""
	for part := range strings.SplitSeq(s.under, "/") {
		at = path.Join(at, part)
		e, err := s.t.stat(path.Join(base, at))
		if err != nil {
			return err
		}
		if err := fn(item{t: s.t, path: path.Join(base, at), rel: at, entry: e}); err != nil {
			return err
		}
	}
	return nil
}

// walker gives the files of one source to fn.
type walker struct {
	c    *copying
	base string
	fn   func(item) error
	held []item // folders that are excluded, and wait for something in them that is not
}

func (w *walker) walk(it item, depth int) error {
	if depth > maxDepth {
		return badf("folders are nested more than %d deep", maxDepth)
	}
	skip, err := w.c.excluded(it, w.base)
	if err != nil {
		return err
	}
	if !skip {
		for _, h := range w.held {
			if err := w.fn(h); err != nil {
				return err
			}
		}
		w.held = w.held[:0]
		if err := w.fn(it); err != nil {
			return err
		}
	}
	if !it.entry.isDir() || skip && !w.c.exclude.Exclusions() {
		return nil
	}
	if skip {
		w.held = append(w.held, it)
		defer func() {
			if n := len(w.held); n > 0 && w.held[n-1].path == it.path {
				w.held = w.held[:n-1]
			}
		}()
	}
	names, err := it.t.list(it.path)
	if err != nil {
		return err
	}
	for _, n := range names {
		kid := item{t: it.t, path: path.Join(it.path, n), rel: path.Join(it.rel, n)}
		if kid.entry, err = it.t.stat(kid.path); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				continue // gone since the folder was read
			}
			return err
		}
		if err := w.walk(kid, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// excluded asks --exclude, whose patterns are of paths in the source.
func (c *copying) excluded(it item, base string) (bool, error) {
	if c.exclude == nil || it.root {
		return false, nil
	}
	p := it.rel
	if base != "" && p != base {
		p = strings.TrimPrefix(p, base+"/")
	}
	return c.exclude.MatchesOrParentMatches(p)
}

// textTree is files that a heredoc holds, in one folder.
type textTree struct {
	files map[string]string
	mtime vfs.Timespec
}

func (t *textTree) stat(p string) (entry, error) {
	if p == "" {
		return entry{mode: linux.S_IFDIR | 0o755, mtime: t.mtime}, nil
	}
	text, ok := t.files[p]
	if !ok {
		return entry{}, &fs.PathError{Op: "stat", Path: p, Err: fs.ErrNotExist}
	}
	return entry{mode: linux.S_IFREG | 0o644, size: int64(len(text)), mtime: t.mtime}, nil
}

func (t *textTree) list(string) ([]string, error) {
	return nil, fmt.Errorf("heredocs have no folders")
}

func (t *textTree) open(p string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(t.files[p])), nil
}
