package build

import (
	"context"
	"maps"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/sbxrun/sbx/registry"
)

// historyComment tells other tools how the lines of the history are to be read.
const historyComment = "buildkit.dockerfile.v0"

// config is the configuration of the image that a stage became.
func (b *builder) config(s *stage) registry.ImageConfig {
	cfg := s.state.Image
	c := s.result
	if base := firstImage(s); base != nil {
		cfg.History = base.History()
	} else {
		cfg.History = nil
	}
	var last *time.Time
	for _, h := range cfg.History {
		if h.Created != nil {
			last = h.Created
		}
	}
	for _, h := range c.history.lines() {
		if h.line.op != nil {
			t := h.rec.Created
			last = &t
		}
		if b.o.Epoch != nil || last == nil {
			t := b.now()
			last = &t
		}
		cfg.History = append(cfg.History, ocispec.History{Created: last, CreatedBy: h.line.createdBy, Comment: historyComment, EmptyLayer: h.rec.Layer == nil})
	}
	if b.o.Epoch != nil || last == nil {
		t := b.now()
		last = &t
	}
	cfg.Created = last
	if len(b.o.Labels) > 0 {
		labels := maps.Clone(cfg.Config.Labels)
		if labels == nil {
			labels = map[string]string{}
		}
		maps.Copy(labels, b.o.Labels)
		cfg.Config.Labels = labels
	}
	return cfg
}

// firstImage is the base image of a stage, through the stages that it goes on
// from.
func firstImage(s *stage) *image {
	for ; s.parent != nil; s = s.parent {
	}
	return s.image
}

// export makes what the user asked for of the stage that was built.
func (b *builder) export(ctx context.Context, s *stage, res *Result) (err error) {
	cfg := b.config(s)
	if len(b.o.Outputs) == 0 {
		return b.exportImage(ctx, s, cfg, b.names, res)
	}
	for i := range b.o.Outputs {
		if err := b.output(ctx, &b.o.Outputs[i], s, cfg, res); err != nil {
			return err
		}
	}
	return nil
}

// exportImage puts an image into the store.
func (b *builder) exportImage(ctx context.Context, s *stage, cfg registry.ImageConfig, names []registry.Ref, res *Result) (err error) {
	v := b.prog.start("exporting to image")
	defer func() { v.end(err, ctx.Err() != nil) }()
	began := time.Now()
	v.status("exporting layers")
	if res.Image, err = b.store.MakeImage(ctx, s.result.layers, cfg, names...); err != nil {
		return err
	}
	v.status("exporting layers %.1fs done", time.Since(began).Seconds())
	v.status("writing image %s done", res.Image.ID())
	for _, n := range names {
		v.status("naming to %s done", n)
		b.e.EmitBuilt(string(res.Image.ID()), n.Familiar())
	}
	return nil
}
