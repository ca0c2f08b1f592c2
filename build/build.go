package build

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sbxrun/sbx/build/dockerfile"
	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/sandbox"
)

// builder is one build.
type builder struct {
	ctx      context.Context // of the whole build; ends with its first error
	e        *sandbox.Engine
	store    *registry.Store
	o        Options
	prog     *progress
	platform registry.Platform
	asked    *registry.Platform // by --platform
	names    []registry.Ref

	in     input
	meta   *dockerfile.Scope
	stages []*stage
	order  []*stage // those that are needed, each after what it needs
	images images
	calls  calls
	slots  chan struct{} // one for each step that is being done

	start time.Time
	added atomic.Bool // a step was done

	mu        sync.Mutex // guards what follows, and input.closers
	holds     []*registry.Hold
	trees     map[string]tree // of further contexts
	downloads map[string]*source
}

// Build makes an image of a Dockerfile. When it fails, or ctx ends, nothing of
// it is left but what the build cache has of the steps that were done.
func Build(ctx context.Context, e *sandbox.Engine, o Options) (res Result, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b := &builder{ctx: ctx, e: e, store: e.Store(), o: o, prog: &progress{fn: o.Progress}, start: time.Now()}
	defer b.close()
	b.slots = make(chan struct{}, max(4, 2*runtime.NumCPU()))
	if b.o.run == nil {
		b.o.run = e.RunStep
	}
	if b.o.find == nil {
		b.o.find = e.FindImage
	}
	if err := b.check(); err != nil {
		return res, err
	}
	if err := b.load(ctx); err != nil {
		return res, err
	}
	target, err := b.prepare()
	if err != nil {
		return res, err
	}
	if err := b.solve(cancel); err != nil {
		return res, err
	}
	if err := b.export(ctx, target, &res); err != nil {
		return res, err
	}
	return res, b.trim(ctx)
}

// check looks at what can be judged beforehand.
func (b *builder) check() error {
	b.platform = registry.DefaultPlatform()
	if b.o.Platform != "" {
		p, err := registry.ParsePlatform(b.o.Platform)
		if err != nil {
			return err
		}
		b.platform, b.asked = p, &p
	}
	for _, t := range b.o.Tags {
		ref, err := registry.ParseRef(t)
		if err == nil && ref.Digest != "" {
			err = registry.Errorf(registry.ErrInvalidRef, "invalid tag %q: an image cannot be given a name with a digest", t)
		}
		if err != nil {
			return err
		}
		b.names = append(b.names, ref)
	}
	switch b.o.Network {
	case "", "default", "none":
	case "host":
		return unsupported("--network=host is not supported: nothing of sbx reaches the network of the host itself; leave it out for connections to other hosts")
	default:
		return unsupported("network mode %q is not supported: use default or none", b.o.Network)
	}
	return b.checkOutputs()
}

// prepare plans the target and everything that it needs.
func (b *builder) prepare() (*stage, error) {
	if err := b.outline(); err != nil {
		return nil, err
	}
	target, err := b.target()
	if err != nil {
		return nil, err
	}
	b.prefetch(target)
	if err := b.plan(target); err != nil {
		return nil, err
	}
	return target, b.loadContext()
}

// solve does what is planned. Stages go side by side, and wait for each other
// where one needs the other.
func (b *builder) solve(cancel context.CancelCauseFunc) error {
	var g errgroup.Group
	for _, s := range b.order {
		g.Go(func() error {
			s.result, s.err = b.solveStage(b.ctx, s)
			close(s.done)
			if s.err != nil {
				cancel(s.err)
			}
			return s.err
		})
	}
	if err := g.Wait(); err == nil {
		return nil
	}
	return context.Cause(b.ctx)
}

// solveStage does the steps of one stage.
func (b *builder) solveStage(ctx context.Context, s *stage) (chain, error) {
	var c chain
	n := 0
	switch {
	case s.parent != nil:
		p, err := b.wait(ctx, s.parent)
		if err != nil {
			return c, err
		}
		c = p
	case s.image != nil:
		n = 1
		v := b.prog.start(b.label(s, n) + "FROM " + s.image.name)
		if s.image.pulled {
			v.event(Done, "")
		} else {
			v.event(Cached, "")
		}
		c.layers = s.image.Layers()
	}
	c.layers = c.layers[:len(c.layers):len(c.layers)]
	for i := range s.lines {
		l := &s.lines[i]
		h := &historyLine{before: c.history, line: l}
		if l.op != nil {
			n++
			name := b.label(s, n) + l.name
			rec, err := b.step(ctx, s, l, name, c)
			if err != nil {
				return c, b.in.file.located(err, l.where, name)
			}
			h.rec = rec
			if rec.Layer != nil {
				c.layers = append(c.layers, *rec.Layer)
			}
			if len(c.layers) > maxLayers {
				return c, b.in.file.located(badf("the image has more than %d layers", maxLayers), l.where, name)
			}
		}
		c.history = h
	}
	return c, nil
}

// wait waits for another stage.
func (b *builder) wait(ctx context.Context, s *stage) (chain, error) {
	select {
	case <-s.done:
		return s.result, s.err
	case <-ctx.Done():
		return chain{}, context.Cause(ctx)
	}
}

// close gives everything back.
func (b *builder) close() {
	b.in.close()
	for _, h := range b.holds {
		h.Release()
	}
}

// isCanceled tells an error that is only the consequence of another one.
func isCanceled(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.Cause(ctx)))
}
