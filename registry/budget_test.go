package registry

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// TestBudgetOfImage has layers of which each alone stays below the limits.
func TestBudgetOfImage(t *testing.T) {
	text := strings.Repeat("abcdefghijklmnop", 60<<10/16)
	var files, links, bombs [][]byte
	for l := range 4 {
		var fs, ls []file
		for i := range 30 {
			fs = append(fs, file{name: fmt.Sprintf("f%d-%d", l, i)})
			ls = append(ls, file{name: fmt.Sprintf("l%d-%d", l, i), typ: tar.TypeSymlink, link: strings.Repeat("x", 900)})
		}
		files, links = append(files, layerTar(t, fs...)), append(links, layerTar(t, ls...))
		bombs = append(bombs, layerTar(t, file{name: fmt.Sprintf("b%d", l), body: strings.Repeat(text, 10)}))
	}
	for _, tt := range []struct {
		name   string
		layers [][]byte
	}{{"entries", files}, {"names", links}, {"ratio", bombs}} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFake()
			f.add("latest", makeImage(t, amd64, zstandard, tt.layers[:1]...))
			if _, _, err := pullFake(t, f, WithLimits(small)); err != nil {
				t.Fatalf("one layer alone: %v", err)
			}
			f.add("latest", makeImage(t, amd64, zstandard, tt.layers...))
			s, _, err := pullFake(t, f, WithLimits(small))
			refused(t, s, err, ErrTooLarge)
		})
	}
}

// TestBudgetRefund has a layer that arrives damaged and is fetched again: it counts once.
func TestBudgetRefund(t *testing.T) {
	s := testStore(t)
	b := s.newBudget()
	raw := layerTar(t, file{name: "a", body: strings.Repeat("x", 3000)})
	bad := pack(t, gzipped, raw)
	bad[len(bad)-6] ^= 1 // the checksum at the end
	if _, err := s.ingestStream(ctx, bytes.NewReader(bad), false, b, nil); !errors.Is(err, ErrCorrupt) {
		t.Fatalf("damaged: %v", err)
	}
	if sp := &b.spent; sp.raw.Load() != 0 || sp.size.Load() != 0 || sp.entries.Load() != 0 || sp.meta.Load() != 0 {
		t.Errorf("left after a failure: raw %d, size %d, entries %d, meta %d", sp.raw.Load(), sp.size.Load(), sp.entries.Load(), sp.meta.Load())
	}
	if _, err := s.ingestStream(ctx, bytes.NewReader(pack(t, gzipped, raw)), false, b, nil); err != nil {
		t.Fatal(err)
	}
	if sp := &b.spent; sp.raw.Load() != int64(len(raw)) || sp.size.Load() != 3000 || sp.entries.Load() != 1 {
		t.Errorf("spent: raw %d of %d, size %d, entries %d", sp.raw.Load(), len(raw), sp.size.Load(), sp.entries.Load())
	}
}

// zeroArchive is a compressed archive with one file of n zeros.
func zeroArchive(t *testing.T, name string, n int64, compress func(io.Writer) io.WriteCloser) []byte {
	t.Helper()
	var b bytes.Buffer
	z := compress(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: n, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	for chunk := make([]byte, 1<<20); n > 0; n -= int64(len(chunk)) {
		if _, err := w.Write(chunk[:min(n, 1<<20)]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestBudgetOfArchive has archives that are bombs themselves, not in their layers.
func TestBudgetOfArchive(t *testing.T) {
	gz := func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) }
	zs := func(w io.Writer) io.WriteCloser {
		z, err := zstd.NewWriter(w)
		if err != nil {
			t.Fatal(err)
		}
		return z
	}
	var layers []file
	for i := range 20 { // 12 MB of zeros out of a few hundred bytes each
		raw := layerTar(t, file{name: fmt.Sprint(i), body: strings.Repeat("\x00", 900<<10)})
		layers = append(layers, file{name: fmt.Sprintf("%d.tar", i), body: string(pack(t, zstandard, raw))})
	}
	var names []file
	for i := range 60 {
		names = append(names, file{name: fmt.Sprint(strings.Repeat("abcdefgh/", 100), i), typ: tar.TypeSymlink, link: strings.Repeat("l", 900)})
	}
	lim := small
	lim.ArchiveSmall = 64 << 10
	for name, raw := range map[string][]byte{
		"a file that nobody wants":      zeroArchive(t, "x", 64<<20, gz),
		"the same in zstd":              zeroArchive(t, "x", 64<<20, zs),
		"many layers":                   layerTar(t, layers...),
		"names":                         layerTar(t, names...),
		"a name of many bytes":          layerTar(t, file{name: strings.Repeat("n/", 600), typ: tar.TypeSymlink, link: "x"}),
		"a link target of many bytes":   layerTar(t, file{name: "n", typ: tar.TypeSymlink, link: strings.Repeat("n/", 600)}),
		"bytes after the archive's end": append(layerTar(t, file{name: "a", body: "{}"}), pack(t, gzipped, make([]byte, 1<<20))...),
	} {
		t.Run(name, func(t *testing.T) {
			want := ErrTooLarge
			if strings.HasPrefix(name, "bytes after") {
				want = ErrUnsupported // not read at all
			}
			s := testStore(t, WithLimits(lim))
			_, err := s.Load(ctx, bytes.NewReader(raw), nil)
			refused(t, s, err, want)
		})
	}
}
