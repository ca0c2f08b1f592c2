package wasi_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// fixture is what each command finds: a few files of every kind. Times are
// fixed, and directories come after what is in them.
type fixture struct {
	path, text, link, hard string
	mode                   uint32 // type and permissions
	time                   int64
}

var fixtureTime = time.Date(2022, 2, 2, 0, 0, 0, 0, time.UTC).Unix()

func fixtures() []fixture {
	reg, dir, lnk := uint32(linux.S_IFREG), uint32(linux.S_IFDIR), uint32(linux.S_IFLNK)
	var n strings.Builder
	for i := range 25 {
		fmt.Fprintln(&n, i+1)
	}
	old := time.Date(2020, 1, 2, 3, 4, 5, 123000000, time.UTC).Unix()
	list := []fixture{
		{path: "d", mode: dir | 0o755}, {path: "d/sub", mode: dir | 0o755}, {path: "d/sub/deep", mode: dir | 0o755}, {path: "e", mode: dir | 0o755},
		{path: "a", text: "one\ntwo\nthree\n", mode: reg | 0o644, time: old},
		{path: "n", text: n.String(), mode: reg | 0o600, time: old + 1e6},
		{path: "sp ace", text: "x", mode: reg | 0o644}, {path: "empty", mode: reg | 0o644},
		{path: "it's", text: "h\x00z\n", mode: reg | 0o644},
		{path: "ctl", text: "a\tb\r\n\n\n\nend", mode: reg | 0o644},
		{path: "d/f1", text: "one\ntwo\nthree\n", mode: reg | 0o4711}, {path: "d/sub/f2", text: n.String(), mode: reg | 0o644},
		{path: "la", link: "a", mode: lnk | 0o777}, {path: "dang", link: "nowhere", mode: lnk | 0o777}, {path: "ld", link: "d", mode: lnk | 0o777},
		{path: "p", mode: linux.S_IFIFO | 0o644}, {path: "hard", hard: "a"},
	}
	for i := range list {
		if list[i].time == 0 {
			list[i].time = fixtureTime
		}
	}
	return list
}

// state describes what a command left behind, a line for each file. Sizes of
// directories and times of its own are left out.
func describe(name string, mode, nlink, uid, gid uint32, size, mtime int64, text string) string {
	what := ""
	switch mode & linux.S_IFMT {
	case linux.S_IFREG:
		what = fmt.Sprintf("nlink %d size %d md5 %x", nlink, size, md5.Sum([]byte(text)))
	case linux.S_IFLNK:
		what = "-> " + text
	}
	if mtime > time.Now().Unix()-86400 {
		mtime = 0
	}
	return fmt.Sprintf("%s %o %d:%d %s mtime %d", name, mode, uid, gid, what, mtime)
}

// side is a place to run commands in: the host or a sandbox.
type side interface {
	make(dir string, list []fixture) error
	run(dir, line string) (out, errOut string, code int)
	state(dir string) []string
}

type hostSide struct{ shell string }

func (h hostSide) make(dir string, list []fixture) error {
	for _, f := range list {
		p := filepath.Join(dir, f.path)
		var err error
		switch {
		case f.hard != "":
			err = os.Link(filepath.Join(dir, f.hard), p)
		case f.mode&linux.S_IFMT == linux.S_IFDIR:
			err = os.Mkdir(p, 0o755)
		case f.mode&linux.S_IFMT == linux.S_IFLNK:
			err = os.Symlink(f.link, p)
		case f.mode&linux.S_IFMT == linux.S_IFIFO:
			err = mkfifo(p)
		default:
			err = os.WriteFile(p, []byte(f.text), 0o644)
		}
		if err == nil && f.hard == "" && f.link == "" {
			err = hostChmod(p, f.mode&0o7777)
		}
		if err != nil {
			return err
		}
	}
	for i := len(list) - 1; i >= 0; i-- {
		if f := list[i]; f.hard == "" {
			if err := lutimes(filepath.Join(dir, f.path), f.time); err != nil {
				return err
			}
		}
	}
	for i := len(list) - 1; i >= 0; i-- {
		if f := list[i]; f.mode&linux.S_IFMT == linux.S_IFDIR {
			lutimes(filepath.Join(dir, f.path), f.time)
		}
	}
	return lutimes(dir, fixtureTime)
}

func (h hostSide) run(dir, line string) (string, string, int) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, h.shell, "-c", line)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "HOME=/root", "TERM=xterm"}
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	cmd.Run()
	return out.String(), errOut.String(), cmd.ProcessState.ExitCode()
}

func (h hostSide) state(dir string) []string {
	var list []string
	filepath.Walk(dir, func(p string, info os.FileInfo, err error) error {
		if err != nil {
			return nil
		}
		st := info.Sys().(*syscall.Stat_t)
		text := ""
		if info.Mode().IsRegular() {
			b, _ := os.ReadFile(p)
			text = string(b)
		} else if info.Mode()&os.ModeSymlink != 0 {
			text, _ = os.Readlink(p)
		}
		list = append(list, describe(strings.TrimPrefix(p, dir), st.Mode, uint32(st.Nlink), st.Uid, st.Gid, st.Size, info.ModTime().Unix(), text))
		return nil
	})
	sort.Strings(list)
	return list
}

