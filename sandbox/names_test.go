package sandbox

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestValidName(t *testing.T) {
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"web", true}, {"a1", true}, {"0x", true}, {"a_b.c-d", true}, {"A-", true},
		{"", false}, {"a", false}, {"-ab", false}, {".ab", false}, {"_ab", false},
		{"a b", false}, {"a/b", false}, {"a:b", false}, {"é1", false}, {strings.Repeat("a", 256), false},
	} {
		if validName(c.name) != c.ok {
			t.Errorf("validName(%q) = %v", c.name, !c.ok)
		}
		if err := checkName(c.name); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("checkName(%q) = %v", c.name, err)
		}
	}
}

func TestRandomName(t *testing.T) {
	for try := range 40 {
		name := randomName(try)
		adj, rest, ok := strings.Cut(name, "_")
		if !ok || !validName(name) || !slices.Contains(strings.Fields(adjectives), adj) {
			t.Fatalf("name %q", name)
		}
		if sur := strings.TrimRight(rest, "0123456789"); !slices.Contains(strings.Fields(surnames), sur) || try < 10 && sur != rest {
			t.Fatalf("name %q at try %d", name, try)
		}
	}
}

func TestWordsAreUnique(t *testing.T) {
	for _, list := range []string{adjectives, surnames} {
		words := strings.Fields(list)
		slices.Sort(words)
		if n := len(words); n < 100 || len(slices.Compact(words)) != n {
			t.Errorf("a word list has doubles or is short (%d words)", n)
		}
	}
}

func TestNewID(t *testing.T) {
	a, b := newID(), newID()
	if a == b || len(a) != idLen || !isHex(a) || len(ShortID(a)) != shortLen {
		t.Errorf("ids %q %q", a, b)
	}
}
