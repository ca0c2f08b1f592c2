package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sbxrun/sbx/internal/hostfile"
	"github.com/sbxrun/sbx/vfs"
)

// indexFormat changes whenever the merged index of the same layers would look different.
const indexFormat = "sbx image index 1"

// LayerSource is a layer that is not part of an image, such as the built-in userland. Its contents and the index that
// includes it are cached in the store like those of images, and may be deleted by GC while nobody uses them.
type LayerSource struct {
	DiffID Digest                        // of the uncompressed tar
	Open   func() (io.ReadCloser, error) // the tar, compressed or not
}

// Root is what a container's filesystem is made of. While it is open nothing of it can be deleted; the operating
// system ends that when the process dies.
type Root struct {
	Index   *vfs.Index
	Content []vfs.Content // one for each layer, the lowest first
	lease   *fileLock
	path    string // of the index
}

// Verify sums up the index, which OpenRoot does not. A damaged one is an error that wraps vfs.ErrIndex, and is deleted:
// the next OpenRoot makes it anew, while those that have it open keep it.
func (r *Root) Verify() error {
	err := r.Index.Verify()
	if errors.Is(err, vfs.ErrIndex) {
		_ = os.Remove(r.path)
	}
	return err
}

// Close gives everything back. Filesystems over the root must be closed before.
func (r *Root) Close() error {
	var errs []error
	if r.Index != nil {
		errs = append(errs, r.Index.Close())
	}
	for _, c := range r.Content {
		if err := c.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			errs = append(errs, err)
		}
	}
	r.lease.Unlock()
	return errors.Join(errs...)
}

// OpenRoot opens the merged tree of an image with extra layers on top, and builds what is missing of it. The zero
// Image stands for no layers.
func (s *Store) OpenRoot(ctx context.Context, img Image, extra ...*LayerSource) (*Root, error) {
	lock, err := s.share(ctx)
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	return s.openStack(ctx, s.newStack(img.Layers(), extra))
}

// OpenLayers is OpenRoot for layers that are no image yet.
func (s *Store) OpenLayers(ctx context.Context, layers []LayerInfo) (*Root, error) {
	lock, err := s.share(ctx)
	if err != nil {
		return nil, err
	}
	defer lock.Unlock()
	return s.openStack(ctx, s.newStack(layers, nil))
}

// openStack prepares and opens a stack. The caller has the store lock.
func (s *Store) openStack(ctx context.Context, st *stack) (*Root, error) {
	if err := st.prepare(ctx, nil); err != nil {
		return nil, err
	}
	root, err := st.open()
	if errors.Is(err, vfs.ErrIndex) {
		// The cache is damaged: build it again.
		_ = os.Remove(s.imagePath(st.key))
		if err = st.prepare(ctx, nil); err == nil {
			root, err = st.open()
		}
	}
	return root, diskError(s.home, err)
}

// HasRoot tells whether the index of these layers is there: OpenRoot was called with them before. It may be deleted at
// any time.
func (s *Store) HasRoot(img Image, extra ...*LayerSource) bool {
	return exists(s.imagePath(s.newStack(img.Layers(), extra).key))
}

// stack is the layers of one root.
type stack struct {
	s      *Store
	key    string
	layers []stackLayer
}

// stackLayer knows how to make its contents again when they are missing.
type stackLayer struct {
	diffID  Digest
	rebuild func(context.Context) error
}

func (s *Store) newStack(layers []LayerInfo, extra []*LayerSource) *stack {
	st := &stack{s: s}
	b := s.newBudget()
	for _, l := range layers {
		st.layers = append(st.layers, stackLayer{l.DiffID, func(ctx context.Context) error {
			_, err := s.ingest(ctx, l.descriptor(), l.DiffID, b, nil, nil)
			return err
		}})
	}
	for _, x := range extra {
		st.layers = append(st.layers, stackLayer{x.DiffID, func(ctx context.Context) error { return s.ingestExtra(ctx, x) }})
	}
	st.key = st.hash()
	return st
}

