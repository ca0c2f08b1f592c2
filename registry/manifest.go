package registry

import (
	"encoding/json"
	"strings"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Media types of Docker's image format, schema 2.
const (
	mtDockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	mtDockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
	mtDockerConfig   = "application/vnd.docker.container.image.v1+json"
	mtDockerSchema1  = "application/vnd.docker.distribution.manifest.v1"
)

// ManifestTypes are the media types of documents that Pull understands, best first.
func ManifestTypes() []string {
	return []string{ocispec.MediaTypeImageIndex, mtDockerList, ocispec.MediaTypeImageManifest, mtDockerManifest}
}

// document is a parsed manifest or index: exactly one of the two is set.
type document struct {
	mediaType string
	manifest  *ocispec.Manifest
	index     *ocispec.Index
}

// probe finds out what a document is.
type probe struct {
	SchemaVersion int             `json:"schemaVersion"`
	MediaType     string          `json:"mediaType"`
	Manifests     json.RawMessage `json:"manifests"`
	Layers        json.RawMessage `json:"layers"`
	Config        json.RawMessage `json:"config"`
	FSLayers      json.RawMessage `json:"fsLayers"`
}

// parseDocument parses a manifest or an index. mediaType is what the transport or the descriptor said, or "". A
// document that could be read in two ways is refused (image-spec security advisory GHSA-77vh-xpmg-72qh).
func parseDocument(b []byte, mediaType string, lim Limits) (*document, error) {
	if int64(len(b)) > lim.ManifestBytes {
		return nil, Errorf(ErrTooLarge, "the manifest is larger than %d bytes: refused", lim.ManifestBytes)
	}
	var p probe
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, corrupt("the manifest is not valid JSON: %w", err)
	}
	mediaType, _, _ = strings.Cut(mediaType, ";")
	mediaType = strings.TrimSpace(mediaType)
	if p.SchemaVersion == 1 || p.FSLayers != nil || strings.HasPrefix(mediaType, mtDockerSchema1) {
		return nil, Errorf(ErrUnsupported, "the image has the retired Docker schema 1 format: push it again with a current tool")
	}
	if p.Manifests != nil && (p.Layers != nil || p.Config != nil) {
		return nil, corrupt("the document is both an index and a manifest: refused")
	}
	if known(p.MediaType) && known(mediaType) && p.MediaType != mediaType {
		return nil, corrupt("the document says it is %.100s but was announced as %.100s: refused", p.MediaType, mediaType)
	}
	if !known(mediaType) {
		mediaType = p.MediaType
	}
	return p.decode(b, mediaType, lim)
}

// known tells whether t is a media type of a manifest or an index.
func known(t string) bool { return isIndexType(t) || isManifestType(t) }

func isIndexType(t string) bool { return t == ocispec.MediaTypeImageIndex || t == mtDockerList }
func isManifestType(t string) bool {
	return t == ocispec.MediaTypeImageManifest || t == mtDockerManifest
}

// decode reads the document in the one way it can be read.
func (p *probe) decode(b []byte, mediaType string, lim Limits) (*document, error) {
	isIndex := p.Manifests != nil || (p.Layers == nil && isIndexType(mediaType))
	if p.SchemaVersion != 2 || (isIndex && isManifestType(mediaType)) || (!isIndex && isIndexType(mediaType)) {
		return nil, corrupt("the manifest does not match its type %.100q: refused", mediaType)
	}
	if isIndex {
		return decodeIndex(b, mediaType, lim)
	}
	return decodeManifest(b, mediaType, lim)
}

func decodeIndex(b []byte, mediaType string, lim Limits) (*document, error) {
	ix := new(ocispec.Index)
	if err := json.Unmarshal(b, ix); err != nil {
		return nil, corrupt("the index is not valid: %w", err)
	}
	if len(ix.Manifests) > lim.IndexEntries {
		return nil, Errorf(ErrTooLarge, "the index lists %d manifests, more than %d: refused", len(ix.Manifests), lim.IndexEntries)
	}
	for i := range ix.Manifests {
		if err := checkDescriptor(&ix.Manifests[i]); err != nil {
			return nil, err
		}
	}
	if mediaType == "" {
		mediaType = ocispec.MediaTypeImageIndex
	}
	return &document{mediaType: mediaType, index: ix}, nil
}

func decodeManifest(b []byte, mediaType string, lim Limits) (*document, error) {
	m := new(ocispec.Manifest)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, corrupt("the manifest is not valid: %w", err)
	}
	if len(m.Layers) > lim.Layers {
		return nil, Errorf(ErrTooLarge, "the image has %d layers, more than %d: refused", len(m.Layers), lim.Layers)
	}
	if err := checkDescriptor(&m.Config); err != nil {
		return nil, err
	}
	if m.Config.Size > lim.ConfigBytes {
		return nil, Errorf(ErrTooLarge, "the image configuration has %d bytes, more than %d: refused", m.Config.Size, lim.ConfigBytes)
	}
	if t := m.Config.MediaType; t != ocispec.MediaTypeImageConfig && t != mtDockerConfig && t != "application/octet-stream" && t != "" {
		return nil, Errorf(ErrUnsupported, "this is not a container image: its configuration is %.100q", t)
	}
	for i := range m.Layers {
		if err := checkDescriptor(&m.Layers[i]); err != nil {
			return nil, err
		}
	}
	if mediaType == "" {
		mediaType = ocispec.MediaTypeImageManifest
	}
	return &document{mediaType: mediaType, manifest: m}, nil
}

// checkDescriptor parses the digest before anything makes a path of it.
func checkDescriptor(d *ocispec.Descriptor) error {
	if _, err := ParseDigest(string(d.Digest)); err != nil {
		return err
	}
	if d.Size < 0 {
		return corrupt("%s has a negative size: refused", d.Digest)
	}
	return nil
}

// parseConfig parses an image configuration and checks it against the manifest's layers.
func parseConfig(b []byte, layers int) (ImageConfig, error) {
	var c ImageConfig
	if err := json.Unmarshal(b, &c); err != nil {
		return c, corrupt("the image configuration is not valid: %w", err)
	}
	if len(c.RootFS.DiffIDs) != layers {
		return c, corrupt("the image configuration names %d layers and the manifest %d: refused", len(c.RootFS.DiffIDs), layers)
	}
	for _, d := range c.RootFS.DiffIDs {
		if _, err := ParseDigest(string(d)); err != nil {
			return c, err
		}
	}
	return c, nil
}

// IsForeign tells whether a layer may live outside its registry, at the URLs of its descriptor.
func IsForeign(mediaType string) bool {
	return strings.Contains(mediaType, ".foreign.") || strings.Contains(mediaType, ".nondistributable.")
}

// newManifest makes an OCI manifest.
func newManifest(config ocispec.Descriptor, layers []ocispec.Descriptor) ocispec.Manifest {
	return ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: layers}
}
