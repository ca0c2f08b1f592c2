package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// TestControlHostile: whatever is sent to the socket, the container goes on,
// its end ends every connection, and nothing stays.
func TestControlHostile(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	if _, _, err := sh(ctx, e, Config{AutoRemove: true}, ":"); err != nil {
		t.Fatal(err)
	}
	before := settled(0)
	r := running(t, e, Config{Name: "box", OpenStdin: true}, idle)
	path := e.disk.state(r.ID(), false).Control
	dial := func() net.Conn {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	var open []net.Conn
	for _, text := range []string{
		"", "\n", "{", "null\n", "[]\n", "{}\n", `{"op":"nosuch"}` + "\n", `{"op":"signal","args":{"signal":"x"}}` + "\n", `{"op":"signal","args":{"signal":-1}}` + "\n",
		`{"op":"signal","args":{"signal":1000}}` + "\n", `{"op":"exec","args":{"cmd":[""]}}` + "\n", `{"op":"exec","args":[]}` + "\n", `{"op":"stat","args":{"path":7}}` + "\n", `{"op":"stat","args":{"path":"../../\\u0000"}}` + "\n", `{"op":"pack","args":{"path":"/nosuch"}}` + "\n", `{"op":"unpack","args":{"path":"/tmp"}}` + "\n\x00\x00\x00\x05junk!\x00\x00\x00\x00", `{"op":"unpack"}` + "\n\xff\xff\xff\xff",
		`{"op":"attach","args":{"stdin":true}}` + "\n" + "i\xff\xff\xff\xff", `{"op":"attach"}` + "\n" + "zzzzzzzzzzzzzzzzzz", `{"op":"wait"}` + "\n" + "r\x00\x00\x00\x01x" + "s\x00\x00\x00\x00",
		`{"op":"attach","args":{"stdin":true,"size":{"Row":65535,"Col":0}}}` + "\n" + "s\x00\x00\x00\x01\xff" + "r\x00\x00\x00\x04\x00\x00\x00\x00" + "i\x00\x00\x00\x00" + "q\x00\x00\x00\x02ab",
		strings.Repeat("x", maxRequest+2),
	} {
		c := dial()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(c, strings.ReplaceAll(text, `{"op"`, fmt.Sprintf(`{"version":%d,"op"`, streamVersion)))
		open = append(open, c)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		c := dial()
		junk := make([]byte, rnd.IntN(300))
		for i := range junk {
			junk[i] = byte(rnd.Uint32())
		}
		_, _ = c.Write(append(fmt.Appendf(nil, `{"version":%d,"op":"attach","args":{"stdin":true,"stdout":true}}`+"\n", streamVersion), junk...))
		if rnd.IntN(2) == 0 {
			_ = c.Close()
		} else {
			open = append(open, c)
		}
	}
	if out, code, err := execIn(e, "box", ExecConfig{Cmd: []string{"echo", "alive"}}, nil); out != "alive\n" || code != 0 || err != nil {
		t.Errorf("%q %d %v", out, code, err)
	}
	r.Kill()
	if code, err := r.Wait(ctx); code != 137 || err != nil {
		t.Errorf("%d %v", code, err)
	}
	for _, c := range open {
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.Copy(io.Discard, c); errors.Is(err, linux.ETIMEDOUT) || isTimeout(err) {
			t.Error("a connection stays open")
		}
		_ = c.Close()
	}
	if after := settled(before); after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

func isTimeout(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) && ne.Timeout()
}

// TestCallsAtTheEnd: callers that come while a container ends get an answer.
func TestCallsAtTheEnd(t *testing.T) {
	home, ctx := t.TempDir(), context.Background()
	a, b := openEngine(t, home), openEngine(t, home)
	for range 10 {
		r := running(t, a, Config{Name: "box"}, "sleep 0.02; exit 3")
		var wg sync.WaitGroup
		for i := range 12 {
			e := []*Engine{a, b}[i%2]
			time.Sleep(time.Duration(i) * time.Millisecond)
			wg.Go(func() {
				switch i / 2 {
				case 0, 1:
					if code, err := e.Wait(ctx, "box"); code != 3 || err != nil {
						t.Errorf("wait: %d %v", code, err)
					}
				case 2:
					if _, _, err := execIn(e, "box", ExecConfig{Cmd: []string{"true"}}, nil); err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, errEnding) {
						t.Errorf("exec: %v", err)
					}
				case 3:
					if s, err := e.Attach(ctx, "box", AttachOptions{Stdout: true}); err == nil {
						if code, err := s.Serve(IO{}); code != 3 || err != nil {
							t.Errorf("attach: %d %v", code, err)
						}
					} else if !errors.Is(err, ErrConflict) {
						t.Errorf("attach: %v", err)
					}
				case 4:
					if err := e.Signal(ctx, "box", linux.SIGWINCH); err != nil && !errors.Is(err, ErrConflict) && !errors.Is(err, errEnding) {
						t.Errorf("signal: %v", err)
					}
				case 5:
					if _, err := e.Diff(ctx, "box"); err != nil && !errors.Is(err, ErrConflict) {
						t.Errorf("diff: %v", err)
					}
				}
			})
		}
		wg.Wait()
		if code, err := r.Wait(ctx); code != 3 || err != nil {
			t.Errorf("%d %v", code, err)
		}
		if err := b.Remove(ctx, "box", RemoveOptions{}); err != nil {
			t.Error(err)
		}
	}
}

