//go:build !unix && !windows

package sandbox

import (
	"errors"
	"os"
)

// lockFile: a host without file locks cannot share a home.
func lockFile(*os.File) error { return errors.ErrUnsupported }
