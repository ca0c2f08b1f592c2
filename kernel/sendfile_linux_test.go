package kernel

import (
	"bytes"
	"crypto/sha256"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// imageFS is a file of an image, with a hole in it.
func imageFS(t *testing.T, data []byte, hole vfs.Extent) *vfs.FS {
	const at = 8192
	path := filepath.Join(t.TempDir(), "content")
	ok(t, os.WriteFile(path, append(make([]byte, at), data...), 0o600))
	content, err := os.Open(path)
	ok(t, err)
	t.Cleanup(func() { content.Close() })
	e := vfs.LayerEntry{Path: "f", Mode: linux.S_IFREG | 0o644, Size: int64(len(data)), Offset: at, Holes: []vfs.Extent{hole}}
	var b bytes.Buffer
	ok(t, vfs.BuildIndex(&b, [][]vfs.LayerEntry{{e}}, vfs.DefaultLimits()))
	ix, err := vfs.ParseIndex(b.Bytes())
	ok(t, err)
	return vfs.New(ix, []vfs.Content{content}, vfs.Options{})
}

// TestSendfileToTheHost sends files of all kinds to a client of the host's: one of an image, with a
// hole and a changed part, one of the host's, and one in memory; from odd places, to who reads slowly.
func TestSendfileToTheHost(t *testing.T) {
	data := noise(9<<20 + 4321)
	hole := vfs.Extent{Offset: 1 << 20, Len: 128 << 10}
	clear(data[hole.Offset : hole.Offset+hole.Len])
	dir := t.TempDir()
	ok(t, os.WriteFile(filepath.Join(dir, "f"), data, 0o600))
	bind, err := vfs.HostBind(dir, false)
	ok(t, err)
	defer bind.Close()

	c, s := hostPair(t)
	w := newWorld(t)
	for at, fs := range map[string]vfs.Super{"/image": imageFS(t, data, hole), "/host": bind, "/memory": vfs.New(nil, nil, vfs.Options{})} {
		w.mkdir(at)
		loc, err := w.walker().Resolve(vfs.Loc{}, at, 0)
		ok(t, err)
		_, err = w.k.ns.Mount(loc, fs, vfs.MountOpts{Source: "s", Path: at})
		ok(t, err)
	}
	w.file("/memory/f", string(data), 0o644)
	changed := bytes.Clone(data)
	copy(changed[3<<20+5:], "changed by the guest")
	parts := [][2]int{{0, len(data)}, {1, 10}, {4095, 2}, {int(hole.Offset) - 100, int(hole.Len) + 200}, {len(data) - 5, 100}, {len(data), 10}, {3 << 20, 100}, {777_777, 5 << 20}}
	var expect bytes.Buffer
	for range 2 {
		for _, at := range []string{"/image", "/host", "/memory"} {
			for _, part := range parts {
				from := data
				if at == "/image" {
					from = changed
				}
				expect.Write(from[part[0]:min(part[0]+part[1], len(data))])
			}
		}
	}
	p := listens(w, func(g *Task, l int) {
		img, err := g.Open(linux.AT_FDCWD, "/image/f", linux.O_RDWR, 0)
		ok(t, err)
		_, err = g.Pwrite(img, []byte("changed by the guest"), 3<<20+5)
		ok(t, err)
		fd, _, err := g.Accept(l, 0)
		ok(t, err)
		for _, nonblock := range []bool{false, true} {
			if nonblock {
				ok(t, g.SetStatusFlags(fd, linux.O_NONBLOCK))
			}
			for _, at := range []string{"/image/f", "/host/f", "/memory/f"} {
				in, err := g.Open(linux.AT_FDCWD, at, linux.O_RDONLY, 0)
				ok(t, err)
				for _, part := range parts {
					sendPart(t, g, fd, in, int64(part[0]), min(part[1], len(data)-part[0]), nonblock)
				}
				ok(t, g.Close(in))
			}
		}
		in, err := g.Open(linux.AT_FDCWD, "/host/f", linux.O_RDONLY, 0)
		ok(t, err)
		ok(t, g.SetStatusFlags(fd, 0))
		g.Read(fd, make([]byte, 1)) // the client is gone
		for n := 0; n < 3; n++ {
			_, err = g.Sendfile(fd, &SpliceEnd{FD: in}, uint64(len(data)))
		}
		want[error](t, "to nobody", err, linux.EPIPE)
	})
	adopt(t, w, s)
	got := slowly(c, expect.Len())
	want(t, "bytes", len(got), expect.Len())
	want(t, "all of it", sha256.Sum256(got), sha256.Sum256(expect.Bytes()))
	c.SetLinger(0)
	c.Close()
	w.wait(p)
}

// sendPart sends a part of a file, as a program that minds counts does.
func sendPart(t *testing.T, g *Task, fd, in int, off int64, n int, nonblock bool) {
	for n > 0 {
		e := &SpliceEnd{FD: in, Load: func() (int64, error) { return off, nil }}
		k, err := g.Sendfile(fd, e, uint64(n))
		if err == linux.EAGAIN && nonblock {
			fds := []PollFd{{FD: fd, Events: linux.POLLOUT}}
			_, err = g.Poll(fds, -1)
		}
		if err != nil || k == 0 && !nonblock || k > 0 && e.Off != off+int64(k) {
			t.Errorf("sendfile at %d of %d: %d, %v, then at %d", off, n, k, err, e.Off)
			return
		}
		if !nonblock && k < n {
			t.Errorf("a blocking sendfile of %d gave %d", n, k)
		}
		off, n = off+int64(max(k, 0)), n-max(k, 0)
	}
}

// TestSendfileOfAShrinkingFile: a file of the host's that ends early ends the call.
func TestSendfileOfAShrinkingFile(t *testing.T) {
	dir := t.TempDir()
	ok(t, os.WriteFile(filepath.Join(dir, "f"), []byte("short"), 0o600))
	bind, err := vfs.HostBind(dir, true)
	ok(t, err)
	defer bind.Close()
	c, s := hostPair(t)
	w := newWorld(t)
	w.mkdir("/host")
	loc, err := w.walker().Resolve(vfs.Loc{}, "/host", 0)
	ok(t, err)
	_, err = w.k.ns.Mount(loc, bind, vfs.MountOpts{Source: "s", Path: "/host"})
	ok(t, err)
	p := listens(w, func(g *Task, l int) {
		fd, _, err := g.Accept(l, 0)
		ok(t, err)
		in, err := g.Open(linux.AT_FDCWD, "/host/f", linux.O_RDONLY, 0)
		ok(t, err)
		n, err := g.Sendfile(fd, &SpliceEnd{FD: in}, 1<<40)
		want(t, "sent", n, 5)
		ok(t, err)
		off, err := g.Lseek(in, 0, linux.SEEK_CUR)
		want(t, "offset", off, 5)
		ok(t, err)
		n, err = g.Sendfile(fd, &SpliceEnd{FD: in}, 1<<40)
		want(t, "at the end", n, 0)
		ok(t, err)
		ok(t, g.Close(fd))
	})
	adopt(t, w, s)
	b, err := io.ReadAll(net.Conn(c))
	want(t, "received", string(b), "short")
	ok(t, err)
	w.wait(p)
}
