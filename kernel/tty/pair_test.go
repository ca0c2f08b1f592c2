package tty

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// open returns the two ends of a new pair.
func open(t testing.TB, c Config) (master, slave *End) {
	t.Helper()
	p := New(c)
	s, err := p.OpenSlave(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Master().Close() })
	return p.Master(), s
}

func read(t testing.TB, e *End) string {
	t.Helper()
	p := make([]byte, 1<<16)
	n, err := e.ReadNB(nil, p)
	if err != nil && err != linux.EAGAIN {
		t.Fatalf("read: %v", err)
	}
	return string(p[:n])
}

func write(t testing.TB, e *End, s string) {
	t.Helper()
	if n, err := e.WriteNB(nil, []byte(s)); err != nil || n != len(s) {
		t.Fatalf("write %q: %d, %v", s, n, err)
	}
}

func wantErr(t testing.TB, what string, err error, want linux.Errno) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got %v, want %v", what, err, want)
	}
}

func TestLineIsEditedAndEchoed(t *testing.T) {
	m, s := open(t, Config{})
	write(t, m, "helpo\x7f\x7flo\r")
	if got := read(t, s); got != "hello\n" {
		t.Errorf("slave read %q", got)
	}
	if got, want := read(t, m), "helpo\b \b\b \blo\r\n"; got != want {
		t.Errorf("echo %q, want %q", got, want)
	}
	write(t, s, "ok\n")
	if got := read(t, m); got != "ok\r\n" {
		t.Errorf("output %q", got)
	}
}

func TestBlockingReadWaitsForTheLine(t *testing.T) {
	m, s := open(t, Config{})
	got := make(chan string)
	go func() {
		p := make([]byte, 100)
		n, err := s.ReadContext(context.Background(), nil, p)
		if err != nil {
			t.Error(err)
		}
		got <- string(p[:n])
	}()
	for _, c := range "line\n" {
		write(t, m, string(c))
	}
	if g := <-got; g != "line\n" {
		t.Errorf("read %q", g)
	}
}

