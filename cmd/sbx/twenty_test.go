package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestTwentyAtOnce starts 20 detached containers at once, kills the processes of half of them in the middle of it all, and
// starts those again: with what was saved, while the others go on.
func TestTwentyAtOnce(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("finds processes in /proc")
	}
	const boxes = 20
	c := buildCommand(t)
	defer endAll(t, c.home)
	rounds := 1
	if os.Getenv(longVariable) != "" {
		rounds = 10
	}
	script := "n=0; [ -e /count ] && read n </count; echo $((n+1)) >/count; echo run $n; while :; do sleep 1; done"
	names := make([]string, boxes)
	together(boxes, func(i int) {
		names[i] = fmt.Sprint("box", i)
		if _, err := c.run("run", "-d", "--name", names[i], "-p", "127.0.0.1::80", "--health-cmd", "true", "--health-interval", "100ms", "base", "sh", "-c", script); err != nil {
			t.Error(err)
		}
	})
	for round := range rounds {
		if n := len(c.supervisors()); n != boxes || t.Failed() {
			t.Fatalf("%d processes of %d containers", n, boxes)
		}
		ports := make([]string, boxes)
		together(boxes, func(i int) {
			out, err := c.run("port", names[i], "80")
			if ports[i] = strings.TrimSpace(out); err != nil {
				t.Error(err)
			}
			if !listens(ports[i]) {
				t.Errorf("%s runs, and nobody listens at %s", names[i], ports[i])
			}
			c.awaitSaved(names[i], round+1)
		})
		killed := rand.Perm(boxes)[:boxes/2]
		for _, i := range killed {
			c.want("true\n", "inspect", "-f", "{{.State.Running}}", names[i])
			c.killContainer(names[i])
		}
		list, err := c.run("ps", "-q", "--no-trunc")
		if n := strings.Count(list, "\n"); n != boxes-len(killed) || err != nil {
			t.Errorf("%d of %d run, %v", n, boxes-len(killed), err)
		}
		for _, i := range killed {
			c.want("exited 137 0 unhealthy\n", "inspect", "-f", "{{.State.Status}} {{.State.ExitCode}} {{.State.Pid}} {{.State.Health.Status}}", names[i])
			if out, err := c.run("port", names[i]); strings.Contains(out, ":") {
				t.Errorf("%s is dead and has ports: %s %v", names[i], out, err)
			}
			if listens(ports[i]) {
				t.Errorf("%s is dead, and somebody listens at %s", names[i], ports[i])
			}
		}
		together(len(killed), func(n int) {
			if _, err := c.run("start", names[killed[n]]); err != nil {
				t.Error(err)
			}
		})
		for i, name := range names {
			if !slices.Contains(killed, i) {
				c.want(fmt.Sprintf("%d\n", round+1), "exec", name, "cat", "/count")
				c.want(name+"\n", "restart", "-t", "0", name)
			}
			c.awaitCount(name, round+2)
		}
	}
	out, err := c.run(append([]string{"stop", "-t", "0"}, names...)...)
	if err != nil || strings.Count(out, "\n") != boxes {
		t.Errorf("stop: %q %v", out, err)
	}
	if _, err := c.run(append([]string{"rm"}, names...)...); err != nil {
		t.Error(err)
	}
	c.checkLeft()
}

// together calls f with 0 to n-1 at the same time.
func together(n int, f func(int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

// listens reports whether somebody takes connections, though none of the guests does.
func listens(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err == nil {
		_ = conn.Close()
	}
	return !errors.Is(err, syscall.ECONNREFUSED)
}

// killContainer kills the process of a container as the host's kernel would, and waits until that is known.
func (c *command) killContainer(name string) {
	c.t.Helper()
	out, err := c.run("inspect", "-f", "{{.State.Pid}}", name)
	pid, aerr := strconv.Atoi(strings.TrimSpace(out))
	if err != nil || aerr != nil || pid <= 1 {
		c.t.Fatalf("the process of %s: %q %v", name, out, err)
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		c.t.Fatal(err)
	}
	_ = p.Kill()
	c.want("137\n", "wait", name)
}

// awaitCount waits until a container has counted to n.
func (c *command) awaitCount(name string, n int) {
	c.t.Helper()
	out, err := "", error(nil)
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if out, err = c.run("exec", name, "cat", "/count"); out == fmt.Sprintf("%d\n", n) {
			return
		}
	}
	c.t.Errorf("%s counted %q, not to %d: %v", name, out, n, err)
}

// awaitSaved waits until what a container that runs has counted to is on the disk.
func (c *command) awaitSaved(name string, n int) {
	c.t.Helper()
	id, err := c.run("inspect", "-f", "{{.Id}}", name)
	if err != nil {
		c.t.Error(err)
		return
	}
	upper := filepath.Join(c.home, "containers", strings.TrimSpace(id), "upper.tar")
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if b, _ := os.ReadFile(upper); bytes.Contains(b, fmt.Appendf(nil, "\x00%d\n\x00", n)) {
			return
		}
	}
	c.t.Errorf("%s was never saved", name)
}
