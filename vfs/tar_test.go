package vfs

import (
	"archive/tar"
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// tarOf writes entries as they are, however bad.
func tarOf(t testing.TB, es []LayerEntry) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range es {
		h := &tar.Header{Name: e.Path, Mode: int64(e.Mode & 0o7777), Linkname: e.Link, Size: e.Size, Format: tar.FormatPAX, ModTime: e.Mtime.Time()}
		switch {
		case e.Hard:
			h.Typeflag = tar.TypeLink
		case linux.S_ISDIR(e.Mode):
			h.Typeflag = tar.TypeDir
		case linux.S_ISLNK(e.Mode):
			h.Typeflag = tar.TypeSymlink
		default:
			h.Typeflag = tar.TypeReg
		}
		check(t, w.WriteHeader(h), nil)
		_, err := w.Write(make([]byte, e.Size))
		check(t, err, nil)
	}
	check(t, w.Close(), nil)
	return &b
}

// The same hostile layers through ApplyTar: the lower ones as an index, the
// last one as a tar.
func TestApplyTarHostile(t *testing.T) {
	for _, c := range hostileLayers {
		t.Run(c.name, func(t *testing.T) {
			if strings.HasPrefix(c.name, "names that Windows") || c.name == "the root as a file" {
				return
			}
			last := len(c.layers) - 1
			fs := fsOver(t, Options{}, nil, c.layers[:last]...)
			err := fs.ApplyTar(tarOf(t, c.layers[last]))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := paths(t, fs); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestApplyTarBounds(t *testing.T) {
	fs := New(nil, nil, Options{MaxBytes: 1 << 20, MaxInodes: 10})
	defer fs.Close()
	if err := fs.ApplyTarLimits(tarOf(t, []LayerEntry{fileEntry("a", 1), fileEntry("b", 1)}), Limits{Entries: 1}); err == nil {
		t.Error("entries over the limit are taken")
	}
	var many []LayerEntry
	for _, n := range strings.Split("abcdefghijklm", "") {
		many = append(many, fileEntry(n, 0))
	}
	if err := fs.ApplyTar(tarOf(t, many)); linux.ErrnoOf(err) != linux.ENOSPC {
		t.Error(err)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	check(t, w.WriteHeader(&tar.Header{Name: "a", Size: 2 << 20, Mode: 0o644}), nil)
	_, err := w.Write(bytes.Repeat([]byte("x"), 2<<20))
	check(t, err, nil)
	cut := bytes.NewReader(b.Bytes()[:100<<10])
	if err := fs.ApplyTar(bytes.NewReader(b.Bytes())); linux.ErrnoOf(err) != linux.ENOSPC {
		t.Error(err)
	}
	if err := fs.ApplyTar(cut); err == nil {
		t.Error("a cut archive is taken")
	}
	// A huge declared size costs what the stream has.
	b.Reset()
	check(t, tar.NewWriter(&b).WriteHeader(&tar.Header{Name: "z", Size: 1 << 50, Mode: 0o644, Format: tar.FormatPAX}), nil)
	if err := fs.ApplyTar(&b); err == nil {
		t.Error("a file without its data is taken")
	}
}

func TestDiffIsDeterministicAndChangesSorted(t *testing.T) {
	es := []LayerEntry{dirEntry("etc"), fileEntry("etc/a", 0), fileEntry("etc/b", 0), dirEntry("var/x")}
	fs := fsOver(t, Options{}, nil, es)
	ns := NewNamespace(fs)
	w := &Walker{NS: ns, Root: ns.RootLoc(), Cwd: ns.RootLoc(), Cred: RootCred()}
	check(t, w.Unlink(Loc{}, "/etc/b"), nil)
	check(t, w.Mkdir(Loc{}, "/new", 0o755), nil)
	writeFile(t, w, "/new/f", "hello")
	check(t, w.Rename(Loc{}, "/var/x", Loc{}, "/var/y", 0), nil)
	check(t, w.Chmod(Loc{}, "/etc/a", 0o600, 0), nil)
	var got strings.Builder
	for _, c := range fs.Changes() {
		got.WriteString(string(c.Kind) + c.Path + " ")
	}
	if got.String() != "C/etc C/etc/a D/etc/b A/new A/new/f C/var D/var/x A/var/y " {
		t.Error(got.String())
	}
	var a, b, x bytes.Buffer
	check(t, fs.Diff(&a, DiffOptions{}), nil)
	check(t, fs.Diff(&b, DiffOptions{}), nil)
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("two diffs differ")
	}
	check(t, fs.Export(&x), nil)
	back := New(nil, nil, Options{})
	defer back.Close()
	check(t, back.ApplyTar(&x), nil)
	if p, q := paths(t, fs), paths(t, back); p != q {
		t.Errorf("export: %s\nnot %s", q, p)
	}
}

func FuzzApplyTar(f *testing.F) {
	b, _ := io.ReadAll(tarOf(f, []LayerEntry{dirEntry("d"), fileEntry("d/f", 10), hardEntry("h", "d/f"), fileEntry(".wh.x", 0), linkEntry("l", "d")}))
	f.Add(b)
	f.Fuzz(func(t *testing.T, in []byte) {
		fs := fsOver(t, Options{MaxBytes: 1 << 20, MaxInodes: 1000}, nil, []LayerEntry{fileEntry("x", 0), dirEntry("d/old")})
		_ = fs.ApplyTar(bytes.NewReader(in))
		_ = fs.Diff(io.Discard, DiffOptions{})
	})
}
