//go:build unix

package main

import (
	"os"
	"syscall"

	"github.com/sbxrun/sbx/abi/linux"
)

// proxied are the host's signals and what the guest gets for them.
var proxied = map[os.Signal]linux.Signal{
	syscall.SIGINT:   linux.SIGINT,
	syscall.SIGTERM:  linux.SIGTERM,
	syscall.SIGHUP:   linux.SIGHUP,
	syscall.SIGQUIT:  linux.SIGQUIT,
	syscall.SIGUSR1:  linux.SIGUSR1,
	syscall.SIGUSR2:  linux.SIGUSR2,
	syscall.SIGWINCH: linux.SIGWINCH,
}
