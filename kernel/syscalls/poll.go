package syscalls

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

const forever = time.Duration(-1)

// poll reads struct pollfd, waits, and writes the answers.
func (c *call) poll(addr, n uint64, timeout time.Duration, mask *linux.SigSet) (int64, error) {
	l, err := c.t.Getrlimit(linux.RLIMIT_NOFILE)
	if err != nil {
		return 0, err
	}
	if n > l.Cur || n > 1<<20 {
		return 0, linux.EINVAL
	}
	b, err := c.bytes(addr, int(n)*8)
	if err != nil {
		return 0, err
	}
	fds := make([]kernel.PollFd, n)
	for i := range fds {
		fds[i] = kernel.PollFd{FD: int(int32(le.Uint32(b[8*i:]))), Events: le.Uint16(b[8*i+4:])}
	}
	ready, err := c.pollFds(fds, timeout, mask)
	if err != nil {
		return 0, err
	}
	for i := range fds {
		le.PutUint16(b[8*i+6:], fds[i].Revents)
	}
	return int64(ready), c.mm.Write(addr, b)
}

func (c *call) pollFds(fds []kernel.PollFd, timeout time.Duration, mask *linux.SigSet) (n int, err error) {
	if mask == nil {
		return c.t.Poll(fds, timeout)
	}
	err = c.t.WithSigmask(mask, func() error {
		n, err = c.t.Poll(fds, timeout)
		return err
	})
	return n, err
}

func sysPoll(c *call) (int64, error) {
	return c.poll(c.a[0], c.a[1], c.milliseconds(2), nil)
}

// looseTimeout is timeout for calls that take any numbers; a negative one is none.
func (c *call) looseTimeout(addr uint64) (time.Duration, error) {
	if addr == 0 {
		return forever, nil
	}
	b, err := c.bytes(addr, 16)
	if err != nil {
		return 0, err
	}
	const most = 1 << 33 // seconds, of what a Duration holds
	sec, nsec := int64(le.Uint64(b)), int64(le.Uint64(b[8:]))
	if sec < 0 || nsec < 0 {
		return forever, nil
	}
	return time.Duration(min(sec, most/2))*time.Second + time.Duration(min(nsec, most/2)), nil
}

// timeout reads a timespec that may be absent.
func (c *call) timeout(addr uint64) (time.Duration, error) {
	if addr == 0 {
		return forever, nil
	}
	return c.duration(addr)
}

func sysPpoll(c *call) (int64, error) {
	timeout, err := c.timeout(c.a[2])
	if err != nil {
		return 0, err
	}
	mask, err := c.mask(c.a[3], c.a[4])
	if err != nil {
		return 0, err
	}
	return c.poll(c.a[0], c.a[1], timeout, mask)
}

// What select's three sets ask of poll, and count as an answer.
var selectBits = [3]struct{ ask, answer uint16 }{
	{linux.POLLIN | linux.POLLRDNORM | linux.POLLRDBAND, linux.POLLIN | linux.POLLRDNORM | linux.POLLRDBAND | linux.POLLHUP | linux.POLLERR},
	{linux.POLLOUT | linux.POLLWRNORM | linux.POLLWRBAND, linux.POLLOUT | linux.POLLWRNORM | linux.POLLWRBAND | linux.POLLERR},
	{linux.POLLPRI, linux.POLLPRI},
}

// selectFds is select(2) over the sets at c.a[1] to c.a[3].
func (c *call) selectFds(timeout time.Duration, mask *linux.SigSet) (int64, error) {
	n := c.int(0)
	if n < 0 {
		return 0, linux.EINVAL
	}
	l, err := c.t.Getrlimit(linux.RLIMIT_NOFILE)
	if err != nil {
		return 0, err
	}
	n = int(min(uint64(n), l.Cur, 1<<20))
	size := (n + 63) / 64 * 8
	var sets [3][]byte
	for i := range sets {
		if c.a[1+i] == 0 {
			continue
		}
		if sets[i], err = c.bytes(c.a[1+i], size); err != nil {
			return 0, err
		}
	}
	var fds []kernel.PollFd
	for fd := range n {
		events := uint16(0)
		for i, s := range sets {
			if s != nil && s[fd/8]>>(fd%8)&1 != 0 {
				events |= selectBits[i].ask
			}
		}
		if events == 0 {
			continue
		}
		if _, err := c.t.FdFlags(fd); err != nil {
			return 0, linux.EBADF
		}
		fds = append(fds, kernel.PollFd{FD: fd, Events: events})
	}
	if _, err := c.pollFds(fds, timeout, mask); err != nil {
		return 0, err
	}
	count := int64(0)
	for i, s := range sets {
		if s == nil {
			continue
		}
		out := make([]byte, size)
		for _, f := range fds {
			if f.Revents&selectBits[i].answer != 0 && s[f.FD/8]>>(f.FD%8)&1 != 0 {
				out[f.FD/8] |= 1 << (f.FD % 8)
				count++
			}
		}
		if err := c.mm.Write(c.a[1+i], out); err != nil {
			return 0, err
		}
	}
	return count, nil
}

func sysPselect6(c *call) (int64, error) {
	timeout, err := c.timeout(c.a[4])
	if err != nil {
		return 0, err
	}
	var mask *linux.SigSet
	if c.a[5] != 0 {
		b, err := c.bytes(c.a[5], 16)
		if err != nil {
			return 0, err
		}
		if mask, err = c.mask(le.Uint64(b), le.Uint64(b[8:])); err != nil {
			return 0, err
		}
	}
	return c.selectFds(timeout, mask)
}
