package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/spf13/pflag"

	"github.com/sbxrun/sbx/sandbox"
)

func TestParseKeys(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"ctrl-p,ctrl-q", "\x10\x11"}, {"a", "a"}, {"ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", "\x00\x1b\x1c\x1d\x1e\x1f"}, {"ctrl-a,a,A,~", "\x01aA~"}, {"DEL", "\x7f"}, {"", ""},
	} {
		if got, err := parseKeys(c.in); string(got) != c.want || err != nil {
			t.Errorf("%q: %q %v", c.in, got, err)
		}
	}
	for _, in := range []string{"ctrl-", "ctrl-1", "ctrl-A", "ab", ",", "a,", "del", "shift-a", "é"} {
		if got, err := parseKeys(in); err == nil {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestKeysOfDocker(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	fl := pflag.NewFlagSet("", pflag.ContinueOnError)
	var keys string
	registerKeys(fl, &keys)
	want := func(what, want string) {
		t.Helper()
		if got, err := detachKeys(fl, keys); string(got) != want || err != nil {
			t.Errorf("%s: %q %v", what, got, err)
		}
	}
	want("without a file", "\x10\x11")
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"detachKeys":"ctrl-e,e"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	want("docker's", "\x05e")
	if err := fl.Parse([]string{"--detach-keys", "x"}); err != nil {
		t.Fatal(err)
	}
	want("the flag's", "x")
}

// TestKeyReader: all that is typed before the keys comes through, however it is cut.
func TestKeyReader(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		keys, in, out string
		left          bool
	}{
		{"\x10\x11", "hello\n", "hello\n", false},
		{"\x10\x11", "a\x10b", "a\x10b", false},
		{"\x10\x11", "a\x10\x11rest", "a", true},
		{"\x10\x11", "\x10\x10\x11", "\x10", true},
		{"\x10\x11", "end\x10", "end\x10", false},
		{"aab", "aaab", "a", true},
		{"aab", "aaaaac", "aaaaac", false},
		{"abab", "ababab", "", true},
		{"abac", "ababac", "ab", true},
		{"x", "x", "", true},
	} {
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(c.in), "bytes": iotest.OneByteReader(strings.NewReader(c.in))} {
			out, err := io.ReadAll(&keyReader{r: r, keys: []byte(c.keys)})
			if string(out) != c.out || errors.Is(err, sandbox.ErrDetached) != c.left {
				t.Errorf("%q from %q, %s: %q %v", c.keys, c.in, name, out, err)
			}
		}
	}
}

func FuzzKeyReader(f *testing.F) {
	f.Add("aab", "xaaabx")
	f.Fuzz(func(t *testing.T, keys, in string) {
		if keys == "" {
			return
		}
		before, _, left := strings.Cut(in, keys)
		out, err := io.ReadAll(&keyReader{r: strings.NewReader(in), keys: []byte(keys)})
		if string(out) != before || errors.Is(err, sandbox.ErrDetached) != left {
			t.Fatalf("%q from %q: %q %v", keys, in, out, err)
		}
	})
}
