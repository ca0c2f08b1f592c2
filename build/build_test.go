package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/sandbox"
	"github.com/sbxrun/sbx/vfs"
)

// bench is an engine with an empty home, and a folder for contexts.
type bench struct {
	t   testing.TB
	e   *sandbox.Engine
	dir string
}

func newBench(t testing.TB) *bench {
	t.Helper()
	e, err := sandbox.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bench{t, e, t.TempDir()}
}

// write makes files of the context; a name that ends with "/" is a folder, a
// text "-> x" a link.
func (b *bench) write(files map[string]string) {
	b.t.Helper()
	for name, text := range files {
		p := filepath.Join(b.dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			must(b.t, os.MkdirAll(p, 0o755))
			continue
		}
		must(b.t, os.MkdirAll(filepath.Dir(p), 0o755))
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			must(b.t, os.Symlink(target, p))
			continue
		}
		must(b.t, os.WriteFile(p, []byte(text), 0o644))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// built is what came of a build.
type built struct {
	bench  *bench
	res    Result
	err    error
	events []Event
}

// build builds a Dockerfile with the folder as context.
func (b *bench) build(text string, edit ...func(*Options)) *built {
	b.t.Helper()
	out := &built{bench: b}
	var mu sync.Mutex
	o := Options{Dir: b.dir, Text: strings.NewReader(text), Progress: func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		out.events = append(out.events, e)
	}}
	for _, f := range edit {
		f(&o)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	out.res, out.err = Build(ctx, b.e, o)
	return out
}

// ok is build that must work.
func (b *bench) ok(text string, edit ...func(*Options)) *built {
	b.t.Helper()
	r := b.build(text, edit...)
	if r.err != nil {
		b.t.Fatalf("%s\n%v\n%s", text, r.err, r.log())
	}
	return r
}

// log is what programs wrote.
func (r *built) log() string {
	var b strings.Builder
	for _, e := range r.events {
		if e.Kind == Printed {
			b.WriteString(e.Text)
		}
	}
	return b.String()
}

// states are the ends of the numbered steps, in their order: "RUN x: CACHED".
func (r *built) states() []string {
	names := map[int]string{}
	var ids []int
	for _, e := range r.events {
		if !strings.HasPrefix(e.Name, "[") || strings.HasPrefix(e.Name, "[internal]") || strings.Contains(e.Name, "] FROM ") {
			continue
		}
		state := map[EventKind]string{Done: "DONE", Cached: "CACHED", Failed: "ERROR", Canceled: "CANCELED"}[e.Kind]
		if e.Kind == Started {
			ids = append(ids, e.Vertex)
		}
		if state != "" {
			_, name, _ := strings.Cut(e.Name, "] ")
			names[e.Vertex] = name + ": " + state
		}
	}
	var out []string
	for _, id := range ids {
		out = append(out, names[id])
	}
	return out
}

// done counts the steps that were done and not found.
func (r *built) done() (n int) {
	for _, s := range r.states() {
		if strings.HasSuffix(s, ": DONE") {
			n++
		}
	}
	return n
}

// tree opens the files of the image.
func (r *built) tree() *vfsTree {
	r.bench.t.Helper()
	root, err := r.bench.e.Store().OpenRoot(context.Background(), r.res.Image)
	must(r.bench.t, err)
	f := vfs.New(root.Index, root.Content, vfs.Options{})
	r.bench.t.Cleanup(func() {
		_ = f.Close()
		_ = root.Close()
	})
	return &vfsTree{fs: f}
}

// list shows the files below a folder: "path mode uid:gid content".
func (r *built) list(dir string) []string {
	r.bench.t.Helper()
	return listTree(r.bench.t, r.tree(), clean(dir))
}

// text is a file of the image, without the line's end.
func (r *built) text(p string) string {
	r.bench.t.Helper()
	b, err := readTree(r.tree(), p, 1<<20)
	must(r.bench.t, err)
	return strings.TrimSuffix(string(b), "\n")
}

func listTree(t testing.TB, tr tree, dir string) (out []string) {
	t.Helper()
	names, err := tr.list(dir)
	must(t, err)
	for _, n := range names {
		p := strings.TrimPrefix(dir+"/"+n, "/")
		e, err := tr.stat(p)
		must(t, err)
		line := fmt.Sprintf("/%s %o %d:%d", p, e.mode&0o7777, e.uid, e.gid)
		switch e.mode & linux.S_IFMT {
		case linux.S_IFDIR:
			out = append(out, line+" dir")
			out = append(out, listTree(t, tr, p)...)
			continue
		case linux.S_IFLNK:
			line += " -> " + e.link
		case linux.S_IFREG:
			text, err := readTree(tr, p, 1<<20)
			must(t, err)
			line += " " + strings.TrimSuffix(string(text), "\n")
		default:
			line += " special"
		}
		out = append(out, line)
	}
	return out
}

func wantLines(t testing.TB, got []string, want string) {
	t.Helper()
	w := strings.Split(strings.TrimSpace(want), "\n")
	for i := range w {
		w[i] = strings.TrimSpace(w[i])
	}
	if strings.TrimSpace(want) == "" {
		w = nil
	}
	if !slices.Equal(got, w) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(w, "\n"))
	}
}

