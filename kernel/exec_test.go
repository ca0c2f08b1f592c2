package kernel

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

func TestParseScript(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, c := range []struct {
		in, interp, arg string
		hasArg, ok      bool
	}{
		{"#!/bin/sh\n", "/bin/sh", "", false, true},
		{"#!/bin/sh", "/bin/sh", "", false, true},
		{"#! \t/bin/sh \t \necho", "/bin/sh", "", false, true},
		{"#!/bin/sh -e -u \n", "/bin/sh", "-e -u", true, true},
		{"#!/usr/bin/env\tpython  x\t\n", "/usr/bin/env", "python  x", true, true},
		{"#!/bin/sh\r\n", "/bin/sh\r", "", false, true},
		{"#!\n/bin/sh", "", "", false, false},
		{"#!  \t \n", "", "", false, false},
		{"#!", "", "", false, false},
		{"#", "", "", false, false},
		{"", "", "", false, false},
		{"!#/bin/sh\n", "", "", false, false},
		{"#!/bin/sh\x00-e\n", "/bin/sh", "", false, true},
		{"#!/" + long, "", "", false, false},
		{"#!/bin/sh " + long, "/bin/sh", long[:headSize-1-len("#!/bin/sh ")], true, true},
	} {
		interp, arg, hasArg, ok := parseScript([]byte(c.in))
		if interp != c.interp || arg != c.arg || hasArg != c.hasArg || ok != c.ok {
			t.Errorf("%q: %q %q %v %v", c.in, interp, arg, hasArg, ok)
		}
	}
}

func FuzzParseScript(f *testing.F) {
	for _, s := range []string{"#!/bin/sh\n", "#! a b\t\n", "#!", "#!\x00\n", "#!" + strings.Repeat(" ", 300)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		interp, arg, hasArg, ok := parseScript(b)
		if !ok && (interp != "" || arg != "" || hasArg) {
			t.Error("an answer without ok")
		}
		if ok && (interp == "" || strings.ContainsAny(interp+arg, "\n\x00") || strings.ContainsAny(interp, " \t") ||
			strings.Trim(arg, " \t") != arg || hasArg != (arg != "")) {
			t.Errorf("%q: %q %q", b, interp, arg)
		}
	})
}

// echo is a program that writes its arguments, one in a line.
func echo(t *Task) int {
	t.Write(1, []byte(strings.Join(t.Argv(), "\n")+"\n"))
	return 0
}

// output runs a program of the guest and returns what it wrote.
func output(t *testing.T, g *Task, path string, argv ...string) (string, error) {
	t.Helper()
	r, wr, _ := g.Pipe(linux.O_CLOEXEC)
	pid, err := g.Spawn(SpawnOpts{Path: path, Argv: argv, Files: map[int]int{1: wr}})
	g.Close(wr)
	defer g.Close(r)
	if err != nil {
		return "", err
	}
	b := make([]byte, 65536)
	n := 0
	for {
		m, err := g.Read(r, b[n:])
		ok(t, err)
		if m == 0 {
			break
		}
		n += m
	}
	reap(t, g, pid)
	return string(b[:n]), nil
}

