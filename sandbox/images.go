package sandbox

import (
	"context"
	"errors"
	"io"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/sbxrun/sbx/build/dockerfile"
	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/vfs"
)

// Store is where the images are.
func (e *Engine) Store() *registry.Store { return e.store }

// Image finds an image of the store by name, id, or unique prefix of its id.
// The embedded image is always there.
func (e *Engine) Image(ctx context.Context, name string) (registry.Image, error) {
	if maybeBase(name) {
		if err := e.ensureBase(ctx); err != nil {
			return registry.Image{}, err
		}
	}
	return e.store.Resolve(name)
}

// Images lists the images of the store, the newest first, the embedded one
// included. Images that cannot be read are told of in the error, next to the
// others.
func (e *Engine) Images(ctx context.Context) ([]registry.Image, error) {
	if err := e.ensureBase(ctx); err != nil {
		return nil, err
	}
	return e.store.Images()
}

// LayerSizes are the sizes of an image's layers in bytes, the lowest first.
func (e *Engine) LayerSizes(img registry.Image) []int64 {
	var out []int64
	for _, l := range img.Layers() {
		out = append(out, e.store.LayerSize(l))
	}
	return out
}

// Pull brings an image from its registry.
func (e *Engine) Pull(ctx context.Context, ref registry.Ref, o registry.PullOptions) (registry.Image, registry.PullResult, error) {
	if ref.Domain == registry.LocalDomain {
		return registry.Image{}, registry.PullResult{}, registry.Errorf(registry.ErrNotFound, "%s is a local name: there is no registry to pull it from", ref.Familiar())
	}
	img, res, err := e.store.Pull(ctx, ref, o)
	if err == nil {
		e.emitImage("pull", string(img.ID()), ref.Familiar())
	}
	return img, res, err
}

// Push sends an image to the registry of its name.
func (e *Engine) Push(ctx context.Context, ref registry.Ref, o registry.PushOptions) (registry.PushResult, error) {
	res, err := e.store.Push(ctx, ref, o)
	if err == nil {
		e.emitRef("push", ref.Familiar())
	}
	return res, err
}

// Tag gives an image a further name.
func (e *Engine) Tag(ctx context.Context, src, dst string) error {
	if _, err := e.Image(ctx, src); err != nil {
		return err
	}
	err := e.store.Tag(ctx, src, dst)
	if err == nil {
		e.emitRef("tag", dst)
	}
	return err
}

// RemoveImage takes a name off an image, or the image away with its last one.
func (e *Engine) RemoveImage(ctx context.Context, name string, force bool) ([]registry.RemoveEvent, error) {
	e.base.Lock()
	e.baseDone = false
	e.base.Unlock()
	gone, err := e.store.Remove(ctx, name, force)
	e.emitRemoved(gone)
	return gone, err
}

// Load brings the images of a docker or OCI archive in and returns what to
// call them.
func (e *Engine) Load(ctx context.Context, r io.Reader, progress func(registry.Event)) ([]string, error) {
	names, err := e.store.Load(ctx, r, progress)
	for _, n := range names {
		e.emitRef("load", n)
	}
	return names, err
}

// Save writes images as one archive that docker and other tools load.
func (e *Engine) Save(ctx context.Context, w io.Writer, names []string) error {
	for _, n := range names {
		if _, err := e.Image(ctx, n); err != nil {
			return err
		}
	}
	err := e.store.Save(ctx, w, names, registry.FormatDocker)
	if err == nil {
		for _, n := range names {
			e.emitRef("save", n)
		}
	}
	return err
}

// Import makes an image of one layer out of a root file system in a tar
// archive; changes are Dockerfile instructions.
func (e *Engine) Import(ctx context.Context, r io.Reader, ref string, changes []string) (registry.Image, error) {
	c, err := dockerfile.Changes(registry.ContainerConfig{}, changes)
	if err != nil {
		return registry.Image{}, err
	}
	img, err := e.store.Import(ctx, r, ref, c)
	if err == nil {
		if ref != "" {
			e.emitImage("tag", string(img.ID()), ref)
		}
		e.emitImage("import", string(img.ID()), ref)
	}
	return img, err
}

// CommitOptions describes the image that Commit makes.
type CommitOptions struct {
	Author, Message string
	Changes         []string // Dockerfile instructions
	NoPause         bool     // leave a running container running while its files are copied
}

// Commit makes an image out of a container: its image and one layer more,
// with what the container changed. ref may be "".
func (e *Engine) Commit(ctx context.Context, container, ref string, o CommitOptions) (registry.Image, error) {
	v, err := e.openStill(ctx, container, o.NoPause)
	if err != nil {
		return registry.Image{}, err
	}
	defer v.Close()
	base, err := e.store.Resolve(v.rec.ImageID)
	if err != nil {
		return base, err
	}
	cfg, now := base.Config(), time.Now().UTC()
	cfg.Created, cfg.Author = &now, firstOf(o.Author, cfg.Author)
	p := v.rec.Process
	cfg.Config.Env, cfg.Config.Labels = mergeEnv(cfg.Config.Env, v.rec.Config.Env), p.Labels
	cfg.Config.Entrypoint, cfg.Config.Cmd, cfg.Config.User, cfg.Config.WorkingDir = p.Entrypoint, p.Cmd, p.User, firstOf(v.rec.Config.WorkingDir, cfg.Config.WorkingDir)
	if p.Health != nil {
		cfg.Config.Healthcheck = p.Health
	}
	if cfg.Config, err = dockerfile.Changes(cfg.Config, o.Changes); err != nil {
		return registry.Image{}, err
	}
	cfg.History = append(base.History(), ocispec.History{Created: &now, CreatedBy: p.Command(), Author: o.Author, Comment: o.Message})
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.CloseWithError(v.fs.Diff(w, vfs.DiffOptions{}))
	}()
	img, err := e.store.AddLayerImage(ctx, base, r, cfg, ref)
	r.CloseWithError(errors.New("the image was not made"))
	<-done
	if err == nil {
		if ref != "" {
			e.emitImage("tag", string(img.ID()), ref)
		}
		e.emitContainer(v.rec, "commit", "comment", o.Message, "imageID", string(img.ID()), "imageRef", ref)
	}
	return img, err
}
