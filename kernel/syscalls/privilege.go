package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// Versions of struct __user_cap_header_struct, capget(2).
const (
	capVersion1, capVersion2, capVersion3 = 0x19980330, 0x20071026, 0x20080522
)

// capHeader reads the header of capget(2) and says how many words each set has. An
// unknown version is answered with the newest one.
func (c *call) capHeader() (words int, pid int, err error) {
	b, err := c.bytes(c.a[0], 8)
	if err != nil {
		return 0, 0, err
	}
	switch le.Uint32(b) {
	case capVersion1:
		words = 1
	case capVersion2, capVersion3:
		words = 2
	default:
		if err := c.mm.PutUint32(c.a[0], capVersion3); err != nil {
			return 0, 0, err
		}
		return 0, 0, linux.EINVAL
	}
	return words, int(int32(le.Uint32(b[4:]))), nil
}

func sysCapget(c *call) (int64, error) {
	words, pid, err := c.capHeader()
	if err == linux.EINVAL && c.a[1] == 0 {
		return 0, nil // this is how the version is asked for
	}
	switch {
	case err != nil || c.a[1] == 0:
		return 0, err
	case pid < 0:
		return 0, linux.EINVAL
	}
	cred, err := c.t.CredentialsOf(pid)
	if err != nil {
		return 0, err
	}
	var b []byte
	for i := range words {
		for _, set := range [...]uint64{cred.Effective, cred.Permitted, cred.Inheritable} {
			b = le.AppendUint32(b, uint32(set>>(32*i)))
		}
	}
	return 0, c.mm.Write(c.a[1], b)
}

func sysCapset(c *call) (int64, error) {
	words, pid, err := c.capHeader()
	if err != nil {
		return 0, err
	}
	if pid != 0 && pid != c.t.Gettid() {
		return 0, linux.EPERM
	}
	b, err := c.bytes(c.a[1], 12*words)
	if err != nil {
		return 0, err
	}
	var sets [3]uint64
	for i := range words {
		for j := range sets {
			sets[j] |= uint64(le.Uint32(b[12*i+4*j:])) << (32 * i)
		}
	}
	return 0, c.t.Capset(sets[0], sets[1], sets[2])
}

func sysSetfsuid(c *call) (int64, error) { return int64(c.t.Setfsuid(uint32(c.a[0]))), nil }
func sysSetfsgid(c *call) (int64, error) { return int64(c.t.Setfsgid(uint32(c.a[0]))), nil }

// sysUnshare gives a thread descriptors and directories of its own. Namespaces are
// what a container may not make.
func sysUnshare(c *call) (int64, error) {
	const known = cloneFS | cloneFiles | cloneSysvsem | cloneVM | cloneSighand | cloneThread
	switch f := c.a[0]; {
	case f&cloneNamespaces != 0:
		return 0, linux.EPERM
	case f&^known != 0:
		return 0, linux.EINVAL
	case f&(cloneVM|cloneSighand|cloneThread) != 0 && c.mm.Shared():
		return 0, linux.EINVAL
	default:
		c.t.Unshare(f&cloneFiles != 0, f&cloneFS != 0)
		if f&cloneSysvsem != 0 {
			c.t.UnshareSem()
		}
	}
	return 0, nil
}

// sysPersonality knows only that of Linux, which it also tells; others are refused,
// as Docker's filter refuses them.
func sysPersonality(c *call) (int64, error) {
	const query, own = 0xffffffff, 0
	if v := uint32(c.a[0]); v != query && v != own {
		return 0, linux.EPERM
	}
	return own, nil
}

// denied answers what a container's root may not do.
func denied(*call) (int64, error) { return 0, linux.EPERM }

// absent answers for what this kernel is built without.
func absent(*call) (int64, error) { return 0, linux.ENOSYS }

// sysRestart finds nothing to go on with.
func sysRestart(*call) (int64, error) { return 0, linux.EINTR }

// sysProcessMrelease lets go of the memory of a process that is dying, which it does.
func sysProcessMrelease(c *call) (int64, error) {
	if c.a[1] != 0 {
		return 0, linux.EINVAL
	}
	dying, err := c.t.PidfdDying(c.fd(0))
	if err == nil && !dying {
		err = linux.EINVAL
	}
	return 0, err
}

// sysNameToHandleAt finds the file, and that its filesystem has no handles.
func sysNameToHandleAt(c *call) (int64, error) {
	const fid = 0x200
	flags := c.int(4)
	if flags&^(linux.AT_SYMLINK_FOLLOW|linux.AT_EMPTY_PATH|fid) != 0 {
		return 0, linux.EINVAL
	}
	path, err := c.path(1)
	if err != nil {
		return 0, err
	}
	how := flags & linux.AT_EMPTY_PATH
	if flags&linux.AT_SYMLINK_FOLLOW == 0 {
		how |= linux.AT_SYMLINK_NOFOLLOW
	}
	var a vfs.Attr
	if err := c.t.Stat(c.fd(0), path, how, &a); err != nil {
		return 0, err
	}
	return 0, linux.EOPNOTSUPP
}
