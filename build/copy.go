package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/patternmatcher"

	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/sandbox"
	"github.com/sbxrun/sbx/vfs"
)

// from is what COPY --from and mounts name: a stage, an image, a further
// context, or none of them: the context of the build.
type from struct {
	stage *stage
	image *image
	name  string // of a further context
}

// from resolves a name; "" is the context of the build.
func (b *builder) from(s *stage, name string) (from, error) {
	if name == "" {
		if b.in.context == nil {
			return from{}, badf("there is no context to take files from: the Dockerfile came alone")
		}
		return from{}, nil
	}
	if strings.Contains(name, "$") {
		return from{}, badf("variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround")
	}
	if c, ok := b.o.Contexts[name]; ok && !strings.HasPrefix(c, imageContext) {
		return from{name: name}, nil
	}
	if other := b.stageOf(name, s.index); other != nil {
		return from{stage: other}, b.plan(other)
	}
	if name == s.name && name != "" {
		return from{}, badf("%q: a stage cannot copy from itself", name)
	}
	if _, err := strconv.Atoi(name); err == nil {
		return from{}, badf("invalid from flag value %s: there is no such stage before this one", name)
	}
	img, err := b.image(name, s.platform)
	return from{image: img}, err
}

// chain is the layers of a stage that is done, or of an image.
func (f *from) chain() (chain, bool) {
	switch {
	case f.stage != nil:
		return f.stage.result, true
	case f.image != nil:
		return chain{layers: f.image.Layers()}, true
	}
	return chain{}, false
}

