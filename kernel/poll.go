package kernel

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// Poll is poll(2): it fills in Revents and returns how many are not zero. A
// negative timeout waits for ever. Of the kernel's clock; EINTR when a signal is
// to be handled.
func (t *Task) Poll(fds []PollFd, timeout time.Duration) (int, error) {
	if err := t.enter(); err != nil {
		return 0, err
	}
	if uint64(len(fds)) > t.rlimit(linux.RLIMIT_NOFILE) && len(fds) > 0 {
		return 0, linux.EINVAL
	}
	files := make([]*File, len(fds))
	defer func() {
		for _, f := range files {
			if f != nil {
				f.decref(t)
			}
		}
	}()
	for i := range fds {
		if fds[i].FD >= 0 {
			files[i], _ = t.files.get(fds[i].FD)
		}
	}
	n := 0
	try := func() bool {
		n = pollOnce(fds, files)
		return n > 0
	}
	if try() || timeout == 0 {
		return n, nil
	}
	for _, f := range files {
		if f == nil {
			continue
		}
		if cancel := f.ops.watch(f, t.waker); cancel != nil {
			defer cancel()
		}
	}
	err := t.loop(timeout, try)
	if err == linux.ETIMEDOUT {
		return 0, nil
	}
	return n, err
}

// pollOnce looks at all files.
func pollOnce(fds []PollFd, files []*File) int {
	n := 0
	for i := range fds {
		p := &fds[i]
		p.Revents = 0
		switch f := files[i]; {
		case p.FD < 0:
			continue
		case f == nil || f.flags.Load()&linux.O_PATH != 0:
			p.Revents = linux.POLLNVAL
		default:
			p.Revents = uint16(f.ops.ready(f)) & (p.Events | linux.POLLERR | linux.POLLHUP)
		}
		if p.Revents != 0 {
			n++
		}
	}
	return n
}
