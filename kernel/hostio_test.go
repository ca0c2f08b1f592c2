package kernel

import (
	"bytes"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// newHostPipe makes a file over a host pipe, which is closed with the test.
func newHostPipe(tb testing.TB, k *Kernel) (*File, *os.File) {
	tb.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	f := k.HostReader(r)
	tb.Cleanup(func() { f.Close(); r.Close(); w.Close() })
	return f, w
}

// TestHostReaderTakesWhatIsAsked: what guests leave is there for others.
func TestHostReaderTakesWhatIsAsked(t *testing.T) {
	w := newWorld(t)
	in := strings.NewReader("line one\nline two\n")
	w.run(func(g *Task) int {
		b := make([]byte, 4)
		n, err := g.Read(0, b)
		ok(t, err)
		want(t, "read", string(b[:n]), "line")
		return 0
	}, w.k.HostReader(in))
	rest, _ := io.ReadAll(in)
	want(t, "left", string(rest), " one\nline two\n")
}

func TestHostEnds(t *testing.T) {
	w := newWorld(t)
	var out bytes.Buffer
	big := strings.Repeat("0123456789", 50000)
	w.run(func(g *Task) int {
		n, err := g.Poll([]PollFd{{FD: 0, Events: linux.POLLIN}}, -1)
		ok(t, err)
		want(t, "ready", n, 1)
		b := make([]byte, 100000)
		for {
			n, err := g.Read(0, b)
			ok(t, err)
			if n == 0 {
				break
			}
			m, err := g.Write(1, b[:n])
			ok(t, err)
			want(t, "written", m, n)
		}
		fds := []PollFd{{FD: 0, Events: linux.POLLIN}, {FD: 1, Events: linux.POLLOUT}}
		g.Poll(fds, 0)
		want(t, "end", fds[0].Revents, linux.POLLHUP)
		want(t, "room", fds[1].Revents, linux.POLLOUT)
		_, err = g.Write(0, b)
		want[error](t, "write to a reader", err, linux.EBADF)
		_, err = g.Read(1, b)
		want[error](t, "read from a writer", err, linux.EBADF)
		_, err = g.Lseek(0, 0, 0)
		want[error](t, "seek", err, linux.ESPIPE)
		return 0
	}, w.k.HostReader(strings.NewReader(big)), w.k.HostWriter(&out))
	want(t, "copy", out.String() == big, true)
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error)  { return 0, f.err }
func (f failing) Write([]byte) (int, error) { return 0, f.err }

type panicking struct{}

func (panicking) Read([]byte) (int, error)  { panic("no") }
func (panicking) Write([]byte) (int, error) { panic("no") }

func TestHostErrors(t *testing.T) {
	w := newWorld(t)
	st := w.run(func(g *Task) int {
		g.Sigaction(linux.SIGPIPE, SigIgnore)
		b := make([]byte, 4)
		_, err := g.Read(0, b)
		want[error](t, "read", err, linux.EIO)
		_, err = g.Write(1, b)
		want[error](t, "write", err, linux.EPIPE)
		_, err = g.Read(2, b)
		want[error](t, "panic in read", err, linux.EIO)
		_, err = g.Write(3, b)
		want[error](t, "panic in write", err, linux.EIO)
		return 0
	}, w.k.HostReader(failing{io.ErrUnexpectedEOF}), w.k.HostWriter(failing{io.ErrClosedPipe}),
		w.k.HostReader(panicking{}), w.k.HostWriter(panicking{}))
	want(t, "status", st, 0)
}

// TestHostReaderIsGone: process 1 dies of SIGPIPE on a host stream, unless it
// ignores it.
func TestHostReaderIsGone(t *testing.T) {
	w := newWorld(t)
	st := w.run(func(g *Task) int {
		for {
			if _, err := g.Write(0, []byte("y\n")); err != linux.EPIPE {
				return 1
			}
			g.Pause()
		}
	}, w.k.HostWriter(failing{io.ErrClosedPipe}))
	want(t, "status", st, linux.SignalStatus(linux.SIGPIPE, false))
}

// TestInterruptedReadLosesNothing: what arrives after the signal is there for
// the next read.
func TestInterruptedReadLosesNothing(t *testing.T) {
	w := newWorld(t)
	f, hw := newHostPipe(t, w.k)
	st := w.run(func(g *Task) int {
		g.Sigaction(linux.SIGALRM, SigHandle)
		g.Alarm(time.Millisecond)
		b := make([]byte, 10)
		_, err := g.Read(0, b)
		want[error](t, "interrupted", err, linux.EINTR)
		g.TakeSignal()
		hw.WriteString("late")
		n, err := g.Read(0, b)
		ok(t, err)
		want(t, "read", string(b[:n]), "late")
		g.SetStatusFlags(0, linux.O_NONBLOCK)
		_, err = g.Read(0, b)
		want[error](t, "nonblocking", err, linux.EAGAIN)
		return 0
	}, f)
	want(t, "status", st, 0)
}

// TestNoGoroutineIsLeft: Close joins everything, whatever was going on.
func TestNoGoroutineIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 5 {
		w := newWorld(t)
		r, hw, _ := os.Pipe()
		or, ow, _ := os.Pipe()
		tty, slave, err := w.k.NewTTY(linux.Winsize{Row: 24, Col: 80})
		if err != nil {
			t.Fatal(err)
		}
		in, out := w.k.HostReader(r), w.k.HostWriter(ow)
		ready := make(chan struct{}, 16)
		w.start(func(g *Task) int {
			for _, f := range []func(c *Task){
				func(c *Task) { c.Read(0, make([]byte, 10)) },
				func(c *Task) { c.Poll([]PollFd{{FD: 0, Events: 1}}, -1) },
				func(c *Task) {
					for c.Context().Err() == nil {
						c.Write(1, make([]byte, 1<<20))
					}
				},
				func(c *Task) { c.Read(2, make([]byte, 10)) },
				func(c *Task) { c.Nanosleep(time.Hour) },
				func(c *Task) { c.Kill(c.Getpid(), linux.SIGSTOP); c.Pause() },
				func(c *Task) {
					c.Fork(ProgramFunc(func(d *Task) int { d.Pause(); return 0 })) // may come too late
					c.Wait4(-1, 0)
				},
			} {
				child(t, g, func(c *Task) int {
					ready <- struct{}{}
					f(c)
					return 0
				})
			}
			g.Pause()
			return 0
		}, in, out, slave)
		for range 7 {
			<-ready
		}
		ok(t, w.k.Close())
		in.Close()
		out.Close()
		slave.Close()
		tty.Close()
		r.Close()
		hw.Close()
		or.Close()
		ow.Close()
	}
	for range 20000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	buf := make([]byte, 1<<20)
	t.Errorf("%d goroutines before, %d after\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
}
