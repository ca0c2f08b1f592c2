package kernel

import (
	"encoding/binary"
	"os"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/socket"
)

// SockMessage is struct msghdr with its buffers: Data is to be sent, or room to
// receive into; Name is a struct sockaddr.
type SockMessage struct {
	Name    []byte // nil: none
	Data    []byte // of a receive, what has come: none when it was thrown away (MSG_TRUNC of TCP)
	Control []byte // control messages; to receive, its capacity is the room
	Flags   int    // answered by a receive: msg_flags
}

// send blocks as the description and SO_SNDTIMEO say. A stream sends all.
func (o *sock) send(t *Task, f *File, m *socket.Message) (int, error) {
	data := m.Data
	return o.transmit(t, f, len(data), m.Flags, func(done int) (int, error) {
		m.Data = data[done:]
		n, err := o.s.Send(m)
		if n > 0 || err == nil {
			m.Rights = nil // they are on their way
		}
		return n, err
	})
}

// sendFile is send of n bytes of a file of the host's, or of fewer when it is shorter.
func (o *sock) sendFile(t *Task, f *File, host *os.File, at int64, n int) (int, error) {
	return o.transmit(t, f, n, 0, func(done int) (int, error) { return o.s.SendFile(host, at+int64(done), n-done) })
}

// transmit has some send what is behind the first done of n bytes, until a stream has
// them all or some sends nothing.
func (o *sock) transmit(t *Task, f *File, n, flags int, some func(done int) (int, error)) (done int, err error) {
	try := func() bool {
		var k int
		k, err = some(done)
		if err == linux.EAGAIN {
			o.starved.Store(true)
		}
		if done += k; err != nil {
			return err != linux.EAGAIN
		}
		return k == 0 || done >= n || o.s.Type() != linux.SOCK_STREAM
	}
	if !try() && !f.nonblock() && flags&linux.MSG_DONTWAIT == 0 {
		_, limit := o.s.Timeouts()
		if limit == 0 {
			limit = forever
		}
		switch werr := t.await(&o.q, limit, try); werr {
		case nil:
		case linux.ETIMEDOUT:
			err = linux.EAGAIN
		default:
			err = werr
		}
	}
	if done > 0 {
		return done, nil
	}
	return 0, err
}

// recv blocks likewise. MSG_WAITALL waits until all of the buffer is full.
func (o *sock) recv(t *Task, f *File, m *socket.Message, flags int) (int, error) {
	data, done := m.Data, 0
	if f.nonblock() || flags&linux.MSG_OOB != 0 {
		flags |= linux.MSG_DONTWAIT
	}
	all := flags&linux.MSG_WAITALL != 0 && o.s.Type() == linux.SOCK_STREAM && flags&linux.MSG_PEEK == 0
	var err error
	out := 0
	try := func() bool {
		for {
			m.Data, m.Flags = data[done:], flags
			var n int
			n, err = o.s.Recv(m)
			out |= m.Flags
			if done += n; err != nil {
				return err != linux.EAGAIN
			}
			if !all || n == 0 || done >= len(data) || len(m.Rights) > 0 || m.Stop {
				return true
			} // what came at the same time as these bytes wakes nobody once more
		}
	}
	if !try() && flags&(linux.MSG_DONTWAIT|linux.MSG_ERRQUEUE) == 0 {
		limit, _ := o.s.Timeouts()
		if limit == 0 {
			limit = forever
		}
		switch werr := t.await(&o.q, limit, try); werr {
		case nil:
		case linux.ETIMEDOUT:
			err = linux.EAGAIN
		default:
			err = werr
		}
	}
	m.Data, m.Flags = data, out
	if done > 0 {
		return done, nil
	}
	return 0, err
}

