package build

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sbxrun/sbx/registry"
)

func TestDockerignore(t *testing.T) {
	b := newBench(t)
	b.write(map[string]string{
		"foo": "1", "bar": "2", "baz": "3", "bay": "4", "docs/a.md": "5", "docs/keep/b.md": "6", "docs/keep/c.txt": "7", "node_modules/x/y": "8", "src/node_modules/z": "9",
		"src/main.go": "10", "tmp/only": "11", "deep/a/b/c.log": "12", "deep/a/b/d": "13",
	})
	for _, tt := range []struct{ ignore, want string }{
		{"", "bar bay baz deep/a/b/c.log deep/a/b/d docs/a.md docs/keep/b.md docs/keep/c.txt foo node_modules/x/y src/main.go src/node_modules/z tmp/only"},
		{"# a comment\nba*\n!bay\n\n/tmp/\n", "bay deep/a/b/c.log deep/a/b/d docs/a.md docs/keep/b.md docs/keep/c.txt foo node_modules/x/y src/main.go src/node_modules/z"},
		{"*\n!foo\n!src/main.go\n", "foo src/main.go"},
		{"**/node_modules\n**/*.log\ndocs\n!docs/keep\ntmp\n", "bar bay baz deep/a/b/d docs/keep/b.md docs/keep/c.txt foo src/main.go"},
		{"docs/*.md\n./deep/a\nb?r\n", "bay baz docs/keep/b.md docs/keep/c.txt foo node_modules/x/y src/main.go src/node_modules/z tmp/only"},
		{"*\n!docs/**/*.md\n", "docs/a.md docs/keep/b.md"},
		{"*\n!**/d\n", "deep/a/b/d"},
		{"docs\n!docs/keep\ndocs/keep/c*\nnode_modules\nsrc\ntmp\ndeep\nb*\n", "docs/keep/b.md foo"},
	} {
		must(t, os.WriteFile(filepath.Join(b.dir, ".dockerignore"), []byte(tt.ignore+"\n.dockerignore"), 0o644))
		r := b.ok("FROM scratch\nCOPY . /\n")
		var got []string
		for _, l := range r.list("/") {
			if !strings.HasSuffix(l, " dir") {
				got = append(got, strings.TrimPrefix(strings.Fields(l)[0], "/"))
			}
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%q\ngot  %s\nwant %s", tt.ignore, s, tt.want)
		}
	}
	must(t, os.WriteFile(filepath.Join(b.dir, ".dockerignore"), []byte("foo\ndocs\n!docs/keep\n"), 0o644))
	for path, ok := range map[string]bool{"foo": false, "bar": true, "docs/a.md": false, "docs/keep/b.md": true, "docs": true, "fo*": true} {
		if r := b.build("FROM scratch\nCOPY " + path + " /x/\n"); (r.err == nil) != ok {
			t.Errorf("COPY %s: %v", path, r.err)
		}
	}
	// A Dockerfile's own file goes before that of the context.
	b.write(map[string]string{"other.Dockerfile": "FROM scratch\nCOPY ba* foo /\n", "other.Dockerfile.dockerignore": "bar\n"})
	r := b.ok("", func(o *Options) { o.Text, o.File = nil, filepath.Join(b.dir, "other.Dockerfile") })
	wantLines(t, r.list("/"), "/bay 644 0:0 4\n/baz 644 0:0 3\n/foo 644 0:0 1")
	must(t, os.WriteFile(filepath.Join(b.dir, ".dockerignore"), []byte("[\n"), 0o644))
	if r := b.build("FROM scratch\n"); r.err == nil || !strings.Contains(r.err.Error(), ".dockerignore") {
		t.Errorf("%v", r.err)
	}
}

