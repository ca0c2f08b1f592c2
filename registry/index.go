package registry

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const (
	indexFile = "index.json"
	// annRepoDigests holds the digests under which registries know the image: "name@digest", space-separated. They
	// differ from the manifest's own digest when the image was chosen from an index.
	annRepoDigests = "io.github.sbxrun.repo-digests"

	maxIndexBytes = 256 << 20
)

// catalog is index.json in memory. A manifest has one entry for each of its names, or a single one without name.
type catalog struct{ ocispec.Index }

// readCatalog reads index.json. A store without one is empty.
func (s *Store) readCatalog() (*catalog, error) {
	c := &catalog{ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex, Manifests: []ocispec.Descriptor{}}}
	b, err := readFileLimit(s.path("oci", indexFile), maxIndexBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, diskError(s.home, err)
	}
	if err := json.Unmarshal(b, &c.Index); err != nil {
		return nil, corrupt("%s is damaged: restore it, or move it away and pull the images again: %w", s.path("oci", indexFile), err)
	}
	c.Manifests = slices.DeleteFunc(c.Manifests, func(d ocispec.Descriptor) bool { return checkDescriptor(&d) != nil })
	return c, nil
}

// updateCatalog changes index.json under its lock, durably and all at once.
func (s *Store) updateCatalog(ctx context.Context, change func(*catalog) error) error {
	l, err := acquire(ctx, s.path("v1", "locks", indexLockName), true)
	if err != nil {
		return diskError(s.home, err)
	}
	defer l.Unlock()
	c, err := s.readCatalog()
	if err != nil {
		return err
	}
	before, _ := json.Marshal(&c.Index)
	if err := change(c); err != nil {
		return err
	}
	after, err := json.Marshal(&c.Index)
	if err != nil || (string(after) == string(before) && exists(s.path("oci", indexFile))) {
		return err
	}
	return s.writeCatalog(after)
}

func (s *Store) writeCatalog(b []byte) error {
	f, err := s.createTemp("index")
	if err != nil {
		return err
	}
	if err := f.Chmod(0o644); err == nil || !errors.Is(err, os.ErrInvalid) {
		if _, err = f.Write(b); err != nil {
			discard(f)
			return diskError(s.home, err)
		}
	}
	return s.replace(f, s.path("oci", indexFile))
}

// refOf is the name of an entry; the zero Ref for an entry without one.
func refOf(d ocispec.Descriptor) Ref {
	name := d.Annotations[ocispec.AnnotationRefName]
	if name == "" {
		return Ref{}
	}
	r, err := ParseRef(name)
	if err != nil {
		return Ref{}
	}
	return r
}

// repoDigestsOf lists the "name@digest" of an entry.
func repoDigestsOf(d ocispec.Descriptor) []string {
	return strings.Fields(d.Annotations[annRepoDigests])
}

// find returns the entry named r.
func (c *catalog) find(r Ref) (ocispec.Descriptor, bool) {
	if i := c.indexOf(r); i >= 0 {
		return c.Manifests[i], true
	}
	return ocispec.Descriptor{}, false
}

func (c *catalog) indexOf(r Ref) int {
	want := r.Name() + ":" + r.Tag
	return slices.IndexFunc(c.Manifests, func(d ocispec.Descriptor) bool {
		if d.Annotations[ocispec.AnnotationRefName] == want {
			return true
		}
		have := refOf(d)
		return !have.IsZero() && have.Name() == r.Name() && have.Tag == r.Tag
	})
}

// entries are all entries of one manifest.
func (c *catalog) entries(manifest Digest) []ocispec.Descriptor {
	var out []ocispec.Descriptor
	for _, d := range c.Manifests {
		if d.Digest == manifest {
			out = append(out, d)
		}
	}
	return out
}

// set gives desc the name r; the zero Ref keeps it without a name. A manifest that loses its name stays, without one.
func (c *catalog) set(r Ref, desc ocispec.Descriptor, repoDigests ...string) {
	if r.IsZero() || r.Tag == "" {
		c.add(desc, "", repoDigests)
		return
	}
	if i := c.indexOf(r); i >= 0 && c.Manifests[i].Digest != desc.Digest {
		c.drop(i)
	}
	c.add(desc, r.Name()+":"+r.Tag, repoDigests)
}

// add inserts or completes the entry of desc with the given name.
func (c *catalog) add(desc ocispec.Descriptor, name string, repoDigests []string) {
	same := func(d ocispec.Descriptor, n string) bool {
		return d.Digest == desc.Digest && d.Annotations[ocispec.AnnotationRefName] == n
	}
	i := slices.IndexFunc(c.Manifests, func(d ocispec.Descriptor) bool { return same(d, name) })
	if i < 0 && name == "" && len(c.entries(desc.Digest)) > 0 {
		i = slices.IndexFunc(c.Manifests, func(d ocispec.Descriptor) bool { return d.Digest == desc.Digest })
	}
	if i < 0 {
		i = slices.IndexFunc(c.Manifests, func(d ocispec.Descriptor) bool { return same(d, "") })
	}
	if i < 0 {
		desc.Annotations = nil
		c.Manifests = append(c.Manifests, desc)
		i = len(c.Manifests) - 1
	}
	if name == "" {
		name = c.Manifests[i].Annotations[ocispec.AnnotationRefName]
	}
	c.annotate(i, name, append(repoDigestsOf(c.Manifests[i]), repoDigests...))
}

// annotate sets the annotations of entry i.
func (c *catalog) annotate(i int, name string, repoDigests []string) {
	slices.Sort(repoDigests)
	repoDigests = slices.Compact(repoDigests)
	a := map[string]string{}
	for k, v := range c.Manifests[i].Annotations {
		a[k] = v
	}
	delete(a, ocispec.AnnotationRefName)
	delete(a, annRepoDigests)
	if name != "" {
		a[ocispec.AnnotationRefName] = name
	}
	if len(repoDigests) > 0 {
		a[annRepoDigests] = strings.Join(repoDigests, " ")
	}
	if len(a) == 0 {
		a = nil
	}
	c.Manifests[i].Annotations = a
}

// drop takes the name off entry i and keeps the manifest; its digests go to another entry of the manifest if there
// is one.
func (c *catalog) drop(i int) {
	d := c.Manifests[i]
	for j := range c.Manifests {
		if j != i && c.Manifests[j].Digest == d.Digest {
			c.annotate(j, c.Manifests[j].Annotations[ocispec.AnnotationRefName], append(repoDigestsOf(c.Manifests[j]), repoDigestsOf(d)...))
			c.Manifests = slices.Delete(c.Manifests, i, i+1)
			return
		}
	}
	c.annotate(i, "", repoDigestsOf(d))
}

// delete removes every entry of a manifest.
func (c *catalog) delete(manifest Digest) {
	c.Manifests = slices.DeleteFunc(c.Manifests, func(d ocispec.Descriptor) bool { return d.Digest == manifest })
}
