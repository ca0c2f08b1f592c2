package wasi

import (
	"crypto/rand"
	"encoding/binary"
	"runtime"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

func argsGet(p *proc, a []uint64) error         { return p.putStrings(p.argv, uint32(a[0]), uint32(a[1])) }
func environGet(p *proc, a []uint64) error      { return p.putStrings(p.env, uint32(a[0]), uint32(a[1])) }
func argsSizesGet(p *proc, a []uint64) error    { return p.putSizes(p.argv, uint32(a[0]), uint32(a[1])) }
func environSizesGet(p *proc, a []uint64) error { return p.putSizes(p.env, uint32(a[0]), uint32(a[1])) }

func stringsSize(list []string) (n int) {
	for _, s := range list {
		n += len(s) + 1
	}
	return n
}

// putSizes writes how many strings there are and how many bytes they need.
func (p *proc) putSizes(list []string, count, size uint32) error {
	if err := p.putU32(count, uint32(len(list))); err != nil {
		return err
	}
	return p.putU32(size, uint32(stringsSize(list)))
}

// putStrings writes the strings to buf and pointers to them to ptrs.
func (p *proc) putStrings(list []string, ptrs, buf uint32) error {
	heads, err := p.array(ptrs, uint32(len(list)), 4)
	if err != nil {
		return err
	}
	out, err := p.bytes(buf, uint32(stringsSize(list)))
	if err != nil {
		return err
	}
	at := 0
	for i, s := range list {
		binary.LittleEndian.PutUint32(heads[4*i:], buf+uint32(at))
		at += copy(out[at:], s)
		out[at] = 0
		at++
	}
	return nil
}

// Clocks of preview 1.
const (
	clockRealtime = iota
	clockMonotonic
	clockProcess
	clockThread
)

func clockResGet(p *proc, a []uint64) error {
	if uint32(a[0]) > clockThread {
		return linux.EINVAL
	}
	return p.putU64(uint32(a[1]), 1)
}

func clockTimeGet(p *proc, a []uint64) error {
	now, err := p.now(uint32(a[0]))
	if err != nil {
		return err
	}
	return p.putU64(uint32(a[2]), uint64(now))
}

// now is the time of a clock in nanoseconds.
func (p *proc) now(clock uint32) (int64, error) {
	switch clock {
	case clockRealtime:
		return p.t.Clock().Now().UnixNano(), nil
	case clockMonotonic:
		return int64(p.t.Clock().Monotonic()), nil
	case clockProcess, clockThread:
		times := p.t.Times()
		return int64(times.User + times.System), nil
	}
	return 0, linux.EINVAL
}

func procExit(p *proc, a []uint64) error {
	p.exit(int(a[0] & 0xff))
	return nil
}

// procRaise sends a signal to the process itself. Preview 1 numbers signals as
// Linux does, without SIGSTKFLT.
func procRaise(p *proc, a []uint64) error {
	sig := uint32(a[0])
	if sig >= 16 {
		sig++
	}
	if sig > uint32(linux.SIGSYS) {
		return linux.EINVAL
	}
	if sig == 0 {
		return nil
	}
	return p.t.Kill(p.t.Getpid(), linux.Signal(sig))
}

func randomGet(p *proc, a []uint64) error {
	b, err := p.bytes(uint32(a[0]), uint32(a[1]))
	if err != nil {
		return err
	}
	for len(b) > 0 && p.t.Context().Err() == nil {
		n := min(len(b), 1<<20)
		if _, err := rand.Read(b[:n]); err != nil {
			return linux.EIO
		}
		b = b[n:]
	}
	return nil
}

func schedYield(*proc, []uint64) error {
	runtime.Gosched()
	return nil
}

// until is how long it is from now to an absolute time of a clock, at least 0.
func (p *proc) until(clock uint32, when uint64) (time.Duration, error) {
	now, err := p.now(clock)
	if err != nil {
		return 0, err
	}
	if when <= uint64(max(now, 0)) {
		return 0, nil
	}
	return saturate(when - uint64(max(now, 0))), nil
}

// saturate makes nanoseconds a duration that fits.
func saturate(ns uint64) time.Duration {
	return time.Duration(min(ns, 1<<63-1))
}
