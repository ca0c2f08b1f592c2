package registry

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Image is one image of the store, as it was when it was read. The zero Image is none.
type Image struct {
	desc      ocispec.Descriptor
	manifest  ocispec.Manifest
	config    ImageConfig
	rawConfig []byte
	rawMani   []byte
	refs      []Ref
	digests   []string
	store     *Store
}

// LayerInfo describes one layer of an image, the lowest first.
type LayerInfo struct {
	Digest    Digest // of the blob as it is stored and pushed
	DiffID    Digest // of the uncompressed tar
	Size      int64  // of the blob
	MediaType string
}

// IsZero tells whether there is no image.
func (i Image) IsZero() bool { return i.desc.Digest == "" }

// ID is the digest of the configuration: docker's image ID.
func (i Image) ID() Digest { return i.manifest.Config.Digest }

// Digest is the digest of the manifest.
func (i Image) Digest() Digest { return i.desc.Digest }

// Descriptor describes the manifest.
func (i Image) Descriptor() ocispec.Descriptor { return i.desc }

// Manifest is the parsed manifest, and RawManifest its bytes.
func (i Image) Manifest() ocispec.Manifest { return i.manifest }

// RawManifest is the manifest as it was pulled.
func (i Image) RawManifest() []byte { return slices.Clone(i.rawMani) }

// Config is the image configuration (image-spec, config.md), with docker's fields.
func (i Image) Config() ImageConfig { return i.config }

// RawConfig is the configuration as it was pulled.
func (i Image) RawConfig() []byte { return slices.Clone(i.rawConfig) }

// Refs are the tagged names.
func (i Image) Refs() []Ref { return slices.Clone(i.refs) }

// RepoTags are the tagged names as docker shows them.
func (i Image) RepoTags() []string {
	out := make([]string, 0, len(i.refs))
	for _, r := range i.refs {
		out = append(out, r.Familiar())
	}
	return out
}

// RepoDigests are the names with digests under which registries know the image, as docker shows them.
func (i Image) RepoDigests() []string { return slices.Clone(i.digests) }

// Created is the time that the configuration gives; the zero time when it gives none.
func (i Image) Created() time.Time {
	if i.config.Created == nil {
		return time.Time{}
	}
	return *i.config.Created
}

// Size is the sum of the sizes of the layers' files in bytes, uncompressed; of the blobs as long as the layers have not
// been unpacked.
func (i Image) Size() int64 {
	var n int64
	for _, l := range i.Layers() {
		n += i.store.LayerSize(l)
	}
	return n
}

// Platform is what the image runs on.
func (i Image) Platform() Platform {
	return Platform{OS: i.config.OS, Architecture: i.config.Architecture, Variant: i.config.Variant}
}

// Layers lists the layers, the lowest first.
func (i Image) Layers() []LayerInfo {
	out := make([]LayerInfo, len(i.manifest.Layers))
	for n, l := range i.manifest.Layers {
		out[n] = LayerInfo{Digest: l.Digest, DiffID: i.config.RootFS.DiffIDs[n], Size: l.Size, MediaType: l.MediaType}
	}
	return out
}

// History is how the image was made, the oldest step first.
func (i Image) History() []ocispec.History { return slices.Clone(i.config.History) }

// loadImage reads the image of one catalog entry.
func (s *Store) loadImage(c *catalog, desc ocispec.Descriptor) (Image, error) {
	raw, err := s.readBlob(desc.Digest, s.limits.ManifestBytes)
	if err != nil {
		return Image{}, err
	}
	doc, err := parseDocument(raw, desc.MediaType, s.limits)
	if err != nil {
		return Image{}, err
	}
	if doc.manifest == nil {
		return Image{}, Errorf(ErrUnsupported, "%s is an index: pull it with sbx to choose a platform", desc.Digest)
	}
	img := Image{desc: desc, manifest: *doc.manifest, rawMani: raw, store: s}
	if img.rawConfig, err = s.readBlob(img.manifest.Config.Digest, s.limits.ConfigBytes); err != nil {
		return Image{}, err
	}
	if img.config, err = parseConfig(img.rawConfig, len(img.manifest.Layers)); err != nil {
		return Image{}, err
	}
	for _, e := range c.entries(desc.Digest) {
		if r := refOf(e); !r.IsZero() {
			img.refs = append(img.refs, r)
		}
		for _, rd := range repoDigestsOf(e) {
			if r, err := ParseRef(rd); err == nil {
				img.digests = append(img.digests, r.Familiar())
			}
		}
	}
	slices.Sort(img.digests)
	img.digests = slices.Compact(img.digests)
	slices.SortFunc(img.refs, func(a, b Ref) int { return strings.Compare(a.Familiar(), b.Familiar()) })
	return img, nil
}

// Images lists the images of the store, the newest first. Entries that cannot be read are left out and reported
// together in the error, next to the readable images.
func (s *Store) Images() ([]Image, error) {
	c, err := s.readCatalog()
	if err != nil {
		return nil, err
	}
	var out []Image
	var errs []error
	seen := map[Digest]bool{}
	for _, d := range c.Manifests {
		if seen[d.Digest] {
			continue
		}
		seen[d.Digest] = true
		img, err := s.loadImage(c, d)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		out = append(out, img)
	}
	slices.SortStableFunc(out, func(a, b Image) int { return b.Created().Compare(a.Created()) })
	return out, errors.Join(errs...)
}

// marshal encodes documents as registries and other tools expect them, without HTML escapes of Go.
func marshal(v any) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return []byte(strings.TrimSuffix(b.String(), "\n")), nil
}
