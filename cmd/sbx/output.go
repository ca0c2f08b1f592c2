package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// toFile gives write a file that takes the place of path only when all is
// written; "" is standard output, which must not be a terminal.
func (a *app) toFile(path string, write func(io.Writer) error) error {
	if path == "" || path == "-" {
		if isTTY(a.out) {
			return errors.New("refusing to write an archive to a terminal: use -o FILE, or redirect standard output")
		}
		out := bufio.NewWriterSize(a.out, 1<<20)
		if err := write(out); err != nil {
			return err
		}
		return out.Flush()
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".sbx-")
	if err != nil {
		return fmt.Errorf("%s: %w", path, reason(err))
	}
	defer os.Remove(f.Name())
	err = write(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Chmod(f.Name(), 0o644)
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	var pe *fs.PathError
	if errors.As(err, &pe) && pe.Path == f.Name() {
		err = fmt.Errorf("%s: %w", path, pe.Err)
	}
	return err
}

// fromFile opens a file to read; "" and "-" are standard input, which must
// not be a terminal.
func (a *app) fromFile(path, flag string) (io.ReadCloser, error) {
	if path == "" || path == "-" {
		if ttyFd(a.in) >= 0 {
			return nil, fmt.Errorf("refusing to read an archive from a terminal: use %s, or redirect standard input", flag)
		}
		return io.NopCloser(a.in), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, reason(err))
	}
	return f, nil
}

// confirm asks a question on a terminal; elsewhere the answer is no.
func (a *app) confirm(question string) bool {
	fmt.Fprintf(a.err, "%s\nAre you sure you want to continue? [y/N] ", question)
	line, _ := bufio.NewReader(a.in).ReadString('\n')
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes"
}
