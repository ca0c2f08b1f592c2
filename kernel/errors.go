package kernel

import (
	"io/fs"

	"github.com/sbxrun/sbx/abi/linux"
)

// pathError is an error for the host: what was done to which path.
func pathError(op, path string, err error) error {
	return &fs.PathError{Op: op, Path: path, Err: linux.ErrnoOf(err)}
}
