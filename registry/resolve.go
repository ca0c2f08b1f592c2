package registry

import (
	"errors"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Resolve finds an image of the store by name ("debian", "localhost/base:latest", "debian@sha256:…"), by image ID or
// by any unique prefix of an image ID. A short name is first an image made here (localhost/NAME), then one of
// docker.io. A name comes before an ID prefix, as with docker. ErrNotFound and ErrAmbiguous are the usual failures.
func (s *Store) Resolve(name string) (Image, error) {
	img, _, err := s.resolve(name)
	return img, err
}

// resolve is Resolve and also tells which reference matched; the zero Ref when an ID did.
func (s *Store) resolve(name string) (Image, Ref, error) {
	c, err := s.readCatalog()
	if err != nil {
		return Image{}, Ref{}, err
	}
	ref, refErr := ParseRef(name)
	if refErr == nil {
		for _, cand := range ref.candidates() {
			if d, r, ok := c.lookup(cand); ok {
				img, err := s.loadImage(c, d)
				return img, r, err
			}
		}
	}
	img, err := s.findID(c, name)
	if err == nil || !errors.Is(err, ErrNotFound) {
		return img, Ref{}, err
	}
	if refErr != nil && !isIDPrefix(strings.TrimPrefix(name, sha256Prefix)) {
		return Image{}, Ref{}, refErr
	}
	return Image{}, Ref{}, notFound(name)
}

func notFound(name string) error {
	return Errorf(ErrNotFound, "No such image: %.300s", name)
}

// lookup finds the entry that r names by tag or by digest.
func (c *catalog) lookup(r Ref) (ocispec.Descriptor, Ref, bool) {
	if r.Digest == "" {
		d, ok := c.find(r)
		return d, r, ok
	}
	want := r.Name() + "@" + string(r.Digest)
	for _, d := range c.Manifests {
		have := refOf(d)
		if d.Digest == r.Digest && have.Name() == r.Name() {
			return d, r, true
		}
		for _, rd := range repoDigestsOf(d) {
			if rd == want {
				return d, r, true
			}
		}
	}
	return ocispec.Descriptor{}, Ref{}, false
}

// isIDPrefix tells whether s can be the beginning of an image ID.
func isIDPrefix(s string) bool { return s != "" && len(s) <= 64 && isHex(s) }

// findID finds an image by a prefix of its ID, or by the whole digest of its manifest.
func (s *Store) findID(c *catalog, name string) (Image, error) {
	prefix := strings.TrimPrefix(name, sha256Prefix)
	if !isIDPrefix(prefix) {
		return Image{}, notFound(name)
	}
	var found Image
	var firstErr error
	for _, d := range c.Manifests {
		img, err := s.loadImage(c, d)
		if err != nil {
			firstErr = err
			continue
		}
		if hexOf(img.Digest()) != prefix && !strings.HasPrefix(hexOf(img.ID()), prefix) {
			continue
		}
		if !found.IsZero() && found.ID() != img.ID() {
			return Image{}, Errorf(ErrAmbiguous, "image ID prefix %s is ambiguous: give more digits", prefix)
		}
		if found.IsZero() {
			found = img
		}
	}
	if found.IsZero() {
		if firstErr != nil && len(prefix) == 64 {
			return Image{}, firstErr
		}
		return Image{}, notFound(name)
	}
	return found, nil
}
