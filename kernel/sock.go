package kernel

import (
	"slices"
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/socket"
	"github.com/sbxrun/sbx/vfs"
)

// sock is an open socket.
type sock struct {
	s       *socket.Socket
	q       Queue
	starved atomic.Bool // a write found no room: for SIGIO
}

// newSock makes the description of a socket, which open makes with a way to wake
// it.
func (k *Kernel) newSock(flags int, open func(wake func(bits uint32)) (*socket.Socket, error)) (*File, *sock, error) {
	o := &sock{}
	f, err := k.newFile(o, linux.O_RDWR|flags&linux.O_NONBLOCK)
	if err != nil {
		return nil, nil, err
	}
	s, err := open(o.q.wakeBits)
	if err != nil {
		k.openFiles.Add(-1)
		return nil, nil, err
	}
	o.s = s
	s.OnUrgent(f.tellUrgent)
	f.name = bracket("socket", f.ino)
	return f, o, nil
}

func (o *sock) read(t *Task, f *File, p []byte) (int, error) {
	return o.recv(t, f, &socket.Message{Data: p}, 0)
}

func (o *sock) write(t *Task, f *File, p []byte) (int, error) {
	return o.send(t, f, &socket.Message{Data: p, Cred: t.ucred()})
}

func (o *sock) ready(*File) uint32              { return o.s.Ready() }
func (o *sock) watch(_ *File, w *waker) func()  { return watchQueue(&o.q, w) }
func (o *sock) attr(f *File, a *vfs.Attr) error { return f.anonAttr(a, linux.S_IFSOCK|0o777) }
func (o *sock) release(*File)                   { o.s.Close() }

// ucred is what SCM_CREDENTIALS and SO_PEERCRED say of the task.
func (t *Task) ucred() linux.Ucred {
	c := t.cred.Load()
	return linux.Ucred{PID: uint32(t.proc.pid), UID: c.EUID, GID: c.EGID}
}

// right is a file in a control message.
type right struct{ f *File }

// Hold implements socket.Right.
func (r right) Hold() socket.Right { return right{r.f.Ref()} }

// Close implements socket.Right.
func (r right) Close() error { return r.f.Close() }

// sockFile starts a call on a socket: ENOTSOCK when the descriptor is none.
func (t *Task) sockFile(fd int) (*File, *sock, error) {
	f, err := t.file(fd)
	if err != nil {
		return nil, nil, err
	}
	if o, ok := f.ops.(*sock); ok {
		return f, o, nil
	}
	path := f.flags.Load()&linux.O_PATH != 0
	f.decref(t)
	if path {
		return nil, nil, linux.EBADF
	}
	return nil, nil, linux.ENOTSOCK
}

// Socket is socket(2).
func (t *Task) Socket(domain, typ, proto int) (int, error) {
	if typ&^(linux.SOCK_TYPE_MASK|linux.SOCK_NONBLOCK|linux.SOCK_CLOEXEC) != 0 {
		return -1, linux.EINVAL
	}
	if err := t.enter(); err != nil {
		return -1, err
	}
	f, _, err := t.k.newSock(typ, func(wake func(uint32)) (*socket.Socket, error) {
		return t.k.net.NewSocket(domain, typ&linux.SOCK_TYPE_MASK, proto, t.ucred(), t.cred.Load().Has(linux.CAP_NET_RAW), wake)
	})
	if err != nil {
		return -1, err
	}
	return t.install(f, 0, typ&linux.SOCK_CLOEXEC != 0)
}

