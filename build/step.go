package build

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/vfs"
)

// op is what an instruction does to files.
type op interface {
	// key sums the step up. With content it may read whatever it copies; without,
	// it must be quick. "" means that there is no such key.
	key(ctx context.Context, b *builder, on chain, content bool) (string, error)
	// apply does it.
	apply(ctx context.Context, b *builder, f *vfs.FS, v *vertex) error
	// alone tells that the step needs no file of the layers before it.
	alone() bool
}

// step finds a step in the cache or does it.
func (b *builder) step(ctx context.Context, s *stage, l *line, name string, on chain) (rec registry.BuildRecord, err error) {
	if l.op.alone() {
		on = chain{}
	}
	if err := b.await(ctx, l.op); err != nil {
		return rec, err
	}
	v := b.prog.start(name)
	cached := false
	defer func() {
		if err == nil && cached {
			v.event(Cached, "")
			return
		}
		v.end(err, isCanceled(ctx, err))
	}()
	fresh := b.o.NoCache || slices.Contains(b.o.NoCacheOf, s.name) && s.name != ""
	var keys []string
	for _, content := range []bool{false, true} {
		k, err := l.op.key(ctx, b, on, content)
		if err != nil {
			return rec, err
		}
		if k == "" || slices.Contains(keys, k) {
			continue
		}
		if !fresh {
			if rec, cached = b.find(ctx, k); cached {
				b.remember(ctx, keys, rec)
				return rec, nil
			}
		}
		keys = append(keys, k)
	}
	// Of the same step in two stages one is done.
	return b.calls.do(ctx, keys[len(keys)-1], func() (registry.BuildRecord, error) {
		select {
		case b.slots <- struct{}{}:
			defer func() { <-b.slots }()
		case <-ctx.Done():
			return registry.BuildRecord{}, context.Cause(ctx)
		}
		rec, err := b.make(ctx, l.op, on, v)
		if err != nil {
			return rec, err
		}
		rec.Description = l.name
		b.remember(ctx, keys, rec)
		return rec, nil
	})
}

// dependent is an op that needs other stages.
type dependent interface{ needs() []*stage }

// await waits for the stages that an op needs.
func (b *builder) await(ctx context.Context, o op) error {
	d, ok := o.(dependent)
	if !ok {
		return nil
	}
	for _, s := range d.needs() {
		if _, err := b.wait(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// find looks a step up, and keeps its layer for the build.
func (b *builder) find(ctx context.Context, key string) (registry.BuildRecord, bool) {
	rec, h, err := b.store.FindBuild(ctx, key)
	if err != nil {
		return rec, false
	}
	b.keep(h)
	return rec, true
}

// remember saves a step under keys. That the cache cannot be written is no
// reason to fail: the step is done.
func (b *builder) remember(ctx context.Context, keys []string, rec registry.BuildRecord) {
	for _, k := range keys {
		rec.Key = k
		_ = b.store.SaveBuild(ctx, rec)
	}
}

// make does a step and stores what it changed.
func (b *builder) make(ctx context.Context, o op, on chain, v *vertex) (rec registry.BuildRecord, err error) {
	root, err := b.store.OpenLayers(ctx, on.layers)
	if err != nil {
		return rec, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	f := vfs.New(root.Index, root.Content, vfs.Options{Type: "overlay"})
	defer f.Close()
	if err := o.apply(ctx, b, f, v); err != nil {
		return rec, err
	}
	rec.Created = b.now()
	rec.Layer, err = b.commit(ctx, f)
	b.added.Store(true)
	return rec, err
}

// now is the time of what the build makes.
func (b *builder) now() time.Time {
	if b.o.Epoch != nil {
		return b.o.Epoch.UTC()
	}
	return time.Now().UTC()
}

// commit stores what a file system changed; nil when that is nothing.
func (b *builder) commit(ctx context.Context, f *vfs.FS) (*registry.LayerInfo, error) {
	r, w := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		out := bufio.NewWriterSize(w, 256<<10)
		err := f.Diff(out, vfs.DiffOptions{Latest: b.o.Epoch})
		w.CloseWithError(errors.Join(err, out.Flush()))
	}()
	defer func() {
		r.CloseWithError(errors.New("the layer was not stored"))
		<-done
	}()
	in := bufio.NewReaderSize(ctxReader{ctx, r}, 256<<10)
	head, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(bytes.Trim(head, "\x00")) == 0 {
		return nil, nil // an archive without entries
	}
	layer, h, err := b.store.AddLayer(ctx, in)
	if err != nil {
		return nil, err
	}
	b.keep(h)
	return &layer, nil
}

// calls do what has the same key once at a time.
type calls struct {
	mu   sync.Mutex
	open map[string]*call
}

type call struct {
	done chan struct{}
	rec  registry.BuildRecord
	err  error
}

func (c *calls) do(ctx context.Context, key string, fn func() (registry.BuildRecord, error)) (registry.BuildRecord, error) {
	c.mu.Lock()
	if have := c.open[key]; have != nil {
		c.mu.Unlock()
		select {
		case <-have.done:
			return have.rec, have.err
		case <-ctx.Done():
			return registry.BuildRecord{}, context.Cause(ctx)
		}
	}
	mine := &call{done: make(chan struct{})}
	if c.open == nil {
		c.open = map[string]*call{}
	}
	c.open[key] = mine // and stays: what it made is what the step makes in this build
	c.mu.Unlock()
	mine.rec, mine.err = fn()
	close(mine.done)
	return mine.rec, mine.err
}
