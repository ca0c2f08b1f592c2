package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/sandbox"
)

// TestCacheKeys changes one thing at a time, and looks which steps are done
// again.
func TestCacheKeys(t *testing.T) {
	b := newBench(t)
	b.write(map[string]string{"a": "A", "dir/b": "B", "unrelated": "1"})
	const text = `FROM base
ARG X=1
ARG UNUSED=1
RUN echo early
COPY a /a
COPY dir /dir
ARG LATE=1
RUN echo late
ENV E=1
RUN echo last
WORKDIR /w
USER user
RUN echo user
`
	base := func(*Options) {}
	b.ok(text)
	touch := func(name string, at time.Time) { must(t, os.Chtimes(filepath.Join(b.dir, name), at, at)) }
	write := func(name, text string) { b.write(map[string]string{name: text}) }
	for _, tt := range []struct {
		name   string
		change func()
		text   string
		opt    func(*Options)
		want   []string // the steps that are done again
	}{
		{"nothing", func() {}, text, base, nil},
		{"only a time", func() { touch("a", time.Unix(1e9, 0)) }, text, base, nil},
		{"a file that is not copied", func() { write("unrelated", "2") }, text, base, nil},
		{"a comment and blanks", func() {}, strings.ReplaceAll(text, "COPY a", "# why\n\nCOPY    a"), base, nil},
		{"a later instruction", func() {}, text + "RUN echo more\n", base, []string{"RUN echo more"}},
		{"content", func() { write("dir/b", "BB") }, text, base, []string{"COPY dir /dir", "RUN echo late", "RUN echo last", "WORKDIR /w", "RUN echo user"}},
		{"the content of before", func() { write("dir/b", "B") }, text, base, nil},
		{"a mode", func() { must(t, os.Chmod(filepath.Join(b.dir, "a"), 0o600)) }, text, base, []string{"COPY a /a", "COPY dir /dir", "RUN echo late", "RUN echo last", "WORKDIR /w", "RUN echo user"}},
		{"the mode of before", func() { must(t, os.Chmod(filepath.Join(b.dir, "a"), 0o644)) }, text, base, nil},
		{"a name", func() { must(t, os.Rename(filepath.Join(b.dir, "dir/b"), filepath.Join(b.dir, "dir/c"))) }, text, base, []string{"COPY dir /dir", "RUN echo late", "RUN echo last", "WORKDIR /w", "RUN echo user"}},
		{"the name of before", func() { must(t, os.Rename(filepath.Join(b.dir, "dir/c"), filepath.Join(b.dir, "dir/b"))) }, text, base, nil},
		{"an argument", func() {}, text, func(o *Options) { o.Args = map[string]string{"LATE": "2"} }, []string{"RUN echo late", "RUN echo last", "RUN echo user"}},
		{"a proxy", func() {}, text, func(o *Options) { o.Args = map[string]string{"HTTP_PROXY": "http://p"} }, nil},
		{"an environment", func() {}, strings.ReplaceAll(text, "E=1", "E=2"), base, []string{"RUN echo last", "RUN echo user"}},
		{"a user", func() {}, strings.ReplaceAll(text, "USER user", "USER daemon"), base, []string{"RUN echo user"}},
		{"no network", func() {}, text, func(o *Options) { o.Network = "none" }, []string{"RUN echo early", "RUN echo late", "RUN echo last", "RUN echo user"}},
		{"an owner", func() {}, strings.ReplaceAll(text, "COPY dir", "COPY --chown=1 dir"), base, []string{"COPY --chown=1 dir /dir", "RUN echo late", "RUN echo last", "WORKDIR /w", "RUN echo user"}},
	} {
		tt.change()
		r := b.ok(tt.text, tt.opt)
		var got []string
		for _, s := range r.states() {
			if name, ok := strings.CutSuffix(s, ": DONE"); ok {
				got = append(got, name)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: done again %q, want %q", tt.name, got, tt.want)
		}
	}
}

// A stage that makes the same files again lets what copies them be.
func TestStageContentDecides(t *testing.T) {
	b := newBench(t)
	const text = `FROM base AS make
RUN echo %s >/noise; echo same >/out
FROM base
COPY --from=make /out /out
RUN cat /out
`
	b.ok(fmt.Sprintf(text, "one"))
	r := b.ok(fmt.Sprintf(text, "two"))
	wantLines(t, r.states(), `
		RUN echo two >/noise; echo same >/out: DONE
		COPY --from=make /out /out: CACHED
		RUN cat /out: CACHED
	`)
}

func TestPruneCache(t *testing.T) {
	b := newBench(t)
	ctx := context.Background()
	const text = "FROM base\nRUN echo one >/one\nRUN --mount=type=cache,target=/c echo kept >/c/f; echo two >/two\n"
	b.ok(text, func(o *Options) { o.Tags = []string{"kept"} })
	b.ok("FROM base\nRUN echo gone >/gone\n", func(o *Options) { o.Outputs = []Output{{Type: OutputNone}} })
	u, err := b.e.Store().BuildUsage()
	if err != nil || u.Records != 3 || u.Active != 2 || u.Size == 0 {
		t.Errorf("%+v, %v", u, err)
	}
	p, err := PruneCache(ctx, b.e, PruneOptions{Until: time.Hour})
	if err != nil || len(p.IDs) != 0 {
		t.Errorf("what was just used is gone: %+v, %v", p, err)
	}
	p, err = PruneCache(ctx, b.e, PruneOptions{})
	if err != nil || len(p.IDs) != 1 || p.Freed != u.Size {
		t.Errorf("%+v, %v; used before %+v", p, err, u)
	}
	if r := b.ok(text); r.done() != 0 {
		t.Errorf("steps of an image are gone: %q", r.states())
	}
	p, err = PruneCache(ctx, b.e, PruneOptions{All: true})
	if err != nil || len(p.IDs) != 3 {
		t.Errorf("%+v, %v", p, err)
	}
	if m, err := b.e.BuildMounts(); err != nil || len(m) != 0 {
		t.Errorf("cache mounts %+v, %v", m, err)
	}
	img, err := b.e.Image(ctx, "kept")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := b.e.Store().Export(ctx, img, &out); err != nil {
		t.Errorf("the image is damaged: %v", err)
	}
	if r := b.ok(text); r.done() != 2 {
		t.Errorf("%q", r.states())
	}
	if p, err := PruneCache(ctx, b.e, PruneOptions{All: true, KeepStorage: 1 << 30}); err != nil || len(p.IDs) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

// Many builds at once in one home, with garbage collected and the cache
// pruned meanwhile: each makes a whole image.
func TestBuildsAtOnce(t *testing.T) {
	b := newBench(t)
	b.write(map[string]string{"f": strings.Repeat("x", 100_000)})
	ctx, cancel := context.WithCancel(context.Background())
	var prune sync.WaitGroup
	prune.Go(func() {
		for ctx.Err() == nil {
			if _, err := PruneCache(ctx, b.e, PruneOptions{All: true}); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			if _, err := b.e.Store().GC(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
			time.Sleep(time.Millisecond)
		}
	})
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			e, err := sandbox.Open(b.e.Home())
			if err != nil {
				t.Error(err)
				return
			}
			defer e.Close()
			for j := range 4 {
				o := Options{Dir: b.dir, Text: strings.NewReader(fmt.Sprintf("FROM base AS a\nCOPY f /f\nRUN echo %d >/n\nFROM base\nCOPY --from=a /n /f /\nRUN cat /n >/m\n", (i+j)%3)), Tags: []string{fmt.Sprintf("many:%d", i)}}
				res, err := Build(context.Background(), e, o)
				if err != nil {
					t.Errorf("build %d of %d: %v", j, i, err)
					continue
				}
				if err := e.Store().Export(context.Background(), res.Image, io.Discard); err != nil {
					t.Errorf("image %d of %d: %v", j, i, err)
				}
			}
		})
	}
	wg.Wait()
	cancel()
	prune.Wait()
}

