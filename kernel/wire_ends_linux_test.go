package kernel

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// TestWireQueues: connections wait for room in the backlog, and for nobody who does not listen.
func TestWireQueues(t *testing.T) {
	w := newWorld(t)
	refused := func(what string, c *net.TCPConn) {
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: %v", what, err)
		}
	}
	c, s := hostPair(t)
	done, err := w.k.Adopt(context.Background(), s, wireGate, wireGuest)
	want(t, "adopted", done, true)
	want[error](t, "nobody listens", err, linux.ECONNREFUSED)
	refused("nobody listens", c)

	closing, closed := make(chan bool), make(chan bool)
	p := listens(w, func(g *Task, l int) {
		<-closing
		ok(t, g.Close(l))
		<-closed
	})
	var clients []*net.TCPConn
	for range 2 { // a backlog of one has two
		c, s := hostPair(t)
		adopt(t, w, s)
		clients = append(clients, c)
	}
	c, s = hostPair(t)
	ctx, cancel := context.WithCancel(context.Background())
	waits := make(chan error)
	go func() {
		_, err := w.k.Adopt(ctx, s, wireGate, wireGuest)
		waits <- err
	}()
	cancel()
	want[error](t, "given up", <-waits, context.Canceled)
	refused("given up", c)
	close(closing)
	for _, c := range clients {
		refused("never accepted", c)
	}
	close(closed)
	w.wait(p)
	if done, err := w.k.Adopt(context.Background(), noTCP(t), wireGate, wireGuest); done || err != nil {
		t.Error("what is no TCP of the host's was adopted:", err)
	}
}

func noTCP(t *testing.T) net.Conn {
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	return a
}

// TestWireNetworkGoes: who is taken off a network loses its connections.
func TestWireNetworkGoes(t *testing.T) {
	c, s := hostPair(t)
	w := newWorld(t)
	reading := make(chan bool)
	p := listens(w, func(g *Task, l int) {
		fd, _, err := g.Accept(l, 0)
		ok(t, err)
		close(reading)
		_, err = g.Read(fd, make([]byte, 1))
		want[error](t, "read", err, linux.ETIMEDOUT)
	})
	adopt(t, w, s)
	<-reading
	ok(t, w.k.RemoveInterface("eth0"))
	w.wait(p)
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
}

func openFDs(t *testing.T) int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc:", err)
	}
	return len(list)
}

// TestWireEnds: a sandbox that ends in the middle of everything leaves nothing behind, and
// what the host had taken still arrives.
func TestWireEnds(t *testing.T) {
	hostPair(t) // Go's own poller
	goroutines, files := runtime.NumGoroutine(), 0
	big := noise(64 << 20)
	for round := range 3 {
		if round == 1 {
			files = openFDs(t)
		}
		w := newWorld(t)
		p := listens(w, func(g *Task, l int) {
			for range 2 {
				fd, _, err := g.Accept(l, 0)
				ok(t, err)
				g.Fork(ProgramFunc(func(c *Task) int {
					c.Write(fd, big) // the client does not read
					return 0
				}))
			}
			g.Accept(l, 0)
		})
		var clients, servers [2]*net.TCPConn
		for i := range clients {
			clients[i], servers[i] = hostPair(t)
			adopt(t, w, servers[i])
			io.ReadFull(clients[i], make([]byte, 1<<20))
		}
		ok(t, w.k.Close())
		w.wait(p)
		want(t, "sockets", w.k.net.Open(), 0)
		want(t, "memory", w.k.memory.Load(), 0)
		for _, c := range clients {
			rest, err := io.ReadAll(c)
			if !bytes.Equal(rest, big[1<<20:1<<20+len(rest)]) || err != nil {
				t.Errorf("%d bytes more, %v", len(rest), err)
			}
			c.Close()
		}
	}
	for range 20000 {
		if runtime.NumGoroutine() <= goroutines && openFDs(t) <= files {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before; %d files, %d before", runtime.NumGoroutine(), goroutines, openFDs(t), files)
}
