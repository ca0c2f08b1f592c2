package kernel

import (
	"bytes"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

func TestPipeCapacity(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		r, wr, err := g.Pipe(linux.O_NONBLOCK | linux.O_CLOEXEC)
		ok(t, err)
		n, err := g.Write(wr, make([]byte, 100000))
		ok(t, err)
		want(t, "partial", n, 65536)
		_, err = g.Write(wr, []byte{1})
		want[error](t, "full", err, linux.EAGAIN)
		have, _ := g.Readable(r)
		want(t, "FIONREAD", have, 65536)
		// PIPE_BUF: all or nothing.
		g.Read(r, make([]byte, 4095))
		_, err = g.Write(wr, make([]byte, 4096))
		want[error](t, "no room for all", err, linux.EAGAIN)
		n, err = g.Write(wr, make([]byte, 4097))
		want(t, "more than PIPE_BUF may be cut", n, 4095)
		fl, _ := g.FdFlags(r)
		want(t, "cloexec", fl, linux.FD_CLOEXEC)
		_, _, err = g.Pipe(linux.O_APPEND)
		want[error](t, "flags", err, linux.EINVAL)
	})
}

// TestPipeMemory: what a pipe holds counts, and is given back when it goes.
func TestPipeMemory(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		before := g.k.memory.Load()
		for range 3 {
			r, wr, _ := g.Pipe(0)
			g.Write(wr, make([]byte, 65536))
			want(t, "held", g.k.memory.Load()-before, int64(65536-pipePage))
			g.Close(r)
			g.Close(wr)
			want(t, "given back", g.k.memory.Load(), before)
		}
	})
}

func TestPipeSize(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		r, wr, _ := g.Pipe(linux.O_NONBLOCK)
		for _, c := range []struct {
			ask, got int
			err      error
		}{
			{1, 4096, nil}, {4097, 8192, nil}, {1 << 20, 1 << 20, nil}, {-1, 0, linux.EINVAL}, {5000, 8192, nil},
		} {
			n, err := g.SetPipeSize(wr, c.ask)
			want(t, "size", n, c.got)
			want(t, "error", err, c.err)
		}
		n, _ := g.Write(wr, bytes.Repeat([]byte("ab"), 10000))
		want(t, "fits", n, 8192)
		_, err := g.SetPipeSize(r, 4096)
		want[error](t, "too full", err, linux.EBUSY)
		n, err = g.SetPipeSize(r, 65536)
		ok(t, err)
		want(t, "grown", n, 65536)
		b := make([]byte, 8192)
		n, _ = g.Read(r, b)
		want(t, "kept", bytes.Equal(b[:n], bytes.Repeat([]byte("ab"), 4096)), true)
		g.Setuid(1)
		_, err = g.SetPipeSize(r, 1<<21)
		want[error](t, "not root", err, linux.EPERM)
		_, err = g.PipeSize(99)
		want[error](t, "bad fd", err, linux.EBADF)
	})
}

// TestPipeRing moves data of many sizes through a small pipe.
func TestPipeRing(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		r, wr, _ := g.Pipe(0)
		g.SetPipeSize(wr, 4096)
		data := make([]byte, 300000)
		for i := range data {
			data[i] = byte(i * 7 / 3)
		}
		pid := child(t, g, func(c *Task) int {
			c.Close(r)
			for p := data; len(p) > 0; {
				n, err := c.Write(wr, p[:min(len(p), 1+len(p)%9000)])
				ok(t, err)
				p = p[n:]
			}
			return 0
		})
		g.Close(wr)
		var got []byte
		b := make([]byte, 5000)
		for i := 1; ; i++ {
			n, err := g.Read(r, b[:1+i*37%5000])
			ok(t, err)
			if n == 0 {
				break
			}
			got = append(got, b[:n]...)
		}
		want(t, "same", bytes.Equal(got, data), true)
		reap(t, g, pid)
	})
}

// TestPipeBufAtomic: writes of up to PIPE_BUF bytes are never mixed.
func TestPipeBufAtomic(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		r, wr, _ := g.Pipe(0)
		for i := range 4 {
			child(t, g, func(c *Task) int {
				c.Close(r)
				for range 50 {
					c.Write(wr, bytes.Repeat([]byte{byte('a' + i)}, linux.PIPE_BUF))
				}
				return 0
			})
		}
		g.Close(wr)
		b := make([]byte, linux.PIPE_BUF)
		for block := 0; ; block++ {
			for have := 0; have < len(b); {
				n, err := g.Read(r, b[have:])
				ok(t, err)
				if n == 0 {
					want(t, "blocks", block, 200)
					return
				}
				have += n
			}
			if bytes.Count(b, b[:1]) != len(b) {
				t.Fatal("mixed")
			}
		}
	})
}

func TestFifo(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		ok(t, g.Mknod(linux.AT_FDCWD, "/fifo", linux.S_IFIFO|0o644, 0))
		open := func(c *Task, flags int) int {
			fd, err := c.Open(linux.AT_FDCWD, "/fifo", flags, 0)
			ok(t, err)
			return fd
		}
		_, err := g.Open(linux.AT_FDCWD, "/fifo", linux.O_WRONLY|linux.O_NONBLOCK, 0)
		want[error](t, "no reader", err, linux.ENXIO)
		fd := open(g, linux.O_RDONLY|linux.O_NONBLOCK)
		n, err := g.Read(fd, make([]byte, 1))
		ok(t, err)
		want(t, "no writer: end", n, 0)
		p := []PollFd{{FD: fd, Events: linux.POLLIN}}
		g.Poll(p, 0)
		want(t, "no POLLHUP before a writer came", p[0].Revents, 0)
		wr := open(g, linux.O_WRONLY|linux.O_NONBLOCK)
		g.Write(wr, []byte("x"))
		g.Close(wr)
		g.Poll(p, 0)
		want(t, "data and POLLHUP", p[0].Revents, linux.POLLIN|linux.POLLHUP)
		g.Close(fd)

		// Both sides wait for one another.
		pid := child(t, g, func(c *Task) int {
			wr := open(c, linux.O_WRONLY)
			c.Write(wr, []byte("hello"))
			return 0
		})
		rd := open(g, linux.O_RDONLY)
		b := make([]byte, 10)
		n, _ = g.Read(rd, b)
		want(t, "read", string(b[:n]), "hello")
		n, _ = g.Read(rd, b)
		want(t, "end", n, 0)
		g.Close(rd)
		reap(t, g, pid)

		// O_RDWR waits for nobody, and what is in it goes with the last close.
		rw := open(g, linux.O_RDWR)
		g.Write(rw, []byte("gone"))
		g.Close(rw)
		rw = open(g, linux.O_RDWR|linux.O_NONBLOCK)
		_, err = g.Read(rw, b)
		want[error](t, "empty", err, linux.EAGAIN)
		g.Close(rw)
		want(t, "nothing is kept", len(g.k.fifos.m), 0)
	})
}
