// Package hostfile opens regular files of the host. Package os asks for each file that it
// opens whether it can be waited for, which costs as much again as the rest of opening and
// closing it; regular files never can be.
package hostfile

import (
	"io"
	"io/fs"
	"os"
)

// Open opens a file for reading, as os.Open does.
func Open(path string) (*os.File, error) { return OpenFile(path, os.O_RDONLY, 0) }

// ReadFile reads a whole file, as os.ReadFile does.
func ReadFile(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// WriteFile writes a file and makes it if it is missing, as os.WriteFile does.
func WriteFile(path string, b []byte, perm fs.FileMode) error {
	f, err := OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
