package registry

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path"
	"strconv"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	dockerManifestFile = "manifest.json"
	blobsPrefix        = "blobs/sha256/"
	annContainerdName  = "io.containerd.image.name"
	maxLinkHops        = 16
)

// Load reads images from an archive as `docker save`, `podman save` or `skopeo` make it: docker-archive or OCI
// archive, compressed or not. It reads r once, from start to end, so that r may be a pipe. It returns the names of the
// images, as docker shows them, and the IDs of those without one.
func (s *Store) Load(ctx context.Context, r io.Reader, progress func(Event)) ([]string, error) {
	lock, err := s.share(ctx)
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	a := &archive{s: s, report: newReporter(progress), small: map[string][]byte{}, layers: map[string]layer{}, bad: map[string]error{}, links: map[string]string{}, budget: s.newBudget()}
	a.budget.outer = true
	if err := a.read(ctx, r); err != nil {
		return nil, diskError(s.home, err)
	}
	images, err := a.images()
	if err != nil {
		return nil, err
	}
	var names []string
	for _, im := range images {
		got, err := a.publish(ctx, im)
		if err != nil {
			return names, err
		}
		names = append(names, got...)
	}
	return names, nil
}

// archive is what Load has read. Layers are in the store already, under the digests that they really have.
type archive struct {
	s        *Store
	report   *reporter
	small    map[string][]byte // JSON documents by path
	smallSum int64
	layers   map[string]layer // by path
	bad      map[string]error // files that look like layers and are none; an error only when one is needed
	links    map[string]string
	budget   *budget
}

// archived is one image of an archive.
type archived struct {
	img    Image
	layers []layer
	names  []Ref
}

// read goes through the archive.
func (a *archive) read(ctx context.Context, r io.Reader) error {
	br := bufio.NewReaderSize(&wireReader{r, a.budget}, 64<<10)
	kind, err := sniff(br)
	if err != nil {
		return err
	}
	plain, err := decompress(br, kind, a.s.limits.WindowBytes)
	if err != nil {
		return err
	}
	defer plain.Close()
	tr := tar.NewReader(&outerReader{r: plain, budget: a.budget})
	for n := 0; ; n++ {
		h, err := tr.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return badArchive(err)
		}
		if n >= a.s.limits.ArchiveEntries {
			return Errorf(ErrTooLarge, "the archive has more than %d entries: refused", a.s.limits.ArchiveEntries)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := a.entry(ctx, h, tr); err != nil {
			return badArchive(err)
		}
	}
}

func badArchive(err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, tar.ErrFieldTooLong) || err == io.ErrUnexpectedEOF {
		return corrupt("this is not a whole image archive: %w", err)
	}
	return err
}

// entry takes in one file of the archive.
func (a *archive) entry(ctx context.Context, h *tar.Header, r io.Reader) error {
	if len(h.Name) > a.s.limits.PathBytes || len(h.Linkname) > a.s.limits.PathBytes {
		return Errorf(ErrTooLarge, "the archive has the path %.60q… of %d bytes: refused", h.Name, max(len(h.Name), len(h.Linkname)))
	}
	if err := a.keep(int64(len(h.Name) + len(h.Linkname) + 128)); err != nil {
		return err
	}
	name := path.Clean("/" + h.Name)[1:]
	switch h.Typeflag {
	case tar.TypeSymlink:
		a.links[name] = path.Clean("/" + path.Join(path.Dir(name), h.Linkname))[1:]
		return nil
	case tar.TypeLink:
		a.links[name] = path.Clean("/" + h.Linkname)[1:]
		return nil
	case tar.TypeReg:
	default:
		return nil
	}
	br := bufio.NewReaderSize(r, 64<<10)
	head, err := br.Peek(512)
	if err != nil && err != io.EOF {
		return err
	}
	if isLayerHead(head) {
		return a.layer(ctx, name, h.Size, br)
	}
	if h.Size > a.s.limits.ManifestBytes && h.Size > a.s.limits.ConfigBytes {
		return nil // nothing that we know is that large
	}
	if err := a.keep(h.Size); err != nil {
		return err
	}
	b, err := io.ReadAll(br)
	if err == nil && int64(len(b)) != h.Size {
		err = io.ErrUnexpectedEOF
	}
	a.small[name] = b
	return err
}

// keep accounts for n bytes that stay in memory until the end.
func (a *archive) keep(n int64) error {
	if a.smallSum += n; a.smallSum > a.s.limits.ArchiveSmall {
		return Errorf(ErrTooLarge, "the archive has more than %d bytes of documents and names: refused", a.s.limits.ArchiveSmall)
	}
	return nil
}

// isLayerHead tells whether a file begins like a compressed stream or a tar archive.
func isLayerHead(head []byte) bool {
	kind, err := sniff(bufio.NewReader(bytes.NewReader(head)))
	if err != nil || kind != uncompressed {
		return true
	}
	if len(head) < 512 {
		return false
	}
	sum, blank := 0, true
	for i, c := range head[:512] {
		blank = blank && c == 0
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int(c)
	}
	want, err := strconv.ParseInt(strings.Trim(string(head[148:156]), " \x00"), 8, 32)
	return blank || (err == nil && int(want) == sum)
}

