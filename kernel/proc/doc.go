// Package proc owns what /proc and /sys show: [New] makes the first, [NewSys]
// the second, both as a [vfs.Super] over a [Source], which is the kernel.
//
// Every file is rendered when it is read from its start, and reads further on continue in what it was then; numbers are
// those of the sandbox and its limits, never the host's. Formats are those of
// proc(5) and sysfs(5).
//
// Inode numbers are computed, not allocated: they are stable and need no memory.
// The package takes no lock of its own; Source must be safe for concurrent use.
package proc
