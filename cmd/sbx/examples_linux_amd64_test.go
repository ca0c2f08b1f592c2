package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/sbxrun/sbx/internal/testimage"
)

// TestExamples runs the scripts of examples/ as a reader would.
func TestExamples(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	mirror := testimage.Serve(t)
	testimage.Archive(t)
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is not installed")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
	l.Close()
	home := filepath.Join(t.TempDir(), "home")
	t.Cleanup(func() { endAll(t, home) })
	cmd := exec.Command("../../examples/counter/run.sh", port)
	cmd.Env = append(os.Environ(), "SBX="+builtCommand(t), "SBX_HOME="+home, "SBX_REGISTRY_MIRROR="+mirror)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !regexp.MustCompile(`(?s)counter-web\s+Up .*You are visitor 1\.\nYou are visitor 2\.\nYou are visitor 3\.\n$`).Match(out) {
		t.Errorf("%s", out)
	}
}
