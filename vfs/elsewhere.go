package vfs

import (
	"errors"

	"github.com/sbxrun/sbx/abi/linux"
)

// Elsewhere is the error of a walk whose end is a magic link to a file that has
// no place in any tree, such as a pipe: /proc/self/fd/1 often is one. FollowMagic
// gives it. To those who cannot go on it is ENOENT.
type Elsewhere struct {
	// File is what the link's Super knows the file by.
	File any
}

// Error implements error.
func (e *Elsewhere) Error() string { return linux.ENOENT.Error() }

// Unwrap makes it ENOENT.
func (e *Elsewhere) Unwrap() error { return linux.ENOENT }

// notOnTheWay is what following a link gave: a file without a place is no
// directory, so that only the last name of a path may lead to one.
func notOnTheWay(err error, last bool) error {
	var e *Elsewhere
	if !last && errors.As(err, &e) {
		return linux.ENOTDIR
	}
	return err
}