// open opens the files; the caller closes them.
func (f *from) open(ctx context.Context, b *builder) (tree, func(), error) {
	c, ok := f.chain()
	if !ok {
		t := b.in.context
		if f.name != "" {
			var err error
			if t, err = b.further(f.name); err != nil {
				return nil, nil, err
			}
		}
		return t, func() {}, nil
	}
	fsys, done, err := b.openChain(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	return &vfsTree{fs: fsys}, done, nil
}

// openChain opens a stack of layers as a file system.
func (b *builder) openChain(ctx context.Context, c chain) (*vfs.FS, func(), error) {
	root, err := b.store.OpenLayers(ctx, c.layers)
	if err != nil {
		return nil, nil, err
	}
	f := vfs.New(root.Index, root.Content, vfs.Options{Type: "overlay"})
	return f, func() {
		_ = f.Close()
		_ = root.Close()
	}, nil
}

// copyOp is a COPY or an ADD.
type copyOp struct {
	from      from
	paths     []string // of the sources
	texts     *textTree
	names     []string // of the heredocs
	urls      []remoteFile
	dest      string
	chown     string
	chmod     *chmod
	chmodText string
	exclude   []string
	parents   bool
	link      bool
	unpack    *bool // ADD --unpack; nil: archives of the context only
	add       bool

	// of a copy from the context, which is read before the first step
	loaded bool
	sum    string
	bytes  int64
	sumErr error
}

func (b *builder) planCopy(s *stage, cmd *instructions.CopyCommand, l *line) error {
	o := &copyOp{chown: cmd.Chown, exclude: cmd.ExcludePatterns, parents: cmd.Parents, link: cmd.Link}
	f, err := b.from(s, cmd.From)
	if err != nil {
		return err
	}
	o.from = f
	return b.planFiles(s, o, "COPY", cmd.Chmod, cmd.SourcesAndDest, l)
}

func (b *builder) planAdd(s *stage, cmd *instructions.AddCommand, l *line) error {
	o := &copyOp{chown: cmd.Chown, exclude: cmd.ExcludePatterns, link: cmd.Link, unpack: cmd.Unpack, add: true}
	if cmd.Checksum != "" && (len(cmd.SourcePaths) != 1 || !isURL(cmd.SourcePaths[0])) {
		return badf("checksum requires exactly one source, an HTTP URL")
	}
	local := cmd.SourcePaths[:0:0]
	for _, p := range cmd.SourcePaths {
		switch {
		case isGit(p):
			return unsupported("ADD of a git repository is not supported: clone it on the host, and COPY it")
		case isURL(p):
			r, err := newRemoteFile(p, cmd.Checksum)
			if err != nil {
				return err
			}
			o.urls = append(o.urls, r)
		default:
			local = append(local, p)
		}
	}
	cmd.SourcePaths = local
	if len(local) > 0 {
		f, err := b.from(s, "")
		if err != nil {
			return err
		}
		o.from = f
	}
	return b.planFiles(s, o, "ADD", cmd.Chmod, cmd.SourcesAndDest, l)
}

// planFiles is what COPY and ADD share.
func (b *builder) planFiles(s *stage, o *copyOp, verb, chmod string, sd instructions.SourcesAndDest, l *line) (err error) {
	if o.chmod, err = parseChmod(chmod); err != nil {
		return err
	}
	o.chmodText, o.dest, o.paths = chmod, dest(s, sd.DestPath), sd.SourcePaths
	shown := append([]string{}, sd.SourcePaths...)
	for _, u := range o.urls {
		shown = append(shown, u.url)
	}
	if len(sd.SourceContents) > 0 {
		o.texts = &textTree{files: map[string]string{}, mtime: vfs.TimespecOf(b.start)}
		for _, c := range sd.SourceContents {
			o.texts.files[c.Path] = c.Data
			o.names = append(o.names, c.Path)
			shown = append(shown, "<<"+c.Path)
		}
	}
	if many := len(shown) > 1 || hasMeta(strings.Join(sd.SourcePaths, "")) && len(o.paths) > 1; many && !strings.HasSuffix(o.dest, "/") {
		if o.dest != "/" {
			return badf("when using %s with more than one source file, the destination must be a directory and end with a /", verb)
		}
	}
	l.op = o
	l.name = verb + " " + strings.Join(append(shown, sd.DestPath), " ")
	flags := ""
	for _, f := range [][2]string{{"--from=", fromName(o.from)}, {"--chown=", o.chown}, {"--chmod=", chmod}} {
		if f[1] != "" {
			flags += f[0] + f[1] + " "
		}
	}
	if o.link {
		flags += "--link "
	}
	l.name = verb + " " + flags + strings.TrimPrefix(l.name, verb+" ")
	l.createdBy = verb + " " + strings.Join(append(shown, o.dest), " ") + " # buildkit"
	return nil
}

func fromName(f from) string {
	switch {
	case f.stage != nil:
		return cmpOr(f.stage.name, fmt.Sprint(f.stage.index))
	case f.image != nil:
		name, _, _ := strings.Cut(f.image.name, "@")
		return name
	}
	return f.name
}

func (o *copyOp) needs() []*stage {
	if o.from.stage != nil {
		return []*stage{o.from.stage}
	}
	return nil
}

// alone tells of --link, whose layer stands by itself; names of users are
// looked up in the layers before.
func (o *copyOp) alone() bool {
	if !o.link {
		return false
	}
	_, named := numericOwner(o.chown)
	return !named
}

// fromContext tells whether the step reads the context, or one that is given
// beside it.
func (o *copyOp) fromContext() bool {
	_, layers := o.from.chain()
	return !layers && len(o.paths) > 0 && len(o.urls) == 0
}

func (o *copyOp) key(ctx context.Context, b *builder, on chain, content bool) (string, error) {
	k := on.key(newKey("copy")).add(o.dest, o.chown, o.chmodText).num(bit(o.add), bit(o.link), bit(o.parents)).list(o.exclude)
	if b.o.Epoch != nil {
		k.add(b.o.Epoch.UTC().Format(time.RFC3339))
	}
	if o.unpack != nil {
		k.add("unpack").num(bit(*o.unpack))
	}
	if !content {
		c, ok := o.from.chain()
		if !ok || len(o.urls) > 0 {
			return o.checksumKey(k), nil
		}
		return c.key(k.add("layers")).list(o.paths).sum(), nil
	}
	if o.loaded {
		return k.add(o.sum).sum(), o.sumErr
	}
	c, done, err := o.gather(ctx, b)
	if err != nil {
		return "", err
	}
	defer done()
	sum, _, err := c.digest(ctx)
	return k.add(sum).sum(), err
}

// checksumKey is the key of downloads whose content is known beforehand.
func (o *copyOp) checksumKey(k *key) string {
	if len(o.urls) == 0 || len(o.paths) > 0 || o.texts != nil {
		return ""
	}
	for _, u := range o.urls {
		if u.checksum == "" {
			return ""
		}
		k.add("url", u.name, string(u.checksum))
	}
	return k.sum()
}

// gather finds the sources. done gives them back.
func (o *copyOp) gather(ctx context.Context, b *builder) (*copying, func(), error) {
	c, done := &copying{}, func() {}
	if err := o.gatherInto(ctx, b, c, &done); err != nil {
		done()
		return nil, nil, err
	}
	return c, done, nil
}

func (o *copyOp) gatherInto(ctx context.Context, b *builder, c *copying, done *func()) (err error) {
	if len(o.exclude) > 0 {
		if c.exclude, err = patternmatcher.New(o.exclude); err != nil {
			return badf("--exclude: %w", err)
		}
	}
	if len(o.paths) > 0 {
		t, closeTree, err := o.from.open(ctx, b)
		if err != nil {
			return err
		}
		*done = closeTree
		for _, p := range o.paths {
			if err := o.find(c, t, p); err != nil {
				return err
			}
		}
	}
	for i := range o.urls {
		s, err := b.download(ctx, &o.urls[i])
		if err != nil {
			return err
		}
		s.unpack = o.unpack != nil && *o.unpack
		c.sources = append(c.sources, s)
	}
	for _, n := range o.names {
		e, _ := o.texts.stat(n)
		c.sources = append(c.sources, source{t: o.texts, path: n, name: n, entry: e})
	}
	return nil
}

// find adds what one path or pattern names.
func (o *copyOp) find(c *copying, t tree, p string) error {
	full, dropped := clean(p), 0
	if o.parents {
		// What stands before "/./" is not kept.
		if before, _, ok := strings.Cut(p, "/./"); ok && clean(before) != "" {
			dropped = strings.Count(clean(before), "/") + 1
		}
	}
	matches := []string{full}
	if hasMeta(full) {
		var err error
		if matches, err = glob(t, full, o.parents); err != nil {
			return err
		}
	}
	for _, m := range matches {
		at, e, err := resolve(t, m)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("failed to compute cache key: failed to calculate checksum of ref: %q: not found", "/"+m)
		}
		if err != nil {
			return err
		}
		s := source{t: t, path: at, name: path.Base(m), entry: e, parents: o.parents}
		if o.parents {
			if err := s.keepParents(m, dropped); err != nil {
				return err
			}
		}
		if o.add && (o.unpack == nil || *o.unpack) && e.isFile() {
			if s.unpack, err = isArchive(t, at); err != nil {
				return err
			}
		}
		c.sources = append(c.sources, s)
	}
	return nil
}

