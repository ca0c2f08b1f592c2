package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/sbxrun/sbx/vfs"
)

// DefaultParallel is how many layers are fetched at the same time.
const DefaultParallel = 3

// PullOptions changes a Pull. The zero value is good.
type PullOptions struct {
	Platform *Platform   // nil: DefaultPlatform, and a single manifest of another platform is accepted
	Progress func(Event) // called from several goroutines, one at a time
	Parallel int         // layers at the same time; 0: DefaultParallel
}

func (o PullOptions) platform() Platform {
	if o.Platform != nil {
		return *o.Platform
	}
	return DefaultPlatform()
}

// PullResult says what Pull did.
type PullResult struct {
	Ref      Ref
	Digest   Digest // what the registry knows the name by: of the index if there is one
	UpToDate bool   // nothing was missing
}

// Pull brings the image that ref names in its registry into the store, verified and ready to run, and gives it that
// name. It may be interrupted at any moment; what has arrived is kept and not fetched again.
func (s *Store) Pull(ctx context.Context, ref Ref, o PullOptions) (Image, PullResult, error) {
	remote, err := s.client()
	if err != nil {
		return Image{}, PullResult{}, err
	}
	lock, err := s.share(ctx)
	if err != nil {
		return Image{}, PullResult{}, err
	}
	defer lock.Unlock()
	p := &puller{s: s, remote: remote, ref: ref, o: o, report: newReporter(o.Progress), budget: s.newBudget()}
	if img, res, ok := p.current(ctx); ok {
		return img, res, nil
	}
	img, res, err := p.run(ctx)
	if err != nil && ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		err = ctx.Err()
	}
	return img, res, err
}

// puller is one Pull.
type puller struct {
	s      *Store
	remote Remote
	ref    Ref
	o      PullOptions
	report *reporter
	budget *budget
}

// reference is what to ask the registry for.
func (p *puller) reference() string {
	if p.ref.Digest != "" {
		return string(p.ref.Digest)
	}
	return p.ref.Tag
}

// current answers from the store when it has what the registry would give.
func (p *puller) current(ctx context.Context) (Image, PullResult, bool) {
	c, err := p.s.readCatalog()
	if err != nil {
		return Image{}, PullResult{}, false
	}
	desc, _, ok := c.lookup(p.ref)
	if !ok {
		return Image{}, PullResult{}, false
	}
	img, err := p.s.loadImage(c, desc)
	if err != nil || platformScore(p.o.platform(), img.Platform()) == 0 || !p.s.complete(img) {
		return Image{}, PullResult{}, false
	}
	d := p.ref.Digest
	if d == "" {
		if d, err = p.remote.Head(ctx, p.ref, p.ref.Tag); err != nil || d == "" {
			return Image{}, PullResult{}, false
		}
		if d != img.Digest() && !hasDigest(desc, p.ref.Name()+"@"+string(d)) {
			return Image{}, PullResult{}, false
		}
	}
	return img, PullResult{Ref: p.ref, Digest: d, UpToDate: true}, true
}

func hasDigest(desc ocispec.Descriptor, want string) bool {
	for _, rd := range repoDigestsOf(desc) {
		if rd == want {
			return true
		}
	}
	return false
}

// complete tells whether all layers of img are in the store, ready to run.
func (s *Store) complete(img Image) bool {
	for i, l := range img.manifest.Layers {
		if !s.hasBlob(l) || !s.hasContent(img.config.RootFS.DiffIDs[i]) {
			return false
		}
	}
	return true
}

// run pulls.
func (p *puller) run(ctx context.Context) (Image, PullResult, error) {
	res := PullResult{Ref: p.ref}
	chosen, top, err := p.manifest(ctx)
	if err != nil {
		return Image{}, res, err
	}
	res.Digest = top
	img, err := p.config(ctx, chosen)
	if err != nil {
		return Image{}, res, err
	}
	tocs, existed, err := p.layers(ctx, img)
	if err != nil {
		return Image{}, res, err
	}
	if err := p.s.newStack(img.Layers(), nil).prepare(ctx, tocs); err != nil {
		return Image{}, res, err
	}
	before, _ := p.s.readCatalog()
	img, err = p.s.publishImage(ctx, img, p.named(), p.ref.Name()+"@"+string(top))
	if before != nil && existed {
		if d, _, ok := before.lookup(p.ref); ok && d.Digest == img.Digest() {
			res.UpToDate = true
		}
	}
	return img, res, err
}

