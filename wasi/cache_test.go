package wasi_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/tools"
	"github.com/sbxrun/sbx/vfs"
	"github.com/sbxrun/sbx/wasi"
)

// echo runs a tool of a module in a kernel of its own and returns its output.
func echo(t *testing.T, e *wasi.Engine, module, tool string, args ...string) string {
	t.Helper()
	fs := vfs.New(nil, nil, vfs.Options{Type: "tmpfs"})
	defer fs.Close()
	for _, m := range tools.Modules() {
		if m.Name == module {
			writeFile(rootWalker(fs), "/"+tool, m.Wasm, 0o755)
		}
	}
	k, err := kernel.New(kernel.Config{Root: fs, Loaders: []kernel.Loader{e}})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	var out bytes.Buffer
	f := k.HostWriter(&out)
	p, err := k.Start(kernel.Exec{Path: "/" + tool, Argv: append([]string{tool}, args...), Cred: kernel.RootCredentials(), Files: []*kernel.File{nil, f, f}})
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	if st, err := p.Wait(context.Background()); err != nil || st != 0 {
		t.Fatal(st, err, out.String())
	}
	return out.String()
}

func cacheFiles(t *testing.T, dir string) (list []string) {
	filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			list = append(list, p)
		}
		return nil
	})
	return list
}

// A quick module is interpreted at first and compiled, for all processes, when
// it is used more.
func TestQuickModule(t *testing.T) {
	dir := t.TempDir()
	e := wasi.New(wasi.Config{CacheDir: dir})
	echo(t, e, "hot", "echo", "x")
	if n := len(cacheFiles(t, dir)); n != 0 {
		t.Errorf("one use compiled: %d files", n)
	}
	for range 4 {
		if got := echo(t, e, "hot", "echo", "x"); got != "x\n" {
			t.Errorf("%q", got)
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if n := len(cacheFiles(t, dir)); n != 1 {
		t.Errorf("after five uses: %d files", n)
	}
	e = wasi.New(wasi.Config{CacheDir: dir})
	defer e.Close()
	if got := echo(t, e, "hot", "echo", "y"); got != "y\n" {
		t.Errorf("%q", got)
	}
}

// Whatever happens to the cache, modules run and the cache mends.
func TestDamagedCache(t *testing.T) {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	run := func() {
		e := wasi.New(wasi.Config{CacheDir: dir})
		defer e.Close()
		if got := echo(t, e, "core", "seq", "3"); got != "1\n2\n3\n" {
			t.Errorf("%q", got)
		}
	}
	run()
	damage := map[string]func(b []byte) []byte{
		"empty":     func([]byte) []byte { return nil },
		"cut":       func(b []byte) []byte { return b[:len(b)/2] },
		"head":      func(b []byte) []byte { return append([]byte("garbage!"), b[8:]...) },
		"zero":      func(b []byte) []byte { clear(b); return b },
		"one byte":  func(b []byte) []byte { return b[:1] },
		"counts":    func(b []byte) []byte { copy(b[20:], bytes.Repeat([]byte{0xff}, 16)); return b },
		"in places": func(b []byte) []byte { b[rng.IntN(64)] ^= 0x55; return b },
	}
	for name, f := range damage {
		files := cacheFiles(t, dir)
		if len(files) == 0 {
			t.Fatal("nothing was cached")
		}
		for _, p := range files {
			b, err := os.ReadFile(p)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(p, f(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		t.Log(name)
		run()
	}
}

func TestCacheThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	e := wasi.New(wasi.Config{CacheDir: filepath.Join(file, "dir")})
	defer e.Close()
	if got := echo(t, e, "core", "seq", "1"); got != "1\n" {
		t.Errorf("%q", got)
	}
}

// Many engines, as many processes, fill one cache at one time.
func TestSharedCache(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			e := wasi.New(wasi.Config{CacheDir: dir, Workers: 1})
			defer e.Close()
			if got := echo(t, e, "core", "seq", "2"); got != "1\n2\n" {
				t.Errorf("%q", got)
			}
		})
	}
	wg.Wait()
}

func TestClosedEngine(t *testing.T) {
	e := wasi.New(wasi.Config{})
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	fs := dateFS()
	defer fs.Close()
	k, err := kernel.New(kernel.Config{Root: fs, Loaders: []kernel.Loader{e}})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if _, err := k.Start(kernel.Exec{Path: "/date", Argv: []string{"date"}, Cred: kernel.RootCredentials()}); err == nil {
		t.Error("a closed engine runs")
	}
}
