//go:build !unix

package main

import (
	"os"
	"syscall"

	"github.com/sbxrun/sbx/abi/linux"
)

// proxied are the host's signals and what the guest gets for them.
var proxied = map[os.Signal]linux.Signal{
	os.Interrupt:    linux.SIGINT,
	syscall.SIGTERM: linux.SIGTERM,
}
