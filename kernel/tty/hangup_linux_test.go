package tty

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

// TestHangupAgainstKernel hangs a terminal up whose slave stays open: the master learns of it when the slave is closed.
func TestHangupAgainstKernel(t *testing.T) {
	r, m := openReal(t), newModel()
	defer unix.Close(r.master)
	number, err := unix.IoctlGetInt(r.master, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetInt(r.slave, unix.TIOCVHANGUP, 0); err != nil {
		t.Skipf("may not hang up: %v", err)
	}
	m.master.TTY().Hangup()
	check := func(when string) {
		t.Helper()
		fds := []unix.PollFd{{Fd: int32(r.master), Events: unix.POLLIN | unix.POLLOUT}}
		unix.Poll(fds, 0)
		_, err := r.read(r.master, 10)
		want := fmt.Sprintf("%#x %s", fds[0].Revents, result(0, err))
		_, err = m.master.ReadNB(nil, make([]byte, 10))
		if got := fmt.Sprintf("%#x %s", m.master.Readiness()&(unix.POLLIN|unix.POLLOUT|unix.POLLHUP|unix.POLLERR), result(0, err)); got != want {
			t.Errorf("%s: got %s, kernel %s", when, got, want)
		}
	}
	check("hung up")
	again, err := unix.Open(fmt.Sprintf("/dev/pts/%d", number), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	e, err := m.master.TTY().OpenSlave(nil)
	if err != nil {
		t.Fatal(err)
	}
	check("open anew")
	unix.Close(again)
	e.Close()
	check("the new one closed")
	unix.Close(r.slave)
	m.slave.Close()
	check("both closed")
}
