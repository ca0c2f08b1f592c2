//go:build !windows && (!unix || solaris || aix)

package registry

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// lockFile fails: a store without locks would lose images.
func lockFile(*os.File, bool) (bool, error) {
	return false, fmt.Errorf("the image store needs file locks, which %s lacks: %w", runtime.GOOS, errors.ErrUnsupported)
}

func unlockFile(*os.File) {}

func syncDir(string) error { return nil }

func isDiskFull(error) bool { return false }
