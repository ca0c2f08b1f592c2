package registry

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// pullFake pulls "x.example/x:latest" from a fake registry.
func pullFake(t *testing.T, f *fakeRemote, opts ...Option) (*Store, Image, error) {
	t.Helper()
	s := testStore(t, append(opts, f.option())...)
	ref, err := ParseRef("x.example/x")
	if err != nil {
		t.Fatal(err)
	}
	img, _, err := s.Pull(context.Background(), ref, PullOptions{})
	return s, img, err
}

// refused checks an error's kind, that it is one line, and that the store names nothing afterwards.
func refused(t *testing.T, s *Store, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has several lines: %q", err)
	}
	if images, err := s.Images(); err != nil || len(images) != 0 {
		t.Errorf("the store has images: %v %v", images, err)
	}
	if freed, err := s.GC(context.Background()); err != nil {
		t.Errorf("GC: %d %v", freed, err)
	}
	for _, dir := range []string{"oci/blobs/sha256", "v1/content", "v1/toc", "v1/image", "v1/tmp"} {
		if left, _ := os.ReadDir(s.path(filepath.FromSlash(dir))); len(left) != 0 {
			t.Errorf("%s is not empty after GC: %v", dir, left)
		}
	}
}

// small are limits that tests reach quickly.
var small = Limits{
	ManifestBytes: 64 << 10, ConfigBytes: 32 << 10, Layers: 4, IndexDepth: 2, IndexEntries: 8, LayerBytes: 64 << 20, ImageBytes: 96 << 20,
	Ratio: 20, RatioFree: 1 << 20, Entries: 100, Depth: 8, PathBytes: 1000, RecordBytes: 4096, MetaBytes: 100 << 10,
}

func TestHostileLayers(t *testing.T) {
	zeros := strings.Repeat("\x00", 4<<20)
	deep := strings.Repeat("d/", 9) + "f"
	var many []file
	for i := range 101 {
		many = append(many, file{name: fmt.Sprint(i)})
	}
	var meta []file
	for i := range 90 {
		meta = append(meta, file{name: fmt.Sprint(i), typ: tar.TypeSymlink, link: strings.Repeat("l", 990)})
	}
	for i := range 9 {
		meta = append(meta, file{name: fmt.Sprint("x", i), pax: map[string]string{paxXattr + "user.a": strings.Repeat("v", 4000)}})
	}
	bigSize := func() []byte { // a header that declares more than there is
		b := layerTar(t, file{name: "f", body: "abc"})
		h := &tar.Header{Name: "f", Size: 1 << 40, Mode: 0o644, Typeflag: tar.TypeReg, Format: tar.FormatGNU}
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		w.WriteHeader(h)
		return append(out.Bytes(), b[512:1024]...)
	}
	for _, tt := range []struct {
		name string
		c    compression
		tar  []byte
		want error
	}{
		{"gzip bomb", gzipped, layerTar(t, file{name: "f", body: zeros}), ErrTooLarge},
		{"zstd bomb", zstandard, layerTar(t, file{name: "f", body: zeros}), ErrTooLarge},
		{"bomb behind the end of the tar", gzipped, append(layerTar(t, file{name: "f", body: "1"}), zeros...), ErrTooLarge},
		{"entries", gzipped, layerTar(t, many...), ErrTooLarge},
		{"depth", gzipped, layerTar(t, file{name: deep}), ErrTooLarge},
		{"path", gzipped, layerTar(t, file{name: strings.Repeat("abcdefgh/", 120) + "f"}), ErrTooLarge},
		{"name", gzipped, layerTar(t, file{name: strings.Repeat("n", 256)}), ErrTooLarge},
		{"pax records", gzipped, layerTar(t, file{name: "f", pax: map[string]string{paxXattr + "user.a": strings.Repeat("v", 5000)}}), ErrTooLarge},
		{"all names", gzipped, layerTar(t, meta...), ErrTooLarge},
		{"declared size", uncompressed, bigSize(), ErrTooLarge},
		{"climbs out", gzipped, layerTar(t, file{name: "a/../../etc/passwd", body: "x"}), ErrCorrupt},
		{"hard link climbs out", gzipped, layerTar(t, file{name: "a", typ: tar.TypeLink, link: "../../etc/passwd"}), ErrCorrupt},
		{"hard link to nothing", gzipped, layerTar(t, file{name: "a", typ: tar.TypeLink, link: "b"}), ErrCorrupt},
		{"hard link to a folder", gzipped, layerTar(t, file{name: "d/", typ: tar.TypeDir, mode: 0o755}, file{name: "a", typ: tar.TypeLink, link: "d"}), ErrCorrupt},
		{"empty whiteout", gzipped, layerTar(t, file{name: "a/.wh."}), ErrCorrupt},
		{"not a tar", gzipped, []byte(strings.Repeat("this is no tar archive. ", 100)), ErrCorrupt},
		{"cut off tar", gzipped, layerTar(t, file{name: "f", body: strings.Repeat("x", 5000)})[:3000], ErrCorrupt},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake()
			f.add("latest", makeImage(t, amd64, tt.c, tt.tar))
			s, _, err := pullFake(t, f, WithLimits(small))
			refused(t, s, err, tt.want)
		})
	}
}

