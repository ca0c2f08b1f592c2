package kernel

import (
	"math/rand"
	"strings"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// TestRandomCallsLikeTheHost does the same random calls on a pair of the host's
// and on one of a guest's. TCP is not among them: the host's delivers when it
// finds the time.
func TestRandomCallsLikeTheHost(t *testing.T) {
	for _, kind := range []string{"stream", "seqpacket", "datagrams"} {
		for seed := range int64(60) {
			t.Run(kind, func(t *testing.T) {
				compare(t, func(s *script) {
					rnd := rand.New(rand.NewSource(seed))
					var fd [2]int
					switch kind {
					case "stream":
						fd[0], fd[1] = s.pair(nonblockStream)
					case "seqpacket":
						fd[0], fd[1] = s.pair(linux.SOCK_SEQPACKET | linux.SOCK_NONBLOCK)
					case "datagrams":
						fd[0], fd[1] = s.pair(linux.SOCK_DGRAM | linux.SOCK_NONBLOCK)
					}
					ep, _ := s.EpollCreate()
					edge := uint32(0)
					if seed%2 == 1 {
						edge = linux.EPOLLET
					}
					s.ctl(ep, linux.EPOLL_CTL_ADD, fd[0], linux.EPOLLIN|linux.EPOLLRDHUP|edge, 1)
					s.ctl(ep, linux.EPOLL_CTL_ADD, fd[1], linux.EPOLLIN|linux.EPOLLRDHUP|edge, 2)
					closed := 0
					for range 40 {
						i := rnd.Intn(2)
						if fd[i] < 0 {
							i = 1 - i
						}
						switch op := rnd.Intn(40); {
						case op < 14:
							s.send(fd[i], strings.Repeat("abcdefgh", 1+rnd.Intn(30)), 0)
						case op < 26:
							s.recv(fd[i], 1+rnd.Intn(300), []int{0, 0, 0, linux.MSG_PEEK}[rnd.Intn(4)])
						case op < 30:
							s.poll(fd[i])
						case op < 34:
							s.epoll(ep, 4)
						case op < 36:
							s.shutdown(fd[i], rnd.Intn(3))
						case op < 37 && closed == 0:
							s.Close(fd[i])
							fd[i], closed = -1, 1
						case op < 38:
							s.soError(fd[i])
						}
					}
					s.Close(ep)
					for _, f := range fd {
						if f >= 0 {
							s.Close(f)
						}
					}
				})
			})
			if t.Failed() {
				break
			}
		}
	}
}

// TestEpollOrderLikeTheHost takes files that stay ready, or are told of once, in and out of an epoll and asks for a few at a time: they
// come in the host's order.
func TestEpollOrderLikeTheHost(t *testing.T) {
	for seed := range int64(20) {
		compare(t, func(s *script) {
			r := rand.New(rand.NewSource(seed))
			ep, _ := s.EpollCreate()
			fds := make([]int, 20)
			for i := range fds {
				fds[i], _ = s.Eventfd(0, 0)
			}
			for range 300 {
				i := r.Intn(len(fds))
				ev := EpollEvent{linux.EPOLLOUT | []uint32{0, 0, linux.EPOLLET, linux.EPOLLONESHOT}[r.Intn(4)], uint64(i)}
				op := []int{linux.EPOLL_CTL_ADD, linux.EPOLL_CTL_ADD, linux.EPOLL_CTL_DEL, linux.EPOLL_CTL_MOD}[r.Intn(4)]
				s.log("%d %d %s", op, i, errName(s.EpollCtl(ep, op, fds[i], ev)))
				if r.Intn(3) == 0 {
					ev, err := s.EpollWait(ep, 1+r.Intn(6))
					s.log("wait %v %s", ev, errName(err))
				}
			}
		})
	}
}
