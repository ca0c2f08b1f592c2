package wasi_test

import (
	"strings"
	"testing"
)

func TestTools(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ line, want string }{
		{"date -u -d @0 +%F", "1970-01-01\n"},
		{"echo a b | cat | tee x; cat x", "a b\na b\n"},
		{"mkdir -p d/e && cd d/e && pwd && env pwd", "/tmp/d/e\n/tmp/d/e\n"},
		{"cd d && env -C e pwd; printf 'x\\n' > f; ls -1; cp f e/g; ls e; rm -r e; ls", "/tmp/d/e\ne\nf\ng\nf\n"},
		{"env sh -c 'exit 3'; env echo $?", "3\n"},
		{"seq 100000 | tail -n 1", "100000\n"},
		{"env yes | head -n 2", "y\ny\n"},
		{"env true && env false || env echo no", "no\n"},
		{"ls -l /bin/sh | cut -c1-10", "-rwxr-xr-x\n"},
		{"umask 027; touch z; mkdir zd; stat -c %a z zd", "640\n750\n"},
		{"whoami; id -u; uname -n", "root\n0\nbox\n"},
		{"env sleep 0.01 && readlink -f /bin/../bin/ls", "/bin/ls\n"},
	} {
		if r := w.sh(c.line); r.out != c.want || r.err != "" {
			t.Errorf("%s: %v, want %q", c.line, r, c.want)
		}
	}
}

func TestUnknownTool(t *testing.T) {
	w := newWorld(t)
	if r := w.run(run{argv: []string{"/lib/hot.wasm"}}); r.status.ExitCode() != 127 || !strings.Contains(r.err, "no such tool") {
		t.Error(r)
	}
	if r := w.run(run{argv: []string{"/lib/hot.wasm", "echo", "x"}}); r.out != "x\n" {
		t.Error(r)
	}
}