// TestHarmlessLayers has layers that look like attacks and must simply work.
func TestHarmlessLayers(t *testing.T) {
	for name, raw := range map[string][]byte{
		"absolute and dotted names": layerTar(t, file{name: "/etc/./x/../passwd", body: "root"}, file{name: "./", typ: tar.TypeDir, mode: 0o755}),
		"file below a link":         layerTar(t, file{name: "l", typ: tar.TypeSymlink, link: "/"}, file{name: "l/etc/passwd", body: "x"}),
		"windows names":             layerTar(t, file{name: `C:\Windows\x`, body: "1"}, file{name: "con", body: "2"}, file{name: "a:b", body: "3"}, file{name: "x. ", body: "4"}),
		"duplicates":                layerTar(t, file{name: "a", body: "1"}, file{name: "a", body: "2"}),
		"whiteout of nothing":       layerTar(t, file{name: ".wh.none"}, file{name: "d/.wh..wh..opq"}, file{name: "d/.wh..wh..opq"}),
		"aufs":                      layerTar(t, file{name: ".wh..wh.plnk/1.2", body: "x"}, file{name: ".wh..wh.aufs", body: "x"}),
		"global header":             layerTar(t, file{typ: tar.TypeXGlobalHeader, pax: map[string]string{"comment": "x"}}, file{name: "a", body: "1"}),
		"nothing":                   layerTar(t),
		"no bytes":                  {},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			f.add("latest", makeImage(t, amd64, gzipped, raw))
			s, img, err := pullFake(t, f)
			if err != nil {
				t.Fatal(err)
			}
			root, err := s.OpenRoot(context.Background(), img)
			if err != nil {
				t.Fatal(err)
			}
			root.Close()
			for _, host := range []string{"etc", "l", "con"} {
				if _, err := os.Lstat(s.path(host)); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s reached the host", host)
				}
			}
		})
	}
}

