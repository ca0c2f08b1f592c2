package syscalls

import (
	"github.com/sbxrun/sbx/kernel"
)

// Commands of fcntl(2) about the owner of a file.
const (
	fSetown, fGetown, fSetsig, fGetsig, fSetownEx, fGetownEx = 8, 9, 10, 11, 15, 16
)

// fileOwner carries out the commands about SIGIO; ok is false for others.
func (c *call) fileOwner(fd, cmd int, arg uint64) (v int64, err error, ok bool) {
	switch cmd {
	case fSetown, fGetown, fSetsig, fGetsig, fSetownEx, fGetownEx:
	default:
		return 0, nil, false
	}
	o, err := c.t.FileOwner(fd)
	if err != nil {
		return 0, err, true
	}
	switch cmd {
	case fGetown:
		if o.Kind == kernel.F_OWNER_PGRP {
			return int64(-o.ID), nil, true
		}
		return int64(o.ID), nil, true
	case fGetsig:
		return int64(o.Signo), nil, true
	case fGetownEx:
		return 0, c.putPair(arg, o.Kind, o.ID), true
	case fSetown:
		id := int(int32(arg))
		if id < 0 {
			return 0, c.t.SetFileOwner(fd, kernel.F_OWNER_PGRP, -id), true
		}
		return 0, c.t.SetFileOwner(fd, kernel.F_OWNER_PID, id), true
	case fSetsig:
		return 0, c.t.SetFileSignal(fd, int(int32(arg))), true
	}
	b, err := c.bytes(arg, 8) // F_SETOWN_EX
	if err != nil {
		return 0, err, true
	}
	return 0, c.t.SetFileOwner(fd, int(int32(le.Uint32(b))), int(int32(le.Uint32(b[4:])))), true
}
