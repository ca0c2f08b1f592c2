package registry

import (
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Platform names what an image runs on.
type Platform = ocispec.Platform

// DefaultPlatform is what the engine runs, whatever the host is.
func DefaultPlatform() Platform { return Platform{OS: "linux", Architecture: "amd64"} }

// ParsePlatform parses "os/arch[/variant]" or an architecture alone, with the usual other names (x86_64, aarch64).
func ParsePlatform(s string) (Platform, error) {
	parts := strings.Split(strings.ToLower(s), "/")
	if len(parts) == 1 {
		parts = []string{"linux", parts[0]}
	}
	for _, p := range parts {
		if p == "" || !allBytes(p, isTagByte) || len(parts) > 3 {
			return Platform{}, Errorf(ErrPlatform, "invalid platform %.60q: want os/arch or os/arch/variant, like linux/arm64", s)
		}
	}
	p := Platform{OS: parts[0], Architecture: parts[1]}
	if len(parts) == 3 {
		p.Variant = parts[2]
	}
	return normalPlatform(p), nil
}

// normalPlatform replaces other names of architectures and drops variants that are the default.
func normalPlatform(p Platform) Platform {
	p.OS, p.Architecture, p.Variant = strings.ToLower(p.OS), strings.ToLower(p.Architecture), strings.ToLower(p.Variant)
	switch p.Architecture {
	case "x86_64", "x86-64":
		p.Architecture = "amd64"
	case "aarch64", "arm64":
		p.Architecture = "arm64"
		if p.Variant == "8" || p.Variant == "v8" {
			p.Variant = ""
		}
	case "i386", "i686", "x86":
		p.Architecture = "386"
	case "armhf", "armel":
		p.Variant = map[string]string{"armhf": "v7", "armel": "v6"}[p.Architecture]
		p.Architecture = "arm"
	}
	if p.Architecture == "amd64" && p.Variant == "v1" {
		p.Variant = ""
	}
	return p
}

// FormatPlatform is the inverse of ParsePlatform. What no platform has, such as control characters out of a stranger's
// manifest, comes out as question marks.
func FormatPlatform(p Platform) string {
	s := platformWord(p.OS) + "/" + platformWord(p.Architecture)
	if p.Variant != "" {
		s += "/" + platformWord(p.Variant)
	}
	return s
}

func platformWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && isTagByte(byte(r)) {
			return r
		}
		return '?'
	}, s[:min(len(s), 32)])
}

// platformScore tells how well have serves want: 0 not at all, more is better. Without a variant in want, an image
// without one is best, then the lowest common ones.
func platformScore(want, have Platform) int {
	want, have = normalPlatform(want), normalPlatform(have)
	switch {
	case want.OS != have.OS || want.Architecture != have.Architecture:
		return 0
	case want.Variant == have.Variant:
		return 4
	case want.Variant != "" && have.Variant == "":
		return 1
	case want.Variant != "":
		return 0
	case have.Variant == "v7", have.Variant == "v2":
		return 3
	}
	return 2
}
