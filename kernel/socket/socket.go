package socket

import (
	"sync/atomic"

	"github.com/sbxrun/sbx/abi/linux"
)

// state of a socket.
type state uint8

const (
	idle state = iota
	connecting
	connected
	listening
	dead
)

// protocol is what kinds of sockets do differently. All is called with the
// stack's lock.
type protocol interface {
	bind(s *Socket, sa linux.Sockaddr, key any) error
	connect(s *Socket, sa linux.Sockaddr, key any) error
	send(s *Socket, m *Message) (int, error)
	recv(s *Socket, m *Message, flags int) (int, error)
	ready(s *Socket) uint32
	close(s *Socket)
}

// Owner is whose socket it is: what SO_PEERCRED tells, and who may share ports.
type Owner = linux.Ucred

// Socket is a socket of any kind. Its methods never block.
type Socket struct {
	st               *Stack
	domain, typ, num int
	p                protocol
	wake             func(bits uint32)
	owner            Owner

	opt   options
	err   linux.Errno // SO_ERROR
	state state
	async bool // a connect(2) answered EINPROGRESS and was not asked about yet
	shutR bool
	shutW bool
	done  bool // the other side said that it is done: reads end without error

	rx       queue
	urg      urgency // TCP
	oob      bool    // AF_UNIX: a byte in rx is out of band
	onUrgent func()
	owned    atomic.Bool // somebody is to hear of urgent bytes
	passes   bool        // of a host's end: who reads asks for urgent bytes
	marks    urgentMarks
	wmem     int // bytes of this socket's in queues of others

	bound         bool
	local, remote linux.Sockaddr
	peer          *Socket
	peerCred      linux.Ucred

	// Of a listener.
	backlog int
	accepts []*Socket // connected and not accepted yet
	waiting []*Socket // TCP: connecting, for which there was no room

	parent  *Socket // the listener whose queue the socket is in
	name    any     // AF_UNIX: key in Stack.unix
	senders map[*Socket]struct{}
	host    bool // the far end of what comes from or goes to the outside
	out     *flows
	cancel  func() // ends the dialling

	// wire is the connection of the host's that the socket is, when its protocol is
	// wireProto. It changes with the lock held.
	wire atomic.Pointer[wire]
	// bearer, of the host's end of a connection that is being made, is what the
	// guest's end is going to be.
	bearer *wire
}

// NewSocket makes a socket, socket(2). privileged is CAP_NET_RAW.
func (st *Stack) NewSocket(domain, typ, num int, owner Owner, privileged bool, wake func(bits uint32)) (*Socket, error) {
	p, num, err := choose(domain, typ, num, privileged)
	if err != nil {
		return nil, err
	}
	st.mu.Lock()
	defer st.unlock()
	if st.closed {
		return nil, linux.ENETDOWN
	}
	return st.newLocked(p, domain, typ, num, owner, wake), nil
}

func (st *Stack) newLocked(p protocol, domain, typ, num int, owner Owner, wake func(bits uint32)) *Socket {
	s := &Socket{st: st, domain: domain, typ: typ, num: num, p: p, owner: owner, wake: wake}
	s.opt = defaults(domain, typ)
	s.local.Family, s.remote.Family = uint16(domain), uint16(domain)
	st.all[s] = struct{}{}
	return s
}

// choose finds the protocol, with the errors of Linux for those that an
// unprivileged container does not have.
func choose(domain, typ, num int, privileged bool) (protocol, int, error) {
	if domain < 0 || domain >= linux.AF_MAX {
		return nil, 0, linux.EAFNOSUPPORT
	}
	if typ < 0 || typ >= linux.SOCK_MAX {
		return nil, 0, linux.EINVAL
	}
	switch domain {
	case linux.AF_UNIX:
		return chooseUnix(typ, num)
	case linux.AF_INET, linux.AF_INET6:
		return chooseInet(domain, typ, num, privileged)
	case linux.AF_NETLINK:
		return chooseNetlink(typ, num)
	case linux.AF_PACKET:
		return nil, 0, linux.EPERM
	}
	return nil, 0, linux.EAFNOSUPPORT
}

