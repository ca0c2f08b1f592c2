// Package dev owns /dev: the device nodes of a fresh /dev ([Populate]), devpts
// with the registry of live pseudo-terminals ([Devices.Pts]), and what opening a
// character device gives ([Devices.Open]): null, zero, full, random, urandom,
// tty, console, ptmx and the slaves of pseudo-terminals.
//
// A device is found by its number alone, so nodes that an image brings or that
// mknod(2) makes work the same way. An open device is a [Device]; terminals are
// a *tty.End, which is one.
//
// Lock order: Devices.mu, then the lock of a tty.TTY.
package dev
