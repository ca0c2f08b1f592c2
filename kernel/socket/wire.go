package socket

import (
	"errors"
	"os"

	"github.com/sbxrun/sbx/abi/linux"
)

// wireProto is TCP of a socket that is a connection of the host's: what the guest does
// with it the host does, and says. Nothing is copied on the way and nothing is queued
// here. Only the addresses are ours: s.local and s.remote.
//
// Calls that move bytes do not take the lock of the [Stack]: see [Socket.Send].
type wireProto struct{}

// errGone is what the calls of a wire that was closed give.
var errGone = errors.New("the connection was closed")

// become makes the socket the connection, which it owns from now on. With the lock held.
func (s *Socket) become(w *wire) {
	for _, k := range carried {
		if v, set := s.opt.ints[k.optKey]; set || k.off {
			w.setInt(k.level, k.name, int(v))
		}
	}
	plain := defaults(s.domain, s.typ)
	if n := s.opt.sndbuf; n != plain.sndbuf {
		w.setInt(linux.SOL_SOCKET, linux.SO_SNDBUF, n/2)
	}
	if n := s.opt.rcvbuf; n != plain.rcvbuf {
		w.setInt(linux.SOL_SOCKET, linux.SO_RCVBUF, n/2)
	}
	if s.opt.rcvlowat > 1 {
		w.setInt(linux.SOL_SOCKET, linux.SO_RCVLOWAT, s.opt.rcvlowat)
	}
	s.p, s.state = wireProto{}, connected
	w.s = s
	s.wire.Store(w)
	switch {
	case s.shutR && s.shutW:
		_ = w.shutdown(linux.SHUT_RDWR)
	case s.shutR:
		_ = w.shutdown(linux.SHUT_RD)
	case s.shutW:
		_ = w.shutdown(linux.SHUT_WR)
	}
	s.notify(^uint32(0))
}

// unwire ends the connection of the host's; abort is by RST. The socket is one of
// tcpProto afterwards, which is not connected. With the lock held.
func (s *Socket) unwire(abort bool) {
	w := s.wire.Swap(nil)
	if w == nil {
		return
	}
	w.s = nil
	w.close(abort)
	s.p, s.state = tcpProto{}, idle
	if far := s.peer; far != nil { // it kept the address
		s.peer, far.peer = nil, nil
		far.closeLocked()
	}
}

func (wireProto) bind(*Socket, linux.Sockaddr, any) error { return linux.EINVAL }
func (wireProto) listen(*Socket) error                    { return linux.EINVAL }

func (wireProto) connect(s *Socket, sa linux.Sockaddr, _ any) error {
	switch {
	case sa.Family == linux.AF_UNSPEC:
		s.disconnect()
		return nil
	case s.async:
		s.async = false
		return s.takeErr()
	}
	return linux.EISCONN
}

// send is of a socket whose wire was closed meanwhile.
func (wireProto) send(*Socket, *Message) (int, error) { return 0, linux.EPIPE }

// recv likewise.
func (wireProto) recv(*Socket, *Message, int) (int, error) { return 0, linux.ENOTCONN }

func (wireProto) ready(s *Socket) uint32 {
	if w := s.wire.Load(); w != nil {
		if m, err := w.ready(); err == nil {
			return m
		}
	}
	return pollIn | pollOut | linux.POLLRDHUP | linux.POLLHUP
}

func (wireProto) shutdown(s *Socket, how int) error {
	w := s.wire.Load()
	if w == nil {
		return linux.ENOTCONN
	}
	err := w.shutdown(how)
	s.notify(^uint32(0))
	return err
}

func (wireProto) close(s *Socket) {
	s.unwire(s.opt.linger && s.opt.lingerTime == 0 || s.parent != nil)
	s.parent = nil
	s.unregister()
}

// sendWire is Send of a socket with a wire.
func (s *Socket) sendWire(w *wire, m *Message) (int, error) {
	if m.Flags&linux.MSG_FASTOPEN != 0 {
		return 0, linux.EOPNOTSUPP
	}
	n, err := w.send(m.Data, m.Flags)
	return s.sent(w, n, n < len(m.Data), err)
}

