package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lives are commands of containers that live, by their arguments; C is one of a few names.
var lives = [...]string{
	"run -d --name C base sh -c COUNT", "run -d --name C base sh -c COUNT", "run -d --rm --name C base sh -c COUNT", "start C", "start C", "restart -t 0 C", "stop -t 0 C", "exec C sh -c COUNT",
	"exec -d C sleep 0.01", "logs C", "kill C", "rm -f C", "wait C", "diff C", "run -i --name C base sh -c COUNT", "attach C",
	"run -d --restart always --name C base sh -c COUNT", "run -d --restart on-failure --health-cmd false --health-interval 10ms --name C base sh -c FAIL",
	"run -d -p 127.0.0.1::80 -p 127.0.0.1::80/udp --name C base sh -c COUNT", "run --sig-proxy=false --name C base sh -c COUNT", "inspect C", "ps -a",
}

// counted adds to a file of the container, prints, and stays for a while.
const counted = "n=0; [ -e /count ] && read n </count; echo $((n+1)) >/new; mv /new /count; echo run $n; sleep 0.2"

// supervisors are the processes of containers of this test.
func (c *command) supervisors() (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/exe")
	for _, p := range all {
		exe, err := os.Readlink(p)
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(p), "cmdline"))
		if pid, perr := strconv.Atoi(filepath.Base(filepath.Dir(p))); err == nil && perr == nil && exe == c.path && strings.Contains(string(line), "\x00"+superviseVerb+"\x00") {
			pids = append(pids, pid)
		}
	}
	return pids
}

// checkLives asks for the truth: what is said to run can be called, what is not can be started.
func (c *command) checkLives() {
	c.t.Helper()
	list, err := c.run("ps", "-a", "--format", "{{.Names}} {{.State}}")
	if err != nil {
		c.t.Fatal(err)
	}
	const life = "{{.State.Status}} {{.State.StartedAt}} {{.State.Pid}}"
	for line := range strings.Lines(list) {
		name, state, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch state {
		case "running":
			was, _ := c.run("inspect", "-f", life, name)
			out, err := c.run("exec", name, "echo", "here")
			if is, _ := c.run("inspect", "-f", life, name); is == was && strings.HasPrefix(was, "running ") && (err != nil || out != "here\n") {
				c.t.Errorf("exec in %s, which is %s: %q %v", name, is, out, err)
			}
		case "restarting":
			if _, err := c.run("stop", "-t", "0", name); err != nil {
				c.t.Error(err)
			}
			if is, err := c.run("inspect", "-f", "{{.State.Status}}", name); is != "exited\n" {
				c.t.Errorf("%s was restarting, then stopped, and is %s %v", name, is, err)
			}
		case "exited", "created":
			// Somebody who was killed may have left a process that starts it just now.
			ports := "{{.State.Status}} {{range .NetworkSettings.Ports}}{{range .}}{{.HostPort}} {{end}}{{end}}{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}{{.State.Pid}}"
			if has, err := c.run("inspect", "-f", ports, name); err != nil || strings.HasPrefix(has, state) && has != state+" 0\n" {
				c.t.Errorf("%s has ports, an address or a process: %s %v", name, has, err)
			}
			if _, err := c.run("start", name); err != nil {
				c.t.Errorf("start of %s, which was %s: %v", name, state, err)
			}
		default:
			c.t.Errorf("%s is %s", name, state)
		}
	}
}

