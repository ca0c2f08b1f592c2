package sandbox

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/registry"
)

// volumeImage makes an image "vol" with two VOLUMEs: /data holds files of
// several kinds, /fresh is not in the image.
func volumeImage(t *testing.T, e *Engine) {
	t.Helper()
	var b bytes.Buffer
	tw := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Typeflag: tar.TypeDir, Name: "bin/", Mode: 0o755},
		{Typeflag: tar.TypeReg, Name: "bin/sh", Mode: 0o755, Size: int64(len(kernel.BuiltinMagic) + 3)},
		{Typeflag: tar.TypeDir, Name: "data/", Mode: 0o750, Uid: 7, Gid: 8},
		{Typeflag: tar.TypeReg, Name: "data/one", Mode: 0o4711, Uid: 7, Gid: 9, Size: 4},
		{Typeflag: tar.TypeLink, Name: "data/two", Linkname: "data/one"},
		{Typeflag: tar.TypeSymlink, Name: "data/link", Linkname: "one", Mode: 0o777},
		{Typeflag: tar.TypeDir, Name: "data/sub/", Mode: 0o1777},
		{Typeflag: tar.TypeFifo, Name: "data/sub/pipe", Mode: 0o600},
	} {
		h.ModTime = time.Unix(1700000000, 0)
		if err := tw.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		switch h.Name {
		case "bin/sh":
			_, _ = io.WriteString(tw, kernel.BuiltinMagic+"sh\n")
		case "data/one":
			_, _ = io.WriteString(tw, "one\n")
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	cfg := registry.ImageConfig{Image: ocispec.Image{Platform: registry.DefaultPlatform()}}
	cfg.Config.ImageConfig = ocispec.ImageConfig{Env: []string{"PATH=/bin"}, Cmd: []string{"sh"}, Volumes: map[string]struct{}{"/data": {}, "fresh/": {}}}
	if _, err := e.store.AddLayerImage(context.Background(), registry.Image{}, &b, cfg, "vol:latest"); err != nil {
		t.Fatal(err)
	}
}

// vsh runs a script of the built-in shell, with the tools over the image.
func vsh(t *testing.T, e *Engine, cfg Config, script string) string {
	t.Helper()
	cfg.Image, cfg.Userland, cfg.Cmd = "vol", UserlandBuiltin, []string{"sh", "-c", script}
	var out bytes.Buffer
	r, err := e.Run(context.Background(), cfg, CreateOptions{}, IO{Stdout: &out, Stderr: &out})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

const statAll = `cd /data; stat -c '%n %a %u:%g %h %F' . one two link sub sub/pipe; cat two; readlink link`

const volumeStat = `. 750 7:8 3 directory
one 4711 7:9 2 regular file
two 4711 7:9 2 regular file
link 777 0:0 1 symbolic link
sub 1777 0:0 2 directory
sub/pipe 600 0:0 1 fifo
one
one
`

func volumeNames(t *testing.T, e *Engine) []string {
	t.Helper()
	list, err := e.Volumes()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, v := range list {
		out = append(out, v.Name)
	}
	return out
}

func TestImageVolumes(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	volumeImage(t, e)
	if out := vsh(t, e, Config{Name: "va"}, statAll+"; echo new >/data/new; rm one; grep ' /data\\| /fresh' /proc/mounts | cut -d' ' -f2-3"); out != volumeStat+"/data overlay\n/fresh overlay\n" {
		t.Errorf("anonymous volume:\n%s", out)
	}
	c, err := e.Inspect("va")
	if err != nil || len(c.Config.Mounts) != 2 || !c.Config.Mounts[0].Anonymous || c.Config.Mounts[0].Target != "/data" || c.Config.Mounts[1].Target != "/fresh" {
		t.Fatalf("mounts: %+v %v", c.Config.Mounts, err)
	}
	// What is in the volume is no change of the container.
	if changes, err := e.Diff(ctx, "va"); err != nil || len(changes) != 0 {
		t.Errorf("diff: %v %v", changes, err)
	}
	// It outlives the run, and the engine.
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e = openEngine(t, e.Home())
	dir := t.TempDir()
	if _, err := e.CopyFrom(ctx, "va", "/data/new", dir, CopyOptions{}); err != nil {
		t.Error(err)
	}
	if out := vsh(t, e, Config{Name: "vb", VolumesFrom: []string{"va:ro"}}, "cd /data; echo *; cat new; echo no >x || echo refused"); !strings.HasPrefix(out, "link new sub two\nnew\n") || !strings.HasSuffix(out, "refused\n") {
		t.Errorf("--volumes-from: %q", out)
	}
	// An anonymous volume goes with its last container.
	if err := e.Remove(ctx, "va", RemoveOptions{Volumes: true}); err != nil {
		t.Error(err)
	}
	if n := len(volumeNames(t, e)); n != 2 {
		t.Errorf("%d volumes while b has them", n)
	}
	if err := e.Remove(ctx, "vb", RemoveOptions{Volumes: true}); err != nil {
		t.Error(err)
	}
	if names := volumeNames(t, e); len(names) != 0 {
		t.Errorf("left: %v", names)
	}
	// rm without -v keeps them, --rm does not; the user's mount comes first.
	vsh(t, e, Config{Name: "vc"}, ":")
	if err := e.Remove(ctx, "vc", RemoveOptions{}); err != nil || len(volumeNames(t, e)) != 2 {
		t.Errorf("rm: %v %v", volumeNames(t, e), err)
	}
	if out := vsh(t, e, Config{AutoRemove: true, Mounts: []Mount{{Type: MountTmpfs, Target: "/data"}}}, "echo /data/*"); out != "/data/*\n" || len(volumeNames(t, e)) != 2 {
		t.Errorf("--rm with a mount: %q %v", out, volumeNames(t, e))
	}
	if names, _, err := e.PruneVolumes(t.Context(), false, nil); err != nil || len(names) != 2 {
		t.Errorf("prune: %v %v", names, err)
	}
}

func TestNamedVolumes(t *testing.T) {
	e := openEngine(t, t.TempDir())
	volumeImage(t, e)
	at := func(m Mount) Config {
		m.Type, m.Source, m.Target = MountVolume, firstOf(m.Source, "named"), "/data"
		return Config{AutoRemove: true, Mounts: []Mount{m, {Type: MountTmpfs, Target: "/fresh"}}}
	}
	if out := vsh(t, e, at(Mount{}), statAll+"; rm -r sub; mkdir -m 700 mine; chown 5:6 mine; ln -s /nowhere gone"); out != volumeStat {
		t.Errorf("first use:\n%s", out)
	}
	const want = ". 750 7:8\ngone 777 0:0\nlink 777 0:0\nmine 700 5:6\none 4711 7:9\ntwo 4711 7:9\n"
	if out := vsh(t, e, at(Mount{ReadOnly: true}), "cd /data; stat -c '%n %a %u:%g' . *"); out != want {
		t.Errorf("second use:\n%s", out)
	}
	// Emptied and used anew: filled again, as docker does.
	vsh(t, e, at(Mount{}), "rm -r /data/*")
	if out := vsh(t, e, at(Mount{NoCopy: true}), "echo /data/*"); out != "/data/*\n" {
		t.Errorf("nocopy: %q", out)
	}
	if out := vsh(t, e, at(Mount{}), statAll); out != volumeStat {
		t.Errorf("filled again:\n%s", out)
	}
	if out := vsh(t, e, at(Mount{Source: "other", NoCopy: true}), "echo /data/*"); out != "/data/*\n" {
		t.Errorf("nocopy of a new one: %q", out)
	}
	if names := volumeNames(t, e); strings.Join(names, " ") != "named other" {
		t.Errorf("volumes: %v", names)
	}
}

// TestVolumeIsShared: containers of one engine see each other's writes at
// once; another engine is refused, and cp still reads.
func TestVolumeIsShared(t *testing.T) {
	home, ctx := t.TempDir(), context.Background()
	a, b := openEngine(t, home), openEngine(t, home)
	volumeImage(t, a)
	cfg := Config{Mounts: []Mount{{Type: MountVolume, Source: "both", Target: "/data"}}}
	in, feed := io.Pipe()
	ready, out := io.Pipe()
	first := cfg
	first.Name, first.Image, first.OpenStdin, first.Cmd = "first", "vol", true, []string{"sh", "-c", "echo up; read x; read y </data/reply; echo got $y >/data/got"}
	r, err := a.Run(ctx, first, CreateOptions{}, IO{Stdin: in, Stdout: out})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(ready, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	second := cfg
	second.AutoRemove = true
	if out := vsh(t, a, second, "cat /data/one; echo hello >/data/reply"); out != "one\n" {
		t.Errorf("second: %q", out)
	}
	second.Image, second.Name = "vol", "third"
	if _, err := b.Run(ctx, second, CreateOptions{}, IO{}); !errors.Is(err, ErrConflict) || !strings.Contains(err.Error(), "volume both is in use") {
		t.Errorf("another engine: %v", err)
	}
	dir := t.TempDir()
	if _, err := b.CopyFrom(ctx, "first", "/data/reply", dir, CopyOptions{}); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(dir + "/reply"); err != nil || string(text) != "hello\n" {
		t.Errorf("copied %q %v", text, err)
	}
	if names, _, err := b.PruneVolumes(t.Context(), true, nil); len(names) != 0 {
		t.Errorf("pruned in use: %v %v", names, err)
	}
	_, _ = io.WriteString(feed, "\n")
	if code, err := r.Wait(ctx); code != 0 || err != nil {
		t.Errorf("first: %d %v", code, err)
	}
	second.Name = ""
	if out := vsh(t, b, second, "cat /data/got"); out != "got hello\n" {
		t.Errorf("afterwards: %q", out)
	}
}

func TestDamagedVolume(t *testing.T) {
	e := openEngine(t, t.TempDir())
	volumeImage(t, e)
	cfg := Config{Image: "vol", Mounts: []Mount{{Type: MountVolume, Source: "bad", Target: "/data"}}}
	vsh(t, e, cfg, ":")
	if err := os.WriteFile(e.volumeDir("bad")+"/"+volumeData, []byte("no tar at all, but long enough"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(context.Background(), cfg, CreateOptions{}, IO{}); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "volume bad is damaged") {
		t.Errorf("damaged volume: %v", err)
	}
	cfg.Image, cfg.Mounts[0].Source, cfg.Mounts[0].Target = "vol", "ok", "/bin/sh"
	if _, err := e.Run(context.Background(), cfg, CreateOptions{}, IO{}); err == nil || !strings.Contains(err.Error(), "mount at /bin/sh: ") {
		t.Errorf("volume over a file: %v", err)
	}
}
