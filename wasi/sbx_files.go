package wasi

import (
	"encoding/binary"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// extensions is the module "sbx", tools/include/sbx.h.
var extensions = []hostFunc{
	{"stat", "iiii", false, sbxStat},
	{"fstat", "ii", false, sbxFstat},
	{"open", "iiiii", false, sbxOpen},
	{"mkdir", "iii", false, sbxMkdir},
	{"chmod", "iiii", false, sbxChmod},
	{"fchmod", "ii", false, sbxFchmod},
	{"chown", "iiiii", false, sbxChown},
	{"access", "iii", false, sbxAccess},
	{"mknod", "iiiI", false, sbxMknod},
	{"umask", "ii", false, sbxUmask},
	{"utimens", "iiii", false, sbxUtimens},
	{"statfs", "iii", false, sbxStatfs},
	{"getcwd", "iii", false, sbxGetcwd},
	{"chdir", "ii", false, sbxChdir},
	{"pipe", "i", false, sbxPipe},
	{"dup2", "ii", false, sbxDup2},
	{"ids", "i", false, sbxIds},
	{"groups", "iii", false, sbxGroups},
	{"kill", "ii", false, sbxKill},
	{"spawn", "ii", false, sbxSpawn},
	{"wait", "iiii", false, sbxWait},
	{"exec", "iiiiii", false, sbxExec},
	{"signal", "ii", false, sbxSignal},
	{"uname", "i", false, sbxUname},
	{"sysinfo", "i", false, sbxSysinfo},
	{"winsize", "iii", false, sbxWinsize},
	{"set_winsize", "iii", false, sbxSetWinsize},
	{"tcget", "ii", false, sbxTcget},
	{"tcset", "iii", false, sbxTcset},
	{"connect", "ii", false, sbxConnect},
	{"sigwait", "IIi", false, sbxSigwait},
	{"nice", "ii", false, sbxNice},
}

// sbxNoFollow is SBX_NOFOLLOW.
const sbxNoFollow = 1

func atFlags(flags uint64) int {
	if flags&sbxNoFollow != 0 {
		return linux.AT_SYMLINK_NOFOLLOW
	}
	return 0
}

func sbxStat(p *proc, a []uint64) error {
	path, err := p.path(uint32(a[0]), uint32(a[1]))
	if err != nil {
		return err
	}
	var attr vfs.Attr
	if err := p.t.Stat(linux.AT_FDCWD, path, atFlags(a[2]), &attr); err != nil {
		return err
	}
	return p.putStat(uint32(a[3]), &attr)
}

func sbxFstat(p *proc, a []uint64) error {
	var attr vfs.Attr
	if err := p.fstat(uint32(a[0]), &attr); err != nil {
		return err
	}
	return p.putStat(uint32(a[1]), &attr)
}

// putStat writes struct sbx_stat, 112 bytes.
func (p *proc) putStat(ptr uint32, a *vfs.Attr) error {
	b, err := p.bytes(ptr, 112)
	if err != nil {
		return err
	}
	w := b[:0]
	le := binary.LittleEndian
	for _, v := range [...]uint64{a.Dev, a.Ino, a.Rdev} {
		w = le.AppendUint64(w, v)
	}
	for _, v := range [...]uint32{a.Mode, a.Nlink, a.UID, a.GID} {
		w = le.AppendUint32(w, v)
	}
	w = le.AppendUint64(w, uint64(a.Size))
	w = le.AppendUint64(w, uint64(a.Blocks))
	w = le.AppendUint64(w, uint64(a.Blksize))
	times := [...]vfs.Timespec{a.Atime, a.Mtime, a.Ctime, a.Btime}
	for _, t := range times {
		w = le.AppendUint64(w, uint64(t.Sec))
	}
	for _, t := range times {
		w = le.AppendUint32(w, t.Nsec)
	}
	return nil
}

func sbxOpen(p *proc, a []uint64) error {
	path, err := p.path(uint32(a[0]), uint32(a[1]))
	if err != nil {
		return err
	}
	if _, err := p.bytes(uint32(a[4]), 4); err != nil {
		return err
	}
	flags := int(uint32(a[2]))
	fd, err := p.t.Open(linux.AT_FDCWD, path, flags|linux.O_CLOEXEC, uint32(a[3])&0o7777)
	if err != nil {
		return err
	}
	return p.give(fd, flags, uint32(a[4]))
}

// give numbers a new kernel descriptor for the guest and writes the number.
func (p *proc) give(fd, flags int, ptr uint32) error {
	base := rightsOf(flags)
	n, err := p.add(&descriptor{fd: fd, base: base, inherit: rightsAll})
	if err != nil {
		return err
	}
	return p.putU32(ptr, n)
}

func sbxMkdir(p *proc, a []uint64) error {
	path, err := p.path(uint32(a[0]), uint32(a[1]))
	if err != nil {
		return err
	}
	return p.t.Mkdir(linux.AT_FDCWD, path, uint32(a[2])&0o7777)
}

func sbxChmod(p *proc, a []uint64) error {
	path, err := p.path(uint32(a[0]), uint32(a[1]))
	if err != nil {
		return err
	}
	return p.t.Chmod(linux.AT_FDCWD, path, uint32(a[3])&0o7777, atFlags(a[2]))
}

func sbxFchmod(p *proc, a []uint64) error {
	fd, err := p.fd(uint32(a[0]))
	if err != nil {
		return err
	}
	return p.t.Fchmod(fd, uint32(a[1])&0o7777)
}

func sbxChown(p *proc, a []uint64) error {
	path, err := p.path(uint32(a[0]), uint32(a[1]))
	if err != nil {
		return err
	}
	return p.t.Chown(linux.AT_FDCWD, path, uint32(a[3]), uint32(a[4]), atFlags(a[2]))
}

func sbxAccess(p *proc, a []uint64) error {
	path, err := p.path(uint32(a[0]), uint32(a[1]))
	if err != nil {
		return err
	}
	return p.t.Access(linux.AT_FDCWD, path, uint32(a[2]), linux.AT_EACCESS)
}

func sbxMknod(p *proc, a []uint64) error {
	path, err := p.path(uint32(a[0]), uint32(a[1]))
	if err != nil {
		return err
	}
	return p.t.Mknod(linux.AT_FDCWD, path, uint32(a[2]), a[3])
}

func sbxUmask(p *proc, a []uint64) error {
	if _, err := p.bytes(uint32(a[1]), 4); err != nil {
		return err
	}
	return p.putU32(uint32(a[1]), p.t.Umask(uint32(a[0])&0o777))
}

func sbxUtimens(p *proc, a []uint64) error {
	path, err := p.path(uint32(a[0]), uint32(a[1]))
	if err != nil {
		return err
	}
	b, err := p.bytes(uint32(a[3]), 32)
	if err != nil {
		return err
	}
	var ts [2]vfs.Timespec
	for i := range ts {
		ns := binary.LittleEndian.Uint64(b[16*i+8:])
		if ns > 999999999 && ns != linux.UTIME_NOW && ns != linux.UTIME_OMIT {
			return linux.EINVAL
		}
		ts[i] = vfs.Timespec{Sec: int64(binary.LittleEndian.Uint64(b[16*i:])), Nsec: uint32(ns)}
	}
	return p.t.Utimens(linux.AT_FDCWD, path, &ts, atFlags(a[2]))
}

func sbxStatfs(p *proc, a []uint64) error {
	path, err := p.path(uint32(a[0]), uint32(a[1]))
	if err != nil {
		return err
	}
	s, err := p.t.Statfs(path)
	if err != nil {
		return err
	}
	return p.putU64s(uint32(a[2]), uint64(s.Type), uint64(s.Bsize), s.Blocks, s.Bfree, s.Bavail, s.Files, s.Ffree, uint64(s.Namelen))
}

func (p *proc) putU64s(ptr uint32, values ...uint64) error {
	b, err := p.array(ptr, uint32(len(values)), 8)
	if err != nil {
		return err
	}
	for i, v := range values {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
	return nil
}

func (p *proc) putU32s(ptr uint32, values ...uint32) error {
	b, err := p.array(ptr, uint32(len(values)), 4)
	if err != nil {
		return err
	}
	for i, v := range values {
		binary.LittleEndian.PutUint32(b[4*i:], v)
	}
	return nil
}

func sbxGetcwd(p *proc, a []uint64) error {
	buf, err := p.bytes(uint32(a[0]), uint32(a[1]))
	if err != nil {
		return err
	}
	cwd, err := p.t.Getcwd()
	if err != nil {
		return err
	}
	if len(cwd) > len(buf) {
		return linux.ERANGE
	}
	return p.putU32(uint32(a[2]), uint32(copy(buf, cwd)))
}

func sbxChdir(p *proc, a []uint64) error {
	path, err := p.path(uint32(a[0]), uint32(a[1]))
	if err != nil {
		return err
	}
	return p.t.Chdir(path)
}

func sbxPipe(p *proc, a []uint64) error {
	if _, err := p.bytes(uint32(a[0]), 8); err != nil {
		return err
	}
	r, w, err := p.t.Pipe(linux.O_CLOEXEC)
	if err != nil {
		return err
	}
	rn, err := p.add(&descriptor{fd: r, base: rightsOf(linux.O_RDONLY)})
	if err != nil {
		p.t.Close(w)
		return err
	}
	wn, err := p.add(&descriptor{fd: w, base: rightsOf(linux.O_WRONLY)})
	if err != nil {
		delete(p.fds, rn)
		p.t.Close(r)
		return err
	}
	return p.putU32s(uint32(a[0]), rn, wn)
}

func sbxDup2(p *proc, a []uint64) error {
	from, to := uint32(a[0]), uint32(a[1])
	d, err := p.get(from)
	if err != nil {
		return err
	}
	if from == to {
		return nil
	}
	return p.dupTo(d, to)
}
