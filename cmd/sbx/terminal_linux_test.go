package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// screen is sbx on a terminal of the host.
type screen struct {
	t    *testing.T
	m    *os.File
	fd   int // of m, which Fd would make block
	cmd  *exec.Cmd
	text string
}

// onScreen starts sbx with a pseudo-terminal of 30 rows and 90 columns as its
// standard files.
func onScreen(t *testing.T, args ...string) *screen {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skip("needs pseudo-terminals: ", err)
	}
	m := os.NewFile(uintptr(fd), "ptmx") // nonblocking: reads take deadlines
	t.Cleanup(func() { _ = m.Close() })
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 90})
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("needs pseudo-terminals: ", err)
	}
	defer s.Close()
	bin, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "sbx")
	if err := os.Symlink(bin, link); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(link, args...)
	c.Stdin, c.Stdout, c.Stderr = s, s, s
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Process.Kill() })
	return &screen{t: t, m: m, fd: fd, cmd: c}
}

// until reads up to some words and returns what came before.
func (s *screen) until(words string) string {
	s.t.Helper()
	_ = s.m.SetReadDeadline(time.Now().Add(time.Minute))
	for buf := make([]byte, 4096); ; {
		if before, after, ok := strings.Cut(s.text, words); ok {
			s.text = after
			return before
		}
		n, err := s.m.Read(buf)
		if s.text += string(buf[:n]); err != nil {
			s.t.Fatalf("no %q in %q: %v", words, s.text, err)
		}
	}
}

func (s *screen) typed(text string) {
	s.t.Helper()
	if _, err := s.m.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

func (s *screen) termios() *unix.Termios {
	s.t.Helper()
	tio, err := unix.IoctlGetTermios(s.fd, unix.TCGETS)
	if err != nil {
		s.t.Fatal(err)
	}
	return tio
}

// raw waits until sbx has made the line raw: what is typed before that is not
// for the guest.
func (s *screen) raw() {
	s.t.Helper()
	for s.termios().Lflag&unix.ICANON != 0 {
		time.Sleep(time.Millisecond)
	}
}

// ends drains the screen and checks the exit code.
func (s *screen) ends(code int) string {
	s.t.Helper()
	for buf := make([]byte, 4096); ; {
		n, err := s.m.Read(buf)
		if s.text += string(buf[:n]); err != nil {
			break // EIO: nobody has it open any more
		}
	}
	_ = s.cmd.Wait()
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.t.Errorf("exit %d, want %d: %q", got, code, s.text)
	}
	return s.text
}

// TestRunOnTerminal: keys go through raw, the guest's terminal has a name and
// the host's size, and the host's settings are back at the end.
func TestRunOnTerminal(t *testing.T) {
	s := newSbx(t, t.TempDir())
	s.must("pull", "-q", "tiny")
	c := onScreen(t, "run", "--name", "box", "-it", "--userland=builtin", "tiny", "sh", "-c",
		"tty; readlink /proc/self/fd/0; trap 'echo resized' WINCH; trap 'echo interrupted' INT; echo up; while :; do read x; echo \"<$x>\"; [ \"$x\" != end ] || exit 7; done")
	if out := c.until("up\r\n"); out != "/dev/pts/0\r\n/dev/pts/0\r\n" {
		t.Errorf("%q", out)
	}
	if tio := c.termios(); tio.Lflag&(unix.ICANON|unix.ECHO|unix.ISIG) != 0 {
		t.Errorf("not raw: %#x", tio.Lflag)
	}
	c.typed("hello\r")
	c.until("hello\r\n<hello>\r\n") // echoed by the guest's terminal
	if err := unix.IoctlSetWinsize(c.fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 31, Col: 91}); err != nil {
		t.Fatal(err)
	}
	c.until("resized\r\n")
	c.typed("end\r")
	c.until("<end>")
	c.ends(7)
	if out := s.must("inspect", "-f", "{{.State.ExitCode}} {{.Config.Tty}} {{.Config.OpenStdin}}", "box"); out != "7 true true" {
		t.Error(out)
	}
}

// TestTerminalIsRestored: after a run the line is as it was, also when the
// program cannot start.
func TestTerminalIsRestored(t *testing.T) {
	s := newSbx(t, t.TempDir())
	s.must("pull", "-q", "tiny")
	for _, args := range [][]string{{"sh", "-c", "echo up; read x"}, {"nosuch"}} {
		c, keep, before := onKeptScreen(t, append([]string{"run", "-it", "--rm", "tiny"}, args...)...)
		if args[0] == "sh" {
			c.until("up\r\n")
			c.typed("\r")
		}
		_ = c.cmd.Wait()
		if after := *c.termios(); after != before {
			t.Errorf("%v: the line was %+v and is %+v", args, before, after)
		}
		_ = keep.Close()
	}
}

