package vfs

// CallerLinker is a Super some of whose symbolic links read differently for each
// caller, such as /proc/self. The Walker asks it, with its Caller, before
// Readlink; ok is false for the other links.
type CallerLinker interface {
	ReadlinkFor(ino Ino, caller any) (text string, ok bool, err error)
}

// readlink reads a link as the Walker's caller sees it.
func (w *Walker) readlink(l Loc) (string, error) {
	if cl, ok := l.Mount.super.(CallerLinker); ok {
		if s, ok, err := cl.ReadlinkFor(l.Ino, w.Caller); ok {
			return s, err
		}
	}
	return l.Mount.super.Readlink(l.Ino)
}