type boxSide struct{ w *world }

func (b boxSide) make(dir string, list []fixture) error {
	b.w.mkdirAll(dir)
	w := b.w.w
	for _, f := range list {
		p := dir + "/" + f.path
		var err error
		switch {
		case f.hard != "":
			err = w.Link(vfs.Loc{}, dir+"/"+f.hard, vfs.Loc{}, p, 0)
		case f.mode&linux.S_IFMT == linux.S_IFDIR:
			err = w.Mkdir(vfs.Loc{}, p, 0o755)
		case f.mode&linux.S_IFMT == linux.S_IFLNK:
			err = w.Symlink(f.link, vfs.Loc{}, p)
		case f.mode&linux.S_IFMT == linux.S_IFIFO:
			err = w.Mknod(vfs.Loc{}, p, f.mode, 0)
		default:
			writeFile(w, p, []byte(f.text), 0o644)
		}
		if err == nil && f.hard == "" && f.link == "" {
			err = w.Chmod(vfs.Loc{}, p, f.mode&0o7777, 0)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	set := func(p string, sec int64) {
		ts := [2]vfs.Timespec{{Sec: sec}, {Sec: sec}}
		must(w.Utimens(vfs.Loc{}, p, &ts, linux.AT_SYMLINK_NOFOLLOW))
	}
	for _, f := range list {
		if f.hard == "" {
			set(dir+"/"+f.path, f.time)
		}
	}
	set(dir, fixtureTime)
	return nil
}

func (b boxSide) run(dir, line string) (string, string, int) {
	r := b.w.run(run{argv: []string{"sh", "-c", line}, cwd: dir, timeout: 20 * time.Second})
	return r.out, r.err, r.status.ShellCode()
}

func (b boxSide) state(dir string) []string {
	var list []string
	b.walk(dir, "", &list)
	sort.Strings(list)
	return list
}

func (b boxSide) walk(dir, name string, list *[]string) {
	w, p := b.w.w, dir+name
	var a vfs.Attr
	if w.Stat(vfs.Loc{}, p, linux.AT_SYMLINK_NOFOLLOW, &a) != nil {
		return
	}
	text := ""
	switch a.Mode & linux.S_IFMT {
	case linux.S_IFREG:
		if _, h, err := w.Open(vfs.Loc{}, p, linux.O_RDONLY, 0); err == nil {
			buf := make([]byte, a.Size)
			n, _ := h.ReadAt(buf, 0)
			text = string(buf[:n])
			h.Close()
		}
	case linux.S_IFLNK:
		text, _ = w.Readlink(vfs.Loc{}, p)
	case linux.S_IFDIR:
		var names []string
		if _, h, err := w.Open(vfs.Loc{}, p, linux.O_RDONLY|linux.O_DIRECTORY, 0); err == nil {
			h.ReadDir(0, func(e vfs.DirEntry) bool { names = append(names, e.Name); return true })
			h.Close()
		}
		for _, n := range names {
			if n != "." && n != ".." {
				b.walk(dir, name+"/"+n, list)
			}
		}
	}
	*list = append(*list, describe(name, a.Mode, a.Nlink, a.UID, a.GID, a.Size, a.Mtime.Sec, text))
}

// TestGNU runs every line of testdata/gnu/*.txt in a sandbox and on the host,
// whose GNU tools are the reference, and compares output, messages, exit
// status and the files.
func TestGNU(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("the reference needs root: owners and devices are compared")
	}
	if v, err := exec.Command("ls", "--version").Output(); err != nil || !bytes.Contains(v, []byte("coreutils) 9.1")) {
		t.Skip("the reference is GNU coreutils 9.1")
	}
	shellPath, err := exec.LookPath("dash")
	if err != nil {
		t.Skip("no dash on this host")
	}
	files, _ := filepath.Glob("testdata/gnu/*.txt")
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
					compareGNU(t, shellPath, line)
				}
			}
		})
	}
}

func compareGNU(t *testing.T, shellPath, line string) {
	dir, err := os.MkdirTemp("", "sbx-gnu")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755)
	w := newWorld(t)
	defer w.k.Close()
	var got [2]string
	for i, s := range []side{hostSide{shellPath}, boxSide{w}} {
		if err := s.make(dir, fixtures()); err != nil {
			t.Fatal(err)
		}
		out, errOut, code := s.run(dir, line)
		got[i] = fmt.Sprintf("status %d\nstdout:\n%s\nstderr:\n%s\nfiles:\n%s", code, out, errOut, strings.Join(s.state(dir), "\n"))
	}
	if got[0] != got[1] {
		t.Errorf("%s\n%s", line, difference(got[0], got[1]))
	}
}

// difference shows the lines that only one side has.
func difference(a, b string) string {
	count := map[string]int{}
	for l := range strings.Lines(a + "\n") {
		count[l]++
	}
	for l := range strings.Lines(b + "\n") {
		count[l]--
	}
	var out []string
	for l, n := range count {
		if n > 0 {
			out = append(out, "  gnu: "+l)
		} else if n < 0 {
			out = append(out, "  sbx: "+l)
		}
	}
	sort.Strings(out)
	if len(out) > 16 {
		out = out[:16]
	}
	return strings.Join(out, "")
}
