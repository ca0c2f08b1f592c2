package syscalls

import (
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu/memory"
)

// Commands of membarrier(2). Those for code that other threads change, and for
// restartable sequences, are not offered.
const (
	barrierQuery, barrierGlobal, barrierGlobalExpedited = 0, 1, 2
	barrierRegisterGlobal, barrierPrivate               = 4, 8
	barrierRegisterPrivate                              = 16
)

// haveBarriers says whether the host can make threads pass a barrier.
var haveBarriers = sync.OnceValue(memory.Barrier)

func sysMembarrier(c *call) (int64, error) {
	cmd, flags := c.int(0), uint32(c.a[1])
	if flags != 0 {
		return 0, linux.EINVAL
	}
	if !haveBarriers() {
		return 0, linux.ENOSYS
	}
	switch cmd {
	case barrierQuery:
		return barrierGlobal | barrierGlobalExpedited | barrierRegisterGlobal | barrierPrivate | barrierRegisterPrivate, nil
	case barrierRegisterGlobal, barrierRegisterPrivate:
		c.common.barriers.Or(uint32(cmd))
		return 0, nil
	case barrierPrivate:
		if c.common.barriers.Load()&barrierRegisterPrivate == 0 {
			return 0, linux.EPERM
		}
	case barrierGlobal, barrierGlobalExpedited:
		// All guests are threads of one process of the host's.
	default:
		return 0, linux.EINVAL
	}
	if !memory.Barrier() {
		return 0, linux.EINVAL
	}
	return 0, nil
}