// TestScriptsLikeTheHost executes the same scripts here and on the host.
func TestScriptsLikeTheHost(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the host is not Linux")
	}
	dir := t.TempDir()
	printer := filepath.Join(dir, "printer")
	out, err := exec.Command("go", "build", "-o", printer, "./testdata/printargs").CombinedOutput()
	if err != nil {
		t.Skipf("no go command to build the interpreter with: %v\n%s", err, out)
	}
	w := newWorld(t)
	wk := w.walker()
	at := ""
	for _, part := range strings.Split(strings.Trim(dir, "/"), "/") {
		at += "/" + part
		wk.Mkdir(vfs.Loc{}, at, 0o755)
	}
	w.loader.progs["echo"] = echo
	w.file(printer, BuiltinMagic+"echo", 0o755)
	first := filepath.Join(dir, "s0")
	for i, text := range []string{
		"#!" + printer + "\n",
		"#!" + printer,
		"#! \t" + printer + " a  b\t\nrest",
		"#!" + printer + "\ta",
		"#!" + printer + "\r\n",
		"#!" + printer + " -x\r\n",
		"#!" + first + "\n",
		"#!" + first + " arg\n",
		"#!" + strings.Repeat(" ", 300) + printer + "\n",
		"#!" + printer + " " + strings.Repeat("y", 400) + "\n",
		"#!" + dir + "/missing\n",
		"#!" + dir + "\n",
		"#!\n" + printer,
		"#!   \n",
		"#!" + printer + "\x00 x\n",
	} {
		name := "s" + string(rune('0'+i))
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		w.file(path, text, 0o755)
	}
	chain := first
	for i := range 7 {
		path := filepath.Join(dir, "chain"+string(rune('0'+i)))
		text := "#!" + chain + "\n"
		os.WriteFile(path, []byte(text), 0o755)
		w.file(path, text, 0o755)
		chain = path
	}
	names, _ := filepath.Glob(dir + "/[sc]*")
	w.guest(func(g *Task) {
		for _, path := range names {
			cmd := &exec.Cmd{Path: path, Args: []string{"zero", "one", "", "two words"}}
			host, hostErr := cmd.Output()
			got, err := output(t, g, path, cmd.Args...)
			if string(host) != got || linux.ErrnoOf(hostErr) != linux.ErrnoOf(err) {
				t.Errorf("%s: host %q %v, here %q %v", path, host, hostErr, got, err)
			}
		}
	})
}

func TestExecKeepsAndResets(t *testing.T) {
	w := newWorld(t)
	w.prog("look", func(g *Task) int {
		fds := g.Fds()
		want(t, "descriptors", slices.Equal(fds, []int{3}), true)
		want(t, "comm", g.Comm(), "look")
		want(t, "argv", strings.Join(g.Argv(), " "), "x y")
		want(t, "env", strings.Join(g.Env(), " "), "A=1")
		for s, d := range map[linux.Signal]Disposition{linux.SIGINT: SigIgnore, linux.SIGTERM: SigDefault, linux.SIGHUP: SigDefault} {
			a, _ := g.SigactionFull(s, nil)
			want(t, s.String(), a.Disp, d)
		}
		m, _ := g.Sigmask(0, nil)
		want(t, "mask is kept", m, linux.SigSet(0).With(linux.SIGUSR1))
		want(t, "pending is kept", g.Sigpending(), m)
		want(t, "umask", g.Umask(0), 0o77)
		cwd, _ := g.Getcwd()
		want(t, "cwd", cwd, "/tmp")
		return 5
	})
	w.guest(func(g *Task) {
		pid := child(t, g, func(c *Task) int {
			r, _, _ := c.Pipe(0)
			c.Dup3(r, 5, linux.O_CLOEXEC)
			c.Dup2(r, 3)
			c.Close(0)
			c.Close(1)
			c.Sigaction(linux.SIGINT, SigIgnore)
			c.Sigaction(linux.SIGTERM, SigHandle)
			set := linux.SigSet(0).With(linux.SIGUSR1)
			c.Sigmask(linux.SIG_SETMASK, &set)
			c.Kill(c.Getpid(), linux.SIGUSR1)
			c.Umask(0o77)
			c.Chdir("/tmp")
			if err := c.Exec("/bin/none", nil, nil); err != linux.ENOENT {
				t.Error(err)
			}
			want(t, "nothing happened", len(c.Fds()), 2)
			if err := c.Exec("../bin/look", []string{"x", "y"}, []string{"A=1"}); err != nil {
				t.Error(err)
			}
			return 99
		})
		want(t, "status", reap(t, g, pid), linux.ExitStatus(5))
	})
}