func chooseUnix(typ, num int) (protocol, int, error) {
	if num != 0 && num != linux.AF_UNIX {
		return nil, 0, linux.EPROTONOSUPPORT
	}
	switch typ {
	case linux.SOCK_STREAM, linux.SOCK_DGRAM, linux.SOCK_SEQPACKET:
		return unixProto{}, 0, nil
	case linux.SOCK_RAW: // Linux makes a datagram socket of it
		return unixProto{}, 0, nil
	}
	return nil, 0, linux.ESOCKTNOSUPPORT
}

func chooseInet(domain, typ, num int, privileged bool) (protocol, int, error) {
	if num < 0 || num > 262 {
		return nil, 0, linux.EINVAL
	}
	icmp := linux.IPPROTO_ICMP
	if domain == linux.AF_INET6 {
		icmp = linux.IPPROTO_ICMPV6
	}
	switch {
	case typ == linux.SOCK_STREAM && (num == 0 || num == linux.IPPROTO_TCP):
		return tcpProto{}, linux.IPPROTO_TCP, nil
	case typ == linux.SOCK_DGRAM && (num == 0 || num == linux.IPPROTO_UDP):
		return udpProto{}, linux.IPPROTO_UDP, nil
	case typ == linux.SOCK_DGRAM && num == linux.IPPROTO_UDPLITE:
		return udpProto{}, linux.IPPROTO_UDPLITE, nil
	case typ == linux.SOCK_DGRAM && num == icmp:
		return nil, 0, linux.EACCES // net.ipv4.ping_group_range names nobody
	case typ == linux.SOCK_RAW && num == 0:
		return nil, 0, linux.EPROTONOSUPPORT
	case typ == linux.SOCK_RAW:
		return nil, 0, linux.EPERM
	case typ == linux.SOCK_STREAM || typ == linux.SOCK_DGRAM:
		return nil, 0, linux.EPROTONOSUPPORT
	}
	return nil, 0, linux.ESOCKTNOSUPPORT
}

func chooseNetlink(typ, num int) (protocol, int, error) {
	if typ != linux.SOCK_RAW && typ != linux.SOCK_DGRAM {
		return nil, 0, linux.ESOCKTNOSUPPORT
	}
	switch num {
	case linux.NETLINK_ROUTE, linux.NETLINK_SOCK_DIAG, linux.NETLINK_KOBJECT_UEVENT, linux.NETLINK_USERSOCK:
		return netlinkProto{}, num, nil
	}
	return nil, 0, linux.EPROTONOSUPPORT
}

// notify tells who waits that bits may hold now.
func (s *Socket) notify(bits uint32) {
	if s.wake != nil {
		s.wake(bits)
	}
}

// stream reports whether the socket has connections.
func (s *Socket) connOriented() bool {
	return s.typ == linux.SOCK_STREAM || s.typ == linux.SOCK_SEQPACKET
}

// Domain, Type and Protocol are SO_DOMAIN, SO_TYPE and SO_PROTOCOL.
func (s *Socket) Domain() int { return s.domain }

// Type is SO_TYPE.
func (s *Socket) Type() int { return s.typ }

// Bind is bind(2). key names the inode of a path.
func (s *Socket) Bind(sa linux.Sockaddr, key any) error {
	s.st.mu.Lock()
	defer s.st.unlock()
	return s.p.bind(s, sa, key)
}

// Connect is connect(2). EINPROGRESS means that Connecting tells when it is
// done; EAGAIN that the listener of AF_UNIX has no room now.
func (s *Socket) Connect(sa linux.Sockaddr, key any, nonblock bool) error {
	s.st.mu.Lock()
	defer s.st.unlock()
	err := s.p.connect(s, sa, key)
	if s.num != linux.IPPROTO_TCP || s.domain == linux.AF_UNIX || s.domain == linux.AF_NETLINK {
		return err
	}
	return s.settle(err, nonblock)
}

// settle makes of a TCP connection that was begun what connect(2) answers.
func (s *Socket) settle(err error, nonblock bool) error {
	switch {
	case err == errBegun && nonblock:
		s.async = true
		return linux.EINPROGRESS
	case err == errBegun && s.state == connecting:
		s.async = true
		return linux.EINPROGRESS
	case err == errBegun:
		return s.takeErr()
	}
	return err
}