func TestHostileBlobs(t *testing.T) {
	raw := layerTar(t, file{name: "f", body: strings.Repeat("some text ", 5000)})
	other := layerTar(t, file{name: "g", body: "1"})
	for _, tt := range []struct {
		name  string
		spoil func(m *made)
	}{
		{"wrong bytes", func(m *made) { m.blobs[m.layers[0].Digest] = pack(t, gzipped, other) }},
		{"one bit", func(m *made) {
			b := bytes.Clone(m.blobs[m.layers[0].Digest])
			b[len(b)/2] ^= 1
			m.blobs[m.layers[0].Digest] = b
		}},
		{"truncated", func(m *made) { b := m.blobs[m.layers[0].Digest]; m.blobs[m.layers[0].Digest] = b[:len(b)-20] }},
		{"longer", func(m *made) {
			m.blobs[m.layers[0].Digest] = append(bytes.Clone(m.blobs[m.layers[0].Digest]), "more"...)
		}},
		{"empty", func(m *made) { m.blobs[m.layers[0].Digest] = nil }},
		{"wrong diffID", func(m *made) { m.diffIDs[0] = digestOf(other); m.seal(t, amd64) }},
		{"wrong size", func(m *made) { m.layers[0].Size++; m.seal(t, amd64) }},
		{"size too small", func(m *made) { m.layers[0].Size--; m.seal(t, amd64) }},
		{"wrong config", func(m *made) { m.blobs[digestOf(m.config)] = []byte("{}") }},
		{"more diffIDs than layers", func(m *made) { m.diffIDs = append(m.diffIDs, m.diffIDs[0]); m.seal(t, amd64) }},
		{"diffID is a path", func(m *made) { m.diffIDs[0] = "sha256:../../../../etc/passwd"; m.seal(t, amd64) }},
		{"digest is a path", func(m *made) {
			m.layers[0].Digest = Digest("sha256:" + strings.Repeat("../", 21) + "a")
			m.seal(t, amd64)
		}},
		{"upper-case digest", func(m *made) {
			m.layers[0].Digest = Digest(strings.ToUpper(string(m.layers[0].Digest)))
			m.seal(t, amd64)
		}},
		{"sha512", func(m *made) { m.layers[0].Digest = Digest("sha512:" + strings.Repeat("a", 128)); m.seal(t, amd64) }},
		{"negative size", func(m *made) { m.layers[0].Size = -1; m.seal(t, amd64) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := makeImage(t, amd64, gzipped, raw)
			tt.spoil(m)
			f := newFake()
			f.add("latest", m)
			s, _, err := pullFake(t, f)
			refused(t, s, err, ErrCorrupt)
		})
	}
}

func TestHostileManifests(t *testing.T) {
	good := makeImage(t, amd64, gzipped, layerTar(t, file{name: "a", body: "1"}))
	both := strings.Replace(string(good.manifest), `"layers":`, `"manifests":[],"layers":`, 1)
	const ociManifest, ociIndex = ocispec.MediaTypeImageManifest, ocispec.MediaTypeImageIndex
	artifact := strings.Replace(string(good.manifest), ocispec.MediaTypeImageConfig, "application/vnd.cncf.helm.config.v1+json", 1)
	for _, tt := range []struct {
		name, mt, body string
		want           error
	}{
		{"both kinds", ociManifest, both, ErrCorrupt},
		{"both kinds as index", ociIndex, strings.Replace(both, ociManifest, ociIndex, 1), ErrCorrupt},
		{"manifest announced as index", ociIndex, string(good.manifest), ErrCorrupt},
		{"index announced as manifest", ociManifest, string(makeIndex(t, ociIndex, good.desc(&amd64))), ErrCorrupt},
		{"untyped index announced as manifest", ociManifest, string(makeIndex(t, "", good.desc(&amd64))), ErrCorrupt},
		{"schema 1", mtDockerSchema1 + "+prettyjws", `{"schemaVersion":1,"name":"x","fsLayers":[{"blobSum":"sha256:a"}]}`, ErrUnsupported},
		{"schema 1 in disguise", ociManifest, `{"schemaVersion":1}`, ErrUnsupported},
		{"not JSON", ociManifest, "<html>", ErrCorrupt},
		{"empty", ociManifest, "", ErrCorrupt},
		{"helm chart", ociManifest, artifact, ErrUnsupported},
		{"huge", ociManifest, strings.Repeat(" ", 70<<10) + string(good.manifest), ErrTooLarge},
		{"layers", ociManifest, fmt.Sprintf(`{"schemaVersion":2,"config":{"digest":"%s","size":1},"layers":[%s{}]}`, good.digest(), strings.Repeat("{},", 5)), ErrTooLarge},
		{"index entries", ociIndex, fmt.Sprintf(`{"schemaVersion":2,"manifests":[%s{}]}`, strings.Repeat("{},", 9)), ErrTooLarge},
		{"huge config", ociManifest, fmt.Sprintf(`{"schemaVersion":2,"config":{"digest":"%s","size":99999},"layers":[]}`, good.digest()), ErrTooLarge},
		{"no platform", ociIndex, string(makeIndex(t, ociIndex)), ErrPlatform},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake()
			f.add("good", good)
			f.doc("latest", tt.mt, []byte(tt.body))
			s, _, err := pullFake(t, f, WithLimits(small))
			refused(t, s, err, tt.want)
		})
	}
	t.Run("manifest of another digest", func(t *testing.T) {
		f := newFake()
		ix := makeIndex(t, ociIndex, good.desc(&amd64))
		f.doc("latest", ociIndex, ix)
		f.manifests[string(good.digest())] = fakeDoc{[]byte(both), ociManifest}
		s, _, err := pullFake(t, f)
		refused(t, s, err, ErrCorrupt)
	})
	t.Run("nesting", func(t *testing.T) {
		f := newFake()
		f.add("good", good)
		body, d := good.manifest, good.desc(&amd64)
		for range 4 {
			body = makeIndex(t, ociIndex, d)
			d = ocispec.Descriptor{MediaType: ociIndex, Digest: digestOf(body), Size: int64(len(body))}
			f.doc("latest", ociIndex, body)
		}
		s, _, err := pullFake(t, f, WithLimits(small))
		refused(t, s, err, ErrTooLarge)
	})
	t.Run("whole image", func(t *testing.T) {
		f := newFake()
		l := Limits{ImageBytes: 5000}
		f.add("latest", makeImage(t, amd64, gzipped, layerTar(t, file{name: "a", body: strings.Repeat("x", 3000)}), layerTar(t, file{name: "b", body: strings.Repeat("x", 3000)})))
		s, _, err := pullFake(t, f, WithLimits(l))
		refused(t, s, err, ErrTooLarge)
	})
}

