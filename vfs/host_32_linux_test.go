//go:build linux && (386 || arm)

package vfs

import "golang.org/x/sys/unix"

func setNsec(u *unix.Timespec, ns uint32) { u.Nsec = int32(ns) }
