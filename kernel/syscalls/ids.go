package syscalls

import "github.com/sbxrun/sbx/abi/linux"

func sysGetuid(c *call) (int64, error)  { return int64(c.t.Credentials().UID), nil }
func sysGeteuid(c *call) (int64, error) { return int64(c.t.Credentials().EUID), nil }
func sysGetgid(c *call) (int64, error)  { return int64(c.t.Credentials().GID), nil }
func sysGetegid(c *call) (int64, error) { return int64(c.t.Credentials().EGID), nil }
func sysSetuid(c *call) (int64, error)  { return 0, c.t.Setuid(uint32(c.a[0])) }
func sysSetgid(c *call) (int64, error)  { return 0, c.t.Setgid(uint32(c.a[0])) }

func sysSetreuid(c *call) (int64, error) { return 0, c.t.Setreuid(uint32(c.a[0]), uint32(c.a[1])) }
func sysSetregid(c *call) (int64, error) { return 0, c.t.Setregid(uint32(c.a[0]), uint32(c.a[1])) }

func sysSetresuid(c *call) (int64, error) {
	return 0, c.t.Setresuid(uint32(c.a[0]), uint32(c.a[1]), uint32(c.a[2]))
}

func sysSetresgid(c *call) (int64, error) {
	return 0, c.t.Setresgid(uint32(c.a[0]), uint32(c.a[1]), uint32(c.a[2]))
}

func (c *call) putThree(v [3]uint32) (int64, error) {
	for i := range v {
		if err := c.mm.PutUint32(c.a[i], v[i]); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

func sysGetresuid(c *call) (int64, error) {
	cr := c.t.Credentials()
	return c.putThree([3]uint32{cr.UID, cr.EUID, cr.SUID})
}

func sysGetresgid(c *call) (int64, error) {
	cr := c.t.Credentials()
	return c.putThree([3]uint32{cr.GID, cr.EGID, cr.SGID})
}

func sysGetgroups(c *call) (int64, error) {
	g := c.t.Credentials().Groups
	n := c.int(0)
	if n < 0 || n > 0 && n < len(g) {
		return 0, linux.EINVAL
	}
	if n == 0 {
		return int64(len(g)), nil
	}
	var b []byte
	for _, id := range g {
		b = le.AppendUint32(b, id)
	}
	return int64(len(g)), c.mm.Write(c.a[1], b)
}

func sysSetgroups(c *call) (int64, error) {
	const ngroupsMax = 65536
	n := c.int(0)
	if n < 0 || n > ngroupsMax {
		return 0, linux.EINVAL
	}
	b, err := c.bytes(c.a[1], 4*n)
	if err != nil {
		return 0, err
	}
	g := make([]uint32, n)
	for i := range g {
		g[i] = le.Uint32(b[4*i:])
	}
	return 0, c.t.Setgroups(g)
}
