package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

const hexA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

// documentSeeds are manifests and indexes of every kind, good and bad.
func documentSeeds(t testing.TB) [][2]string {
	img := makeImage(t, amd64, gzipped, layerTar(t, file{name: "a", body: "1"}))
	ix := string(makeIndex(t, ocispec.MediaTypeImageIndex, img.desc(&amd64), img.desc(&Platform{OS: "linux", Architecture: "arm", Variant: "v7"})))
	manifest := string(img.manifest)
	return [][2]string{
		{manifest, ocispec.MediaTypeImageManifest}, {ix, ocispec.MediaTypeImageIndex}, {ix, mtDockerList}, {manifest, ""}, {ix, ""},
		{strings.ReplaceAll(manifest, ocispec.MediaTypeImageManifest, mtDockerManifest), mtDockerManifest + "; charset=utf-8"},
		{`{"schemaVersion":1,"fsLayers":[{"blobSum":"sha256:a"}]}`, mtDockerSchema1}, {`{"schemaVersion":2,"manifests":[],"layers":[]}`, ""},
		{`{"schemaVersion":2,"manifests":[{"digest":"sha256:../../x","size":-1}]}`, ""}, {`{"schemaVersion":2,"config":{"digest":"sha256:` + hexA + `","size":9e99},"layers":null}`, ""},
		{`{"schemaVersion":2,"Manifests":[{"digest":"sha256:` + hexA + `","platform":{"os":"\u001b[31m","architecture":"x","os.features":["a"]}}]}`, ""},
		{"[]", ""}, {"null", ""}, {`"`, ""}, {"", ""},
	}
}

// FuzzDocument reads manifests and indexes.
func FuzzDocument(f *testing.F) {
	for _, s := range documentSeeds(f) {
		f.Add([]byte(s[0]), s[1])
	}
	f.Fuzz(func(t *testing.T, b []byte, mediaType string) {
		doc, err := parseDocument(b, mediaType, small)
		if err != nil {
			oneLine(t, err)
			return
		}
		if (doc.manifest == nil) == (doc.index == nil) {
			t.Fatal("the document is neither a manifest nor an index, or both")
		}
		if doc.index != nil {
			if len(doc.index.Manifests) > small.IndexEntries {
				t.Errorf("%d entries", len(doc.index.Manifests))
			}
			checkDigests(t, doc.index.Manifests...)
			if d, err := choosePlatform(doc.index, amd64, "x"); err != nil {
				oneLine(t, err)
			} else {
				checkDigests(t, d)
			}
			return
		}
		if len(doc.manifest.Layers) > small.Layers || doc.manifest.Config.Size > small.ConfigBytes {
			t.Errorf("%d layers, a configuration of %d bytes", len(doc.manifest.Layers), doc.manifest.Config.Size)
		}
		checkDigests(t, append(doc.manifest.Layers, doc.manifest.Config)...)
		again, err := json.Marshal(doc.manifest)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseDocument(again, "", DefaultLimits()); err != nil {
			t.Errorf("its own rendering is refused: %v", err)
		}
	})
}

// checkDigests makes sure that nothing reached us that could become a path outside the store.
func checkDigests(t *testing.T, ds ...ocispec.Descriptor) {
	t.Helper()
	for _, d := range ds {
		if _, err := ParseDigest(string(d.Digest)); err != nil || d.Size < 0 {
			t.Errorf("descriptor %q, %d bytes", d.Digest, d.Size)
		}
	}
}

// oneLine checks that an error can be shown on a terminal.
func oneLine(t *testing.T, err error) {
	t.Helper()
	if strings.ContainsAny(err.Error(), "\n\r\x1b\x00") || len(err.Error()) > 4096 {
		t.Errorf("the error cannot be shown: %.300q", err)
	}
}

