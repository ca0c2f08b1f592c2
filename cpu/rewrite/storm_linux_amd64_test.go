package rewrite_test

import (
	"bytes"
	"math/rand/v2"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/cpu"
)

// TestStorm interrupts busybox as often as it can, at random, while the garbage
// collector runs and code is forgotten under it.
func TestStorm(t *testing.T) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("busybox-static is not installed")
	}
	text := strings.Repeat("the quick brown fox jumps over the lazy dog 0123456789\n", 4000)
	for _, args := range [][]string{
		{"sha256sum"}, {"sha512sum"}, {"md5sum"}, {"sort"}, {"bzip2", "-c"}, {"sed", "s/fox/cat/g"},
		{"awk", "{s+=length($0)*1.5}END{print(s,s/7)}"},
		{"sh", "-c", "i=0; while [ $i -lt 3000 ]; do i=$((i+1)); done; echo $i"},
	} {
		t.Run(args[0], func(t *testing.T) {
			native := exec.Command(path, args...)
			native.Env = []string{"PATH=/bin", "TZ=UTC"}
			native.Stdin = strings.NewReader(text)
			want, _ := native.Output()
			p := newProgram(t)
			p.in = bytes.NewReader([]byte(text))
			th := p.load(t, path, append([]string{"busybox"}, args...)...)
			defer th.Close()
			kicks := storm(t, p, th)
			if err := p.run(t, th); err != nil {
				t.Fatal(err)
			}
			n := kicks()
			if !bytes.Equal(p.out.Bytes(), want) {
				t.Errorf("after %d interrupts: %.100q, want %.100q", n, p.out.Bytes(), want)
			}
		})
	}
}

// storm disturbs a thread until the function it returns is called.
func storm(t *testing.T, p *program, th cpu.Thread) (end func() int) {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	n := 0
	loop := func(f func(i int)) {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
					f(i)
				}
			}
		})
	}
	r := rand.New(rand.NewPCG(1, 2))
	loop(func(i int) {
		n = i
		th.Interrupt()
		time.Sleep(time.Duration(r.IntN(100)) * time.Microsecond)
		if i%500 == 499 {
			p.s.Invalidate(0x400000+uint64(r.IntN(1<<20))&^4095, 1<<16)
		}
	})
	loop(func(int) {
		runtime.GC()
		time.Sleep(time.Millisecond)
	})
	once := sync.OnceFunc(func() {
		close(stop)
		wg.Wait()
	})
	t.Cleanup(once)
	return func() int {
		once()
		return n
	}
}