func TestZstdWindow(t *testing.T) {
	// A frame header that asks for a window of 3.75 TB.
	blob := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff, 0x01, 0x00, 0x00}
	m := makeImage(t, amd64, uncompressed, layerTar(t))
	m.layers[0] = ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerZstd, Digest: digestOf(blob), Size: int64(len(blob))}
	m.blobs[digestOf(blob)] = blob
	m.seal(t, amd64)
	f := newFake()
	f.add("latest", m)
	s, _, err := pullFake(t, f)
	refused(t, s, err, ErrTooLarge)
}

func FuzzLayerTar(f *testing.F) {
	f.Add(layerTar(f, file{name: "a", body: "1"}, file{name: "b", typ: tar.TypeSymlink, link: "a"}))
	f.Add(layerTar(f, file{name: "../x"}, file{name: "h", typ: tar.TypeLink, link: "a"}))
	f.Add(layerTar(f, file{name: "x", pax: map[string]string{paxXattr + "security.capability": "\x01\x00"}}))
	f.Add(pack(f, gzipped, layerTar(f, file{name: "dir/", typ: tar.TypeDir, mode: 0o755}, file{name: "dir/.wh..wh..opq"})))
	f.Add(pack(f, zstandard, layerTar(f, file{name: "a", body: strings.Repeat("z", 70000)})))
	f.Add([]byte("BZh9"))
	s := testStore(f, WithLimits(small))
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := s.ingestStream(context.Background(), bytes.NewReader(b), false, s.newBudget(), nil); err == nil {
			if toc, err := s.readTOC(l.diffID); err != nil || len(toc) != len(l.entries) {
				t.Errorf("table of contents: %d entries of %d, %v", len(toc), len(l.entries), err)
			}
		}
		s.sweepLocked(t)
	})
}

// sweepLocked collects garbage.
func (s *Store) sweepLocked(t testing.TB) {
	if _, err := s.GC(context.Background()); err != nil {
		t.Fatal(err)
	}
}
