package syscalls

import "github.com/sbxrun/sbx/abi/linux"

// timex is adjtimex(2): it tells of a clock that nobody disciplines, and that nobody here
// may.
func (c *call) timex(at uint64) (int64, error) {
	const timexLen, timeError = 208, 5
	modes, err := c.mm.Uint32(at)
	if err != nil {
		return 0, err
	}
	if modes != 0 {
		return 0, linux.EPERM
	}
	now, err := c.t.ClockGettime(linux.CLOCK_REALTIME)
	if err != nil {
		return 0, err
	}
	b := make([]byte, timexLen)
	const unsynchronized, worst, tolerance, tick = 0x40, 16000000, 32768000, 10000
	for _, f := range [...]struct {
		at int
		v  int64
	}{{24, worst}, {32, worst}, {40, unsynchronized}, {48, 2}, {56, 1}, {64, tolerance},
		{72, int64(now / 1e9)}, {80, int64(now % 1e9 / 1e3)}, {88, tick}} {
		le.PutUint64(b[f.at:], uint64(f.v))
	}
	return timeError, c.mm.Write(at, b)
}

func sysAdjtimex(c *call) (int64, error) { return c.timex(c.a[0]) }

func sysClockAdjtime(c *call) (int64, error) {
	if c.int(0) != linux.CLOCK_REALTIME {
		if _, err := c.t.ClockGettime(c.int(0)); err != nil {
			return 0, err
		}
		return 0, linux.EOPNOTSUPP
	}
	return c.timex(c.a[1])
}
