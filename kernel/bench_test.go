package kernel

import (
	"fmt"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// benchGuest runs f as a process.
func benchGuest(b *testing.B, f func(w *world, g *Task)) {
	w := newWorld(b)
	b.ReportAllocs()
	w.prog("true", func(*Task) int { return 0 })
	w.run(func(g *Task) int { f(w, g); return 0 })
}

// BenchmarkPipePingPong is a byte to another process and back.
func BenchmarkPipePingPong(b *testing.B) {
	benchGuest(b, func(w *world, g *Task) {
		r1, w1, _ := g.Pipe(0)
		r2, w2, _ := g.Pipe(0)
		pid := child(b, g, func(c *Task) int {
			c.Close(w1)
			p := make([]byte, 1)
			for {
				if n, _ := c.Read(r1, p); n == 0 {
					return 0
				}
				c.Write(w2, p)
			}
		})
		p := make([]byte, 1)
		for b.Loop() {
			g.Write(w1, p)
			g.Read(r2, p)
		}
		g.Close(w1)
		reap(b, g, pid)
	})
}

// BenchmarkPipeThroughput writes 64 KiB at a time to a process that reads.
func BenchmarkPipeThroughput(b *testing.B) {
	benchGuest(b, func(w *world, g *Task) {
		r, wr, _ := g.Pipe(0)
		pid := child(b, g, func(c *Task) int {
			c.Close(wr)
			p := make([]byte, 65536)
			for {
				if n, _ := c.Read(r, p); n == 0 {
					return 0
				}
			}
		})
		p := make([]byte, 65536)
		b.SetBytes(int64(len(p)))
		for b.Loop() {
			g.Write(wr, p)
		}
		g.Close(wr)
		reap(b, g, pid)
	})
}

// BenchmarkSpawnWait is fork, exec and wait of a built-in program.
func BenchmarkSpawnWait(b *testing.B) {
	benchGuest(b, func(w *world, g *Task) {
		for b.Loop() {
			pid, err := g.Spawn(SpawnOpts{Path: "/bin/true", Argv: []string{"true"}})
			if err != nil {
				b.Error(err)
				return
			}
			g.Wait4(pid, 0)
		}
	})
}

// BenchmarkForkExecWait is the same in two steps.
func BenchmarkForkExecWait(b *testing.B) {
	benchGuest(b, func(w *world, g *Task) {
		for b.Loop() {
			c, err := g.Fork(ProgramFunc(func(c *Task) int {
				c.Exec("/bin/true", []string{"true"}, nil)
				return 1
			}))
			if err != nil {
				b.Error(err)
				return
			}
			g.Wait4(c.Gettid(), 0)
		}
	})
}

// BenchmarkOpenReadClose opens a file of four bytes, reads it and closes it.
func BenchmarkOpenReadClose(b *testing.B) {
	benchGuest(b, func(w *world, g *Task) {
		w.file("/tmp/f", "text", 0o644)
		p := make([]byte, 16)
		for b.Loop() {
			fd, _ := g.Open(linux.AT_FDCWD, "/tmp/f", linux.O_RDONLY, 0)
			g.Read(fd, p)
			g.Close(fd)
		}
	})
}

// BenchmarkGetppid is a call that only takes the kernel's lock.
func BenchmarkGetppid(b *testing.B) {
	benchGuest(b, func(w *world, g *Task) {
		for b.Loop() {
			g.Getppid()
		}
	})
}

// BenchmarkEpollWait asks for fifty files that stay ready, as a server with fifty clients does, and changes what it waits for with one.
func BenchmarkEpollWait(b *testing.B) {
	benchGuest(b, func(w *world, g *Task) {
		ep, _ := g.EpollCreate(0)
		last := 0
		for i := range 50 {
			_, x, _ := g.Pipe(0)
			g.EpollCtl(ep, linux.EPOLL_CTL_ADD, x, EpollEvent{linux.EPOLLOUT, uint64(i)})
			last = x
		}
		for b.Loop() {
			if ev, err := g.EpollWait(ep, 1000, 0, nil); len(ev) != 50 || err != nil {
				b.Error(len(ev), err)
			}
			g.EpollCtl(ep, linux.EPOLL_CTL_DEL, last, EpollEvent{})
			g.EpollCtl(ep, linux.EPOLL_CTL_ADD, last, EpollEvent{linux.EPOLLOUT, 0})
		}
	})
}

// BenchmarkEpollChange takes a file out of an epoll and puts it back, with many others in it that are ready; and in so many epolls.
func BenchmarkEpollChange(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			benchGuest(b, func(w *world, g *Task) {
				ep, _ := g.EpollCreate(0)
				fd := 0
				for i := range n {
					x, err := g.Eventfd(0, 0)
					if err != nil {
						b.Fatal(err)
					}
					g.EpollCtl(ep, linux.EPOLL_CTL_ADD, x, EpollEvent{linux.EPOLLOUT, uint64(i)})
					if i == n/2 {
						fd = x
					}
				}
				for b.Loop() {
					g.EpollCtl(ep, linux.EPOLL_CTL_DEL, fd, EpollEvent{})
					g.EpollCtl(ep, linux.EPOLL_CTL_ADD, fd, EpollEvent{linux.EPOLLOUT, 0})
				}
			})
		})
		b.Run(fmt.Sprintf("epolls=%d", n), func(b *testing.B) {
			benchGuest(b, func(w *world, g *Task) {
				_, x, _ := g.Pipe(0)
				eps := make([]int, n)
				for i := range eps {
					eps[i], _ = g.EpollCreate(0)
					g.EpollCtl(eps[i], linux.EPOLL_CTL_ADD, x, EpollEvent{linux.EPOLLOUT, uint64(i)})
				}
				for i := 0; b.Loop(); i++ {
					g.EpollCtl(eps[i*7%n], linux.EPOLL_CTL_DEL, x, EpollEvent{})
					g.EpollCtl(eps[i*7%n], linux.EPOLL_CTL_ADD, x, EpollEvent{linux.EPOLLOUT, 0})
				}
			})
		})
	}
}

// BenchmarkEpollFew asks for a few of many files that stay ready, as a worker does that takes one at a time.
func BenchmarkEpollFew(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprintf("files=%d", n), func(b *testing.B) {
			benchGuest(b, func(w *world, g *Task) {
				ep, _ := g.EpollCreate(0)
				for i := range n {
					x, err := g.Eventfd(0, 0)
					if err != nil {
						b.Fatal(err)
					}
					g.EpollCtl(ep, linux.EPOLL_CTL_ADD, x, EpollEvent{linux.EPOLLOUT, uint64(i)})
				}
				for b.Loop() {
					if ev, err := g.EpollWait(ep, 1, 0, nil); len(ev) != 1 || err != nil {
						b.Fatal(len(ev), err)
					}
				}
			})
		})
	}
}
