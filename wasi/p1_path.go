package wasi

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// Flags of preview 1's path functions.
const (
	lookupFollow = 1
	openCreat    = 1
	openDir      = 2
	openExcl     = 4
	openTrunc    = 8
)

// pathArg resolves a descriptor and the path at ptr to the kernel's arguments.
func (p *proc) pathArg(fd, ptr, n uint64) (int, string, error) {
	path, err := p.path(uint32(ptr), uint32(n))
	if err != nil {
		return 0, "", err
	}
	return p.at(uint32(fd), path)
}

func noFollow(lookup uint64) int {
	if lookup&lookupFollow != 0 {
		return 0
	}
	return linux.AT_SYMLINK_NOFOLLOW
}

func pathCreateDirectory(p *proc, a []uint64) error {
	at, path, err := p.pathArg(a[0], a[1], a[2])
	if err != nil {
		return err
	}
	return p.t.Mkdir(at, path, 0o777)
}

func pathFilestatGet(p *proc, a []uint64) error {
	at, path, err := p.pathArg(a[0], a[2], a[3])
	if err != nil {
		return err
	}
	var attr vfs.Attr
	if err := p.t.Stat(at, path, noFollow(a[1]), &attr); err != nil {
		return err
	}
	return p.putFilestat(uint32(a[4]), &attr)
}

func pathFilestatSetTimes(p *proc, a []uint64) error {
	at, path, err := p.pathArg(a[0], a[2], a[3])
	if err != nil {
		return err
	}
	ts, err := fileTimes(a[4], a[5], a[6])
	if err != nil {
		return err
	}
	return p.t.Utimens(at, path, ts, noFollow(a[1]))
}

func pathLink(p *proc, a []uint64) error {
	oat, opath, err := p.pathArg(a[0], a[2], a[3])
	if err != nil {
		return err
	}
	nat, npath, err := p.pathArg(a[4], a[5], a[6])
	if err != nil {
		return err
	}
	flags := 0
	if a[1]&lookupFollow != 0 {
		flags = linux.AT_SYMLINK_FOLLOW
	}
	return p.t.Link(oat, opath, nat, npath, flags)
}

// accessMode picks the access mode of open(2) from the rights asked for. A
// directory is only ever read.
func accessMode(rights uint64, dir bool) int {
	write := rights&rightWrite != 0 && !dir
	switch {
	case write && rights&(rightRead|rightReaddir) != 0:
		return linux.O_RDWR
	case write:
		return linux.O_WRONLY
	}
	return linux.O_RDONLY
}

func pathOpen(p *proc, a []uint64) error {
	at, path, err := p.pathArg(a[0], a[2], a[3])
	if err != nil {
		return err
	}
	oflags, rights := a[4], a[5]
	flags := linux.O_CLOEXEC | accessMode(rights, oflags&openDir != 0) | openFlags(uint16(a[7]))
	if a[1]&lookupFollow == 0 {
		flags |= linux.O_NOFOLLOW
	}
	for _, m := range [...]struct {
		wasi  uint64
		linux int
	}{{openCreat, linux.O_CREAT}, {openDir, linux.O_DIRECTORY}, {openExcl, linux.O_EXCL}, {openTrunc, linux.O_TRUNC}} {
		if oflags&m.wasi != 0 {
			flags |= m.linux
		}
	}
	if _, err := p.bytes(uint32(a[8]), 4); err != nil {
		return err
	}
	fd, err := p.t.Open(at, path, flags, 0o666)
	if err != nil {
		return err
	}
	n, err := p.add(&descriptor{fd: fd, base: rights & rightsOf(flags), inherit: a[6] & rightsAll})
	if err != nil {
		return err
	}
	return p.putU32(uint32(a[8]), n)
}

func pathReadlink(p *proc, a []uint64) error {
	at, path, err := p.pathArg(a[0], a[1], a[2])
	if err != nil {
		return err
	}
	buf, err := p.bytes(uint32(a[3]), uint32(a[4]))
	if err != nil {
		return err
	}
	target, err := p.t.Readlink(at, path)
	if err != nil {
		return err
	}
	return p.putU32(uint32(a[5]), uint32(copy(buf, target)))
}

func pathRemoveDirectory(p *proc, a []uint64) error {
	at, path, err := p.pathArg(a[0], a[1], a[2])
	if err != nil {
		return err
	}
	return p.t.Unlink(at, path, linux.AT_REMOVEDIR)
}

func pathUnlinkFile(p *proc, a []uint64) error {
	at, path, err := p.pathArg(a[0], a[1], a[2])
	if err != nil {
		return err
	}
	return p.t.Unlink(at, path, 0)
}

func pathRename(p *proc, a []uint64) error {
	oat, opath, err := p.pathArg(a[0], a[1], a[2])
	if err != nil {
		return err
	}
	nat, npath, err := p.pathArg(a[3], a[4], a[5])
	if err != nil {
		return err
	}
	return p.t.Rename(oat, opath, nat, npath, 0)
}

func pathSymlink(p *proc, a []uint64) error {
	target, err := p.path(uint32(a[0]), uint32(a[1]))
	if err != nil {
		return err
	}
	at, path, err := p.pathArg(a[2], a[3], a[4])
	if err != nil {
		return err
	}
	return p.t.Symlink(target, at, path)
}
