package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// Modes and flags of set_mempolicy(2), mbind(2) and get_mempolicy(2).
const (
	mpolDefault, mpolPreferred, mpolBind, mpolInterleave = 0, 1, 2, 3
	mpolLocal, mpolPreferredMany                         = 4, 5
	mpolBalancing, mpolRelative, mpolStatic              = 1 << 13, 1 << 14, 1 << 15
	mpolModeFlags                                        = mpolBalancing | mpolRelative | mpolStatic

	mpolFNode, mpolFAddr, mpolFAllowed = 1, 2, 4
	mpolMFStrict, mpolMFMove, mpolMAll = 1, 2, 4

	// nodes is the set of all nodes: the first.
	nodes      = 1
	pageBytes  = 4096
	nodesBytes = 128 // of a set, that Linux looks at
)

// nodemask reads a set of nodes, of which n-1 bits count. EINVAL when one is in it that
// no machine has.
func (c *call) nodemask(addr, n uint64) (set uint64, err error) {
	n--
	if n == 0 || n == ^uint64(0) || addr == 0 {
		return 0, nil
	}
	if n > pageBytes*8 {
		return 0, linux.EINVAL
	}
	b, err := c.bytes(addr, int((n+63)/64*8))
	if err != nil {
		return 0, err
	}
	if rest := n % 64; rest != 0 {
		last := b[len(b)-8:]
		le.PutUint64(last, le.Uint64(last)&(1<<rest-1))
	}
	for i := nodesBytes; i < len(b); i++ {
		if b[i] != 0 {
			return 0, linux.EINVAL
		}
	}
	for i := 8; i < min(len(b), nodesBytes); i++ {
		if b[i] != 0 {
			set |= 1 << 63 // some node that this machine does not have
		}
	}
	return set | le.Uint64(b), nil
}

// mempolicy checks a mode with its nodes.
func mempolicy(mode int, set uint64) (kernel.Mempolicy, error) {
	flags := mode & mpolModeFlags
	p := kernel.Mempolicy{Mode: mode &^ mpolModeFlags, Flags: flags, Nodes: set & nodes}
	switch {
	case p.Mode < 0 || p.Mode > mpolPreferredMany, flags&(mpolStatic|mpolRelative) == mpolStatic|mpolRelative,
		flags&mpolBalancing != 0 && p.Mode != mpolBind && p.Mode != mpolPreferredMany:
		return p, linux.EINVAL
	case p.Mode == mpolDefault:
		if set != 0 {
			return p, linux.EINVAL
		}
		return kernel.Mempolicy{}, nil
	case p.Mode == mpolPreferred && set == 0:
		if flags&(mpolStatic|mpolRelative) != 0 {
			return p, linux.EINVAL
		}
		p.Mode = mpolLocal
		return p, nil
	case p.Mode == mpolLocal:
		if set != 0 || flags&(mpolStatic|mpolRelative) != 0 {
			return p, linux.EINVAL
		}
		return p, nil
	case set == 0:
		return p, linux.EINVAL
	case p.Nodes == 0 && flags&mpolRelative == 0:
		return p, linux.EINVAL
	case flags&(mpolStatic|mpolRelative) != 0:
		p.Nodes = set // what was asked for is told
	}
	return p, nil
}

func sysSetMempolicy(c *call) (int64, error) {
	if m := c.int(0); m&^mpolModeFlags < 0 || m&^mpolModeFlags > mpolPreferredMany {
		return 0, linux.EINVAL
	}
	set, err := c.nodemask(c.a[1], c.a[2])
	if err != nil {
		return 0, err
	}
	p, err := mempolicy(c.int(0), set)
	if err == nil {
		c.t.SetMempolicy(p)
	}
	return 0, err
}