// hash names the merged index.
func (st *stack) hash() string {
	h := sha256.New()
	io.WriteString(h, indexFormat)
	for _, l := range st.layers {
		io.WriteString(h, "\n"+string(l.diffID))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// prepare makes sure that contents and index exist. known holds tables of contents that have been read already.
func (st *stack) prepare(ctx context.Context, known map[Digest][]vfs.LayerEntry) error {
	indexed := exists(st.s.imagePath(st.key))
	for _, l := range st.layers {
		if indexed && exists(st.s.contentPath(l.diffID)) || st.s.hasContent(l.diffID) {
			continue
		}
		if err := l.rebuild(ctx); err != nil {
			return err
		}
	}
	if indexed {
		return nil
	}
	lock, err := st.s.lockDigest(ctx, st.key)
	if err != nil {
		return err
	}
	if exists(st.s.imagePath(st.key)) {
		lock.Unlock()
		return nil
	}
	tocs, bad, err := st.tocs(known)
	if bad < 0 && err == nil {
		err = st.build(tocs)
	}
	lock.Unlock()
	if bad >= 0 {
		return st.repair(ctx, bad, known)
	}
	return err
}

// repair makes the contents of a layer with a damaged table of contents again. The digest lock is not held.
func (st *stack) repair(ctx context.Context, i int, known map[Digest][]vfs.LayerEntry) error {
	l := st.layers[i]
	_ = os.Remove(st.s.tocPath(l.diffID))
	if err := l.rebuild(ctx); err != nil {
		return err
	}
	if _, err := st.s.readTOC(l.diffID); err != nil {
		return err
	}
	return st.prepare(ctx, known)
}

// tocs reads the tables of contents that are not known; bad is the first one that cannot be read, or -1.
func (st *stack) tocs(known map[Digest][]vfs.LayerEntry) (all [][]vfs.LayerEntry, bad int, err error) {
	n := 0
	for i, l := range st.layers {
		toc, ok := known[l.diffID]
		if !ok {
			var err error
			if toc, err = st.s.readTOC(l.diffID); err != nil {
				return nil, i, nil
			}
		}
		if n += len(toc); n > st.s.limits.Entries {
			return nil, -1, Errorf(ErrTooLarge, "the layers have more than %d entries: refused", st.s.limits.Entries)
		}
		all = append(all, toc)
	}
	return all, -1, nil
}

// build publishes the merged index, durably: who opens it does not sum it up.
func (st *stack) build(tocs [][]vfs.LayerEntry) error {
	var buildErr error
	err := st.s.publishFunc(st.s.imagePath(st.key), func(w io.Writer) error {
		buildErr = vfs.BuildIndex(w, tocs, vfs.DefaultLimits())
		return buildErr
	})
	if buildErr != nil && !isDiskFull(buildErr) {
		return corrupt("the layers of the image do not make a filesystem: %w", buildErr)
	}
	return err
}

// open opens the files and takes the lease. The caller has the store lock, so nothing can vanish in between.
func (st *stack) open() (*Root, error) {
	r := &Root{path: st.s.imagePath(st.key)}
	var err error
	if r.lease, err = st.takeLease(); err != nil {
		return nil, err
	}
	if r.Index, err = vfs.OpenIndex(r.path); err != nil {
		r.Close()
		return nil, err
	}
	for _, l := range st.layers {
		f, err := openContent(st.s.contentPath(l.diffID))
		if err != nil {
			r.Close()
			return nil, fmt.Errorf("open layer contents: %w", err)
		}
		r.Content = append(r.Content, f)
	}
	return r, nil
}

// takeLease locks the lease file of the root, shared. The file lists what GC must keep while anybody has the lock. A
// file that says anything else was left by a crash while it was written; everybody who finds it writes the same.
func (st *stack) takeLease() (*fileLock, error) {
	var want strings.Builder
	for _, l := range st.layers {
		fmt.Fprintln(&want, l.diffID)
	}
	return st.s.takeLease(st.key, want.String())
}

// takeLease locks the lease file of the given name and text, shared.
func (s *Store) takeLease(name, text string) (*fileLock, error) {
	path := s.leasePath(name)
	f, err := hostfile.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	ok := false
	if err = writeSame(f, text); err == nil {
		// Only GC locks leases exclusively, and it is away while the store lock is held.
		if ok, err = lockFile(f, false); !ok && err == nil {
			err = Errorf(ErrConflict, "the lease %s is locked by another program: end it and try again", path)
		}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return &fileLock{f}, nil
}

// writeSame makes sure that a file holds text. Others may do the same at the same time: nobody ever sees it emptied.
func writeSame(f *os.File, text string) error {
	same := func() bool {
		b := make([]byte, len(text)+1)
		n, err := f.ReadAt(b, 0)
		return err == io.EOF && string(b[:n]) == text
	}
	if same() {
		return nil
	}
	_, err := f.WriteAt([]byte(text), 0)
	if err = errors.Join(err, f.Truncate(int64(len(text)))); err != nil && same() {
		return nil // another process was first and has it locked
	}
	return err
}

// ingestExtra unpacks a layer that is not part of an image.
func (s *Store) ingestExtra(ctx context.Context, x *LayerSource) error {
	if _, err := ParseDigest(string(x.DiffID)); err != nil {
		return err
	}
	lock, err := s.lockDigest(ctx, hexOf(x.DiffID))
	if err != nil {
		return err
	}
	defer lock.Unlock()
	if s.hasContent(x.DiffID) {
		return nil
	}
	r, err := x.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	tee := &wireTee{r: r, hash: io.Discard, max: -1}
	u, err := s.unpack(ctx, tee, s.newBudget(), nil)
	if err != nil {
		return err
	}
	if u.diffID != x.DiffID {
		u.discard()
		return corrupt("the layer unpacks to %s instead of %s: refused", u.diffID, x.DiffID)
	}
	return s.publishContent(u)
}
