package kernel

import (
	"context"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

func TestDialTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { io.WriteString(rw, "hello") }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	to := srv.Listener.Addr().String()
	w := newWorld(t, func(c *Config) {
		c.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, to) // whatever the name
		}
	})
	roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	w.guest(func(g *Task) {
		get := func(o *TLS) (string, error) {
			fd, err := g.Dial("tcp", "example.com", 443, DialOpts{TLS: o}) // a name in httptest's certificate
			if err != nil {
				return "", err
			}
			defer g.Close(fd)
			if _, err := g.Write(fd, []byte("GET / HTTP/1.0\r\n\r\n")); err != nil {
				return "", err
			}
			var all strings.Builder
			for b := make([]byte, 512); ; {
				n, err := g.Read(fd, b)
				if n <= 0 || err != nil {
					return all.String(), err
				}
				all.Write(b[:n])
			}
		}
		for _, o := range []*TLS{{Roots: roots}, {Insecure: true}} {
			if text, err := get(o); err != nil || !strings.HasSuffix(text, "\r\n\r\nhello") {
				t.Errorf("%q, %v", text, err)
			}
		}
		for _, bad := range [][]byte{nil, []byte("no PEM"), roots[:len(roots)/2]} {
			_, err := get(&TLS{Roots: bad})
			var te *TLSError
			if !errors.As(err, &te) || !te.Cert || linux.ErrnoOf(err) != linux.EACCES {
				t.Errorf("roots %q: %v", bad, err)
			}
		}
		_, err := g.Dial("tcp", "other.test", 443, DialOpts{TLS: &TLS{Roots: roots}})
		want(t, "another name", linux.ErrnoOf(err), linux.EACCES)
		to = plain.Listener.Addr().String()
		_, err = get(&TLS{Insecure: true})
		want(t, "no TLS there", linux.ErrnoOf(err), linux.EPROTO)
		to = silent.Addr().String()
		_, err = g.Dial("tcp", "example.com", 443, DialOpts{Timeout: 20 * time.Millisecond, TLS: &TLS{Insecure: true}})
		want(t, "no answer", linux.ErrnoOf(err), linux.ETIMEDOUT)
	})
}
