//go:build linux && amd64

// Command soak keeps many goroutines busy with each other, with its own garbage, with pipes, timers, signals and processes,
// and prints one line that is always the same.
package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) > 1 {
		n, err := io.Copy(os.Stdout, os.Stdin)
		if err != nil || n == 0 {
			os.Exit(1)
		}
		return
	}
	fmt.Println(ring(2000, 20), heap(8, 60), pipes(40), sleepers(300), children(6), signals(50))
}

// ring sends a number around a ring of goroutines, each of which adds one.
func ring(n, rounds int) int {
	first := make(chan int)
	in := first
	for range n {
		out := make(chan int)
		go func(in <-chan int) {
			for v := range in {
				out <- v + 1
			}
			close(out)
		}(in)
		in = out
	}
	v := 0
	for range rounds {
		go func() { first <- v }()
		v = <-in
	}
	close(first)
	<-in
	return v
}

// heap makes garbage on many goroutines and sums up what must survive.
func heap(workers, rounds int) string {
	h := sha256.New()
	sums := make([][]byte, workers)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			keep := map[int][]byte{}
			for i := range rounds * 20 {
				keep[i%50] = bytes.Repeat([]byte{byte(i), byte(w)}, 100+i%4000)
				if i%200 == 0 {
					runtime.GC()
				}
			}
			s := sha256.New()
			for i := range 50 {
				s.Write(keep[i])
			}
			sums[w] = s.Sum(nil)
		})
	}
	wg.Wait()
	for _, s := range sums {
		h.Write(s)
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:6])
}

// pipes sends bytes through pipes of the kernel, all at the same time.
func pipes(n int) int64 {
	var total atomic.Int64
	var wg sync.WaitGroup
	for i := range n {
		r, w, err := os.Pipe()
		if err != nil {
			panic(err)
		}
		wg.Go(func() {
			defer w.Close()
			w.Write(bytes.Repeat([]byte{byte(i)}, 100000))
		})
		wg.Go(func() {
			defer r.Close()
			got, _ := io.Copy(io.Discard, r)
			total.Add(got)
		})
	}
	wg.Wait()
	return total.Load()
}

// sleepers wait for timers, of which half are stopped.
func sleepers(n int) int64 {
	var woke atomic.Int64
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			if i%2 == 0 {
				time.Sleep(time.Duration(i) * 100 * time.Microsecond)
				woke.Add(1)
				return
			}
			t := time.AfterFunc(time.Hour, func() { woke.Add(1000) })
			t.Stop()
		})
	}
	wg.Wait()
	return woke.Load()
}

// children are processes that copy their input.
func children(n int) int64 {
	var total atomic.Int64
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			cmd := exec.Command("/proc/self/exe", "copy")
			cmd.Stdin = strings.NewReader(strings.Repeat("x", 70000))
			out, err := cmd.Output()
			if err != nil {
				panic(err)
			}
			total.Add(int64(len(out)))
		})
	}
	wg.Wait()
	return total.Load()
}

// signals are sent to oneself while a goroutine does nothing but count.
func signals(n int) int {
	c := make(chan os.Signal, n)
	signal.Notify(c, syscall.SIGUSR1)
	defer signal.Stop(c)
	var stop atomic.Bool
	go func() {
		for !stop.Load() {
		}
	}()
	got := 0
	for range n {
		syscall.Kill(os.Getpid(), syscall.SIGUSR1)
		<-c
		got++
	}
	stop.Store(true)
	return got
}
