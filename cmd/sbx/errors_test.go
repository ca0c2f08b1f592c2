package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sbx runs a command line in this process.
type sbx struct {
	t    *testing.T
	home string
}

// newSbx makes a home folder with a registry of its own.
func newSbx(t *testing.T, home string) *sbx {
	t.Helper()
	t.Setenv("SBX_HOME", home)
	t.Setenv("SBX_REGISTRY_MIRROR", newTestRegistry(t))
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Cleanup(func() { endAll(t, home) })
	return &sbx{t, home}
}

func (s *sbx) run(args ...string) (code int, out, errs string) {
	s.t.Helper()
	var o, e bytes.Buffer
	a := &app{in: strings.NewReader(""), out: &o, err: &e, cancel: func() {}, unhook: func() {}}
	code = a.main(context.Background(), args)
	return code, o.String(), e.String()
}

func (s *sbx) must(args ...string) string {
	s.t.Helper()
	code, out, errs := s.run(args...)
	if code != 0 {
		s.t.Fatalf("sbx %s: exit %d\n%s", strings.Join(args, " "), code, errs)
	}
	return strings.TrimSpace(out)
}

// fails checks the exit code, and that stderr ends in one line of sbx's that
// holds text.
func (s *sbx) fails(code int, text string, args ...string) {
	s.t.Helper()
	got, _, errs := s.run(args...)
	lines := strings.Split(strings.TrimRight(errs, "\n"), "\n")
	ours := 0
	for _, l := range lines {
		if strings.HasPrefix(l, "sbx: ") {
			ours++
		}
	}
	last := lines[len(lines)-1]
	if got != code || ours != 1 || !strings.HasPrefix(last, "sbx: ") || !strings.Contains(last, text) || strings.Contains(last, "\t") || len(last) > 400 {
		s.t.Errorf("sbx %s: exit %d, want %d and one line with %q:\n%s", strings.Join(args, " "), got, code, text, errs)
	}
}

