package syscalls

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// putItimerspec writes struct itimerspec: the interval, then the value.
func (c *call) putItimerspec(addr uint64, value, interval time.Duration) error {
	if err := c.putDuration(addr, interval); err != nil {
		return err
	}
	return c.putDuration(addr+16, value)
}

func (c *call) itimerspec(addr uint64) (value, interval time.Duration, err error) {
	if interval, err = c.duration(addr); err != nil {
		return 0, 0, err
	}
	value, err = c.duration(addr + 16)
	return value, interval, err
}

// settime carries out timer_settime(2) or timerfd_settime(2).
func (c *call) settime(set func(id, flags int, value, interval time.Duration) (time.Duration, time.Duration, error)) (int64, error) {
	value, interval, err := c.itimerspec(c.a[2])
	if err != nil {
		return 0, err
	}
	oldValue, oldInterval, err := set(c.int(0), c.int(1), value, interval)
	if err != nil || c.a[3] == 0 {
		return 0, err
	}
	return 0, c.putItimerspec(c.a[3], oldValue, oldInterval)
}

func (c *call) gettime(get func(id int) (time.Duration, time.Duration, error)) (int64, error) {
	value, interval, err := get(c.int(0))
	if err != nil {
		return 0, err
	}
	return 0, c.putItimerspec(c.a[1], value, interval)
}

func sysTimerfdCreate(c *call) (int64, error)  { return fdResult(c.t.TimerfdCreate(c.int(0), c.int(1))) }
func sysTimerfdSettime(c *call) (int64, error) { return c.settime(c.t.TimerfdSettime) }
func sysTimerfdGettime(c *call) (int64, error) { return c.gettime(c.t.TimerfdGettime) }
func sysTimerSettime(c *call) (int64, error)   { return c.settime(c.t.TimerSettime) }
func sysTimerGettime(c *call) (int64, error)   { return c.gettime(c.t.TimerGettime) }
func sysTimerDelete(c *call) (int64, error)    { return 0, c.t.TimerDelete(c.int(0)) }

func sysTimerGetoverrun(c *call) (int64, error) { return fdResult(c.t.TimerGetoverrun(c.int(0))) }

func sysTimerCreate(c *call) (int64, error) {
	var ev *kernel.Sigevent
	if c.a[1] != 0 {
		var err error
		if ev, _, err = c.sigevent(c.a[1]); err != nil {
			return 0, err
		}
	}
	id, err := c.t.TimerCreate(c.int(0), ev)
	if err != nil {
		return 0, err
	}
	if err := c.mm.PutUint32(c.a[2], uint32(id)); err != nil {
		_ = c.t.TimerDelete(id)
		return 0, err
	}
	return 0, nil
}

// sigevent reads a struct sigevent. number is its signal's, which may be none.
func (c *call) sigevent(addr uint64) (ev *kernel.Sigevent, number int, err error) {
	const sigeventLen = 64
	b, err := c.bytes(addr, sigeventLen)
	if err != nil {
		return nil, 0, err
	}
	n := le.Uint32(b[8:])
	return &kernel.Sigevent{
		Value: le.Uint64(b), Signo: linux.Signal(min(n, 255)), // there is no signal 255 either
		Notify: int(int32(le.Uint32(b[12:]))), TID: int(int32(le.Uint32(b[16:]))),
	}, int(int32(n)), nil
}

// micros reads struct timeval.
func (c *call) micros(addr uint64) (time.Duration, error) {
	b, err := c.bytes(addr, 16)
	if err != nil {
		return 0, err
	}
	sec, usec := int64(le.Uint64(b)), int64(le.Uint64(b[8:]))
	if sec < 0 || usec < 0 || usec >= 1e6 {
		return 0, linux.EINVAL
	}
	const most = 1 << 33
	return time.Duration(min(sec, most))*time.Second + time.Duration(usec)*time.Microsecond, nil
}

// putItimerval writes struct itimerval. What is left is rounded up, as 0 is "off".
func (c *call) putItimerval(addr uint64, value, interval time.Duration) error {
	var b []byte
	for _, d := range [...]time.Duration{interval, value} {
		d = (d + time.Microsecond - 1).Truncate(time.Microsecond)
		b = le.AppendUint64(b, uint64(d/time.Second))
		b = le.AppendUint64(b, uint64(d%time.Second/time.Microsecond))
	}
	return c.mm.Write(addr, b)
}

func sysSetitimer(c *call) (int64, error) {
	var value, interval time.Duration
	var err error
	if c.a[1] != 0 {
		if interval, err = c.micros(c.a[1]); err != nil {
			return 0, err
		}
		if value, err = c.micros(c.a[1] + 16); err != nil {
			return 0, err
		}
	}
	oldValue, oldInterval, err := c.t.Setitimer(c.int(0), value, interval)
	if err != nil || c.a[2] == 0 {
		return 0, err
	}
	return 0, c.putItimerval(c.a[2], oldValue, oldInterval)
}

func sysGetitimer(c *call) (int64, error) {
	value, interval, err := c.t.Getitimer(c.int(0))
	if err != nil {
		return 0, err
	}
	return 0, c.putItimerval(c.a[1], value, interval)
}

// sysSelect waits, and writes the time that was left, as Linux does.
func sysSelect(c *call) (int64, error) {
	at := c.a[4]
	if at == 0 {
		return c.selectFds(forever, nil)
	}
	b, err := c.bytes(at, 16)
	if err != nil {
		return 0, err
	}
	// Microseconds may be more than a second here.
	sec, usec := int64(le.Uint64(b)), int64(le.Uint64(b[8:]))
	if sec < 0 || usec < 0 {
		return 0, linux.EINVAL
	}
	const most = 1 << 32
	limit := time.Duration(min(sec, most))*time.Second + time.Duration(min(usec, most))*time.Microsecond
	start, err := c.t.ClockGettime(linux.CLOCK_MONOTONIC)
	if err != nil {
		return 0, err
	}
	n, err := c.selectFds(limit, nil)
	left := max(limit-c.passed(start), 0)
	b = le.AppendUint64(le.AppendUint64(nil, uint64(left/time.Second)), uint64(left%time.Second/time.Microsecond))
	_ = c.mm.Write(at, b) // Linux too keeps the answer when this cannot be written
	return n, err
}
