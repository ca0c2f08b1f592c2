// Package memory is the memory of a guest: a window of 4 GiB of host address
// space, reserved without being committed, in which guest address A is host
// address Base+A. The guest's protections are the host's, so that a wild access
// is a real page fault; nothing in a window is ever executable for the host.
//
// A Window maps, protects and copies; which mappings a guest has, and what they
// are called, is the business of who owns it. Its methods may be called from many
// goroutines, but who maps must see to it that two do not map the same place.
//
// Around the window lies room that is never mapped, so that an operand that
// straddles the end, and string instructions that run out of it, fault. Below that
// lies the room that New was asked for.
package memory

import (
	"errors"
	"os"
)

// Sizes in bytes.
const (
	Size     = 1 << 32
	PageSize = 4096
	// GuardBelow and guard are the rooms around a window that are never mapped.
	GuardBelow = 1 << 30
	guard      = 4 << 30
)

// Prot says what a guest may do with pages.
type Prot uint8

// The protections. Executing needs no right of the host's.
const (
	Read Prot = 1 << iota
	Write
	None Prot = 0
)

// ErrUnsupported says that this host has no windows.
var ErrUnsupported = errors.New("memory windows are not supported on this host")

// Source is what pages are made of. The zero Source is private memory, zeroed.
type Source struct {
	// File backs the pages, from Offset on, a multiple of PageSize. The Window
	// does not keep it. Pages behind its end give SIGBUS.
	File   *os.File
	Offset int64
	// Shared makes writes go to the file; otherwise they are private.
	Shared bool
}

// Inside reports whether n bytes from addr lie in a window.
func Inside(addr, n uint64) bool { return addr <= Size && n <= Size-addr }

// PageDown and PageUp round to pages.
func PageDown(a uint64) uint64 { return a &^ (PageSize - 1) }

// PageUp rounds up. The result of the last page of 64 bits is 0.
func PageUp(a uint64) uint64 { return (a + PageSize - 1) &^ (PageSize - 1) }
