package pseudofs

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// Apply makes a change to the attributes of an inode that keeps mode, owner and times;
// a size has no effect.
func Apply(a *vfs.Attr, s *vfs.SetAttr, now vfs.Timespec) {
	has := func(bit uint32) bool { return s.Valid&bit != 0 }
	if has(vfs.SetMode) {
		a.Mode = a.Mode&linux.S_IFMT | s.Mode&0o7777
	}
	if has(vfs.SetUID) {
		a.UID = s.UID
	}
	if has(vfs.SetGID) {
		a.GID = s.GID
	}
	if has(vfs.SetAtime) {
		a.Atime = s.Atime
	}
	if has(vfs.SetMtime) {
		a.Mtime = s.Mtime
	}
	a.Ctime = now
	if has(vfs.SetCtime) {
		a.Ctime = s.Ctime
	}
}