// TestNoCallAfterTheEnd: a call whose connection the end of the container has closed is not begun: the caller
// takes it for undone, and asks again.
func TestNoCallAfterTheEnd(t *testing.T) {
	c := newControl(&Run{})
	mine, its := net.Pipe()
	c.track(its)
	ended := make(chan struct{})
	go func() {
		c.endCalls()
		close(ended)
	}()
	if _, err := mine.Read(make([]byte, 1)); err != io.EOF {
		t.Fatal(err)
	}
	if c.begin(its) {
		t.Error("a call is begun that nobody hears of")
	}
	c.drop(its)
	<-ended
}

func TestStopTimes(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	secs := func(n int) *int { return &n }
	for _, c := range []struct {
		name   string
		cfg    Config
		opts   StopOptions
		script string
		code   int
	}{
		{"handled", Config{}, StopOptions{}, idle, 0},
		{"of the container", Config{StopSignal: "USR1"}, StopOptions{}, `trap 'exit 5' USR1; echo up; while :; do sleep 0.05; done`, 5},
		{"asked for", Config{StopSignal: "USR1"}, StopOptions{Signal: linux.SIGUSR2}, `trap 'exit 6' USR2; echo up; while :; do sleep 0.05; done`, 6},
		{"ignored", Config{}, StopOptions{Timeout: secs(0)}, `trap '' TERM; echo up; while :; do sleep 0.05; done`, 137},
		{"the container's time", Config{StopTimeout: secs(0)}, StopOptions{}, `echo up; while :; do sleep 0.05; done`, 137},
		{"for ever", Config{}, StopOptions{Timeout: secs(-1)}, `trap 'sleep 0.2; exit 8' TERM; echo up; while :; do sleep 0.05; done`, 8},
	} {
		c.cfg.Name = "box"
		r := running(t, e, c.cfg, c.script)
		awaitLog(t, e, "box", "up")
		if err := e.Stop(ctx, "box", c.opts); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got, err := e.Inspect("box"); err != nil || got.State.Status != StatusExited || got.State.ExitCode != c.code {
			t.Errorf("%s: %+v %v", c.name, got.State, err)
		}
		_, _ = r.Wait(ctx)
		if err := e.Stop(ctx, "box", c.opts); err != nil {
			t.Errorf("%s, again: %v", c.name, err)
		}
		if err := e.Remove(ctx, "box", RemoveOptions{}); err != nil {
			t.Error(err)
		}
	}
}

// FuzzFrames: no bytes make the reader of frames take more than it may, and
// what is written is what is read.
func FuzzFrames(f *testing.F) {
	f.Add([]byte("i\x00\x00\x00\x02ab"))
	f.Add([]byte("r\x00\x00\x00\x04\x00\x1e\x00\x5a"))
	f.Add([]byte("x\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		in, buf := bufio.NewReader(bytes.NewReader(b)), make([]byte, maxFrame)
		for rest := b; ; {
			kind, body, err := readFrame(in, buf)
			if err != nil {
				return
			}
			again := newFrame(kind, body)
			if !bytes.HasPrefix(rest, again) {
				t.Fatalf("%q is read from %q", again, rest)
			}
			rest = rest[len(again):]
			if ws, ok := parseSize(body); ok && !bytes.Equal(sizeFrame(ws)[frameHead:], body) {
				t.Fatalf("size %v of %q", ws, body)
			}
		}
	})
}

// FuzzRequest: any line is a request or an error.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"version":1,"op":"exec","args":{"cmd":["a"]}}` + "\n"))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		req, in, err := readRequest(bytes.NewReader(b))
		if err != nil {
			return
		}
		rest, _ := io.ReadAll(in)
		if line := b[:len(b)-len(rest)]; !json.Valid(line) {
			t.Fatalf("%q is %+v", line, req)
		}
	})
}

func TestErrorsCrossTheSocket(t *testing.T) {
	for name, kind := range errorKinds {
		err := fail(kind, "text")
		if got := errorOf(kindOf(err), err.Error()); !errors.Is(got, kind) || got.Error() != "text" || kindOf(err) != name {
			t.Errorf("%s: %q %v", name, kindOf(err), got)
		}
	}
	if err := errorOf("", "plain"); err.Error() != "plain" {
		t.Error(err)
	}
}

func TestInbox(t *testing.T) {
	b := newInbox()
	text := strings.Repeat("0123456789", inboxBytes/4)
	go func() {
		b.write(context.Background(), []byte(text))
		b.close()
		b.write(context.Background(), []byte("late"))
	}()
	if got, err := io.ReadAll(b); string(got) != text || err != nil {
		t.Errorf("%d bytes of %d, %v", len(got), len(text), err)
	}
	b = newInbox()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.write(ctx, make([]byte, inboxBytes+1)) // nobody reads
	}()
	cancel()
	<-done
}
