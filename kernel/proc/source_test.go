package proc

import (
	"slices"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// fake is a kernel with three processes; 12 is a second thread of 10.
type fake struct {
	tasks    map[int]*fakeTask
	hostname string
}

type fakeTask struct {
	st   Status
	fds  map[int]FD
	comm string
	oom  int
}

var bootTime = time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)

func newFake() *fake {
	f := &fake{hostname: "box", tasks: map[int]*fakeTask{}}
	for i, pid := range []int{1, 10, 12, 33} {
		f.tasks[pid] = &fakeTask{
			st: Status{Serial: uint64(i + 1), TGID: pid, TID: pid, PPID: 1, PGID: pid, SID: 1, Comm: "sh", State: 'S',
				TTY: linux.Makedev(136, 3), TTYPgrp: 10, UID: [4]uint32{1000, 1001, 1002, 1003}, GID: [4]uint32{5, 6, 7, 8},
				Groups: []uint32{4, 24}, Umask: 0o22, Threads: 1, Start: 1234 * time.Millisecond, UTime: 2 * time.Second,
				VmSize: 10 << 20, VmRSS: 4 << 20, FDSize: 64, SigBlocked: 1 << 63, CapEff: 0x1ff},
			fds: map[int]FD{
				0: {Path: "/dev/pts/3", Flags: linux.O_RDWR, Loc: vfs.Loc{Ino: 7}, MntID: 5, Ino: 6},
				1: {Path: "pipe:[99]", Flags: linux.O_WRONLY | linux.O_CLOEXEC, Pos: 3, Extra: "x:\t1\n"},
				5: {Path: "/etc/passwd", Flags: linux.O_RDONLY, Loc: vfs.Loc{Ino: 9}},
			},
		}
	}
	f.tasks[12].st.TGID = 10
	f.tasks[33].st.State, f.tasks[33].st.Comm = 'Z', "a) b\n(c"
	return f
}

func (f *fake) PIDs() []int {
	var out []int
	for id, t := range f.tasks {
		if t.st.TGID == id {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func (f *fake) Task(id int) (Task, bool) {
	t, ok := f.tasks[id]
	return t, ok
}

func (f *fake) System() System {
	return System{Hostname: f.hostname, Release: "6.12.0-sbx", Version: "#1 SMP", Machine: "x86_64", Boot: bootTime,
		Uptime: 90*time.Second + 120*time.Millisecond, Idle: 170 * time.Second, CPUs: 2, User: time.Second, Sys: time.Second / 2,
		MemTotal: 512 << 20, MemFree: 300 << 20, MemCached: 50 << 20, MemShared: 10 << 20, MemLimit: 512 << 20, TasksLimit: 100,
		CPULimit: 1.5, Load: [3]float64{0.5, 0.25, 0.126}, Running: 1, Tasks: 4, LastPID: 33, PIDMax: 32768, Forks: 40,
		FileMax: 9999, CommandLine: "sbx", Ptys: 1}
}

func (f *fake) SetHostname(name string) error { f.hostname = name; return nil }
func (f *fake) SetDomainname(string) error    { return linux.EPERM }
func (f *fake) SysvIPC(name string) string    { return name + "\n" }

func (t *fakeTask) Status() Status  { return t.st }
func (t *fakeTask) Cmdline() []byte { return []byte("sh\x00-c\x00true\x00") }
func (t *fakeTask) Environ() []byte { return []byte("A=1\x00B=2\x00") }
func (t *fakeTask) Threads() []int {
	if t.st.TGID == 10 {
		return []int{10, 12}
	}
	return []int{t.st.TID}
}

func (t *fakeTask) FDs() []int { return []int{0, 1, 5} }
func (t *fakeTask) FD(fd int) (FD, error) {
	d, ok := t.fds[fd]
	if !ok {
		return FD{}, linux.EBADF
	}
	return d, nil
}

func (t *fakeTask) Link(l Link) (vfs.Loc, string, error) {
	return vfs.Loc{Ino: uint64(100 + l)}, []string{"/bin/sh", "/tmp", "/"}[l], nil
}

func (t *fakeTask) Maps() []Mapping {
	return []Mapping{
		{Start: 0x400000, End: 0x401000, Read: true, Exec: true, Dev: linux.Makedev(0, 40), Ino: 12, Path: "/bin/sh"},
		{Start: 0x7ffff7dd5000, End: 0x7ffff7dd7000, Read: true, Write: true},
	}
}

func (t *fakeTask) Mounts() []vfs.MountInfo {
	return []vfs.MountInfo{
		{ID: 1, Parent: 0, Dev: 40, Path: "/", Type: "overlay", Source: "overlay", Flags: linux.ST_RELATIME},
		{ID: 2, Parent: 1, Dev: 41, Root: "/sub", Path: "/a b\\c", Type: "tmpfs", Flags: linux.ST_RDONLY | linux.ST_NOSUID | linux.ST_NODEV},
	}
}

func (t *fakeTask) Limits() [16]linux.Rlimit {
	var l [16]linux.Rlimit
	for i := range l {
		l[i] = linux.Rlimit{Cur: 1024, Max: linux.RLIM_INFINITY}
	}
	return l
}

func (t *fakeTask) SetComm(name string) error  { t.comm = name; return nil }
func (t *fakeTask) SetLoginUID(uint32) error   { return linux.EPERM }
func (t *fakeTask) SetOOMScoreAdj(n int) error { t.oom = n; return nil }

// walk finds a path from the root.
func walk(t testing.TB, fs vfs.Super, path string) vfs.Ino {
	t.Helper()
	ino, err := lookup(fs, path)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return ino
}

func lookup(fs vfs.Super, path string) (vfs.Ino, error) {
	ino := fs.Root()
	for _, name := range splitPath(path) {
		var err error
		if ino, err = fs.Lookup(ino, name); err != nil {
			return 0, err
		}
	}
	return ino, nil
}

func content(t testing.TB, fs vfs.Super, path string) string {
	t.Helper()
	h, err := fs.Open(walk(t, fs, path), linux.O_RDONLY)
	if err != nil {
		t.Fatalf("open %s: %v", path, err)
	}
	defer h.Close()
	p := make([]byte, 1<<16)
	n, err := h.ReadAt(p, 0)
	if err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
	return string(p[:n])
}
