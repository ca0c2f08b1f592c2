package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/sandbox"
	"github.com/sbxrun/sbx/vfs"
)

// mount is a --mount of a RUN.
type mount struct {
	typ      instructions.MountType
	from     from
	source   string
	target   string
	readOnly bool
	size     int64
	id       string
	sharing  instructions.ShareMode
	required bool
	env      string // of a secret: the variable; "" none
	mode     uint32
	uid, gid uint32
}

// secretDir is where secrets are when no target is given.
const secretDir = "/run/secrets"

func (b *builder) planMount(s *stage, m *instructions.Mount) (mount, error) {
	out := mount{
		typ: m.Type, source: clean(m.Source), target: m.Target, readOnly: m.ReadOnly, size: m.SizeLimit,
		id: m.CacheID, sharing: m.CacheSharing, required: m.Required,
		uid: number(m.UID, 0), gid: number(m.GID, 0),
	}
	var err error
	switch m.Type {
	case instructions.MountTypeBind:
		out.from, err = b.from(s, m.From)
	case instructions.MountTypeCache:
		out.mode = number(m.Mode, 0o755)
		if m.From != "" {
			out.from, err = b.from(s, m.From)
		}
		out.id = cmpOr(m.CacheID, path.Clean(m.Target))
	case instructions.MountTypeTmpfs:
	case instructions.MountTypeSecret:
		out.mode = number(m.Mode, 0o400)
		out.id = cmpOr(m.CacheID, m.Source, path.Base(m.Target))
		if m.Env != nil {
			out.env = cmpOr(*m.Env, out.id)
		}
		if out.target == "" && m.Env == nil {
			out.target = path.Join(secretDir, path.Base(out.id))
		}
	case instructions.MountTypeSSH:
		return out, unsupported("RUN --mount=type=ssh is not supported: no agent of the host reaches a program; give a key with --secret instead")
	}
	if err != nil {
		return out, err
	}
	if out.target == "" && out.env == "" {
		return out, badf("a mount of type %s needs a target", m.Type)
	}
	if out.target != "" {
		if out.target = s.state.Path(out.target); out.target == "/" {
			return out, badf("invalid mount target %q", m.Target)
		}
	}
	return out, nil
}

func number(p *uint64, or uint32) uint32 {
	if p == nil {
		return or
	}
	return uint32(*p)
}

// key adds what of a mount decides about the step; false when only its content
// tells.
func (m *mount) key(ctx context.Context, b *builder, k *key, content bool) (bool, error) {
	k.add("mount", string(m.typ), m.source, m.target, m.id, m.env).num(bit(m.readOnly), uint64(m.size), uint64(m.mode), uint64(m.uid), uint64(m.gid))
	if m.typ != instructions.MountTypeBind {
		return true, nil
	}
	if !content {
		c, ok := m.from.chain()
		if ok {
			c.key(k)
		}
		return ok, nil
	}
	c, done, err := m.gather(ctx, b)
	if err != nil {
		return false, err
	}
	defer done()
	sum, _, err := c.digest(ctx)
	k.add(sum)
	return true, err
}

// gather finds what a bind mount shows.
func (m *mount) gather(ctx context.Context, b *builder) (*copying, func(), error) {
	t, done, err := m.from.open(ctx, b)
	if err != nil {
		return nil, nil, err
	}
	at, e, err := resolve(t, m.source)
	if err != nil {
		done()
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("failed to compute cache key: failed to calculate checksum of ref: %q: not found", "/"+m.source)
		}
		return nil, nil, err
	}
	return &copying{sources: []source{{t: t, path: at, name: path.Base(at), entry: e}}}, done, nil
}

// mounts are those of one RUN while it runs.
type mounts struct {
	b       *builder
	list    []sandbox.StepMount
	env     []string
	saved   []*sandbox.BuildMount
	closers []func()
}

// close gives everything back, and saves what cache mounts hold.
func (s *mounts) close() error {
	var errs []error
	for _, v := range s.saved {
		errs = append(errs, v.Close())
	}
	for _, c := range slices.Backward(s.closers) {
		c()
	}
	s.saved, s.closers = nil, nil
	return errors.Join(errs...)
}

// add prepares the mounts of a step.
func (s *mounts) add(ctx context.Context, list []mount) error {
	var caches []*mount
	for i := range list {
		var err error
		switch m := &list[i]; m.typ {
		case instructions.MountTypeBind:
			err = s.bind(ctx, m)
		case instructions.MountTypeTmpfs:
			f := s.memory(vfs.Options{MaxBytes: m.size, RootMode: 0o1777})
			s.list = append(s.list, sandbox.StepMount{Target: m.target, Super: f, ReadOnly: m.readOnly})
		case instructions.MountTypeSecret:
			err = s.secret(m)
		case instructions.MountTypeCache:
			caches = append(caches, m)
		}
		if err != nil {
			return err
		}
	}
	return s.caches(ctx, caches)
}

func (s *mounts) memory(o vfs.Options) *vfs.FS {
	o.Type = "tmpfs"
	f := vfs.New(nil, nil, o)
	s.closers = append(s.closers, func() { _ = f.Close() })
	return f
}

