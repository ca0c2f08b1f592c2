package wasi

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/vfs"
)

// sbxIds writes struct sbx_ids. nproc is 0: it is in /proc/cpuinfo.
func sbxIds(p *proc, a []uint64) error {
	c := p.t.Credentials()
	pgid, _ := p.t.Getpgid(0)
	sid, _ := p.t.Getsid(0)
	umask := p.t.Umask(0)
	p.t.Umask(umask)
	return p.putU32s(uint32(a[0]), c.UID, c.EUID, c.GID, c.EGID, uint32(p.t.Getpid()), uint32(p.t.Getppid()),
		uint32(pgid), uint32(sid), umask, uint32(len(c.Groups)), p.ttyNr(), 0)
}

// ttyNr is the device number of the terminal on 0, 1 or 2, or 0.
func (p *proc) ttyNr() uint32 {
	for fd := range 3 {
		var a vfs.Attr
		if p.t.Isatty(fd) && p.t.Fstat(fd, &a) == nil {
			return uint32(a.Rdev)
		}
	}
	return 0
}

func sbxGroups(p *proc, a []uint64) error {
	groups := p.t.Credentials().Groups
	limit := uint32(a[1])
	if limit > 0 {
		if uint32(len(groups)) > limit {
			return linux.EINVAL
		}
		if err := p.putU32s(uint32(a[0]), groups...); err != nil {
			return err
		}
	}
	return p.putU32(uint32(a[2]), uint32(len(groups)))
}

func sbxKill(p *proc, a []uint64) error {
	sig := uint32(a[1])
	if sig > 64 {
		return linux.EINVAL
	}
	return p.t.Kill(int(int32(a[0])), linux.Signal(sig))
}

// Flags of sbxSpawn: SBX_NEWPGRP and SBX_UNMASK.
const (
	spawnGroup  = 1
	spawnUnmask = 2
)

// sbxSpawn starts a child; the request is ten 32-bit words, see sbx_wasm.c.
func sbxSpawn(p *proc, a []uint64) error {
	req, err := p.bytes(uint32(a[0]), 40)
	if err != nil {
		return err
	}
	word := func(i int) uint32 { return binary.LittleEndian.Uint32(req[4*i:]) }
	if _, err := p.bytes(uint32(a[1]), 4); err != nil {
		return err
	}
	o := kernel.SpawnOpts{Files: map[int]int{}}
	if o.Path, err = p.path(word(0), word(1)); err != nil {
		return err
	}
	if o.Argv, err = p.strings(word(2), word(3)); err != nil {
		return err
	}
	if o.Env, err = p.strings(word(4), word(5)); err != nil {
		return err
	}
	if o.Env == nil {
		o.Env = []string{}
	}
	for i := range 3 {
		n := int32(word(6 + i))
		if n < 0 {
			continue
		}
		if o.Files[i], err = p.fd(uint32(n)); err != nil {
			return err
		}
	}
	if word(9)&spawnGroup != 0 {
		o.Setpgid = kernel.PgidNew
	}
	if word(9)&spawnUnmask != 0 {
		o.SigMask = new(linux.SigSet)
	}
	pid, err := p.t.Spawn(o)
	if err != nil {
		return err
	}
	return p.putU32(uint32(a[1]), uint32(pid))
}

func sbxWait(p *proc, a []uint64) error {
	if _, err := p.bytes(uint32(a[2]), 4); err != nil {
		return err
	}
	pid, st, _, err := p.t.Wait4(int(int32(a[0])), int(uint32(a[1])))
	if err != nil {
		return err
	}
	if err := p.putU32(uint32(a[2]), uint32(st)); err != nil {
		return err
	}
	return p.putU32(uint32(a[3]), uint32(pid))
}

// sbxExec replaces the program. On success it does not come back: the module
// unwinds and its task runs the new image.
func sbxExec(p *proc, a []uint64) error {
	path, err := p.path(uint32(a[0]), uint32(a[1]))
	if err != nil {
		return err
	}
	argv, err := p.strings(uint32(a[2]), uint32(a[3]))
	if err != nil {
		return err
	}
	env, err := p.strings(uint32(a[4]), uint32(a[5]))
	if err != nil {
		return err
	}
	if env == nil {
		env = []string{}
	}
	if path, err = p.lookPath(path, env); err != nil {
		return err
	}
	if err := p.t.Exec(path, argv, env); err != nil {
		return err
	}
	p.fds = nil // close-on-exec closed them
	p.exit(0)
	return nil
}

func sbxSignal(p *proc, a []uint64) error {
	sig := uint32(a[0])
	if sig == 0 || sig > 64 || a[1] > 1 {
		return linux.EINVAL
	}
	d := kernel.SigDefault
	if a[1] == 1 {
		d = kernel.SigIgnore
	}
	_, err := p.t.Sigaction(linux.Signal(sig), d)
	return err
}

// sbxSigwait blocks a set of signals for good and waits for one of them, for a
// number of milliseconds or, below 0, for ever. EAGAIN: none came.
func sbxSigwait(p *proc, a []uint64) error {
	if _, err := p.bytes(uint32(a[2]), 4); err != nil {
		return err
	}
	set := linux.SigSet(a[0])
	if _, err := p.t.Sigmask(linux.SIG_BLOCK, &set); err != nil {
		return err
	}
	info, err := p.t.Sigtimedwait(set, milliseconds(int64(a[1])))
	if err != nil {
		return err
	}
	return p.putU32(uint32(a[2]), uint32(info.Signo))
}

// milliseconds makes a duration of a guest's number; negative is for ever.
func milliseconds(n int64) time.Duration {
	if n < 0 {
		return -1
	}
	return time.Duration(min(n, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}

// sbxNice adds to the niceness of the process and writes what it is then.
func sbxNice(p *proc, a []uint64) error {
	n, err := p.t.Nice(kernel.PRIO_PROCESS, 0)
	if err != nil {
		return err
	}
	if add := int(int32(a[0])); add != 0 {
		if err := p.t.SetNice(kernel.PRIO_PROCESS, 0, n+add); err != nil {
			return err
		}
		if n, err = p.t.Nice(kernel.PRIO_PROCESS, 0); err != nil {
			return err
		}
	}
	return p.putU32(uint32(a[1]), uint32(n))
}
