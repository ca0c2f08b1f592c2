package tty

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sbxrun/sbx/abi/linux"
)

// realPair is a pseudo-terminal of the host's kernel.
type realPair struct {
	t             testing.TB
	master, slave int
}

func openReal(t testing.TB) *realPair {
	t.Helper()
	m, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no pseudo-terminals on this host: %v", err)
	}
	if err := unix.IoctlSetPointerInt(m, unix.TIOCSPTLCK, 0); err != nil {
		t.Skipf("cannot unlock a pseudo-terminal: %v", err)
	}
	n, err := unix.IoctlGetInt(m, unix.TIOCGPTN)
	if err != nil {
		t.Skipf("no pseudo-terminal number: %v", err)
	}
	s, err := unix.Open(fmt.Sprintf("/dev/pts/%d", n), unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("cannot open the slave: %v", err)
	}
	return &realPair{t, m, s}
}

func (r *realPair) close() {
	unix.Close(r.slave)
	unix.Close(r.master)
}

// hostTermios converts to the host's structure, field by field.
func hostTermios(n linux.Termios) *unix.Termios {
	h := &unix.Termios{Iflag: n.Iflag, Oflag: n.Oflag, Cflag: n.Cflag, Lflag: n.Lflag, Line: n.Line}
	copy(h.Cc[:], n.Cc[:])
	return h
}

func (r *realPair) read(fd int, n int) ([]byte, error) {
	p := make([]byte, n)
	got, err := unix.Read(fd, p)
	return p[:max(got, 0)], err
}

// step is one action of a script on a pair.
type step struct {
	do   byte // t: termios, i: typed input, o: output, r: slave reads, f: tcflush, x: tcflow
	data string
	term linux.Termios
	n    int
}

func (s step) String() string {
	switch s.do {
	case 't':
		return fmt.Sprintf("termios%d %+v", s.n, s.term)
	case 'i', 'o':
		return fmt.Sprintf("%c %q", s.do, s.data)
	}
	return fmt.Sprintf("%c %d", s.do, s.n)
}

// model is ours.
type model struct{ master, slave *End }

func newModel() *model {
	t := New(Config{})
	s, _ := t.OpenSlave(nil)
	return &model{t.Master(), s}
}

// run performs the step and tells what came of it.
func (m *model) run(s step) string {
	switch s.do {
	case 't':
		return result(0, m.slave.SetTermios(nil, s.n, s.term))
	case 'i':
		return result(m.master.WriteNB(nil, []byte(s.data)))
	case 'o':
		return result(m.slave.WriteNB(nil, []byte(s.data)))
	case 'r':
		p := make([]byte, s.n)
		n, err := m.slave.ReadNB(nil, p)
		return fmt.Sprintf("%q ", p[:n]) + result(n, err)
	case 'f':
		return result(0, m.slave.Flush(nil, s.n))
	case 'x':
		return result(0, m.slave.Flow(nil, s.n))
	}
	panic("unknown step")
}

func (r *realPair) run(s step) string {
	switch s.do {
	case 't':
		return result(0, unix.IoctlSetTermios(r.slave, uint(unix.TCSETS+s.n), hostTermios(s.term)))
	case 'i':
		return result(unix.Write(r.master, []byte(s.data)))
	case 'o':
		return result(unix.Write(r.slave, []byte(s.data)))
	case 'r':
		p, err := r.read(r.slave, s.n)
		return fmt.Sprintf("%q ", p) + result(len(p), err)
	case 'f':
		return result(0, unix.IoctlSetInt(r.slave, unix.TCFLSH, s.n))
	case 'x':
		return result(0, unix.IoctlSetInt(r.slave, unix.TCXONC, s.n))
	}
	panic("unknown step")
}

func result(n int, err error) string {
	if err == nil {
		return fmt.Sprint(n)
	}
	if e, ok := err.(unix.Errno); ok {
		return linux.Errno(e).Name()
	}
	return linux.ErrnoOf(err).Name()
}

// screen reads all that the master has.
func (m *model) screen() string {
	p := make([]byte, 1<<16)
	n, _ := m.master.ReadNB(nil, p)
	return string(p[:n])
}

func (m *model) queued() int {
	n, _ := m.slave.InputQueued()
	return n
}

// settle waits until the kernel has processed what was written: its work queue
// does that when it likes. It returns what the screen got and what is readable.
func (r *realPair) settle(screen string, queued int) (string, int) {
	got, n := "", 0
	for i := 0; ; i++ {
		fds := []unix.PollFd{{Fd: int32(r.slave), Events: unix.POLLIN}}
		unix.Poll(fds, 0)
		if p, err := r.read(r.master, 1<<16); err == nil {
			got += string(p)
		}
		n, _ = unix.IoctlGetInt(r.slave, unix.TIOCINQ)
		if got == screen && n == queued || i > 2000 || len(got) > len(screen) {
			return got, n
		}
		if i > 10 {
			time.Sleep(time.Millisecond)
		}
	}
}

// compare runs a script on both pairs and stops at the first difference. When
// the kernel's work queue gets to typed input is not to be seen in all cases, so
// a difference counts only if it stays with more and more time between the steps.
func compare(t *testing.T, steps []step) {
	t.Helper()
	diff := ""
	for _, pause := range []time.Duration{200 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 200 * time.Millisecond} {
		if diff = compareOnce(t, steps, pause); diff == "" {
			return
		}
	}
	t.Fatal(diff)
}

func compareOnce(t *testing.T, steps []step, pause time.Duration) string {
	r, m := openReal(t), newModel()
	defer r.close()
	for i, s := range steps {
		want, got := r.run(s), m.run(s)
		if s.do == 'i' {
			time.Sleep(pause)
		}
		screen, queued := m.screen(), m.queued()
		realScreen, realQueued := r.settle(screen, queued)
		if got != want || screen != realScreen || queued != realQueued {
			return fmt.Sprintf("script: %v\nstep %d: got %s, kernel %s\nscreen %q\nkernel %q\nqueued %d, kernel %d",
				steps[:i+1], i, got, want, screen, realScreen, queued, realQueued)
		}
	}
	return ""
}
