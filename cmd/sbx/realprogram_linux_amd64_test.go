package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRealPrograms runs the scripts of testdata/programs with the programs of real images: each prints the same, ends the same
// and leaves the same files in /work in sbx as in a chroot of the same tree.
func TestRealPrograms(t *testing.T) {
	r := newRealImages(t)
	assets := goAssets(t)
	scripts, err := filepath.Glob(filepath.Join("testdata", "programs", "*.sh"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, image := range []string{"debian:12-full", "debian:13-full"} {
		t.Run(image, func(t *testing.T) {
			tree := r.tree(t, image)
			for _, name := range scripts {
				script, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				t.Run(strings.TrimSuffix(filepath.Base(name), ".sh"), func(t *testing.T) {
					t.Parallel()
					r.compare(t, image, tree, string(script), assets)
				})
			}
		})
	}
}

// tries is how often a script may come out differently: programs of it that wait for
// each other race on a busy machine, in a chroot as here. What is sbx's differs each time.
const tries = 3

// compare runs a script in both worlds.
func (r *realImages) compare(t *testing.T, image string, tree chroot, script, assets string) {
	for try := 1; ; try++ {
		difference := r.difference(t, image, tree, script, assets)
		switch {
		case difference == "":
			return
		case try == tries:
			t.Error(difference)
			return
		}
		t.Logf("try %d: %.2000s", try, difference)
	}
}

// difference runs a script in both worlds once, and tells how they differ.
func (r *realImages) difference(t *testing.T, image string, tree chroot, script, assets string) string {
	work := t.TempDir()
	if err := os.Chmod(work, 0o755); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	want := finishWithin(t, r.limit, tree.run(script, chrootRun{work: work, assets: assets}))
	native := time.Since(began)
	name := strings.NewReplacer("/", "-", ":", "-").Replace(t.Name())
	args := []string{"run", "--name", name, "--network", "none", "-w", "/work", "-v", assets + ":/assets:ro"}
	for _, v := range variables {
		args = append(args, "-e", v)
	}
	began = time.Now()
	got := finishWithin(t, r.limit, r.sbx(append(args, image, "bash", "-c", shellScript, script)...))
	t.Logf("%.1f s in sbx, %.1f s in a chroot", time.Since(began).Seconds(), native.Seconds())
	wantFiles, err := hostFiles(work)
	if err != nil {
		t.Fatal(err)
	}
	var archive, diag bytes.Buffer
	cmd := r.sbx("cp", name+":/work", "-")
	cmd.Stdout, cmd.Stderr = &archive, &diag
	if err := cmd.Run(); err != nil {
		t.Fatalf("cp: %v: %s", err, &diag)
	}
	r.must(t, "rm", name)
	gotFiles, err := archiveFiles(&archive, "work")
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		return fmt.Sprintf("%s\nsbx:    %d\n%s%s\nchroot: %d\n%s%s\n", firstDifference(got, want), got.code, got.out, got.diag, want.code, want.out, want.diag)
	}
	if d := differences(gotFiles, wantFiles, nil); d != "" {
		return "files differ:\n" + d
	}
	return ""
}

// firstDifference tells where two outcomes part.
func firstDifference(got, want outcome) string {
	for _, side := range []struct{ name, got, want string }{{"standard output", got.out, want.out}, {"standard error", got.diag, want.diag}} {
		g, w := strings.Split(side.got, "\n"), strings.Split(side.want, "\n")
		for i := range max(len(g), len(w)) {
			if i >= len(g) || i >= len(w) || g[i] != w[i] {
				line := func(s []string) string {
					if i < len(s) {
						return fmt.Sprintf("%q", s[i])
					}
					return "(end)"
				}
				return fmt.Sprintf("line %d of %s: sbx %s, chroot %s", i+1, side.name, line(g), line(w))
			}
		}
	}
	return "exit status"
}

// goAssets compiles static Go programs for the images: a folder with one program for each folder of testdata/guests.
func goAssets(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	list, err := filepath.Glob("testdata/guests/*")
	if err != nil || len(list) == 0 {
		t.Fatalf("no guests: %v", err)
	}
	for _, g := range list {
		cmd := exec.Command("go", "build", "-o", filepath.Join(dir, filepath.Base(g)), "./"+g)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", g, err, out)
		}
	}
	return dir
}
