//go:build unix

package main

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// keepDescriptors keeps what this process has inherited from whoever started it
// out of the processes that it starts: a lock or a pipe would stay open for as
// long as the container runs.
func keepDescriptors() {
	for _, dir := range []string{"/proc/self/fd", "/dev/fd"} {
		list, err := os.ReadDir(dir)
		for _, f := range list {
			if fd, err := strconv.Atoi(f.Name()); err == nil && fd > 2 {
				unix.CloseOnExec(fd)
			}
		}
		if err == nil {
			return
		}
	}
}

// ownPath is this very program, also when its file was replaced meanwhile.
func ownPath() (string, error) {
	const self = "/proc/self/exe"
	exe, err := os.Executable()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(exe); err != nil {
		if _, err := os.Stat(self); err == nil {
			return self, nil
		}
	}
	return filepath.Clean(exe), nil
}

// takePipes moves the two pipes of the starter away from the standard
// descriptors, which become /dev/null.
func takePipes() (in, out *os.File, err error) {
	if in, err = movedAway(0); err != nil {
		return nil, nil, err
	}
	if out, err = movedAway(1); err != nil {
		return nil, nil, err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, err
	}
	defer null.Close()
	for fd := range 3 {
		if err := dupTo(int(null.Fd()), fd); err != nil {
			return nil, nil, err
		}
	}
	return in, out, nil
}

// movedAway is a copy of a descriptor that can be waited for with a deadline.
func movedAway(fd int) (*os.File, error) {
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(n, true); err != nil {
		_ = unix.Close(n)
		return nil, err
	}
	return os.NewFile(uintptr(n), "pipe"), nil
}
