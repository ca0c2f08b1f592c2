package shell

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

var update = flag.Bool("update", false, "write testdata/*.want from the real bash and dash")

// A file testdata/NAME.sh holds cases:
//
//	#### title [bash] [dash] [err]
//	script
//	#### next…
//
// A case runs under both shells unless it names one. With err, the text of
// standard error is compared too, else only whether there is any. A first line
// "# stdin: QUOTED" gives standard input. NAME.SHELL.want holds what the real
// shell printed.
type goldenCase struct {
	title, script, stdin string
	bash, dash, err      bool
}

func readCases(t testing.TB, file string) []goldenCase {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []goldenCase
	seen := map[string]bool{}
	for _, chunk := range strings.Split("\n"+string(b), "\n#### ")[1:] {
		head, body, _ := strings.Cut(chunk, "\n")
		c := goldenCase{script: strings.TrimRight(body, "\n") + "\n"}
		var words []string
		for _, w := range strings.Fields(head) {
			switch w {
			case "[bash]":
				c.bash = true
			case "[dash]":
				c.dash = true
			case "[err]":
				c.err = true
			default:
				words = append(words, w)
			}
		}
		if !c.bash && !c.dash {
			c.bash, c.dash = true, true
		}
		c.title = strings.Join(words, " ")
		if seen[c.title] {
			t.Fatalf("%s: two cases %q", file, c.title)
		}
		seen[c.title] = true
		if rest, ok := strings.CutPrefix(c.script, "# stdin: "); ok {
			line, _, _ := strings.Cut(rest, "\n")
			if c.stdin, err = strconv.Unquote(line); err != nil {
				t.Fatal(file, line, err)
			}
		}
		out = append(out, c)
	}
	return out
}

var pidNumber = regexp.MustCompile(`\b\d{2,7}\b`)

// shape writes a result as it is stored.
func (c goldenCase) shape(stdout, stderr string, status int) string {
	errs := "no"
	if stderr != "" {
		errs = "yes"
	}
	if c.err {
		errs = strconv.Quote(pidNumber.ReplaceAllString(stderr, "N"))
	}
	return fmt.Sprintf("status %d, stderr %s\n%s", status, errs, stdout)
}

func (c goldenCase) real(t testing.TB, shell string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, shell, "-c", c.script, shell)
	cmd.Args[0] = shell
	cmd.Dir = t.TempDir()
	cmd.Env = testEnv
	cmd.Stdin = strings.NewReader(c.stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	status := 0
	var ee *exec.ExitError
	if errors.As(err, &ee) {
		if status = ee.ExitCode(); status < 0 {
			status = signalCode(ee)
		}
	}
	return c.shape(out.String(), errs.String(), status)
}

// signalCode is 128+n for a real shell that a signal killed.
func signalCode(ee *exec.ExitError) int {
	text := strings.TrimPrefix(ee.Error(), "signal: ")
	for sig := linux.Signal(1); sig < 32; sig++ {
		if strings.HasPrefix(strings.ToLower(text), strings.ToLower(sig.Text())) {
			return 128 + int(sig)
		}
	}
	return -1
}

func readWants(file string) map[string]string {
	out := map[string]string{}
	b, err := os.ReadFile(file)
	if err != nil {
		return out
	}
	for _, chunk := range strings.Split("\n"+string(b), "\n#### ")[1:] {
		head, body, _ := strings.Cut(chunk, "\n")
		out[head] = body
	}
	return out
}

func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.sh")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	for _, file := range files {
		for _, shell := range []string{"bash", "dash"} {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".sh")+"/"+shell, func(t *testing.T) {
				goldenFile(t, file, shell)
			})
		}
	}
}

func goldenFile(t *testing.T, file, shell string) {
	wantFile := strings.TrimSuffix(file, ".sh") + "." + shell + ".want"
	_, noShell := exec.LookPath(shell)
	var sb strings.Builder
	wants := readWants(wantFile)
	for _, c := range readCases(t, file) {
		if shell == "bash" && !c.bash || shell == "dash" && !c.dash {
			continue
		}
		if *update {
			if noShell != nil {
				t.Fatal(noShell)
			}
			wants[c.title] = c.real(t, shell)
			sb.WriteString("#### " + c.title + "\n" + wants[c.title] + "\n")
		}
		t.Run(c.title, func(t *testing.T) {
			want, ok := wants[c.title]
			if !ok {
				t.Fatalf("no expectation in %s: run with -update", wantFile)
			}
			want = strings.TrimRight(want, "\n")
			w := newWorld(t)
			r := w.run(c.stdin, shell, "-c", c.script, shell)
			if got := strings.TrimRight(c.shape(r.stdout, r.stderr, r.status.ShellCode()), "\n"); got != want {
				t.Errorf("script:\n%s\ngot:\n%s\nwant:\n%s\nstderr: %s", c.script, got, want, r.stderr)
			}
		})
	}
	if *update {
		if err := os.WriteFile(wantFile, []byte(sb.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestConfirm runs the cases again in the real shells, so that the expectations
// stay true.
func TestConfirm(t *testing.T) {
	if testing.Short() {
		t.Skip("runs every case in the real shells")
	}
	files, _ := filepath.Glob("testdata/*.sh")
	for _, shell := range []string{"bash", "dash"} {
		if _, err := exec.LookPath(shell); err != nil {
			t.Logf("%s is not installed: its expectations are not confirmed", shell)
			continue
		}
		for _, file := range files {
			wants := readWants(strings.TrimSuffix(file, ".sh") + "." + shell + ".want")
			for _, c := range readCases(t, file) {
				if shell == "bash" && !c.bash || shell == "dash" && !c.dash {
					continue
				}
				// On a busy machine a shell may hear of the end of a job sooner or later than it does as a rule.
				got, want := "", strings.TrimRight(wants[c.title], "\n")
				for try := 0; try < 3 && (try == 0 || got != want); try++ {
					got = strings.TrimRight(c.real(t, shell), "\n")
				}
				if got != want {
					t.Errorf("%s in the real %s:\ngot:\n%s\nwant:\n%s", c.title, shell, got, wants[c.title])
				}
			}
		}
	}
}
