package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sbxrun/sbx/internal/testimage"
)

// TestTutorial is a Docker beginner's tutorial, line by line, on a real Debian
// image with Debian's own packages.
func TestTutorial(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed")
	}
	mirror := testimage.Serve(t)
	testimage.Archive(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/tutorial", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error {
			home := filepath.Join(env.WorkDir, ".home")
			env.Defer(func() {
				_ = exec.Command("tmux", "-S", filepath.Join(env.WorkDir, "tmux.sock"), "kill-server").Run()
				endAll(t, home)
			})
			env.Setenv("SBX_HOME", home)
			env.Setenv("SBX_REGISTRY_MIRROR", mirror)
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("TERM", "xterm")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"norm": normCmd, "setvar": setvarCmd, "waitfor": waitforCmd, "screen": screenCmd, "fetch": fetchCmd, "browse": browseCmd,
		},
	})
}

// screenCmd is `screen REGEXP`: waits until tmux shows it.
func screenCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: screen REGEXP")
	}
	want := regexp.MustCompile(args[0])
	shown := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		out, err := exec.Command("tmux", "-S", ts.MkAbs("tmux.sock"), "capture-pane", "-p", "-N").Output()
		ts.Check(err)
		shown = strings.TrimRight(string(out), "\n ") + " "
		if want.MatchString(shown) {
			return
		}
	}
	ts.Fatalf("the screen never shows %s:\n%s", want, shown)
}

// fetchCmd is `fetch URL FILE`; with ! nobody may answer.
func fetchCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: fetch URL FILE")
	}
	client := &http.Client{Timeout: patience}
	var err error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var resp *http.Response
		if resp, err = client.Get(args[0]); err != nil {
			if neg {
				return
			}
			continue // the server has not begun yet
		}
		b, rerr := io.ReadAll(resp.Body)
		resp.Body.Close()
		ts.Check(rerr)
		if neg || resp.StatusCode != http.StatusOK {
			ts.Fatalf("%s: %s", args[0], resp.Status)
		}
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o644))
		return
	}
	ts.Fatalf("%s: %v", args[0], err)
}

// browseCmd is `browse URL FILE`: the words that can be read on a picture of the
// page, which headless Chromium took. Without a browser and a reader of pictures
// the words are those of the page.
func browseCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: browse URL FILE")
	}
	text := ts.MkAbs(args[1])
	for _, tool := range []string{"chromium", "tesseract"} {
		if _, err := exec.LookPath(tool); err != nil {
			ts.Logf("%s is not installed: nobody looks at %s", tool, args[0])
			fetchCmd(ts, false, args)
			return
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	picture := ts.MkAbs("page.png")
	chromium := exec.CommandContext(ctx, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server",
		"--user-data-dir="+ts.MkAbs(".chromium"), "--force-device-scale-factor=2", "--window-size=800,400", "--screenshot="+picture, args[0])
	if out, err := chromium.CombinedOutput(); err != nil {
		ts.Fatalf("chromium: %v: %s", err, out)
	}
	if out, err := exec.CommandContext(ctx, "tesseract", picture, strings.TrimSuffix(text, ".txt")).CombinedOutput(); err != nil {
		ts.Fatalf("tesseract: %v: %s", err, out)
	}
	b, err := os.ReadFile(text)
	ts.Check(err)
	ts.Check(os.WriteFile(text, []byte(fmt.Sprintf("%s\n", strings.Join(strings.Fields(string(b)), " "))), 0o644))
}