// sysGetMempolicy tells the thread's policy: that of a range is the default.
func sysGetMempolicy(c *call) (int64, error) {
	flags, addr := uint32(c.a[4]), c.a[3]
	if flags&^(mpolFNode|mpolFAddr|mpolFAllowed) != 0 || c.a[1] != 0 && c.a[2] < 1 {
		return 0, linux.EINVAL
	}
	p := c.t.Mempolicy()
	set, mode := p.Nodes, p.Mode|p.Flags
	switch {
	case flags&mpolFAllowed != 0:
		if flags != mpolFAllowed {
			return 0, linux.EINVAL
		}
		set, mode = nodes, mpolDefault
	case flags&mpolFAddr != 0:
		if !c.mm.Mapped(addr) {
			return 0, linux.EFAULT
		}
		if flags&mpolFNode != 0 {
			mode = 0 // the node of the page
		}
	case addr != 0:
		return 0, linux.EINVAL
	case flags&mpolFNode != 0:
		if p.Mode != mpolInterleave {
			return 0, linux.EINVAL
		}
		mode = 0 // the next node
	}
	if c.a[0] != 0 {
		if err := c.mm.PutUint32(c.a[0], uint32(mode)); err != nil {
			return 0, err
		}
	}
	if c.a[1] == 0 {
		return 0, nil
	}
	n := (c.a[2] - 1 + 63) / 64 * 8
	if n > pageBytes {
		return 0, linux.EINVAL
	}
	b := make([]byte, max(n, 8))
	le.PutUint64(b, set)
	return 0, c.mm.Write(c.a[1], b[:n])
}

// sysMbind checks what mbind(2) checks. There is one node to bind memory to.
func sysMbind(c *call) (int64, error) {
	start, mode, flags := c.a[0], c.int(2), uint32(c.a[5])
	if m := mode &^ mpolModeFlags; m < 0 || m > mpolPreferredMany {
		return 0, linux.EINVAL
	}
	set, err := c.nodemask(c.a[3], c.a[4])
	if err != nil {
		return 0, err
	}
	switch {
	case flags&^(mpolMFStrict|mpolMFMove|mpolMAll) != 0:
		return 0, linux.EINVAL
	case flags&mpolMAll != 0 && !c.nicer():
		return 0, linux.EPERM
	case start%pageBytes != 0:
		return 0, linux.EINVAL
	}
	n := (c.a[1] + pageBytes - 1) &^ (pageBytes - 1)
	if start+n < start {
		return 0, linux.EINVAL
	}
	if n == 0 {
		return 0, nil
	}
	if _, err := mempolicy(mode, set); err != nil {
		return 0, err
	}
	if !c.mm.Covered(start, n) {
		return 0, linux.EFAULT
	}
	return 0, nil
}

func (c *call) nicer() bool {
	cred := c.t.Credentials()
	return cred.Has(linux.CAP_SYS_NICE)
}

// sysMigratePages finds all pages where they may be.
func sysMigratePages(c *call) (int64, error) {
	if _, err := c.nodemask(c.a[2], c.a[1]); err != nil {
		return 0, err
	}
	set, err := c.nodemask(c.a[3], c.a[1])
	if err != nil {
		return 0, err
	}
	if _, err := c.target(c.int(0), false); err != nil {
		return 0, err
	}
	switch {
	case set&^nodes != 0 && !c.nicer():
		return 0, linux.EPERM
	case set&nodes == 0:
		return 0, linux.EINVAL
	}
	return 0, nil
}

// sysMovePages tells where pages are: on the only node.
func sysMovePages(c *call) (int64, error) {
	const move, moveAll, most = 2, 4, 1 << 24
	flags, n := c.int(5), c.a[1]
	switch {
	case flags&^(move|moveAll) != 0:
		return 0, linux.EINVAL
	case flags&moveAll != 0 && !c.nicer():
		return 0, linux.EPERM
	}
	u, err := c.target(c.int(0), false)
	if err != nil {
		return 0, err
	}
	if n > most {
		return 0, linux.E2BIG
	}
	space, done, err := u.space()
	if err != nil {
		return 0, err
	}
	defer done()
	for i := range n {
		if c.t.Context().Err() != nil {
			return 0, linux.EINTR
		}
		at, err := c.mm.Uint64(c.a[2] + 8*i)
		if err != nil {
			return 0, err
		}
		if c.a[3] != 0 {
			node, err := c.mm.Uint32(c.a[3] + 4*i)
			if err != nil {
				return 0, err
			}
			if node != 0 {
				return 0, linux.ENODEV
			}
		}
		status := int32(0)
		if !space.Mapped(at) {
			status = -int32(linux.EFAULT)
		}
		if err := c.mm.PutUint32(c.a[4]+4*i, uint32(status)); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// sysSetHomeNode finds no range with a policy.
func sysSetHomeNode(c *call) (int64, error) {
	start := c.a[0]
	n := (c.a[1] + pageBytes - 1) &^ (pageBytes - 1)
	switch {
	case start%pageBytes != 0, c.a[3] != 0, c.a[2] != 0, start+n < start:
		return 0, linux.EINVAL
	case n == 0:
		return 0, nil
	}
	return 0, linux.ENOENT
}
