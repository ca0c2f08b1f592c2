package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/kernel/seccomp"
)

// verdict is what filters make of a call.
type verdict int

const (
	pass    verdict = iota // it is made
	refused                // it is not, and has an answer
	trapped                // it is not, and a signal comes for it
)

// filtered asks the thread's filters about a call, and does what they say.
func (c *call) filtered(s *kernel.Seccomp) (verdict, error) {
	if s.Strict {
		const read, write, sigreturn, exit = 0, 1, 15, 60
		switch c.number {
		case read, write, sigreturn, exit:
			return pass, nil
		}
		return c.die(linux.SIGKILL, false), nil
	}
	d := seccomp.Data{NR: int32(c.number), Arch: linux.AUDIT_ARCH_X86_64, IP: c.r.RIP, Args: c.a}
	answer := s.Filter.Run(&d)
	data := answer & linux.SECCOMP_RET_DATA
	switch answer & linux.SECCOMP_RET_ACTION_FULL {
	case linux.SECCOMP_RET_ALLOW, linux.SECCOMP_RET_LOG:
		return pass, nil
	case linux.SECCOMP_RET_ERRNO:
		if data == 0 {
			return refused, nil
		}
		const maxErrno = 4095
		return refused, linux.Errno(min(data, maxErrno))
	case linux.SECCOMP_RET_TRAP:
		c.t.ForceSignal(kernel.SigInfo{Signo: linux.SIGSYS, Code: kernel.SYS_SECCOMP, Errno: int32(data), Addr: d.IP,
			Value: uint64(uint32(c.number)) | linux.AUDIT_ARCH_X86_64<<32})
		return trapped, nil
	case linux.SECCOMP_RET_TRACE, linux.SECCOMP_RET_USER_NOTIF: // nobody listens
		return refused, linux.ENOSYS
	case linux.SECCOMP_RET_KILL_THREAD:
		return c.die(linux.SIGSYS, false), nil
	}
	return c.die(linux.SIGSYS, true), nil
}

// die ends the thread, or the process.
func (c *call) die(sig linux.Signal, all bool) verdict {
	c.t.Die(sig, all)
	c.end(128 + int(sig))
	return trapped
}

func sysSeccomp(c *call) (int64, error) {
	return c.seccomp(uint32(c.a[0]), uint32(c.a[1]), c.a[2])
}

func (c *call) seccomp(op, flags uint32, at uint64) (int64, error) {
	switch op {
	case linux.SECCOMP_SET_MODE_STRICT:
		if flags != 0 || at != 0 {
			return 0, linux.EINVAL
		}
		return 0, c.t.SeccompStrict()
	case linux.SECCOMP_SET_MODE_FILTER:
		return c.seccompFilter(flags, at)
	case linux.SECCOMP_GET_ACTION_AVAIL:
		if flags != 0 {
			return 0, linux.EINVAL
		}
		v, err := c.mm.Uint32(at)
		if err != nil {
			return 0, err
		}
		switch v {
		case linux.SECCOMP_RET_KILL_PROCESS, linux.SECCOMP_RET_KILL_THREAD, linux.SECCOMP_RET_TRAP, linux.SECCOMP_RET_ERRNO,
			linux.SECCOMP_RET_TRACE, linux.SECCOMP_RET_LOG, linux.SECCOMP_RET_ALLOW:
			return 0, nil
		}
		return 0, linux.EOPNOTSUPP
	}
	return 0, linux.EINVAL // SECCOMP_GET_NOTIF_SIZES: nobody can listen
}

func (c *call) seccompFilter(flags uint32, at uint64) (int64, error) {
	const known = linux.SECCOMP_FILTER_FLAG_TSYNC | linux.SECCOMP_FILTER_FLAG_LOG | linux.SECCOMP_FILTER_FLAG_SPEC_ALLOW | linux.SECCOMP_FILTER_FLAG_TSYNC_ESRCH
	if flags&^known != 0 {
		return 0, linux.EINVAL
	}
	const progLen, insnLen = 16, 8 // struct sock_fprog, struct sock_filter
	head, err := c.bytes(at, progLen)
	if err != nil {
		return 0, err
	}
	n := int(le.Uint16(head))
	switch {
	case n == 0 || n > seccomp.MaxInsns:
		return 0, linux.EINVAL
	case !c.t.MayFilter():
		return 0, linux.EACCES
	}
	b, err := c.bytes(le.Uint64(head[8:]), n*insnLen)
	if err != nil {
		return 0, err
	}
	code := make([]seccomp.Insn, n)
	for i := range code {
		e := b[insnLen*i:]
		code[i] = seccomp.Insn{Code: le.Uint16(e), JT: e[2], JF: e[3], K: le.Uint32(e[4:])}
	}
	return fdResult(c.t.SeccompFilter(code, int(flags)))
}

// prctlSeccomp is prctl(PR_SET_SECCOMP).
func (c *call) prctlSeccomp() (int64, error) {
	switch c.a[1] {
	case linux.SECCOMP_MODE_STRICT:
		return c.seccomp(linux.SECCOMP_SET_MODE_STRICT, 0, 0)
	case linux.SECCOMP_MODE_FILTER:
		return c.seccomp(linux.SECCOMP_SET_MODE_FILTER, 0, c.a[2])
	}
	return 0, linux.EINVAL
}