// TestWrongUse: one line that says what to do, and docker's exit code.
func TestWrongUse(t *testing.T) {
	s := newSbx(t, t.TempDir())
	s.must("create", "--name", "made", "tiny")
	for _, c := range []struct {
		code int
		text string
		args string
	}{
		// references
		{125, `invalid reference format: "UPPER": the repository name must be lower-case`, "run UPPER"},
		{125, "invalid reference format", "run tiny:bad:tag"},
		{125, "invalid reference format", "run tiny@sha256:short"},
		{1, "invalid reference format", "pull ../x"},
		{1, "invalid reference format", "tag tiny Bad/Name"},
		{1, "invalid reference format", "commit made A:b"},
		// images that are not there
		{125, "nosuch", "run nosuch"},
		{1, "nosuch", "pull nosuch"},
		{125, "tiny:v9", "run tiny:v9"},
		{125, "No such image: nosuch: pull it first", "run --pull=never nosuch"},
		{1, "No such image: nosuch", "rmi nosuch"},
		{1, "No such image: nosuch", "history nosuch"},
		{1, "No such image: nosuch", "save -o x.tar nosuch"},
		{1, "No such image: nosuch", "tag nosuch x"},
		{1, "nosuch", "push nosuch"},
		// platforms
		{125, "linux/s390x", "run --platform linux/s390x tiny"},
		{1, "linux/arm64", "pull --platform linux/arm64 tiny"},
		{125, "platform", "run --platform nonsense tiny"},
		// containers
		{1, "no such container: nosuch", "rm nosuch"},
		{1, "no such container: nosuch", "diff nosuch"},
		{1, "no such container: nosuch", "export nosuch"},
		{1, "no such container: nosuch", "commit nosuch"},
		{1, "no such container: nosuch", "kill nosuch"},
		{1, "container made is not running", "kill made"},
		{1, "no such container: nosuch", "start nosuch"},
		{1, "no such container: nosuch", "start -a nosuch"},
		{1, "no such container: nosuch", "start -ai nosuch"},
		{1, "no such container: nosuch", "attach nosuch"},
		{1, "no such container: nosuch", "exec nosuch true"},
		{1, "no such container: nosuch", "exec -d nosuch true"},
		{1, "no such container: nosuch", "cp nosuch:/f ."},
		{1, "no such container: nosuch", "container inspect nosuch"},
		{1, "no such container: nosuch", "logs nosuch"},
		{1, "no such container: nosuch", "pause nosuch"},
		{1, "no such container: nosuch", "unpause nosuch"},
		{1, "no such container: nosuch", "port nosuch"},
		{1, "no such container: nosuch", "rename nosuch new"},
		{1, "no such container: nosuch", "restart nosuch"},
		{1, "no such container: nosuch", "stats --no-stream nosuch"},
		{1, "no such container: nosuch", "stop nosuch"},
		{1, "no such container: nosuch", "top nosuch"},
		{1, "no such container: nosuch", "update -m 1g nosuch"},
		{1, "no such container: nosuch", "wait nosuch"},
		{1, "no such container: nosuch", "network connect bridge nosuch"},
		{1, "no such container: nosuch", "network disconnect bridge nosuch"},
		{0, "no such container: nosuch", "rm -f nosuch"},
		{0, "No such image: nosuch", "rmi -f nosuch"},
		{0, "network nosuch not found", "network rm -f nosuch"},
		{1, "network nosuch not found", "network rm nosuch"},
		{125, "no such container: nosuch", "run --volumes-from nosuch tiny"},
		{125, `invalid --volumes-from "made:x"`, "run --volumes-from made:x tiny"},
		// flags
		{125, "unknown flag: --nosuch: see 'sbx run --help'", "run --nosuch tiny"},
		{125, "unknown shorthand flag: 'Z' in -Z", "run -Z tiny"},
		{125, "flag needs an argument: --name", "run --name"},
		{125, "sbx run needs IMAGE [COMMAND] [ARG...]", "run"},
		{125, "sbx create needs IMAGE", "create"},
		{125, "sbx tag needs IMAGE NAME[:TAG]", "tag one"},
		{125, "sbx images needs", "images one two"},
		{125, "sbx ps takes no arguments", "ps extra"},
		{125, `"nosuch" is not a command of sbx`, "nosuch"},
		{1, "no such container: x", "exec x ls"},
		{125, "invalid key", "attach --detach-keys ctrl-1 x"},
		{125, "invalid timeout", "stop -t -2 x"},
		{125, "invalid signal", "kill -s NOPE made"},
		{125, `invalid argument "x" for "--pids-limit"`, "run --pids-limit x tiny"},
		{125, "limits cannot be negative", "run --pids-limit -7 tiny"},
		{125, `invalid size "0" for --memory`, "run -m 0 tiny"},
		{125, `invalid size "x" for --storage-opt`, "run --storage-opt size=x tiny"},
		{125, "invalid pull policy", "run --pull often tiny"},
		{125, "invalid mount", "run --mount type=bind,source=/x tiny"},
		{125, "unknown key", "run --mount type=bind,colour=red,target=/x tiny"},
		{125, "invalid mount type", "run --mount type=nfs,target=/x tiny"},
		{125, "it can't be '/'", "run -v data:/ tiny"},
		{125, "two mounts at /x", "run -v one:/x --tmpfs /x tiny"},
		{125, "invalid tmpfs", "run --tmpfs /x:size=much tiny"},
		{125, "invalid tmpfs", "run --tmpfs /x:colour=red tiny"},
		{125, "invalid label", "run --label =x tiny"},
		{125, "invalid host name", "run --hostname a/b tiny"},
		{125, "invalid host entry", "run --add-host nocolon tiny"},
		// what images and containers are asked for
		{1, "template parsing error", "ps --format {{"},
		{1, "template parsing error", "images --format {{.Nope}}"},
		{125, "invalid filter", "images --filter nope=1"},
		{125, "invalid filter", "ps --filter status"},
		{1, "nosuchfile: no such file or directory", "load -i nosuchfile"},
		{1, "nosuchfile: no such file or directory", "import nosuchfile x"},
		{1, "cannot import from a URL", "import http://127.0.0.1/x"},
	} {
		s.fails(c.code, c.text, strings.Fields(c.args)...)
	}
	if out := s.must("ps", "-aq"); strings.Count(out, "\n") != 0 {
		t.Errorf("containers were made:\n%s", out)
	}
}

// TestNoNetwork: an image that is here runs, one that is not is told of.
func TestNoNetwork(t *testing.T) {
	s := newSbx(t, t.TempDir())
	s.must("pull", "-q", "tiny")
	t.Setenv("SBX_REGISTRY_MIRROR", "http://127.0.0.1:1")
	if out := s.must("run", "--rm", "tiny"); out != "hello from tiny" {
		t.Error(out)
	}
	s.fails(125, "127.0.0.1:1", "run", "tiny:v2")
	s.fails(1, "127.0.0.1:1", "pull", "tiny:v2")
	s.fails(125, "127.0.0.1:1", "run", "--pull=always", "tiny")
	s.fails(1, "127.0.0.1:1", "push", "127.0.0.1:1/x")
}