// TestTerminalIsRestoredAlways: all settings of the line are as they were,
// however a run, an attach or an exec is left.
func TestTerminalIsRestoredAlways(t *testing.T) {
	s := newSbx(t, t.TempDir())
	signalled := func(sig syscall.Signal) func(c *screen) {
		return func(c *screen) { _ = c.cmd.Process.Signal(sig) }
	}
	ways := []struct {
		name  string
		leave func(c *screen)
	}{
		{"detached", func(c *screen) { c.typed("\x10\x11") }},
		{"TERM", signalled(syscall.SIGTERM)}, {"HUP", signalled(syscall.SIGHUP)}, {"INT", signalled(syscall.SIGINT)}, {"QUIT", signalled(syscall.SIGQUIT)},
		{"killed", func(*screen) { s.must("kill", "box") }},
	}
	for _, how := range ways {
		for _, verb := range []string{"run", "attach", "exec"} {
			args := []string{"exec", "-it", "box", "sh", "-c", "echo up; read x"}
			switch program := []string{"base", "sh", "-c", "while :; do echo up; read x; done"}; verb {
			case "run":
				args = append([]string{"run", "-it", "--name", "box"}, program...)
			case "attach":
				s.must(append([]string{"run", "-dit", "--name", "box"}, program...)...)
				args = []string{"attach", "box"}
			case "exec":
				s.must(append([]string{"run", "-dit", "--name", "box"}, program...)...)
			}
			c, keep, before := onKeptScreen(t, args...)
			c.raw()
			if verb == "attach" {
				c.typed("\r")
			}
			c.until("up\r\n")
			how.leave(c)
			_ = c.cmd.Wait()
			if after := *c.termios(); after != before {
				t.Errorf("%s, %s: the line was %+v and is %+v", verb, how.name, before, after)
			}
			_ = keep.Close()
			s.must("rm", "-f", "box")
		}
	}
}

// onKeptScreen is onScreen with a line that somebody keeps open, so that its
// settings can be seen to the end, and what they are before.
func onKeptScreen(t *testing.T, args ...string) (*screen, *os.File, unix.Termios) {
	t.Helper()
	fresh, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("needs pseudo-terminals: ", err)
	}
	defer unix.Close(fresh)
	before, err := unix.IoctlGetTermios(fresh, unix.TCGETS) // every line begins with the same
	if err != nil {
		t.Fatal(err)
	}
	c := onScreen(t, args...)
	n, err := unix.IoctlGetInt(c.fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	keep, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return c, keep, *before
}

// TestHangupOfTerminal: a terminal that goes away leaves the container running.
func TestHangupOfTerminal(t *testing.T) {
	s := newSbx(t, t.TempDir())
	s.must("pull", "-q", "tiny")
	c := onScreen(t, "run", "--name", "box", "-it", "tiny", "sh", "-c", "echo x >/f; echo up; while read x; do echo $x >>/f; done; echo y >/end")
	c.until("up\r\n")
	_ = c.m.Close()
	_ = c.cmd.Wait()
	if out := s.must("ps", "-a", "--format", "{{.State}}"); out != "running" {
		t.Error(out)
	}
	c = onScreen(t, "attach", "box")
	c.raw()
	c.typed("more\r")
	c.until("more\r\n")
	c.typed("\x04")
	c.ends(0)
	if out := s.must("ps", "-a", "--format", "{{.State}}"); out != "exited" {
		t.Error(out)
	}
	if out := s.must("cp", "box:/f", "-"); !strings.Contains(out, "x\nmore\n") {
		t.Errorf("saved: %q", out)
	}
}

// TestDetachKeys: the keys leave a container that runs on, whole beginnings of
// them are typed after all, and others can be chosen.
func TestDetachKeys(t *testing.T) {
	s := newSbx(t, t.TempDir())
	c := onScreen(t, "run", "--name", "box", "-it", "base", "sh", "-c", "echo up; while read x; do echo \"<$x>\"; done; exit 5")
	c.until("up\r\n")
	c.typed("one\r")
	c.until("<one>\r\n")
	c.typed("\x10\x11")
	c.ends(0)
	if out := s.must("ps", "--format", "{{.Names}}"); out != "box" {
		t.Error(out)
	}
	c = onScreen(t, "attach", "--detach-keys", "ctrl-a,d", "box")
	c.raw()
	c.typed("\x01x\r")
	c.until("x>\r\n")
	c.typed("\x01d")
	if out := c.ends(1); !strings.Contains(out, "read escape sequence") {
		t.Errorf("%q", out)
	}
	c = onScreen(t, "exec", "-it", "box", "sh", "-c", "tty; stty size; read x; exit 6")
	c.until("/dev/pts/1\r\n30 90\r\n")
	c.typed("\r")
	c.ends(6)
	c = onScreen(t, "attach", "box")
	c.raw()
	c.typed("\x04")
	c.ends(5)
	if out := s.must("logs", "box"); !strings.Contains(out, "<one>\r\n") {
		t.Errorf("%q", out)
	}
}

// TestOutputOnTerminal: what sbx shows and refuses when somebody watches.
func TestOutputOnTerminal(t *testing.T) {
	newSbx(t, t.TempDir())
	c := onScreen(t, "pull", "tiny")
	if out := c.ends(0); !strings.Contains(out, "Pull complete") || !strings.Contains(out, "\x1b[") {
		t.Errorf("pull: %q", out)
	}
	for _, verb := range [][]string{{"save", "tiny"}, {"load"}, {"import", "-"}} {
		if out := onScreen(t, verb...).ends(1); !strings.Contains(out, "sbx: refusing to ") {
			t.Errorf("%v: %q", verb, out)
		}
	}
	c = onScreen(t, "system", "prune")
	c.until("[y/N] ")
	c.typed("n\r")
	c.ends(0)
	registry := strings.TrimPrefix(os.Getenv("SBX_REGISTRY_MIRROR"), "http://")
	c = onScreen(t, "login", registry)
	c.until("Username: ")
	c.typed("ann\r")
	c.until("Password: ")
	for c.termios().Lflag&unix.ECHO != 0 {
		time.Sleep(time.Millisecond) // the line is told after the question is asked
	}
	c.typed("s3cret\r")
	if out := c.ends(0); !strings.Contains(out, "Login Succeeded") || strings.Contains(out, "s3cret") {
		t.Errorf("login: %q", out)
	}
}
