package sandbox

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	weak "math/rand/v2"
	"strings"
)

// nameRule is how the rule for names is spelled in messages.
const nameRule = "[a-zA-Z0-9][a-zA-Z0-9_.-]"

// validName reports whether s is a container or volume name: a letter or
// digit first, then at least one more of those, '_', '.' or '-'.
func validName(s string) bool {
	if len(s) < 2 || len(s) > 255 || !isAlnum(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !isAlnum(c) && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// checkName is validName with the message for the user.
func checkName(s string) error {
	if validName(s) {
		return nil
	}
	return fail(ErrInvalid, "invalid container name %q: use letters, digits, '_', '.' and '-', two or more, a letter or digit first (%s+)", s, nameRule)
}

// randomName is an adjective and a surname; from the tenth try on (a crowded
// home) a digit follows, so that a free name is found in the end.
func randomName(try int) string {
	name := pick(adjectives) + "_" + pick(surnames)
	if try >= 10 {
		name += fmt.Sprint(weak.IntN(10 * try))
	}
	return name
}

func pick(words string) string {
	list := strings.Fields(words)
	return list[weak.IntN(len(list))]
}

// idLen is the length of a full container id in hex digits, shortLen of the
// form that people see.
const (
	idLen    = 64
	shortLen = 12
)

// newID returns a random container id: 64 hex digits, the first 12 of which
// are never all decimal (a host name of digits only confuses resolvers).
func newID() string {
	var b [idLen / 2]byte
	for {
		for i := 0; i < len(b); i += 8 {
			binary.LittleEndian.PutUint64(b[i:], weak.Uint64())
		}
		id := hex.EncodeToString(b[:])
		if strings.ContainsAny(id[:shortLen], "abcdef") {
			return id
		}
	}
}

// ShortID is the twelve digits that tables show.
func ShortID(id string) string {
	if len(id) > shortLen {
		return id[:shortLen]
	}
	return id
}

func isHex(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return s != ""
}