// Socketpair is socketpair(2), which only AF_UNIX has.
func (t *Task) Socketpair(domain, typ, proto int) (a, b int, err error) {
	if typ&^(linux.SOCK_TYPE_MASK|linux.SOCK_NONBLOCK|linux.SOCK_CLOEXEC) != 0 {
		return -1, -1, linux.EINVAL
	}
	if err := t.enter(); err != nil {
		return -1, -1, err
	}
	open := func(wake func(uint32)) (*socket.Socket, error) {
		s, err := t.k.net.NewSocket(domain, typ&linux.SOCK_TYPE_MASK, proto, t.ucred(), false, wake)
		if err == nil && domain != linux.AF_UNIX {
			s.Close()
			err = linux.EOPNOTSUPP
		}
		return s, err
	}
	fa, sa, err := t.k.newSock(typ, open)
	if err != nil {
		return -1, -1, err
	}
	fb, sb, err := t.k.newSock(typ, open)
	if err != nil {
		fa.decref(t)
		return -1, -1, err
	}
	socket.Pair(sa.s, sb.s)
	if a, err = t.install(fa, 0, typ&linux.SOCK_CLOEXEC != 0); err != nil {
		fb.decref(t)
		return -1, -1, err
	}
	if b, err = t.install(fb, 0, typ&linux.SOCK_CLOEXEC != 0); err != nil {
		_ = t.Close(a)
		return -1, -1, err
	}
	return a, b, nil
}

// decode reads an address, which has to be as long as those of the socket's family.
func (o *sock) decode(b []byte) (linux.Sockaddr, error) {
	sa, err := linux.DecodeSockaddr(b)
	if err == nil && sa.Family != linux.AF_UNSPEC {
		switch d := o.s.Domain(); {
		case d == linux.AF_INET && len(b) < linux.SockaddrInSize,
			d == linux.AF_INET6 && len(b) < linux.SockaddrIn6Size-4 && sa.Family != linux.AF_INET:
			err = linux.EINVAL
		}
	}
	return sa, err
}

// sockaddr reads an address and finds the inode of a path. Errors of the walk
// come out as they are.
func (t *Task) sockaddr(o *sock, b []byte) (sa linux.Sockaddr, key any, err error) {
	if sa, err = o.decode(b); err != nil {
		return sa, nil, err
	}
	if sa.Family != linux.AF_UNIX || sa.Path == "" || sa.Path[0] == 0 || o.s.Domain() != linux.AF_UNIX {
		return sa, nil, nil
	}
	w := t.walker()
	defer w.done()
	loc, err := w.Resolve(vfs.Loc{}, sa.Path, 0)
	if err != nil {
		return sa, nil, err
	}
	var a vfs.Attr
	if err := loc.Getattr(&a); err != nil {
		return sa, nil, err
	}
	if err := w.AccessLoc(loc, linux.W_OK); err != nil {
		return sa, nil, err
	}
	if !linux.S_ISSOCK(a.Mode) {
		return sa, nil, linux.ECONNREFUSED
	}
	return sa, fifoKey{loc.Super(), loc.Ino}, nil
}

