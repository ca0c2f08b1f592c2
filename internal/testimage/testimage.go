// Package testimage gives tests the real Debian images of testdata/images, served by a real registry
// on loopback. Tests that ask for them skip, with the reason, on a machine that has none.
package testimage

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Env names the folder that testdata/images/make.sh filled.
const Env = "SBX_TEST_IMAGES"

// Folder returns the folder of made images, whose OCI layout is its "oci" subfolder, and skips tb when there is none.
func Folder(tb testing.TB) string {
	tb.Helper()
	dir := os.Getenv(Env)
	if dir == "" {
		tb.Skipf("no real images: run testdata/images/make.sh DIR and set %s=DIR", Env)
	}
	if _, err := os.Stat(filepath.Join(dir, "oci", "index.json")); err != nil {
		tb.Skipf("no real images in %s: %v", dir, err)
	}
	return dir
}

// Serve starts a registry with every made image, named as on docker.io (library/debian:12, library/tiny:latest, …),
// and returns its base URL, fit for SBX_REGISTRY_MIRROR. It ends with tb.
func Serve(tb testing.TB) string {
	tb.Helper()
	dir := Folder(tb)
	_, self, _, ok := runtime.Caller(0)
	if !ok {
		tb.Skip("no source path: cannot find testdata/images/serve.sh")
	}
	script := filepath.Join(filepath.Dir(self), "..", "..", "testdata", "images", "serve.sh")
	cmd := exec.Command(script, dir)
	var diag strings.Builder
	cmd.Stderr = &diag
	stdin, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	line, readErr := bufio.NewReader(stdout).ReadString('\n')
	if readErr != nil {
		stdin.Close()
		skipOrFail(tb, cmd.Wait(), readErr, diag.String())
	}
	tb.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			tb.Errorf("registry: %v: %s", err, diag.String())
		}
	})
	return strings.TrimSpace(line)
}

// skipOrFail reports why serve.sh gave no address: its exit status 3 means that the machine can't.
func skipOrFail(tb testing.TB, waitErr, readErr error, diag string) {
	tb.Helper()
	var exit *exec.ExitError
	if errors.As(waitErr, &exit) && exit.ExitCode() == 3 {
		tb.Skip(strings.TrimSpace(diag))
	}
	if errors.Is(readErr, io.EOF) {
		readErr = waitErr
	}
	tb.Fatalf("serve.sh: %v: %s", readErr, diag)
}
