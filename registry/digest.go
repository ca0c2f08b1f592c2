package registry

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/opencontainers/go-digest"
)

// Digest names a blob by its content: "sha256:" and 64 lower-case hexadecimal digits (OCI image-spec, descriptor.md).
type Digest = digest.Digest

const sha256Prefix = "sha256:"

// ParseDigest accepts sha256 digests only. Every digest that comes from outside goes through it before it becomes
// part of a path or of a URL.
func ParseDigest(s string) (Digest, error) {
	if len(s) != len(sha256Prefix)+64 || s[:len(sha256Prefix)] != sha256Prefix || !isHex(s[len(sha256Prefix):]) {
		return "", Errorf(ErrCorrupt, "invalid digest %.100q: want sha256: and 64 lower-case hexadecimal digits", s)
	}
	return Digest(s), nil
}

// isHex tells whether s is made of lower-case hexadecimal digits.
func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// hexOf is the hexadecimal part of a parsed digest.
func hexOf(d Digest) string { return string(d)[len(sha256Prefix):] }

// digestOf hashes b.
func digestOf(b []byte) Digest {
	sum := sha256.Sum256(b)
	return digestSum(sum[:])
}

// digestSum makes a digest of a finished hash.
func digestSum(sum []byte) Digest { return Digest(sha256Prefix + hex.EncodeToString(sum)) }
