package socket

import (
	"fmt"

	"github.com/sbxrun/sbx/abi/linux"
)

// unixProto is AF_UNIX, unix(7): streams, sequenced packets and datagrams.
type unixProto struct{}

// abstract is the key of a name that is not in the filesystem.
type abstract string

// nameKey finds the key of an address: that of an inode is given.
func nameKey(sa linux.Sockaddr, key any) any {
	if sa.Path != "" && sa.Path[0] == 0 {
		return abstract(sa.Path)
	}
	return key
}

func (unixProto) bind(s *Socket, sa linux.Sockaddr, key any) error {
	if sa.Family != linux.AF_UNIX {
		return linux.EINVAL
	}
	if s.bound {
		return linux.EINVAL
	}
	st := s.st
	if sa.Path == "" {
		for range 1 << 20 { // autobind
			st.abs = (st.abs + 1) & 0xfffff
			sa.Path = fmt.Sprintf("\x00%05x", st.abs)
			if st.unix[abstract(sa.Path)] == nil {
				break
			}
		}
	}
	k := nameKey(sa, key)
	if st.unix[k] != nil {
		return linux.EADDRINUSE
	}
	st.unix[k] = s
	s.name, s.bound, s.local = k, true, sa
	return nil
}

// find looks an address up.
func (unixProto) find(s *Socket, sa linux.Sockaddr, key any) (*Socket, error) {
	if sa.Family != linux.AF_UNIX || sa.Path == "" {
		return nil, linux.EINVAL
	}
	o := s.st.unix[nameKey(sa, key)]
	if o == nil {
		return nil, linux.ECONNREFUSED
	}
	if o.typ != s.typ && !(o.datagrams() && s.datagrams()) {
		return nil, linux.EPROTOTYPE
	}
	return o, nil
}

func (s *Socket) datagrams() bool { return !s.connOriented() }

func (u unixProto) connect(s *Socket, sa linux.Sockaddr, key any) error {
	if s.datagrams() {
		return u.connectDatagram(s, sa, key)
	}
	switch {
	case sa.Family != linux.AF_UNIX || sa.Path == "":
		return linux.EINVAL
	case s.state == connected:
		return linux.EISCONN
	case s.state == listening:
		return linux.EINVAL
	}
	l, err := u.find(s, sa, key)
	if err != nil {
		return err
	}
	if l.state != listening || l.shutR {
		return linux.ECONNREFUSED
	}
	if l.full() {
		if l.senders == nil {
			l.senders = map[*Socket]struct{}{}
		}
		l.senders[s] = struct{}{}
		return linux.EAGAIN
	}
	delete(l.senders, s)
	c := s.st.newLocked(s.p, s.domain, s.typ, s.num, l.owner, nil)
	c.opt.passcred = l.opt.passcred
	c.local, c.bound = l.local, true
	join(s, c)
	s.peerCred, c.peerCred = l.owner, s.owner
	c.remote, s.remote = s.local, l.local
	c.parent = l
	l.accepts = append(l.accepts, c)
	l.notify(pollIn)
	s.notify(pollOut)
	return nil
}

// join connects two sockets.
func join(a, b *Socket) {
	a.peer, b.peer = b, a
	a.state, b.state = connected, connected
}

// Pair connects two sockets, socketpair(2).
func Pair(a, b *Socket) {
	a.st.mu.Lock()
	defer a.st.unlock()
	join(a, b)
	a.peerCred, b.peerCred = b.owner, a.owner
}

func (u unixProto) connectDatagram(s *Socket, sa linux.Sockaddr, key any) error {
	if sa.Family == linux.AF_UNSPEC {
		u.disown(s)
		s.state, s.remote = idle, linux.Sockaddr{Family: linux.AF_UNIX}
		return nil
	}
	o, err := u.find(s, sa, key)
	if err != nil {
		return err
	}
	if o.peer != nil && o.peer != s {
		return linux.EPERM
	}
	if s.peer != o {
		u.disown(s)
	}
	s.peer, s.state, s.remote = o, connected, o.local
	return nil
}