// TestKilledLives kills containers' processes and the commands that call them, at random moments.
func TestKilledLives(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("finds processes in /proc")
	}
	kills, batch := 100, 20
	if os.Getenv(longVariable) != "" {
		kills = 1000
	}
	if testing.Short() {
		kills = 20
	}
	c := buildCommand(t)
	defer endAll(t, c.home)
	if _, err := c.run("run", "--rm", "base", "sh", "-c", ":"); err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	commands, processes := 0, 0
	for commands+processes < kills {
		hits := make(chan bool, batch)
		slots := make(chan struct{}, 4)
		for range batch {
			args := strings.Fields(lives[rnd.IntN(len(lives))])
			name := fmt.Sprint("box", rnd.IntN(5))
			for i := range args {
				switch args[i] {
				case "C":
					args[i] = name
				case "COUNT":
					args[i] = counted
				case "FAIL":
					args[i] = counted + "; exit 7"
				}
			}
			wait, spare := time.Duration(rnd.IntN(60))*time.Millisecond, rnd.IntN(2) == 0
			slots <- struct{}{}
			go func() {
				if spare {
					cmd := c.start(io.Discard, args...)
					time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() }) // attach and wait may last
					_ = cmd.Wait()
					hits <- false
				} else {
					hits <- c.kill(wait, args...)
				}
				<-slots
			}()
			if pids := c.supervisors(); len(pids) > 0 && rnd.IntN(2) == 0 {
				if p, err := os.FindProcess(pids[rnd.IntN(len(pids))]); err == nil && p.Kill() == nil {
					processes++
				}
			}
		}
		for range batch {
			if <-hits {
				commands++
			}
		}
		c.checkLives()
		if t.Failed() {
			break
		}
	}
	t.Logf("%d commands and %d containers' processes were killed", commands, processes)
	list, err := c.run("ps", "-aq")
	if err != nil {
		t.Fatal(err)
	}
	if ids := strings.Fields(list); len(ids) > 0 {
		if _, err := c.run(append([]string{"rm", "-f"}, ids...)...); err != nil {
			t.Error(err)
		}
	}
	c.checkLeft()
}

// TestSupervisorTold: a container's process that is told to end, as when the host shuts down, stops the container, whatever its policy.
func TestSupervisorTold(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("finds processes in /proc")
	}
	c := buildCommand(t)
	defer endAll(t, c.home)
	if _, err := c.run("run", "-d", "--restart", "always", "--name", "box", "base", "sh", "-c", "trap 'echo kept >/f; exit 6' TERM; echo up; while :; do sleep 0.05; done"); err != nil {
		t.Fatal(err)
	}
	for out := ""; out != "up\n"; out, _ = c.run("logs", "box") {
		time.Sleep(5 * time.Millisecond)
	}
	pids := c.supervisors()
	if len(pids) != 1 {
		t.Fatalf("processes %v", pids)
	}
	p, _ := os.FindProcess(pids[0])
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGTERM} {
		if err := p.Signal(sig); err != nil {
			t.Fatal(err)
		}
	}
	c.want("6\n", "wait", "box")
	c.want("A /f\n", "diff", "box")
	c.checkLeft()
}

// TestDescriptors: what the starter has open, and its folder, are not the container's.
func TestDescriptors(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("finds processes in /proc")
	}
	c := buildCommand(t)
	defer endAll(t, c.home)
	lock := filepath.Join(c.dir, "lock")
	script := fmt.Sprintf("exec 7>%s 8>&1; cd %s; exec %s run -d --name box base sleep 1000", lock, c.dir, c.path)
	cmd := exec.Command("sh", "-c", script)
	cmd.Env = c.env
	if out, err := cmd.CombinedOutput(); err != nil { // ends when nobody has our pipe open
		t.Fatalf("%v: %s", err, out)
	}
	pids := c.supervisors()
	if len(pids) != 1 {
		t.Fatalf("processes %v", pids)
	}
	dir := fmt.Sprintf("/proc/%d/", pids[0])
	if cwd, err := os.Readlink(dir + "cwd"); cwd != "/" || err != nil {
		t.Errorf("in %s: %v", cwd, err)
	}
	list, _ := os.ReadDir(dir + "fd")
	for _, f := range list {
		to, _ := os.Readlink(dir + "fd/" + f.Name())
		if to == lock || strings.HasPrefix(to, "pipe:") {
			t.Errorf("%s is %s", f.Name(), to)
		}
	}
	env, _ := os.ReadFile(dir + "environ")
	if strings.Contains(string(env), "SBX_REGISTRY_MIRROR") || !strings.Contains(string(env), "SBX_HOME="+c.home) {
		t.Errorf("environment %q", env)
	}
	c.want("box\n", "rm", "-f", "box")
	c.checkLeft()
}

// awaitSupervisors waits until no container has a process: one that has just told of its end keeps what it made of code before it goes.
func (c *command) awaitSupervisors() {
	c.t.Helper()
	for end := time.Now().Add(patience); len(c.supervisors()) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Errorf("processes %v of containers stay", c.supervisors())
			return
		}
	}
}

// checkLeft looks for what no container needs any more.
func (c *command) checkLeft() {
	c.t.Helper()
	c.awaitSupervisors()
	c.checkClean()
}
