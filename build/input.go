package build

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/vfs"
)

const (
	defaultFile = "Dockerfile"
	ignoreFile  = ".dockerignore"

	maxDockerfile = 4 << 20
	maxStages     = 1000
	maxCommands   = 20_000
	// maxContext bounds a context that is an archive: it is held in memory.
	maxContext = 8 << 30
)

// file is a Dockerfile.
type file struct {
	name   string
	text   []byte
	escape rune
	stages []instructions.Stage
	args   []instructions.ArgCommand // before the first FROM
}

// parse reads the text. warn is told what is doubtful in it.
func (f *file) parse(warn func(string)) error {
	res, err := parser.Parse(bytes.NewReader(f.text))
	if err != nil {
		return f.located(&dockerfileError{err}, nil, "")
	}
	f.escape = res.EscapeToken
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, text string, where []parser.Range) {
		if len(where) > 0 {
			text += fmt.Sprintf(" (line %d)", where[0].Start.Line)
		}
		warn(rule + ": " + text)
	}})
	for _, w := range res.Warnings {
		warn(w.Short)
	}
	f.stages, f.args, err = instructions.Parse(res.AST, lint)
	if err != nil {
		return f.located(&dockerfileError{err}, nil, "")
	}
	if len(f.stages) == 0 {
		return badf("file with no instructions")
	}
	if len(f.stages) > maxStages {
		return badf("the Dockerfile has more than %d stages", maxStages)
	}
	n := len(f.args)
	for i := range f.stages {
		n += len(f.stages[i].Commands)
	}
	if n > maxCommands {
		return badf("the Dockerfile has more than %d instructions", maxCommands)
	}
	return nil
}

// input is what a build reads: the Dockerfile and the context.
type input struct {
	file    file
	context tree // nil: there is none
	closers []func() error
}

func (in *input) close() {
	for _, c := range slices.Backward(in.closers) {
		_ = c()
	}
}

// load reads the Dockerfile and opens the context.
func (b *builder) load(ctx context.Context) (err error) {
	in, o := &b.in, &b.o
	if o.URL != "" {
		if o.Tar, err = b.fetchContext(ctx); err != nil {
			return err
		}
	}
	if o.Tar != nil {
		if err := b.loadTar(ctx); err != nil {
			return err
		}
	}
	if o.Dir != "" {
		root, err := os.OpenRoot(o.Dir)
		if err != nil {
			return fmt.Errorf("unable to prepare context: path %q: %w", o.Dir, reason(err))
		}
		in.closers = append(in.closers, root.Close)
		in.context = &hostTree{root}
	}
	if err := b.loadFile(); err != nil {
		return err
	}
	if err := in.file.parse(func(text string) { b.prog.send(Event{Kind: Warning, Text: text}) }); err != nil {
		return err
	}
	return b.loadIgnore()
}

// loadFile reads the Dockerfile.
func (b *builder) loadFile() (err error) {
	f := &b.in.file
	if f.text != nil { // it came instead of a context
		return nil
	}
	v := b.prog.start("[internal] load build definition from " + cmpOr(path.Base(filepath.ToSlash(b.o.File)), defaultFile))
	defer func() { v.end(err, false) }()
	switch {
	case b.o.Text != nil:
		f.name = defaultFile
		f.text, err = readLimit(b.o.Text, maxDockerfile, "the Dockerfile")
	case b.o.File != "" && b.o.Tar == nil:
		f.name = b.o.File
		f.text, err = readHostFile(b.o.File, maxDockerfile, "the Dockerfile")
	case b.in.context == nil:
		return errors.New("there is neither a Dockerfile nor a context")
	default:
		f.name = cmpOr(b.o.File, defaultFile)
		f.text, err = readTree(b.in.context, clean(f.name), maxDockerfile)
		if errors.Is(err, fs.ErrNotExist) && b.o.File == "" {
			if text, lerr := readTree(b.in.context, strings.ToLower(defaultFile), maxDockerfile); lerr == nil {
				f.name, f.text, err = strings.ToLower(defaultFile), text, nil
			}
		}
	}
	if err != nil {
		return fmt.Errorf("failed to read dockerfile: open %s: %w", cmpOr(f.name, defaultFile), reason(err))
	}
	v.status("transferring dockerfile: %s done", size(int64(len(f.text))))
	return nil
}

