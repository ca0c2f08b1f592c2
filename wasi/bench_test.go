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

func dateFS() *vfs.FS {
	fs := vfs.New(nil, nil, vfs.Options{Type: "tmpfs"})
	for _, m := range tools.Modules() {
		if m.Name == "hot" {
			writeFile(rootWalker(fs), "/date", m.Wasm, 0o755)
		}
	}
	return fs
}

// BenchmarkDate is a first date with nothing cached, one with the compiled form
// on disk, one interpreted, and one in a process that ran it before.
func BenchmarkDate(b *testing.B) {
	fs := dateFS()
	defer fs.Close()
	fresh := func(cfg wasi.Config) {
		e := wasi.New(cfg)
		date(b, fs, e)
		e.Close()
	}
	b.Run("cold", func(b *testing.B) {
		for b.Loop() {
			fresh(wasi.Config{})
		}
	})
	b.Run("cold-store", func(b *testing.B) {
		for b.Loop() {
			fresh(wasi.Config{CacheDir: b.TempDir()})
		}
	})
	b.Run("interpreted", func(b *testing.B) {
		for b.Loop() {
			fresh(wasi.Config{Interpret: true})
		}
	})
	b.Run("disk-cache", func(b *testing.B) {
		dir := b.TempDir()
		fresh(wasi.Config{CacheDir: dir})
		for b.Loop() {
			fresh(wasi.Config{CacheDir: dir})
		}
	})
	b.Run("warm", func(b *testing.B) {
		e := wasi.New(wasi.Config{})
		defer e.Close()
		date(b, fs, e)
		b.ReportAllocs()
		for b.Loop() {
			date(b, fs, e)
		}
	})
}
