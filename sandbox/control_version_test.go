package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// between takes the place of a control socket and passes everything on, but for the first line each way, which rewrite may change.
func between(t *testing.T, socket string, rewrite func(line []byte, request bool) []byte) {
	t.Helper()
	if err := os.Rename(socket, socket+"-real"); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	pass := func(to, from net.Conn, request bool) {
		defer to.Close()
		in := bufio.NewReader(from)
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		if _, err := to.Write(rewrite(line, request)); err == nil {
			io.Copy(to, in)
		}
	}
	go func() {
		for {
			caller, err := l.Accept()
			if err != nil {
				return
			}
			called, err := net.Dial("unix", socket+"-real")
			if err != nil {
				caller.Close()
				continue
			}
			go pass(called, caller, true)
			go pass(caller, called, false)
		}
	}()
}

// TestAnotherVersion: what two versions of sbx would misread they don't begin; lines they understand, and to stop a container they need
// nothing more.
func TestAnotherVersion(t *testing.T) {
	ctx := context.Background()
	version := regexp.MustCompile(`"version":1`)
	replace := func(by string, requests bool) func([]byte, bool) []byte {
		return func(line []byte, request bool) []byte {
			if request == requests {
				return version.ReplaceAll(line, []byte(by))
			}
			return line
		}
	}
	for _, c := range []struct {
		name    string
		rewrite func([]byte, bool) []byte
		ok      bool
	}{
		{"same", func(line []byte, _ bool) []byte { return line }, true},
		{"container older", replace(`"unknown":7`, false), false},
		{"container newer", replace(`"version":99`, false), false},
		{"caller older", replace(`"unknown":7`, true), false},
		{"caller newer", replace(`"version":99`, true), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := openEngine(t, t.TempDir())
			r := running(t, e, Config{Name: "box", OpenStdin: true}, idle)
			st := e.disk.state(r.ID(), false)
			if st.Control == "" {
				t.Skip("no control socket")
			}
			between(t, st.Control, c.rewrite)
			far := openEngine(t, e.Home()) // as another sbx
			host := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(host, []byte("text"), 0o600); err != nil {
				t.Fatal(err)
			}
			for name, do := range map[string]func() error{
				"exec": func() error {
					_, _, err := execIn(far, "box", ExecConfig{Cmd: []string{"true"}}, nil)
					return err
				},
				"exec -d": func() error {
					_, err := far.Exec(ctx, "box", ExecConfig{Cmd: []string{"true"}, Detach: true})
					return err
				},
				"attach": func() error {
					s, err := far.Attach(ctx, "box", AttachOptions{Stdout: true})
					if err == nil {
						s.Detach()
					}
					return err
				},
				"cp to":   func() error { _, err := far.CopyTo(ctx, host, "box", "/file", CopyOptions{}); return err },
				"cp from": func() error { return far.CopyFromTar(ctx, "box", "/etc/passwd", io.Discard, CopyOptions{}) },
			} {
				err := do()
				if c.ok && err != nil || !c.ok && (!errors.Is(err, errVersion) || !strings.HasPrefix(err.Error(), "this container is run by another version of sbx (")) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if err := far.Signal(ctx, "box", linux.SIGWINCH); err != nil {
				t.Error("signal: ", err)
			}
			if list, err := far.Top(ctx, "box"); err != nil || len(list) == 0 {
				t.Error("top: ", list, err)
			}
			if err := far.Stop(ctx, "box", StopOptions{}); err != nil {
				t.Error("stop: ", err)
			}
			if code, err := r.Wait(ctx); code != 0 || err != nil {
				t.Errorf("stopped: %d, %v", code, err)
			}
		})
	}
}

// TestLaunchedByAnotherVersion: a program that was replaced after its sbx had started says so.
func TestLaunchedByAnotherVersion(t *testing.T) {
	e := openEngine(t, t.TempDir())
	inR, inW, _ := os.Pipe()
	outR, outW, _ := os.Pipe()
	defer outR.Close()
	io.WriteString(inW, `{"op":"launch","version":99}`+"\n")
	inW.Close()
	done := make(chan error, 1)
	go func() { _, err := e.Supervise(context.Background(), "box", inR, outW); done <- err }()
	outR.SetReadDeadline(time.Now().Add(time.Minute))
	b, _ := io.ReadAll(outR)
	if err := <-done; !errors.Is(err, errVersion) || !bytes.Contains(b, []byte("another version of sbx")) {
		t.Errorf("%v, the other side is told %q", err, b)
	}
}
