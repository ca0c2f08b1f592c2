package registry

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// maxBuildRecord bounds a record of the build cache.
const maxBuildRecord = 64 << 10

// BuildRecord is what a step of a build made: an entry of the build cache, v1/build/KEY. Its layer is kept as long as
// the record is.
type BuildRecord struct {
	Key         string     // 64 hexadecimal digits
	Layer       *LayerInfo `json:",omitempty"` // nil: the step changed no file
	Description string     // for people
	Note        string     `json:",omitempty"` // whatever the builder wants to remember
	Created     time.Time
	Used        time.Time `json:"-"` // when it was last found or written
}

func (s *Store) buildDir() string            { return s.path("v1", "build") }
func (s *Store) buildPath(key string) string { return s.path("v1", "build", key) }
func validBuildKey(key string) bool          { return len(key) == 64 && isHex(key) }
func buildKeyError(key string) error {
	return Errorf(ErrInvalidRef, "%.80q is no key of the build cache", key)
}

// FindBuild looks a step up. The Hold keeps its layer; nil when it has none. ErrNotFound when the step is not known,
// or its layer is gone.
func (s *Store) FindBuild(ctx context.Context, key string) (BuildRecord, *Hold, error) {
	if !validBuildKey(key) {
		return BuildRecord{}, nil, buildKeyError(key)
	}
	lock, err := s.share(ctx)
	if err != nil {
		return BuildRecord{}, nil, err
	}
	defer lock.Unlock()
	r, err := s.readBuild(key)
	if err != nil {
		return r, nil, err
	}
	var h *Hold
	if r.Layer != nil {
		if h, err = s.hold([]LayerInfo{*r.Layer}); err != nil {
			return r, nil, err
		}
	}
	now := time.Now()
	_ = os.Chtimes(s.buildPath(key), now, now) // only the order in which records go depends on it
	return r, h, nil
}

// readBuild reads and checks a record; one that is damaged is as good as none.
func (s *Store) readBuild(key string) (BuildRecord, error) {
	missing := Errorf(ErrNotFound, "step %s is not in the build cache", key)
	b, err := readFileLimit(s.buildPath(key), maxBuildRecord)
	if err != nil {
		return BuildRecord{}, missing
	}
	var r BuildRecord
	if json.Unmarshal(b, &r) != nil || r.Key != key {
		return BuildRecord{}, missing
	}
	if l := r.Layer; l != nil {
		d := l.descriptor()
		if _, err := ParseDigest(string(l.DiffID)); err != nil || checkDescriptor(&d) != nil {
			return BuildRecord{}, missing
		}
	}
	return r, nil
}

// SaveBuild keeps a step. The caller holds its layer.
func (s *Store) SaveBuild(ctx context.Context, r BuildRecord) error {
	if !validBuildKey(r.Key) {
		return buildKeyError(r.Key)
	}
	lock, err := s.share(ctx)
	if err != nil {
		return err
	}
	defer lock.Unlock()
	b, err := marshal(r)
	if err != nil {
		return err
	}
	if len(b) > maxBuildRecord {
		return Errorf(ErrTooLarge, "a record of the build cache has %d bytes, more than %d", len(b), maxBuildRecord)
	}
	if err := os.MkdirAll(s.buildDir(), 0o700); err != nil {
		return diskError(s.home, err)
	}
	return s.publishCache(s.buildPath(r.Key), func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// Builds lists the build cache, what was used last first.
func (s *Store) Builds() ([]BuildRecord, error) {
	entries, err := os.ReadDir(s.buildDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, diskError(s.home, err)
	}
	var out []BuildRecord
	for _, e := range entries {
		r, err := s.readBuild(e.Name())
		if err != nil {
			continue
		}
		if fi, err := e.Info(); err == nil {
			r.Used = fi.ModTime()
		}
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b BuildRecord) int { return b.Used.Compare(a.Used) })
	return out, nil
}

// markBuilds marks what the build cache needs, and deletes records that cannot be read.
func (s *Store) markBuilds(m *marks) error {
	entries, err := os.ReadDir(s.buildDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		r, err := s.readBuild(e.Name())
		if err != nil {
			_ = os.Remove(filepath.Join(s.buildDir(), e.Name()))
			continue
		}
		if r.Layer != nil {
			m.blobs[hexOf(r.Layer.Digest)], m.content[hexOf(r.Layer.DiffID)] = true, true
		}
	}
	return nil
}

// PruneBuilds removes the records that keep does not want, and frees what only they needed. keep is asked in the order
// of Builds; size is what the record's layer takes on disk, 0 when an image or a record before it has the layer too.
// shared tells whether an image has it.
func (s *Store) PruneBuilds(ctx context.Context, keep func(r BuildRecord, size int64, shared bool) bool) (removed []BuildRecord, freed int64, err error) {
	list, err := s.builds()
	if err != nil {
		return nil, 0, err
	}
	var errs []error
	for _, r := range list {
		if keep(r.BuildRecord, r.size, r.shared) {
			continue
		}
		if err := os.Remove(s.buildPath(r.Key)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
			continue
		}
		removed, freed = append(removed, r.BuildRecord), freed+r.size
	}
	if len(removed) > 0 {
		errs = append(errs, s.trySweep(ctx))
	}
	return removed, freed, diskError(s.home, errors.Join(errs...))
}

// sizedBuild is a record with what it costs.
type sizedBuild struct {
	BuildRecord
	size   int64
	shared bool
}

func (s *Store) builds() ([]sizedBuild, error) {
	list, err := s.Builds()
	if err != nil || len(list) == 0 {
		return nil, err
	}
	m := marks{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	if err := s.markCatalog(&m); err != nil {
		return nil, err
	}
	seen := map[Digest]bool{}
	out := make([]sizedBuild, len(list))
	for i, r := range list {
		out[i].BuildRecord = r
		if r.Layer == nil {
			continue
		}
		out[i].shared = m.blobs[hexOf(r.Layer.Digest)]
		if !out[i].shared && !seen[r.Layer.Digest] {
			out[i].size = s.layerDisk(*r.Layer)
		}
		seen[r.Layer.Digest] = true
	}
	return out, nil
}

// layerDisk is what a layer takes on disk: blob, contents and their table.
func (s *Store) layerDisk(l LayerInfo) (n int64) {
	for _, p := range []string{s.blobPath(l.Digest), s.contentPath(l.DiffID), s.tocPath(l.DiffID)} {
		if fi, err := os.Lstat(p); err == nil {
			n += diskUsage(fi)
		}
	}
	return n
}

// BuildUsage is what the build cache needs on disk beyond what images need.
type BuildUsage struct {
	Records, Active int // all, and those whose layer an image has
	Size            int64
}

// BuildUsage measures the build cache.
func (s *Store) BuildUsage() (u BuildUsage, err error) {
	list, err := s.builds()
	for _, r := range list {
		u.Records++
		u.Size += r.size
		if r.shared {
			u.Active++
		}
	}
	return u, err
}

// buildOnly names the files that belong to layers of the build cache alone.
func (s *Store) buildOnly() (map[string]bool, error) {
	list, err := s.builds()
	only := map[string]bool{}
	for _, r := range list {
		if r.Layer != nil && !r.shared {
			only[hexOf(r.Layer.Digest)], only[hexOf(r.Layer.DiffID)] = true, true
		}
	}
	return only, err
}
