package build

import (
	"context"
	"fmt"
	"io"

	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/sandbox"
	"github.com/sbxrun/sbx/vfs"
)

// OutputType is a kind of result.
type OutputType string

// The results of a build.
const (
	OutputImage  OutputType = "image"     // an image in the store
	OutputDocker OutputType = "docker"    // an image archive as docker writes it; without W, OutputImage
	OutputOCI    OutputType = "oci"       // an OCI image archive
	OutputTar    OutputType = "tar"       // the files as a tar archive
	OutputLocal  OutputType = "local"     // the files in a folder of the host
	OutputNone   OutputType = "cacheonly" // nothing but what the cache keeps
)

// Output is one result of a build.
type Output struct {
	Type  OutputType
	Names []string  // further names of an image
	Dir   string    // of OutputLocal
	W     io.Writer // of the archives
}

func (b *builder) checkOutputs() error {
	for _, o := range b.o.Outputs {
		switch {
		case o.Type == OutputLocal && o.Dir == "", (o.Type == OutputOCI || o.Type == OutputTar) && o.W == nil:
			return registry.Errorf(sandbox.ErrInvalid, "the output %s needs a destination", o.Type)
		}
		switch o.Type {
		case OutputImage, OutputDocker, OutputOCI, OutputTar, OutputLocal, OutputNone:
		default:
			return unsupported("output type %q is not supported: use image, docker, oci, tar, local or cacheonly", o.Type)
		}
	}
	return nil
}

func (b *builder) output(ctx context.Context, o *Output, s *stage, cfg registry.ImageConfig, res *Result) error {
	names := b.names
	for _, n := range o.Names {
		ref, err := registry.ParseRef(n)
		if err != nil {
			return err
		}
		names = append(names[:len(names):len(names)], ref)
	}
	switch {
	case o.Type == OutputNone:
		return nil
	case o.Type == OutputImage, o.Type == OutputDocker && o.W == nil:
		return b.exportImage(ctx, s, cfg, names, res)
	case o.Type == OutputTar:
		return b.exportFiles(ctx, s, "exporting to client tarball", func(f *vfs.FS) error { return f.Export(o.W) })
	case o.Type == OutputLocal:
		return b.exportFiles(ctx, s, "exporting to client directory", func(f *vfs.FS) error { return sandbox.ExportTo(ctx, f, o.Dir) })
	}
	return b.exportArchive(ctx, o, s, cfg, names)
}

func (b *builder) exportFiles(ctx context.Context, s *stage, name string, write func(*vfs.FS) error) (err error) {
	v := b.prog.start(name)
	defer func() { v.end(err, ctx.Err() != nil) }()
	f, done, err := b.openChain(ctx, s.result)
	if err != nil {
		return err
	}
	defer done()
	return write(f)
}

// exportArchive writes an image archive; the image itself is in the store only
// as long as that takes.
func (b *builder) exportArchive(ctx context.Context, o *Output, s *stage, cfg registry.ImageConfig, names []registry.Ref) (err error) {
	format, name := registry.FormatOCI, "exporting to oci image format"
	if o.Type == OutputDocker {
		format, name = registry.FormatDocker, "exporting to docker image format"
	}
	v := b.prog.start(name)
	defer func() { v.end(err, ctx.Err() != nil) }()
	return b.store.WriteImage(ctx, o.W, s.result.layers, cfg, format, names...)
}

// trim keeps the build cache in its bounds, when something was added to it.
func (b *builder) trim(ctx context.Context) error {
	if !b.added.Load() {
		return nil
	}
	_, err := PruneCache(ctx, b.e, PruneOptions{KeepStorage: maxCache, bounds: true})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("the build cache: %w", err)
	}
	return nil
}
