// Package sbx is the root of a container sandbox that is one Go program (cmd/sbx) and one Go library (sandbox).
// It holds no code of its own: ARCHITECTURE.md says which folder owns what.
package sbx
