package main

import (
	"errors"
	"io"
	"os"
	"sync"

	"golang.org/x/term"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/sandbox"
)

// hostTerminal is the terminal that sbx was started on, while a container
// has a terminal of its own. A nil one does nothing.
type hostTerminal struct {
	in, out int // descriptors, -1 for none
	mu      sync.Mutex
	saved   *term.State
}

// gate holds a stream back until the terminal is raw: what passed before would
// be changed by the host's line as well as the guest's.
type gate struct {
	open <-chan struct{}
	r    io.Reader
	w    io.Writer
}

func (g gate) Read(p []byte) (int, error) {
	<-g.open
	return g.r.Read(p)
}

func (g gate) Write(p []byte) (int, error) {
	<-g.open
	return g.w.Write(p)
}

var errNoTTY = errors.New("the input device is not a TTY")

// gated holds streams back until open is closed.
func gated(open <-chan struct{}, s sandbox.IO) sandbox.IO {
	if s.Stdin != nil {
		s.Stdin = gate{open, s.Stdin, nil}
	}
	if s.Stdout != nil {
		s.Stdout = gate{open, nil, s.Stdout}
	}
	return s
}

// terminal checks that a program with a terminal gets one to talk to; stdin
// says that it is talked to.
func (a *app) terminal(tty, stdin bool) (*hostTerminal, error) {
	if !tty {
		return nil, nil
	}
	h := &hostTerminal{in: ttyFd(a.in), out: ttyFd(a.out)}
	if stdin && h.in < 0 {
		return nil, exit(1, errNoTTY)
	}
	if !stdin {
		h.in = -1 // nothing is read: leave it alone
	}
	return h, nil
}

// ttyFd is the descriptor of a stream that is a terminal, or -1.
func ttyFd(stream any) int {
	if f, ok := stream.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return int(f.Fd())
	}
	return -1
}

func isTTY(w io.Writer) bool { return ttyFd(w) >= 0 }

// raw passes every key on as it is.
func (h *hostTerminal) raw() (err error) {
	if h == nil || h.in < 0 {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.saved, err = term.MakeRaw(h.in)
	return err
}

// restore puts the terminal back as it was; more than once is fine.
func (h *hostTerminal) restore() {
	if h == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.saved != nil {
		_ = term.Restore(h.in, h.saved)
		h.saved = nil
	}
}

// size is the terminal's size; 24x80 where there is none.
func (h *hostTerminal) size() linux.Winsize {
	ws := linux.Winsize{Row: 24, Col: 80}
	if h == nil {
		return ws
	}
	for _, fd := range []int{h.out, h.in} {
		if fd < 0 {
			continue
		}
		if w, r, err := term.GetSize(fd); err == nil && w > 0 && r > 0 {
			return linux.Winsize{Row: uint16(r), Col: uint16(w)}
		}
	}
	return ws
}
