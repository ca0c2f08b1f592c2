package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// tmux is a terminal of 80 by 24 with a shell of the host, whose screen can be read.
type tmux struct {
	t    *testing.T
	name string
	env  []string
	pane string // where is typed
}

func newTmux(t *testing.T, env []string) *tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("needs tmux")
	}
	m := &tmux{t: t, name: fmt.Sprintf("sbx-test-%d", os.Getpid()), env: append(env, "TERM=xterm", "TMUX=", "TMUX_TMPDIR="+t.TempDir())}
	m.do("-f", "/dev/null", "new-session", "-d", "-s", "hold", "cat") // the server ends with the last session
	t.Cleanup(func() { m.do("kill-server") })
	return m
}

// session begins a terminal of that size.
func (m *tmux) session(columns, rows int) {
	m.t.Helper()
	m.pane = fmt.Sprint("of", columns)
	m.do("new-session", "-d", "-x", fmt.Sprint(columns), "-y", fmt.Sprint(rows), "-s", m.pane, "sh")
	m.line("PS1='host$ '; clear")
	m.shows("host$\n")
}

func (m *tmux) do(args ...string) string {
	m.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-L", m.name}, args...)...)
	cmd.Env = m.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// line types a line, keys tmux's names of keys.
func (m *tmux) line(text string)    { m.keys("-l", text); m.keys("Enter") }
func (m *tmux) keys(keys ...string) { m.do(append([]string{"send-keys", "-t", m.pane}, keys...)...) }

// shows waits until the screen has some text.
func (m *tmux) shows(text string) {
	m.t.Helper()
	screen := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if screen = m.do("capture-pane", "-p", "-t", m.pane); strings.Contains(screen, text) {
			return
		}
	}
	m.t.Fatalf("no %q on the screen:\n%s", text, screen)
}

// TestInTmux is a session of a user: a container is entered, left, joined again
// from other windows, of other sizes, and outlives a window that is closed.
func TestInTmux(t *testing.T) {
	c := buildCommand(t)
	defer endAll(t, c.home)
	m := newTmux(t, append(c.env, "PATH="+filepath.Dir(c.path)+":"+os.Getenv("PATH")))
	m.session(80, 24)
	m.line("sbx run -it --name box base sh")
	m.shows("\n#\n")
	m.line("stty size; echo in $((6*7))")
	m.shows("24 80\nin 42\n")
	m.keys("C-p", "C-q")
	m.shows("host$\n") // a new prompt below
	m.line("s=$?; clear; echo status $s; sbx ps --format '{{.Names}} {{.State}}'")
	m.shows("status 0\nbox running\n")

	m.line("clear; sbx attach box")
	m.keys("Enter")
	m.shows("\n#\n")
	m.line("sh -c 'echo on; sleep 1000'")
	m.shows("\non\n")
	m.keys("C-c")
	m.line("echo code $?")
	m.shows("code 130\n")
	m.do("resize-window", "-t", m.pane, "-x", "100", "-y", "30")
	m.line("clear; stty size")
	m.shows("30 100\n")

	m.do("kill-session", "-t", m.pane) // with the attached sbx in it
	m.session(70, 20)
	m.line("sbx exec -it -e A=1 box sh -c 'echo A=$A; stty size; exec sh'")
	m.shows("A=1\n20 70\n")
	m.line("ps -o pid,args; exit 5")
	m.shows("host$\n")
	m.line("s=$?; clear; echo status $s; sbx stop -t 0 box; sbx logs box | tail -n 1 | wc -c")
	m.shows("status 5\nbox\n")
	c.awaitSupervisors()
}

// TestStatsInTmux: stats draws over itself while a container stops, and ^C gives
// the terminal back as it was.
func TestStatsInTmux(t *testing.T) {
	c := buildCommand(t)
	defer endAll(t, c.home)
	m := newTmux(t, append(c.env, "PATH="+filepath.Dir(c.path)+":"+os.Getenv("PATH")))
	m.session(110, 12)
	for _, name := range []string{"one", "two"} {
		if out, err := c.run("run", "-d", "--name", name, "base", "sleep", "1000"); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	table := func(want string) {
		t.Helper()
		screen := ""
		for range 2000 {
			screen = m.do("capture-pane", "-p", "-t", m.pane)
			var names []string
			for line := range strings.Lines(screen) {
				if f := strings.Fields(line); len(f) > 2 && f[0] != "CONTAINER" && f[0] != "host$" {
					names = append(names, f[1]+" "+f[len(f)-1])
				}
			}
			if strings.Count(screen, "CONTAINER ID") == 1 && strings.Join(names, ", ") == want {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("never %q:\n%s", want, screen)
	}
	m.line("clear; a=$(stty -a); sbx stats --format 'table {{.ID}}\\t{{.Name}}\\t{{.MemUsage}}\\t{{.PIDs}}' one two")
	table("one 1, two 1")
	if out, err := c.run("kill", "one"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	table("one --, two 1")
	m.keys("C-c")
	m.shows("host$")
	m.line(`s=$?; clear; echo status $s; [ "$a" = "$(stty -a)" ] && echo as it was`)
	m.shows("status 0\nas it was\n")

	m.line("clear; sbx stats --format 'table {{.ID}}\\t{{.Name}}\\t{{.MemUsage}}\\t{{.PIDs}}'")
	table("two 1")
	if out, err := c.run("start", "one"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"two 1, one 1", "one 1"} {
		if want == "one 1" {
			if out, err := c.run("kill", "two"); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		table(want)
	}
	m.keys("C-c")
	m.shows("host$")
}