// Wired reports whether the socket is a connection of the host's.
func (s *Socket) Wired() bool { return s.wire.Load() != nil }

// SendFile sends at most n bytes of a file of the host's to a connection of the host's:
// 0 and nil at the end of the file. EOPNOTSUPP when the socket is none.
func (s *Socket) SendFile(f *os.File, off int64, n int) (int, error) {
	w := s.wire.Load()
	if w == nil {
		return 0, linux.EOPNOTSUPP
	}
	done, err := w.sendFile(f, off, n)
	if err == errGone {
		return 0, linux.EPIPE
	}
	return s.sent(w, done, done < n, err)
}

// sent accounts what was sent. When it was cut short, writers wait for room.
func (s *Socket) sent(w *wire, n int, short bool, err error) (int, error) {
	s.st.out.Add(int64(n))
	if !short || err != nil && err != linux.EAGAIN {
		return n, err
	}
	// Room that came before the poller knew that it is waited for is told of here.
	if m, perr := w.ready(); perr == nil && m&linux.POLLOUT != 0 {
		s.st.mu.Lock()
		s.notify(pollOut)
		s.st.unlock()
	}
	return n, err
}

// recvWire is Recv of a socket with a wire.
func (s *Socket) recvWire(w *wire, m *Message) (int, error) {
	look := func() {
		if s.owned.Load() {
			if bits, err := w.ready(); err == nil {
				s.lookUrgent(w, bits)
			}
		}
	}
	look() // who reads the byte before the poller has seen it hears of it too
	n, err := w.recv(m.Data, m.Flags)
	if err == errGone {
		return 0, err
	}
	look()
	if m.Flags&linux.MSG_PEEK == 0 {
		s.st.in.Add(int64(n))
	}
	oob := m.Flags & linux.MSG_OOB
	if oob != 0 && len(m.Data) == 0 {
		oob |= linux.MSG_TRUNC
	}
	m.Flags, m.Named, m.Stop = oob, false, false
	return n, err
}

// lookUrgent tells of an urgent byte that holds now and that nobody was told of.
func (s *Socket) lookUrgent(w *wire, bits uint32) {
	if s.owned.Load() && w.hasUrgent(bits&linux.POLLPRI != 0) {
		s.st.mu.Lock()
		s.tellUrgent()
		s.st.unlock()
	}
}

// carriedOption is one that the host's connection has to have as well. Those that are
// off were turned on by who made the connection.
type carriedOption struct {
	optKey
	off bool
}

var carried = []carriedOption{
	{optKey{linux.IPPROTO_TCP, linux.TCP_NODELAY}, true}, {optKey{linux.SOL_SOCKET, linux.SO_KEEPALIVE}, true},
	{optKey{linux.SOL_SOCKET, linux.SO_OOBINLINE}, false},
	{optKey{linux.IPPROTO_TCP, linux.TCP_CORK}, false}, {optKey{linux.IPPROTO_TCP, linux.TCP_QUICKACK}, false},
	{optKey{linux.IPPROTO_TCP, linux.TCP_KEEPIDLE}, false}, {optKey{linux.IPPROTO_TCP, linux.TCP_KEEPINTVL}, false},
	{optKey{linux.IPPROTO_TCP, linux.TCP_KEEPCNT}, false}, {optKey{linux.IPPROTO_TCP, linux.TCP_USER_TIMEOUT}, false},
	{optKey{linux.IPPROTO_TCP, linux.TCP_NOTSENT_LOWAT}, false},
}

// carries tells what the host's connection has to have of an option; a nil wire when
// nothing. With the lock held.
func (s *Socket) carries(level, name int) (*wire, int) {
	w := s.wire.Load()
	if w == nil {
		return nil, 0
	}
	if level == linux.SOL_SOCKET {
		switch name {
		case linux.SO_SNDBUF:
			return w, s.opt.sndbuf / 2 // which the host doubles
		case linux.SO_RCVBUF:
			return w, s.opt.rcvbuf / 2
		case linux.SO_RCVLOWAT:
			return w, s.opt.rcvlowat
		}
	}
	for _, k := range carried {
		if k.optKey == (optKey{level, name}) {
			return w, int(s.opt.ints[k.optKey])
		}
	}
	return nil, 0
}