// Sendmsg is sendmsg(2), and with a Name and no Control sendto(2).
func (t *Task) Sendmsg(fd int, m *SockMessage, flags int) (int, error) {
	f, o, err := t.sockFile(fd)
	if err != nil {
		return 0, err
	}
	defer f.decref(t)
	sm := socket.Message{Data: m.Data, Flags: flags, Cred: t.ucred()}
	if len(sm.Data) > maxRW {
		sm.Data = sm.Data[:maxRW]
	}
	if len(m.Name) > 0 && (o.s.Type() != linux.SOCK_STREAM || o.s.Domain() == linux.AF_UNIX) {
		if sm.Name, sm.Key, err = t.sockaddr(o, m.Name); err != nil {
			return 0, err
		}
		sm.HasTo = true
	}
	if err := t.takeControl(o, &sm, m.Control); err != nil {
		return 0, err
	}
	n, err := o.send(t, f, &sm)
	for _, r := range sm.Rights { // those that were not sent
		_ = r.Close()
	}
	if err == linux.EPIPE && flags&linux.MSG_NOSIGNAL == 0 && o.s.Type() != linux.SOCK_DGRAM {
		t.raise(linux.SIGPIPE)
	}
	return n, err
}

// takeControl reads control messages: files and credentials; others are the socket's.
func (t *Task) takeControl(o *sock, m *socket.Message, control []byte) error {
	msgs, err := linux.DecodeCmsgs(control)
	if err != nil {
		return err
	}
	if !t.cred.Load().Has(linux.CAP_SYS_RESOURCE) && !t.cred.Load().Has(linux.CAP_SYS_ADMIN) {
		m.MaxRights = t.nofile()
	} else {
		m.MaxRights = maxFD
	}
	for _, c := range msgs {
		if c.Level != linux.SOL_SOCKET || o.s.Domain() != linux.AF_UNIX {
			m.Control = append(m.Control, c)
			continue
		}
		switch c.Type {
		case linux.SCM_RIGHTS:
			err = t.takeRights(m, c.Data)
		case linux.SCM_CREDENTIALS:
			err = t.takeCred(m, c.Data)
		default:
			err = linux.EINVAL
		}
		if err != nil {
			for _, r := range m.Rights {
				_ = r.Close()
			}
			m.Rights = nil
			return err
		}
	}
	return nil
}

func (t *Task) takeRights(m *socket.Message, b []byte) error {
	n := len(b) / 4
	if len(m.Rights)+n > linux.SCM_MAX_FD {
		return linux.EINVAL
	}
	for i := range n {
		f, err := t.files.get(int(int32(binary.LittleEndian.Uint32(b[4*i:]))))
		if err != nil {
			return linux.EBADF
		}
		if f.flags.Load()&linux.O_PATH != 0 {
			f.decref(t)
			return linux.EBADF
		}
		m.Rights = append(m.Rights, right{f})
	}
	return nil
}

// takeCred checks credentials: only a privileged task may claim to be another.
func (t *Task) takeCred(m *socket.Message, b []byte) error {
	u, err := linux.DecodeUcred(b)
	if err != nil {
		return err
	}
	c := t.cred.Load()
	pid := u.PID == uint32(t.proc.pid) || c.Has(linux.CAP_SYS_ADMIN)
	uid := u.UID == c.UID || u.UID == c.EUID || u.UID == c.SUID || c.Has(linux.CAP_SETUID)
	gid := u.GID == c.GID || u.GID == c.EGID || u.GID == c.SGID || c.Has(linux.CAP_SETGID)
	if !pid || !uid || !gid {
		return linux.EPERM
	}
	m.Cred = u
	return nil
}

