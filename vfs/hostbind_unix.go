//go:build linux || darwin

package vfs

// hostOwner maps an owner of the host for a guest: with root's rights on the host all are as they are, else the user who
// runs sbx is root inside and everybody else is nobody.
func hostOwner(id uint32, self int) uint32 {
	switch {
	case self == 0:
		return id
	case int(id) == self:
		return 0
	}
	return 65534
}