// named is the name that the image gets: none when it was pulled by digest.
func (p *puller) named() Ref {
	if p.ref.Digest != "" {
		return Ref{}
	}
	return p.ref
}

// fetched is a verified manifest.
type fetched struct {
	raw  []byte
	desc ocispec.Descriptor
	doc  *document
}

// fetchManifest fetches one document; want is its digest when it is known.
func (p *puller) fetchManifest(ctx context.Context, reference string, want Digest, mediaType string) (fetched, error) {
	raw, announced, err := p.remote.Manifest(ctx, p.ref, reference, p.s.limits.ManifestBytes)
	if err != nil {
		return fetched{}, err
	}
	got := digestOf(raw)
	if want != "" && got != want {
		return fetched{}, corrupt("the manifest of %s arrived as %s instead of %s: the registry or the network damaged it", p.ref.Familiar(), got, want)
	}
	if known(mediaType) {
		announced = mediaType
	}
	doc, err := parseDocument(raw, announced, p.s.limits)
	if err != nil {
		return fetched{}, err
	}
	return fetched{raw, ocispec.Descriptor{MediaType: doc.mediaType, Digest: got, Size: int64(len(raw))}, doc}, nil
}

// manifest fetches what the name stands for and goes down through indexes to the manifest of the platform. top is
// the digest of the first document.
func (p *puller) manifest(ctx context.Context) (m fetched, top Digest, err error) {
	if m, err = p.fetchManifest(ctx, p.reference(), p.ref.Digest, ""); err != nil {
		return m, "", err
	}
	top = m.desc.Digest
	for depth := 0; m.doc.index != nil; depth++ {
		if depth >= p.s.limits.IndexDepth {
			return m, "", Errorf(ErrTooLarge, "%s nests indexes more than %d deep: refused", p.ref.Familiar(), p.s.limits.IndexDepth)
		}
		d, err := choosePlatform(m.doc.index, p.o.platform(), p.ref.Familiar())
		if err != nil {
			return m, "", err
		}
		if m, err = p.fetchManifest(ctx, string(d.Digest), d.Digest, d.MediaType); err != nil {
			return m, "", err
		}
	}
	return m, top, nil
}

// choosePlatform picks the manifest for want. Entries without a platform are the last resort; attestations are no
// images.
func choosePlatform(ix *ocispec.Index, want Platform, name string) (ocispec.Descriptor, error) {
	best, bestScore := -1, 0
	var have []string
	for i, d := range ix.Manifests {
		if !known(d.MediaType) && d.MediaType != "" {
			continue
		}
		score := 0
		switch {
		case d.Platform == nil || d.Platform.Architecture == "":
			if isIndexType(d.MediaType) || len(ix.Manifests) == 1 {
				score = 1
			}
		case d.Platform.OS == "unknown":
		default:
			score = 2 * platformScore(want, *d.Platform)
			if len(have) < 20 {
				have = append(have, FormatPlatform(normalPlatform(*d.Platform)))
			}
		}
		if score > bestScore {
			best, bestScore = i, score
		}
	}
	if best >= 0 {
		return ix.Manifests[best], nil
	}
	if len(have) == 0 {
		return ocispec.Descriptor{}, Errorf(ErrPlatform, "no image for %s in %s: its index lists none", FormatPlatform(want), name)
	}
	return ocispec.Descriptor{}, Errorf(ErrPlatform, "no image for %s in %s: choose one of %s with --platform", FormatPlatform(want), name, strings.Join(have, ", "))
}

// config fetches the configuration and makes an Image that is not in the store yet.
func (p *puller) config(ctx context.Context, m fetched) (Image, error) {
	d := m.doc.manifest.Config
	raw, err := p.s.readBlob(d.Digest, p.s.limits.ConfigBytes)
	if err != nil {
		if raw, err = p.fetchSmall(ctx, d); err != nil {
			return Image{}, err
		}
	}
	cfg, err := parseConfig(raw, len(m.doc.manifest.Layers))
	if err != nil {
		return Image{}, err
	}
	img := Image{desc: m.desc, manifest: *m.doc.manifest, rawMani: m.raw, config: cfg, rawConfig: raw}
	if p.o.Platform != nil && platformScore(*p.o.Platform, img.Platform()) == 0 {
		return Image{}, Errorf(ErrPlatform, "%s is an image for %s, not for %s: leave --platform out to use it", p.ref.Familiar(), FormatPlatform(img.Platform()), FormatPlatform(*p.o.Platform))
	}
	return img, nil
}

