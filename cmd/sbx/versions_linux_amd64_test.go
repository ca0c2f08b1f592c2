package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// between takes the place of a container's control socket, and passes everything on but for the first line each way, which rewrite
// may change.
func between(t *testing.T, socket string, rewrite func(line []byte) []byte) {
	t.Helper()
	real := socket + "-real"
	if err := os.Rename(socket, real); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		l.Close()
		os.Rename(real, socket)
	})
	pass := func(to, from net.Conn) {
		defer to.Close()
		in := bufio.NewReader(from)
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		if _, err := to.Write(rewrite(line)); err == nil {
			io.Copy(to, in)
		}
	}
	go func() {
		for {
			caller, err := l.Accept()
			if err != nil {
				return
			}
			called, err := net.Dial("unix", real)
			if err != nil {
				caller.Close()
				continue
			}
			go pass(called, caller)
			go pass(caller, called)
		}
	}()
}

// TestNeighbourOfAnotherVersion: containers that two versions of sbx run don't misread each other: there is no connection, and the
// logs say why.
func TestNeighbourOfAnotherVersion(t *testing.T) {
	w := newRealWorld(t)
	w.must("network", "create", "--subnet", "10.126.0.0/24", "net")
	version := regexp.MustCompile(`"version":\d+`)
	for _, c := range []struct {
		name         string
		rewrite      func([]byte) []byte
		client, serv string // what is in the logs
	}{
		{"same", func(line []byte) []byte { return line }, "", ""},
		{"server older", func(line []byte) []byte {
			if bytes.Contains(line, []byte(`"op"`)) {
				return line
			}
			return version.ReplaceAll(line, []byte(`"unknown":0`))
		}, "connections to 10.126.0.2 are refused", ""},
		{"client older", func(line []byte) []byte {
			if bytes.Contains(line, []byte(`"op"`)) {
				return version.ReplaceAll(line, []byte(`"unknown":0`))
			}
			return line
		}, "connections to 10.126.0.2 are refused", "connections from 10.126.0.3 are refused"},
		{"server newer", func(line []byte) []byte {
			if bytes.Contains(line, []byte(`"op"`)) {
				return line
			}
			return version.ReplaceAll(line, []byte(`"version":99`))
		}, "connections to 10.126.0.2 are refused", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			name := strings.ReplaceAll(c.name, " ", "-")
			w.serve(name, "--network", "net")
			id := w.must("inspect", "--format", "{{.Id}}", name)
			var home string
			for _, v := range w.env {
				if rest, ok := strings.CutPrefix(v, "SBX_HOME="); ok {
					home = rest
				}
			}
			between(t, filepath.Join(home, "run", id[:12]+".sock"), c.rewrite)
			want := map[string]string{askTCP: "no: Connection refused", askUDP: ""} // recv of perl fails
			if c.name == "same" {
				want = map[string]string{askTCP: "ONE 10.126.0.3", askUDP: "ONE 10.126.0.3"}
			}
			for _, program := range []string{askTCP, askUDP} {
				out, _ := w.run("run", "--name", "client", "--network", "net", "debian:12", "perl", "-e", program, name, "one")
				if out != want[program] {
					t.Errorf("%q, want %q", out, want[program])
				}
				if got := w.must("logs", "client"); !strings.Contains(got, c.client) || c.client == "" && strings.Contains(got, "version") {
					t.Errorf("the client's log: %q, want %q", got, c.client)
				}
				w.must("rm", "client")
			}
			if got := w.must("logs", name); strings.Count(got, "another version") != strings.Count(c.serv, "refused") || !strings.Contains(got, c.serv) {
				t.Errorf("the server's log: %q, want %q", got, c.serv)
			}
			w.must("rm", "-f", name)
		})
	}
}
