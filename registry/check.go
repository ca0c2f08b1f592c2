package registry

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/sbxrun/sbx/vfs"
)

// Check reads the whole store and verifies every blob that a name needs and every cache that exists. The error joins
// one line for each problem.
func (s *Store) Check(ctx context.Context) error {
	lock, err := s.share(ctx)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	c, err := s.readCatalog()
	if err != nil {
		return err
	}
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
		for _, l := range img.manifest.Layers {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if !seen[l.Digest] {
				errs = append(errs, s.checkBlob(l))
			}
			seen[l.Digest] = true
		}
		errs = append(errs, s.checkCaches(img))
	}
	return errors.Join(errs...)
}

// checkBlob verifies the size and the digest of a stored blob.
func (s *Store) checkBlob(d ocispec.Descriptor) error {
	f, err := os.Open(s.blobPath(d.Digest))
	if err != nil {
		return corrupt("layer %s is missing from the image store: remove the image and pull it again: %w", d.Digest, err)
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil {
		return err
	}
	if got := digestSum(h.Sum(nil)); got != d.Digest || n != d.Size {
		return corrupt("layer %s is damaged in the image store: remove the image and pull it again", d.Digest)
	}
	return nil
}

// checkCaches opens what has been made of an image.
func (s *Store) checkCaches(img Image) error {
	for _, l := range img.Layers() {
		if s.hasContent(l.DiffID) {
			if _, err := s.readTOC(l.DiffID); err != nil {
				return err
			}
		}
	}
	path := s.imagePath(s.newStack(img.Layers(), nil).key)
	if !exists(path) {
		return nil
	}
	ix, err := vfs.OpenIndex(path)
	if err != nil {
		return err
	}
	defer ix.Close()
	return ix.Verify()
}
