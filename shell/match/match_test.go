package match

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	tests := []struct {
		pat, s string
		flags  Flags
		want   bool
	}{
		{"abc", "abc", 0, true}, {"abc", "abcd", 0, false}, {"", "", 0, true}, {"*", "", 0, true},
		{"a*c", "abbbc", 0, true}, {"a*c", "abbb", 0, false}, {"a?c", "abc", 0, true}, {"*a*b*", "xxaxxbxx", 0, true},
		{"[a-c]x", "bx", 0, true}, {"[!a-c]x", "bx", 0, false}, {"[^a]", "b", 0, true}, {"[]]", "]", 0, true},
		{"[a-]", "-", 0, true}, {"[", "[", 0, true}, {"[ab", "[ab", 0, true}, {`\*`, "*", 0, true}, {`\*`, "x", 0, false},
		{"[[:digit:]]*", "5x", 0, true}, {"[[:upper:]]", "a", 0, false}, {`[\]]`, "]", 0, true}, {"a\\", "a\\", 0, true},
		{"ABC", "abc", Fold, true}, {"[A-C]", "b", Fold, true}, {"?", "é", UTF8, true}, {"?", "é", 0, false}, {"??", "é", 0, true},
		{"[é]", "é", UTF8, true}, {"?", "\xff", UTF8, true},
		{"@(a|b)c", "bc", Extended, true}, {"@(a|b)c", "@(a|b)c", 0, true}, {"*(ab)", "ababab", Extended, true},
		{"*(ab)", "aba", Extended, false}, {"+(a|b)", "", Extended, false}, {"?(a)b", "b", Extended, true},
		{"!(a)", "a", Extended, false}, {"!(a)", "ab", Extended, true}, {"!(*.c)", "x.c", Extended, false},
		{"!(*.c|*.h)", "x.o", Extended, true}, {"a!(b)c", "abc", Extended, false}, {"a!(b)c", "axc", Extended, true},
		{"@(a|@(b|c))", "c", Extended, true}, {"@(a", "@(a", Extended, true}, {"*(*(*(a)))b", strings.Repeat("a", 300), Extended, false},
	}
	for _, tt := range tests {
		if got := Compile(tt.pat, tt.flags).Match(tt.s); got != tt.want {
			t.Errorf("Match(%q, %q) = %v", tt.pat, tt.s, got)
		}
	}
}

func TestPrefixSuffixReplace(t *testing.T) {
	p := Compile("*/", 0)
	if a, b := p.Prefix("a/b/c", false), p.Prefix("a/b/c", true); a != 2 || b != 4 {
		t.Error(a, b)
	}
	s := Compile(".*", 0)
	if a, b := s.Suffix("x.tar.gz", false), s.Suffix("x.tar.gz", true); a != 3 || b != 7 {
		t.Error(a, b)
	}
	if n := Compile("zz*", 0).Prefix("abc", true); n != -1 {
		t.Error(n)
	}
	x := Compile("é?", UTF8)
	if n := x.Prefix("éàb", true); n != 4 {
		t.Error(n)
	}
	up := func(m string) string { return "<" + m + ">" }
	for _, tt := range []struct {
		pat, s, want string
		all          bool
	}{
		{"a", "banana", "b<a>nana", false}, {"a", "banana", "b<a>n<a>n<a>", true}, {"[an]", "banana", "b<a><n><a><n><a>", true},
		{"a*", "banana", "b<anana>", true}, {"?", "ab", "<a><b>", true}, {"x", "ab", "ab", true}, {"*", "", "<>", true},
	} {
		if got := Compile(tt.pat, 0).Replace(tt.s, tt.all, up); got != tt.want {
			t.Errorf("Replace(%q, %q) = %q, want %q", tt.pat, tt.s, got, tt.want)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, s := range []string{"a*b", `\`, "[x]", "+(a|b)", "", "plain"} {
		if !Compile(Quote(s), Extended).Match(s) || Unquote(Quote(s)) != s || HasMeta(Quote(s), Extended) {
			t.Errorf("%q quoted is %q", s, Quote(s))
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	p := Compile("*.tar.[gx]z", 0)
	b.ReportAllocs()
	for b.Loop() {
		if !p.Match("some-package_1.2.3.orig.tar.xz") {
			b.Fatal("no match")
		}
	}
}
