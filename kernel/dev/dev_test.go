package dev

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/tty"
	"github.com/sbxrun/sbx/vfs"
)

// task is a caller: a session leader without a terminal.
type task struct {
	ctty *tty.TTY
	uid  uint32
}

func (t *task) SID() int                        { return 5 }
func (t *task) PGID() int                       { return 5 }
func (t *task) IsLeader() bool                  { return true }
func (t *task) CTTY() *tty.TTY                  { return t.ctty }
func (t *task) SetCTTY(c *tty.TTY)              { t.ctty = c }
func (t *task) SignalIgnored(linux.Signal) bool { return false }
func (t *task) Orphaned() bool                  { return false }
func (t *task) SignalOwnGroup(linux.Signal)     {}
func (t *task) Privileged() bool                { return false }
func (t *task) GroupSession(int) (int, bool)    { return 5, true }
func (t *task) FSUID() uint32                   { return t.uid }

func mustOpen(t testing.TB, d *Devices, major, minor uint32, flags int, c Caller) Device {
	t.Helper()
	dev, err := d.Open(linux.Makedev(major, minor), flags, c)
	if err != nil {
		t.Fatalf("open %d:%d: %v", major, minor, err)
	}
	t.Cleanup(func() { dev.Close() })
	return dev
}

func TestMemoryDevices(t *testing.T) {
	d := New(Options{Random: func(p []byte) {
		for i := range p {
			p[i] = 7
		}
	}})
	for _, c := range []struct {
		minor uint32
		read  int
		fill  byte
		write error
	}{
		{minorNull, 0, 1, nil}, {minorZero, 4, 0, nil}, {minorFull, 4, 0, linux.ENOSPC},
		{minorRandom, 4, 7, nil}, {minorURandom, 4, 7, nil},
	} {
		dev := mustOpen(t, d, majorMem, c.minor, linux.O_RDWR, nil)
		p := []byte{1, 1, 1, 1}
		n, err := dev.Read(nil, p, nil)
		if n != c.read || err != nil || p[0] != c.fill {
			t.Errorf("1:%d reads %d %v, %v", c.minor, n, p, err)
		}
		n, err = dev.Write(nil, p, nil)
		if !errors.Is(err, c.write) || c.write == nil && n != 4 {
			t.Errorf("1:%d writes %d, %v", c.minor, n, err)
		}
		if r := dev.Readiness(); r != linux.POLLIN|linux.POLLRDNORM|linux.POLLOUT|linux.POLLWRNORM {
			t.Errorf("1:%d readiness %#x", c.minor, r)
		}
	}
	for _, dev := range []uint64{linux.Makedev(majorMem, 1), linux.Makedev(8, 0), linux.Makedev(majorTTYAux, 9), linux.Makedev(majorTTYAux, minorTTY)} {
		if _, err := d.Open(dev, linux.O_RDWR, nil); err != linux.ENXIO {
			t.Errorf("open of %#x: %v", dev, err)
		}
	}
}

func TestHostRandomness(t *testing.T) {
	dev := mustOpen(t, New(Options{}), majorMem, minorURandom, linux.O_RDONLY, nil)
	var a, b [32]byte
	dev.Read(nil, a[:], nil)
	dev.Read(nil, b[:], nil)
	if a == b {
		t.Error("twice the same")
	}
}

