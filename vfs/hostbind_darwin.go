package vfs

import (
	"io/fs"
	"os"
	"syscall"

	"github.com/sbxrun/sbx/abi/linux"
)

const (
	hostForbidden = "/\x00"
	// hostNoFollow makes an open neither follow a link that was put in the place nor wait for a FIFO's other end.
	hostNoFollow = syscall.O_NOFOLLOW | syscall.O_NONBLOCK
)

func identify(info fs.FileInfo, p string) hostID {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return hostID{dev: uint64(st.Dev), ino: st.Ino}
	}
	return hostID{path: p}
}

func hostStat(info fs.FileInfo, a *Attr) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return
	}
	a.Nlink, a.Rdev = uint32(st.Nlink), uint64(st.Rdev)
	a.Blocks, a.Blksize = st.Blocks, uint32(st.Blksize)
	a.Atime = Timespec{Sec: st.Atimespec.Sec, Nsec: uint32(st.Atimespec.Nsec)}
	a.Ctime = Timespec{Sec: st.Ctimespec.Sec, Nsec: uint32(st.Ctimespec.Nsec)}
	a.Btime = Timespec{Sec: st.Birthtimespec.Sec, Nsec: uint32(st.Birthtimespec.Nsec)}
	a.UID, a.GID = hostOwner(st.Uid, os.Geteuid()), hostOwner(st.Gid, os.Getegid())
}

func hostStatfs(root *os.Root, out *linux.Statfs) {
	f, err := root.Open(".")
	if err != nil {
		return
	}
	defer f.Close()
	var st syscall.Statfs_t
	if syscall.Fstatfs(int(f.Fd()), &st) != nil {
		return
	}
	out.Bsize, out.Frsize = int64(st.Bsize), int64(st.Bsize)
	out.Blocks, out.Bfree, out.Bavail = st.Blocks, st.Bfree, st.Bavail
	out.Files, out.Ffree = st.Files, st.Ffree
}
