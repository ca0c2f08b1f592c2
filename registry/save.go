package registry

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"time"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Format is a kind of image archive.
type Format string

// Archives. FormatDocker is an OCI archive with docker's manifest.json in addition, as docker itself writes it.
const (
	FormatDocker Format = "docker"
	FormatOCI    Format = "oci"
)

// Save writes images as an archive that docker, podman, skopeo and Load read. The same images give the same bytes.
func (s *Store) Save(ctx context.Context, w io.Writer, names []string, f Format) error {
	if f != FormatDocker && f != FormatOCI && f != "" {
		return Errorf(ErrUnsupported, "unknown archive format %.50q: want docker or oci", f)
	}
	lock, err := s.share(ctx)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	b := newSaver(s)
	for _, n := range names {
		if err := b.add(n); err != nil {
			return err
		}
	}
	tw := tar.NewWriter(w)
	if err := b.write(ctx, tw, f); err != nil {
		return err
	}
	return tw.Close()
}

// WriteImage writes an image of layers that are in the store as an archive. The image itself does not get into the
// store.
func (s *Store) WriteImage(ctx context.Context, w io.Writer, layers []LayerInfo, cfg ImageConfig, f Format, names ...Ref) error {
	lock, err := s.share(ctx)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	img, err := s.composeLayers(layers, cfg)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		names = []Ref{{}}
	}
	b := newSaver(s)
	b.documents = map[Digest][]byte{img.ID(): img.rawConfig, img.Digest(): img.rawMani}
	for _, n := range names {
		b.addImage(img, n)
	}
	tw := tar.NewWriter(w)
	if err := b.write(ctx, tw, f); err != nil {
		return err
	}
	return tw.Close()
}

func newSaver(s *Store) *saver {
	return &saver{s: s, blobs: map[Digest]int64{}, index: ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}}
}

// dockerItem is one image in docker's manifest.json.
type dockerItem struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// saver collects what an archive holds.
type saver struct {
	s     *Store
	blobs map[Digest]int64
	index ocispec.Index
	items []*dockerItem
	ids   []Digest // of items

	documents map[Digest][]byte // blobs that are not in the store
}

// add takes in one image under the name that was given.
func (b *saver) add(name string) error {
	img, ref, err := b.s.resolve(name)
	if err != nil {
		return err
	}
	b.addImage(img, ref)
	return nil
}

func (b *saver) addImage(img Image, ref Ref) {
	d := img.desc
	d.Annotations = nil
	if ref.Tag != "" && ref.Digest == "" {
		d.Annotations = map[string]string{annContainerdName: ref.String(), ocispec.AnnotationRefName: ref.String()}
	}
	if slices.ContainsFunc(b.index.Manifests, func(o ocispec.Descriptor) bool {
		return o.Digest == d.Digest && o.Annotations[annContainerdName] == d.Annotations[annContainerdName]
	}) {
		return
	}
	b.index.Manifests = append(b.index.Manifests, d)
	b.blobs[img.Digest()] = int64(len(img.rawMani))
	b.blobs[img.ID()] = int64(len(img.rawConfig))
	it := b.item(img)
	if d.Annotations != nil {
		it.RepoTags = append(it.RepoTags, ref.Familiar())
	}
	for _, l := range img.manifest.Layers {
		b.blobs[l.Digest] = l.Size
	}
}

// item finds or makes the entry of manifest.json.
func (b *saver) item(img Image) *dockerItem {
	if i := slices.Index(b.ids, img.Digest()); i >= 0 {
		return b.items[i]
	}
	it := &dockerItem{Config: blobsPrefix + hexOf(img.ID()), Layers: []string{}}
	for _, l := range img.manifest.Layers {
		it.Layers = append(it.Layers, blobsPrefix+hexOf(l.Digest))
	}
	b.items, b.ids = append(b.items, it), append(b.ids, img.Digest())
	return it
}

// write writes the archive: small documents first, so that a reader of a stream knows what comes.
func (b *saver) write(ctx context.Context, tw *tar.Writer, f Format) error {
	docs := []struct {
		name string
		v    any
	}{{"oci-layout", ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion}}, {indexFile, b.index}, {dockerManifestFile, b.items}}
	for _, d := range docs {
		if d.name == dockerManifestFile && f == FormatOCI {
			continue
		}
		raw, err := marshal(d.v)
		if err != nil {
			return err
		}
		if err := putFile(tw, d.name, int64(len(raw)), bytes.NewReader(raw)); err != nil {
			return err
		}
	}
	all := make([]Digest, 0, len(b.blobs))
	for d := range b.blobs {
		all = append(all, d)
	}
	slices.Sort(all)
	for _, d := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := b.putBlob(tw, d); err != nil {
			return err
		}
	}
	return nil
}

func (b *saver) putBlob(tw *tar.Writer, d Digest) error {
	if doc := b.documents[d]; doc != nil {
		return putFile(tw, blobsPrefix+hexOf(d), int64(len(doc)), bytes.NewReader(doc))
	}
	f, err := os.Open(b.s.blobPath(d))
	if err != nil {
		return Errorf(ErrNotFound, "%s is missing from the image store: pull the image again: %w", d, err)
	}
	defer f.Close()
	return putFile(tw, blobsPrefix+hexOf(d), b.blobs[d], f)
}

func putFile(tw *tar.Writer, name string, size int64, r io.Reader) error {
	h := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: size, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR}
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	n, err := io.Copy(tw, r)
	if err == nil && n != size {
		err = corrupt("%s has %d bytes instead of %d in the image store: remove the image and pull it again", name, n, size)
	}
	return err
}
