package registry

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// partMaxAge is how long an unfinished download is kept for a later attempt.
const partMaxAge = 24 * time.Hour

// GC deletes everything that no name, no container and no open root needs, and files that dead processes left. It waits
// for pulls and loads that are running. freed is in bytes.
func (s *Store) GC(ctx context.Context) (freed int64, err error) {
	lock, err := acquire(ctx, s.path("v1", "locks", storeLockName), true)
	if err != nil {
		return 0, diskError(s.home, err)
	}
	defer lock.Unlock()
	return s.sweep(0)
}

// Prune removes images without a name that no container needs, and with all also the others that none needs, and
// collects garbage.
func (s *Store) Prune(ctx context.Context, all bool) (events []RemoveEvent, freed int64, err error) {
	lock, err := s.share(ctx)
	if err != nil {
		return nil, 0, err
	}
	err = s.updateCatalog(ctx, func(c *catalog) error {
		events, err = s.prune(c, all)
		return err
	})
	lock.Unlock()
	if err != nil {
		return events, 0, err
	}
	freed, err = s.GC(ctx)
	return events, freed, err
}

func (s *Store) prune(c *catalog, all bool) ([]RemoveEvent, error) {
	used, err := s.usedImages()
	if err != nil {
		return nil, err
	}
	images, _ := s.Images()
	var events []RemoveEvent
	for _, img := range images {
		if used[img.ID()] || (!all && len(img.refs)+len(img.digests) > 0 && !dangling(img)) {
			continue
		}
		r := &remover{s: s, force: true, img: img}
		for _, ref := range img.refs {
			r.untag(c, ref)
		}
		r.delete(c)
		events = append(events, r.events...)
	}
	return events, nil
}

// dangling tells whether an image has lost its last tag. One that was pulled by digest never had any; docker lists
// it as dangling too once nothing else names it.
func dangling(img Image) bool { return len(img.refs) == 0 }

func (s *Store) usedImages() (map[Digest]bool, error) {
	used := map[Digest]bool{}
	if s.users == nil {
		return used, nil
	}
	all, err := s.users()
	for _, u := range all {
		used[u.Image] = true
	}
	return used, err
}

// marks is what must stay, by file name.
type marks struct {
	blobs, content, image map[string]bool
}

// sweep deletes what is not marked. The caller holds the store lock exclusively: no file is being made or opened.
func (s *Store) sweep(partAge time.Duration) (freed int64, err error) {
	m := marks{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	if err := s.markCatalog(&m); err != nil {
		return 0, err
	}
	if err := s.markLeases(&m); err != nil {
		return 0, err
	}
	if err := s.markBuilds(&m); err != nil {
		return 0, err
	}
	keepPart := func(name string, age time.Duration) bool { return strings.HasPrefix(name, "part-") && age < partAge }
	for _, d := range []struct {
		dir  string
		keep func(name string, age time.Duration) bool
	}{
		{"oci/blobs/sha256", func(n string, _ time.Duration) bool { return m.blobs[n] }},
		{"v1/image", func(n string, _ time.Duration) bool { return m.image[strings.TrimSuffix(n, ".idx")] }},
		{"v1/toc", func(n string, _ time.Duration) bool { return m.content[n] }},
		{"v1/content", func(n string, _ time.Duration) bool { return m.content[n] }},
		{"v1/tmp", keepPart},
		{"v1/locks", func(n string, _ time.Duration) bool { return n == storeLockName || n == indexLockName }},
	} {
		n, derr := s.sweepDir(s.path(filepath.FromSlash(d.dir)), d.keep)
		freed += n
		err = errors.Join(err, derr)
	}
	return freed, diskError(s.home, err)
}

// markCatalog marks what the names in index.json need.
func (s *Store) markCatalog(m *marks) error {
	c, err := s.readCatalog()
	if err != nil {
		return err // without it everything would look unused
	}
	for _, d := range c.Manifests {
		m.blobs[hexOf(d.Digest)] = true
		img, err := s.loadImage(c, d)
		if errors.Is(err, ErrUnsupported) {
			s.markIndex(m, d.Digest, s.limits.IndexDepth)
			continue
		}
		if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrCorrupt) {
			return err
		}
		s.markImage(m, d.Digest, img)
	}
	return nil
}

