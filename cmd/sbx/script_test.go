package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sbxrun/sbx/sandbox"
)

var update = flag.Bool("update", false, "write the goldens of the scripts anew")

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == superviseVerb { // a verb that runs in the test itself has launched it
		main()
	}
	testscript.Main(m, map[string]func(){"sbx": main})
}

// TestScripts runs testdata/script/*.txtar: each has its own home folder and
// its own registry on loopback with small images (see images_test.go).
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			url := newTestRegistry(t)
			home := filepath.Join(env.WorkDir, ".home")
			env.Defer(func() { endAll(t, home) })
			for k, v := range map[string]string{
				"SBX_HOME": home, "SBX_REGISTRY_MIRROR": url, "REGISTRY": strings.TrimPrefix(url, "http://"),
				"DOCKER_CONFIG": filepath.Join(env.WorkDir, ".docker"), "HOME": env.WorkDir, "USERPROFILE": env.WorkDir,
			} {
				env.Setenv(k, v)
			}
			return os.MkdirAll(filepath.Join(env.WorkDir, ".docker"), 0o755)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"norm":    normCmd,
			"status":  statusCmd,
			"setvar":  setvarCmd,
			"tarls":   tarlsCmd,
			"waitfor": waitforCmd,
			"end":     endCmd,
		},
	})
}

// endAll ends the containers that a test has left running.
func endAll(t *testing.T, home string) {
	if _, err := os.Stat(home); err != nil {
		return
	}
	e, err := sandbox.Open(home)
	if err != nil {
		t.Error(err)
		return
	}
	defer e.Close()
	list, err := e.List(sandbox.ListOptions{})
	for _, c := range list {
		err = errors.Join(err, e.Remove(context.Background(), c.ID, sandbox.RemoveOptions{Force: true}))
	}
	if err != nil {
		t.Error(err)
	}
	for end := time.Now().Add(patience); supervised(home); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Error("processes of containers that are gone do not end")
			return
		}
	}
}

// supervised reports whether there are still processes of a home's containers: they keep code there after their containers are gone.
// Where there is no /proc it can't tell.
func supervised(home string) bool {
	all, _ := filepath.Glob("/proc/[0-9]*")
	return slices.ContainsFunc(all, func(dir string) bool {
		line, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		env, _ := os.ReadFile(filepath.Join(dir, "environ"))
		return bytes.Contains(line, []byte("\x00"+superviseVerb+"\x00")) && bytes.Contains(env, []byte("SBX_HOME="+home+"\x00"))
	})
}

// What differs between two runs.
var varying = []struct {
	re  *regexp.Regexp
	new string
}{
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "ID64"},
	{regexp.MustCompile(`\b[0-9a-f]{12}\b`), "ID12"},
	{regexp.MustCompile(`(Less than a second|About a minute|\d+ (second|minute|hour|day|week|month|year)s?)( ago)?`), "TIME"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`), "STAMP"},
	{regexp.MustCompile(`(?m)^(#\d+ )?\d+\.\d{3} `), "${1}SECONDS "},
	{regexp.MustCompile(`\b\d+\.\ds\b`), "SECONDS"},
	{regexp.MustCompile(` {3,}`), "   "},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "REGISTRY"},
	{regexp.MustCompile(`(?m)[ \t]+$`), ""},
}

// normCmd is `norm stdout|stderr|FILE OUT`: OUT is the text with what varies
// replaced.
func normCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: norm stdout|stderr|FILE OUT")
	}
	text := strings.ReplaceAll(ts.ReadFile(args[0]), ts.Getenv("WORK"), "$WORK")
	for _, v := range varying {
		text = v.re.ReplaceAllString(text, v.new)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o644))
}

// statusCmd is `status CODE sbx ARG...`: sbx must end with exactly that code.
func statusCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE COMMAND [ARG...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("%s: exit status %s, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

// setvarCmd is `setvar NAME stdout|FILE`: the trimmed text becomes $NAME.
func setvarCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: setvar NAME stdout|FILE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// waitforCmd is `waitfor WHAT COMMAND...`: runs the command until it prints
// something.
func waitforCmd(ts *testscript.TestScript, neg bool, args []string) {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if err := ts.Exec(args[1], args[2:]...); err == nil && strings.TrimSpace(ts.ReadFile("stdout")) != "" {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	ts.Fatalf("%s: never", args[0])
}

// endCmd is `end SIGNAL CODE CONTAINER COMMAND...`: starts the command, which
// runs the container, sends it a signal once the container has printed "up", and
// checks its exit code (-1: killed by the signal).
func endCmd(ts *testscript.TestScript, neg bool, args []string) {
	bin, err := os.Executable()
	ts.Check(err)
	link := filepath.Join(ts.MkAbs(".end"), "sbx")
	ts.Check(os.MkdirAll(filepath.Dir(link), 0o755))
	if _, err := os.Lstat(link); err != nil {
		ts.Check(os.Symlink(bin, link))
	}
	sig := map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "QUIT": syscall.SIGQUIT, "KILL": syscall.SIGKILL}[args[0]]
	cmd := exec.Command(link, args[3:]...)
	cmd.Env = append(os.Environ(), "SBX_HOME="+ts.Getenv("SBX_HOME"))
	in, err := cmd.StdinPipe()
	ts.Check(err)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "up" {
	}
	waitforCmd(ts, false, []string{"running", "sbx", "ps", "-q", "-f", "name=" + args[2]})
	ts.Check(cmd.Process.Signal(sig))
	for lines.Scan() {
	}
	_ = cmd.Wait()
	_ = in.Close()
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); got != args[1] {
		ts.Fatalf("%s: exit %s, want %s", strings.Join(args[3:], " "), got, args[1])
	}
}
