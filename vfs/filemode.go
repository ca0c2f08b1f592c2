package vfs

import (
	"io/fs"

	"github.com/sbxrun/sbx/abi/linux"
)

// goSpecial are the mode bits of Go that permissions may hold besides the nine.
const goSpecial = fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// goTypes pairs the file types of inode(7) with Go's. A mode without a type is a regular file's.
var goTypes = [...]struct {
	linux uint32
	go_   fs.FileMode
}{
	{linux.S_IFDIR, fs.ModeDir},
	{linux.S_IFLNK, fs.ModeSymlink},
	{linux.S_IFIFO, fs.ModeNamedPipe},
	{linux.S_IFSOCK, fs.ModeSocket},
	{linux.S_IFCHR, fs.ModeDevice | fs.ModeCharDevice},
	{linux.S_IFBLK, fs.ModeDevice},
}

// GoMode makes a Go mode of a Linux mode, type included.
func GoMode(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	for _, b := range [...]struct {
		linux uint32
		go_   fs.FileMode
	}{{linux.S_ISUID, fs.ModeSetuid}, {linux.S_ISGID, fs.ModeSetgid}, {linux.S_ISVTX, fs.ModeSticky}} {
		if mode&b.linux != 0 {
			m |= b.go_
		}
	}
	for _, t := range goTypes {
		if mode&linux.S_IFMT == t.linux {
			m |= t.go_
		}
	}
	return m
}

// LinuxMode makes a Linux mode, type included, of a Go mode. What Linux has no type for counts as a regular file.
func LinuxMode(m fs.FileMode) uint32 {
	mode := uint32(m.Perm())
	if m&fs.ModeSetuid != 0 {
		mode |= linux.S_ISUID
	}
	if m&fs.ModeSetgid != 0 {
		mode |= linux.S_ISGID
	}
	if m&fs.ModeSticky != 0 {
		mode |= linux.S_ISVTX
	}
	for _, t := range goTypes {
		if m.Type() == t.go_ {
			return mode | t.linux
		}
	}
	return mode | linux.S_IFREG
}
