package registry

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/sbxrun/sbx/vfs"
)

var ctx = context.Background()

// importOne makes an image of one file.
func importOne(t testing.TB, s *Store, name, body string) Image {
	t.Helper()
	img, err := s.Import(ctx, bytes.NewReader(layerTar(t, file{name: "f", body: body})), name, ContainerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// readTree exports an image and returns the contents of its files.
func readTree(t testing.TB, s *Store, img Image) map[string]string {
	t.Helper()
	var b bytes.Buffer
	if err := s.Export(ctx, img, &b); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	tr := tar.NewReader(&b)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			out[strings.TrimPrefix(h.Name, "./")] = string(body)
		}
	}
}

func TestResolve(t *testing.T) {
	s := testStore(t)
	hub := importOne(t, s, "debian:12", "hub")
	local := importOne(t, s, "localhost/base", "local")
	both := importOne(t, s, "localhost/debian:12", "both")
	if err := s.Tag(ctx, "localhost/base", "me/base:x"); err != nil {
		t.Fatal(err)
	}
	id := string(hub.ID())
	for _, tt := range []struct {
		name string
		want Image
		err  error
	}{
		{"base", local, nil}, {"localhost/base:latest", local, nil}, {"me/base:x", local, nil},
		{"debian:12", both, nil}, {"docker.io/library/debian:12", hub, nil}, {"library/debian:12", hub, nil},
		{id, hub, nil}, {hexOf(hub.ID()), hub, nil}, {hexOf(hub.ID())[:12], hub, nil}, {id[:20], hub, nil},
		{"debian", Image{}, ErrNotFound}, {"sha256:" + someHex, Image{}, ErrNotFound}, {"a b", Image{}, ErrInvalidRef}, {"", Image{}, ErrInvalidRef},
	} {
		got, err := s.Resolve(tt.name)
		if !errors.Is(err, tt.err) || got.ID() != tt.want.ID() {
			t.Errorf("%q: got %s, %v; want %s, %v", tt.name, got.ID(), err, tt.want.ID(), tt.err)
		}
	}
	for i := range 300 { // enough images that some prefix of one digit is shared
		importOne(t, s, "", strings.Repeat("x", i))
		if i > 17 {
			break
		}
	}
	ambiguous := false
	for _, d := range "0123456789abcdef" {
		_, err := s.Resolve(string(d))
		ambiguous = ambiguous || errors.Is(err, ErrAmbiguous)
	}
	if !ambiguous {
		t.Error("twenty images and no prefix of one digit is ambiguous")
	}
}

func TestTag(t *testing.T) {
	s := testStore(t)
	a, b := importOne(t, s, "a", "1"), importOne(t, s, "b", "2")
	if err := s.Tag(ctx, "b", "a"); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.Resolve("a"); got.ID() != b.ID() {
		t.Error("the tag was not moved")
	}
	if got, err := s.Resolve(string(a.ID())); err != nil || len(got.RepoTags()) != 0 {
		t.Errorf("the image that lost its name: %v %v", got.RepoTags(), err)
	}
	if got, _ := s.Resolve("b"); !slices.Equal(got.RepoTags(), []string{"a:latest", "b:latest"}) {
		t.Errorf("tags %v", got.RepoTags())
	}
	for _, bad := range []string{"a@sha256:" + someHex, "A", ""} {
		if err := s.Tag(ctx, "b", bad); !errors.Is(err, ErrInvalidRef) {
			t.Errorf("tag %q: %v", bad, err)
		}
	}
	if err := s.Tag(ctx, "none", "c"); !errors.Is(err, ErrNotFound) {
		t.Errorf("tag of nothing: %v", err)
	}
}

