package mm_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/sbxrun/sbx/kernel/mm"
	"github.com/sbxrun/sbx/vfs"
)

// wholeFile is a hostFile that can be mapped in one piece, and may be one that never changes.
type wholeFile struct {
	hostFile
	fixed bool
}

func (w *wholeFile) Fixed() bool { return w.fixed }
func (w *wholeFile) Extent(off, n int64) (*os.File, int64, int64, error) {
	return w.f, off, n, nil
}
func (w *wholeFile) Share(vfs.MapOptions) (*os.File, *vfs.Mapping, error) { return w.f, nil, nil }

// TestImage asks of maps whether they are as their files are.
func TestImage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(path, make([]byte, 4*page), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const rx, rw = mm.ProtRead | mm.ProtExec, mm.ProtRead | mm.ProtWrite
	changing := &mm.File{Readable: true, Writable: true, Backing: &wholeFile{hostFile: hostFile{f: f}}}
	fixed := &mm.File{Readable: true, Backing: &wholeFile{hostFile{f: f}, true}}
	for _, c := range []struct {
		name   string
		file   *mm.File
		flags  int
		change func(s *mm.Space)
		image  bool
	}{
		{"a file's code", fixed, mm.MapPrivate, nil, true},
		{"of a file that may change", changing, mm.MapPrivate, nil, true},
		{"shared", changing, mm.MapShared, nil, false},
		{"without a file", nil, mm.MapPrivate | mm.MapAnonymous, nil, false},
		{"once writable", fixed, mm.MapPrivate, func(s *mm.Space) {
			_ = s.Mprotect(base, 3*page, rw)
			_ = s.Mprotect(base, 3*page, rx)
		}, false},
		{"writable", fixed, mm.MapPrivate, func(s *mm.Space) { _ = s.Mprotect(base, 3*page, rw|rx) }, false},
		{"no code", fixed, mm.MapPrivate, func(s *mm.Space) { _ = s.Mprotect(base, 3*page, mm.ProtRead) }, false},
		{"gone", fixed, mm.MapPrivate, func(s *mm.Space) { _ = s.Munmap(base, 3*page) }, false},
	} {
		s := newSpace(t, nil)
		if _, err := s.Mmap(base, 3*page, rx, c.flags|mm.MapFixed, c.file, page); err != nil {
			t.Fatal(c.name, err)
		}
		if c.change != nil {
			c.change(s)
		}
		im, ok := s.Image(base + page)
		if ok != c.image {
			t.Errorf("%s: %v", c.name, ok)
		}
		if ok && (im.Start != base || im.End != base+3*page) {
			t.Errorf("%s: %#x to %#x", c.name, im.Start, im.End)
		}
		if known := im.File != nil; ok && (known != (c.file == fixed) || known && im.Offset != page) {
			t.Errorf("%s: %+v", c.name, im)
		}
		// What is written to in part is not one image any more, nor is the part; the rest is.
		if ok {
			_ = s.Mprotect(base, page, rw)
			_ = s.Mprotect(base, page, rx)
			if _, ok := s.Image(base); ok {
				t.Errorf("%s: a page that was written to", c.name)
			}
			if im, ok := s.Image(base + page); !ok || im.Start != base+page || im.File != nil && im.Offset != 2*page {
				t.Errorf("%s: what is left: %+v", c.name, im)
			}
		}
		s.Unref()
	}
}
