package wasi_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/tools"
	"github.com/sbxrun/sbx/vfs"
	"github.com/sbxrun/sbx/wasi"
)

// date runs date in a new kernel with the given engine.
func date(b *testing.B, fs *vfs.FS, e *wasi.Engine) {
	k, err := kernel.New(kernel.Config{Root: fs, Loaders: []kernel.Loader{e}})
	if err != nil {
		b.Fatal(err)
	}
	defer k.Close()
	var out bytes.Buffer
	f := k.HostWriter(&out)
	p, err := k.Start(kernel.Exec{Path: "/date", Argv: []string{"date"}, Cred: kernel.RootCredentials(), Files: []*kernel.File{nil, f, f}})
	f.Close()
	if err != nil {
		b.Fatal(err)
	}
	if st, err := p.Wait(context.Background()); err != nil || st != 0 || out.Len() == 0 {
		b.Fatal(st, err, out.String())
	}
}

// dateFS is a tree of date alone. Its module says that it runs shortly.
func dateFS() *vfs.FS {
	fs := vfs.New(nil, nil, vfs.Options{Type: "tmpfs"})
	for _, m := range tools.Modules() {
		if m.Name == "hot" {
			writeFile(rootWalker(fs), "/date", m.Wasm(), 0o755)
		}
	}
	return fs
}

// BenchmarkDate is a first date: interpreted, compiled, and compiled with the
// code kept; one whose code is on disk; and one in a process that has it.
func BenchmarkDate(b *testing.B) {
	quick, slow := dateFS(), vfs.New(nil, nil, vfs.Options{Type: "tmpfs"})
	defer quick.Close()
	defer slow.Close()
	for _, m := range tools.Modules() {
		if m.Name == "hot" {
			writeFile(rootWalker(slow), "/date", bytes.TrimSuffix(m.Wasm(), []byte(wasi.QuickMark)), 0o755)
		}
	}
	fresh := func(fs *vfs.FS, cfg wasi.Config) {
		e := wasi.New(cfg)
		date(b, fs, e)
		e.Close()
	}
	b.Run("interpreted", func(b *testing.B) {
		for b.Loop() {
			fresh(quick, wasi.Config{})
		}
	})
	b.Run("compiled", func(b *testing.B) {
		for b.Loop() {
			fresh(slow, wasi.Config{})
		}
	})
	b.Run("compiled-and-kept", func(b *testing.B) {
		for b.Loop() {
			fresh(slow, wasi.Config{CacheDir: b.TempDir()})
		}
	})
	b.Run("disk", func(b *testing.B) {
		dir := b.TempDir()
		fresh(slow, wasi.Config{CacheDir: dir})
		for b.Loop() {
			fresh(slow, wasi.Config{CacheDir: dir})
		}
	})
	for name, fs := range map[string]*vfs.FS{"again": slow, "again-interpreted": quick} {
		b.Run(name, func(b *testing.B) {
			e := wasi.New(wasi.Config{Interpret: fs == quick})
			defer e.Close()
			date(b, fs, e)
			b.ReportAllocs()
			for b.Loop() {
				date(b, fs, e)
			}
		})
	}
}
