package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// dyingGuest is the connection of a guest that said something before it died, and takes nothing: it is slow to hand it over.
type dyingGuest struct {
	net.Conn // nil
	said     *bytes.Reader
	reset    bool // instead of an end
	gone     chan struct{}
}

func (g *dyingGuest) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	n, err := g.said.Read(p[:min(len(p), 4000)])
	if err == io.EOF && g.reset {
		err = linux.ECONNRESET
	}
	return n, err
}

func (g *dyingGuest) Write([]byte) (int, error) { return 0, linux.EPIPE }
func (g *dyingGuest) CloseWrite() error         { return linux.EPIPE }
func (g *dyingGuest) Close() error {
	select {
	case <-g.gone:
	default:
		close(g.gone)
	}
	return nil
}

// TestNeighbourHearsTheLastWords: what a guest said before it died goes over the control socket when the container has ended, whatever the
// other side still says; and then how it ended.
func TestNeighbourHearsTheLastWords(t *testing.T) {
	text := bytes.Repeat([]byte("words"), 30000)
	for _, c := range []struct {
		name        string
		talks, ends bool
	}{{"end", false, true}, {"end, and the client talks", true, true}, {"reset", false, false}, {"reset, and the client talks", true, false}} {
		l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
		if err != nil {
			t.Skip("no local sockets: ", err)
		}
		defer l.Close()
		client, err := net.Dial("unix", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		host, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		mine := framed("tcp", client, bufio.NewReader(client))
		if c.talks {
			go func() {
				for {
					if _, err := mine.Write(text); err != nil {
						return
					}
				}
			}()
		}
		ended, end := context.WithCancel(context.Background())
		end()
		done := make(chan struct{})
		go func() {
			defer close(done)
			g := &dyingGuest{said: bytes.NewReader(text), reset: !c.ends, gone: make(chan struct{})}
			splice(ended, framed("tcp", host, bufio.NewReader(host)), g, false)
		}()
		if b, err := io.ReadAll(mine); (err == nil) != c.ends || err != nil && linux.ErrnoOf(err) != linux.ECONNRESET || !bytes.Equal(b, text) {
			t.Errorf("%s: %d bytes of %d, %v", c.name, len(b), len(text), err)
		}
		<-done
	}
}