// damages are what may happen to a file.
var damages = []struct {
	name string
	do   func([]byte) []byte
}{
	{"a byte flipped", func(b []byte) []byte { b[len(b)/2] ^= 0xff; return b }},
	{"cut in half", func(b []byte) []byte { return b[:len(b)/2] }},
	{"emptied", func([]byte) []byte { return nil }},
	{"overwritten", func(b []byte) []byte { return bytes.Repeat([]byte{'{'}, len(b)) }},
}

// TestDamage does each damage to every file of a home folder in turn. sbx works
// as before, or says in one line what to do; nothing else is hurt by it, and
// an image that is removed and pulled again is well.
func TestDamage(t *testing.T) {
	s := newSbx(t, t.TempDir())
	s.must("run", "--name", "web", "-v", "vol:/vol", "tiny", "sh", "-c", "echo x >/f; echo y >/vol/f")
	s.must("run", "--name", "other", "tiny", "sh", "-c", "echo x >/f")
	var files []string
	err := filepath.WalkDir(s.home, func(p string, d fs.DirEntry, err error) error {
		if fi, ierr := d.Info(); err == nil && ierr == nil && fi.Mode().IsRegular() && fi.Size() > 0 {
			files = append(files, p)
		}
		return err
	})
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	told := map[string]int{}
	for _, file := range files {
		rel, _ := filepath.Rel(s.home, file)
		kind, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
		good, err := os.ReadFile(file)
		if err != nil || kind == "cache" {
			continue
		}
		for _, d := range damages {
			_ = os.Chmod(file, 0o600)
			if err := os.WriteFile(file, d.do(bytes.Clone(good)), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{
				{"start", "-a", "web"}, {"ps", "-a"}, {"images"}, {"inspect", "tiny"}, {"inspect", "web"}, {"diff", "web"}, {"system", "df"},
				{"run", "--rm", "-v", "vol:/vol", "tiny", "sh", "-c", "read x </vol/f; echo $x"}, {"save", "-o", filepath.Join(t.TempDir(), "x"), "tiny"},
			} {
				code, out, errs := s.run(args...)
				if strings.Contains(out+errs, "goroutine ") || strings.Contains(out+errs, "panic") {
					t.Fatalf("%s %s: sbx %v panics:\n%s", rel, d.name, args, errs)
				}
				if code == 0 {
					continue
				}
				told[kind]++
				ours := 0
				for l := range strings.SplitSeq(errs, "\n") {
					if strings.HasPrefix(l, "sbx: ") {
						ours++
					}
				}
				if ours == 0 {
					t.Errorf("%s %s: sbx %v: exit %d, %q", rel, d.name, args, code, errs)
				}
				t.Logf("%s %s: sbx %s: exit %d\n%s", rel, d.name, strings.Join(args, " "), code, errs)
			}
			if err := os.WriteFile(file, good, 0o600); err != nil {
				t.Fatal(err)
			}
			s.must("run", "--rm", "-v", "vol:/vol", "tiny", "sh", "-c", "read x </vol/f")
			s.must("start", "-a", "web")
			s.must("start", "-a", "other")
		}
	}
	for _, kind := range []string{"containers", "oci", "volumes"} {
		if told[kind] == 0 {
			t.Errorf("no damage in %s was found", kind)
		}
	}
}

// TestPullHeals: whatever happens to the files of an image, pulling it anew
// brings it back.
func TestPullHeals(t *testing.T) {
	s := newSbx(t, t.TempDir())
	s.must("pull", "-q", "tiny")
	for _, pattern := range []string{"oci/blobs/sha256/*", "v1/*/*"} {
		files, err := filepath.Glob(filepath.Join(s.home, filepath.FromSlash(pattern)))
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, d := range damages {
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil || len(b) == 0 {
					continue
				}
				_ = os.Chmod(f, 0o600)
				if err := os.WriteFile(f, d.do(b), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			s.run("rmi", "-f", "tiny")
			s.must("pull", "-q", "tiny")
			if out := s.must("run", "--rm", "tiny"); out != "hello from tiny" {
				t.Errorf("%s %s: %q", pattern, d.name, out)
			}
		}
	}
}