// fetchSmall fetches and verifies a blob that is kept in memory.
func (p *puller) fetchSmall(ctx context.Context, d ocispec.Descriptor) ([]byte, error) {
	r, err := p.remote.Blob(ctx, p.ref, d, 0)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := readAllLimit(r, min(d.Size, p.s.limits.ConfigBytes), string(d.Digest))
	if err != nil {
		return nil, err
	}
	if digestOf(raw) != d.Digest {
		return nil, corrupt("%s arrived as %s: the registry or the network damaged it, pull again", d.Digest, digestOf(raw))
	}
	return raw, nil
}

// layers fetches the layers that are missing, a few at a time.
func (p *puller) layers(ctx context.Context, img Image) (map[Digest][]vfs.LayerEntry, bool, error) {
	layers := img.Layers()
	results := make([]layer, len(layers))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, p.o.Parallel))
	if p.o.Parallel == 0 {
		g.SetLimit(DefaultParallel)
	}
	first := map[Digest]bool{}
	for _, l := range layers {
		if !first[l.Digest] {
			p.report.send(Event{Layer: l.Digest, Status: StatusWaiting, Total: l.Size})
		}
		first[l.Digest] = true
	}
	for i, l := range layers {
		if !first[l.Digest] {
			continue // the same blob again
		}
		first[l.Digest] = false
		g.Go(func() (err error) {
			results[i], err = p.layer(gctx, img.manifest.Layers[i], l.DiffID)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, false, err
	}
	tocs, existed := map[Digest][]vfs.LayerEntry{}, true
	for i, r := range results {
		if r.entries != nil {
			tocs[layers[i].DiffID] = r.entries
		}
		existed = existed && (r.existed || r.desc.Digest == "")
	}
	return tocs, existed, p.s.checkTotal(layers)
}

// layer fetches one layer.
func (p *puller) layer(ctx context.Context, d ocispec.Descriptor, diffID Digest) (layer, error) {
	fetch := func(ctx context.Context, offset int64) (io.ReadCloser, error) {
		return p.remote.Blob(ctx, p.ref, d, offset)
	}
	l, err := p.s.ingest(ctx, d, diffID, p.budget, fetch, p.report.bytes(d, StatusDownloading))
	if err != nil {
		return l, err
	}
	st := StatusPulled
	if l.existed {
		st = StatusExists
	}
	p.report.send(Event{Layer: d.Digest, Status: st, Current: d.Size, Total: d.Size})
	return l, nil
}

// checkTotal applies the limit of a whole image.
func (s *Store) checkTotal(layers []LayerInfo) error {
	var sum int64
	for _, l := range layers {
		n, err := s.layerSize(l.DiffID)
		if err != nil {
			return err
		}
		if sum += n; sum > s.limits.ImageBytes {
			return Errorf(ErrTooLarge, "the image unpacks to more than %d bytes: refused", s.limits.ImageBytes)
		}
	}
	return nil
}

// publishImage stores configuration and manifest, then the name, in this order: a name never stands for something
// that is not there.
func (s *Store) publishImage(ctx context.Context, img Image, ref Ref, repoDigests ...string) (Image, error) {
	err := together(
		func() error { _, err := s.putBlob(img.rawConfig); return err },
		func() error { _, err := s.putBlob(img.rawMani); return err },
	)
	if err != nil {
		return Image{}, err
	}
	desc := ocispec.Descriptor{MediaType: img.desc.MediaType, Digest: img.desc.Digest, Size: int64(len(img.rawMani))}
	if img.config.Architecture != "" {
		p := img.Platform()
		desc.Platform = &p
	}
	var out Image
	err = s.updateCatalog(ctx, func(c *catalog) (err error) {
		c.set(ref, desc, repoDigests...)
		out, err = s.loadImage(c, desc)
		return err
	})
	if err != nil {
		return Image{}, fmt.Errorf("name the image: %w", err)
	}
	return out, nil
}
