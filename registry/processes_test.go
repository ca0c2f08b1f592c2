package registry_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	ggcrregistry "github.com/google/go-containerregistry/pkg/registry"

	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/registry/remote"
)

const workerVariable = "SBX_REGISTRY_TEST_WORKER"

// TestMain lets the test binary be one of many processes on one store.
func TestMain(m *testing.M) {
	if spec := os.Getenv(workerVariable); spec != "" {
		if err := worker(spec); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// worker does random things to a store. spec is "home host rounds seed".
func worker(spec string) error {
	var home, host string
	var rounds int
	var seed uint64
	if _, err := fmt.Sscan(spec, &home, &host, &rounds, &seed); err != nil {
		return err
	}
	s, err := registry.Open(home, registry.WithRemote(remote.New))
	if err != nil {
		return err
	}
	defer s.Close()
	rnd := rand.New(rand.NewPCG(seed, 1))
	for range rounds {
		if err := step(s, host, rnd); err != nil && !errors.Is(err, registry.ErrNotFound) && !errors.Is(err, registry.ErrConflict) {
			return err
		}
	}
	return nil
}

// step is one thing that a user might do.
func step(s *registry.Store, host string, rnd *rand.Rand) error {
	ctx := context.Background()
	name := fmt.Sprintf("%s/img%d", host, rnd.IntN(testImages))
	ref, err := registry.ParseRef(name)
	if err != nil {
		return err
	}
	switch rnd.IntN(10) {
	case 0, 1, 2:
		_, _, err := s.Pull(ctx, ref, registry.PullOptions{})
		return err
	case 3, 4, 5:
		img, _, err := s.Pull(ctx, ref, registry.PullOptions{})
		if err != nil {
			return err
		}
		return openAndRead(ctx, s, img, rnd)
	case 6:
		return s.Tag(ctx, name, fmt.Sprintf("localhost/t%d", rnd.IntN(3)))
	case 7:
		_, err := s.Remove(ctx, fmt.Sprintf("localhost/t%d", rnd.IntN(3)), true)
		return err
	case 8:
		_, _, err := s.Prune(ctx, false)
		return err
	}
	_, err = s.Remove(ctx, name, false)
	return err
}

// openAndRead opens an image and reads its contents while others may remove it.
func openAndRead(ctx context.Context, s *registry.Store, img registry.Image, rnd *rand.Rand) error {
	root, err := s.OpenRoot(ctx, img)
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(rnd.IntN(5)) * time.Millisecond)
	for _, c := range root.Content {
		b := make([]byte, 4)
		if _, err := c.ReadAt(b, 0); err != nil && err != io.EOF {
			return errors.Join(err, root.Close())
		}
		if string(b) != "data" {
			return errors.Join(fmt.Errorf("the contents begin with %q", b), root.Close())
		}
	}
	return root.Close()
}

const testImages = 3

// serveImages starts a registry with images that share a layer.
func serveImages(t *testing.T) (host string) {
	t.Helper()
	srv := httptest.NewServer(ggcrregistry.New(ggcrregistry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(srv.Close)
	host = strings.TrimPrefix(srv.URL, "http://")
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	s, err := registry.Open(t.TempDir(), registry.WithRemote(remote.New))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	base, err := s.Import(ctx, bytes.NewReader(tarFile(t, "shared", 300<<10)), "localhost/shared", registry.ContainerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range testImages {
		name := fmt.Sprintf("%s/img%d", host, i)
		if _, err := s.AddLayerImage(ctx, base, bytes.NewReader(tarFile(t, strconv.Itoa(i), 200<<10+i)), base.Config(), name); err != nil {
			t.Fatal(err)
		}
		ref, _ := registry.ParseRef(name)
		if _, err := s.Push(ctx, ref, registry.PushOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return host
}

// tarFile is a layer of one file whose contents begin with "data".
func tarFile(t *testing.T, name string, size int) []byte {
	t.Helper()
	body := make([]byte, size)
	rnd := rand.NewChaCha8([32]byte{byte(size), byte(size >> 8)})
	rnd.Read(body)
	copy(body, "data")
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(size)}); err != nil {
		t.Fatal(err)
	}
	w.Write(body)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// startWorker starts this binary as a worker.
func startWorker(t *testing.T, home, host string, rounds int, seed uint64) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %d %d", workerVariable, home, host, rounds, seed), "GOMAXPROCS=2")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &out
}

// checkStore verifies the store in every way that we have, the tools of others included.
func checkStore(t *testing.T, home, host string) {
	t.Helper()
	ctx := context.Background()
	s, err := registry.Open(home, registry.WithRemote(remote.New))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Check(ctx); err != nil {
		t.Fatalf("the store is damaged: %v", err)
	}
	if _, err := s.GC(ctx); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Join(home, "v1", "tmp")); err != nil || len(left) > 0 {
		t.Errorf("v1/tmp holds %v after GC, %v", left, err)
	}
	for i := range testImages {
		ref, _ := registry.ParseRef(fmt.Sprintf("%s/img%d", host, i))
		img, _, err := s.Pull(ctx, ref, registry.PullOptions{})
		if err == nil {
			err = openAndRead(ctx, s, img, rand.New(rand.NewPCG(1, 1)))
		}
		if err != nil {
			t.Errorf("pull afterwards: %v", err)
		}
		copyWithSkopeo(t, home, ref)
	}
	if umoci, err := exec.LookPath("umoci"); err == nil {
		out, err := exec.Command(umoci, "ls", "--layout", filepath.Join(home, "oci")).CombinedOutput()
		if err != nil || strings.Count(string(out), "img") < testImages {
			t.Errorf("umoci ls: %v: %s", err, out)
		}
	}
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
}

// copyWithSkopeo has skopeo, if it is installed, read and verify an image of the layout.
func copyWithSkopeo(t *testing.T, home string, ref registry.Ref) {
	t.Helper()
	skopeo, err := exec.LookPath("skopeo")
	if err != nil {
		return
	}
	dst := t.TempDir()
	out, err := exec.Command(skopeo, "copy", "--insecure-policy", "oci:"+filepath.Join(home, "oci")+":"+ref.String(), "dir:"+dst).CombinedOutput()
	if err != nil {
		t.Errorf("skopeo cannot read %s: %v: %s", ref, err, out)
	}
}

func TestManyProcesses(t *testing.T) {
	processes, rounds := 50, 6
	if testing.Short() {
		processes, rounds = 10, 3
	}
	host, home := serveImages(t), t.TempDir()
	var wg sync.WaitGroup
	for i := range processes {
		cmd, out := startWorker(t, home, host, rounds, uint64(i))
		wg.Go(func() {
			if err := cmd.Wait(); err != nil {
				t.Errorf("worker: %v: %s", err, out)
			}
		})
	}
	wg.Wait()
	checkStore(t, home, host)
}

func TestKilledProcesses(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs SIGKILL")
	}
	kills, at := 200, 6
	if testing.Short() {
		kills = 12
	}
	host, home := serveImages(t), t.TempDir()
	rnd := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 2))
	type running struct {
		cmd *exec.Cmd
		out *bytes.Buffer
	}
	workers := make([]running, at)
	start := func(i int) {
		workers[i].cmd, workers[i].out = startWorker(t, home, host, 1<<20, rnd.Uint64())
	}
	for i := range workers {
		start(i)
	}
	for n := range kills {
		time.Sleep(time.Duration(rnd.IntN(60)) * time.Millisecond)
		i := rnd.IntN(at)
		workers[i].cmd.Process.Kill()
		workers[i].cmd.Wait()
		if msg := workers[i].out.String(); msg != "" {
			t.Fatalf("worker failed before it was killed: %s", msg)
		}
		start(i)
		if n%20 == 0 {
			s, err := registry.Open(home)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Check(context.Background()); err != nil {
				t.Fatalf("after %d kills: %v", n+1, err)
			}
			s.Close()
		}
	}
	for _, w := range workers {
		w.cmd.Process.Kill()
		w.cmd.Wait()
	}
	checkStore(t, home, host)
}