// The same sources make the same layers, whenever they are built.
func TestEpoch(t *testing.T) {
	epoch := time.Unix(1_600_000_000, 0)
	var ids []string
	for i := range 2 {
		b := newBench(t)
		b.write(map[string]string{"z": "1", "a": "2", "old": "3"})
		must(t, os.Chtimes(filepath.Join(b.dir, "old"), time.Unix(1_500_000_000, 0), time.Unix(1_500_000_000, 0)))
		if i == 1 {
			must(t, os.Chtimes(filepath.Join(b.dir, "a"), time.Now().Add(time.Hour), time.Now().Add(time.Hour)))
		}
		r := b.ok("FROM base\nWORKDIR /w\nCOPY . .\nRUN mkdir d && echo x >d/y && cp z copy\nCMD [\"x\"]\n", func(o *Options) { o.Epoch = &epoch })
		ids = append(ids, string(r.res.Image.Digest()))
		for file, want := range map[string]int64{"w/old": 1_500_000_000, "w/a": 1_600_000_000, "w/d/y": 1_600_000_000, "w": 1_600_000_000} {
			if e, err := r.tree().stat(file); err != nil || e.mtime.Sec != want {
				t.Errorf("%s has the time %d, %v", file, e.mtime.Sec, err)
			}
		}
		if c := r.res.Image.Config().Created; c == nil || !c.Equal(epoch) {
			t.Errorf("created %v", c)
		}
	}
	if ids[0] != ids[1] {
		t.Errorf("two builds made %s and %s", ids[0], ids[1])
	}
	// What was made without the epoch is not what is asked for.
	b := newBench(t)
	b.ok("FROM base\nRUN echo >/x\n")
	if r := b.ok("FROM base\nRUN echo >/x\n", func(o *Options) { o.Epoch = &epoch }); r.done() != 1 {
		t.Errorf("%q", r.states())
	}
}

