//go:build unix

package sandbox

import "syscall"

// ownSession takes a process away from the terminal and the session of its parent.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// rootDir is a folder that nobody wants to unmount.
func rootDir() string { return "/" }
