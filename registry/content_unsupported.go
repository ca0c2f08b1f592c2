//go:build !linux

package registry

import (
	"os"

	"github.com/sbxrun/sbx/internal/hostfile"
)

// openContent opens a layer's contents to be read.
func openContent(path string) (*os.File, error) { return hostfile.Open(path) }
