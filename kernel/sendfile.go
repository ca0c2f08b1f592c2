package kernel

import (
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// Sendfile is sendfile(2): a nil Load of in is the file's own offset.
func (t *Task) Sendfile(out int, in *SpliceEnd, n uint64) (int, error) {
	if err := in.open(t); err != nil {
		return 0, err
	}
	defer in.close(t)
	switch {
	case !in.f.readable():
		return 0, linux.EBADF
	case in.Load != nil && !in.seekable():
		return 0, linux.ESPIPE
	}
	if err := in.offset(); err != nil {
		return 0, err
	}
	if in.Off < 0 {
		return 0, linux.EINVAL
	}
	to := SpliceEnd{FD: out}
	if err := to.open(t); err != nil {
		return 0, err
	}
	defer to.close(t)
	if !to.f.writable() {
		return 0, linux.EBADF
	}
	size := int(min(n, maxRW))
	if p := to.f.conduit(); p != nil {
		if !in.f.splices(true) {
			return 0, linux.EINVAL
		}
		return t.fileToPipe(in, p, size, to.f.nonblock())
	}
	// What cannot be given back is not taken.
	if to.f.Flags()&linux.O_APPEND != 0 || !in.seekable() || !in.f.splices(true) || !to.f.splices(false) {
		return 0, linux.EINVAL
	}
	if err := to.offset(); err != nil {
		return 0, err
	}
	if o, ok := to.f.ops.(*sock); ok && o.s.Wired() {
		return t.fileToHost(in, &to, o, size)
	}
	return t.copyRange(in, &to, size)
}

// copyPieces is the memory of copies: a server calls sendfile(2) for every page.
var copyPieces = sync.Pool{New: func() any { return new([spliceChunk]byte) }}

// copyRange copies until the end of one file, or a short write to the other.
func (t *Task) copyRange(in, out *SpliceEnd, n int) (done int, err error) {
	b := copyPieces.Get().(*[spliceChunk]byte)
	defer copyPieces.Put(b)
	for done < n {
		got, err := in.read(t, b[:min(n-done, len(b))])
		if err != nil || got <= 0 {
			return done, unlessDone(done, err)
		}
		put, err := out.write(t, b[:got])
		put = max(put, 0)
		in.Off -= int64(got - put)
		if done += put; err != nil || put < got {
			return done, unlessDone(done, err)
		}
	}
	return done, nil
}

// CopyFileRange is copy_file_range(2), also between filesystems.
func (t *Task) CopyFileRange(in, out *SpliceEnd, n uint64, flags int) (int, error) {
	if err := in.open(t); err != nil {
		return 0, err
	}
	defer in.close(t)
	if err := out.open(t); err != nil {
		return 0, err
	}
	defer out.close(t)
	if err := in.offset(); err != nil {
		return 0, err
	}
	if err := out.offset(); err != nil {
		return 0, err
	}
	if flags != 0 {
		return 0, linux.EINVAL
	}
	n, err := t.checkRange(in, out, n)
	if err != nil || n == 0 {
		return 0, err
	}
	return t.copyRange(in, out, int(min(n, maxRW)))
}

// checkRange says how much of a range can be copied.
func (t *Task) checkRange(in, out *SpliceEnd, n uint64) (uint64, error) {
	var a, b vfs.Attr
	if err := in.f.Attr(&a); err != nil {
		return 0, err
	}
	if err := out.f.Attr(&b); err != nil {
		return 0, err
	}
	_, ok := in.f.ops.(*regular)
	_, ok2 := out.f.ops.(*regular)
	switch {
	case linux.S_ISDIR(a.Mode) || linux.S_ISDIR(b.Mode):
		return 0, linux.EISDIR
	case !ok || !ok2:
		return 0, linux.EINVAL
	case !in.f.readable() || !out.f.writable() || out.f.Flags()&linux.O_APPEND != 0:
		return 0, linux.EBADF
	case uint64(in.Off)+n < n || uint64(out.Off)+n < n:
		return 0, linux.EOVERFLOW
	}
	n = min(n, uint64(max(a.Size-in.Off, 0)))
	if in.Off >= 0 && out.Off >= 0 {
		if n > 0 && uint64(out.Off) >= t.rlimit(linux.RLIMIT_FSIZE) {
			t.raise(linux.SIGXFSZ)
			return 0, linux.EFBIG
		}
		if in.f.loc.LockKey() == out.f.loc.LockKey() && uint64(out.Off)+n > uint64(in.Off) && uint64(out.Off) < uint64(in.Off)+n {
			return 0, linux.EINVAL
		}
	}
	if in.Off < 0 || out.Off < 0 {
		return 0, linux.EINVAL
	}
	return n, nil
}
