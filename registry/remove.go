package registry

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// RemoveEvent is one line of what Remove did: exactly one of the fields is set, as docker prints it.
type RemoveEvent struct {
	Untagged string `json:",omitempty"`
	Deleted  string `json:",omitempty"`
}

// Remove takes a name off an image, or an image out of the store, by docker's rules. By name, only that name goes,
// and the image with its last one. By ID, the image goes with its names if all are of one repository, or with force.
// A container that needs the image is a conflict; with force the image of a stopped one loses its names and stays
// until the container is gone.
func (s *Store) Remove(ctx context.Context, name string, force bool) ([]RemoveEvent, error) {
	r := &remover{s: s, name: name, force: force}
	lock, err := s.share(ctx)
	if err != nil {
		return nil, err
	}
	err = s.updateCatalog(ctx, func(c *catalog) error { return r.run(c) })
	lock.Unlock()
	if err != nil {
		return nil, err
	}
	if r.deleted {
		err = s.trySweep(ctx)
	}
	return r.events, err
}

// remover is one Remove.
type remover struct {
	s       *Store
	name    string
	force   bool
	img     Image
	events  []RemoveEvent
	deleted bool
}

func (r *remover) run(c *catalog) error {
	img, ref, err := r.s.resolve(r.name)
	if err != nil {
		return r.damaged(c, err)
	}
	r.img = img
	running, stopped, err := r.users()
	if err != nil {
		return err
	}
	if ref.IsZero() {
		return r.byID(c, running, stopped)
	}
	return r.byName(c, ref, running, stopped)
}

// damaged removes the name of an image that cannot be read any more: otherwise nothing could.
func (r *remover) damaged(c *catalog, err error) error {
	ref, refErr := ParseRef(r.name)
	if refErr != nil {
		return err
	}
	for _, cand := range ref.candidates() {
		if i := c.indexOf(cand); i >= 0 && cand.Digest == "" {
			c.Manifests = slices.Delete(c.Manifests, i, i+1)
			r.events = append(r.events, RemoveEvent{Untagged: cand.Familiar()})
			r.deleted = true
			return nil
		}
	}
	return err
}

// users finds the containers that need the image.
func (r *remover) users() (running, stopped string, err error) {
	if r.s.users == nil {
		return "", "", nil
	}
	all, err := r.s.users()
	for _, u := range all {
		switch {
		case u.Image != r.img.ID():
		case u.Running:
			running = short(u.Container)
		default:
			stopped = short(u.Container)
		}
	}
	return running, stopped, err
}

func short(id string) string { return id[:min(12, len(id))] }

func (r *remover) conflict(format string, args ...any) error {
	return Errorf(ErrConflict, "conflict: "+format, args...)
}

// byName removes one name; the image goes with its last one.
func (r *remover) byName(c *catalog, ref Ref, running, stopped string) error {
	id := hexOf(r.img.ID())[:12]
	user := running
	if user == "" {
		user = stopped
	}
	last := len(r.img.refs)+len(r.img.digests) <= 1 || r.oneRepository()
	if user != "" && last && !r.force {
		return r.conflict("unable to remove repository reference %q (must force) - container %s is using its referenced image %s", r.name, user, id)
	}
	r.untag(c, ref)
	left := c.entries(r.img.Digest())
	for _, e := range left {
		if !refOf(e).IsZero() || len(repoDigestsOf(e)) > 0 {
			return nil
		}
	}
	if user != "" {
		return nil // stays without a name
	}
	r.delete(c)
	return nil
}

// oneRepository tells whether the image has one tag, and all its names are of one repository.
func (r *remover) oneRepository() bool {
	if len(r.img.refs) > 1 {
		return false
	}
	names := map[string]bool{}
	for _, x := range r.img.refs {
		names[x.Name()] = true
	}
	for _, d := range r.img.digests {
		if x, err := ParseRef(d); err == nil {
			names[x.Name()] = true
		}
	}
	return len(names) <= 1
}

