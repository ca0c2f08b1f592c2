package wasi_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestGoProgram runs a program of Go's own wasip1 port, which knows nothing of us.
func TestGoProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("compiling a Go program takes seconds")
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	out := filepath.Join(t.TempDir(), "prog.wasm")
	cmd := exec.Command(goTool, "build", "-trimpath", "-o", out, ".")
	cmd.Dir = "testdata/goprog"
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "GOWORK=off")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	code, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.write("/bin/prog", code, 0o755)
	w.mkdirAll("/work")
	r := w.run(run{argv: []string{"prog", "a", "b c"}, cwd: "/work", stdin: "from stdin", env: []string{"COLOR=red"}, timeout: 2 * time.Minute})
	want := "args a|b c\nenv red\ncwd /work\nstdin from stdin\nfile hello 5\nlink data\ndir data,link,sub\nnot exist true\nslept true\n"
	if r.out != want || r.status.ExitCode() != 42 {
		t.Errorf("%v\nwant %q", r, want)
	}
	if r := w.sh("cat /work/data; ls /work; prog x </dev/null | wc -l"); !strings.HasPrefix(r.out, "hellodata\nlink\nsub\n") {
		t.Error(r)
	}
	if r := w.run(run{argv: []string{"prog", "panic"}, timeout: time.Minute}); r.status.ExitCode() != 2 || !strings.Contains(r.err, "panic: as asked") {
		t.Error(r)
	}
}
