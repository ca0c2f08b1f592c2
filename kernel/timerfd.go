package kernel

import (
	"encoding/binary"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// timerfd is a timer to read from, timerfd_create(2). Guarded by Kernel.mu.
type timerfd struct {
	q     Queue
	clock int
	g     guestTimer
	ticks uint64
}

// TimerfdCreate is timerfd_create(2).
func (t *Task) TimerfdCreate(clock, flags int) (int, error) {
	if flags&^(linux.TFD_NONBLOCK|linux.TFD_CLOEXEC) != 0 {
		return -1, linux.EINVAL
	}
	now, cpu, err := t.timerClock(clock)
	if err == nil && (cpu || clock == linux.CLOCK_TAI) {
		err = linux.EINVAL
	}
	if err != nil {
		return -1, err
	}
	o := &timerfd{clock: clock}
	o.g = guestTimer{k: t.k, now: now, fire: func(n uint64) {
		o.ticks += n
		o.q.wakeBits(pollIn)
	}}
	return t.anonFile(o, "anon_inode:[timerfd]", linux.O_RDWR|flags&linux.O_NONBLOCK, flags&linux.TFD_CLOEXEC != 0)
}

func (t *Task) timerfd(fd int) (*File, *timerfd, error) {
	f, err := t.file(fd)
	if err != nil {
		return nil, nil, err
	}
	o, ok := f.ops.(*timerfd)
	if !ok {
		f.decref(t)
		return nil, nil, linux.EINVAL
	}
	return f, o, nil
}

// TimerfdSettime is timerfd_settime(2); a value of 0 stops. It returns what was
// set before.
func (t *Task) TimerfdSettime(fd, flags int, value, interval time.Duration) (oldValue, oldInterval time.Duration, err error) {
	if flags&^(linux.TFD_TIMER_ABSTIME|linux.TFD_TIMER_CANCEL_ON_SET) != 0 || value < 0 || interval < 0 {
		return 0, 0, linux.EINVAL
	}
	f, o, err := t.timerfd(fd)
	if err != nil {
		return 0, 0, err
	}
	defer f.decref(t)
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	oldValue, oldInterval = o.g.leftLocked(), o.g.interval
	o.ticks = 0
	abs := flags&linux.TFD_TIMER_ABSTIME != 0
	o.g.setLocked(value > 0, t.k.endOf(o.clock, o.g.now(), value, abs), interval)
	return oldValue, oldInterval, nil
}

// TimerfdGettime is timerfd_gettime(2).
func (t *Task) TimerfdGettime(fd int) (value, interval time.Duration, err error) {
	f, o, err := t.timerfd(fd)
	if err != nil {
		return 0, 0, err
	}
	defer f.decref(t)
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	return o.g.leftLocked(), o.g.interval, nil
}

func (o *timerfd) read(t *Task, f *File, p []byte) (int, error) {
	if len(p) < 8 {
		return 0, linux.EINVAL
	}
	var n uint64
	err := t.untilReady(&o.q, f, func() bool {
		t.k.mu.Lock()
		defer t.k.mu.Unlock()
		n, o.ticks = o.ticks, 0
		return n > 0
	})
	if err != nil {
		return 0, err
	}
	binary.LittleEndian.PutUint64(p, n)
	return 8, nil
}

func (o *timerfd) write(*Task, *File, []byte) (int, error) { return 0, linux.EINVAL }

func (o *timerfd) ready(f *File) uint32 {
	f.k.mu.Lock()
	defer f.k.mu.Unlock()
	if o.ticks > 0 {
		return linux.POLLIN
	}
	return 0
}

func (o *timerfd) watch(_ *File, w *waker) func()  { return watchQueue(&o.q, w) }
func (o *timerfd) attr(f *File, a *vfs.Attr) error { return f.anonAttr(a, 0o600) }

func (o *timerfd) release(f *File) {
	f.k.mu.Lock()
	defer f.k.mu.Unlock()
	o.g.setLocked(false, 0, 0)
}
