package syscalls

import (
	"fmt"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/vfs"
)

func sysGetpid(c *call) (int64, error)  { return int64(c.t.Getpid()), nil }
func sysGettid(c *call) (int64, error)  { return int64(c.t.Gettid()), nil }
func sysGetppid(c *call) (int64, error) { return int64(c.t.Getppid()), nil }
func sysYield(*call) (int64, error)     { yield(); return 0, nil }

func sysGetpgid(c *call) (int64, error) { return fdResult(c.t.Getpgid(c.int(0))) }
func sysGetpgrp(c *call) (int64, error) { return fdResult(c.t.Getpgid(0)) }
func sysGetsid(c *call) (int64, error)  { return fdResult(c.t.Getsid(c.int(0))) }
func sysSetsid(c *call) (int64, error)  { return fdResult(c.t.Setsid()) }
func sysSetpgid(c *call) (int64, error) { return 0, c.t.Setpgid(c.int(0), c.int(1)) }

func sysExit(c *call) (int64, error) {
	c.t.ExitThread()
	c.end(c.int(0))
	return 0, nil
}

func sysExitGroup(c *call) (int64, error) {
	c.t.Exit(c.int(0))
	c.end(c.int(0))
	return 0, nil
}

func sysExecve(c *call) (int64, error) {
	path, err := c.path(0)
	if err != nil {
		return 0, err
	}
	return c.exec(path, c.a[1], c.a[2])
}

// sysExecveat names a file of a descriptor by its link in /dev/fd, as Linux does for
// scripts.
func sysExecveat(c *call) (int64, error) {
	path, err := c.path(1)
	if err != nil {
		return 0, err
	}
	flags := c.int(4)
	switch {
	case path == "" && flags&linux.AT_EMPTY_PATH == 0:
		return 0, linux.ENOENT
	case flags&^(linux.AT_EMPTY_PATH|linux.AT_SYMLINK_NOFOLLOW) != 0:
		return 0, linux.EINVAL
	}
	if flags&linux.AT_SYMLINK_NOFOLLOW != 0 {
		var a vfs.Attr
		if err := c.t.Stat(c.fd(0), path, flags, &a); err != nil {
			return 0, err
		}
		if linux.S_ISLNK(a.Mode) {
			return 0, linux.ELOOP
		}
	}
	switch {
	case strings.HasPrefix(path, "/"), path != "" && c.fd(0) == cwd:
		return c.exec(path, c.a[2], c.a[3])
	case c.fd(0) == cwd:
		return 0, linux.EACCES // the working directory itself
	}
	if _, err := c.t.FdFlags(c.fd(0)); err != nil {
		return 0, err
	}
	link := fmt.Sprintf("/dev/fd/%d", c.fd(0))
	if path != "" {
		link += "/" + path
	}
	return c.exec(link, c.a[2], c.a[3])
}

func (c *call) exec(path string, argvAt, envAt uint64) (int64, error) {
	stack, err := c.t.Getrlimit(linux.RLIMIT_STACK)
	if err != nil {
		return 0, err
	}
	// A quarter of the stack, and no more than three quarters of what Linux gives by default.
	room := max(min(stack.Cur/4, 6<<20), 128<<10)
	room -= min(room, uint64(len(path)+1))
	argv, err := c.strings(argvAt, &room)
	if err != nil {
		return 0, err
	}
	env, err := c.strings(envAt, &room)
	if err != nil {
		return 0, err
	}
	if err := c.t.Exec(path, argv, env); err != nil {
		return 0, err
	}
	c.clearTID, c.robust = 0, 0
	c.end(0)
	return 0, nil
}

func (c *call) putRusage(addr uint64, r kernel.Rusage) error {
	b := make([]byte, 0, 144)
	for _, d := range [...]int64{int64(r.User), int64(r.System)} {
		b = le.AppendUint64(b, uint64(d/1e9))
		b = le.AppendUint64(b, uint64(d%1e9/1e3))
	}
	for _, v := range [...]int64{r.MaxRSS / 1024, 0, 0, 0, 0, 0, 0, r.InBlock, r.OutBlock, 0, 0, 0, r.Voluntary, 0} {
		b = le.AppendUint64(b, uint64(v))
	}
	return c.mm.Write(addr, b)
}

func sysWait4(c *call) (int64, error) {
	pid, st, usage, err := c.t.Wait4(c.int(0), c.int(2))
	if err != nil {
		return 0, err
	}
	if pid != 0 && c.a[1] != 0 {
		if err := c.mm.PutUint32(c.a[1], uint32(st)); err != nil {
			return 0, err
		}
	}
	if pid != 0 && c.a[3] != 0 {
		if err := c.putRusage(c.a[3], usage); err != nil {
			return 0, err
		}
	}
	return int64(pid), nil
}