// The context may be an archive or a Dockerfile at the end of a stream or URL.
func TestContextForms(t *testing.T) {
	b := newBench(t)
	const text = "FROM base\nCOPY f /f\nRUN cat /f\n"
	archive := tarOf(t, "Dockerfile", text, "other", "FROM base\nCOPY sub /sub\n", "f", "from the archive", "sub/", "", "sub/x", "X", ".dockerignore", "sub/y\n", "sub/y", "Y")
	stream := func(raw []byte, edit ...func(*Options)) *built {
		t.Helper()
		return b.build("", append([]func(*Options){func(o *Options) { o.Dir, o.Text, o.Tar = "", nil, bytes.NewReader(raw) }}, edit...)...)
	}
	for _, raw := range [][]byte{archive, gzipped(t, archive)} {
		r := stream(raw)
		must(t, r.err)
		if got := r.text("f"); got != "from the archive" {
			t.Errorf("%q", got)
		}
		r = stream(raw, func(o *Options) { o.File = "other" })
		must(t, r.err)
		wantLines(t, r.list("/sub"), "/sub/x 640 0:0 X")
	}
	r := stream([]byte("FROM base\nRUN echo alone\n"))
	must(t, r.err)
	if r.log() != "alone\n" {
		t.Errorf("%q", r.log())
	}
	if r := stream([]byte("FROM base\nCOPY x /\n")); r.err == nil || !strings.Contains(r.err.Error(), "no context") {
		t.Errorf("%v", r.err)
	}
	if r := stream(archive[:700]); r.err == nil {
		t.Error("an archive that is cut was a context")
	}
	if r := stream([]byte{0xfd, '7', 'z', 'X', 'Z', 0, 1, 2}); r.err == nil {
		t.Error("garbage was a context")
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/c.tar.gz":
			_, _ = w.Write(gzipped(t, archive))
		case "/Dockerfile":
			_, _ = io.WriteString(w, "FROM base\nRUN echo by URL\n")
		default:
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	for path, want := range map[string]string{"/c.tar.gz": "from the archive", "/Dockerfile": "by URL\n"} {
		r := b.ok("", func(o *Options) { o.Dir, o.Text, o.URL, o.NoCache = "", nil, srv.URL+path, true })
		if r.log() != want {
			t.Errorf("%s: %q", path, r.log())
		}
	}
	for url, want := range map[string]string{srv.URL + "/none": "404", "https://example.com/x.git": "git", "git://example.com/x": "git"} {
		if r := b.build("", func(o *Options) { o.Dir, o.Text, o.URL = "", nil, url }); r.err == nil || !strings.Contains(r.err.Error(), want) {
			t.Errorf("%s: %v", url, r.err)
		}
	}
}

// No link of the context leads out of it, whichever way it is used.
func TestContextIsAPrison(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need rights on Windows")
	}
	b := newBench(t)
	outside := t.TempDir()
	must(t, os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o644))
	b.write(map[string]string{"in": "in"})
	up, err := filepath.Rel(b.dir, outside)
	must(t, err)
	for name, target := range map[string]string{"abs": outside, "rel": up, "file": filepath.Join(outside, "secret"), "Dockerfile": filepath.Join(outside, "secret"), ".dockerignore": filepath.Join(outside, "secret")} {
		must(t, os.Symlink(target, filepath.Join(b.dir, name)))
	}
	for _, line := range []string{"COPY abs/secret /", "COPY rel/secret /", "COPY file /", "COPY abs /d", "COPY rel/ /d", "ADD file /", "COPY --parents abs/secret /", "COPY rel/se* /x", "RUN --mount=type=bind,source=abs,target=/m cat /m/secret"} {
		r := b.build("FROM base\n" + line + "\n")
		if r.err == nil && !r.res.Image.IsZero() {
			for _, l := range append(r.list("/"), r.log()) {
				if strings.HasSuffix(l, " secret") {
					t.Errorf("%s: %s", line, l)
				}
			}
		}
		if strings.Contains(line, "secret ") && r.err == nil {
			t.Errorf("%s: there was such a file", line)
		}
	}
	r := b.ok("FROM scratch\nCOPY . /\n")
	for _, l := range r.list("/") {
		if strings.HasSuffix(l, " secret") && !strings.Contains(l, "->") {
			t.Errorf("%s", l)
		}
	}
	if r := b.build("", func(o *Options) { o.Text = nil }); r.err == nil || !strings.Contains(r.err.Error(), "failed to read dockerfile") {
		t.Errorf("the Dockerfile of another folder was read: %v", r.err)
	}
}

