package tools

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
)

func TestModules(t *testing.T) {
	seen := map[string]string{}
	for _, m := range Modules() {
		if !bytes.HasPrefix(m.Wasm(), []byte("\x00asm")) || len(m.Tools) == 0 {
			t.Errorf("module %s: %d bytes, %d tools", m.Name, len(m.Wasm()), len(m.Tools))
		}
		for _, tool := range m.Tools {
			if other, ok := seen[tool]; ok {
				t.Errorf("%s is in %s and %s", tool, other, m.Name)
			}
			seen[tool] = m.Name
		}
	}
	if seen["date"] == "" {
		t.Error("no date")
	}
}

// TestSums: what tells versions apart is true. build.sh writes it.
func TestSums(t *testing.T) {
	var want strings.Builder
	for _, pattern := range []string{"src/*.mod", "wasm/*.wasm"} {
		list, err := fs.Glob(files, pattern)
		if err != nil || len(list) == 0 {
			t.Fatal(list, err)
		}
		for _, name := range list {
			b, err := fs.ReadFile(files, name)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&want, "%x  %s\n", sha256.Sum256(b), path.Clean(name))
		}
	}
	if Sums != want.String() {
		t.Errorf("wasm/SHA256SUMS is\n%swant\n%s(tools/build.sh --sums)", Sums, want.String())
	}
}

func TestParseMod(t *testing.T) {
	got := parseMod("# comment line here\ntrue true core/true.c\n- - lib/x.c\n\n[ test core/test.c\nbroken line\n")
	if want := []string{"true", "["}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
