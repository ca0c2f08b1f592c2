package registry

import "strings"

const (
	// DefaultDomain is the registry of names that give none.
	DefaultDomain = "docker.io"
	// LocalDomain is the domain of images that are made here. Nothing is ever pulled from it by a short name.
	LocalDomain = "localhost"
	// DefaultTag is the tag of names that give none.
	DefaultTag = "latest"

	officialPrefix = "library/"
	legacyDomain   = "index.docker.io"
	maxNameLen     = 255
	maxTagLen      = 128
)

// Ref is a normalized image reference. Its grammar is that of github.com/distribution/reference, with sha256 digests
// only; that package compiles a dozen regular expressions when a program starts, which is why the grammar is written
// out here and compared with it in tests.
type Ref struct {
	Domain string // registry host, with its port: "docker.io"
	Path   string // repository: "library/debian"
	Tag    string // "" when only a digest was given
	Digest Digest // "" when none was given

	local string // path under LocalDomain that a name without a domain may also stand for
}

// ParseRef parses a familiar or canonical name. A name with neither tag nor digest gets the tag "latest".
func ParseRef(s string) (Ref, error) {
	r, err := parseName(s)
	if err != nil {
		return Ref{}, err
	}
	if r.Tag == "" && r.Digest == "" {
		r.Tag = DefaultTag
	}
	return r, nil
}

// parseName parses without adding a tag.
func parseName(s string) (Ref, error) {
	name, digestText, hasDigest := strings.Cut(s, "@")
	if s == "" || (len(s) == 64 && isHex(s)) {
		return Ref{}, badRef(s, "it is empty or an image ID")
	}
	var r Ref
	if hasDigest {
		d, err := ParseDigest(digestText)
		if err != nil {
			return Ref{}, badRef(s, "the digest must be sha256: and 64 hexadecimal digits")
		}
		r.Digest = d
	}
	var short bool
	if r.Domain, r.Path, short = splitDomain(name); short {
		r.local, _, _ = strings.Cut(name, ":")
	}
	if i := strings.IndexByte(r.Path, ':'); i >= 0 {
		r.Path, r.Tag = r.Path[:i], r.Path[i+1:]
		if !validTag(r.Tag) {
			return Ref{}, badRef(s, "the tag is not valid")
		}
	}
	return r, r.check(s)
}

// check validates the parts of a split name.
func (r Ref) check(s string) error {
	switch {
	case strings.ToLower(r.Path) != r.Path:
		return badRef(s, "the repository name must be lower-case")
	case !validDomain(r.Domain):
		return badRef(s, "the registry host is not valid")
	case len(r.Path) > maxNameLen:
		return badRef(s, "the repository name is longer than 255 characters")
	case !validPath(r.Path):
		return badRef(s, "the repository name is not valid")
	}
	return nil
}

func badRef(s, why string) error {
	return Errorf(ErrInvalidRef, "invalid reference format: %.300q: %s", s, why)
}

// splitDomain tells the registry from the repository, as docker does: the first component is a registry when it
// is "localhost" or has a dot, a colon or an upper-case letter.
func splitDomain(name string) (domain, path string, short bool) {
	first, rest, slash := strings.Cut(name, "/")
	switch {
	case !slash:
		return DefaultDomain, officialPrefix + name, true
	case first == legacyDomain:
		domain, path = DefaultDomain, rest
	case first == LocalDomain, strings.ContainsAny(first, ".:"), strings.ToLower(first) != first:
		domain, path = first, rest
	default:
		domain, path, short = DefaultDomain, name, true
	}
	if domain == DefaultDomain && !strings.Contains(path, "/") {
		path = officialPrefix + path
	}
	return domain, path, short
}

// Name is the canonical name without tag and digest: "docker.io/library/debian".
func (r Ref) Name() string { return r.Domain + "/" + r.Path }

// String is the canonical form: "docker.io/library/debian:latest".
func (r Ref) String() string { return r.Name() + r.suffix() }

// FamiliarName is Name as docker shows it: "debian".
func (r Ref) FamiliarName() string {
	if r.Domain != DefaultDomain {
		return r.Name()
	}
	if rest, ok := strings.CutPrefix(r.Path, officialPrefix); ok && !strings.Contains(rest, "/") {
		return rest
	}
	return r.Path
}

// Familiar is String as docker shows it: "debian:latest".
func (r Ref) Familiar() string { return r.FamiliarName() + r.suffix() }

func (r Ref) suffix() string {
	s := ""
	if r.Tag != "" {
		s = ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + string(r.Digest)
	}
	return s
}

// IsZero tells whether r names nothing.
func (r Ref) IsZero() bool { return r.Path == "" }

// candidates are the local names that r may stand for, best first: a short name is an image made here before it is
// one of docker.io.
func (r Ref) candidates() []Ref {
	if r.local == "" {
		return []Ref{r}
	}
	local := r
	local.Domain, local.Path, local.local = LocalDomain, r.local, ""
	return []Ref{local, r}
}

// validDomain checks a registry host with an optional port.
func validDomain(s string) bool {
	host, port, hasPort := s, "", false
	if strings.HasPrefix(s, "[") {
		i := strings.IndexByte(s, ']')
		if i < 2 || !allBytes(s[1:i], isV6Byte) {
			return false
		}
		if s[i+1:] == "" {
			return true
		}
		return s[i+1] == ':' && s[i+2:] != "" && allBytes(s[i+2:], isDigit)
	}
	if host, port, hasPort = strings.Cut(s, ":"); hasPort && (port == "" || !allBytes(port, isDigit)) {
		return false
	}
	for part := range strings.SplitSeq(host, ".") {
		if part == "" || part[0] == '-' || part[len(part)-1] == '-' || !allBytes(part, isHostByte) {
			return false
		}
	}
	return true
}

// validPath checks slash-separated components of lower-case letters and digits, joined by one dot, one or two
// underscores, or any number of dashes.
func validPath(s string) bool {
	for part := range strings.SplitSeq(s, "/") {
		if !validComponent(part) {
			return false
		}
	}
	return true
}

func validComponent(s string) bool {
	if s == "" || !isLowerAlnum(s[0]) || !isLowerAlnum(s[len(s)-1]) {
		return false
	}
	for i := 0; i < len(s); {
		if isLowerAlnum(s[i]) {
			i++
			continue
		}
		j := i
		for j < len(s) && s[j] == s[i] {
			j++
		}
		switch n := j - i; {
		case s[i] == '-', s[i] == '.' && n == 1, s[i] == '_' && n <= 2:
		default:
			return false
		}
		if !isLowerAlnum(s[j]) {
			return false
		}
		i = j
	}
	return true
}

// validTag checks [\w][\w.-]{0,127}.
func validTag(s string) bool {
	return s != "" && len(s) <= maxTagLen && s[0] != '.' && s[0] != '-' && allBytes(s, isTagByte)
}

func allBytes(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool      { return c >= '0' && c <= '9' }
func isLowerAlnum(c byte) bool { return c >= 'a' && c <= 'z' || isDigit(c) }
func isAlnum(c byte) bool      { return isLowerAlnum(c) || c >= 'A' && c <= 'Z' }
func isHostByte(c byte) bool   { return isAlnum(c) || c == '-' }
func isTagByte(c byte) bool    { return isAlnum(c) || c == '_' || c == '.' || c == '-' }
func isV6Byte(c byte) bool {
	return isDigit(c) || c == ':' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
