package mm_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/mm"
	"github.com/sbxrun/sbx/vfs"
)

// vfsFile is a file of vfs as a Backing.
type vfsFile struct {
	hostFile
	fs  *vfs.FS
	ino vfs.Ino
	h   vfs.Handle
	mem vfs.Memory // of the last map
}

func (f *vfsFile) Size() (int64, error) {
	var a vfs.Attr
	err := f.fs.Getattr(f.ino, &a)
	return a.Size, err
}
func (f *vfsFile) Extent(_, n int64) (*os.File, int64, int64, error) { return nil, 0, n, nil }
func (f *vfsFile) Share(o vfs.MapOptions) (*os.File, *vfs.Mapping, error) {
	m, err := f.h.(vfs.Mapper).Map(o)
	if err == nil {
		f.mem = m.Memory()
	}
	return nil, m, err
}
func (f *vfsFile) Key() any { return f }

// TestSharedMapIsCopiedInParts reads a large file through a shared map, and looks at what that copied.
func TestSharedMapIsCopiedInParts(t *testing.T) {
	acc := &account{}
	s := newSpace(t, acc)
	fs := vfs.New(nil, nil, vfs.Options{})
	defer fs.Close()
	ino, err := fs.Create(fs.Root(), "f", vfs.CreateOpts{Mode: linux.S_IFREG | 0o600})
	if err != nil {
		t.Fatal(err)
	}
	h, err := fs.Open(ino, linux.O_RDWR)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	want := make([]byte, 20*part)
	for i := range want {
		want[i] = byte(i/7 + i/part + 1)
	}
	if _, err := h.WriteAt(want, 0); err != nil {
		t.Fatal(err)
	}
	const at = 0x9000_0000
	backing := &vfsFile{fs: fs, ino: ino, h: h}
	file := &mm.File{Name: "/f", Dev: 1, Ino: 2, Readable: true, Writable: true, Backing: backing}
	if _, err := s.Mmap(at, 20*part, mm.ProtRead, mm.MapShared|mm.MapFixed, file, 0); err != nil {
		t.Fatal(err)
	}
	held := func(what string, n int64) {
		t.Helper()
		bytes := int64(0)
		for from, to, ok := backing.mem.Data(0); ok; from, to, ok = backing.mem.Data(to) {
			bytes += to - from
		}
		// What is written from elsewhere is copied a chunk of 64 KiB at a time.
		if got := (bytes + part - 1) / part; got != n || acc.held != 20*part {
			t.Errorf("%s: %d parts are in memory, want %d; %d are held", what, got, n, acc.held/part)
		}
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	reads := func(s *mm.Space, off, n int) {
		t.Helper()
		b := make([]byte, n)
		if err := s.Read(at+uint64(off), b); err != nil || !bytes.Equal(b, want[off:off+n]) {
			t.Errorf("%d bytes at %d: %v, or others", n, off, err)
		}
	}
	held("mapped", 0)
	reads(s, part-10, 20)
	held("read over a border", 2)
	if retry, bus, _ := s.Fault(at+5*part+3, mm.ProtRead); !retry || bus {
		t.Error("a fault is one")
	}
	reads(s, 5*part+1, 100)
	held("faulted", 3)
	if retry, _, mapped := s.Fault(at+6*part, mm.ProtWrite); retry || !mapped {
		t.Error("it may be written")
	}
	_, err = h.WriteAt([]byte("written by another"), 7*part+9)
	check(err)
	copy(want[7*part+9:], "written by another")
	reads(s, 7*part, 100)
	held("written elsewhere", 4)
	c, err := s.Fork(&account{})
	check(err)
	reads(c, 9*part, 10)
	held("read by a child", 5)
	reads(s, 9*part, 10)
	held("and by its parent", 5)
	c.Unref()
	if r := s.Regions(); len(r) != 1 || r[0].End-r[0].Start != 20*part {
		t.Errorf("it shows as %v", r)
	}
	check(s.Mprotect(at+10*part, 2*part, mm.ProtRead|mm.ProtWrite))
	check(s.Write(at+11*part+1, []byte("stored")))
	copy(want[11*part+1:], "stored")
	got := make([]byte, 10)
	_, err = h.ReadAt(got, 11*part)
	if check(err); !bytes.Equal(got, want[11*part:][:10]) {
		t.Errorf("the file has %q", got)
	}
	held("written", 7)
	check(s.Munmap(at, part))
	check(fs.Setattr(ino, &vfs.SetAttr{Valid: vfs.SetSize, Size: 15*part + 5}))
	reads(s, 15*part, 5)
	if err := s.Read(at+16*part, got); err != linux.EFAULT {
		t.Errorf("behind the end: %v", err)
	}
	for i := 1; i < 15; i++ {
		reads(s, i*part, part)
	}
	s.Unref()
	if acc.held != 0 {
		t.Errorf("%d bytes are held in the end", acc.held)
	}
}