func TestTextBusy(t *testing.T) {
	w := newWorld(t)
	w.prog("stay", func(g *Task) int { g.Pause(); return 0 })
	w.file("/bin/script", "#!/bin/stay\n", 0o755)
	w.guest(func(g *Task) {
		fd, err := g.Open(linux.AT_FDCWD, "/bin/stay", linux.O_WRONLY, 0)
		ok(t, err)
		_, err = g.Spawn(SpawnOpts{Path: "stay"})
		want[error](t, "exec of what is written", err, linux.ETXTBSY)
		g.Close(fd)
		pid, err := g.Spawn(SpawnOpts{Path: "/bin/script"})
		ok(t, err)
		_, err = g.Open(linux.AT_FDCWD, "/bin/stay", linux.O_WRONLY, 0)
		want[error](t, "write to what runs", err, linux.ETXTBSY)
		fd, err = g.Open(linux.AT_FDCWD, "/bin/script", linux.O_WRONLY, 0)
		ok(t, err) // a script may be
		_, err = g.Spawn(SpawnOpts{Path: "/bin/script"})
		want[error](t, "script that is written", err, linux.ETXTBSY)
		g.Close(fd)
		g.Kill(pid, linux.SIGKILL)
		reap(t, g, pid)
		fd, err = g.Open(linux.AT_FDCWD, "/bin/stay", linux.O_WRONLY, 0)
		ok(t, err)
		g.Close(fd)
	})
}

func TestSetIDExec(t *testing.T) {
	w := newWorld(t)
	ids := make(chan Credentials, 1)
	w.prog("su", func(g *Task) int { ids <- g.Credentials(); return 0 })
	for _, c := range []struct {
		mode uint32
		nnp  bool
		euid uint32
		egid uint32
		caps uint64
	}{
		{0o755, false, 500, 500, 0},
		{0o4755, false, 0, 500, linux.CAP_FULL_SET},
		{0o6755, false, 0, 0, linux.CAP_FULL_SET},
		{0o2755, false, 500, 0, 0},
		{0o2745, false, 500, 500, 0},
		{0o6755, true, 500, 500, 0},
	} {
		ok(t, w.walker().Chmod(vfs.Loc{}, "/bin/su", c.mode, 0))
		w.guest(func(g *Task) {
			g.Setresgid(500, 500, 500)
			g.Setresuid(500, 500, 500)
			if c.nnp {
				g.SetNoNewPrivs()
			}
			pid, err := g.Spawn(SpawnOpts{Path: "/bin/su"})
			ok(t, err)
			reap(t, g, pid)
		})
		cr := <-ids
		want(t, "euid", cr.EUID, c.euid)
		want(t, "suid", cr.SUID, c.euid)
		want(t, "uid", cr.UID, 500)
		want(t, "egid", cr.EGID, c.egid)
		want(t, "caps", cr.Effective, c.caps)
		want(t, "while it was loaded", w.loader.cred.EUID, c.euid)
		want(t, "secure", w.loader.secure, c.euid != 500 || c.egid != 500)
		f := w
		w = newWorld(t)
		w.prog("su", f.loader.progs["su"])
	}
}