func TestOutputs(t *testing.T) {
	b := newBench(t)
	dir := t.TempDir()
	var files, oci, docker bytes.Buffer
	r := b.ok("FROM base AS b\nRUN mkdir /out && echo x >/out/x && ln -s x /out/l && chmod 600 /out/x\nFROM scratch\nCOPY --from=b /out /\n", func(o *Options) {
		o.Tags = []string{"archived"}
		o.Outputs = []Output{{Type: OutputLocal, Dir: filepath.Join(dir, "new")}, {Type: OutputTar, W: &files}, {Type: OutputOCI, W: &oci}, {Type: OutputDocker, W: &docker}}
	})
	if !r.res.Image.IsZero() {
		t.Error("an image is in the store though none was asked for")
	}
	if text, err := os.ReadFile(filepath.Join(dir, "new", "x")); err != nil || string(text) != "x\n" {
		t.Errorf("%q, %v", text, err)
	}
	if !bytes.Contains(files.Bytes(), []byte("x\n")) {
		t.Error("the archive has no files")
	}
	for _, archive := range []*bytes.Buffer{&oci, &docker} {
		e, err := sandbox.Open(t.TempDir())
		must(t, err)
		names, err := e.Load(context.Background(), archive, nil)
		if err != nil || len(names) != 1 || !strings.Contains(names[0], "archived") {
			t.Errorf("loaded %q, %v", names, err)
		}
		must(t, e.Close())
	}
	for _, o := range []Output{{Type: "x"}, {Type: OutputLocal}, {Type: OutputTar}} {
		if r := b.build("FROM scratch\n", func(opt *Options) { opt.Outputs = []Output{o} }); r.err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
	var failed bytes.Buffer
	if r := b.build("FROM base\nRUN exit 3\n", func(o *Options) { o.Outputs = []Output{{Type: OutputTar, W: &failed}} }); r.err == nil || failed.Len() > 0 {
		t.Errorf("%v, %d bytes", r.err, failed.Len())
	}
	if errors.Is(r.err, io.EOF) {
		t.Error(r.err)
	}
}
