package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
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
		o.Kind, o.ID = kernel.F_OWNER_PID, int(int32(arg))
		if o.ID < 0 {
			o.Kind, o.ID = kernel.F_OWNER_PGRP, -o.ID
		}
	case fSetsig:
		o.Signo = linux.Signal(int32(arg))
	case fSetownEx:
		b, err := c.bytes(arg, 8)
		if err != nil {
			return 0, err, true
		}
		o.Kind, o.ID = int(int32(le.Uint32(b))), int(int32(le.Uint32(b[4:])))
	}
	return 0, c.t.SetFileOwner(fd, o), true
}