// markImage marks the blobs and caches of an image. Of a damaged one it marks what can still be read, so that pulling
// it again costs little.
func (s *Store) markImage(m *marks, manifest Digest, img Image) {
	if img.IsZero() {
		raw, err := readFileLimit(s.blobPath(manifest), s.limits.ManifestBytes)
		if err != nil {
			return
		}
		doc, err := parseDocument(raw, "", s.limits)
		if err != nil || doc.manifest == nil {
			return
		}
		img.manifest = *doc.manifest
	}
	m.blobs[hexOf(img.ID())] = true
	for _, l := range img.manifest.Layers {
		m.blobs[hexOf(l.Digest)] = true
	}
	for _, d := range img.config.RootFS.DiffIDs {
		m.content[hexOf(d)] = true
	}
	if len(img.config.RootFS.DiffIDs) == len(img.manifest.Layers) {
		m.image[s.newStack(img.Layers(), nil).key] = true
	}
}

// markIndex keeps what another tool put into the layout as an index of several platforms.
func (s *Store) markIndex(m *marks, index Digest, depth int) {
	raw, err := s.readBlob(index, s.limits.ManifestBytes)
	if err != nil || depth == 0 {
		return
	}
	doc, err := parseDocument(raw, "", s.limits)
	if err != nil {
		return
	}
	if doc.manifest != nil {
		s.markImage(m, index, Image{})
		return
	}
	for _, d := range doc.index.Manifests {
		m.blobs[hexOf(d.Digest)] = true
		s.markIndex(m, d.Digest, depth-1)
	}
}

// markLeases marks what open roots need, and deletes leases that nobody holds.
func (s *Store) markLeases(m *marks) error {
	dir := s.path("v1", "leases")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		l, err := tryAcquire(path, true)
		if err != nil {
			return err
		}
		if l != nil {
			l.Unlock()
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			continue
		}
		m.image[e.Name()] = true
		if err := readLease(path, m); err != nil {
			return err
		}
	}
	return nil
}

// readLease marks the contents and blobs that a lease lists.
func readLease(path string, m *marks) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	for sc.Scan() {
		to, text := m.content, sc.Text()
		if blob, ok := strings.CutPrefix(text, leaseBlob); ok {
			to, text = m.blobs, blob
		}
		if d, err := ParseDigest(text); err == nil {
			to[hexOf(d)] = true
		}
	}
	return sc.Err()
}

// sweepDir deletes the files of one folder that keep does not want.
func (s *Store) sweepDir(dir string, keep func(name string, age time.Duration) bool) (freed int64, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	for _, e := range entries {
		fi, ierr := e.Info()
		if ierr != nil || keep(e.Name(), now.Sub(fi.ModTime())) {
			continue
		}
		if rerr := os.Remove(filepath.Join(dir, e.Name())); rerr != nil {
			err = errors.Join(err, rerr)
			continue
		}
		freed += diskUsage(fi)
	}
	return freed, err
}

// Usage is what the store needs on disk.
type Usage struct {
	Images      int   // all
	Active      int   // needed by containers
	Size        int64 // bytes of all files that are not the build cache's alone
	Reclaimable int64 // bytes that Prune with all would free, estimated
}

// Usage measures the store.
func (s *Store) Usage() (Usage, error) {
	images, err := s.Images()
	if err != nil && images == nil {
		return Usage{}, err
	}
	used, err := s.usedImages()
	if err != nil {
		return Usage{}, err
	}
	m := marks{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	u := Usage{Images: len(images)}
	for _, img := range images {
		if used[img.ID()] {
			u.Active++
			m.blobs[hexOf(img.Digest())] = true
			s.markImage(&m, img.Digest(), img)
		}
	}
	cache, err := s.buildOnly()
	if err != nil {
		return u, err
	}
	for dir, keep := range map[string]map[string]bool{"oci/blobs/sha256": m.blobs, "v1/content": m.content, "v1/toc": m.content, "v1/image": m.image} {
		entries, err := os.ReadDir(s.path(filepath.FromSlash(dir)))
		if err != nil {
			return u, diskError(s.home, err)
		}
		for _, e := range entries {
			if fi, err := e.Info(); err == nil && !cache[e.Name()] {
				u.Size += diskUsage(fi)
				if !keep[strings.TrimSuffix(e.Name(), ".idx")] {
					u.Reclaimable += diskUsage(fi)
				}
			}
		}
	}
	return u, nil
}