func TestContextInterrupts(t *testing.T) {
	m, s := open(t, Config{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := s.ReadContext(ctx, nil, make([]byte, 1))
	wantErr(t, "read", err, linux.EINTR)
	_, err = m.ReadContext(ctx, nil, make([]byte, 1))
	wantErr(t, "master read", err, linux.EINTR)
	n, err := s.WriteContext(ctx, nil, make([]byte, 1<<20))
	if n == 0 || err != nil {
		t.Errorf("partial write: %d, %v", n, err)
	}
	_, err = s.WriteContext(ctx, nil, make([]byte, 1<<20))
	wantErr(t, "write", err, linux.EINTR)
}

func TestWriterBlocksUntilMasterReads(t *testing.T) {
	m, s := open(t, Config{})
	const size = 1 << 17
	var wg sync.WaitGroup
	wg.Go(func() {
		n, err := s.WriteContext(context.Background(), nil, []byte(strings.Repeat("x", size)))
		if n != size || err != nil {
			t.Errorf("write: %d, %v", n, err)
		}
	})
	wg.Go(func() {
		for got, p := 0, make([]byte, 1000); got < size; {
			n, err := m.ReadContext(context.Background(), nil, p)
			if err != nil {
				t.Error(err)
				return
			}
			got += n
		}
	})
	wg.Wait()
}

// rawTermios is the settings of cfmakeraw(3) with VMIN and VTIME.
func rawTermios(vmin, vtime byte) linux.Termios {
	n := linux.DefaultTermios()
	n.Iflag, n.Oflag, n.Lflag = 0, 0, 0
	n.Cc[linux.VMIN], n.Cc[linux.VTIME] = vmin, vtime
	return n
}

// fakeWait is a WaitFunc that answers with what it is told and notes the timeouts.
type fakeWait struct {
	script []func() error
	asked  []time.Duration
}

func (f *fakeWait) wait(_ <-chan struct{}, d time.Duration) error {
	f.asked = append(f.asked, d)
	next := f.script[0]
	f.script = f.script[1:]
	return next()
}

func TestVMINandVTIME(t *testing.T) {
	timeout := func() error { return linux.ETIMEDOUT }
	for _, c := range []struct {
		name        string
		vmin, vtime byte
		before      string
		later       []string // typed while waiting; "" is a timeout
		want        string
		err         linux.Errno
	}{
		{"VMIN 0 VTIME 0", 0, 0, "", nil, "", 0},
		{"VMIN 1", 1, 0, "", []string{"a"}, "a", 0},
		{"VMIN 3", 3, 0, "a", []string{"b", "cd"}, "abcd", 0},
		{"VMIN more than asked for", 200, 0, "", []string{strings.Repeat("x", 100)}, strings.Repeat("x", 100), 0},
		{"VTIME runs out", 0, 5, "", []string{""}, "", 0},
		{"VTIME, byte comes", 0, 5, "", []string{"a"}, "a", 0},
		{"VMIN and VTIME", 3, 5, "", []string{"a", "b", ""}, "ab", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, s := open(t, Config{})
			if err := s.SetTermios(nil, linux.TCSANOW, rawTermios(c.vmin, c.vtime)); err != nil {
				t.Fatal(err)
			}
			f := &fakeWait{}
			for _, in := range c.later {
				if in == "" {
					f.script = append(f.script, timeout)
				} else {
					f.script = append(f.script, func() error { write(t, m, in); return nil })
				}
			}
			if c.before != "" {
				write(t, m, c.before)
			}
			p := make([]byte, 100)
			n, err := s.Read(nil, p, f.wait)
			if err != nil || string(p[:n]) != c.want || len(f.script) != 0 {
				t.Errorf("read %q, %v; %d waits left", p[:n], err, len(f.script))
			}
			for i, d := range f.asked {
				if c.vtime == 0 && d >= 0 || c.vmin == 0 && c.vtime != 0 && d != 500*time.Millisecond || c.vmin > 0 && i == 0 && d >= 0 {
					t.Errorf("wait %d was for %v", i, d)
				}
			}
		})
	}
}

func TestClosing(t *testing.T) {
	m, s := open(t, Config{})
	write(t, s, "last words")
	s.Close()
	if got := m.Readiness(); got&linux.POLLHUP == 0 || got&linux.POLLIN == 0 {
		t.Errorf("readiness of the master %#x", got)
	}
	if got := read(t, m); got != "last words" {
		t.Errorf("master read %q", got)
	}
	_, err := m.ReadNB(nil, make([]byte, 9))
	wantErr(t, "read after the last", err, linux.EIO)
	write(t, m, "kept\n")
	s2, err := m.TTY().OpenSlave(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, s2); got != "kept\n" {
		t.Errorf("input over a close: %q", got)
	}
	closed := false
	m.TTY().OnClose(func() { closed = true })
	m.Close()
	if n, err := s2.ReadNB(nil, make([]byte, 9)); n != 0 || err != nil {
		t.Errorf("read of a hung up slave: %d, %v", n, err)
	}
	_, err = s2.WriteNB(nil, []byte("x"))
	wantErr(t, "write", err, linux.EIO)
	_, err = s2.InputQueued()
	wantErr(t, "FIONREAD", err, linux.EIO)
	wantErr(t, "TIOCSPGRP", s2.SetForegroundGroup(nil, 1), linux.ENOTTY)
	_, err = m.TTY().OpenSlave(nil)
	wantErr(t, "open", err, linux.EIO)
	if want := uint32(0x15d); s2.Readiness() != want || !closed {
		t.Errorf("readiness %#x, want %#x; closed %v", s2.Readiness(), want, closed)
	}
	_, err = m.ReadNB(nil, make([]byte, 9))
	wantErr(t, "read of a closed master", err, linux.EIO)
}

func TestHangupWakesReaders(t *testing.T) {
	m, s := open(t, Config{})
	done := make(chan error)
	go func() {
		_, err := s.ReadContext(context.Background(), nil, make([]byte, 9))
		done <- err
	}()
	m.Close()
	if err := <-done; err != nil {
		t.Errorf("read: %v", err)
	}
}

func TestLock(t *testing.T) {
	p := New(Config{Locked: true})
	_, err := p.OpenSlave(nil)
	wantErr(t, "open", err, linux.EIO)
	m := p.Master()
	if err := m.SetLock(false); err != nil {
		t.Fatal(err)
	}
	s, err := p.OpenSlave(nil)
	if err != nil {
		t.Fatal(err)
	}
	wantErr(t, "TIOCSPTLCK on the slave", s.SetLock(true), linux.ENOTTY)
	wantErr(t, "TIOCPKT on the slave", s.SetPacket(true), linux.ENOTTY)
	wantErr(t, "TIOCSIG on the slave", s.SignalSlave(linux.SIGINT), linux.ENOTTY)
	wantErr(t, "TIOCSTI", s.Inject('x'), linux.EIO)
}

func TestPacketMode(t *testing.T) {
	m, s := open(t, Config{})
	m.SetPacket(true)
	expect := func(what, want string) {
		t.Helper()
		if got := read(t, m); got != want {
			t.Errorf("%s: read %q, want %q", what, got, want)
		}
	}
	write(t, s, "hi")
	expect("data", "\x00hi")
	write(t, m, "\x13")
	if m.Readiness()&linux.POLLPRI == 0 {
		t.Error("no POLLPRI")
	}
	expect("stop", "\x04")
	write(t, m, "\x11")
	expect("start", "\x08")
	s.Flush(nil, linux.TCIFLUSH)
	expect("flush", "\x01")
	s.Flush(nil, linux.TCIOFLUSH)
	expect("flush", "\x03")
	n, _ := s.Termios()
	n.Iflag &^= linux.IXON
	s.SetTermios(nil, linux.TCSANOW, n)
	expect("no stop", "\x10")
	n.Lflag |= linux.EXTPROC
	s.SetTermios(nil, linux.TCSANOW, n)
	expect("ioctl", "\x40")
}

func TestQueueBounds(t *testing.T) {
	m, s := open(t, Config{})
	count := func(e *End, p string) int {
		total := 0
		for {
			n, err := e.WriteNB(nil, []byte(p))
			total += n
			if err != nil {
				wantErr(t, "full", err, linux.EAGAIN)
				return total
			}
		}
	}
	if n := count(s, strings.Repeat("x", 1000)); n != queueLimit {
		t.Errorf("output queue took %d", n)
	}
	if n := count(m, strings.Repeat("y", 999)+"\n"); n > queueLimit+bufSize || n < bufSize {
		t.Errorf("input queue took %d", n)
	}
	if m.Readiness()&linux.POLLOUT != 0 || s.Readiness()&linux.POLLOUT != 0 {
		t.Error("POLLOUT on a full queue")
	}
	lines := 0
	for range 100 {
		if strings.HasSuffix(read(t, s), "\n") {
			lines++
		}
	}
	if lines < 10 {
		t.Errorf("%d lines came through", lines)
	}
}
