//go:build unix

package build

import "syscall"

// openFlags keep an open of what became a FIFO or a link from waiting or
// following.
const openFlags = syscall.O_NONBLOCK | syscall.O_NOFOLLOW
