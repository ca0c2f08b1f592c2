package tools

import (
	"bytes"
	"slices"
	"testing"
)

func TestModules(t *testing.T) {
	seen := map[string]string{}
	for _, m := range Modules() {
		if !bytes.HasPrefix(m.Wasm(), []byte("\x00asm")) || m.Sum == "" || len(m.Tools) == 0 {
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

func TestParseMod(t *testing.T) {
	got := parseMod("# comment line here\ntrue true core/true.c\n- - lib/x.c\n\n[ test core/test.c\nbroken line\n")
	if want := []string{"true", "["}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