func TestAddURL(t *testing.T) {
	b := newBench(t)
	body, hits := "one", 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits++
		switch r.URL.Path {
		case "/gone":
			http.NotFound(w, r)
		case "/named":
			w.Header().Set("Content-Disposition", `attachment; filename="../../called.txt"`)
			_, _ = io.WriteString(w, body)
		case "/short":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, body)
		case "/a.tar":
			_, _ = w.Write(tarOf(t, "x", "X"))
		default:
			w.Header().Set("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")
			_, _ = io.WriteString(w, body)
		}
	}))
	defer srv.Close()
	client := func(o *Options) { o.HTTP = srv.Client() }
	r := b.ok("FROM scratch\nADD "+srv.URL+"/f.txt?x=1 /d/\nADD --chmod=644 --chown=3 "+srv.URL+"/f.txt /as\n", client)
	wantLines(t, r.list("/"), "/as 644 3:3 one\n/d 755 0:0 dir\n/d/f.txt 600 0:0 one")
	if e, _ := r.tree().stat("as"); e.mtime.Sec != 784111777 {
		t.Errorf("time %d", e.mtime.Sec)
	}
	r = b.ok("FROM scratch\nADD "+srv.URL+"/named /d/\n", client)
	wantLines(t, r.list("/"), "/d 755 0:0 dir\n/d/called.txt 600 0:0 one")
	r = b.ok("FROM scratch\nADD "+srv.URL+"/a.tar /kept/\nADD --unpack=true "+srv.URL+"/a.tar /un/\n", client)
	wantLines(t, r.list("/un"), "/un/x 640 11:12 X")
	if names, _ := r.tree().list("kept"); !slices.Equal(names, []string{"a.tar"}) {
		t.Errorf("%q", names)
	}
	text := "FROM scratch\nADD " + srv.URL + "/f /f\n"
	b.ok(text, client)
	if r := b.ok(text, client); r.done() != 0 {
		t.Errorf("the same download: %q", r.states())
	}
	body = "two"
	if r := b.ok(text, client); r.done() != 1 || r.text("f") != "two" {
		t.Errorf("another download: %q", r.states())
	}
	sum := "sha256:3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3" // of "two"
	text = "FROM scratch\nADD --checksum=" + sum + " " + srv.URL + "/f /f\n"
	b.ok(text, client)
	before := hits
	if b.ok(text, client); hits != before {
		t.Error("what is known by its checksum was downloaded again")
	}
	body = "three"
	if r := b.build("FROM scratch\nADD --checksum="+sum+" "+srv.URL+"/other /f\n", client); r.err == nil || !strings.Contains(r.err.Error(), "digest mismatch") {
		t.Errorf("%v", r.err)
	}
	for path, want := range map[string]string{"/gone": "404", "/short": "EOF"} {
		if r := b.build("FROM scratch\nADD "+srv.URL+path+" /f\n", client); r.err == nil || !strings.Contains(r.err.Error(), want) {
			t.Errorf("%s: %v", path, r.err)
		}
	}
	// Without a client of the caller's, ADD reaches no more than a program does.
	if r := b.build("FROM scratch\nADD " + srv.URL + "/f /f\n"); r.err == nil || !strings.Contains(r.err.Error(), "refused") {
		t.Errorf("the loopback of the host: %v", r.err)
	}
	for _, u := range []string{"http://169.254.169.254/latest/meta-data/", "http://[::ffff:127.0.0.1]:1/"} {
		if r := b.build("FROM scratch\nADD " + u + " /f\n"); r.err == nil {
			t.Errorf("%s was reached", u)
		}
	}
}

func TestFurtherContexts(t *testing.T) {
	b := newBench(t)
	other := t.TempDir()
	must(t, os.WriteFile(filepath.Join(other, "o"), []byte("other"), 0o644))
	must(t, os.WriteFile(filepath.Join(other, "hidden"), []byte("hidden"), 0o644))
	must(t, os.WriteFile(filepath.Join(other, ".dockerignore"), []byte("hidden\n"), 0o644))
	with := func(o *Options) {
		o.Contexts = map[string]string{"more": other, "debian": "docker-image://localhost/base", "git": "https://x/y.git"}
	}
	r := b.ok("FROM debian\nCOPY --from=more o /o\nRUN --mount=type=bind,from=more,target=/m cat /m/o /o\n", with)
	if r.log() != "otherother" {
		t.Errorf("%q", r.log())
	}
	for line, want := range map[string]string{"COPY --from=more hidden /": "not found", "COPY --from=git x /": "only folders"} {
		if r := b.build("FROM scratch\n"+line+"\n", with); r.err == nil || !strings.Contains(r.err.Error(), want) {
			t.Errorf("%s: %v", line, r.err)
		}
	}
	if r := b.build("FROM more\n", with); !errors.Is(r.err, registry.ErrUnsupported) {
		t.Errorf("%v", r.err)
	}
}

// A file that changes while it is being copied does not get into the cache
// under the sum of what it was.
func TestContextThatChanges(t *testing.T) {
	b := newBench(t)
	b.write(map[string]string{"f": "one"})
	var changed bool
	r := b.build("FROM base\nRUN true\nCOPY f /f\n", func(o *Options) {
		o.Progress = func(e Event) {
			if !changed && e.Kind == Started && strings.Contains(e.Name, "RUN true") {
				changed = true
				b.write(map[string]string{"f": "two"})
			}
		}
	})
	if r.err == nil || !strings.Contains(r.err.Error(), "changed") {
		t.Errorf("%v", r.err)
	}
	b.write(map[string]string{"f": "one"})
	if got := b.ok("FROM base\nRUN true\nCOPY f /f\n").text("f"); got != "one" {
		t.Errorf("the cache has %q for what was one", got)
	}
	if _, err := b.e.Store().GC(context.Background()); err != nil {
		t.Error(err)
	}
}
