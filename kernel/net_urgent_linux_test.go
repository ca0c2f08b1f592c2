package kernel

import (
	"fmt"
	"math/rand"
	"os"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// TestRandomUrgentLikeTheHost does the same with bytes out of band of AF_UNIX. Older kernels do otherwise: they lose such bytes, and
// reads went on where one had been.
func TestRandomUrgentLikeTheHost(t *testing.T) {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	var major, minor int
	if fmt.Sscanf(string(release), "%d.%d", &major, &minor); major*1000+minor < 6016 {
		t.Skipf("the host is Linux %s", release)
	}
	for seed := range int64(200) {
		compare(t, func(s *script) {
			rnd := rand.New(rand.NewSource(seed))
			var fd [2]int
			fd[0], fd[1] = s.pair(nonblockStream)
			oob := func() int { return []int{0, linux.MSG_OOB}[rnd.Intn(2)] }
			for range 60 {
				i := rnd.Intn(2)
				switch op := rnd.Intn(40); {
				case op < 15:
					s.send(fd[i], "abcdefgh"[:1+rnd.Intn(4)], oob())
				case op < 30:
					s.recv(fd[i], 1+rnd.Intn(8), oob()|[]int{0, 0, linux.MSG_PEEK}[rnd.Intn(3)])
				case op < 34:
					s.poll(fd[i])
					mark := make([]byte, 4)
					s.log("mark %s %d", errName(s.Ioctl(fd[i], linux.SIOCATMARK, mark)), mark[0])
				case op < 38:
					v := byte(rnd.Intn(2))
					s.log("inline %d %s", v, errName(s.Setopt(fd[i], linux.SOL_SOCKET, linux.SO_OOBINLINE, []byte{v, 0, 0, 0})))
				case rnd.Intn(8) == 0:
					s.shutdown(fd[i], rnd.Intn(3))
				}
			}
			s.Close(fd[0])
			s.recv(fd[1], 100, 0)
			s.recv(fd[1], 100, 0)
			s.Close(fd[1])
		})
		if t.Failed() {
			t.Logf("seed %d", seed)
			return
		}
	}
}
