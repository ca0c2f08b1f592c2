package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// file is one entry of a layer in tests.
type file struct {
	name string
	body string
	typ  byte // 0: regular
	link string
	mode int64
	pax  map[string]string
}

// layerTar makes the tar of a layer.
func layerTar(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		h := &tar.Header{Name: f.name, Typeflag: f.typ, Linkname: f.link, Mode: f.mode, Size: int64(len(f.body)), ModTime: time.Unix(1700000000, 0), PAXRecords: f.pax}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if f.typ == tar.TypeXGlobalHeader {
			h = &tar.Header{Typeflag: f.typ, PAXRecords: f.pax}
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, f.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pack compresses b.
func pack(t testing.TB, c compression, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	switch c {
	case gzipped:
		w = gzip.NewWriter(&out)
	case zstandard:
		z, err := zstd.NewWriter(&out)
		if err != nil {
			t.Fatal(err)
		}
		w = z
	default:
		return b
	}
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// made is an image in memory: everything that a registry serves.
type made struct {
	manifest []byte
	mt       string
	config   []byte
	blobs    map[Digest][]byte
	layers   []ocispec.Descriptor
	diffIDs  []Digest
}

func (m *made) digest() Digest { return digestOf(m.manifest) }

func (m *made) desc(p *Platform) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: m.mt, Digest: m.digest(), Size: int64(len(m.manifest)), Platform: p}
}

// makeImage makes an image of uncompressed layers that are packed with c.
func makeImage(t testing.TB, p Platform, c compression, tars ...[]byte) *made {
	t.Helper()
	m := &made{blobs: map[Digest][]byte{}, mt: ocispec.MediaTypeImageManifest}
	for _, raw := range tars {
		blob := pack(t, c, raw)
		d := ocispec.Descriptor{MediaType: layerType(c), Digest: digestOf(blob), Size: int64(len(blob))}
		m.blobs[d.Digest] = blob
		m.layers, m.diffIDs = append(m.layers, d), append(m.diffIDs, digestOf(raw))
	}
	m.seal(t, p)
	return m
}

// seal makes configuration and manifest of the layers.
func (m *made) seal(t testing.TB, p Platform) {
	t.Helper()
	created := time.Unix(1700000000, 0).UTC()
	cfg := ocispec.Image{Created: &created, Platform: p, Config: ocispec.ImageConfig{Cmd: []string{"sh"}}, RootFS: ocispec.RootFS{Type: "layers", DiffIDs: m.diffIDs}}
	var err error
	if m.config, err = marshal(cfg); err != nil {
		t.Fatal(err)
	}
	conf := ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: digestOf(m.config), Size: int64(len(m.config))}
	m.blobs[conf.Digest] = m.config
	if m.manifest, err = marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: m.mt, Config: conf, Layers: m.layers}); err != nil {
		t.Fatal(err)
	}
}

// makeIndex makes an index of images.
func makeIndex(t testing.TB, mt string, ms ...ocispec.Descriptor) []byte {
	t.Helper()
	b, err := marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: mt, Manifests: ms})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var amd64 = Platform{OS: "linux", Architecture: "amd64"}

// testStore opens a new store.
func testStore(t testing.TB, opts ...Option) *Store {
	t.Helper()
	s, err := Open(t.TempDir(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