func names(t *testing.T, fs vfs.Super) []string {
	t.Helper()
	h, err := fs.Open(fs.Root(), linux.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	var out []string
	for cookie := uint64(0); ; { // one entry at a time, as with a small buffer
		more := false
		h.ReadDir(cookie, func(e vfs.DirEntry) bool { out, cookie, more = append(out, e.Name), e.Cookie, true; return false })
		if !more {
			return out
		}
	}
}

func TestPtmx(t *testing.T) {
	d := New(Options{PtsDev: 77, TTYGID: 5})
	me := &task{uid: 1000}
	m := mustOpen(t, d, majorTTYAux, minorPtmx, linux.O_RDWR, me).(*tty.End)
	if me.ctty != nil {
		t.Error("opening /dev/ptmx gave a controlling terminal")
	}
	if _, err := d.Open(m.TTY().Rdev(), linux.O_RDWR, me); err != linux.EIO {
		t.Errorf("open of a locked slave: %v", err)
	}
	m.SetLock(false)
	s := mustOpen(t, d, majorPts, 0, linux.O_RDWR|linux.O_NOCTTY, me)
	if me.ctty != nil {
		t.Error("O_NOCTTY gave a controlling terminal")
	}
	mustOpen(t, d, majorPts, 0, linux.O_RDWR, me)
	if me.ctty != m.TTY() {
		t.Error("no controlling terminal")
	}
	if _, err := s.Write(me, []byte("hi\n"), nil); err != nil {
		t.Error(err)
	}
	p := make([]byte, 9)
	if n, err := m.Read(nil, p, nil); string(p[:n]) != "hi\r\n" || err != nil {
		t.Errorf("master read %q, %v", p[:n], err)
	}
	if own := mustOpen(t, d, majorTTYAux, minorTTY, linux.O_RDWR, me).(*tty.End); own.TTY() != m.TTY() {
		t.Error("/dev/tty is another terminal")
	}
	if peer, err := d.OpenPeer(m, linux.O_RDWR|linux.O_NOCTTY, nil); err != nil || peer.(*tty.End).TTY() != m.TTY() {
		t.Errorf("TIOCGPTPEER: %v", err)
	}
	if _, err := d.OpenPeer(s.(*tty.End), 0, nil); err != linux.EIO {
		t.Errorf("TIOCGPTPEER on the slave: %v", err)
	}
}

func TestConsole(t *testing.T) {
	d := New(Options{})
	if _, err := d.Open(linux.Makedev(majorTTYAux, minorConsole), linux.O_RDWR, nil); err != linux.EIO {
		t.Errorf("no console: %v", err)
	}
	p, err := d.NewPTY(tty.Config{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	d.SetConsole(p)
	if e := mustOpen(t, d, majorTTYAux, minorConsole, linux.O_RDWR, nil).(*tty.End); e.TTY() != p {
		t.Error("another console")
	}
}

func TestPtsFileSystem(t *testing.T) {
	now := time.Unix(1000, 0)
	d := New(Options{PtsDev: 77, TTYGID: 5, MaxPtys: 3, Now: func() time.Time { return now }})
	fs := d.Pts()
	var ttys []*tty.TTY
	for range 3 {
		p, err := d.NewPTY(tty.Config{}, 1000)
		if err != nil {
			t.Fatal(err)
		}
		ttys = append(ttys, p)
	}
	if _, err := d.NewPTY(tty.Config{}, 0); err != linux.ENOSPC {
		t.Errorf("one too many: %v", err)
	}
	if got := len(names(t, fs)); got != 6 {
		t.Errorf("%d entries: %v", got, names(t, fs))
	}
	one, err := fs.Lookup(fs.Root(), "1")
	if err != nil {
		t.Fatal(err)
	}
	var a vfs.Attr
	if err := fs.Getattr(one, &a); err != nil || a.Mode != linux.S_IFCHR|0o620 || a.UID != 1000 || a.GID != 5 ||
		a.Rdev != linux.Makedev(136, 1) || a.Dev != 77 || a.Mtime.Sec != 1000 {
		t.Errorf("attributes %+v, %v", a, err)
	}
	now = time.Unix(2000, 0)
	fs.Setattr(one, &vfs.SetAttr{Valid: vfs.SetMode | vfs.SetUID, Mode: 0o600, UID: 7})
	if fs.Getattr(one, &a); a.Mode != linux.S_IFCHR|0o600 || a.UID != 7 || a.Ctime.Sec != 2000 || a.Mtime.Sec != 1000 {
		t.Errorf("after chown and chmod: %+v", a)
	}
	ttys[1].Master().Close()
	if err := fs.Getattr(one, &a); err != linux.ENOENT {
		t.Errorf("a closed terminal: %v", err)
	}
	if _, err := d.Open(linux.Makedev(136, 1), linux.O_RDWR, nil); err != linux.EIO {
		t.Errorf("open of a closed terminal: %v", err)
	}
	again, err := d.NewPTY(tty.Config{}, 0)
	if err != nil || again.Index() != 1 {
		t.Fatalf("number %d, %v", again.Index(), err)
	}
	if ino, _ := fs.Lookup(fs.Root(), "1"); ino == one {
		t.Error("an inode number came again")
	}
	for _, name := range []string{"01", "-1", "x", "3", ""} {
		if _, err := fs.Lookup(fs.Root(), name); err != linux.ENOENT {
			t.Errorf("lookup %q: %v", name, err)
		}
	}
	if _, err := fs.Open(one, 0); err != linux.ENXIO {
		t.Errorf("open of a node: %v", err)
	}
	if _, err := fs.Create(fs.Root(), "x", vfs.CreateOpts{}); err == nil {
		t.Error("created a file")
	}
}

func TestPopulate(t *testing.T) {
	fs := vfs.New(nil, nil, vfs.Options{Type: "tmpfs"})
	if err := Populate(fs, true, 5); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		mode uint32
		rdev uint64
		link string
	}{
		"null": {linux.S_IFCHR | 0o666, linux.Makedev(1, 3), ""}, "zero": {linux.S_IFCHR | 0o666, linux.Makedev(1, 5), ""},
		"full": {linux.S_IFCHR | 0o666, linux.Makedev(1, 7), ""}, "random": {linux.S_IFCHR | 0o666, linux.Makedev(1, 8), ""},
		"urandom": {linux.S_IFCHR | 0o666, linux.Makedev(1, 9), ""}, "tty": {linux.S_IFCHR | 0o666, linux.Makedev(5, 0), ""},
		"console": {linux.S_IFCHR | 0o620, linux.Makedev(5, 1), ""}, "ptmx": {linux.S_IFLNK | 0o777, 0, "pts/ptmx"},
		"fd": {linux.S_IFLNK | 0o777, 0, "/proc/self/fd"}, "stdin": {linux.S_IFLNK | 0o777, 0, "/proc/self/fd/0"},
		"stdout": {linux.S_IFLNK | 0o777, 0, "/proc/self/fd/1"}, "stderr": {linux.S_IFLNK | 0o777, 0, "/proc/self/fd/2"},
		"pts": {linux.S_IFDIR | 0o755, 0, ""}, "shm": {linux.S_IFDIR | 0o1777, 0, ""}, "mqueue": {linux.S_IFDIR | 0o1777, 0, ""},
	} {
		ino, err := fs.Lookup(fs.Root(), name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var a vfs.Attr
		fs.Getattr(ino, &a)
		if a.Mode != want.mode || a.Rdev != want.rdev {
			t.Errorf("%s: mode %o device %#x", name, a.Mode, a.Rdev)
		}
		if s, _ := fs.Readlink(ino); s != want.link {
			t.Errorf("%s leads to %q", name, s)
		}
	}
}

func TestManyTerminals(t *testing.T) {
	d := New(Options{})
	for i := range 300 {
		p, err := d.NewPTY(tty.Config{}, 0)
		if err != nil || p.Index() != i || p.Rdev() != linux.Makedev(136, uint32(i)) {
			t.Fatalf("terminal %d: %v", i, err)
		}
		if _, err := d.Pts().Lookup(1, strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkNull(b *testing.B) {
	d := mustOpen(b, New(Options{}), majorMem, minorNull, linux.O_RDWR, nil)
	p := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		d.Write(nil, p, nil)
	}
}
