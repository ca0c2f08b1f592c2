package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
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

// filterBy combines filters KEY=VALUE: those of one key with or, labels and keys
// with and. test makes one, or nil; keys are those that it knows.
func filterBy[T any](filters []string, test func(key, val string) func(T) bool, keys string) (func(T) bool, error) {
	var all []func(T) bool
	byKey := map[string][]func(T) bool{}
	for _, f := range filters {
		key, val, ok := strings.Cut(f, "=")
		if !ok {
			return nil, usagef("invalid filter %q: use KEY=VALUE", f)
		}
		switch t := test(key, val); {
		case t == nil:
			return nil, usagef("invalid filter %q: use %s", f, keys)
		case strings.HasPrefix(key, "label"):
			all = append(all, t)
		default:
			byKey[key] = append(byKey[key], t)
		}
	}
	for _, list := range byKey {
		all = append(all, func(v T) bool { return slices.ContainsFunc(list, func(t func(T) bool) bool { return t(v) }) })
	}
	return func(v T) bool { return !slices.ContainsFunc(all, func(t func(T) bool) bool { return !t(v) }) }, nil
}

// confirm asks a question on a terminal; elsewhere the answer is no.
func (a *app) confirm(question string) bool {
	fmt.Fprintf(a.err, "%s\nAre you sure you want to continue? [y/N] ", question)
	line, _ := bufio.NewReader(a.in).ReadString('\n')
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes"
}