func TestBuildRunsAndCaches(t *testing.T) {
	b := newBench(t)
	b.write(map[string]string{"a.txt": "hello\n"})
	const text = `FROM base
WORKDIR /app
COPY a.txt .
RUN cat a.txt; echo two >two; echo "$X-$Y"; pwd; id -u
ENV X=1
RUN echo "X=$X" >x
EXPOSE 80
CMD ["cat", "/app/x"]
`
	first := b.ok(text, func(o *Options) { o.Tags = []string{"mine", "other:2"} })
	if got := first.log(); got != "hello\n-\n/app\n0\n" {
		t.Errorf("the programs wrote %q", got)
	}
	if n := first.done(); n != 4 {
		t.Errorf("%d steps were done: %q", n, first.states())
	}
	wantLines(t, first.list("/app"), `
		/app/a.txt 644 0:0 hello
		/app/two 644 0:0 two
		/app/x 644 0:0 X=1
	`)
	cfg := first.res.Image.Config()
	if cfg.Config.WorkingDir != "/app" || !slices.Equal(cfg.Config.Cmd, []string{"cat", "/app/x"}) || len(cfg.Config.ExposedPorts) != 1 {
		t.Errorf("%+v", cfg.Config)
	}
	var history []string
	for _, h := range first.res.Image.History()[1:] {
		history = append(history, fmt.Sprintf("%s %v", h.CreatedBy, h.EmptyLayer))
	}
	wantLines(t, history, `
		WORKDIR /app false
		COPY a.txt /app/ # buildkit false
		RUN /bin/sh -c cat a.txt; echo two >two; echo "$X-$Y"; pwd; id -u # buildkit false
		ENV X=1 true
		RUN /bin/sh -c echo "X=$X" >x # buildkit false
		EXPOSE [80/tcp] true
		CMD ["cat" "/app/x"] true
	`)
	if tags := first.res.Image.RepoTags(); !slices.Equal(tags, []string{"mine:latest", "other:2"}) {
		t.Errorf("names %q", tags)
	}
	second := b.ok(text, func(o *Options) { o.Tags = []string{"mine"} })
	if n := second.done(); n != 0 {
		t.Errorf("the second build did %d steps: %q", n, second.states())
	}
	if second.res.Image.ID() != first.res.Image.ID() {
		t.Errorf("the second image is another: %s, %s", second.res.Image.ID(), first.res.Image.ID())
	}
	if third := b.ok(text, func(o *Options) { o.NoCache = true }); third.done() != 4 {
		t.Errorf("without the cache: %q", third.states())
	}
}

func TestFailedStep(t *testing.T) {
	b := newBench(t)
	r := b.build("FROM base\nRUN echo before; exit 7\nRUN echo never\n", func(o *Options) { o.Tags = []string{"never"} })
	var pe *ProcessError
	if !errors.As(r.err, &pe) || pe.ExitCode != 7 {
		t.Fatalf("%v", r.err)
	}
	if got := r.err.Error(); got != `process "/bin/sh -c echo before; exit 7" did not complete successfully: exit code: 7` {
		t.Errorf("%q", got)
	}
	var be *Error
	if !errors.As(r.err, &be) || be.Line != 2 || be.Step != "[2/3] RUN echo before; exit 7" || !strings.Contains(be.Source, ">>> RUN echo before") {
		t.Errorf("%+v", be)
	}
	if _, err := b.e.Image(context.Background(), "never"); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("an image of a failed build: %v", err)
	}
	wantLines(t, r.states(), "RUN echo before; exit 7: ERROR")
}
