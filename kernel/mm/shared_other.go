//go:build !linux

package mm

import (
	"os"

	"github.com/sbxrun/sbx/cpu/memory"
)

func newSharedMemory(int64) (*os.File, error) { return nil, memory.ErrUnsupported }

func residentBytes(*os.File) int64 { return 0 }
