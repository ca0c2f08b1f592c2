package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/sbxrun/sbx/registry"
)

// longVariable asks for the counts that a night has time for: `.ci/run long` sets it.
const longVariable = "SBX_TEST_LONG"

// command is the built sbx, a home of its own and a registry.
type command struct {
	t         *testing.T
	path, dir string
	home      string
	env       []string
}

// buildCommand builds sbx and serves the test images, one with layers that take a moment among them.
func buildCommand(t *testing.T) *command {
	t.Helper()
	dir := t.TempDir()
	c := &command{t: t, dir: dir, path: builtCommand(t), home: filepath.Join(dir, "home")}
	url := newTestRegistry(t)
	var layers [][]entry
	for i := range 4 {
		body := make([]byte, 400<<10)
		rand.NewChaCha8([32]byte{byte(i)}).Read(body)
		layers = append(layers, []entry{{fmt.Sprintf("data%d", i), string(body), 0o644}})
	}
	cfg := v1.Config{Cmd: []string{"/bin/hello", "there"}, Env: []string{"PATH=/bin"}}
	mid := testImage(t, cfg, "amd64", append([][]entry{tinyBase, tinyTop}, layers...)...)
	// skopeo sees images of OCI's own types only in a layout.
	pushTestImage(t, url, "library/mid:latest", mutate.MediaType(mutate.ConfigMediaType(mid, types.OCIConfigJSON), types.OCIManifestSchema1))
	c.env = append(os.Environ(), "SBX_HOME="+c.home, "SBX_REGISTRY_MIRROR="+url, "DOCKER_CONFIG="+dir, "HOME="+dir, "GOMAXPROCS=2")
	return c
}

