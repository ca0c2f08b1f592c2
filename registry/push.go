package registry

import (
	"context"
	"io"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"
)

// PushOptions changes a Push. The zero value is good.
type PushOptions struct {
	Progress func(Event)
	Parallel int // blobs at the same time; 0: DefaultParallel
}

// PushResult says what Push stored.
type PushResult struct {
	Digest Digest // of the manifest
	Size   int64  // of the manifest
}

// Push uploads the image that ref names in the store to the registry of that name. Blobs that the registry has are
// left out, or mounted from another of its repositories.
func (s *Store) Push(ctx context.Context, ref Ref, o PushOptions) (PushResult, error) {
	remote, err := s.client()
	if err != nil {
		return PushResult{}, err
	}
	if ref.Tag == "" {
		return PushResult{}, Errorf(ErrInvalidRef, "cannot push %s by digest: tag the image and push the tag", ref.Familiar())
	}
	lock, err := s.share(ctx)
	if err != nil {
		return PushResult{}, err
	}
	defer lock.Unlock()
	c, err := s.readCatalog()
	if err != nil {
		return PushResult{}, err
	}
	desc, ok := c.find(ref)
	if !ok {
		return PushResult{}, Errorf(ErrNotFound, "An image does not exist locally with the tag: %s", ref.FamiliarName())
	}
	img, err := s.loadImage(c, desc)
	if err != nil {
		return PushResult{}, err
	}
	p := &pusher{s: s, remote: remote, ref: ref, mountFrom: mountSource(desc, c, ref), report: newReporter(o.Progress)}
	if err := p.blobs(ctx, img, o.Parallel); err != nil {
		return PushResult{}, err
	}
	if err := remote.PushManifest(ctx, ref, ref.Tag, img.desc.MediaType, img.rawMani); err != nil {
		return PushResult{}, err
	}
	err = s.updateCatalog(ctx, func(c *catalog) error {
		if now, ok := c.find(ref); ok && now.Digest == desc.Digest {
			c.set(ref, desc, ref.Name()+"@"+string(desc.Digest))
		}
		return nil
	})
	return PushResult{Digest: desc.Digest, Size: int64(len(img.rawMani))}, err
}

// mountSource is another repository of the same registry that has the image's blobs, "" if none is known.
func mountSource(desc ocispec.Descriptor, c *catalog, ref Ref) string {
	for _, e := range c.entries(desc.Digest) {
		for _, rd := range repoDigestsOf(e) {
			if r, err := ParseRef(rd); err == nil && r.Domain == ref.Domain && r.Path != ref.Path {
				return r.Path
			}
		}
	}
	return ""
}

// pusher is one Push.
type pusher struct {
	s         *Store
	remote    Remote
	ref       Ref
	mountFrom string
	report    *reporter
}

// blobs uploads the layers, a few at a time, and then the configuration.
func (p *pusher) blobs(ctx context.Context, img Image, parallel int) error {
	if parallel <= 0 {
		parallel = DefaultParallel
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	seen := map[Digest]bool{}
	for _, d := range img.manifest.Layers {
		if seen[d.Digest] || (IsForeign(d.MediaType) && len(d.URLs) > 0) {
			continue
		}
		seen[d.Digest] = true
		p.report.send(Event{Layer: d.Digest, Status: StatusPreparing, Total: d.Size})
		g.Go(func() error { return p.blob(gctx, d) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	quiet := &pusher{s: p.s, remote: p.remote, ref: p.ref, report: newReporter(nil)}
	return quiet.blob(ctx, img.manifest.Config)
}

// blob uploads one blob.
func (p *pusher) blob(ctx context.Context, d ocispec.Descriptor) error {
	if have, err := p.remote.HasBlob(ctx, p.ref, d.Digest); err != nil {
		return err
	} else if have {
		p.report.send(Event{Layer: d.Digest, Status: StatusPushExists, Current: d.Size, Total: d.Size})
		return nil
	}
	open := func() (io.ReadCloser, error) { return os.Open(p.s.blobPath(d.Digest)) }
	mounted, err := p.remote.PushBlob(ctx, p.ref, d, p.mountFrom, open, p.report.bytes(d, StatusPushing))
	if err != nil {
		return err
	}
	e := Event{Layer: d.Digest, Status: StatusPushed, Current: d.Size, Total: d.Size}
	if mounted {
		e.Status, e.Detail = StatusMounted, p.mountFrom
	}
	p.report.send(e)
	return nil
}
