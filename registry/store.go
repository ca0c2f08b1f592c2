package registry

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
)

// Store is an image store on disk. It is safe for concurrent use, by many goroutines and by many processes.
type Store struct {
	home      string
	limits    Limits
	newRemote func(home string) (Remote, error)
	users     func() ([]User, error)

	mu     sync.Mutex // guards what follows
	remote Remote
}

// User is a container that needs an image.
type User struct {
	Image     Digest // image ID
	Container string // container ID
	Running   bool
}

// Option changes a Store that is being opened.
type Option func(*Store)

// WithRemote gives the store a client for registries; it is made when first needed. The usual one is
// registry/remote.New. Without it Pull and Push fail with ErrNoNetwork.
func WithRemote(f func(home string) (Remote, error)) Option {
	return func(s *Store) { s.newRemote = f }
}

// WithLimits bounds what images may cost. Zero fields keep their defaults.
func WithLimits(l Limits) Option { return func(s *Store) { s.limits = l.withDefaults() } }

// WithUsers tells the store which images containers need, so that Remove and GC keep them.
func WithUsers(f func() ([]User, error)) Option { return func(s *Store) { s.users = f } }

// DefaultHome is where the store is when SBX_HOME does not say: $XDG_DATA_HOME/sbx or ~/.local/share/sbx on unix,
// ~/Library/Application Support/sbx on macOS, %LocalAppData%\sbx on Windows.
func DefaultHome() (string, error) {
	if h := os.Getenv("SBX_HOME"); h != "" {
		return filepath.Abs(h)
	}
	if runtime.GOOS == "windows" {
		if d := os.Getenv("LocalAppData"); d != "" {
			return filepath.Join(d, "sbx"), nil
		}
	}
	if d := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "sbx"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no home folder for the image store: set SBX_HOME: %w", err)
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return filepath.Join(home, "Library", "Application Support", "sbx"), nil
	}
	return filepath.Join(home, ".local", "share", "sbx"), nil
}

const layoutFile = `{"imageLayoutVersion":"1.0.0"}`

// storeDirs are the folders of a store, the one that is made last at the end.
var storeDirs = [...]string{"oci/blobs/sha256", "v1/content", "v1/toc", "v1/image", "v1/locks", "v1/leases", "v1/tmp"}

// Open opens the image store in home and makes it if it is missing; "" means DefaultHome.
func Open(home string, opts ...Option) (*Store, error) {
	if home == "" {
		var err error
		if home, err = DefaultHome(); err != nil {
			return nil, err
		}
	}
	home, err := filepath.Abs(home)
	if err != nil {
		return nil, err
	}
	s := &Store{home: home, limits: DefaultLimits()}
	for _, o := range opts {
		o(s)
	}
	if err := s.init(); err != nil {
		return nil, diskError(home, err)
	}
	return s, nil
}

// init makes the folders. A complete store costs two stats.
func (s *Store) init() error {
	layout := s.path("oci", "oci-layout")
	if fi, err := os.Lstat(layout); err == nil && fi.Size() == int64(len(layoutFile)) {
		if _, err = os.Lstat(s.path("v1", "tmp")); err == nil {
			return nil
		}
	}
	for _, d := range storeDirs {
		if err := os.MkdirAll(s.path(filepath.FromSlash(d)), 0o700); err != nil {
			return err
		}
	}
	return s.publishCache(layout, func(w io.Writer) error {
		_, err := io.WriteString(w, layoutFile)
		return err
	})
}

// Close gives the network connections back. It does not invalidate open roots.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.remote == nil {
		return nil
	}
	err := s.remote.Close()
	s.remote = nil
	return err
}

// Home is the absolute path of the store.
func (s *Store) Home() string { return s.home }

// client makes the registry client on first use.
func (s *Store) client() (Remote, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.remote != nil {
		return s.remote, nil
	}
	if s.newRemote == nil {
		return nil, Errorf(ErrNoNetwork, "this program was built without a registry client: load the image from an archive instead")
	}
	r, err := s.newRemote(s.home)
	if err != nil {
		return nil, err
	}
	s.remote = r
	return r, nil
}

func (s *Store) path(elem ...string) string {
	return filepath.Join(append([]string{s.home}, elem...)...)
}

func (s *Store) blobPath(d Digest) string    { return s.path("oci", "blobs", "sha256", hexOf(d)) }
func (s *Store) contentPath(d Digest) string { return s.path("v1", "content", hexOf(d)) }
func (s *Store) tocPath(d Digest) string     { return s.path("v1", "toc", hexOf(d)) }
func (s *Store) imagePath(key string) string { return s.path("v1", "image", key+".idx") }
func (s *Store) leasePath(key string) string { return s.path("v1", "leases", key) }
func (s *Store) tmpDir() string              { return s.path("v1", "tmp") }

// exists tells whether a published file is there.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