func sysGetrusage(c *call) (int64, error) {
	r, err := c.t.Getrusage(c.int(0))
	if err != nil {
		return 0, err
	}
	return 0, c.putRusage(c.a[1], r)
}

func sysTimes(c *call) (int64, error) {
	t := c.t.Times()
	const tick = 1e9 / linux.CLK_TCK
	if c.a[0] != 0 {
		var b []byte
		for _, d := range [...]int64{int64(t.User), int64(t.System), int64(t.ChildrenUser), int64(t.ChildrenSystem)} {
			b = le.AppendUint64(b, uint64(d/tick))
		}
		if err := c.mm.Write(c.a[0], b); err != nil {
			return 0, err
		}
	}
	return int64(t.Elapsed) / tick, nil
}

func (c *call) putRlimit(addr uint64, l linux.Rlimit) error {
	return c.mm.Write(addr, le.AppendUint64(le.AppendUint64(nil, l.Cur), l.Max))
}

func (c *call) rlimit(addr uint64) (l linux.Rlimit, err error) {
	b, err := c.bytes(addr, 16)
	if err != nil {
		return l, err
	}
	return linux.Rlimit{Cur: le.Uint64(b), Max: le.Uint64(b[8:])}, nil
}

func sysGetrlimit(c *call) (int64, error) {
	l, err := c.t.Getrlimit(c.int(0))
	if err != nil {
		return 0, err
	}
	return 0, c.putRlimit(c.a[1], l)
}

func sysSetrlimit(c *call) (int64, error) {
	l, err := c.rlimit(c.a[1])
	if err != nil {
		return 0, err
	}
	return 0, c.t.Setrlimit(c.int(0), l)
}

func sysPrlimit64(c *call) (int64, error) {
	var l *linux.Rlimit
	if c.a[2] != 0 {
		v, err := c.rlimit(c.a[2])
		if err != nil {
			return 0, err
		}
		l = &v
	}
	old, err := c.t.Prlimit(c.int(0), c.int(1), l)
	if err != nil || c.a[3] == 0 {
		return 0, err
	}
	return 0, c.putRlimit(c.a[3], old)
}

func sysUname(c *call) (int64, error) {
	u := c.t.Uname()
	b := make([]byte, 6*65)
	for i, s := range [...]string{u.Sysname, u.Nodename, u.Release, u.Version, u.Machine, u.Domainname} {
		copy(b[65*i:65*i+64], s)
	}
	return 0, c.mm.Write(c.a[0], b)
}

func sysSysinfo(c *call) (int64, error) {
	s := c.t.Sysinfo()
	b := make([]byte, 0, 112)
	b = le.AppendUint64(b, uint64(s.Uptime/1e9))
	for _, l := range s.Loads {
		b = le.AppendUint64(b, uint64(l*65536))
	}
	for _, v := range [...]uint64{s.Total, s.Free, s.Shared, s.Buffers, s.SwapTotal, s.SwapFree} {
		b = le.AppendUint64(b, v)
	}
	b = le.AppendUint16(b, uint16(s.Procs))
	b = append(b, make([]byte, 22)...)
	b = le.AppendUint32(b, 1) // the unit is a byte
	return 0, c.mm.Write(c.a[0], append(b, make([]byte, 112-len(b))...))
}

// Codes of arch_prctl(2).
const (
	archSetGS, archSetFS, archGetFS, archGetGS = 0x1001, 0x1002, 0x1003, 0x1004
)

func sysArchPrctl(c *call) (int64, error) {
	switch c.int(0) {
	case archSetFS, archSetGS:
		if c.a[1] >= 1<<47 {
			return 0, linux.EPERM
		}
		if c.int(0) == archSetFS {
			c.r.FSBase = c.a[1]
		} else {
			c.r.GSBase = c.a[1]
		}
		return 0, nil
	case archGetFS:
		return 0, c.mm.PutUint64(c.a[1], c.r.FSBase)
	case archGetGS:
		return 0, c.mm.PutUint64(c.a[1], c.r.GSBase)
	}
	return 0, linux.EINVAL
}

