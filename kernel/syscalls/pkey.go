package syscalls

import "github.com/sbxrun/sbx/abi/linux"

// The calls of pkeys(7), as on a processor that has no protection keys.

func sysPkeyAlloc(c *call) (int64, error) {
	const rights = 3
	if c.a[0] != 0 || c.a[1]&^rights != 0 {
		return 0, linux.EINVAL
	}
	return 0, linux.ENOSPC
}

func sysPkeyFree(*call) (int64, error) { return 0, linux.EINVAL }

// sysPkeyMprotect is mprotect(2) without a key, and with the one that all pages have.
func sysPkeyMprotect(c *call) (int64, error) {
	if key := c.int(3); key != -1 && key != 0 {
		return 0, linux.EINVAL
	}
	return sysMprotect(c)
}
