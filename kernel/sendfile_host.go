package kernel

import (
	"os"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// sendStep is what the host is asked to send at a time.
const sendStep = 4 << 20

// fileToHost is copyRange to a socket that is a connection of the host's: what is in a file
// of the host's is sent from there.
func (t *Task) fileToHost(in, out *SpliceEnd, o *sock, n int) (done int, err error) {
	for done < n {
		step := min(n-done, sendStep)
		var put int
		host, at, run := in.f.onHost(in.Off, step)
		if host != nil {
			step = run
			if put, err = o.sendFile(t, out.f, host, at, run); put > 0 {
				in.Off += int64(put)
				t.proc.inBytes.Add(int64(put))
				t.k.notify(in.f, linux.IN_ACCESS)
			}
			if err == linux.EPIPE {
				t.brokenPipe(out.f)
			}
		}
		if host == nil || put == 0 && (err == linux.EINVAL || err == linux.EOPNOTSUPP) {
			step = min(run, spliceChunk)
			put, err = t.copyRange(in, out, step)
		}
		if done += put; err != nil || put < step || t.attention.Load() {
			return done, unlessDone(done, err)
		}
	}
	return done, nil
}

// onHost tells where at most n bytes of a file are on the host: a file and a place in it, or
// nil when they are not; and for how many bytes that holds.
func (f *File) onHost(off int64, n int) (host *os.File, at int64, run int) {
	r, ok := f.ops.(*regular)
	if !ok {
		return nil, 0, n
	}
	switch h := innermost(r.h).(type) {
	case vfs.HostFiler:
		return h.HostFile(), off, n
	case vfs.Mapper:
		var a vfs.Attr
		if f.Attr(&a) != nil || off >= a.Size {
			return nil, 0, n
		}
		skip := off & 4095
		c, place, have, err := h.Extent(off-skip, int64(n)+skip)
		if err != nil || have <= skip {
			return nil, 0, n
		}
		run = int(min(have-skip, int64(n)))
		if host, ok := vfs.HostFile(c); ok {
			return host, place + skip, int(min(int64(run), a.Size-off))
		}
		return nil, 0, run
	}
	return nil, 0, n
}
