package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBuildOnTerminal: one line a step, under the running one the last lines of its program, without what a terminal
// would act on; at the end everything is there once more.
func TestBuildOnTerminal(t *testing.T) {
	dir := t.TempDir()
	newSbx(t, filepath.Join(dir, "home"))
	text := "FROM base\nRUN printf '\\033[31mred\\033[2J\\n'; for i in 1 2 3 4 5 6 7 8 9; do echo line $i; sleep 0.1; done; sleep 2\nRUN sleep 0.1; echo \"$0\" \\\n  ; exit 3\n"
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	c := onScreen(t, "build", dir)
	c.until("[+] Building ")
	c.until(" => [2/3] RUN printf")
	seen := c.until(" => => # ")
	c.until("line 9")
	out := seen + c.ends(1)
	if strings.Contains(out, "\x1b[31m") || strings.Contains(out, "\x1b[2J") {
		t.Errorf("what a program writes reaches the terminal as it is: %q", out)
	}
	_, last, ok := strings.Cut(out, "FINISHED")
	if !ok {
		t.Fatalf("no end: %q", out)
	}
	for _, want := range []string{" => CACHED [1/3] FROM localhost/base:latest", " => [2/3] RUN printf", " => ERROR [3/3] RUN sleep 0.1", "------\r\n > [3/3] RUN sleep", "ERROR: failed to solve: process "} {
		if !strings.Contains(last, want) {
			t.Errorf("the end has no %q: %q", want, last)
		}
	}
	if strings.Contains(last, "line 9") {
		t.Errorf("the end has lines of a step that is done: %q", last)
	}
	for line := range strings.SplitSeq(strings.ReplaceAll(last, "\r", ""), "\n") {
		if strings.HasPrefix(line, " => ") && len([]rune(line)) > 90 {
			t.Errorf("wider than the terminal: %q", line)
		}
	}
}