// Options of prctl(2).
const (
	prSetPdeathsig, prGetPdeathsig, prGetDumpable, prSetDumpable = 1, 2, 3, 4
	prGetKeepcaps, prSetKeepcaps, prSetName, prGetName           = 7, 8, 15, 16
	prCapbsetRead, prCapbsetDrop, prSetSubreaper                 = 23, 24, 36
	prSetNoNewPrivs, prGetNoNewPrivs, prSetVMA                   = 38, 39, 0x53564d41
	prGetSecurebits, prCapAmbient                                = 27, 47
	prSetTimerslack, prGetTimerslack                             = 29, 30
	prSetTHPDisable, prGetTHPDisable                             = 41, 42
	prGetSeccomp, prSetSeccomp                                   = 21, 22
)

func sysPrctl(c *call) (int64, error) {
	cred := c.t.Credentials()
	switch c.int(0) {
	case prSetName:
		b := make([]byte, 16)
		n := c.mm.ReadSome(c.a[1], b)
		if n == 0 {
			return 0, linux.EFAULT
		}
		name := string(b[:n])
		for i := range b[:n] {
			if b[i] == 0 {
				name = string(b[:i])
				break
			}
		}
		c.t.SetComm(name)
		return 0, nil
	case prGetName:
		b := make([]byte, 16)
		copy(b[:15], c.t.Comm())
		return 0, c.mm.Write(c.a[1], b)
	case prSetPdeathsig:
		if c.a[1] >= linux.NSIG {
			return 0, linux.EINVAL
		}
		return 0, c.t.SetPdeathsig(int(c.a[1]))
	case prGetPdeathsig:
		return 0, c.mm.PutUint32(c.a[1], uint32(c.t.Pdeathsig()))
	case prGetDumpable:
		return boolInt(c.t.Dumpable()), nil
	case prSetDumpable:
		if c.a[1] > 1 {
			return 0, linux.EINVAL
		}
		c.t.SetDumpable(c.a[1] == 1)
		return 0, nil
	case prSetVMA:
		return 0, nil
	case prGetKeepcaps:
		return boolInt(cred.KeepCaps), nil
	case prSetKeepcaps:
		c.t.SetKeepCaps(c.a[1] != 0)
		return 0, nil
	case prCapbsetRead:
		if c.a[1] > 63 || c.a[1] > linux.CAP_LAST_CAP {
			return 0, linux.EINVAL
		}
		return boolInt(cred.Bounding>>c.a[1]&1 != 0), nil
	case prCapbsetDrop:
		return 0, c.t.CapbsetDrop(uint(c.a[1]))
	case prSetSubreaper:
		c.t.SetSubreaper(c.a[1] != 0)
		return 0, nil
	case prSetNoNewPrivs:
		if c.a[1] != 1 || c.a[2] != 0 {
			return 0, linux.EINVAL
		}
		c.t.SetNoNewPrivs()
		return 0, nil
	case prGetNoNewPrivs:
		return boolInt(cred.NoNewPrivs), nil
	case prGetSecurebits:
		const keepCaps = 1 << 4
		return boolInt(cred.KeepCaps) * keepCaps, nil
	case prGetSeccomp:
		return int64(c.t.Seccomp().Mode()), nil
	case prSetSeccomp:
		return c.prctlSeccomp()
	case prCapAmbient:
		return c.ambient(cred.Ambient)
	case prSetTimerslack, prSetTHPDisable:
		return 0, nil
	case prGetTimerslack:
		return 50000, nil // nanoseconds, Linux's default
	case prGetTHPDisable:
		return 0, nil
	}
	return 0, linux.EINVAL
}

// ambient is prctl(PR_CAP_AMBIENT).
func (c *call) ambient(set uint64) (int64, error) {
	const isSet, raise, lower, clearAll = 1, 2, 3, 4
	op, capability := c.int(1), c.a[2]
	switch {
	case op < isSet || op > clearAll, c.a[3]|c.a[4] != 0, op == clearAll && capability != 0, op != clearAll && capability > linux.CAP_LAST_CAP:
		return 0, linux.EINVAL
	case op == isSet:
		return int64(set >> capability & 1), nil
	case op != clearAll:
		return 0, c.t.SetAmbient(uint(capability), op == raise)
	}
	for n := range uint(linux.CAP_LAST_CAP + 1) {
		if set>>n&1 != 0 {
			if err := c.t.SetAmbient(n, false); err != nil {
				return 0, err
			}
		}
	}
	return 0, nil
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func sysGetrandom(c *call) (int64, error) {
	const nonblock, random, insecure = 1, 2, 4
	if c.a[2]&^(nonblock|random|insecure) != 0 {
		return 0, linux.EINVAL
	}
	return c.transfer(c.a[0], min(c.a[1], 32<<20), in, func(p []byte, _ int64) (int, error) {
		fillRandom(p)
		return len(p), nil
	})
}
