package vfs

import "github.com/sbxrun/sbx/abi/linux"

// Cred is who a file operation is done as, credentials(7). It must not change
// while a Walker uses it.
type Cred struct {
	UID, GID uint32 // the fs ids
	Groups   []uint32
	Caps     uint64 // bits 1<<linux.CAP_*
}

// RootCred returns root with every capability.
func RootCred() *Cred { return &Cred{Caps: linux.CAP_FULL_SET} }

// Has reports whether c has a capability, one of linux.CAP_*.
func (c *Cred) Has(capability uint) bool { return c.Caps>>capability&1 != 0 }

// InGroup reports whether gid is c's group or one of its supplementary groups.
func (c *Cred) InGroup(gid uint32) bool {
	if gid == c.GID {
		return true
	}
	for _, g := range c.Groups {
		if g == gid {
			return true
		}
	}
	return false
}

// May reports whether c may do what want asks (a set of R_OK, W_OK, X_OK) to
// an inode with this mode and owner: path_resolution(7), capabilities(7).
func (c *Cred) May(mode, uid, gid uint32, want uint32) bool {
	bits := mode
	switch {
	case c.UID == uid:
		bits >>= 6
	case mode>>3&7 != mode&7 && c.InGroup(gid):
		bits >>= 3
	}
	if want&^bits&7 == 0 {
		return true
	}
	if c.Caps == 0 {
		return false
	}
	return c.mayByCaps(mode, want)
}

func (c *Cred) mayByCaps(mode, want uint32) bool {
	dir := mode&linux.S_IFMT == linux.S_IFDIR
	if c.Has(linux.CAP_DAC_OVERRIDE) && (dir || want&linux.X_OK == 0 || mode&0o111 != 0) {
		return true
	}
	if !c.Has(linux.CAP_DAC_READ_SEARCH) {
		return false
	}
	return want == linux.R_OK || dir && want&linux.W_OK == 0
}
