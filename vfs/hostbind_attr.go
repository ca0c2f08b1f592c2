package vfs

import "io/fs"

// hostAttr fills what every host tells, then what this one adds. Dev and Ino are the caller's.
func hostAttr(info fs.FileInfo, a *Attr) {
	mtime := TimespecOf(info.ModTime())
	*a = Attr{
		Mode: LinuxMode(info.Mode()), Nlink: 1, Size: info.Size(), Blksize: 4096,
		Blocks: (info.Size() + 511) / 512, Atime: mtime, Mtime: mtime, Ctime: mtime, Btime: mtime,
	}
	hostStat(info, a)
}
