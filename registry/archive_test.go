package registry

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// saved saves images.
func saved(t testing.TB, s *Store, f Format, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.Save(ctx, &b, names, f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// twoImages is a store with two images that share a layer, one with two names.
func twoImages(t testing.TB) *Store {
	t.Helper()
	s := testStore(t)
	base := importOne(t, s, "base:1", "1")
	if _, err := s.AddLayerImage(ctx, base, bytes.NewReader(layerTar(t, file{name: "g", body: strings.Repeat("2", 9000)})), base.Config(), "x.example/child"); err != nil {
		t.Fatal(err)
	}
	if err := s.Tag(ctx, "base:1", "base:2"); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSaveLoad(t *testing.T) {
	src := twoImages(t)
	for _, f := range []Format{FormatDocker, FormatOCI} {
		for _, c := range []compression{uncompressed, gzipped, zstandard} {
			t.Run(string(f)+string(c), func(t *testing.T) {
				raw := saved(t, src, f, "base:1", "base:2", "x.example/child")
				if !bytes.Equal(raw, saved(t, src, f, "base:1", "base:2", "x.example/child")) {
					t.Error("the same images give other bytes")
				}
				s := testStore(t)
				events := 0
				names, err := s.Load(ctx, iotest.HalfReader(bytes.NewReader(pack(t, c, raw))), func(Event) { events++ })
				slices.Sort(names)
				if err != nil || !slices.Equal(names, []string{"base:1", "base:2", "x.example/child:latest"}) || events == 0 {
					t.Fatalf("loaded %v, %v, %d events", names, err, events)
				}
				for _, n := range names {
					want, _ := src.Resolve(n)
					got, err := s.Resolve(n)
					if err != nil || got.ID() != want.ID() || got.Digest() != want.Digest() {
						t.Errorf("%s: %v, %s instead of %s", n, err, got.Digest(), want.Digest())
					}
				}
				child, _ := s.Resolve("x.example/child")
				if tree := readTree(t, s, child); tree["f"] != "1" || len(tree["g"]) != 9000 {
					t.Errorf("tree %v", tree)
				}
				if err := s.Check(ctx); err != nil {
					t.Error(err)
				}
			})
		}
	}
	t.Run("by ID", func(t *testing.T) {
		img, _ := src.Resolve("x.example/child")
		names, err := testStore(t).Load(ctx, bytes.NewReader(saved(t, src, FormatDocker, string(img.ID()))), nil)
		if err != nil || !slices.Equal(names, []string{string(img.ID())}) {
			t.Errorf("%v %v", names, err)
		}
	})
	if err := src.Save(ctx, io.Discard, []string{"none"}, FormatDocker); !errors.Is(err, ErrNotFound) {
		t.Errorf("save of nothing: %v", err)
	}
	if err := src.Save(ctx, io.Discard, nil, "zip"); !errors.Is(err, ErrUnsupported) {
		t.Errorf("save as zip: %v", err)
	}
}

// oldArchive is what docker save wrote before version 25: a folder for each layer, a link for a repeated one, and
// manifest.json at the end.
func oldArchive(t testing.TB) []byte {
	l1, l2 := layerTar(t, file{name: "a", body: "1"}), layerTar(t, file{name: "b", body: "2"})
	m := makeImage(t, amd64, uncompressed, l1, l2, l1)
	doc, err := json.Marshal([]map[string]any{{
		"Config": hexOf(digestOf(m.config)) + ".json", "RepoTags": []string{"old:1", "old:latest"}, "Layers": []string{"one/layer.tar", "two/layer.tar", "three/layer.tar"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return layerTar(t, file{name: "one/", typ: tar.TypeDir, mode: 0o755}, file{name: "one/VERSION", body: "1.0"}, file{name: "one/layer.tar", body: string(l1)},
		file{name: "three/layer.tar", typ: tar.TypeSymlink, link: "../one/layer.tar"}, file{name: "two/layer.tar", body: string(l2)},
		file{name: hexOf(digestOf(m.config)) + ".json", body: string(m.config)}, file{name: "repositories", body: "{}"}, file{name: "manifest.json", body: string(doc)})
}

func TestLoadOldDocker(t *testing.T) {
	s := testStore(t)
	names, err := s.Load(ctx, bytes.NewReader(oldArchive(t)), nil)
	if err != nil || !slices.Equal(names, []string{"old:1", "old:latest"}) {
		t.Fatalf("%v %v", names, err)
	}
	img, _ := s.Resolve("old")
	if tree := readTree(t, s, img); tree["a"] != "1" || tree["b"] != "2" {
		t.Errorf("tree %v", tree)
	}
}

// TestArchivesOfOthers goes through skopeo in both directions.
func TestArchivesOfOthers(t *testing.T) {
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		t.Skip("skopeo is not installed")
	}
	src := twoImages(t)
	want, _ := src.Resolve("x.example/child")
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(skopeo, append([]string{"copy", "--insecure-policy"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("skopeo %v: %v: %s", args, err, out)
		}
	}
	in := filepath.Join(dir, "in.tar")
	for _, tt := range []struct {
		format Format
		from   string
	}{{FormatDocker, "docker-archive:" + in}, {FormatOCI, "oci-archive:" + in}} {
		if err := os.WriteFile(in, saved(t, src, tt.format, "x.example/child"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, to := range []string{"docker-archive:%s:x.example/again:1", "oci-archive:%s:x.example/again:1"} {
			out := filepath.Join(dir, "out.tar")
			os.Remove(out)
			run(tt.from, fmt.Sprintf(to, out))
			f, err := os.Open(out)
			if err != nil {
				t.Fatal(err)
			}
			s := testStore(t)
			names, err := s.Load(ctx, f, nil)
			f.Close()
			if err != nil || !slices.Equal(names, []string{"x.example/again:1"}) {
				t.Fatalf("%s to %s: %v %v", tt.from, to, names, err)
			}
			img, _ := s.Resolve(names[0])
			if img.Config().RootFS.DiffIDs[1] != want.Config().RootFS.DiffIDs[1] {
				t.Errorf("%s to %s: other layers", tt.from, to)
			}
		}
	}
}

func TestHostileArchives(t *testing.T) {
	l := layerTar(t, file{name: "a", body: strings.Repeat("1", 3000)})
	m := makeImage(t, amd64, uncompressed, l)
	conf := file{name: "c.json", body: string(m.config)}
	manifest := func(config, layer string) file {
		return file{name: "manifest.json", body: fmt.Sprintf(`[{"Config":%q,"RepoTags":["x:1"],"Layers":[%q]}]`, config, layer)}
	}
	blob := func(b []byte) file { return file{name: blobsPrefix + hexOf(digestOf(b)), body: string(b)} }
	ix := func(d ocispec.Descriptor) file {
		return file{name: "index.json", body: string(makeIndex(t, ocispec.MediaTypeImageIndex, d))}
	}
	zeros := strings.Repeat("\x00", 8<<20)
	good := layerTar(t, conf, file{name: "l.tar", body: string(l)}, manifest("c.json", "l.tar"))
	deepIx := makeIndex(t, ocispec.MediaTypeImageIndex, m.desc(&amd64))
	nested := []file{}
	d := m.desc(&amd64)
	for range 4 {
		deepIx = makeIndex(t, ocispec.MediaTypeImageIndex, d)
		d = ocispec.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: digestOf(deepIx), Size: int64(len(deepIx))}
		nested = append(nested, blob(deepIx))
	}
	var many []file
	for i := range 60 {
		many = append(many, file{name: fmt.Sprint(i)})
	}
	lim := small
	lim.ArchiveEntries, lim.ArchiveSmall = 50, 128<<10
	for _, tt := range []struct {
		name string
		raw  []byte
		want error
	}{
		{"not an archive", []byte(strings.Repeat("hello ", 1000)), ErrCorrupt},
		{"nothing", nil, ErrUnsupported},
		{"root file system", layerTar(t, file{name: "etc/passwd", body: "root"}), ErrUnsupported},
		{"cut off", good[:len(good)-5000], ErrCorrupt},
		{"no config", layerTar(t, file{name: "l.tar", body: string(l)}, manifest("c.json", "l.tar")), ErrCorrupt},
		{"no layer", layerTar(t, conf, manifest("c.json", "l.tar")), ErrCorrupt},
		{"layer is a host path", layerTar(t, conf, manifest("c.json", "/etc/passwd")), ErrCorrupt},
		{"config is a host path", layerTar(t, file{name: "l.tar", body: string(l)}, manifest("../../etc/passwd", "l.tar")), ErrCorrupt},
		{"link to the host", layerTar(t, conf, file{name: "l.tar", typ: tar.TypeSymlink, link: "/etc/passwd"}, manifest("c.json", "l.tar")), ErrCorrupt},
		{"links in a circle", layerTar(t, conf, file{name: "l.tar", typ: tar.TypeSymlink, link: "k.tar"}, file{name: "k.tar", typ: tar.TypeSymlink, link: "l.tar"}, manifest("c.json", "l.tar")), ErrCorrupt},
		{"other layer than the config says", layerTar(t, conf, file{name: "l.tar", body: string(layerTar(t))}, manifest("c.json", "l.tar")), ErrCorrupt},
		{"layer is damaged", layerTar(t, conf, file{name: "l.tar", body: string(l[:1500])}, manifest("c.json", "l.tar")), ErrCorrupt},
		{"bad name", layerTar(t, conf, file{name: "l.tar", body: string(l)}, file{name: "manifest.json", body: `[{"Config":"c.json","RepoTags":["A:1"],"Layers":["l.tar"]}]`}), ErrInvalidRef},
		{"manifest.json is junk", layerTar(t, file{name: "manifest.json", body: "{"}), ErrCorrupt},
		{"index.json is junk", layerTar(t, file{name: "index.json", body: "{}"}), ErrCorrupt},
		{"index.json of both kinds", layerTar(t, file{name: "index.json", body: `{"schemaVersion":2,"manifests":[],"layers":[]}`}), ErrCorrupt},
		{"empty index", layerTar(t, file{name: "index.json", body: `{"schemaVersion":2,"manifests":[]}`}), ErrNotFound},
		{"blob of another digest", layerTar(t, file{name: blobsPrefix + hexOf(m.digest()), body: "{}"}, ix(m.desc(&amd64))), ErrCorrupt},
		{"layer of another digest", layerTar(t, blob(m.manifest), blob(m.config), file{name: blobsPrefix + hexOf(digestOf(l)), body: string(layerTar(t))}, ix(m.desc(&amd64))), ErrCorrupt},
		{"digest is a path", layerTar(t, ix(ocispec.Descriptor{Digest: "sha256:../../../x"})), ErrCorrupt},
		{"nesting", layerTar(t, append(nested, ix(d), blob(m.manifest))...), ErrTooLarge},
		{"entries", layerTar(t, many...), ErrTooLarge},
		{"documents", layerTar(t, file{name: "a", body: strings.Repeat("{", 60000)}, file{name: "b", body: strings.Repeat("{", 60000)}, file{name: "c", body: strings.Repeat("{", 60000)}), ErrTooLarge},
		{"layer is a bomb", layerTar(t, conf, file{name: "l.tar", body: string(pack(t, gzipped, layerTar(t, file{name: "f", body: zeros})))}, manifest("c.json", "l.tar")), ErrTooLarge},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := testStore(t, WithLimits(lim))
			_, err := s.Load(ctx, bytes.NewReader(tt.raw), nil)
			refused(t, s, err, tt.want)
		})
	}
	s := testStore(t, WithLimits(lim))
	if _, err := s.Load(ctx, bytes.NewReader(good), nil); err != nil {
		t.Errorf("the archive that the others are made from: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(oldArchive(f))
	src := twoImages(f)
	f.Add(saved(f, src, FormatDocker, "base:1"))
	f.Add(saved(f, src, FormatOCI, "x.example/child"))
	f.Add(layerTar(f, file{name: "manifest.json", body: `[{"Config":"a","Layers":["b"]}]`}, file{name: "b", typ: tar.TypeLink, link: "b"}))
	s := testStore(f, WithLimits(small))
	f.Fuzz(func(t *testing.T, b []byte) {
		names, err := s.Load(ctx, bytes.NewReader(b), nil)
		if err == nil && len(names) == 0 {
			t.Error("nothing was loaded, without an error")
		}
		if err := s.Check(ctx); err != nil {
			t.Error(err)
		}
		if _, _, err := s.Prune(ctx, true); err != nil {
			t.Error(err)
		}
	})
}
