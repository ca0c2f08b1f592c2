//go:build !linux

package mm

import (
	"os"

	"github.com/sbxrun/sbx/cpu/memory"
)

func newSharedMemory(int64) (*os.File, error) { return nil, memory.ErrUnsupported }

func residentBytes(*os.File) int64 { return 0 }

// The methods are there so that what is above builds; without a memory, nobody can
// call them.

func (m *fileMemory) Punch(off, n int64) error { return memory.ErrUnsupported }

func (m *fileMemory) Data(off int64) (from, to int64, ok bool) { return 0, 0, false }