// cmpOr is the first that is not empty; "." counts as empty.
func cmpOr(list ...string) string {
	for _, s := range list {
		if s != "" && s != "." {
			return s
		}
	}
	return ""
}

// loadIgnore reads the ignore file of the Dockerfile or of the context.
func (b *builder) loadIgnore() (err error) {
	t := b.in.context
	if t == nil {
		return nil
	}
	v := b.prog.start("[internal] load " + ignoreFile)
	defer func() { v.end(err, false) }()
	var text []byte
	err = fs.ErrNotExist
	if b.o.File != "" && b.o.Tar == nil && b.o.Text == nil {
		text, err = readHostFile(b.o.File+ignoreFile, maxIgnore, ignoreFile)
	} else if b.o.Text == nil {
		text, err = readTree(t, clean(b.in.file.name)+ignoreFile, maxIgnore)
	}
	if errors.Is(err, fs.ErrNotExist) {
		text, err = readTree(t, ignoreFile, maxIgnore)
	}
	if errors.Is(err, fs.ErrNotExist) {
		text, err = nil, nil
	}
	if err != nil {
		return fmt.Errorf("failed to read %s: %w", ignoreFile, reason(err))
	}
	v.status("transferring context: %s done", size(int64(len(text))))
	patterns, err := parseIgnore(text)
	if err != nil {
		return err
	}
	ig, err := newIgnore(patterns)
	if err != nil {
		return badf("%s: %w", ignoreFile, err)
	}
	if ig != nil {
		b.in.context = &filtered{t, ig}
	}
	return nil
}

// loadTar lays an archive out in memory, or takes it for a Dockerfile.
func (b *builder) loadTar(ctx context.Context) error {
	plain, compressed, err := registry.Decompress(ctxReader{ctx, b.o.Tar})
	if err != nil {
		return err
	}
	defer plain.Close()
	br := bufio.NewReaderSize(&limited{r: plain, left: maxContext}, 64<<10)
	head, _ := br.Peek(512)
	if !compressed && !isTarHeader(head) {
		f := &b.in.file
		f.name = defaultFile
		f.text, err = readLimit(br, maxDockerfile, "the Dockerfile")
		return err
	}
	t := vfs.New(nil, nil, vfs.Options{MaxBytes: maxContext})
	b.in.closers = append(b.in.closers, t.Close)
	if err := t.ApplyTar(br); err != nil {
		return fmt.Errorf("unable to prepare context: %w", err)
	}
	b.in.context = &vfsTree{fs: t, plain: true}
	return nil
}

// fetchContext downloads a context that the user named.
func (b *builder) fetchContext(ctx context.Context) (io.Reader, error) {
	if isGit(b.o.URL) {
		return nil, unsupported("contexts in git repositories are not supported: clone the repository, and build from the folder")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.o.URL, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	b.in.closers = append(b.in.closers, res.Body.Close)
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("unable to download remote context %s: %s", b.o.URL, res.Status)
	}
	return res.Body, nil
}

// isGit tells whether a context or source is a git repository.
func isGit(s string) bool {
	s, _, _ = strings.Cut(s, "#")
	return strings.HasPrefix(s, "git://") || strings.HasPrefix(s, "git@") || strings.HasPrefix(s, "ssh://") || strings.HasPrefix(s, "github.com/") || isURL(s) && strings.HasSuffix(s, ".git")
}

func isURL(s string) bool { return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") }

func readHostFile(name string, limit int64, what string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readLimit(f, limit, what)
}

// readTree reads a small file of a tree, through links.
func readTree(t tree, p string, limit int64) ([]byte, error) {
	at, e, err := resolve(t, p)
	if err != nil {
		return nil, err
	}
	if !e.isFile() {
		return nil, &fs.PathError{Op: "read", Path: p, Err: errors.New("it is no file")}
	}
	f, err := t.open(at)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readLimit(f, limit, p)
}

func readLimit(r io.Reader, limit int64, what string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = badf("%s has more than %d bytes", what, limit)
	}
	return b, err
}

// ctxReader fails once its context is done.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (r ctxReader) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.r.Read(p)
}
