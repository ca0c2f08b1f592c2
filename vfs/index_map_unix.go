//go:build unix

package vfs

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// mapFile maps a file for reading, or reads it when the host refuses.
func mapFile(f *os.File) ([]byte, func() error, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	n := st.Size()
	if n < headerSize || n != int64(int(n)) {
		return nil, nil, fmt.Errorf("%w: %d bytes", ErrIndex, n)
	}
	b, err := syscall.Mmap(int(f.Fd()), 0, int(n), syscall.PROT_READ, syscall.MAP_SHARED)
	if err == nil {
		return b, func() error { return syscall.Munmap(b) }, nil
	}
	b, err = io.ReadAll(io.LimitReader(f, n))
	return b, nil, err
}
