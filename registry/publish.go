package registry

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/sbxrun/sbx/internal/hostfile"
)

// createTemp makes a file in v1/tmp. Whoever holds the store lock exclusively may delete such files.
func (s *Store) createTemp(kind string) (*os.File, error) {
	f, err := os.CreateTemp(s.tmpDir(), kind+"-*")
	return f, diskError(s.home, err)
}

// discard closes and removes a temporary file that was not published.
func discard(f *os.File) {
	f.Close()
	os.Remove(f.Name())
}

// publish gives a complete, verified temporary file its final name, durably. A file that already has that name is
// kept: names of published files say what is in them.
func (s *Store) publish(f *os.File, dst string) error {
	if exists(dst) {
		discard(f)
		return nil
	}
	return s.replace(f, dst)
}

// replace is publish for names whose contents change: it puts the new file in the place of the old one.
func (s *Store) replace(f *os.File, dst string) error {
	err := errors.Join(f.Sync(), f.Close())
	if err == nil {
		err = rename(f.Name(), dst)
	}
	if err == nil {
		err = syncDir(filepath.Dir(dst))
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return diskError(s.home, err)
}

// rename moves a file; on hosts where an open destination is in the way, an existing destination is good enough.
func rename(src, dst string) error {
	err := os.Rename(src, dst)
	if err != nil && errors.Is(err, fs.ErrPermission) && filepath.Base(dst) != indexFile && exists(dst) {
		return os.Remove(src)
	}
	return err
}

// publishBytes publishes a small file.
func (s *Store) publishBytes(b []byte, dst string) error {
	return s.publishFunc(dst, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// publishFunc publishes what fn writes.
func (s *Store) publishFunc(dst string, fn func(io.Writer) error) error {
	f, err := s.createTemp("file")
	if err != nil {
		return err
	}
	if err := fn(f); err != nil {
		discard(f)
		return diskError(s.home, err)
	}
	return s.publish(f, dst)
}

// publishCache is publishFunc for files that are checked whole whenever they are used, and made again when they are
// damaged: nothing waits until they are on disk.
func (s *Store) publishCache(dst string, fn func(io.Writer) error) error {
	f, err := s.createTemp("file")
	if err != nil {
		return err
	}
	if err = errors.Join(fn(f), f.Close()); err == nil {
		err = rename(f.Name(), dst)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return diskError(s.home, err)
}

// together does several things at the same time. Syncing files one after another costs as many commits of the host's
// journal; together they cost one.
func together(do ...func() error) error {
	var g errgroup.Group
	for _, f := range do {
		g.Go(f)
	}
	return g.Wait()
}

// putBlob stores a small blob and returns its digest.
func (s *Store) putBlob(b []byte) (Digest, error) {
	d := digestOf(b)
	if exists(s.blobPath(d)) {
		return d, nil
	}
	return d, s.publishBytes(b, s.blobPath(d))
}

// readBlob reads and verifies a small blob.
func (s *Store) readBlob(d Digest, limit int64) ([]byte, error) {
	b, err := readFileLimit(s.blobPath(d), limit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Errorf(ErrNotFound, "%s is missing from the image store: pull the image again: %w", d, err)
	}
	if err != nil {
		return nil, err
	}
	if digestOf(b) != d {
		return nil, corrupt("%s is damaged in the image store: remove the image and pull it again", d)
	}
	return b, nil
}

// readFileLimit reads a whole file of at most limit bytes.
func readFileLimit(path string, limit int64) ([]byte, error) {
	f, err := hostfile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAllLimit(f, limit, filepath.Base(path))
}

// readAllLimit reads r to its end, or fails when it holds more than limit bytes.
func readAllLimit(r io.Reader, limit int64, what string) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(4 << 10) // most documents are smaller
	_, err := b.ReadFrom(io.LimitReader(r, limit+1))
	if err == nil && int64(b.Len()) > limit {
		return nil, Errorf(ErrTooLarge, "%.100s is larger than %d bytes: refused", what, limit)
	}
	return b.Bytes(), err
}
