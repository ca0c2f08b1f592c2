package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/internal/testimage"
)

// goPackage is a package of Go's own library, whose tests run as a static program in a container.
type goPackage struct {
	path string
	long bool   // only when there is time
	skip string // tests that are not run, a regular expression
}

var goPackages = []goPackage{
	{path: "internal/poll"},
	{path: "io/fs"},
	// Those that are left out lay out several summaries of 48-bit address spaces at once, 1.2 GiB each.
	{path: "runtime", skip: "^(TestPageAlloc|TestPageCacheFlush)"},
	{path: "os"},
	{path: "os/exec"},
	{path: "os/signal"},
	{path: "os/user"},
	{path: "path/filepath"},
	{path: "sync"},
	{path: "syscall"},
	// Names of the Internet are asked for over and over.
	{path: "net", skip: "Lookup|DNS|Resolver|External"},
	{path: "time", long: true},
}

var onlyGo = flag.String("gostd", "", "run only these packages of Go's library, a regular expression")

// TestGoLibrary runs the tests of Go's own library in sbx. Those in testdata/gostd have passed once and have to, unless they
// fail on this machine without sbx too.
func TestGoLibrary(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	long := os.Getenv(longVariable) != ""
	l := newGoLibrary(t, long)
	only, err := regexp.Compile(*onlyGo)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range goPackages {
		if p.long && !long || !only.MatchString(p.path) {
			continue
		}
		t.Run(strings.ReplaceAll(p.path, "/", "_"), func(t *testing.T) { l.check(t, p) })
	}
}

// goLibrary is a copy of what the tests of Go's library need, and how to run sbx.
type goLibrary struct {
	long     bool
	dir      string // of the sources, and of the compiled tests
	src, bin string
	sbx      string
	env      []string
}

func newGoLibrary(t *testing.T, long bool) *goLibrary {
	mirror := testimage.Serve(t)
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skipf("no go command: %v", err)
	}
	dir := t.TempDir()
	l := &goLibrary{long: long, dir: dir, src: filepath.Join(dir, "goroot"), bin: filepath.Join(dir, "bin"), sbx: builtCommand(t)}
	l.env = append(os.Environ(), "SBX_HOME="+filepath.Join(dir, "home"), "SBX_REGISTRY_MIRROR="+mirror)
	if err := os.Mkdir(l.bin, 0o755); err != nil {
		t.Fatal(err)
	}
	from := strings.TrimSpace(string(root))
	for _, sub := range []string{"src/internal/poll", "src/io", "src/net", "src/os", "src/path", "src/runtime", "src/sync", "src/syscall", "src/time", "lib/time"} {
		if err := copyTree(filepath.Join(from, sub), filepath.Join(l.src, sub)); err != nil {
			t.Skipf("the sources of Go's library are not to be had: %v", err)
		}
	}
	pull := exec.Command(l.sbx, "pull", "-q", "debian:12")
	pull.Env = l.env
	if out, err := pull.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return l
}

// copyTree copies folders and regular files, so that what tests write to stays theirs.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		dest := filepath.Join(to, strings.TrimPrefix(path, from))
		switch {
		case d.IsDir():
			return os.MkdirAll(dest, 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(dest, text, 0o644)
	})
}

// check runs one package's tests.
func (l *goLibrary) check(t *testing.T, p goPackage) {
	name := strings.ReplaceAll(p.path, "/", "_")
	file := filepath.Join(l.bin, name+".test")
	build := exec.Command("go", "test", "-c", "-o", file, p.path)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("go test -c: %v: %s", err, out)
	}
	args := []string{"-test.v=test2json", "-test.timeout=4m"}
	if !l.long {
		args = append(args, "-test.short")
	}
	if p.skip != "" {
		args = append(args, "-test.skip="+p.skip)
	}
	inside := exec.Command(l.sbx, append([]string{"run", "--rm", "-v", l.src + ":/goroot", "-v", l.bin + ":/gotests:ro", "-e", "GOROOT=/goroot", "-w", "/goroot/src/" + p.path,
		// Not as process 1, whom signals do not end.
		"debian:12", "sh", "-c", `"$@"; exit $?`, "sh", "/gotests/" + name + ".test"}, args...)...)
	inside.Env = l.env
	got, said := goTests(t, inside)
	if len(got) == 0 {
		t.Fatalf("no test ran: %s", tail(said))
	}

	native := func([]string) map[string]string {
		cmd := exec.Command(file, args...)
		cmd.Dir, cmd.Env = filepath.Join(l.src, "src", p.path), append(os.Environ(), "GOROOT="+l.src)
		verdicts, _ := goTests(t, cmd)
		return verdicts
	}
	loadPasses(t, filepath.Join("testdata", "gostd", name+".txt")).hold(t, got, native, l.long, said)
}

// verdict is a line of a test's output; only tests on the first level count, for they fail with those within.
var verdict = regexp.MustCompile(`\x16--- (PASS|FAIL|SKIP): ([^/\s]+) \(`)

// goTests runs the tests of a package and returns what became of each.
func goTests(t *testing.T, cmd *exec.Cmd) (map[string]string, []byte) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := context.AfterFunc(ctx, func() { cmd.Process.Kill() })
	defer stop()
	_ = cmd.Wait()
	if ctx.Err() != nil {
		fmt.Fprintln(&out, "it hung")
	}
	verdicts := map[string]string{}
	for _, m := range verdict.FindAllSubmatch(out.Bytes(), -1) {
		verdicts[string(m[2])] = string(m[1])
	}
	return verdicts, out.Bytes()
}

// tail is the end of a long text.
func tail(b []byte) []byte { return b[max(0, len(b)-8<<10):] }