// keepParents makes a source of --parents: the path itself, and the folders
// above it but for the first ones.
func (s *source) keepParents(p string, dropped int) (err error) {
	parts := strings.Split(p, "/")
	if p == "" || len(parts) <= dropped {
		s.parents = false // the root of what is kept: what is in it is copied
		return nil
	}
	s.path, s.under = p, path.Join(parts[dropped:len(parts)-1]...)
	s.entry, err = s.t.stat(p)
	return err
}

func (o *copyOp) apply(ctx context.Context, b *builder, f *vfs.FS, _ *vertex) error {
	c, done, err := o.gather(ctx, b)
	if err != nil {
		return err
	}
	defer done()
	w, ns := newWriter(f, o.dest, vfs.TimespecOf(b.now()))
	defer ns.Close()
	w.chmod, w.ctx = o.chmod, ctx
	if w.owner, err = lookupOwner(f, o.chown); err != nil {
		return err
	}
	if o.loaded {
		w.sum = newSummer()
	}
	if err := w.copy(c); err != nil {
		return err
	}
	if o.loaded && w.sum.k.sum() != o.sum {
		return errors.New("the context changed while it was being copied: build again")
	}
	return nil
}

// numericOwner reads UID[:GID]; named tells that there are names to look up.
func numericOwner(s string) (o *owner, named bool) {
	if s == "" {
		return nil, false
	}
	u, g, has := strings.Cut(s, ":")
	if !has {
		g = u // docker's rule: the group has the number of the user
	}
	uid, err1 := parseID(u)
	gid, err2 := parseID(g)
	if err1 != nil || err2 != nil {
		return nil, true
	}
	return &owner{uid, gid}, false
}

// lookupOwner reads --chown, with the users and groups of a file system.
func lookupOwner(f *vfs.FS, s string) (*owner, error) {
	if o, named := numericOwner(s); !named {
		return o, nil
	}
	who, err := sandbox.FindUser(f, s)
	if err != nil {
		return nil, err
	}
	return &owner{who.UID, who.GID}, nil
}

// loadContext reads what is copied from the context, so that a file that is
// missing is told before anything runs.
func (b *builder) loadContext() error {
	var v *vertex
	var total int64
	for _, s := range b.order {
		n := s.steps - countOps(s)
		for i := range s.lines {
			l := &s.lines[i]
			if l.op == nil {
				continue
			}
			n++
			o, ok := l.op.(*copyOp)
			if !ok || !o.fromContext() {
				continue
			}
			if v == nil {
				v = b.prog.start("[internal] load build context")
			}
			if err := b.loadSource(o); err != nil {
				v.end(nil, false)
				name := b.label(s, n) + l.name
				b.prog.start(name).end(err, b.ctx.Err() != nil)
				return b.in.file.located(err, l.where, name)
			}
			total += o.bytes
		}
	}
	if v != nil {
		v.status("transferring context: %s done", size(total))
		v.end(nil, false)
	}
	return nil
}

func countOps(s *stage) (n int) {
	for i := range s.lines {
		if s.lines[i].op != nil {
			n++
		}
	}
	return n
}

func (b *builder) loadSource(o *copyOp) error {
	c, done, err := o.gather(b.ctx, b)
	if err != nil {
		return err
	}
	defer done()
	o.loaded = true
	o.sum, o.bytes, err = c.digest(b.ctx)
	return err
}

// remoteFile is something that ADD downloads.
type remoteFile struct {
	url      string
	name     string // of the file, from the URL; "" when it tells none
	checksum registry.Digest
}

func newRemoteFile(text, checksum string) (remoteFile, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return remoteFile{}, badf("%q is no URL", text)
	}
	r := remoteFile{url: text, name: path.Base(u.Path)}
	if r.name == "/" || r.name == "." {
		r.name = ""
	}
	if checksum != "" {
		if r.checksum, err = registry.ParseDigest(checksum); err != nil {
			return r, badf("--checksum: %w", err)
		}
	}
	return r, nil
}
