package build

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/docker/go-units"

	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/sandbox"
)

// imageContext is how a further context names an image.
const imageContext = "docker-image://"

// image is an image that a build stands on or copies from.
type image struct {
	registry.Image
	name   string
	pulled bool
}

// imageKey is one name on one platform.
type imageKey struct{ name, platform string }

// images finds each image once.
type images struct {
	mu   sync.Mutex
	list map[imageKey]func() (*image, error)
}

// image finds an image, or pulls it, and keeps it until the end of the build.
func (b *builder) image(name string, p *registry.Platform) (*image, error) {
	k := imageKey{name: name}
	if p != nil {
		k.platform = registry.FormatPlatform(*p)
	}
	b.images.mu.Lock()
	if b.images.list == nil {
		b.images.list = map[imageKey]func() (*image, error){}
	}
	get := b.images.list[k]
	if get == nil {
		get = sync.OnceValues(func() (*image, error) { return b.loadImage(b.ctx, name, p) })
		b.images.list[k] = get
	}
	b.images.mu.Unlock()
	return get()
}

func (b *builder) loadImage(ctx context.Context, name string, p *registry.Platform) (img *image, err error) {
	if c, ok := b.o.Contexts[name]; ok {
		rest, isImage := strings.CutPrefix(c, imageContext)
		if !isImage {
			return nil, unsupported("FROM %s: only a context of the form %sNAME can stand for an image", name, imageContext)
		}
		name = rest
	}
	ref, err := registry.ParseRef(name)
	if err != nil && !isID(name) {
		return nil, badf("failed to parse stage name %q: %w", name, err)
	}
	shown := name
	if err == nil {
		shown = ref.String()
		if local, lerr := b.e.Image(ctx, name); lerr == nil && !b.o.Pull {
			if refs := local.Refs(); len(refs) > 0 && !slices.Contains(refs, ref) && ref.Digest == "" {
				shown = refs[0].String() // a short name of an image that was made here
			}
		}
	}
	v := b.prog.start("[internal] load metadata for " + shown)
	defer func() { v.end(err, ctx.Err() != nil) }()
	img = &image{name: shown}
	pull := sandbox.PullMissing
	if b.o.Pull && ref.Domain != registry.LocalDomain && err == nil {
		pull = sandbox.PullAlways
	}
	opts := sandbox.CreateOptions{Pull: registry.PullOptions{Platform: p, Progress: pullStatus(v)}, Pulled: func(r registry.PullResult) { img.pulled = !r.UpToDate }}
	if img.Image, err = b.o.find(ctx, name, pull, opts); err != nil {
		return nil, err
	}
	if err := b.hold(img.Layers()...); err != nil {
		return nil, err
	}
	if d := img.RepoDigests(); len(d) > 0 {
		if _, digest, ok := strings.Cut(d[0], "@"); ok && ref.Digest == "" {
			img.name += "@" + digest
		}
	}
	return img, nil
}

func isID(s string) bool {
	return len(s) >= 3 && len(s) <= 64 && strings.Trim(s, "0123456789abcdef") == ""
}

// pullStatus tells of layers that have arrived.
func pullStatus(v *vertex) func(registry.Event) {
	seen := map[string]registry.Status{}
	var mu sync.Mutex
	return func(e registry.Event) {
		mu.Lock()
		defer mu.Unlock()
		if seen[e.ID()] == e.Status {
			return
		}
		seen[e.ID()] = e.Status
		if e.Status == registry.StatusPulled {
			v.status("%s: %s %s", e.ID(), e.Status, size(e.Total))
		}
	}
}

// size is a number of bytes as BuildKit writes it.
func size(n int64) string { return units.HumanSize(float64(n)) }

// chain is a stack of layers, the lowest first.
type chain struct {
	layers  []registry.LayerInfo
	history *historyLine // the last; nil: none but the base image's
}

// historyLine is an instruction that was done, after those before it.
type historyLine struct {
	before *historyLine
	line   *line
	rec    registry.BuildRecord
}

// lines are the lines from the first on.
func (h *historyLine) lines() (out []*historyLine) {
	for ; h != nil; h = h.before {
		out = append(out, h)
	}
	slices.Reverse(out)
	return out
}

// maxLayers is what the store takes in one image.
var maxLayers = registry.DefaultLimits().Layers

// key puts the chain into a key.
func (c chain) key(k *key) *key {
	k.num(uint64(len(c.layers)))
	for _, l := range c.layers {
		k.add(string(l.DiffID))
	}
	return k
}

// hold keeps layers until the build has ended.
func (b *builder) hold(layers ...registry.LayerInfo) error {
	h, err := b.store.Hold(b.ctx, layers...)
	if err != nil {
		return fmt.Errorf("%w: pull the image again", err)
	}
	b.keep(h)
	return nil
}

// keep releases a hold when the build has ended.
func (b *builder) keep(h *registry.Hold) {
	if h == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.holds = append(b.holds, h)
}
