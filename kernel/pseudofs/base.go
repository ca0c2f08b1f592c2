// Package pseudofs owns what the file systems that the kernel makes up (procfs,
// sysfs, devpts) have in common: refusing what they cannot do, and handles for
// directories and for files whose content is made when they are read.
//
// An open file's lock is held while its content is made; nothing that makes content may read the same open file.
package pseudofs

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// Base refuses every operation that changes a tree, as procfs does. A file
// system embeds it and implements the rest of [vfs.Super].
type Base struct{}

// DirRoot says that the root is a directory.
func (Base) DirRoot() {}

// Create refuses: names are made by the kernel only.
func (Base) Create(vfs.Ino, string, vfs.CreateOpts) (vfs.Ino, error) { return 0, linux.ENOENT }

// Tmpfile refuses with EOPNOTSUPP.
func (Base) Tmpfile(vfs.Ino, vfs.CreateOpts) (vfs.Ino, error) { return 0, linux.EOPNOTSUPP }

// Link refuses with EPERM.
func (Base) Link(_, _ vfs.Ino, _ string) error { return linux.EPERM }

// Unlink refuses with EPERM.
func (Base) Unlink(vfs.Ino, string) error { return linux.EPERM }

// Rmdir refuses with EPERM.
func (Base) Rmdir(vfs.Ino, string) error { return linux.EPERM }

// Rename refuses with EPERM.
func (Base) Rename(vfs.Ino, string, vfs.Ino, string, uint32) error { return linux.EPERM }

// Setattr refuses a change of owner or mode; sizes (O_TRUNC) and times are
// accepted and have no effect.
func (Base) Setattr(_ vfs.Ino, s *vfs.SetAttr) error {
	if s.Valid&(vfs.SetMode|vfs.SetUID|vfs.SetGID) != 0 {
		return linux.EPERM
	}
	return nil
}

// Getxattr answers that there are none.
func (Base) Getxattr(vfs.Ino, string) ([]byte, error) { return nil, linux.EOPNOTSUPP }

// Setxattr refuses with EOPNOTSUPP.
func (Base) Setxattr(vfs.Ino, string, []byte, int) error { return linux.EOPNOTSUPP }

// Listxattr answers an empty list.
func (Base) Listxattr(vfs.Ino) ([]string, error) { return nil, nil }

// Removexattr refuses with EOPNOTSUPP.
func (Base) Removexattr(vfs.Ino, string) error { return linux.EOPNOTSUPP }

// Ref does nothing: inodes of these file systems cannot be unlinked.
func (Base) Ref(vfs.Ino) {}

// Unref does nothing.
func (Base) Unref(vfs.Ino) {}
