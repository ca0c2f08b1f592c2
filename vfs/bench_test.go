package vfs

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/spf13/afero"

	"github.com/sbxrun/sbx/abi/linux"
)

const benchPath = "/usr/share/doc/package/copyright"

func benchIndex(b *testing.B, dirs, files int) *Index {
	es := []LayerEntry{fileEntry(benchPath[1:], 100)}
	for d := range dirs {
		for f := range files {
			es = append(es, fileEntry(fmt.Sprintf("usr/lib/dir%d/some-file-%d.so", d, f), 1000))
		}
	}
	return indexOf(b, es)
}

func benchWalker(b *testing.B, fs *FS) *Walker {
	ns := NewNamespace(fs)
	b.Cleanup(func() { ns.Close(); fs.Close() })
	return &Walker{NS: ns, Root: ns.RootLoc(), Cwd: ns.RootLoc(), Cred: RootCred(), Umask: 0o022}
}

func mkdirAll(b *testing.B, w *Walker, p string) {
	for i := 1; i < len(p); i++ {
		if p[i] == '/' {
			_ = w.Mkdir(Loc{}, p[:i], 0o755)
		}
	}
	_ = w.Mkdir(Loc{}, p, 0o755)
}

func benchTmpfs(b *testing.B) string {
	dir, err := os.MkdirTemp("/dev/shm", "vfs")
	if err != nil {
		b.Skip("no host tmpfs: ", err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// each runs a benchmark over an index, over the upper layer, on MemMapFs and on
// the host's tmpfs.
func each(b *testing.B, our func(b *testing.B, w *Walker), mem func(b *testing.B, fs afero.Fs), host func(b *testing.B, dir string)) {
	b.Run("vfs-index", func(b *testing.B) {
		b.ReportAllocs()
		our(b, benchWalker(b, New(benchIndex(b, 100, 100), nil, Options{})))
	})
	b.Run("vfs-upper", func(b *testing.B) {
		w := benchWalker(b, New(nil, nil, Options{}))
		mkdirAll(b, w, filepath.ToSlash(filepath.Dir(benchPath)))
		writeFile(b, w, benchPath, "x")
		b.ReportAllocs()
		our(b, w)
	})
	b.Run("memmapfs", func(b *testing.B) {
		fs := afero.NewMemMapFs()
		_ = afero.WriteFile(fs, benchPath, []byte("x"), 0o644)
		b.ReportAllocs()
		mem(b, fs)
	})
	b.Run("host-tmpfs", func(b *testing.B) {
		dir := benchTmpfs(b)
		_ = os.MkdirAll(filepath.Dir(dir+benchPath), 0o755)
		_ = os.WriteFile(dir+benchPath, []byte("x"), 0o644)
		b.ReportAllocs()
		host(b, dir)
	})
}

func BenchmarkStat(b *testing.B) {
	each(b, func(b *testing.B, w *Walker) {
		var a Attr
		for b.Loop() {
			if err := w.Stat(Loc{}, benchPath, 0, &a); err != nil {
				b.Fatal(err)
			}
		}
	}, func(b *testing.B, fs afero.Fs) {
		for b.Loop() {
			if _, err := fs.Stat(benchPath); err != nil {
				b.Fatal(err)
			}
		}
	}, func(b *testing.B, dir string) {
		for b.Loop() {
			if _, err := os.Stat(dir + benchPath); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkOpen(b *testing.B) {
	each(b, func(b *testing.B, w *Walker) {
		for b.Loop() {
			_, h, err := w.Open(Loc{}, benchPath, linux.O_RDONLY, 0)
			if err != nil {
				b.Fatal(err)
			}
			_ = h.Close()
		}
	}, func(b *testing.B, fs afero.Fs) {
		for b.Loop() {
			f, err := fs.Open(benchPath)
			if err != nil {
				b.Fatal(err)
			}
			_ = f.Close()
		}
	}, func(b *testing.B, dir string) {
		for b.Loop() {
			f, err := os.Open(dir + benchPath)
			if err != nil {
				b.Fatal(err)
			}
			_ = f.Close()
		}
	})
}

// A file of 64 MiB in writes of 128 KiB, truncated and written again.
func BenchmarkSequentialWrite(b *testing.B) {
	const total = 64 << 20
	buf := make([]byte, 128<<10)
	b.Run("vfs", func(b *testing.B) {
		w := benchWalker(b, New(nil, nil, Options{}))
		b.SetBytes(total)
		for b.Loop() {
			_, h, err := w.Open(Loc{}, "/f", linux.O_WRONLY|linux.O_CREAT|linux.O_TRUNC, 0o644)
			if err != nil {
				b.Fatal(err)
			}
			for off := int64(0); off < total; off += int64(len(buf)) {
				if _, err := h.WriteAt(buf, off); err != nil {
					b.Fatal(err)
				}
			}
			_ = h.Close()
		}
	})
	b.Run("host-tmpfs", func(b *testing.B) {
		dir := benchTmpfs(b)
		b.SetBytes(total)
		for b.Loop() {
			f, err := os.Create(dir + "/f")
			if err != nil {
				b.Fatal(err)
			}
			for off := 0; off < total; off += len(buf) {
				if _, err := f.Write(buf); err != nil {
					b.Fatal(err)
				}
			}
			_ = f.Close()
		}
	})
}

func bigDir(b *testing.B, w *Walker, dir string, n int) {
	if err := w.Mkdir(Loc{}, dir, 0o755); err != nil {
		b.Fatal(err)
	}
	for i := range n {
		if err := w.Mknod(Loc{}, fmt.Sprintf("%s/file-number-%d", dir, i), 0o644, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRenameBigDirectory(b *testing.B) {
	run := func(b *testing.B, w *Walker, from string) {
		to := from + "2"
		b.ReportAllocs()
		for b.Loop() {
			if err := w.Rename(Loc{}, from, Loc{}, to, 0); err != nil {
				b.Fatal(err)
			}
			from, to = to, from
		}
	}
	b.Run("upper", func(b *testing.B) {
		w := benchWalker(b, New(nil, nil, Options{}))
		bigDir(b, w, "/d", 10_000)
		run(b, w, "/d")
	})
	b.Run("index", func(b *testing.B) {
		run(b, benchWalker(b, New(benchIndex(b, 1, 10_000), nil, Options{})), "/usr/lib/dir0")
	})
}

func BenchmarkFork(b *testing.B) {
	w := benchWalker(b, New(nil, nil, Options{}))
	bigDir(b, w, "/d", 10_000)
	fs := w.Root.Mount.super.(*FS)
	b.ReportAllocs()
	for b.Loop() {
		f := fs.Fork()
		_ = f.Close()
	}
}

func BenchmarkNew(b *testing.B) {
	for _, n := range []int{10, 100} {
		b.Run(fmt.Sprintf("entries-%d", n*n), func(b *testing.B) {
			ix := benchIndex(b, n, n)
			b.ReportAllocs()
			for b.Loop() {
				_ = New(ix, nil, Options{}).Close()
			}
		})
	}
}

// BenchmarkMemory measures bytes an entry: of the index file, and of the heap
// for 100,000 new empty files in 100 directories.
func BenchmarkMemory(b *testing.B) {
	b.Run("index", func(b *testing.B) {
		ix := benchIndex(b, 100, 100)
		for b.Loop() {
		}
		b.ReportMetric(float64(ix.Size())/float64(ix.Entries()), "B/entry")
	})
	b.Run("upper", func(b *testing.B) {
		var per float64
		for b.Loop() {
			fs := New(nil, nil, Options{})
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			for d := range 100 {
				dir, _ := fs.Create(rootIno, fmt.Sprintf("dir%d", d), CreateOpts{Mode: linux.S_IFDIR | 0o755})
				for f := range 1000 {
					_, _ = fs.Create(dir, fmt.Sprintf("some-file-%d.so", f), CreateOpts{Mode: linux.S_IFREG | 0o644})
				}
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			per = float64(after.HeapAlloc-before.HeapAlloc) / 100_100
			_ = fs.Close()
		}
		b.ReportMetric(per, "B/entry")
	})
}
