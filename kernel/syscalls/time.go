package syscalls

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// duration reads struct timespec: EINVAL for what is none.
func (c *call) duration(addr uint64) (time.Duration, error) {
	b, err := c.bytes(addr, 16)
	if err != nil {
		return 0, err
	}
	return duration(b)
}

// duration decodes a struct timespec.
func duration(b []byte) (time.Duration, error) {
	sec, nsec := int64(le.Uint64(b)), int64(le.Uint64(b[8:]))
	if sec < 0 || nsec < 0 || nsec >= 1e9 {
		return 0, linux.EINVAL
	}
	const most = 1 << 33 // seconds, of what a Duration holds
	return time.Duration(min(sec, most))*time.Second + time.Duration(nsec), nil
}

func (c *call) putDuration(addr uint64, d time.Duration) error {
	return c.mm.Write(addr, le.AppendUint64(le.AppendUint64(nil, uint64(d/time.Second)), uint64(d%time.Second)))
}

func sysClockGettime(c *call) (int64, error) {
	d, err := c.t.ClockGettime(c.int(0))
	if err != nil {
		return 0, err
	}
	return 0, c.putDuration(c.a[1], d)
}

func sysClockGetres(c *call) (int64, error) {
	if _, err := c.t.ClockGettime(c.int(0)); err != nil || c.a[1] == 0 {
		return 0, err
	}
	res := time.Nanosecond
	if id := c.int(0); id == linux.CLOCK_REALTIME_COARSE || id == linux.CLOCK_MONOTONIC_COARSE {
		res = 4 * time.Millisecond
	}
	return 0, c.putDuration(c.a[1], res)
}

func sysGettimeofday(c *call) (int64, error) {
	d, err := c.t.ClockGettime(linux.CLOCK_REALTIME)
	if err != nil || c.a[0] == 0 {
		return 0, err
	}
	return 0, c.mm.Write(c.a[0], le.AppendUint64(le.AppendUint64(nil, uint64(d/time.Second)), uint64(d%time.Second/time.Microsecond)))
}

func sysTime(c *call) (int64, error) {
	d, err := c.t.ClockGettime(linux.CLOCK_REALTIME)
	if err != nil {
		return 0, err
	}
	if c.a[0] != 0 {
		return int64(d / time.Second), c.mm.PutUint64(c.a[0], uint64(d/time.Second))
	}
	return int64(d / time.Second), nil
}

// sleep waits and tells what was left if a signal came.
func (c *call) sleep(d time.Duration, left uint64) (int64, error) {
	rest, err := c.t.Nanosleep(d)
	if err == linux.EINTR && left != 0 {
		if err := c.putDuration(left, rest); err != nil {
			return 0, err
		}
	}
	return 0, err
}

func sysNanosleep(c *call) (int64, error) {
	d, err := c.duration(c.a[0])
	if err != nil {
		return 0, err
	}
	return c.sleep(d, c.a[1])
}

func sysClockNanosleep(c *call) (int64, error) {
	now, err := c.t.ClockGettime(c.int(0))
	if err != nil {
		return 0, err
	}
	d, err := c.duration(c.a[2])
	if err != nil {
		return 0, err
	}
	if c.int(1)&linux.TIMER_ABSTIME != 0 {
		return c.sleep(max(d-now, 0), 0)
	}
	return c.sleep(d, c.a[3])
}

func sysAlarm(c *call) (int64, error) {
	left := c.t.Alarm(time.Duration(uint32(c.a[0])) * time.Second)
	return int64((left + time.Second - 1) / time.Second), nil
}
