package remote

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	ggcrname "github.com/google/go-containerregistry/pkg/name"
	ggcrregistry "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	ggcrremote "github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/sbxrun/sbx/registry"
)

// TestMain keeps the user's logins and mirrors out of the tests, and lets this binary be a credential helper.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Getenv("SBX_TEST_HELPER_FILE") != "" {
		os.Exit(helperMain(os.Args[1], os.Getenv("SBX_TEST_HELPER_FILE")))
	}
	dir, err := os.MkdirTemp("", "sbx-docker-config")
	if err != nil {
		log.Fatal(err)
	}
	os.Setenv("DOCKER_CONFIG", dir)
	os.Unsetenv(MirrorVariable)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// quick retries without waiting.
var quick = Backoff{First: time.Millisecond, Max: 3 * time.Second, Attempts: 6, Unreachable: 2}

// openStore opens a store whose client retries quickly.
func openStore(t testing.TB, o Options) *registry.Store {
	t.Helper()
	if o.Backoff.First == 0 {
		o.Backoff = quick
	}
	s, err := registry.Open(t.TempDir(), registry.WithRemote(func(home string) (registry.Remote, error) { return NewClient(home, o) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// serve starts a registry in this process; wrap may stand between it and the network.
func serve(t testing.TB, wrap func(http.Handler) http.Handler) (host string) {
	t.Helper()
	h := ggcrregistry.New(ggcrregistry.Logger(log.New(io.Discard, "", 0)))
	if wrap != nil {
		h = wrap(h)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

// tarOf makes a layer with the given files: name, contents, name, contents…
func tarOf(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i+1 < len(files); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: files[i], Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[i+1]))}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, files[i+1])
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// ggcrImage makes an image of layers with go-containerregistry.
func ggcrImage(t testing.TB, mt types.MediaType, layers ...[]byte) v1.Image {
	t.Helper()
	img := mutate.MediaType(empty.Image, mt)
	for _, l := range layers {
		layer := static.NewLayer(l, types.OCIUncompressedLayer)
		var err error
		if img, err = mutate.AppendLayers(img, layer); err != nil {
			t.Fatal(err)
		}
	}
	cf, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	cf = cf.DeepCopy()
	cf.OS, cf.Architecture = "linux", "amd64"
	if img, err = mutate.ConfigFile(img, cf); err != nil {
		t.Fatal(err)
	}
	return img
}

// put stores an image in a registry with go-containerregistry.
func put(t testing.TB, ref string, img v1.Image) {
	t.Helper()
	r, err := ggcrname.ParseReference(ref, ggcrname.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	if err := ggcrremote.Write(r, img); err != nil {
		t.Fatal(err)
	}
}

func mustRef(t testing.TB, s string) registry.Ref {
	t.Helper()
	r, err := registry.ParseRef(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// mustPull pulls and checks that the tree can be opened.
func mustPull(t testing.TB, s *registry.Store, ref string, o registry.PullOptions) (registry.Image, registry.PullResult) {
	t.Helper()
	img, res, err := s.Pull(context.Background(), mustRef(t, ref), o)
	if err != nil {
		t.Fatalf("pull %s: %v", ref, err)
	}
	root, err := s.OpenRoot(context.Background(), img)
	if err != nil {
		t.Fatal(err)
	}
	if err := root.Close(); err != nil {
		t.Fatal(err)
	}
	return img, res
}

// noise makes text that does not compress well.
func noise(n int, seed uint64) string {
	b := make([]byte, n)
	for i := range b {
		seed = seed*6364136223846793005 + 1442695040888963407
		b[i] = byte(seed >> 33)
	}
	return string(b)
}

// writeConfig writes a config.json.
func writeConfig(t testing.TB, path, format string, args ...any) {
	t.Helper()
	if err := os.WriteFile(path, fmt.Appendf(nil, format, args...), 0o600); err != nil {
		t.Fatal(err)
	}
}

// makeForeign describes a layer that lives at a URL.
func makeForeign(blob []byte, at string) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: string(types.DockerForeignLayer), Digest: digest.FromBytes(blob), Size: int64(len(blob)), URLs: []string{at}}
}
