//go:build js || wasip1

package linux

import "syscall"

// hostNative has nothing to add in a browser.
func hostNative(syscall.Errno) Errno { return 0 }
