package kernel

import (
	"fmt"
	"math/rand"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// TestDeathLikeTheHost compares the wait status of every signal that kills with
// that of a shell of the host that signals itself.
func TestDeathLikeTheHost(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("the host has no sh")
	}
	w := newWorld(t)
	w.guest(func(g *Task) {
		for sig := linux.Signal(1); sig < 32; sig++ {
			if stopSignals.Has(sig) {
				continue
			}
			pid := child(t, g, func(c *Task) int { c.Kill(c.Getpid(), sig); return 3 })
			here := reap(t, g, pid)
			cmd := exec.Command(sh, "-c", fmt.Sprintf("ulimit -c 0; kill -%d $$; exit 3", sig))
			_ = cmd.Run()
			host := linux.WaitStatus(cmd.ProcessState.Sys().(syscall.WaitStatus)) &^ 0x80
			if host.Exited() && here.Signaled() && signalIgnoredByHost(sig) {
				continue
			}
			want(t, sig.String(), here, host)
		}
	})
}

// signalIgnoredByHost reports whether this test was started with a signal
// ignored, as under nohup: the host's shell inherits that.
func signalIgnoredByHost(sig linux.Signal) bool {
	return sig == linux.SIGHUP || sig == linux.SIGINT || sig == linux.SIGQUIT || sig == linux.SIGPIPE
}

// pipeCalls are the calls that a script of pipe operations needs.
type pipeCalls struct {
	read, write func(n int) (int, error)
	closeR      func()
	closeW      func()
	size        func(n int) (int, error)
}

func hostPipe(t *testing.T) pipeCalls {
	var p [2]int
	if err := syscall.Pipe2(p[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	conv := func(n int, err error) (int, error) {
		if err != nil {
			return 0, linux.ErrnoOf(err)
		}
		return n, nil
	}
	r, w := p[0], p[1]
	return pipeCalls{
		read:   func(n int) (int, error) { return conv(syscall.Read(r, make([]byte, n))) },
		write:  func(n int) (int, error) { return conv(syscall.Write(w, make([]byte, n))) },
		closeR: func() { syscall.Close(r); r = -1 },
		closeW: func() { syscall.Close(w); w = -1 },
		size: func(n int) (int, error) {
			got, _, e := syscall.Syscall(syscall.SYS_FCNTL, uintptr(w), linux.F_SETPIPE_SZ, uintptr(n))
			if e != 0 {
				return 0, linux.Errno(e)
			}
			return int(got), nil
		},
	}
}

func guestPipe(g *Task) pipeCalls {
	g.Sigaction(linux.SIGPIPE, SigIgnore)
	r, w, _ := g.Pipe(linux.O_NONBLOCK)
	return pipeCalls{
		read:   func(n int) (int, error) { return g.Read(r, make([]byte, n)) },
		write:  func(n int) (int, error) { return g.Write(w, make([]byte, n)) },
		closeR: func() { g.Close(r); r = -1 },
		closeW: func() { g.Close(w); w = -1 },
		size:   func(n int) (int, error) { return g.SetPipeSize(w, n) },
	}
}

// script does random operations in whole pages, in which a ring of bytes and
// Linux's ring of pages are the same, and returns what happened.
func (p pipeCalls) script(seed int64) string {
	rnd := rand.New(rand.NewSource(seed))
	var out strings.Builder
	log := func(op string, n int, res int, err error) { fmt.Fprintf(&out, "%s %d: %d %v\n", op, n, res, err) }
	for range 60 {
		n := rnd.Intn(20) * pipePage
		switch rnd.Intn(12) {
		case 0:
			got, err := p.size(max(n, 1))
			log("size", n, got, err)
		case 1, 2, 3, 4, 5:
			got, err := p.read(n)
			log("read", n, got, err)
		default:
			got, err := p.write(n)
			log("write", n, got, err)
		}
	}
	if seed%2 == 0 {
		p.closeR()
		n, err := p.write(1)
		log("write", 1, n, err)
		p.closeW()
		return out.String()
	}
	p.closeW()
	for range 3 {
		n, err := p.read(1 << 20)
		log("read", 1<<20, n, err)
	}
	p.closeR()
	return out.String()
}

// TestPipeLikeTheHost runs the same scripts on a pipe of the host.
func TestPipeLikeTheHost(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		for seed := range int64(100) {
			host, here := hostPipe(t).script(seed), guestPipe(g).script(seed)
			if host != here {
				t.Errorf("seed %d\nhost:\n%s\nhere:\n%s", seed, host, here)
				return
			}
		}
	})
}