// Connecting reports whether a connection is still being made, and how it ended.
func (s *Socket) Connecting() (bool, error) {
	s.st.mu.Lock()
	defer s.st.unlock()
	if s.state == connecting {
		return true, nil
	}
	s.async = false
	if s.state != connected && s.err == 0 {
		return false, linux.ECONNABORTED
	}
	return false, s.takeErr()
}

// takeErr returns SO_ERROR and clears it.
func (s *Socket) takeErr() error {
	if s.err == 0 {
		return nil
	}
	err := s.err
	s.err = 0
	return err
}

// Listen is listen(2).
func (s *Socket) Listen(backlog int) error {
	s.st.mu.Lock()
	defer s.st.unlock()
	l, ok := s.p.(interface{ listen(s *Socket) error })
	if !ok || !s.connOriented() {
		return linux.EOPNOTSUPP
	}
	if err := l.listen(s); err != nil {
		return err
	}
	if backlog < 0 || backlog > linux.SOMAXCONN {
		backlog = linux.SOMAXCONN
	}
	s.backlog = backlog
	s.state = listening
	s.notify(linux.POLLOUT)
	return nil
}

// Accept is accept(2): EAGAIN when nobody has connected.
func (s *Socket) Accept(wake func(bits uint32)) (*Socket, error) {
	s.st.mu.Lock()
	defer s.st.unlock()
	if !s.connOriented() {
		return nil, linux.EOPNOTSUPP
	}
	if s.state != listening {
		return nil, linux.EINVAL
	}
	if len(s.accepts) == 0 {
		return nil, linux.EAGAIN
	}
	c := s.accepts[0]
	s.accepts = s.accepts[1:]
	c.parent = nil
	c.wake = wake
	s.admit()
	for w := range s.senders {
		w.notify(^uint32(0))
	}
	s.senders = nil
	return c, nil
}

// full reports whether the backlog has no room.
func (s *Socket) full() bool { return len(s.accepts) > s.backlog }

// Shutdown is shutdown(2).
func (s *Socket) Shutdown(how int) error {
	if how < 0 || how > 2 {
		return linux.EINVAL
	}
	s.st.mu.Lock()
	defer s.st.unlock()
	if h, ok := s.p.(interface {
		shutdown(s *Socket, how int) error
	}); ok {
		return h.shutdown(s, how)
	}
	return linux.EOPNOTSUPP
}

// Ready returns the POLL* bits that hold.
func (s *Socket) Ready() uint32 {
	if w := s.wire.Load(); w != nil {
		if m, err := w.ready(); err == nil {
			s.lookUrgent(w, m)
			return m
		}
	}
	s.st.mu.Lock()
	defer s.st.unlock()
	m := s.p.ready(s)
	if s.err != 0 {
		m |= linux.POLLERR
	}
	return m
}

// Name is getsockname(2).
func (s *Socket) Name() linux.Sockaddr {
	s.st.mu.Lock()
	defer s.st.unlock()
	return s.local
}

// Peer is getpeername(2).
func (s *Socket) Peer() (linux.Sockaddr, error) {
	s.st.mu.Lock()
	defer s.st.unlock()
	if s.domain == linux.AF_NETLINK {
		return s.remote, nil
	}
	if w := s.wire.Load(); s.state != connected || w != nil && !w.connected() {
		return linux.Sockaddr{}, linux.ENOTCONN
	}
	return s.remote, nil
}

// Close ends the socket.
func (s *Socket) Close() {
	s.st.mu.Lock()
	defer s.st.unlock()
	s.closeLocked()
}

func (s *Socket) closeLocked() {
	if s.state == dead {
		return
	}
	if s.cancel != nil {
		s.cancel()
		s.cancel = nil
	}
	s.p.close(s)
	s.state = dead
	for _, c := range s.accepts {
		c.closeLocked()
	}
	s.accepts = nil
	if s.bearer != nil {
		s.bearer.close(true)
		s.bearer = nil
	}
	s.rx.drop(s)
	s.notify(^uint32(0))
	delete(s.st.all, s)
}
