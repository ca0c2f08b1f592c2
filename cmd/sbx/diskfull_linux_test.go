package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// smallDisk mounts a file system of the given size, or skips the test.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to mount a small file system")
	}
	dir := t.TempDir()
	if err := unix.Mount("sbx-test", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("needs to mount a small file system: ", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillDisk leaves about free bytes on a disk.
func fillDisk(t *testing.T, file string, free int64) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var n int64
	for chunk := make([]byte, 64<<10); ; {
		m, err := f.Write(chunk)
		n += int64(m)
		if err != nil {
			break
		}
	}
	if err := f.Truncate(max(n-free, 0)); err != nil {
		t.Fatal(err)
	}
}

// TestFullDisk: with no space for it, nothing is half made and nothing that was
// there is lost; one line says what to do.
func TestFullDisk(t *testing.T) {
	disk := smallDisk(t, "8m")
	fill := filepath.Join(disk, "fill")
	s := newSbx(t, filepath.Join(disk, "home"))
	s.must("run", "--name", "kept", "-v", "vol:/vol", "tiny", "sh", "-c", "echo one >/f; echo one >/vol/f")
	noise := make([]byte, 1<<20)
	_, _ = rand.Read(noise)
	src := filepath.Join(t.TempDir(), "noise")
	if err := os.WriteFile(src, noise, 0o644); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(archive, layerTar(t, []entry{{"noise", string(noise), 0o644}}), 0o644); err != nil {
		t.Fatal(err)
	}
	const full = "no space left"
	const flood = "x=0123456789abcdef; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do x=$x$x; done; echo $x >"
	for _, free := range []int64{0, 64 << 10, 256 << 10} {
		fillDisk(t, fill, free)
		if free == 0 {
			s.fails(125, full, "run", "--name", "new", "tiny")
			s.fails(125, full, "create", "--name", "new", "tiny")
			s.fails(1, full, "start", "-a", "kept")
		} else {
			s.fails(125, full, "run", "--name", "big", "tiny", "sh", "-c", flood+"/big")
			s.must("rm", "big")
			s.fails(125, full, "run", "--rm", "-v", "vol:/vol", "tiny", "sh", "-c", flood+"/vol/big")
		}
		s.fails(1, full, "import", archive, "noise")
		s.fails(1, full, "cp", src, "kept:/noise")
		if free == 0 {
			s.fails(1, "out.tar: no space left on device", "export", "-o", filepath.Join(disk, "out.tar"), "kept")
			s.fails(1, full, "pull", "entry")
			s.fails(1, full, "commit", "kept", "mine")
			s.fails(1, full, "tag", "tiny", "again")
		}
		if err := os.Remove(fill); err != nil {
			t.Fatal(err)
		}
		if out := s.must("ps", "-a", "--format", "{{.Names}}"); out != "kept" {
			t.Errorf("%d bytes free: containers %q", free, out)
		}
		if out := s.must("images", "--format", "{{.Repository}}"); out != "localhost/base\ntiny" && out != "tiny" {
			t.Errorf("%d bytes free: images %q", free, out)
		}
		if out := s.must("run", "--rm", "-v", "vol:/vol", "tiny", "sh", "-c", "echo /vol/*; read x </vol/f; echo $x"); out != "/vol/f\none" {
			t.Errorf("%d bytes free: volume %q", free, out)
		}
		if out := s.must("diff", "kept"); out != "A /f" {
			t.Errorf("%d bytes free: diff %q", free, out)
		}
		if _, err := os.Stat(filepath.Join(disk, "out.tar")); err == nil {
			t.Error("half an archive")
		}
	}
	s.must("start", "-a", "kept")
	var left []string
	for _, pattern := range []string{".sbx-*", "home/containers/*/.tmp-*", "home/containers/.names/.tmp-*", "home/containers/.new-*", "home/volumes/*/.tmp-*", "home/v1/tmp/*"} {
		list, _ := filepath.Glob(filepath.Join(disk, pattern))
		left = append(left, list...)
	}
	if len(left) > 0 {
		t.Errorf("left: %s", strings.Join(left, " "))
	}
}
