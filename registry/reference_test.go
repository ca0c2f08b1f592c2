package registry

import (
	"errors"
	"strings"
	"testing"

	"github.com/distribution/reference"
)

const someHex = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

func TestParseRef(t *testing.T) {
	for _, tt := range []struct{ in, canonical, familiar string }{
		{"debian", "docker.io/library/debian:latest", "debian:latest"},
		{"debian:12", "docker.io/library/debian:12", "debian:12"},
		{"docker.io/debian", "docker.io/library/debian:latest", "debian:latest"},
		{"index.docker.io/library/debian", "docker.io/library/debian:latest", "debian:latest"},
		{"user/app:v1.0", "docker.io/user/app:v1.0", "user/app:v1.0"},
		{"library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"},
		{"localhost/base", "localhost/base:latest", "localhost/base:latest"},
		{"localhost:5000/x:1", "localhost:5000/x:1", "localhost:5000/x:1"},
		{"127.0.0.1:5000/a/b", "127.0.0.1:5000/a/b:latest", "127.0.0.1:5000/a/b:latest"},
		{"[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a:latest"},
		{"ghcr.io/o/r@sha256:" + someHex, "ghcr.io/o/r@sha256:" + someHex, "ghcr.io/o/r@sha256:" + someHex},
		{"debian:12@sha256:" + someHex, "docker.io/library/debian:12@sha256:" + someHex, "debian:12@sha256:" + someHex},
		{"Foo/bar", "Foo/bar:latest", "Foo/bar:latest"},
	} {
		r, err := ParseRef(tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.in, err)
			continue
		}
		if r.String() != tt.canonical || r.Familiar() != tt.familiar {
			t.Errorf("%s: got %s, %s; want %s, %s", tt.in, r.String(), r.Familiar(), tt.canonical, tt.familiar)
		}
	}
}

// refSeeds are the texts that the reference parser is compared on.
var refSeeds = []string{
	"", "a", "A", "a:", ":a", "a@", "debian@sha256:" + someHex, "debian@sha256:" + strings.ToUpper(someHex), "debian@sha512:" + someHex,
	someHex, "a//b", "/a", "a/", "a__b", "a___b", "a..b", "a.b", "a--b", "-a", "a-", "a_", "a._b", "x.y/a", "x.y:80/a", "x.y:/a", "x.y:8a/b",
	"-x.y/a", "x-.y/a", "x..y/a", "[::1]/a", "[::1/a", "[]/a", "[zz]/a", "localhost", "localhost/A", "Localhost/a", "a:B_c.d-e", "a:-b", "a:.b",
	"a:" + strings.Repeat("t", 128), "a:" + strings.Repeat("t", 129), strings.Repeat("n", 255), strings.Repeat("n", 256), "x.y/" + strings.Repeat("n", 255),
	"x.y/" + strings.Repeat("n", 256), "a b", "a\x00", "ä", "a:b:c", "a/b:c/d", "a:5000/b", "a@sha256:" + someHex + "@x", "index.docker.io/a", "docker.io/a/b",
	"docker.io:5000/a", "1.2.3.4/a", "x.y./a", "a:80", "é.y/a", "x.y/a:b@sha256:" + someHex, "library/", "docker.io/", "\u212a.x/a",
}

// compareRef checks one text against distribution/reference.
func compareRef(t *testing.T, s string) {
	got, gotErr := parseName(s)
	want, wantErr := reference.ParseNormalizedNamed(s)
	if wantErr == nil {
		if d, ok := want.(reference.Digested); ok && d.Digest().Algorithm() != "sha256" {
			if gotErr == nil {
				t.Errorf("%q: only sha256 is supported, but it was accepted", s)
			}
			return
		}
	}
	if (gotErr == nil) != (wantErr == nil) {
		t.Fatalf("%q: our error is %v, distribution/reference's %v", s, gotErr, wantErr)
	}
	if gotErr != nil {
		if !errors.Is(gotErr, ErrInvalidRef) {
			t.Errorf("%q: error %v is no ErrInvalidRef", s, gotErr)
		}
		return
	}
	if got.String() != want.String() || got.Familiar() != reference.FamiliarString(want) || got.Domain != reference.Domain(want) || got.Path != reference.Path(want) {
		t.Errorf("%q: got %s (%s), distribution/reference says %s (%s)", s, got, got.Familiar(), want, reference.FamiliarString(want))
	}
}

func TestParseRefLikeDistribution(t *testing.T) {
	for _, s := range refSeeds {
		compareRef(t, s)
	}
}

func FuzzParseRef(f *testing.F) {
	for _, s := range refSeeds {
		f.Add(s)
	}
	f.Fuzz(compareRef)
}

func TestCandidates(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want []string
	}{
		{"base", []string{"localhost/base:latest", "docker.io/library/base:latest"}},
		{"a/b:1", []string{"localhost/a/b:1", "docker.io/a/b:1"}},
		{"library/base", []string{"localhost/library/base:latest", "docker.io/library/base:latest"}},
		{"docker.io/base", []string{"docker.io/library/base:latest"}},
		{"localhost/base", []string{"localhost/base:latest"}},
	} {
		r, err := ParseRef(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range r.candidates() {
			got = append(got, c.String())
		}
		if strings.Join(got, " ") != strings.Join(tt.want, " ") {
			t.Errorf("%s: got %v, want %v", tt.in, got, tt.want)
		}
	}
}
