package build

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// openFurther opens the folder of a further context, with its own
// .dockerignore.
func (b *builder) openFurther(name string) (tree, error) {
	dir := b.o.Contexts[name]
	if isURL(dir) || isGit(dir) {
		return nil, unsupported("--build-context %s: only folders and %sNAME are supported", name, imageContext)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("unable to prepare context %s: path %q: %w", name, dir, reason(err))
	}
	b.in.closers = append(b.in.closers, root.Close)
	var t tree = &hostTree{root}
	text, err := readTree(t, ignoreFile, maxIgnore)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("context %s: failed to read %s: %w", name, ignoreFile, reason(err))
	}
	patterns, err := parseIgnore(text)
	if err != nil {
		return nil, err
	}
	ig, err := newIgnore(patterns)
	if err != nil {
		return nil, badf("context %s: %s: %w", name, ignoreFile, err)
	}
	if ig != nil {
		t = &filtered{t, ig}
	}
	return t, nil
}
