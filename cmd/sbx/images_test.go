package main

import (
	"archive/tar"
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sbxrun/sbx/kernel"
)

// entry is a file of a test layer: a name that ends in "/" is a folder, one
// with " -> " a symbolic link.
type entry struct {
	name, body string
	mode       int64
}

// The images that every test registry has. Their programs are scripts for the
// built-in shell, which images may name like any other interpreter.
var (
	tinyBase = []entry{
		{"bin/", "", 0o755}, {"etc/", "", 0o755}, {"root/", "", 0o700}, {"tmp/", "", 0o1777}, {"srv/", "", 0o755},
		{"bin/sh", kernel.BuiltinMagic + "sh\n", 0o755},
		{"etc/passwd", "root:x:0:0:root:/root:/bin/sh\nweb:x:33:33:web:/srv:/bin/sh\n", 0o644},
		{"etc/group", "root:x:0:\nweb:x:33:\nextra:x:44:web\n", 0o644},
		{"etc/os-release", "ID=tiny\n", 0o644},
		{"srv/page", "old page\n", 0o644},
		{"srv/gone", "gone\n", 0o644},
	}
	tinyTop = []entry{
		{"srv/page", "a page\n", 0o644},
		{"srv/.wh.gone", "", 0o644},
		{"bin/hello", "#!/bin/sh\necho hello from tiny \"$@\"\n", 0o755},
		{"bin/notexec", "data\n", 0o644},
		{"bin/badfmt", "\x01\x02\x03 no program\n", 0o755},
		{"bin/prog", "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00\x01\x00\x00\x00", 0o755},
		{"link -> srv/page", "", 0o777},
	}
)

var testTime = time.Date(2024, 7, 16, 4, 36, 32, 0, time.UTC)

// newTestRegistry serves, until the test ends, a registry with library/tiny
// (two layers), library/arm (linux/arm64 only), library/entry (an image with an
// entry point) and library/vols (one with volumes).
func newTestRegistry(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(s.Close)
	cfg := v1.Config{Cmd: []string{"/bin/hello"}, Env: []string{"PATH=/bin", "COLOR=blue"}, Labels: map[string]string{"role": "test"}, ExposedPorts: map[string]struct{}{"80/tcp": {}}}
	pushTestImage(t, s.URL, "library/tiny:latest", testImage(t, cfg, "amd64", tinyBase, tinyTop))
	pushTestImage(t, s.URL, "library/tiny:v2", testImage(t, cfg, "amd64", tinyBase, tinyTop, []entry{{"etc/v2", "2\n", 0o644}}))
	pushTestImage(t, s.URL, "library/arm:latest", testImage(t, cfg, "arm64", tinyBase))
	pushTestImage(t, s.URL, "library/entry:latest", testImage(t, v1.Config{Entrypoint: []string{"/bin/sh", "-c", "echo entry:$0:$*"}, Cmd: []string{"one"}, User: "web", WorkingDir: "/work/dir", Env: []string{"PATH=/bin"}}, "amd64", tinyBase))
	pushTestImage(t, s.URL, "library/vols:latest", testImage(t, v1.Config{Cmd: []string{"/bin/sh"}, Env: []string{"PATH=/bin"}, Volumes: map[string]struct{}{"/data": {}, "/more": {}}}, "amd64", tinyBase,
		[]entry{{"data/", "", 0o750}, {"data/seed", "a seed\n", 0o640}}))
	return s.URL
}

func testImage(t *testing.T, cfg v1.Config, arch string, layers ...[]entry) v1.Image {
	t.Helper()
	img := v1.Image(empty.Image)
	for i, l := range layers {
		body := layerTar(t, l)
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil })
		if err == nil {
			img, err = mutate.Append(img, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: testTime}, CreatedBy: "step " + string(rune('1'+i))}})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	file, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Config, file.Created = "linux", arch, cfg, v1.Time{Time: testTime}
	if img, err = mutate.ConfigFile(img, file); err != nil {
		t.Fatal(err)
	}
	return img
}

func layerTar(t *testing.T, list []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range list {
		h := &tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.body)), Typeflag: tar.TypeReg, ModTime: testTime}
		if n, target, ok := strings.Cut(e.name, " -> "); ok {
			h.Name, h.Linkname, h.Typeflag = n, target, tar.TypeSymlink
		} else if strings.HasSuffix(e.name, "/") {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pushTestImage(t *testing.T, url, ref string, img v1.Image) {
	t.Helper()
	r, err := name.ParseReference(strings.TrimPrefix(url, "http://")+"/"+ref, name.Insecure)
	if err == nil {
		err = remote.Write(r, img)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// tarlsCmd is `tarls FILE OUT`: the names in a tar archive, one a line.
func tarlsCmd(ts *testscript.TestScript, neg bool, args []string) {
	f, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer f.Close()
	var b strings.Builder
	for tr := tar.NewReader(f); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		ts.Check(err)
		b.WriteString(h.Name)
		if h.Linkname != "" {
			b.WriteString(" -> " + h.Linkname)
		}
		b.WriteByte('\n')
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(b.String()), 0o644))
}
