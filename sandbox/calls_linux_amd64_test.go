package sandbox

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCallsAnswerAsLinux makes system calls of machine code here and in a container,
// good ones and wrong ones, and compares what they answer.
func TestCallsAnswerAsLinux(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "calls"), "./testdata/calls")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Skipf("the program cannot be built here: %v: %s", err, out)
	}
	want, err := exec.Command(filepath.Join(dir, "calls")).Output()
	if err != nil {
		t.Fatal(err)
	}
	e := openEngine(t, t.TempDir())
	defer e.Close()
	var out, diag, trace bytes.Buffer
	r, err := e.Run(context.Background(), Config{Image: "base", Cmd: []string{"/calls/calls"},
		Mounts: []Mount{{Type: MountBind, Source: dir, Target: "/calls", ReadOnly: true}}}, CreateOptions{}, IO{Stdout: &out, Stderr: &diag, Trace: &trace})
	if err != nil {
		t.Fatal(err)
	}
	if code, err := r.Wait(context.Background()); code != 0 || err != nil {
		t.Fatalf("exit code %d, %v: %s", code, err, diag.String())
	}
	got, here := strings.Split(out.String(), "\n"), strings.Split(string(want), "\n")
	if len(got) != len(here) {
		t.Errorf("%d lines, and %d on Linux", len(got), len(here))
	}
	for i := range min(len(got), len(here)) {
		if got[i] != here[i] {
			t.Errorf("sbx:   %q\nLinux: %q", got[i], here[i])
		}
	}
	if !strings.Contains(trace.String(), "epoll_ctl(") || !strings.Contains(trace.String(), "exit_group(0)") {
		t.Errorf("the trace lacks calls: %.300s", trace.String())
	}
}