// TestRemove follows docker's rules, as image_delete.go of moby and a real docker 28 have them.
func TestRemove(t *testing.T) {
	for _, tt := range []struct {
		name     string
		tags     []string
		user     string // "", "running" or "stopped"
		arg      string // "ID" stands for the image's ID
		force    bool
		err      string
		untagged []string
		gone     bool
	}{
		{"last tag", []string{"a"}, "", "a", false, "", []string{"a:latest"}, true},
		{"one of two", []string{"a", "b"}, "", "a", false, "", []string{"a:latest"}, false},
		{"id, one tag", []string{"a"}, "", "ID", false, "", []string{"a:latest"}, true},
		{"id, two tags", []string{"a", "a:2"}, "", "ID", false, "must be forced) - image is referenced in multiple", nil, false},
		{"id, two repositories", []string{"a", "b"}, "", "ID", false, "must be forced) - image is referenced in multiple", nil, false},
		{"id, two tags, force", []string{"a", "b"}, "", "ID", true, "", []string{"a:latest", "b:latest"}, true},
		{"id, no tag", nil, "", "ID", false, "", nil, true},
		{"running", []string{"a"}, "running", "a", false, "must force) - container 0123456789ab is using", nil, false},
		{"running, one of two", []string{"a", "b"}, "running", "a", false, "", []string{"a:latest"}, false},
		{"running, force", []string{"a"}, "running", "a", true, "", []string{"a:latest"}, false},
		{"id, running, force", []string{"a"}, "running", "ID", true, "cannot be forced", nil, false},
		{"id, stopped", []string{"a"}, "stopped", "ID", false, "must be forced) - image is being used by stopped container", nil, false},
		{"id, stopped, force", []string{"a"}, "stopped", "ID", true, "", []string{"a:latest"}, false},
		{"nothing", []string{"a"}, "", "zz", false, "No such image", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var users []User
			s := testStore(t, WithUsers(func() ([]User, error) { return users, nil }))
			img := importOne(t, s, "", "1")
			for _, tag := range tt.tags {
				if err := s.Tag(ctx, string(img.ID()), tag); err != nil {
					t.Fatal(err)
				}
			}
			if tt.user != "" {
				users = []User{{Image: img.ID(), Container: "0123456789abcdef", Running: tt.user == "running"}}
			}
			arg := tt.arg
			if arg == "ID" {
				arg = hexOf(img.ID())[:12]
			}
			events, err := s.Remove(ctx, arg, tt.force)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || !(errors.Is(err, ErrConflict) || errors.Is(err, ErrNotFound)) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			var untagged []string
			deleted := false
			for _, e := range events {
				if e.Untagged != "" {
					untagged = append(untagged, e.Untagged)
				}
				deleted = deleted || e.Deleted == string(img.ID())
			}
			if !slices.Equal(untagged, tt.untagged) || deleted != tt.gone {
				t.Errorf("events %v, want untagged %v, deleted %v", events, tt.untagged, tt.gone)
			}
			if _, err := s.Resolve(string(img.ID())); errors.Is(err, ErrNotFound) != tt.gone {
				t.Errorf("afterwards: %v", err)
			}
			if exists(s.blobPath(img.Digest())) == tt.gone || exists(s.contentPath(img.Layers()[0].DiffID)) == tt.gone {
				t.Error("the files do not follow the image")
			}
		})
	}
}

// TestRemoveDigest removes an image that was pulled by tag: its repository digest goes with the last tag.
func TestRemoveDigest(t *testing.T) {
	f := newFake()
	f.add("latest", makeImage(t, amd64, gzipped, layerTar(t, file{name: "a", body: "1"})))
	s, img, err := pullFake(t, f)
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.Remove(ctx, "x.example/x", false)
	if err != nil || len(events) != 4 || events[0].Untagged != "x.example/x:latest" || events[1].Untagged != "x.example/x@"+string(img.Digest()) ||
		events[2].Deleted != string(img.ID()) {
		t.Errorf("events %v, %v", events, err)
	}
}

// TestRemoveShared keeps layers that another image has.
func TestRemoveShared(t *testing.T) {
	s := testStore(t)
	base := importOne(t, s, "base", "1")
	if _, err := s.AddLayerImage(ctx, base, bytes.NewReader(layerTar(t, file{name: "g", body: "2"})), base.Config(), "child"); err != nil {
		t.Fatal(err)
	}
	events, err := s.Remove(ctx, "base", false)
	if err != nil || len(events) != 2 || events[1].Deleted != string(base.ID()) {
		t.Errorf("events %v, %v: the shared layer must stay", events, err)
	}
	child, err := s.Resolve("child")
	if err != nil {
		t.Fatal(err)
	}
	if got := readTree(t, s, child); got["f"] != "1" || got["g"] != "2" {
		t.Errorf("tree %v", got)
	}
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
}

