package registry

import (
	"bufio"
	"context"
	"io"
	"runtime"
	"slices"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/sbxrun/sbx/vfs"
)

// AddLayerImage makes an image out of base and one more layer, with the given configuration; the zero Image as base
// makes an image of that layer alone, and a nil layer one with base's layers. The layer may be compressed, and is
// stored as it comes; a plain tar is stored as gzip. The layers and the history of cfg are replaced by base's and
// one entry more (the last history entry of cfg, if it has more than base). The image gets the name ref, unless that
// is "".
func (s *Store) AddLayerImage(ctx context.Context, base Image, layerTar io.Reader, cfg ImageConfig, ref string) (Image, error) {
	name, err := parseOptional(ref)
	if err != nil {
		return Image{}, err
	}
	lock, err := s.share(ctx)
	if err != nil {
		return Image{}, err
	}
	defer lock.Unlock()
	layers, diffIDs := slices.Clone(base.manifest.Layers), slices.Clone(base.config.RootFS.DiffIDs)
	known := map[Digest][]vfs.LayerEntry{}
	if layerTar != nil {
		l, err := s.ingestLocal(ctx, layerTar)
		if err != nil {
			return Image{}, err
		}
		layers, diffIDs = append(layers, l.desc), append(diffIDs, l.diffID)
		known[l.diffID] = l.entries
	}
	cfg.RootFS = ocispec.RootFS{Type: "layers", DiffIDs: diffIDs}
	cfg.History = nextHistory(base.config.History, cfg.History, layerTar == nil)
	img, err := s.compose(base.Platform(), cfg, layers)
	if err != nil {
		return Image{}, err
	}
	if err := s.newStack(img.Layers(), nil).prepare(ctx, known); err != nil {
		return Image{}, err
	}
	return s.publishImage(ctx, img, name)
}

// parseOptional parses a name that may be missing.
func parseOptional(ref string) (Ref, error) {
	if ref == "" {
		return Ref{}, nil
	}
	name, err := ParseRef(ref)
	if err == nil && name.Digest != "" {
		err = Errorf(ErrInvalidRef, "an image cannot be given a name with a digest: give a name and a tag")
	}
	return name, err
}

// ingestLocal stores a layer that is made here.
func (s *Store) ingestLocal(ctx context.Context, r io.Reader) (layer, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	kind, err := sniff(br)
	if err != nil {
		return layer{}, err
	}
	l, err := s.ingestStream(ctx, br, kind == uncompressed || kind == bzipped || kind == xzed, s.newBudget(), nil)
	if err != io.ErrUnexpectedEOF {
		return l, err
	}
	return l, corrupt("the archive ends too early: %w", err)
}

// nextHistory is base's history and the step that made the new layer.
func nextHistory(base, given []ocispec.History, empty bool) []ocispec.History {
	step := ocispec.History{EmptyLayer: empty}
	if len(given) > 0 && len(given) != len(base) {
		step = given[len(given)-1]
		step.EmptyLayer = empty
	}
	if step.Created == nil {
		now := time.Now().UTC()
		step.Created = &now
	}
	return append(slices.Clone(base), step)
}

// compose makes an Image that is not in the store yet.
func (s *Store) compose(base Platform, cfg ImageConfig, layers []ocispec.Descriptor) (Image, error) {
	orDefault(&cfg.OS, "linux")
	if cfg.Architecture == "" {
		cfg.Architecture = DefaultPlatform().Architecture
		if base.Architecture != "" {
			cfg.Architecture, cfg.Variant = base.Architecture, base.Variant
		}
	}
	raw, err := marshal(cfg)
	if err != nil {
		return Image{}, err
	}
	m := newManifest(ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: digestOf(raw), Size: int64(len(raw))}, ociTypes(layers))
	rawMani, err := marshal(m)
	if err != nil {
		return Image{}, err
	}
	desc := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digestOf(rawMani), Size: int64(len(rawMani))}
	return Image{desc: desc, manifest: m, config: cfg, rawConfig: raw, rawMani: rawMani}, nil
}

// ociTypes gives layers of Docker's media types the names that an OCI manifest uses for them.
func ociTypes(layers []ocispec.Descriptor) []ocispec.Descriptor {
	out := slices.Clone(layers)
	for i := range out {
		switch out[i].MediaType {
		case "application/vnd.docker.image.rootfs.diff.tar.gzip":
			out[i].MediaType = ocispec.MediaTypeImageLayerGzip
		case "application/vnd.docker.image.rootfs.diff.tar.zstd":
			out[i].MediaType = ocispec.MediaTypeImageLayerZstd
		case "application/vnd.docker.image.rootfs.diff.tar":
			out[i].MediaType = ocispec.MediaTypeImageLayer
		}
	}
	if out == nil {
		out = []ocispec.Descriptor{}
	}
	return out
}

// Import makes an image of one layer out of a root file system in a tar archive, compressed or not.
func (s *Store) Import(ctx context.Context, r io.Reader, ref string, c ContainerConfig) (Image, error) {
	now := time.Now().UTC()
	cfg := ImageConfig{Config: c}
	cfg.Created, cfg.Platform = &now, DefaultPlatform()
	cfg.History = []ocispec.History{{Created: &now, Comment: "Imported by sbx on " + runtime.GOOS}}
	return s.AddLayerImage(ctx, Image{}, r, cfg, ref)
}

// Export writes the merged tree of an image as a tar archive.
func (s *Store) Export(ctx context.Context, img Image, w io.Writer) error {
	root, err := s.OpenRoot(ctx, img)
	if err != nil {
		return err
	}
	defer root.Close()
	tree := vfs.New(root.Index, root.Content, vfs.Options{})
	defer tree.Close()
	return tree.Export(w)
}
