package shell

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// screen is the host's side of a terminal with a shell on it.
type screen struct {
	t   *testing.T
	tty *kernel.TTY
	out *syncBuffer
	at  int
	p   *kernel.Process
}

func newScreen(t *testing.T, term string, argv ...string) *screen {
	t.Helper()
	w := newWorld(t)
	tty, f, err := w.k.NewTTY(linux.Winsize{Row: 24, Col: 80})
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{t: t, tty: tty, out: &syncBuffer{}}
	env := append([]string{"PS1=prompt> ", "TERM=" + term, "HISTFILE="}, testEnv...)
	s.p, err = w.k.Start(kernel.Exec{Argv: argv, Env: env, Cwd: "/tmp/w", Cred: kernel.RootCredentials(), Umask: 0o22,
		Files: []*kernel.File{f, f, f}, CTTY: tty, NewSession: true})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := tty.Read(b)
			s.out.Write(b[:max(0, n)])
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { tty.Close() })
	return s
}

// expect waits for text after what was expected before.
func (s *screen) expect(text string) {
	s.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		if i := strings.Index(s.out.String()[s.at:], text); i >= 0 {
			s.at += i + len(text)
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	s.t.Fatalf("no %q in %q", text, s.out.String()[s.at:])
}

func (s *screen) send(text string) {
	s.t.Helper()
	if _, err := fmt.Fprint(s.tty, text); err != nil {
		s.t.Fatal(err)
	}
}

func (s *screen) end(want int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	st, err := s.p.Wait(ctx)
	if err != nil {
		s.t.Fatalf("%v, screen %q", err, s.out.String())
	}
	if st.ShellCode() != want {
		s.t.Errorf("status %d, want %d", st.ShellCode(), want)
	}
}

func TestInteractive(t *testing.T) {
	for _, term := range []string{"dumb", "xterm"} {
		t.Run(term, func(t *testing.T) {
			s := newScreen(t, term, "bash")
			s.expect("prompt> ")
			s.send("echo a$((1+1))b\r")
			s.expect("a2b")
			s.expect("prompt> ")
			s.send("if true\r")
			s.expect("> ")
			s.send("then echo in$((3+4)); fi\r")
			s.expect("in7")
			s.expect("prompt> ")
			s.send("sh -c 'echo on$((8+9)); exec sleep 30'\r")
			s.expect("on17") // what is typed before goes to the shell
			s.send("\x03")
			s.expect("prompt> ")
			s.send("echo st$?\r")
			s.expect("st130")
			s.expect("prompt> ")
			s.send("abc\x03")
			s.expect("prompt> ")
			s.send("(\r)\r")
			s.expect("syntax error")
			s.expect("prompt> ")
			s.send("exit 7\r")
			s.end(7)
		})
	}
}

func TestInteractiveEnd(t *testing.T) {
	s := newScreen(t, "dumb", "sh")
	s.expect("prompt> ")
	s.send("false\r")
	s.expect("prompt> ")
	s.send("\x04")
	s.end(1)
}

func TestJobControl(t *testing.T) {
	s := newScreen(t, "dumb", "bash")
	s.expect("prompt> ")
	s.send("sh -c 'echo on$((8+9)); exec sleep 30'\r")
	s.expect("on17")
	s.send("\x1a")
	s.expect("Stopped")
	s.expect("sleep 30")
	s.expect("prompt> ")
	s.send("jobs\r")
	s.expect("[1]+  Stopped")
	s.expect("prompt> ")
	s.send("bg\r")
	s.expect("[1]+ sh -c ")
	s.expect("sleep 30")
	s.expect(" &\r\n")
	s.expect("prompt> ")
	s.send("jobs\r")
	s.expect("Running")
	s.expect("prompt> ")
	s.send("fg\r")
	s.expect("sleep 30")
	for from := len(s.out.String()); !strings.Contains(s.out.String()[from:], "prompt> "); time.Sleep(20 * time.Millisecond) {
		s.send("\x03") // the first may come before the job has the terminal
	}
	s.expect("prompt> ")
	s.send("jobs; echo none$?\r")
	s.expect("none0")
	s.expect("prompt> ")
	s.send("sleep 0.01 & wait; echo w$?\r")
	s.expect("w0")
	s.send("(echo on$((8+9)); cat) | cat\r")
	s.expect("on17")
	s.send("hello\r")
	s.expect("hello\r\nhello")
	s.send("\x04")
	s.expect("prompt> ")
	s.send("exit\r")
	s.end(0)
}