// disown leaves a peer for another or none: what it has sent is lost, and it is
// told if it was connected to s.
func (u unixProto) disown(s *Socket) {
	o := s.peer
	if o == nil {
		return
	}
	if !s.rx.empty() {
		s.rx.drop(s)
		if o.peer == s {
			o.err = linux.ECONNRESET
			o.notify(linux.POLLERR)
		}
	}
	u.detach(s)
}

// detach ends a datagram socket's interest in its peer.
func (unixProto) detach(s *Socket) {
	if s.peer != nil {
		delete(s.peer.senders, s)
		s.peer = nil
	}
}

func (unixProto) listen(s *Socket) error {
	if !s.bound {
		return linux.EINVAL
	}
	if s.state != idle && s.state != listening {
		return linux.EINVAL
	}
	return nil
}

func (u unixProto) send(s *Socket, m *Message) (int, error) {
	if m.Flags&linux.MSG_OOB != 0 {
		return u.sendOOB(s, m)
	}
	if s.datagrams() {
		return u.sendDatagram(s, m)
	}
	o, err := u.streamPeer(s, m)
	if err != nil {
		return 0, err
	}
	if s.typ == linux.SOCK_SEQPACKET {
		return u.deliver(s, o, m)
	}
	if len(m.Data) == 0 {
		return 0, nil
	}
	room := s.opt.sndbuf - s.wmem
	if room <= 0 {
		return 0, linux.EAGAIN
	}
	n := min(room, len(m.Data))
	p := packet{cred: m.Cred, from: s.local, rights: m.Rights, owner: s}
	if err := o.push(p, m.Data[:n]); err != nil {
		return 0, err
	}
	o.notify(pollIn)
	return n, nil
}

// streamPeer finds whom a send of a connection is for.
func (unixProto) streamPeer(s *Socket, m *Message) (*Socket, error) {
	if m.HasTo && s.typ == linux.SOCK_STREAM {
		if s.state == connected {
			return nil, linux.EISCONN
		}
		return nil, linux.EOPNOTSUPP
	}
	o := s.peer
	switch {
	case s.typ == linux.SOCK_SEQPACKET && s.err != 0:
		return nil, s.takeErr()
	case s.shutW:
		return nil, linux.EPIPE
	case s.state != connected:
		return nil, linux.ENOTCONN
	case o == nil || o.shutR:
		return nil, linux.EPIPE
	}
	return o, nil
}

// deliver sends one message.
func (unixProto) deliver(s, o *Socket, m *Message) (int, error) {
	if len(m.Data) > s.opt.sndbuf-32 {
		return 0, linux.EMSGSIZE
	}
	if s.wmem > 0 && s.wmem+len(m.Data) > s.opt.sndbuf {
		return 0, linux.EAGAIN
	}
	p := packet{cred: m.Cred, from: s.local, rights: m.Rights, owner: s}
	if err := o.enqueue(p, m.Data, 64); err != nil {
		return 0, err
	}
	o.notify(pollIn)
	return len(m.Data), nil
}

func (u unixProto) sendDatagram(s *Socket, m *Message) (int, error) {
	if len(m.Data) > s.opt.sndbuf-32 {
		return 0, linux.EMSGSIZE
	}
	if err := s.takeErr(); err != nil {
		return 0, err
	}
	if s.shutW {
		return 0, linux.EPIPE
	}
	o := s.peer
	if m.HasTo {
		var err error
		if o, err = u.find(s, m.Name, m.Key); err != nil {
			return 0, err
		}
	} else if s.state != connected {
		return 0, linux.ENOTCONN
	}
	switch {
	case o == nil || o.state == dead:
		s.peer, s.state = nil, idle
		s.rx.drop(s)
		return 0, linux.ECONNREFUSED
	case o.peer != nil && o.peer != s:
		return 0, linux.EPERM
	case o.shutR:
		return 0, linux.EPIPE
	case o != s && o.peer != s && o.rx.count() > linux.UNIX_MAX_DGRAM_QLEN:
		if o.senders == nil {
			o.senders = map[*Socket]struct{}{}
		}
		o.senders[s] = struct{}{}
		return 0, linux.EAGAIN
	}
	return u.deliver(s, o, m)
}