// TestLease removes an image while it is open: its files stay until it is closed.
func TestLease(t *testing.T) {
	s := testStore(t)
	img := importOne(t, s, "a", "contents")
	root, err := s.OpenRoot(ctx, img)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Remove(ctx, "a", false); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GC(ctx); err != nil {
		t.Fatal(err)
	}
	content := s.contentPath(img.Layers()[0].DiffID)
	if !exists(content) {
		t.Error("GC deleted the contents of an open root")
	}
	b := make([]byte, 8)
	if _, err := root.Content[0].ReadAt(b, 0); err != nil || string(b) != "contents" {
		t.Errorf("read %q, %v", b, err)
	}
	if err := root.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GC(ctx); err != nil {
		t.Fatal(err)
	}
	if exists(content) {
		t.Error("the contents stay for ever")
	}
	if _, err := s.OpenRoot(ctx, img); !errors.Is(err, ErrNotFound) {
		t.Errorf("open of a removed image: %v", err)
	}
}

// A lease that a crash of the host damaged is mended by who takes it, and keeps
// what it must.
func TestDamagedLease(t *testing.T) {
	for _, damaged := range []string{"", "sha256:", strings.Repeat("x", 1000)} {
		s := testStore(t)
		img := importOne(t, s, "a", "contents")
		root, err := s.OpenRoot(ctx, img)
		if err != nil {
			t.Fatal(err)
		}
		root.Close()
		list, _ := filepath.Glob(s.path("v1", "leases", "*"))
		if len(list) != 1 {
			t.Fatalf("leases %q", list)
		}
		if err := os.WriteFile(list[0], []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		if root, err = s.OpenRoot(ctx, img); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Remove(ctx, "a", false); err != nil {
			t.Fatal(err)
		}
		if _, err := s.GC(ctx); err != nil {
			t.Fatal(err)
		}
		if !exists(s.contentPath(img.Layers()[0].DiffID)) {
			t.Errorf("after %.10q GC deleted the contents of an open root", damaged)
		}
		root.Close()
	}
}

// TestRebuild deletes or damages everything that can be rebuilt.
func TestRebuild(t *testing.T) {
	damage := func(pattern string, f func(path string) error) func(*testing.T, *Store) {
		return func(t *testing.T, s *Store) {
			paths, _ := filepath.Glob(s.path(pattern))
			if len(paths) == 0 {
				t.Fatalf("nothing matches %s", pattern)
			}
			for _, p := range paths {
				if err := f(p); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	scribble := func(p string) error { return os.WriteFile(p, []byte("nonsense that is long enough to be read"), 0o600) }
	for name, f := range map[string]func(*testing.T, *Store){
		"no v1": func(t *testing.T, s *Store) {
			if err := os.RemoveAll(s.path("v1")); err != nil {
				t.Fatal(err)
			}
		},
		"no contents":    damage("v1/content/*", os.Remove),
		"no tocs":        damage("v1/toc/*", os.Remove),
		"no index":       damage("v1/image/*", os.Remove),
		"damaged index":  damage("v1/image/*", scribble),
		"no locks":       damage("v1/locks/*", os.Remove),
		"empty index":    damage("v1/image/*", func(p string) error { return os.Truncate(p, 0) }),
		"empty layout":   damage("oci/oci-layout", func(p string) error { return os.Truncate(p, 0) }),
		"damaged leases": func(t *testing.T, s *Store) { os.WriteFile(s.path("v1", "leases", "x"), []byte("junk"), 0o600) },
		"damaged tocs and no index": func(t *testing.T, s *Store) {
			damage("v1/toc/*", scribble)(t, s)
			damage("v1/image/*", os.Remove)(t, s)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := testStore(t)
			base := importOne(t, s, "base", "1")
			img, err := s.AddLayerImage(ctx, base, bytes.NewReader(layerTar(t, file{name: "g", body: "2"}, file{name: ".wh.f"})), base.Config(), "a")
			if err != nil {
				t.Fatal(err)
			}
			f(t, s)
			if s, err = Open(s.Home()); err != nil {
				t.Fatal(err)
			}
			if got := readTree(t, s, base); len(got) != 1 || got["f"] != "1" {
				t.Errorf("tree of the base %v", got)
			}
			if got := readTree(t, s, img); len(got) != 1 || got["g"] != "2" {
				t.Errorf("tree %v", got)
			}
			if err := s.Check(ctx); err != nil {
				t.Error(err)
			}
			if _, err := s.GC(ctx); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDamagedBlob finds damage and heals it with a pull.
func TestDamagedBlob(t *testing.T) {
	f := newFake()
	m := makeImage(t, amd64, gzipped, layerTar(t, file{name: "a", body: strings.Repeat("1", 9000)}))
	f.add("latest", m)
	s, img, err := pullFake(t, f)
	if err != nil {
		t.Fatal(err)
	}
	path := s.blobPath(m.layers[0].Digest)
	b, _ := os.ReadFile(path)
	b[len(b)/2] ^= 0xff
	os.WriteFile(path, b, 0o600)
	if err := s.Check(ctx); !errors.Is(err, ErrCorrupt) {
		t.Errorf("check: %v", err)
	}
	os.Remove(s.contentPath(m.diffIDs[0]))
	if _, err := s.OpenRoot(ctx, img); !errors.Is(err, ErrCorrupt) {
		t.Errorf("open: %v", err)
	}
	if _, _, err := s.Pull(ctx, img.Refs()[0], PullOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(ctx); err != nil {
		t.Errorf("after the pull: %v", err)
	}
	os.WriteFile(s.blobPath(img.Digest()), []byte("{}"), 0o600)
	if _, err := s.Resolve("x.example/x"); !errors.Is(err, ErrCorrupt) {
		t.Errorf("damaged manifest: %v", err)
	}
	if ev, err := s.Remove(ctx, "x.example/x", false); err != nil || len(ev) != 1 {
		t.Errorf("a damaged image cannot be removed: %v %v", ev, err)
	}
}

// TestExtraLayer puts a layer over an image without changing it.
func TestExtraLayer(t *testing.T) {
	s := testStore(t)
	img := importOne(t, s, "a", "1")
	raw := layerTar(t, file{name: "tool", body: "x"}, file{name: "f", body: "over"})
	opened := 0
	extra := &LayerSource{DiffID: digestOf(raw), Open: func() (io.ReadCloser, error) {
		opened++
		return io.NopCloser(bytes.NewReader(pack(t, gzipped, raw))), nil
	}}
	for range 2 {
		root, err := s.OpenRoot(ctx, img, extra)
		if err != nil {
			t.Fatal(err)
		}
		tree := vfs.New(root.Index, root.Content, vfs.Options{})
		ino, err := tree.Lookup(tree.Root(), "tool")
		if err != nil || ino == 0 {
			t.Errorf("tool: %v", err)
		}
		tree.Close()
		if err := root.Close(); err != nil {
			t.Error(err)
		}
	}
	if opened != 1 {
		t.Errorf("the layer was unpacked %d times", opened)
	}
	lie := &LayerSource{DiffID: digestOf([]byte("other")), Open: extra.Open}
	if _, err := s.OpenRoot(ctx, img, lie); !errors.Is(err, ErrCorrupt) {
		t.Errorf("wrong diffID: %v", err)
	}
	if got := readTree(t, s, img); got["f"] != "1" {
		t.Errorf("the image changed: %v", got)
	}
}

func TestAddLayerImage(t *testing.T) {
	s := testStore(t)
	f := newFake()
	m := makeImage(t, Platform{OS: "linux", Architecture: "arm64"}, gzipped, layerTar(t, file{name: "a", body: "1"}))
	m.config = []byte(strings.Replace(string(m.config), `"Cmd":["sh"]`, `"Cmd":["sh"],"Healthcheck":{"Test":["CMD","true"]},"OnBuild":null`, 1))
	conf := ocispec.Descriptor{MediaType: mtDockerConfig, Digest: digestOf(m.config), Size: int64(len(m.config))}
	m.blobs[conf.Digest] = m.config
	m.mt = mtDockerManifest
	m.layers[0].MediaType = "application/vnd.docker.image.rootfs.diff.tar.gzip"
	mani := newManifest(conf, m.layers)
	mani.MediaType = m.mt
	m.manifest, _ = marshal(mani)
	f.add("latest", m)
	s, base, err := pullFake(t, f)
	if err != nil {
		t.Fatal(err)
	}
	cfg := base.Config()
	cfg.Config.Env = []string{"A=b"}
	cfg.History = append(cfg.History, ocispec.History{CreatedBy: "test"})
	img, err := s.AddLayerImage(ctx, base, bytes.NewReader(layerTar(t, file{name: "b", body: "2"})), cfg, "new:1")
	if err != nil {
		t.Fatal(err)
	}
	if p := img.Platform(); p.Architecture != "arm64" {
		t.Errorf("platform %v", p)
	}
	if !strings.Contains(string(img.RawConfig()), "Healthcheck") || img.Config().Config.Env[0] != "A=b" || len(img.History()) != 1 || img.History()[0].CreatedBy != "test" {
		t.Errorf("config %s", img.RawConfig())
	}
	for _, l := range img.Layers() {
		if l.MediaType != ocispec.MediaTypeImageLayerGzip {
			t.Errorf("layer of type %s in an OCI manifest", l.MediaType)
		}
	}
	if got := readTree(t, s, img); got["a"] != "1" || got["b"] != "2" {
		t.Errorf("tree %v", got)
	}
	only, err := s.AddLayerImage(ctx, base, nil, base.Config(), "")
	if err != nil || len(only.Layers()) != 1 || len(only.RepoTags()) != 0 {
		t.Errorf("without a layer: %v %v", only.Layers(), err)
	}
}

// TestPrune keeps what has a name or a container.
func TestPrune(t *testing.T) {
	var users []User
	s := testStore(t, WithUsers(func() ([]User, error) { return users, nil }))
	named, dangling, used := importOne(t, s, "a", "1"), importOne(t, s, "", "2"), importOne(t, s, "", "3")
	users = []User{{Image: used.ID(), Container: "c"}}
	events, freed, err := s.Prune(ctx, false)
	if err != nil || freed == 0 || len(events) != 2 || events[0].Deleted != string(dangling.ID()) {
		t.Errorf("prune: %v %d %v", events, freed, err)
	}
	u, err := s.Usage()
	if err != nil || u.Images != 2 || u.Active != 1 || u.Reclaimable == 0 || u.Reclaimable >= u.Size {
		t.Errorf("usage %+v %v", u, err)
	}
	events, _, err = s.Prune(ctx, true)
	if err != nil || len(events) != 3 || events[1].Deleted != string(named.ID()) {
		t.Errorf("prune all: %v %v", events, err)
	}
	if got := readTree(t, s, used); got["f"] != "3" {
		t.Errorf("the used image: %v", got)
	}
}

// TestHoles keeps runs of zeros as holes, and sparse entries' holes in the table of contents.
func TestHoles(t *testing.T) {
	s := testStore(t)
	const size = 8 << 20
	body := []byte(strings.Repeat("\x00", size))
	copy(body[3<<20:], "middle")
	img := importOne(t, s, "plain", string(body))
	fi, err := os.Stat(s.contentPath(img.Layers()[0].DiffID))
	if err != nil {
		t.Fatal(err)
	}
	if fi.Size() != size || diskUsage(fi) > 1<<20 {
		t.Errorf("the content file has %d bytes and needs %d on disk", fi.Size(), diskUsage(fi))
	}
	if got := readTree(t, s, img)["f"]; got != string(body) {
		t.Error("the contents changed")
	}
	gnu, err := exec.LookPath("tar")
	if err != nil {
		t.Skip("GNU tar is not installed")
	}
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	f.WriteAt([]byte("middle"), 3<<20)
	f.Truncate(size)
	f.Close()
	for _, format := range []string{"gnu", "posix"} {
		raw, err := exec.Command(gnu, "--sparse", "--format="+format, "-C", dir, "-cf", "-", "f").Output()
		if err != nil || len(raw) > 1<<20 {
			t.Skipf("tar makes no sparse archives here: %d bytes, %v", len(raw), err)
		}
		img, err := s.Import(ctx, bytes.NewReader(raw), "sparse", ContainerConfig{})
		if err != nil {
			t.Fatal(err)
		}
		toc, err := s.readTOC(img.Layers()[0].DiffID)
		if err != nil || len(toc) != 1 || len(toc[0].Holes) != 2 || toc[0].Holes[0] != (vfs.Extent{Offset: 0, Len: 3 << 20}) || toc[0].Size != size {
			t.Errorf("%s: %+v %v", format, toc, err)
		}
		if got := readTree(t, s, img)["f"]; got != string(body) {
			t.Errorf("%s: the contents changed", format)
		}
	}
}

func TestAlignment(t *testing.T) {
	s := testStore(t)
	img, err := s.Import(ctx, bytes.NewReader(layerTar(t, file{name: "a", body: "1"}, file{name: "e"}, file{name: "b", body: strings.Repeat("2", 4097)}, file{name: "c", body: "3"})), "a", ContainerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	toc, err := s.readTOC(img.Layers()[0].DiffID)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range toc {
		if e.Offset%blockSize != 0 {
			t.Errorf("%s is at %d", e.Path, e.Offset)
		}
	}
	if img.Size() != 4099 {
		t.Errorf("size %d, want 4099", img.Size())
	}
}

// TestLayoutForOthers has skopeo, umoci and crane's library read the store.
func TestLayoutForOthers(t *testing.T) {
	docker := makeImage(t, amd64, gzipped, layerTar(t, file{name: "a", body: "docker"}))
	docker.mt = mtDockerManifest // in a layout, skopeo passes over these; crane reads them
	docker.seal(t, amd64)
	f := newFake()
	f.add("latest", docker)
	s, _, err := pullFake(t, f)
	if err != nil {
		t.Fatal(err)
	}
	importOne(t, s, "debian:12", "1")
	ix, err := layout.ImageIndexFromPath(s.path("oci"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ix.IndexManifest()
	if err != nil || len(m.Manifests) != 2 {
		t.Fatalf("crane's library sees %v, %v", m, err)
	}
	for _, d := range m.Manifests {
		readWithCrane(t, ix, d.Digest)
	}
	if b, err := os.ReadFile(s.path("oci", "oci-layout")); err != nil || string(b) != layoutFile {
		t.Errorf("oci-layout: %q %v", b, err)
	}
	archive := filepath.Join(t.TempDir(), "docker.tar")
	if err := os.WriteFile(archive, saved(t, s, FormatDocker, "x.example/x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range [][]string{
		{"skopeo", "inspect", "oci:" + s.path("oci") + ":docker.io/library/debian:12"},
		{"skopeo", "inspect", "docker-archive:" + archive},
		{"umoci", "ls", "--layout", s.path("oci")},
	} {
		bin, err := exec.LookPath(cmd[0])
		if err != nil {
			t.Logf("%s is not installed", cmd[0])
			continue
		}
		if out, err := exec.Command(bin, cmd[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v: %s", cmd, err, out)
		}
	}
}

// readWithCrane has crane's library read an image of a layout and verify its layers against manifest and configuration.
func readWithCrane(t *testing.T, ix v1.ImageIndex, d v1.Hash) {
	t.Helper()
	img, err := ix.Image(d)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	layers, err := img.Layers()
	if err != nil || len(layers) == 0 || len(layers) != len(cfg.RootFS.DiffIDs) {
		t.Fatalf("%d layers for %d diffIDs, %v", len(layers), len(cfg.RootFS.DiffIDs), err)
	}
	for i, l := range layers {
		r, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		sum, _, err := v1.SHA256(r)
		if r.Close(); err != nil || sum != cfg.RootFS.DiffIDs[i] {
			t.Errorf("layer %d: %v instead of %v, %v", i, sum, cfg.RootFS.DiffIDs[i], err)
		}
	}
}

// TestLinksNoHTTP keeps the network client out of what `run` of a local image initialises.
func TestLinksNoHTTP(t *testing.T) {
	gobin, err := exec.LookPath("go")
	if err != nil {
		t.Skip("go is not installed")
	}
	out, err := exec.Command(gobin, "list", "-deps", ".").Output()
	if err != nil {
		t.Skipf("go list: %v", err)
	}
	for p := range strings.FieldsSeq(string(out)) {
		if p == "net/http" || p == "net" || strings.HasPrefix(p, "github.com/google/") || strings.HasPrefix(p, "github.com/docker/") || p == "github.com/distribution/reference" {
			t.Errorf("the store links %s", p)
		}
	}
}

func TestPlatform(t *testing.T) {
	for in, want := range map[string]string{
		"linux/amd64": "linux/amd64", "amd64": "linux/amd64", "x86_64": "linux/amd64", "linux/arm64/v8": "linux/arm64", "aarch64": "linux/arm64",
		"linux/arm/v7": "linux/arm/v7", "armhf": "linux/arm/v7", "Windows/AMD64": "windows/amd64", "": "", "a/b/c/d": "", "linux/": "", "a b": "",
	} {
		p, err := ParsePlatform(in)
		if (err != nil) != (want == "") || (err == nil && FormatPlatform(p) != want) {
			t.Errorf("%q: %v %v, want %q", in, p, err, want)
		}
	}
}
