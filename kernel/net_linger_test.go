package kernel

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// slowConn is a connection that is none of the host's TCP to look at, and takes its time.
type slowConn struct{ net.Conn }

func (c slowConn) Write(p []byte) (int, error) {
	time.Sleep(20 * time.Millisecond)
	return c.Conn.Write(p)
}

func (c slowConn) CloseWrite() error {
	time.Sleep(50 * time.Millisecond)
	return c.Conn.(*net.TCPConn).CloseWrite()
}

// TestLastWords ends a sandbox at once when its guest has sent something and closed its end: the outside gets all of it,
// and the end, and no reset.
func TestLastWords(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	text := bytes.Repeat([]byte("words"), 30000)
	type heard struct {
		b   []byte
		err error
	}
	told := make(chan heard, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			told <- heard{nil, err}
			return
		}
		defer c.Close()
		b, err := io.ReadAll(c)
		told <- heard{b, err}
	}()
	broke := make(chan error, 1)
	w := newWorld(t, func(c *Config) {
		c.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, network, l.Addr().String())
			if err != nil {
				return nil, err
			}
			return &brokenEnd{slowConn{c}, broke, false}, nil
		}
	})
	w.guest(func(g *Task) {
		fd, _ := g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		ok(t, g.Connect(fd, inet("192.0.2.1:7").Encode()))
		n, err := g.Write(fd, text)
		want(t, "sent", n, len(text))
		ok(t, err)
		ok(t, g.Close(fd))
	})
	ok(t, w.k.Close())
	got := <-told
	ok(t, got.err)
	want(t, "heard", bytes.Equal(got.b, text), true)
	ok(t, <-broke)
}

// brokenEnd tells whether it was closed before its end was told.
type brokenEnd struct {
	slowConn
	broke chan error
	ended bool
}

func (c *brokenEnd) CloseWrite() error {
	err := c.slowConn.CloseWrite()
	c.ended = err == nil
	return err
}

func (c *brokenEnd) Close() error {
	var err error
	if !c.ended {
		err = linux.ECONNRESET
	}
	select {
	case c.broke <- err:
	default:
	}
	return c.Conn.Close()
}

// TestLastAnswer ends a sandbox at once when its guest has answered another sandbox's and closed its end, or died with it open: the
// other one gets all of it, and the end. What the guest did not read makes a reset of the end, and still it gets all of it.
func TestLastAnswer(t *testing.T) {
	text := bytes.Repeat([]byte("words"), 30000)
	for _, c := range []struct {
		name          string
		closes, reads bool
	}{{"closed", true, true}, {"died", false, true}, {"unread", false, false}} {
		a, b := twoWorlds(t)
		ready := make(chan struct{})
		p := b.start(func(g *Task) int {
			l, _ := g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
			ok(t, g.Bind(l, inet("0.0.0.0:80").Encode()))
			ok(t, g.Listen(l, 1))
			close(ready)
			fd, _, err := g.Accept(l, 0)
			ok(t, err)
			if c.reads {
				_, err = g.Read(fd, make([]byte, 10))
			} else { // it is there when the guest ends
				_, err = g.Recvmsg(fd, &SockMessage{Data: make([]byte, 10)}, linux.MSG_PEEK)
			}
			ok(t, err)
			n, err := g.Write(fd, text)
			want(t, "sent", n, len(text))
			ok(t, err)
			if c.closes {
				ok(t, g.Close(fd))
			}
			return 0
		})
		<-ready
		done := make(chan struct{})
		a.guest(func(g *Task) {
			fd, _ := g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
			ok(t, g.Connect(fd, inet("192.0.2.2:80").Encode()))
			_, err := g.Write(fd, []byte("hello"))
			ok(t, err)
			b.wait(p)
			go func() { _ = b.k.Close(); close(done) }()
			var got []byte
			buf := make([]byte, 1000)
			n := 1
			for n > 0 && err == nil {
				n, err = g.Read(fd, buf)
				got = append(got, buf[:max(n, 0)]...)
			}
			want(t, c.name+": all of it", bytes.Equal(got, text), true)
			if c.reads {
				ok(t, err)
			} else {
				want[error](t, c.name, err, linux.ECONNRESET)
			}
		})
		<-done
	}
}