// bind shows files of a stage or an image, or a copy of files of the context.
// What is written to it is thrown away.
func (s *mounts) bind(ctx context.Context, m *mount) error {
	c, ok := m.from.chain()
	if !ok {
		return s.bindCopy(ctx, m)
	}
	f, done, err := s.b.openChain(ctx, c)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, done)
	t := &vfsTree{fs: f}
	at, e, err := resolve(t, m.source)
	if err != nil {
		return err
	}
	ino, err := t.find(at)
	if err != nil {
		return err
	}
	s.list = append(s.list, sandbox.StepMount{Target: m.target, Super: f, Root: ino, File: !e.isDir(), ReadOnly: m.readOnly})
	return nil
}

func (s *mounts) bindCopy(ctx context.Context, m *mount) error {
	c, done, err := m.gather(ctx, s.b)
	if err != nil {
		return err
	}
	defer done()
	f := s.memory(vfs.Options{})
	to := "/"
	if file := &c.sources[0]; !file.entry.isDir() {
		file.name = "file"
		to = "/file"
	}
	w, ns := newWriter(f, to, vfs.TimespecOf(s.b.now()))
	defer ns.Close()
	w.ctx = ctx
	if err := w.copy(c); err != nil {
		return err
	}
	sm := sandbox.StepMount{Target: m.target, Super: f, ReadOnly: m.readOnly}
	if to != "/" {
		sm.File = true
		if sm.Root, err = f.Lookup(f.Root(), "file"); err != nil {
			return err
		}
	}
	s.list = append(s.list, sm)
	return nil
}

// secret shows a secret as a file, or puts it into the environment.
func (s *mounts) secret(m *mount) error {
	sec, ok := s.b.o.Secrets[m.id]
	if !ok {
		if m.required {
			return fmt.Errorf("secret %s: not found", m.id)
		}
		return nil
	}
	value := sec.Value
	if sec.File != "" {
		var err error
		if value, err = readHostFile(sec.File, maxSecret, "the secret "+m.id); err != nil {
			return fmt.Errorf("secret %s: %w", m.id, reason(err))
		}
	}
	if m.env != "" {
		s.env = append(s.env, m.env+"="+string(value))
		if m.target == "" {
			return nil
		}
	}
	return s.file(m.target, string(value), m.mode, m.uid, m.gid)
}

// maxSecret is what BuildKit takes too.
const maxSecret = 500 << 10

// file mounts one file.
func (s *mounts) file(target, text string, mode, uid, gid uint32) error {
	f := s.memory(vfs.Options{})
	ino, err := f.Create(f.Root(), "file", vfs.CreateOpts{Mode: linux.S_IFREG | mode&0o7777, UID: uid, GID: gid})
	if err != nil {
		return err
	}
	h, err := f.Open(ino, linux.O_WRONLY)
	if err != nil {
		return err
	}
	_, err = h.WriteAt([]byte(text), 0)
	if err = errors.Join(err, h.Close()); err != nil {
		return err
	}
	s.list = append(s.list, sandbox.StepMount{Target: target, Super: f, Root: ino, File: true})
	return nil
}

func (s *mounts) addScript(sc *script) error {
	return s.file(path.Join(scriptDir, sc.name), sc.text, 0o755, 0, 0)
}

// cache is a cache mount that is about to be opened.
type cache struct {
	m    *mount
	key  string
	from *copying // its first files; nil: none
}

// caches mounts file systems that are kept from one build to the next. They
// are opened in the order of their keys, so that no two builds wait for each
// other.
func (s *mounts) caches(ctx context.Context, list []*mount) error {
	var all []cache
	for _, m := range list {
		c := cache{m: m}
		k := newKey("cache").add(m.id)
		if m.from != (from{}) {
			files, done, err := m.gather(ctx, s.b)
			if err != nil {
				return err
			}
			s.closers = append(s.closers, done)
			sum, _, err := files.digest(ctx)
			if err != nil {
				return err
			}
			c.from = files
			k.add(sum)
		}
		c.key = k.sum()
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b cache) int { return strings.Compare(a.key, b.key) })
	open := map[string]*sandbox.BuildMount{} // one may be at two places
	for _, c := range all {
		v := open[c.key]
		if v == nil {
			var err error
			exclusive := c.m.sharing == instructions.MountSharingLocked || c.m.sharing == instructions.MountSharingPrivate
			if v, err = s.b.e.OpenBuildMount(ctx, c.key, c.m.id, exclusive); err != nil {
				return err
			}
			open[c.key] = v
			s.saved = append(s.saved, v)
			if err := v.Init(func(f *vfs.FS) error { return dressCache(f, &c, s.b) }); err != nil {
				return err
			}
		}
		s.list = append(s.list, sandbox.StepMount{Target: c.m.target, Super: v.FS(), ReadOnly: c.m.readOnly})
	}
	return nil
}

// dressCache gives a new cache its owner, permissions and first files.
func dressCache(f *vfs.FS, c *cache, b *builder) error {
	m := c.m
	if c.from != nil {
		w, ns := newWriter(f, "/", vfs.TimespecOf(b.now()))
		defer ns.Close()
		if err := w.copy(c.from); err != nil {
			return err
		}
	}
	return f.Setattr(f.Root(), &vfs.SetAttr{Valid: vfs.SetMode | vfs.SetUID | vfs.SetGID, Mode: m.mode, UID: m.uid, GID: m.gid})
}

// further opens a folder of the host that was given as a context by name.
func (b *builder) further(name string) (tree, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if t := b.trees[name]; t != nil {
		return t, nil
	}
	t, err := b.openFurther(name)
	if err != nil {
		return nil, err
	}
	if b.trees == nil {
		b.trees = map[string]tree{}
	}
	b.trees[name] = t
	return t, nil
}

func parseID(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	return uint32(n), err
}
