package mm

import (
	"os"

	"golang.org/x/sys/unix"
)

// newSharedMemory makes memory that several windows can map, zeroed.
func newSharedMemory(n int64) (*os.File, error) {
	fd, err := unix.MemfdCreate("sbx-shared", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "memory")
	if err := f.Truncate(n); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
