//go:build !unix

package registry

import "io/fs"

// diskUsage is the size of a file.
func diskUsage(fi fs.FileInfo) int64 { return fi.Size() }