// Recvmsg is recvmsg(2): it fills in Data and replaces Name, Control and Flags.
// Files that do not fit into Control are closed, and MSG_CTRUNC says so.
func (t *Task) Recvmsg(fd int, m *SockMessage, flags int) (int, error) {
	f, o, err := t.sockFile(fd)
	if err != nil {
		return 0, err
	}
	defer f.decref(t)
	sm := socket.Message{Data: m.Data}
	if len(sm.Data) > maxRW {
		sm.Data = sm.Data[:maxRW]
	}
	n, err := o.recv(t, f, &sm, flags)
	if err != nil {
		return 0, err
	}
	if m.Data = m.Data[:min(n, len(m.Data))]; flags&linux.MSG_TRUNC != 0 && o.s.Type() == linux.SOCK_STREAM && o.s.Domain() != linux.AF_UNIX {
		m.Data = nil
	}
	m.Flags = sm.Flags | flags&linux.MSG_CMSG_CLOEXEC
	room := cap(m.Control)
	m.Control = m.Control[:0]
	put := func(c linux.Cmsg) {
		var cut bool
		if m.Control, cut = linux.AppendCmsg(m.Control, room, c); cut {
			m.Flags |= linux.MSG_CTRUNC
		}
	}
	if sm.HasCred {
		put(linux.Cmsg{Level: linux.SOL_SOCKET, Type: linux.SCM_CREDENTIALS, Data: sm.Cred.Encode()})
	}
	t.giveRights(m, sm.Rights, room, flags&linux.MSG_CMSG_CLOEXEC != 0)
	for _, c := range sm.Control {
		put(c)
	}
	m.Name = nil
	if sm.Named {
		m.Name = sm.Name.Encode()
	}
	return n, nil
}

// giveRights installs the files that came, as many as there is room for.
func (t *Task) giveRights(m *SockMessage, rights []socket.Right, room int, cloexec bool) {
	if len(rights) == 0 {
		return
	}
	fit := min((room-len(m.Control)-linux.CmsgHeader)/4, len(rights))
	var fds []byte
	for i, r := range rights {
		if i >= fit {
			_ = r.Close()
			continue
		}
		fd, err := t.install(r.(right).f, 0, cloexec)
		if err != nil {
			fit = i
			continue
		}
		fds = binary.LittleEndian.AppendUint32(fds, uint32(fd))
	}
	if len(fds) < 4*len(rights) {
		m.Flags |= linux.MSG_CTRUNC
	}
	if len(fds) > 0 {
		m.Control, _ = linux.AppendCmsg(m.Control, room, linux.Cmsg{Level: linux.SOL_SOCKET, Type: linux.SCM_RIGHTS, Data: fds})
	}
}

// SocketIoctl is ioctl(2) with the requests that sockets and other streams have:
// buf is what the argument points at, 4 bytes or a struct ifreq. SIOCGIFCONF takes
// the array that ifc_buf points at, or nil to ask for its size, and returns the
// length. ENOTTY for requests that the file does not know.
func (t *Task) SocketIoctl(fd int, req uint32, buf []byte) (int, error) {
	f, err := t.file(fd)
	if err != nil {
		return 0, err
	}
	defer f.decref(t)
	o, isSock := f.ops.(*sock)
	if req == linux.SIOCGIFCONF && isSock {
		return o.s.Ifconf(buf), nil
	}
	n, value := 0, false
	switch req {
	case linux.FIONREAD:
		n, err = t.Readable(fd)
		value = true
	case linux.SIOCOUTQ:
		if !isSock {
			return 0, linux.ENOTTY
		}
		n, err = o.s.Unsent()
		value = true
	case linux.SIOCATMARK:
		if !isSock {
			return 0, linux.ENOTTY
		}
		var at bool
		if at, err = o.s.AtMark(); at {
			n = 1
		}
		value = true
	case linux.FIONBIO, linux.FIOASYNC:
		if len(buf) < 4 {
			return 0, linux.EFAULT
		}
		on := binary.LittleEndian.Uint32(buf) != 0
		if req == linux.FIOASYNC {
			return 0, t.SetAsync(fd, on)
		}
		flags := 0
		if on {
			flags = linux.O_NONBLOCK
		}
		f.setFlags(linux.O_NONBLOCK, flags)
		return 0, nil
	default:
		if !isSock {
			return 0, linux.ENOTTY
		}
		return 0, o.s.Ioctl(req, buf)
	}
	switch {
	case err != nil:
		return 0, err
	case !value:
		return 0, linux.ENOTTY
	case len(buf) < 4:
		return 0, linux.EFAULT
	}
	binary.LittleEndian.PutUint32(buf, uint32(n))
	return 0, nil
}