// untag takes one name off, and the digests of its repository with the repository's last tag.
func (r *remover) untag(c *catalog, ref Ref) {
	name := ref.Name()
	if ref.Digest != "" {
		r.dropDigests(c, func(x Ref) bool { return x.Name() == name && x.Digest == ref.Digest })
		return
	}
	if i := c.indexOf(ref); i >= 0 {
		c.drop(i)
	}
	r.events = append(r.events, RemoveEvent{Untagged: ref.Familiar()})
	for _, e := range c.entries(r.img.Digest()) {
		if x := refOf(e); !x.IsZero() && x.Name() == name {
			return
		}
	}
	r.dropDigests(c, func(x Ref) bool { return x.Name() == name })
}

// dropDigests removes the repository digests that match.
func (r *remover) dropDigests(c *catalog, match func(Ref) bool) {
	for i := range c.Manifests {
		if c.Manifests[i].Digest != r.img.Digest() {
			continue
		}
		keep := []string{}
		for _, rd := range repoDigestsOf(c.Manifests[i]) {
			if x, err := ParseRef(rd); err == nil && match(x) {
				r.events = append(r.events, RemoveEvent{Untagged: x.Familiar()})
				continue
			}
			keep = append(keep, rd)
		}
		c.annotate(i, c.Manifests[i].Annotations[ocispec.AnnotationRefName], keep)
	}
}

// byID removes the image with all its names.
func (r *remover) byID(c *catalog, running, stopped string) error {
	id := hexOf(r.img.ID())[:12]
	switch {
	case running != "":
		return r.conflict("unable to delete %s (cannot be forced) - image is being used by running container %s", id, running)
	case r.force:
	case !r.oneRepository():
		return r.conflict("unable to delete %s (must be forced) - image is referenced in multiple repositories", id)
	case stopped != "":
		return r.conflict("unable to delete %s (must be forced) - image is being used by stopped container %s", id, stopped)
	}
	for _, ref := range r.img.refs {
		r.untag(c, ref)
	}
	r.dropDigests(c, func(Ref) bool { return true })
	if stopped == "" {
		r.delete(c)
	}
	return nil
}

// delete takes the manifest out of the catalog and reports what goes with it. Sweeping happens later.
func (r *remover) delete(c *catalog) {
	c.delete(r.img.Digest())
	r.deleted = true
	kept := map[Digest]bool{}
	for _, d := range c.Manifests {
		other, err := r.s.loadImage(c, d)
		if err != nil {
			continue
		}
		if other.ID() == r.img.ID() {
			return // the same image under another manifest
		}
		for _, chain := range chainIDs(other.config.RootFS.DiffIDs) {
			kept[chain] = true
		}
	}
	r.events = append(r.events, RemoveEvent{Deleted: string(r.img.ID())})
	chains := chainIDs(r.img.config.RootFS.DiffIDs)
	for _, chain := range slices.Backward(chains) {
		if !kept[chain] {
			r.events = append(r.events, RemoveEvent{Deleted: string(chain)})
		}
	}
}

// chainIDs names stacks of layers (image-spec, config.md, Layer ChainID).
func chainIDs(diffIDs []Digest) []Digest {
	out := make([]Digest, len(diffIDs))
	for i, d := range diffIDs {
		if out[i] = d; i > 0 {
			sum := sha256.Sum256([]byte(string(out[i-1]) + " " + string(d)))
			out[i] = digestSum(sum[:])
		}
	}
	return out
}

// trySweep frees what nothing names any more, unless others are at work in the store: then whoever comes next does.
func (s *Store) trySweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	lock, err := acquire(ctx, s.path("v1", "locks", storeLockName), true)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return diskError(s.home, err)
	}
	defer lock.Unlock()
	_, err = s.sweep(partMaxAge)
	return err
}