// start starts sbx; what it prints comes to out.
func (c *command) start(out io.Writer, args ...string) *exec.Cmd {
	cmd := exec.Command(c.path, args...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = c.env, c.dir, out, out
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	return cmd
}

// run runs sbx to its end.
func (c *command) run(args ...string) (string, error) {
	var out bytes.Buffer
	err := c.start(&out, args...).Wait()
	if err != nil {
		err = fmt.Errorf("sbx %s: %w: %s", strings.Join(args, " "), err, out.String())
	}
	return out.String(), err
}

// want runs sbx, which must print exactly this.
func (c *command) want(out string, args ...string) {
	c.t.Helper()
	if got, err := c.run(args...); err != nil || got != out {
		c.t.Errorf("sbx %s: %v, printed %q, want %q", strings.Join(args, " "), err, got, out)
	}
}

const midSays = "hello from tiny there\n"

// check verifies the store, whatever happened before: every blob and every cache, by itself and with others' tools.
func (c *command) check() {
	c.t.Helper()
	s, err := registry.Open(c.home)
	if err != nil {
		c.t.Fatal(err)
	}
	defer s.Close()
	if err := s.Check(context.Background()); err != nil {
		c.t.Fatalf("the store is damaged: %v", err)
	}
	c.checkBlobs()
	if _, err := c.run("images", "-a"); err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.run("pull", "-q", "mid"); err != nil {
		c.t.Fatal(err)
	}
	c.want(midSays, "run", "--rm", "mid")
	if skopeo, err := exec.LookPath("skopeo"); err == nil {
		out, err := exec.Command(skopeo, "inspect", "oci:"+filepath.Join(c.home, "oci")+":docker.io/library/mid:latest").CombinedOutput()
		if err != nil || !bytes.Contains(out, []byte(`"Layers"`)) {
			c.t.Fatalf("skopeo inspect: %v: %s", err, out)
		}
	}
}

// checkBlobs hashes every blob, also those that no image needs any more.
func (c *command) checkBlobs() {
	c.t.Helper()
	err := filepath.WalkDir(filepath.Join(c.home, "oci", "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if sum := sha256.Sum256(b); err == nil && hex.EncodeToString(sum[:]) != d.Name() {
			err = fmt.Errorf("%s holds something else", path)
		}
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// checkClean prunes everything and looks for what is left.
func (c *command) checkClean() {
	c.t.Helper()
	if _, err := c.run("system", "prune", "-a", "-f"); err != nil {
		c.t.Fatal(err)
	}
	allowed := map[string]bool{ // what a store without images has
		"oci/oci-layout": true, "oci/index.json": true, "v1/locks/store": true, "v1/locks/index": true,
	}
	err := filepath.WalkDir(c.home, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(c.home, path)
		rel = filepath.ToSlash(rel)
		top, rest, _ := strings.Cut(rel, "/")
		switch {
		case top == "cache": // compiled tools and translated code, shared by all containers
			return fs.SkipDir
		case top == "containers" && rest != "" && rest != ".lock" && rest != ".names", !d.IsDir() && (top == "oci" || top == "v1" || top == "run") && !allowed[rel]:
			c.t.Errorf("left after prune: %s", rel)
		}
		return nil
	})
	if err != nil {
		c.t.Error(err)
	}
	c.checkProcesses()
}

// checkProcesses looks for processes of this test's sbx.
func (c *command) checkProcesses() {
	c.t.Helper()
	all, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, p := range all {
		if exe, err := os.Readlink(p); err == nil && exe == c.path {
			c.t.Errorf("%s still runs sbx", filepath.Dir(p))
		}
	}
}

// TestManyCommands has 50 processes pull, run and remove the same images at the same time.
func TestManyCommands(t *testing.T) {
	c := buildCommand(t)
	rounds := 2
	if os.Getenv(longVariable) != "" {
		rounds = 10
	}
	for round := range rounds {
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				var err error
				switch name := fmt.Sprintf("c%d-%d", round, i); i % 5 {
				case 0:
					_, err = c.run("pull", "-q", "mid")
				case 1:
					var out string
					if out, err = c.run("run", "-q", "--rm", "mid"); err == nil && out != midSays {
						err = fmt.Errorf("run printed %q", out)
					}
				case 2:
					if _, err = c.run("run", "-q", "--name", name, "mid", "/bin/sh", "-c", "echo $$ >/f"); err == nil {
						_, err = c.run("rm", name)
					}
				case 3:
					if _, err = c.run("create", "-q", "--name", name, "mid"); err == nil {
						if _, err = c.run("start", "-a", name); err == nil {
							_, err = c.run("rm", name)
						}
					}
				case 4:
					if _, err = c.run("pull", "-q", "tiny"); err == nil {
						_, err = c.run("rmi", "-f", "tiny") // somebody else may have been first
						if err != nil && strings.Contains(err.Error(), "No such image") {
							err = nil
						}
					}
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		c.check()
	}
	c.checkClean()
}

// killed are commands that change the store, by their arguments; N is a number that no other command has.
var killed = [...]string{
	"pull -q mid", "pull -q tiny", "pull -q tiny:v2", "run -q --rm mid", "run -q --name N mid", "run -q --rm tiny", "rmi -f mid", "rmi tiny", "rmi -f tiny:v2",
	"load -q -i saved.tar", "import flat.tar flat:1", "tag mid other:N", "rmi other:N", "system prune -f", "image prune -a -f", "container prune -f", "create mid",
}

// TestKilledCommands kills sbx at random moments of everything that changes the store.
func TestKilledCommands(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs SIGKILL")
	}
	kills, atOnce, batch := 200, 4, 20
	if os.Getenv(longVariable) != "" {
		kills = 2000
	}
	if testing.Short() {
		kills = 20
	}
	c := buildCommand(t)
	for _, args := range [][]string{{"pull", "-q", "mid"}, {"pull", "-q", "tiny:v2"}, {"save", "-o", "saved.tar", "mid", "tiny:v2"}, {"create", "--name", "fs", "tiny:v2"}, {"export", "-o", "flat.tar", "fs"}, {"rm", "fs"}} {
		if _, err := c.run(args...); err != nil {
			t.Fatal(err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	landed, tried := 0, 0
	for landed < kills {
		hits := make(chan bool, batch)
		slots := make(chan struct{}, atOnce)
		for range batch {
			args := strings.Fields(strings.ReplaceAll(killed[rnd.IntN(len(killed))], "N", fmt.Sprint("n", tried)))
			wait := time.Duration(rnd.IntN(50)) * time.Millisecond
			tried++
			slots <- struct{}{}
			go func() {
				hits <- c.kill(wait, args...)
				<-slots
			}()
		}
		for range batch {
			if <-hits {
				landed++
			}
		}
		c.check()
		if t.Failed() || tried > 20*kills {
			t.Fatalf("after %d kills of %d commands", landed, tried)
		}
	}
	t.Logf("%d of %d commands were killed before their end", landed, tried)
	c.checkClean()
	if _, err := c.run("load", "-q", "-i", "saved.tar"); err != nil {
		t.Error(err)
	}
	c.want(midSays, "run", "--rm", "mid")
	c.checkClean()
}

// kill starts sbx, kills it after a while, and tells whether it was still running.
func (c *command) kill(after time.Duration, args ...string) bool {
	cmd := c.start(io.Discard, args...)
	time.Sleep(after)
	_ = cmd.Process.Kill()
	err := cmd.Wait()
	var exit *exec.ExitError
	return errors.As(err, &exit) && !exit.Exited()
}
