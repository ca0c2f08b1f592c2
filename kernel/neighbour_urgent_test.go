package kernel

import (
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// TestNeighbourUrgent: urgent bytes go from one kernel to another and back, also when they come one after the other.
func TestNeighbourUrgent(t *testing.T) {
	a, b := twoWorlds(t)
	send := func(g *Task, fd int, data string, flags int) {
		t.Helper()
		_, err := g.Sendmsg(fd, &SockMessage{Data: []byte(data)}, flags)
		ok(t, err)
	}
	urgent := func(g *Task, fd int) string {
		t.Helper()
		g.Poll([]PollFd{{FD: fd, Events: linux.POLLPRI}}, time.Minute)
		m := SockMessage{Data: make([]byte, 1)}
		n, err := g.Recvmsg(fd, &m, linux.MSG_OOB)
		ok(t, err)
		return string(m.Data[:n])
	}
	// readTo reads plain bytes until it has as many as want.
	readTo := func(g *Task, fd int, text string) {
		t.Helper()
		got, p := "", make([]byte, 20)
		for len(got) < len(text) {
			n, err := g.Read(fd, p)
			if got += string(p[:n]); n == 0 || err != nil {
				break
			}
		}
		want(t, "plain", got, text)
	}
	ready := make(chan struct{})
	p := b.start(func(g *Task) int {
		l, _ := g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		ok(t, g.Bind(l, inet("0.0.0.0:80").Encode()))
		ok(t, g.Listen(l, 1))
		close(ready)
		fd, _, err := g.Accept(l, 0)
		ok(t, err)
		readTo(g, fd, "ab")
		want(t, "first", urgent(g, fd), "!")
		send(g, fd, "k", 0)
		readTo(g, fd, "cd")
		want(t, "last", urgent(g, fd), "3")
		send(g, fd, "end#", linux.MSG_OOB)
		readTo(g, fd, "tail")
		return 0
	})
	<-ready
	a.guest(func(g *Task) {
		fd, _ := g.Socket(linux.AF_INET, linux.SOCK_STREAM, 0)
		ok(t, g.Connect(fd, inet("192.0.2.2:80").Encode()))
		send(g, fd, "ab!", linux.MSG_OOB)
		readTo(g, fd, "k")
		send(g, fd, "cd", 0)
		send(g, fd, "3", linux.MSG_OOB)
		want(t, "back", urgent(g, fd), "#")
		readTo(g, fd, "end")
		send(g, fd, "tail", 0)
		ok(t, g.Close(fd))
	})
	b.wait(p)
}
