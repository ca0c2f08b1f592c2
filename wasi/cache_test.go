package wasi_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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
			writeFile(rootWalker(fs), "/"+tool, m.Wasm(), 0o755)
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
	for range wasi.QuickUses {
		if got := echo(t, e, "hot", "echo", "x"); got != "x\n" {
			t.Errorf("%q", got)
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if n := len(cacheFiles(t, dir)); n != 1 {
		t.Errorf("after %d uses: %d files", wasi.QuickUses+1, n)
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

// What has not been used for longest goes when the store is full, and what
// other versions of wazero left goes too.
func TestCacheBound(t *testing.T) {
	dir := t.TempDir()
	old := filepath.Join(dir, "wazero-v0.0.0-none", strings.Repeat("a", 32)+"-"+strings.Repeat("b", 64)+"-"+strings.Repeat("c", 64))
	if err := errors.Join(os.MkdirAll(filepath.Dir(old), 0o700), os.WriteFile(old, make([]byte, 100), 0o600),
		os.Chtimes(old, time.Time{}, time.Now().Add(-100*time.Hour))); err != nil {
		t.Fatal(err)
	}
	use := func(bound int64, module, tool string) {
		e := wasi.New(wasi.Config{CacheDir: dir, CacheBytes: bound})
		defer e.Close()
		echo(t, e, module, tool, "1")
	}
	use(0, "core", "seq")
	files := cacheFiles(t, dir)
	if len(files) != 2 {
		t.Fatalf("%d files, want the old one and the new one", len(files))
	}
	var core string
	for _, p := range files {
		if p != old {
			core = p
		}
	}
	st, err := os.Stat(core)
	if err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(core, past, past); err != nil {
		t.Fatal(err)
	}
	use(0, "core", "seq") // touches it
	if now, err := os.Stat(core); err != nil || now.ModTime().Sub(past) < time.Minute {
		t.Errorf("use does not show: %v", err)
	}
	use(st.Size()+1000, "data", "expr") // the two do not fit
	var total int64
	for _, p := range cacheFiles(t, dir) {
		if st, err := os.Stat(p); err == nil {
			total += st.Size()
		}
		if p == old || p == core {
			t.Errorf("%s stays", filepath.Base(p))
		}
	}
	if total == 0 || total > st.Size()+1000 {
		t.Errorf("%d bytes are kept, the bound is %d", total, st.Size()+1000)
	}
	use(1, "core", "seq") // nothing fits
	if n := len(cacheFiles(t, dir)); n != 0 {
		t.Errorf("%d files", n)
	}
}

// The folders of killed processes go; losing one's own is a miss.
func TestCacheFolders(t *testing.T) {
	dir := t.TempDir()
	dead, live := filepath.Join(dir, "run-dead"), filepath.Join(dir, "run-live")
	past := time.Now().Add(-2 * time.Hour)
	if err := errors.Join(os.MkdirAll(filepath.Join(dead, "wazero-x"), 0o700), os.Mkdir(live, 0o700), os.Chtimes(dead, past, past)); err != nil {
		t.Fatal(err)
	}
	e := wasi.New(wasi.Config{CacheDir: dir})
	echo(t, e, "core", "seq", "1")
	if _, err := os.Stat(dead); err == nil {
		t.Error("a dead process's folder stays")
	}
	if _, err := os.Stat(live); err != nil {
		t.Error(err)
	}
	own, _ := filepath.Glob(filepath.Join(dir, "run-*"))
	for _, d := range own {
		os.RemoveAll(d)
	}
	echo(t, e, "data", "expr", "1")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if got := echo(t, e, "text", "grep", "-c", "x", "/grep"); got == "" {
		t.Error("nothing without the folder")
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}

// A process that is killed while it compiles leaves nothing that hurts.
func TestKilledCompiler(t *testing.T) {
	if dir := os.Getenv("SBX_TEST_COMPILE"); dir != "" {
		e := wasi.New(wasi.Config{CacheDir: dir})
		for _, m := range []struct{ module, tool, arg string }{{"core", "seq", "1"}, {"data", "expr", "1"}, {"text", "grep", "--help"}} {
			echo(t, e, m.module, m.tool, m.arg)
		}
		return // without Close
	}
	if testing.Short() {
		t.Skip("starts processes")
	}
	dir, tmp := t.TempDir(), t.TempDir()
	for i := range 6 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledCompiler$")
		cmd.Env = append(os.Environ(), "SBX_TEST_COMPILE="+dir, "TMPDIR="+tmp, "TMP="+tmp) // killed, it does not clean up
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(i) * 60 * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		e := wasi.New(wasi.Config{CacheDir: dir})
		if got := echo(t, e, "core", "seq", "2"); got != "1\n2\n" {
			t.Errorf("%q", got)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
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
