package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/sbxrun/sbx/internal/testimage"
)

// TestCodeIsKept runs programs of a real image again and again on one home: what was made of their code is on disk after
// the first, and the output is the same with it, with many at once, when it is verified, when it is damaged, and when it
// cannot be written.
func TestCodeIsKept(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	env := append(os.Environ(), "SBX_REGISTRY_MIRROR="+testimage.Serve(t), "SBX_HOME="+home)
	command := builtCommand(t)
	const image, want = "debian:12", "42 5050 a-b\n"
	run := func(options ...string) {
		t.Helper()
		args := append(append([]string{"run", "--rm", "--network", "none"}, options...), image, "sh", "-c",
			`echo $(perl -e 'print 6*7') $(seq 100 | awk '{s+=$1} END {print s}') $(printf 'a b' | sed 's/ /-/')`)
		cmd := exec.Command(command, args...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("sbx %v: %v: %q", options, err, out)
		}
	}
	cmd := exec.Command(command, "pull", "-q", image)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	dir := filepath.Join(home, "cache", "code")
	kept := func() map[string]string {
		t.Helper()
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		for _, e := range list {
			if strings.HasPrefix(e.Name(), "new-") {
				t.Errorf("%s is left", e.Name())
			}
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			files[e.Name()] = string(b)
		}
		return files
	}
	run()
	first := kept()
	if len(first) < 5 {
		t.Fatalf("code of %d files is kept", len(first))
	}
	run()
	run("--security-opt", "verify-code")
	again := kept()
	for name, b := range first {
		if len(again[name]) < len(b) {
			t.Errorf("%s: %d bytes, before it were %d", name, len(again[name]), len(b))
		}
	}
	var ended sync.WaitGroup
	for range 6 {
		ended.Add(1)
		go func() {
			defer ended.Done()
			run()
		}()
	}
	ended.Wait()
	prune := func() string {
		cmd := exec.Command(command, "system", "prune", "-f")
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("prune: %v: %s", err, out)
		}
		return string(out)
	}
	if out := prune(); strings.Contains(out, "space: 0B") || len(kept()) > 0 { // all programs have ended
		t.Errorf("%d files stay: %s", len(kept()), out)
	}
	for range 4 {
		ended.Add(1)
		go func() {
			defer ended.Done()
			for range 3 {
				run()
			}
		}()
	}
	done := make(chan struct{})
	go func() { ended.Wait(); close(done) }()
	for going := true; going; {
		prune()
		select {
		case <-done:
			going = false
		default:
		}
	}
	run()
	at := 0
	for name, b := range kept() {
		at += 7919
		damaged := []byte(b)
		damaged[at%len(damaged)] ^= 0x10
		if at%2 == 0 {
			damaged = damaged[:at%len(damaged)]
		}
		if err := os.WriteFile(filepath.Join(dir, name), damaged, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run()
	run("--security-opt", "verify-code")
	if n := len(kept()); n < len(first) {
		t.Errorf("code of %d files is kept after damage, before it were %d", n, len(first))
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run()
	if st, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) || !st.Mode().IsRegular() {
		t.Errorf("what was in its place: %v, %v", st, err)
	}
}
