package wasi_test

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/kernel"
)

// dialAnything lets guests reach the loopback, where the test servers are.
func dialAnything(c *kernel.Config) {
	c.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
}

func wgetHandler() http.Handler {
	mux := http.NewServeMux()
	big := strings.Repeat("0123456789abcdef", 16384)
	mux.HandleFunc("/f", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello\n") })
	mux.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", time.Unix(1e9, 0), strings.NewReader(big))
	})
	mux.HandleFunc("/chunks", func(w http.ResponseWriter, r *http.Request) {
		for i := range 3 {
			fmt.Fprintf(w, "chunk %d\n", i)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		user, pass, _ := r.BasicAuth()
		fmt.Fprintf(w, "%s %s %s:%s ua=%s x=%s [%s]\n", r.Method, r.URL, user, pass, r.UserAgent(), r.Header.Get("X-Test"), b)
	})
	mux.Handle("/dir/hop", http.RedirectHandler("../f", http.StatusFound))
	mux.Handle("/loop", http.RedirectHandler("/loop", http.StatusFound))
	mux.HandleFunc("/cut", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "short")
	})
	mux.HandleFunc("/fail", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusInternalServerError) })
	return mux
}

func TestWget(t *testing.T) {
	srv := httptest.NewServer(wgetHandler())
	defer srv.Close()
	garbage, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer garbage.Close()
	go func() {
		for {
			c, err := garbage.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "nonsense\r\n\r\n")
			c.Close()
		}
	}()
	w := newWorld(t, dialAnything)
	for _, c := range []struct {
		line, out string
		code      int
	}{
		{"wget -q -O - $U/f", "hello\n", 0},
		{"wget -q --https-only -O - $U/f 2>&1", srv.URL + "/f: --https-only allows no HTTP.\n", 1},
		{"wget -q -U a --user u --password p --auth-no-challenge -O - $U/echo", "GET /echo u:p ua=a x= []\n", 0},
		{"wget -q $U/f; cat f; wget -q $U/f; ls f.1", "hello\nf.1\n", 0},
		{"wget -q -P sub -nc $U/f 2>&1; mkdir -p sub; wget -q -P sub $U/f; cat sub/f", "hello\n", 0},
		{"wget -nv -O o $U/f 2>&1 | sed 's/^[-0-9 :]* URL/URL/'", "URL:" + srv.URL + "/f [6/6] -> \"o\" [1]\n", 0},
		{"wget -q -O - $U/chunks", "chunk 0\nchunk 1\nchunk 2\n", 0},
		{"wget -q -O - $U/dir/hop", "hello\n", 0},
		{"wget -q --max-redirect=3 -O - $U/loop", "", 8},
		{"wget -q -O - $U/nosuch", "", 8},
		{"wget -q -O - $U/fail", "", 8},
		{"wget -q --spider $U/f", "", 0},
		{"wget --spider $U/nosuch 2>&1 | tail -2", "Remote file does not exist -- broken link!!!\n\n", 0},
		{"wget -q -t 1 -O - $U/cut", "short", 4},
		{"wget -q -O big $U/big; head -c 100000 big >part; wget -q -c -O part $U/big; cmp big part && wc -c <part", "262144\n", 0},
		{"wget -c -O part $U/big 2>&1 | grep -c 'already fully'", "1\n", 0},
		{"wget -O big $U/big 2>&1 | grep -c '^ *[0-9]*K \\.'", "6\n", 0},
		{"wget -q -O - --user=me --password=se:cret --header='X-Test: 7' -U agent \"$U/echo?a b\"", "GET /echo?a%20b me:se:cret ua=agent x=7 []\n", 0},
		{"wget -q -O - --post-data=a=1 -U agent $U/echo", "POST /echo : ua=agent x= [a=1]\n", 0},
		{"echo body >b; wget -q -O - --post-file=b -U agent $U/echo", "POST /echo : ua=agent x= [body\n]\n", 0},
		{"wget -q -t 1 -O - http://" + garbage.Addr().String(), "", 4},
		{"wget -q -O - http://127.0.0.1:1/", "", 4},
		{"wget -q ftp://x/", "", 1},
		{"wget -q --header=bad $U/f", "", 2},
		{"wget -q -O /nosuch/o $U/f", "", 3},
		{"wget -q -O - $U/f $U/nosuch $U/f", "hello\nhello\n", 8},
		{"wget -q -O two $U/f $U/f; cat two", "hello\nhello\n", 0},
		{"echo $U/f | wget -q -O - -i -", "hello\n", 0},
	} {
		r := w.run(run{argv: []string{"sh", "-c", c.line}, env: []string{"U=" + srv.URL}, cwd: "/tmp"})
		if r.out != c.out || r.status.ShellCode() != c.code {
			t.Errorf("%s: %v", c.line, r)
		}
	}
}

// TestWgetTLS has the guest's own file of authorities decide.
func TestWgetTLS(t *testing.T) {
	srv := httptest.NewUnstartedServer(wgetHandler())
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	w := newWorld(t, dialAnything)
	get := func(args string, code int, out, errOut string) {
		t.Helper()
		r := w.sh("wget -q -O - " + args + " " + srv.URL + "/f")
		if r.status.ShellCode() != code || r.out != out || !strings.Contains(r.err, errOut) {
			t.Errorf("wget %s: %v", args, r)
		}
	}
	get("", 5, "", "/etc/ssl/certs/ca-certificates.crt: No such file")
	get("--no-check-certificate", 0, "hello\n", "")
	w.write("/etc/ssl/certs/ca-certificates.crt", []byte("none\n"), 0o644)
	get("", 5, "", "cannot verify 127.0.0.1's certificate")
	w.write("/tmp/ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o644)
	get("--ca-certificate=/tmp/ca.pem", 0, "hello\n", "")
	get("", 5, "", "cannot verify")
	r := w.sh("cp ca.pem /etc/ssl/certs/ca-certificates.crt; wget -q -O - " + srv.URL + "/f")
	if r.out != "hello\n" {
		t.Error(r)
	}
}
