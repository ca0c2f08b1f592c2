package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// leaseBlob starts the lines of a lease that name a blob and not a layer's contents.
const leaseBlob = "blob "

// Hold keeps layers from being deleted, until Release or the end of the process.
type Hold struct{ lease *fileLock }

// Release gives the layers up. It may be called on nil and more than once.
func (h *Hold) Release() {
	if h != nil {
		h.lease.Unlock()
	}
}

// descriptor describes the blob.
func (l LayerInfo) descriptor() ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: l.MediaType, Digest: l.Digest, Size: l.Size}
}

// Hold keeps layers of the store from being deleted. One that is not there is ErrNotFound.
func (s *Store) Hold(ctx context.Context, layers ...LayerInfo) (*Hold, error) {
	lock, err := s.share(ctx)
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	return s.hold(layers)
}

// hold is Hold for a caller that has the store lock.
func (s *Store) hold(layers []LayerInfo) (*Hold, error) {
	var text strings.Builder
	for _, l := range layers {
		if !s.hasBlob(l.descriptor()) {
			return nil, Errorf(ErrNotFound, "layer %s is missing from the image store", l.Digest)
		}
		fmt.Fprintf(&text, "%s%s\n%s\n", leaseBlob, l.Digest, l.DiffID)
	}
	sum := sha256.Sum256([]byte(text.String()))
	lease, err := s.takeLease(hex.EncodeToString(sum[:]), text.String())
	if err != nil {
		return nil, diskError(s.home, err)
	}
	return &Hold{lease}, nil
}

// AddLayer stores a layer that is no part of an image yet. Until the Hold is released, or something else needs it, it
// stays.
func (s *Store) AddLayer(ctx context.Context, layerTar io.Reader) (LayerInfo, *Hold, error) {
	lock, err := s.share(ctx)
	if err != nil {
		return LayerInfo{}, nil, err
	}
	defer lock.Unlock()
	l, err := s.ingestLocal(ctx, layerTar)
	if err != nil {
		return LayerInfo{}, nil, err
	}
	info := LayerInfo{Digest: l.desc.Digest, DiffID: l.diffID, Size: l.desc.Size, MediaType: l.desc.MediaType}
	h, err := s.hold([]LayerInfo{info})
	return info, h, err
}

// MakeImage makes an image of layers that are in the store, with a configuration whose history is complete. It gets
// the names, or none; a name that stood for another image is moved.
func (s *Store) MakeImage(ctx context.Context, layers []LayerInfo, cfg ImageConfig, names ...Ref) (Image, error) {
	lock, err := s.share(ctx)
	if err != nil {
		return Image{}, err
	}
	defer lock.Unlock()
	img, err := s.composeLayers(layers, cfg)
	if err != nil {
		return Image{}, err
	}
	if err := s.newStack(layers, nil).prepare(ctx, nil); err != nil {
		return Image{}, err
	}
	if len(names) == 0 {
		names = []Ref{{}}
	}
	for _, n := range names {
		if n.Digest != "" {
			return Image{}, Errorf(ErrInvalidRef, "an image cannot be given a name with a digest: give a name and a tag")
		}
		if img, err = s.publishImage(ctx, img, n); err != nil {
			return Image{}, err
		}
	}
	return img, nil
}

// composeLayers makes an image of layers that are in the store.
func (s *Store) composeLayers(layers []LayerInfo, cfg ImageConfig) (Image, error) {
	blobs, diffIDs := make([]ocispec.Descriptor, len(layers)), make([]Digest, len(layers))
	for i, l := range layers {
		if !s.hasBlob(l.descriptor()) {
			return Image{}, Errorf(ErrNotFound, "layer %s is missing from the image store", l.Digest)
		}
		blobs[i], diffIDs[i] = l.descriptor(), l.DiffID
	}
	cfg.RootFS = ocispec.RootFS{Type: "layers", DiffIDs: diffIDs}
	return s.compose(DefaultPlatform(), cfg, blobs)
}
