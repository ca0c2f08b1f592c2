package vfs

import (
	"math"

	"github.com/sbxrun/sbx/abi/linux"
)

// Usage is what the upper layer holds, and its limits (0: none).
type Usage struct{ Bytes, Inodes, MaxBytes, MaxInodes int64 }

// Usage returns what the changes above the index use.
func (fs *FS) Usage() Usage {
	fs.mu.RLock()
	defer fs.mu.RUnlock()
	return Usage{fs.used, fs.inodes, fs.opts.MaxBytes, fs.opts.MaxInodes}
}

// charge takes n bytes of the quota (gives them back when negative).
func (fs *FS) charge(n int64) error {
	if n > 0 && fs.opts.MaxBytes > 0 && (n > fs.opts.MaxBytes || fs.used > fs.opts.MaxBytes-n) {
		return linux.ENOSPC
	}
	fs.used += n
	return nil
}

// chargeInode takes one inode, or one link after the first, as tmpfs counts.
func (fs *FS) chargeInode() error {
	if fs.opts.MaxInodes > 0 && fs.inodes >= fs.opts.MaxInodes {
		return linux.ENOSPC
	}
	fs.inodes++
	return nil
}

// Statfs implements Super. Without a limit the free space is 2^50 bytes.
func (fs *FS) Statfs() (linux.Statfs, error) {
	u := fs.Usage()
	s := linux.Statfs{Type: linux.TMPFS_MAGIC, Bsize: blockSize, Frsize: blockSize, Namelen: linux.NAME_MAX}
	if fs.opts.Type == "overlay" {
		s.Type = linux.OVERLAYFS_SUPER_MAGIC
	}
	total, inodes := u.MaxBytes, u.MaxInodes
	if total == 0 {
		total = 1<<50 + u.Bytes
	}
	if inodes == 0 {
		inodes = min(1<<40+u.Inodes, math.MaxInt64)
	}
	s.Blocks = uint64(total / blockSize)
	s.Bfree = uint64(max(total-u.Bytes, 0) / blockSize)
	s.Bavail = s.Bfree
	s.Files, s.Ffree = uint64(inodes), uint64(max(inodes-u.Inodes, 0))
	return s, nil
}
