//go:build !linux

package registry

import "os"

// openContent opens a layer's contents to be read.
func openContent(path string) (*os.File, error) { return os.Open(path) }