func (unixProto) recv(s *Socket, m *Message, flags int) (int, error) {
	if flags&linux.MSG_OOB != 0 && s.typ != linux.SOCK_STREAM {
		return 0, linux.EOPNOTSUPP
	}
	if s.connOriented() && s.state != connected {
		if s.typ == linux.SOCK_STREAM {
			return 0, linux.EINVAL
		}
		return 0, linux.ENOTCONN
	}
	if s.typ == linux.SOCK_STREAM {
		switch {
		case flags&linux.MSG_OOB != 0:
			return s.recvOOB(m, flags)
		case s.rx.empty():
			return unixProto{}.nothing(s)
		}
		return s.recvStream(m, flags)
	}
	if err := s.takeErr(); err != nil { // of messages, the error comes first
		return 0, err
	}
	if s.rx.empty() {
		if s.shutR && (s.connOriented() || flags&linux.MSG_DONTWAIT == 0) {
			return 0, nil
		}
		return 0, linux.EAGAIN
	}
	n, err := s.recvMessage(m, flags)
	m.Named = m.Name.Path != "" || s.datagrams() && m.Name.Path != ""
	for o := range s.senders {
		o.notify(pollOut)
	}
	s.senders = nil
	return n, err
}

// nothing is what a read of a stream gives that finds nothing.
func (unixProto) nothing(s *Socket) (int, error) {
	if err := s.takeErr(); err != nil {
		return 0, err
	}
	if s.shutR {
		return 0, nil
	}
	return 0, linux.EAGAIN
}

func (unixProto) shutdown(s *Socket, how int) error {
	if how != linux.SHUT_WR {
		s.shutR = true
	}
	if how != linux.SHUT_RD {
		s.shutW = true
	}
	if o := s.peer; o != nil && s.connOriented() {
		o.shutR = o.shutR || s.shutW
		o.shutW = o.shutW || s.shutR
		o.notify(^uint32(0))
	}
	s.notify(^uint32(0))
	return nil
}

func (unixProto) ready(s *Socket) (m uint32) {
	if s.shutR && s.shutW {
		m |= linux.POLLHUP
	}
	if s.shutR {
		m |= linux.POLLRDHUP | pollIn
	}
	if !s.rx.empty() || len(s.accepts) > 0 {
		m |= pollIn
	}
	if s.oob {
		m |= linux.POLLPRI
	}
	if s.connOriented() && s.state != connected && s.state != listening {
		m |= linux.POLLHUP
	}
	o := s.peer
	blocked := s.datagrams() && o != nil && o.peer != s && o.rx.count() > linux.UNIX_MAX_DGRAM_QLEN
	if blocked {
		if o.senders == nil {
			o.senders = map[*Socket]struct{}{}
		}
		o.senders[s] = struct{}{}
	}
	if s.state != listening && s.wmem*4 <= s.opt.sndbuf && !blocked {
		m |= pollOut | linux.POLLWRBAND
	}
	return m
}

func (u unixProto) close(s *Socket) {
	st := s.st
	if s.name != nil {
		delete(st.unix, s.name)
	}
	for w := range s.senders {
		w.notify(^uint32(0))
	}
	s.senders = nil
	if s.datagrams() {
		for o := range st.all { // those who are connected to it
			if o.peer == s {
				o.peer = nil
				if o.domain == linux.AF_UNIX {
					o.notify(pollOut | linux.POLLWRBAND)
				}
			}
		}
		u.detach(s)
		return
	}
	if o := s.peer; o != nil {
		o.peer, s.peer = nil, nil
		o.shutR, o.shutW = true, true
		if s.rx.unread() || s.parent != nil {
			o.err = linux.ECONNRESET
		}
		o.notify(^uint32(0))
	}
}

const (
	pollIn  = linux.POLLIN | linux.POLLRDNORM
	pollOut = linux.POLLOUT | linux.POLLWRNORM
)
