package syscalls

import "github.com/sbxrun/sbx/abi/linux"

// Flags of preadv2(2): the kernel's files are in memory, so all but these are advice.
const (
	rwfHipri, rwfDsync, rwfSync, rwfNowait, rwfAppend = 1, 2, 4, 8, 16
	rwfKnown                                          = rwfHipri | rwfDsync | rwfSync | rwfNowait
)

func (c *call) preadv(off int64) (int64, error) {
	v, err := c.iovecs(c.a[1], c.a[2])
	if err != nil {
		return 0, err
	}
	total := uint64(0)
	for _, x := range v {
		total += x.len
	}
	b := make([]byte, min(total, maxVector))
	n, err := c.t.Pread(c.fd(0), b, off)
	if err != nil {
		return 0, err
	}
	return int64(n), c.scatter(v, b[:n])
}

func (c *call) pwritev(off int64) (int64, error) {
	v, err := c.iovecs(c.a[1], c.a[2])
	if err != nil {
		return 0, err
	}
	b, err := c.gather(v, maxVector)
	if err != nil {
		return 0, err
	}
	n, err := c.t.Pwrite(c.fd(0), b, off)
	return int64(n), err
}

func sysPreadv(c *call) (int64, error)  { return c.preadv(int64(c.a[3])) }
func sysPwritev(c *call) (int64, error) { return c.pwritev(int64(c.a[3])) }

func sysPreadv2(c *call) (int64, error) {
	switch {
	case c.int(5)&^rwfKnown != 0:
		return 0, linux.EOPNOTSUPP
	case int64(c.a[3]) == -1:
		return sysReadv(c)
	}
	return c.preadv(int64(c.a[3]))
}

func sysPwritev2(c *call) (int64, error) {
	switch {
	case c.int(5)&^rwfKnown != 0:
		return 0, linux.EOPNOTSUPP
	case int64(c.a[3]) == -1:
		return sysWritev(c)
	}
	return c.pwritev(int64(c.a[3]))
}
