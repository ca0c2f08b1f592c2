//go:build !linux && !darwin

package vfs

import (
	"io/fs"
	"os"

	"github.com/sbxrun/sbx/abi/linux"
)

const (
	// hostForbidden are the characters that Windows gives a meaning: separators, drives, streams and patterns.
	hostForbidden = "/\\:*?\"<>|\x00"
	hostNoFollow  = 0
)

// identify knows a file by its path alone: hard links look like separate files here.
func identify(_ fs.FileInfo, p string) hostID { return hostID{path: p} }

func hostStat(fs.FileInfo, *Attr) {}

func hostStatfs(*os.Root, *linux.Statfs) {}
