package syscalls

import "github.com/sbxrun/sbx/abi/linux"

// Bounds of xattr(7).
const (
	xattrNameMax = 255
	xattrSizeMax = 65536
)

// where is the file that a call of xattr(7) is about.
type where struct {
	dirfd int
	path  string
	flags int
}

// byPath is the file of argument 0; flags may be AT_SYMLINK_NOFOLLOW.
func (c *call) byPath(flags int) (where, error) {
	p, err := c.path(0)
	return where{cwd, p, flags}, err
}

func (c *call) byFd() (where, error) {
	return where{c.fd(0), "", linux.AT_EMPTY_PATH}, nil
}

func (c *call) xattrName() (string, error) {
	name, err := c.mm.String(c.a[1], xattrNameMax+1)
	switch {
	case err == linux.ENAMETOOLONG || err == nil && (name == "" || len(name) > xattrNameMax):
		return "", linux.ERANGE
	}
	return name, err
}

// putSized writes a value if there is room for it; a size of 0 asks for the length.
func (c *call) putSized(v []byte, addr, room uint64) (int64, error) {
	if room == 0 {
		return int64(len(v)), nil
	}
	if uint64(len(v)) > room {
		return 0, linux.ERANGE
	}
	return int64(len(v)), c.mm.Write(addr, v)
}

func (c *call) getxattr(w where, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	name, err := c.xattrName()
	if err != nil {
		return 0, err
	}
	v, err := c.t.Getxattr(w.dirfd, w.path, w.flags, name)
	if err != nil {
		return 0, err
	}
	return c.putSized(v, c.a[2], c.a[3])
}

func (c *call) setxattr(w where, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	name, err := c.xattrName()
	if err != nil {
		return 0, err
	}
	if c.a[3] > xattrSizeMax {
		return 0, linux.E2BIG
	}
	v, err := c.bytes(c.a[2], int(c.a[3]))
	if err != nil {
		return 0, err
	}
	return 0, c.t.Setxattr(w.dirfd, w.path, w.flags, name, v, c.int(4))
}

func (c *call) listxattr(w where, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	names, err := c.t.Listxattr(w.dirfd, w.path, w.flags)
	if err != nil {
		return 0, err
	}
	var b []byte
	for _, n := range names {
		b = append(append(b, n...), 0)
	}
	return c.putSized(b, c.a[1], c.a[2])
}

func (c *call) removexattr(w where, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	name, err := c.xattrName()
	if err != nil {
		return 0, err
	}
	return 0, c.t.Removexattr(w.dirfd, w.path, w.flags, name)
}

const noFollow = linux.AT_SYMLINK_NOFOLLOW

func sysGetxattr(c *call) (int64, error)     { return c.getxattr(c.byPath(0)) }
func sysLgetxattr(c *call) (int64, error)    { return c.getxattr(c.byPath(noFollow)) }
func sysFgetxattr(c *call) (int64, error)    { return c.getxattr(c.byFd()) }
func sysSetxattr(c *call) (int64, error)     { return c.setxattr(c.byPath(0)) }
func sysLsetxattr(c *call) (int64, error)    { return c.setxattr(c.byPath(noFollow)) }
func sysFsetxattr(c *call) (int64, error)    { return c.setxattr(c.byFd()) }
func sysListxattr(c *call) (int64, error)    { return c.listxattr(c.byPath(0)) }
func sysLlistxattr(c *call) (int64, error)   { return c.listxattr(c.byPath(noFollow)) }
func sysFlistxattr(c *call) (int64, error)   { return c.listxattr(c.byFd()) }
func sysRemovexattr(c *call) (int64, error)  { return c.removexattr(c.byPath(0)) }
func sysLremovexattr(c *call) (int64, error) { return c.removexattr(c.byPath(noFollow)) }
func sysFremovexattr(c *call) (int64, error) { return c.removexattr(c.byFd()) }
