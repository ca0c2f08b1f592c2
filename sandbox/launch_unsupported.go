//go:build !unix && !windows

package sandbox

import "syscall"

func ownSession() *syscall.SysProcAttr { return nil }

func rootDir() string { return "/" }