// layer stores one layer. That its name gives its digest, if it does, is checked when the name is used.
func (a *archive) layer(ctx context.Context, name string, size int64, r io.Reader) error {
	d := ocispec.Descriptor{Digest: Digest(layerLabel(name)), Size: size}
	l, err := a.s.ingestStream(ctx, r, false, a.budget, a.report.bytes(d, StatusLoading))
	switch {
	case err == nil:
		a.layers[name] = l
		a.report.send(Event{Layer: d.Digest, Status: StatusLoaded, Current: size, Total: size})
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrCorrupt), errors.Is(err, ErrUnsupported):
		a.bad[name] = err
		return nil
	}
	return err
}

// layerLabel names a layer in events before its digest is known.
func layerLabel(name string) string {
	base := path.Base(name)
	if base == "layer.tar" {
		base = path.Base(path.Dir(name))
	}
	if base = strings.TrimSuffix(base, ".tar"); len(base) == 64 && isHex(base) {
		return sha256Prefix + base
	}
	return base
}

// follow resolves links inside the archive.
func (a *archive) follow(name string) string {
	name = path.Clean("/" + name)[1:]
	for range maxLinkHops {
		to, ok := a.links[name]
		if !ok {
			break
		}
		name = to
	}
	return name
}

// document returns a small file.
func (a *archive) document(name string) ([]byte, error) {
	if b, ok := a.small[a.follow(name)]; ok {
		return b, nil
	}
	return nil, corrupt("the archive lacks %.200q: save the image again", name)
}

// layerAt returns a stored layer.
func (a *archive) layerAt(name string) (layer, error) {
	name = a.follow(name)
	if l, ok := a.layers[name]; ok {
		return l, nil
	}
	if err := a.bad[name]; err != nil {
		return layer{}, err
	}
	return layer{}, corrupt("the archive lacks the layer %.200q: save the image again", name)
}

// images finds out what the archive holds.
func (a *archive) images() ([]archived, error) {
	if b, ok := a.small[dockerManifestFile]; ok {
		return a.dockerImages(b)
	}
	if b, ok := a.small[indexFile]; ok {
		doc, err := parseDocument(b, "", a.s.limits)
		if err != nil {
			return nil, err
		}
		if doc.index == nil {
			return nil, corrupt("index.json of the archive is not an index: refused")
		}
		return a.ociImages(doc.index)
	}
	return nil, Errorf(ErrUnsupported, "this is not an image archive: it has neither manifest.json nor index.json. Use import for a root file system")
}

// dockerImages reads manifest.json of a docker-archive.
func (a *archive) dockerImages(b []byte) ([]archived, error) {
	var items []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := json.Unmarshal(b, &items); err != nil {
		return nil, corrupt("manifest.json of the archive is not valid: %w", err)
	}
	var out []archived
	for _, it := range items {
		if len(it.Layers) > a.s.limits.Layers {
			return nil, Errorf(ErrTooLarge, "the image has %d layers, more than %d: refused", len(it.Layers), a.s.limits.Layers)
		}
		raw, err := a.document(it.Config)
		if err != nil {
			return nil, err
		}
		var im archived
		for _, name := range it.Layers {
			l, err := a.layerAt(name)
			if err != nil {
				return nil, err
			}
			im.layers = append(im.layers, l)
		}
		if im.img, err = a.compose(raw, im.layers); err != nil {
			return nil, err
		}
		for _, t := range it.RepoTags {
			r, err := ParseRef(t)
			if err != nil {
				return nil, err
			}
			im.names = append(im.names, r)
		}
		out = append(out, im)
	}
	return out, nil
}

// compose makes an image of a configuration and layers: with the manifest that is in the archive too, if there is
// one, so that its digest stays.
func (a *archive) compose(raw []byte, layers []layer) (Image, error) {
	cfg, err := parseConfig(raw, len(layers))
	if err != nil {
		return Image{}, err
	}
	descs := make([]ocispec.Descriptor, len(layers))
	for i, l := range layers {
		if l.diffID != cfg.RootFS.DiffIDs[i] {
			return Image{}, corrupt("layer %d of the archive unpacks to %s, but the image configuration says %s: refused", i+1, l.diffID, cfg.RootFS.DiffIDs[i])
		}
		descs[i] = l.desc
	}
	img := Image{config: cfg, rawConfig: raw}
	conf := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: digestOf(raw), Size: int64(len(raw))}
	if m, rawMani, mt := a.findManifest(conf.Digest, descs); m != nil {
		img.manifest, img.rawMani = *m, rawMani
		img.desc = ocispec.Descriptor{MediaType: mt, Digest: digestOf(rawMani), Size: int64(len(rawMani))}
		return img, nil
	}
	img.manifest = newManifest(conf, descs)
	if img.rawMani, err = marshal(img.manifest); err != nil {
		return Image{}, err
	}
	img.desc = ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digestOf(img.rawMani), Size: int64(len(img.rawMani))}
	return img, nil
}