// FuzzConfig reads image configurations.
func FuzzConfig(f *testing.F) {
	f.Add(makeImage(f, amd64, gzipped, layerTar(f)).config, 1)
	f.Add([]byte(`{"rootfs":{"diff_ids":["sha256:`+hexA+`","sha256:/../x"]}}`), 2)
	f.Add([]byte(`{"created":"yesterday","config":{"Env":[1]}}`), 0)
	f.Add([]byte(`{"config":{"Volumes":{"/a":{}},"ExposedPorts":null},"history":[{"empty_layer":true}],"rootfs":null}`), 0)
	f.Add([]byte(`{"os":"linux","architecture":"arm64","variant":"v8","config":{"Entrypoint":"sh"}}`), 0)
	f.Fuzz(func(t *testing.T, b []byte, layers int) {
		c, err := parseConfig(b, layers)
		if err != nil {
			oneLine(t, err)
			return
		}
		if len(c.RootFS.DiffIDs) != layers {
			t.Errorf("%d diffIDs for %d layers", len(c.RootFS.DiffIDs), layers)
		}
		for _, d := range c.RootFS.DiffIDs {
			checkDigests(t, ocispec.Descriptor{Digest: d})
		}
		_ = FormatPlatform(Image{config: c, rawConfig: b}.Platform())
	})
}

// FuzzCatalog reads index.json as other tools may leave it, and collects garbage by it.
func FuzzCatalog(f *testing.F) {
	for _, s := range documentSeeds(f) {
		f.Add([]byte(s[0]))
	}
	for _, name := range []string{"docker.io/library/debian:12", "latest", "@", "UPPER/case", "x@sha256:" + hexA, strings.Repeat("/", 300)} {
		f.Add(fmt.Appendf(nil, `{"schemaVersion":2,"manifests":[{"digest":"sha256:%s","size":3,"annotations":{%q:%q,%q:"a@b c"}}]}`, hexA, ocispec.AnnotationRefName, name, annRepoDigests))
	}
	s := testStore(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(s.path("oci", indexFile), b, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		if _, err := s.Images(); err != nil {
			oneLine(t, firstOf(err))
		}
		for _, name := range []string{"debian:12", "aa", hexA, "x@sha256:" + hexA} {
			if _, err := s.Resolve(name); err != nil {
				oneLine(t, err)
			}
		}
		_ = s.Check(ctx)
		_, _ = s.Usage()
		_, _ = s.GC(ctx)
		_, _ = s.Remove(ctx, "debian:12", true)
		_ = s.updateCatalog(ctx, func(c *catalog) error {
			c.set(Ref{Domain: "localhost", Path: "x", Tag: "1"}, ocispec.Descriptor{Digest: "sha256:" + hexA, Size: 3})
			return nil
		})
	})
}

// firstOf is the first of joined errors.
func firstOf(err error) error {
	if j, ok := err.(interface{ Unwrap() []error }); ok && strings.Contains(err.Error(), "\n") {
		return firstOf(j.Unwrap()[0])
	}
	return err
}

// FuzzTOCFile reads damaged tables of contents and leases; the store makes them again or says what to do.
func FuzzTOCFile(f *testing.F) {
	s := testStore(f)
	l, err := s.ingestStream(ctx, bytes.NewReader(layerTar(f, file{name: "a", body: "1"}, file{name: "b", body: "2", pax: map[string]string{paxXattr + "user.a": "x"}})), false, s.newBudget(), nil)
	if err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(s.tocPath(l.diffID))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-3])
	f.Add(good[:tocHeader])
	f.Add([]byte(tocMagic))
	f.Add([]byte(string(l.diffID) + "\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(s.tocPath(l.diffID), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if toc, err := s.readTOC(l.diffID); err == nil && len(toc) > len(b) {
			t.Errorf("%d entries out of %d bytes", len(toc), len(b))
		}
		_, _ = s.layerSize(l.diffID)
		_ = readLease(s.tocPath(l.diffID), &marks{map[string]bool{}, map[string]bool{}, map[string]bool{}})
	})
}

// FuzzDigest holds digests against what a path may be made of.
func FuzzDigest(f *testing.F) {
	for _, s := range []string{"sha256:" + hexA, "sha256:" + strings.ToUpper(hexA), "sha256:../" + hexA[3:], "sha512:" + hexA, "", "sha256:" + hexA + "\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDigest(s)
		if err == nil && (strings.Trim(hexOf(d), "0123456789abcdef") != "" || len(hexOf(d)) != 64 || string(d) != s) {
			t.Errorf("%q is a digest", s)
		}
	})
}