func TestSpawn(t *testing.T) {
	w := newWorld(t)
	w.prog("fds", func(g *Task) int {
		n := 0
		for _, fd := range g.Fds() {
			n |= 1 << fd
		}
		return n
	})
	w.prog("mask", func(g *Task) int {
		m, _ := g.Sigmask(0, nil)
		a, _ := g.SigactionFull(linux.SIGINT, nil)
		return int(m) | int(a.Disp)<<4
	})
	w.guest(func(g *Task) {
		r, wr, _ := g.Pipe(linux.O_CLOEXEC) // 0, 1
		g.Dup2(r, 5)
		run := func(o SpawnOpts) int {
			t.Helper()
			pid, err := g.Spawn(o)
			ok(t, err)
			return reap(t, g, pid).ExitCode()
		}
		want(t, "inherit", run(SpawnOpts{Path: "fds"}), 1<<5)
		want(t, "map", run(SpawnOpts{Path: "fds", Files: map[int]int{0: wr, 1: r, 2: wr, 5: -1}}), 7)
		want(t, "only", run(SpawnOpts{Path: "fds", Files: map[int]int{3: 5}, CloseOthers: true}), 8)
		_, err := g.Spawn(SpawnOpts{Path: "fds", Files: map[int]int{3: 77}})
		want[error](t, "bad fd", err, linux.EBADF)
		set := linux.SigSet(2)
		g.Sigaction(linux.SIGINT, SigIgnore)
		want(t, "mask", run(SpawnOpts{Path: "mask", SigMask: &set}), 2|int(SigIgnore)<<4)
		want(t, "default", run(SpawnOpts{Path: "mask", SigDefault: linux.SigSet(0).With(linux.SIGINT)}), 0)
		_, err = g.Spawn(SpawnOpts{Path: "nothing"})
		want[error](t, "not found", err, linux.ENOENT)
		_, err = g.Spawn(SpawnOpts{Path: "fds", Cwd: "/none"})
		want[error](t, "bad cwd", err, linux.ENOENT)
		_, err = g.Spawn(SpawnOpts{Path: "fds", Setpgid: 12345})
		want[error](t, "bad group", err, linux.EPERM)
		_, err = g.Spawn(SpawnOpts{Path: "fds", Env: []string{strings.Repeat("x", maxArg)}})
		want[error](t, "long string", err, linux.E2BIG)
		want(t, "children left", len(g.proc.children), 0)
	})
	want(t, "files left", w.k.openFiles.Load(), 0)
}

func TestLoaderPanicAndRefusal(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Loaders = append([]Loader{badLoader{}}, c.Loaders...) })
	w.prog("fine", func(*Task) int { return 2 })
	w.file("/bin/bad", "BAD", 0o755)
	w.guest(func(g *Task) {
		_, err := g.Spawn(SpawnOpts{Path: "bad"})
		want[error](t, "panic", err, linux.ENOEXEC)
		pid, err := g.Spawn(SpawnOpts{Path: "fine"})
		ok(t, err)
		want(t, "next loader", reap(t, g, pid), linux.ExitStatus(2))
	})
	want(t, "Close tells", w.k.Close() != nil, true)
}

type badLoader struct{}

func (badLoader) Name() string      { return "bad" }
func (badLoader) Match([]byte) bool { return true }
func (badLoader) Load(_ *Task, f *File, _ string, _, _ []string) (Program, error) {
	b := make([]byte, 3)
	f.ReadAt(b, 0)
	if string(b) == "BAD" {
		panic("bad file")
	}
	return nil, errors.Join(linux.ENOEXEC)
}

// heldProgram is one that has to run or to be unloaded.
type heldProgram struct{ held *atomic.Int64 }

func (p heldProgram) Run(*Task) int { p.held.Add(-1); return 0 }
func (p heldProgram) Unload()       { p.held.Add(-1) }

// heldLoader loads such programs for a file that starts with "held".
type heldLoader struct{ held atomic.Int64 }

func (l *heldLoader) Name() string           { return "held" }
func (l *heldLoader) Match(head []byte) bool { return strings.HasPrefix(string(head), "held") }
func (l *heldLoader) Load(*Task, *File, string, []string, []string) (Program, error) {
	l.held.Add(1)
	return heldProgram{&l.held}, nil
}

// TestKilledInExec: a program that was loaded for a task which is killed
// meanwhile is let go of.
func TestKilledInExec(t *testing.T) {
	l := &heldLoader{}
	for range 300 {
		w := newWorld(t, func(c *Config) { c.Loaders = append(c.Loaders, l) })
		w.file("/held", "held", 0o755)
		p := w.start(func(g *Task) int {
			for range 4 {
				g.Clone(CloneOpts{Thread: true, Sighand: true, Files: true, FS: true}, ProgramFunc(func(u *Task) int {
					<-u.Context().Done()
					return 0
				}))
			}
			g.Exec("/held", []string{"held"}, nil)
			return 0
		})
		go p.Signal(linux.SIGKILL)
		w.wait(p)
		w.k.Close()
	}
	if n := l.held.Load(); n != 0 {
		t.Errorf("%d programs are still held", n)
	}
}