// findManifest looks for a manifest of the same configuration and layers among the blobs.
func (a *archive) findManifest(config Digest, layers []ocispec.Descriptor) (*ocispec.Manifest, []byte, string) {
	for name, b := range a.small {
		if !strings.HasPrefix(name, blobsPrefix) || !bytes.Contains(b, []byte(config)) {
			continue
		}
		doc, err := parseDocument(b, "", a.s.limits)
		if err != nil || doc.manifest == nil || doc.manifest.Config.Digest != config || len(doc.manifest.Layers) != len(layers) {
			continue
		}
		same := true
		for i, l := range doc.manifest.Layers {
			same = same && l.Digest == layers[i].Digest && l.Size == layers[i].Size
		}
		if same {
			return doc.manifest, b, doc.mediaType
		}
	}
	return nil, nil, ""
}

// ociImages reads the manifests that index.json lists.
func (a *archive) ociImages(ix *ocispec.Index) ([]archived, error) {
	var out []archived
	for _, d := range ix.Manifests {
		if !known(d.MediaType) && d.MediaType != "" {
			continue
		}
		im, err := a.ociImage(d, 0)
		if err != nil {
			return nil, err
		}
		if r, ok := archivedName(d); ok {
			im.names = []Ref{r}
		}
		out = append(out, im)
	}
	if len(out) == 0 {
		return nil, Errorf(ErrNotFound, "the archive holds no image")
	}
	return out, nil
}

// archivedName is the name that an OCI archive gives to a manifest. A word alone is a tag of no repository.
func archivedName(d ocispec.Descriptor) (Ref, bool) {
	for _, key := range []string{annContainerdName, ocispec.AnnotationRefName} {
		if name := d.Annotations[key]; strings.ContainsAny(name, "/:") {
			if r, err := ParseRef(name); err == nil && r.Digest == "" {
				return r, true
			}
		}
	}
	return Ref{}, false
}

// blob returns a verified document.
func (a *archive) blob(d Digest) ([]byte, error) {
	b, err := a.document(blobsPrefix + hexOf(d))
	if err == nil && digestOf(b) != d {
		err = corrupt("%s of the archive is damaged: save the image again", d)
	}
	return b, err
}

// ociImage reads one manifest, or the one of our platform of an index.
func (a *archive) ociImage(d ocispec.Descriptor, depth int) (archived, error) {
	if depth > a.s.limits.IndexDepth {
		return archived{}, Errorf(ErrTooLarge, "the archive nests indexes more than %d deep: refused", a.s.limits.IndexDepth)
	}
	raw, err := a.blob(d.Digest)
	if err != nil {
		return archived{}, err
	}
	doc, err := parseDocument(raw, d.MediaType, a.s.limits)
	if err != nil {
		return archived{}, err
	}
	if doc.index != nil {
		next, err := choosePlatform(doc.index, DefaultPlatform(), "the archive")
		if err != nil {
			return archived{}, err
		}
		return a.ociImage(next, depth+1)
	}
	im := archived{img: Image{manifest: *doc.manifest, rawMani: raw}}
	im.img.desc = ocispec.Descriptor{MediaType: doc.mediaType, Digest: d.Digest, Size: int64(len(raw))}
	if im.img.rawConfig, err = a.blob(doc.manifest.Config.Digest); err != nil {
		return archived{}, err
	}
	if im.img.config, err = parseConfig(im.img.rawConfig, len(doc.manifest.Layers)); err != nil {
		return archived{}, err
	}
	for i, ld := range doc.manifest.Layers {
		l, err := a.layerAt(blobsPrefix + hexOf(ld.Digest))
		if err != nil {
			return archived{}, err
		}
		if l.desc.Digest != ld.Digest || l.desc.Size != ld.Size || l.diffID != im.img.config.RootFS.DiffIDs[i] {
			return archived{}, corrupt("layer %s of the archive is damaged: save the image again", ld.Digest)
		}
		im.layers = append(im.layers, l)
	}
	return im, nil
}

// publish gives an image of the archive its names.
func (a *archive) publish(ctx context.Context, im archived) ([]string, error) {
	infos := im.img.Layers()
	if err := a.s.checkTotal(infos); err != nil {
		return nil, err
	}
	if err := a.s.newStack(im.img.Layers(), nil).prepare(ctx, nil); err != nil {
		return nil, err
	}
	if len(im.names) == 0 {
		img, err := a.s.publishImage(ctx, im.img, Ref{})
		return []string{string(img.ID())}, err
	}
	var names []string
	for _, r := range im.names {
		if _, err := a.s.publishImage(ctx, im.img, r); err != nil {
			return names, err
		}
		names = append(names, r.Familiar())
	}
	return names, nil
}
