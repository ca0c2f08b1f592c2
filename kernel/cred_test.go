package kernel

import (
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

func TestUserCredentials(t *testing.T) {
	c := UserCredentials(1000, 100, []uint32{5, 6})
	want(t, "caps", c.Effective|c.Permitted, 0)
	want(t, "bounding", c.Bounding, linux.CAP_FULL_SET)
	r := UserCredentials(0, 0, nil)
	want(t, "root", r.Effective, linux.CAP_FULL_SET)
	v := c.vfs()
	want(t, "group", v.InGroup(6), true)
	want(t, "uid", v.UID, 1000)
}

func TestFileCaps(t *testing.T) {
	b := make([]byte, 20)
	b[0], b[3], b[4], b[5] = 1, 2, 0, 0x20 // effective, CAP_NET_RAW
	fc := parseFileCaps(b)
	want(t, "permitted", fc.permitted, 1<<linux.CAP_NET_RAW)
	want(t, "effective", fc.effective, true)
	want(t, "short", parseFileCaps(b[:19]), execCaps{})
	b[3] = 9
	want(t, "version", parseFileCaps(b), execCaps{})
	c := UserCredentials(1000, 1000, nil)
	n, _ := c.exec(0o755, 0, 0, fc, true)
	want(t, "gained", n.Effective, 1<<linux.CAP_NET_RAW)
	n, _ = c.exec(0o755, 0, 0, fc, false)
	want(t, "nosuid", n.Effective, 0)
	c.Bounding = 0
	n, _ = c.exec(0o755, 0, 0, fc, true)
	want(t, "bounded", n.Permitted, 0)
	c = UserCredentials(1000, 1000, nil)
	c.Permitted, c.Inheritable, c.Ambient = 2, 2, 2
	n, _ = c.exec(0o755, 0, 0, execCaps{}, true)
	want(t, "ambient", n.Effective, 2)
	n, _ = c.exec(0o4755, 0, 0, execCaps{}, true)
	want(t, "set-uid root", n.Effective, linux.CAP_FULL_SET)
}

func TestCapset(t *testing.T) {
	w := newWorld(t)
	w.guest(func(g *Task) {
		ok(t, g.Capset(1, 3, 2))
		want[error](t, "more", g.Capset(1, 7, 2), linux.EPERM)
		want[error](t, "effective beyond permitted", g.Capset(4, 3, 2), linux.EPERM)
		want[error](t, "ambient needs both", g.SetAmbient(0, true), linux.EPERM)
		ok(t, g.SetAmbient(1, true))
		want(t, "ambient", g.Credentials().Ambient, 2)
		ok(t, g.Capset(0, 1, 0))
		want(t, "ambient follows", g.Credentials().Ambient, 0)
		want[error](t, "drop without CAP_SETPCAP", g.CapbsetDrop(3), linux.EPERM)
		want[error](t, "bad", g.CapbsetDrop(64), linux.EINVAL)
		want[error](t, "setgroups", g.Setgroups(nil), linux.EPERM)
		want[error](t, "chroot", g.Chroot("/tmp"), linux.EPERM)
		want[error](t, "hostname", g.Sethostname("x"), linux.EPERM)
	})
	w = newWorld(t)
	w.guest(func(g *Task) {
		g.SetKeepCaps(true)
		ok(t, g.Setresuid(9, 9, 9))
		c := g.Credentials()
		want(t, "kept", c.Permitted, linux.CAP_FULL_SET)
		want(t, "effective", c.Effective, 0)
	})
}

func TestPermissionsFollowFsuid(t *testing.T) {
	w := newWorld(t)
	w.file("/secret", "x", 0o600)
	w.guest(func(g *Task) {
		g.Setfsuid(1000)
		_, err := g.Open(linux.AT_FDCWD, "/secret", linux.O_RDONLY, 0)
		want[error](t, "as 1000", err, linux.EACCES)
		want(t, "old", g.Setfsuid(0), 1000)
		fd, err := g.Open(linux.AT_FDCWD, "/secret", linux.O_RDONLY, 0)
		ok(t, err)
		g.Close(fd)
		// access(2) asks with the real ids.
		g.Setresuid(1000, 0, 0)
		want[error](t, "access", g.Access(linux.AT_FDCWD, "/secret", linux.R_OK, 0), linux.EACCES)
		want[error](t, "eaccess", g.Access(linux.AT_FDCWD, "/secret", linux.R_OK, linux.AT_EACCESS), nil)
	})
}