// Bind is bind(2); the address is a struct sockaddr. A path of AF_UNIX makes an
// inode there.
func (t *Task) Bind(fd int, addr []byte) error {
	f, o, err := t.sockFile(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	sa, err := o.decode(addr)
	if err != nil {
		return err
	}
	if sa.Family != linux.AF_UNIX || o.s.Domain() != linux.AF_UNIX || sa.Path == "" || sa.Path[0] == 0 {
		return o.s.Bind(sa, nil)
	}
	if o.s.Name().Path != "" {
		return linux.EINVAL
	}
	return t.bindPath(o, sa)
}

// bindPath makes the inode of a socket and gives it the name.
func (t *Task) bindPath(o *sock, sa linux.Sockaddr) error {
	w := t.walker()
	defer w.done()
	err := w.Mknod(vfs.Loc{}, sa.Path, linux.S_IFSOCK|0o777, 0)
	if err == linux.EEXIST {
		err = linux.EADDRINUSE
	}
	if err != nil {
		return err
	}
	loc, err := w.Resolve(vfs.Loc{}, sa.Path, vfs.NoFollow)
	if err != nil {
		return err
	}
	return o.s.Bind(sa, fifoKey{loc.Super(), loc.Ino})
}

// Connect is connect(2).
func (t *Task) Connect(fd int, addr []byte) error {
	f, o, err := t.sockFile(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	sa, key, err := t.sockaddr(o, addr)
	if err != nil {
		return err
	}
	_, limit := o.s.Timeouts()
	if limit == 0 {
		limit = forever
	}
	nonblock := f.nonblock()
	if err = o.s.Connect(sa, key, nonblock); err == linux.EINPROGRESS {
		o.starved.Store(true)
	}
	switch {
	case nonblock || err != linux.EAGAIN && err != linux.EINPROGRESS:
		return err
	case err == linux.EAGAIN: // the backlog of AF_UNIX is full
		werr := t.await(&o.q, limit, func() bool {
			err = o.s.Connect(sa, key, false)
			return err != linux.EAGAIN
		})
		if werr == linux.ETIMEDOUT {
			return linux.EAGAIN
		}
		if werr != nil {
			return werr
		}
		return err
	}
	werr := t.await(&o.q, limit, func() bool {
		var busy bool
		busy, err = o.s.Connecting()
		return !busy
	})
	if werr == linux.ETIMEDOUT {
		return linux.EINPROGRESS
	}
	if werr != nil {
		return werr
	}
	return err
}

// Listen is listen(2).
func (t *Task) Listen(fd, backlog int) error {
	f, o, err := t.sockFile(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	return o.s.Listen(backlog)
}

// Accept is accept4(2) with SOCK_NONBLOCK and SOCK_CLOEXEC. It returns the
// address of the other side as well.
func (t *Task) Accept(fd, flags int) (int, []byte, error) {
	if flags&^(linux.SOCK_NONBLOCK|linux.SOCK_CLOEXEC) != 0 {
		return -1, nil, linux.EINVAL
	}
	f, o, err := t.sockFile(fd)
	if err != nil {
		return -1, nil, err
	}
	defer f.decref(t)
	var nf *File
	var n *sock
	try := func() bool {
		nf, n, err = t.k.newSock(flags, func(wake func(uint32)) (*socket.Socket, error) { return o.s.Accept(wake) })
		return err != linux.EAGAIN
	}
	if !try() && !f.nonblock() {
		limit, _ := o.s.Timeouts()
		if limit == 0 {
			limit = forever
		}
		if werr := t.await(&o.q, limit, try); werr != nil && werr != linux.ETIMEDOUT {
			return -1, nil, werr
		}
	}
	if err != nil {
		return -1, nil, err
	}
	name := peerName(n.s)
	nfd, err := t.install(nf, 0, flags&linux.SOCK_CLOEXEC != 0)
	if err != nil {
		return -1, nil, err
	}
	return nfd, name, nil
}

func peerName(s *socket.Socket) []byte {
	sa, err := s.Peer()
	if err != nil {
		sa = linux.Sockaddr{Family: uint16(s.Domain())}
	}
	return sa.Encode()
}

// Getsockname is getsockname(2).
func (t *Task) Getsockname(fd int) ([]byte, error) {
	f, o, err := t.sockFile(fd)
	if err != nil {
		return nil, err
	}
	defer f.decref(t)
	return o.s.Name().Encode(), nil
}

// Getpeername is getpeername(2).
func (t *Task) Getpeername(fd int) ([]byte, error) {
	f, o, err := t.sockFile(fd)
	if err != nil {
		return nil, err
	}
	defer f.decref(t)
	sa, err := o.s.Peer()
	if err != nil {
		return nil, err
	}
	return sa.Encode(), nil
}

// Shutdown is shutdown(2): how is SHUT_RD, SHUT_WR or SHUT_RDWR.
func (t *Task) Shutdown(fd, how int) error {
	f, o, err := t.sockFile(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	return o.s.Shutdown(how)
}

// Getsockopt is getsockopt(2): the whole value, of which the caller copies out
// what fits.
func (t *Task) Getsockopt(fd, level, name int) ([]byte, error) {
	f, o, err := t.sockFile(fd)
	if err != nil {
		return nil, err
	}
	defer f.decref(t)
	return o.s.GetOpt(level, name)
}

// Setsockopt is setsockopt(2).
func (t *Task) Setsockopt(fd, level, name int, v []byte) error {
	f, o, err := t.sockFile(fd)
	if err != nil {
		return err
	}
	defer f.decref(t)
	return o.s.SetOpt(level, name, slices.Clone(v), t.cred.Load().Has(linux.CAP_NET_ADMIN))
}
