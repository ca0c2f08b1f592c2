package registry

import "context"

// Tag gives the image that src names another name. A name that stood for another image is moved.
func (s *Store) Tag(ctx context.Context, src, dst string) error {
	ref, err := ParseRef(dst)
	if err != nil {
		return err
	}
	if ref.Digest != "" {
		return Errorf(ErrInvalidRef, "refusing to create a tag with a digest reference: give a name and a tag")
	}
	lock, err := s.share(ctx)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	img, err := s.Resolve(src)
	if err != nil {
		return err
	}
	return s.updateCatalog(ctx, func(c *catalog) error {
		if len(c.entries(img.Digest())) == 0 {
			return notFound(src) // removed in the meantime
		}
		c.set(ref, img.desc)
		return nil
	})
}
