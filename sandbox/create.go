package sandbox

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/sbxrun/sbx/registry"
)

// CreateOptions are what a caller may want to see while Create works.
type CreateOptions struct {
	// Pull is told what the registry client does when the image is pulled.
	Pull registry.PullOptions
	// Missing is called when the image is not here and will be pulled,
	// Pulling before any pull, Pulled after one that worked. All may be nil.
	Missing, Pulling func(registry.Ref)
	Pulled           func(registry.PullResult)
}

// Create makes a container from an image, which is pulled as cfg.Pull says.
// Nothing runs yet.
func (e *Engine) Create(ctx context.Context, cfg Config, opts CreateOptions) (Container, error) {
	rec, _, lock, err := e.create(ctx, cfg, opts)
	lock.unlock()
	if err != nil {
		return Container{}, err
	}
	return Container{Record: rec, State: State{Status: StatusCreated}}, nil
}

// create is Create that returns with the container's lock held, so that
// nobody removes it before it is started, and with the image that was found.
func (e *Engine) create(ctx context.Context, cfg Config, opts CreateOptions) (rec Record, img registry.Image, lock *fileLock, err error) {
	if e.isClosed() {
		err = ErrClosed
		return
	}
	if err = cfg.check(); err != nil {
		return
	}
	img, err = e.imageFor(ctx, cfg, opts)
	if err != nil {
		return
	}
	rec = Record{ID: newID(), Name: cfg.Name, Created: time.Now().UTC(), ImageID: string(img.ID()), ImageRef: cfg.Image, Platform: registry.FormatPlatform(img.Platform())}
	if rec.Process, err = makeProcess(img.Config().Config, cfg, rec.ID); err != nil {
		return
	}
	if cfg.Mounts, err = e.allMounts(cfg, rec.Process.Volumes); err != nil {
		return
	}
	undo, err := e.prepareMounts(cfg.Mounts)
	if err != nil {
		return
	}
	rec.Config = cfg
	lock, err = e.disk.add(ctx, &rec)
	if err != nil {
		undo()
	}
	return
}

// allMounts are the user's mounts, then those of other containers
// (--volumes-from), then a volume for each of the image's VOLUMEs; of two at
// one place the first counts.
func (e *Engine) allMounts(cfg Config, image []string) ([]Mount, error) {
	out := slices.Clone(cfg.Mounts)
	taken := map[string]bool{}
	for _, m := range out {
		taken[m.Target] = true
	}
	add := func(m Mount) {
		if !taken[m.Target] {
			taken[m.Target], out = true, append(out, m)
		}
	}
	for _, from := range cfg.VolumesFrom {
		ref, mode, _ := strings.Cut(from, ":")
		if mode != "" && mode != "ro" && mode != "rw" {
			return nil, fail(ErrInvalid, "invalid --volumes-from %q: use CONTAINER[:ro|rw]", from)
		}
		c, err := e.Inspect(ref)
		if err != nil {
			return nil, err
		}
		for _, m := range c.Config.Mounts {
			if m.Type != MountTmpfs {
				m.ReadOnly = m.ReadOnly || mode == "ro"
				add(m)
			}
		}
	}
	for _, v := range image {
		m := Mount{Type: MountVolume, Target: v}
		if !strings.HasPrefix(v, "/") {
			m.Target = "/" + v
		}
		if err := m.check(); err != nil {
			return nil, fail(ErrInvalid, "the image's volume %q: %v", v, err)
		}
		add(m)
	}
	return out, nil
}

// imageFor finds or pulls the image of a new container.
func (e *Engine) imageFor(ctx context.Context, cfg Config, opts CreateOptions) (registry.Image, error) {
	if cfg.Platform != "" {
		p, err := registry.ParsePlatform(cfg.Platform)
		if err != nil {
			return registry.Image{}, err
		}
		opts.Pull.Platform = &p
	}
	return e.FindImage(ctx, cfg.Image, cfg.Pull, opts)
}

// FindImage finds an image, or pulls it as the policy says. With a platform in
// opts.Pull only an image for that one will do.
func (e *Engine) FindImage(ctx context.Context, name string, pull PullPolicy, opts CreateOptions) (registry.Image, error) {
	if pull != PullAlways {
		img, err := e.Image(ctx, name)
		if err == nil && wantedPlatform(img, opts.Pull.Platform) {
			return img, nil
		}
		if err != nil && !errors.Is(err, registry.ErrNotFound) {
			return img, err
		}
		if pull == PullNever {
			return img, registry.Errorf(registry.ErrNotFound, "No such image: %s: pull it first, or leave --pull=never out", name)
		}
	}
	ref, err := registry.ParseRef(name)
	if err != nil {
		return registry.Image{}, err
	}
	if opts.Missing != nil && pull != PullAlways {
		opts.Missing(ref)
	}
	if opts.Pulling != nil {
		opts.Pulling(ref)
	}
	img, res, err := e.Pull(ctx, ref, opts.Pull)
	if err == nil && opts.Pulled != nil {
		opts.Pulled(res)
	}
	return img, err
}

func wantedPlatform(img registry.Image, want *registry.Platform) bool {
	if want == nil {
		return true
	}
	have := img.Platform()
	return have.OS == want.OS && have.Architecture == want.Architecture && (want.Variant == "" || have.Variant == want.Variant)
}
