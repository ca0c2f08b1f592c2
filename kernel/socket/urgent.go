package socket

import "github.com/sbxrun/sbx/abi/linux"

// urgency is the urgent byte of a TCP stream, tcp(7): it stays where it is among the others, and reads of those stop before it and
// leave it out, unless SO_OOBINLINE is set. There is one; a newer one makes the one before an ordinary byte.
type urgency struct {
	state urgentState
	b     byte
	ahead int // how many bytes are to be read before it
}

type urgentState uint8

const (
	notUrgent  urgentState = iota
	urgentHere             // to be read with MSG_OOB
	urgentRead
)

// pollUrgent is what somebody hears who waits when an urgent byte comes.
const pollUrgent = pollIn | linux.POLLPRI | linux.POLLRDBAND

// OnUrgent has f called when an urgent byte comes, which is to send SIGURG. It is called as the wake function is.
func (s *Socket) OnUrgent(f func()) {
	s.st.mu.Lock()
	defer s.st.unlock()
	s.onUrgent = f
}

// Owned says that there is an owner who is to hear of them.
func (s *Socket) Owned() { s.owned.Store(true) }

// tellUrgent tells of an urgent byte.
func (s *Socket) tellUrgent() {
	if s.onUrgent != nil {
		s.onUrgent()
	}
	s.notify(pollUrgent)
}

// inline reports SO_OOBINLINE.
func (s *Socket) inline() bool { return s.opt.ints[optKey{linux.SOL_SOCKET, linux.SO_OOBINLINE}] != 0 }

// markUrgent makes the last byte that is queued the urgent one; added is how many came with it.
func (s *Socket) markUrgent(added int) {
	last := &s.rx.pkts[len(s.rx.pkts)-1]
	b := last.data[len(last.data)-1]
	if s.atMark() && s.rx.bytes > added && !s.inline() {
		s.discard() // the one before stays left out
	}
	s.urg = urgency{urgentHere, b, s.rx.bytes - 1}
	s.tellUrgent()
}

// atMark reports whether the urgent byte is the next of the stream.
func (s *Socket) atMark() bool { return s.urg.state != notUrgent && s.urg.ahead == 0 }

// discard throws the next byte of the stream away.
func (s *Socket) discard() { _, _ = s.recvStream(&Message{Data: make([]byte, 1)}, linux.MSG_TRUNC) }

// recvUrgent reads with MSG_OOB. It never waits.
func (s *Socket) recvUrgent(m *Message, flags int) (int, error) {
	switch {
	case s.inline() || s.urg.state != urgentHere:
		return 0, linux.EINVAL
	case s.state == idle && !s.done:
		return 0, linux.ENOTCONN
	}
	if flags&linux.MSG_PEEK == 0 {
		s.urg.state = urgentRead
	}
	m.Flags = linux.MSG_OOB
	if len(m.Data) == 0 {
		m.Flags |= linux.MSG_TRUNC
		return 0, nil
	}
	if flags&linux.MSG_TRUNC == 0 {
		m.Data[0] = s.urg.b
	}
	return 1, nil
}

// recvMarked is recvStream of a stream with an urgent byte.
func (s *Socket) recvMarked(m *Message, flags int) (int, error) {
	peek := flags&linux.MSG_PEEK != 0
	if s.urg.ahead > 0 {
		all := m.Data
		m.Data = all[:min(len(all), s.urg.ahead)]
		n, err := s.recvStream(m, flags)
		if m.Stop = n == s.urg.ahead; !peek {
			s.urg.ahead -= n
		}
		m.Data = all
		return n, err
	}
	switch {
	case len(m.Data) == 0:
		return 0, nil
	case s.inline():
		n, err := s.recvStream(m, flags)
		if n > 0 && !peek {
			s.urg = urgency{}
		}
		return n, err
	case peek:
		return s.peekBehind(m, flags)
	}
	s.discard()
	s.urg = urgency{}
	return tcpProto{}.recv(s, m, flags)
}

// peekBehind peeks at what is behind the next byte.
func (s *Socket) peekBehind(m *Message, flags int) (int, error) {
	if s.rx.bytes == 1 {
		return s.nothing()
	}
	b := make([]byte, min(len(m.Data)+1, s.rx.bytes))
	n, err := s.recvStream(&Message{Data: b}, flags&^linux.MSG_TRUNC)
	if n <= 0 || err != nil {
		return n, err
	}
	if flags&linux.MSG_TRUNC == 0 {
		copy(m.Data, b[1:n])
	}
	return n - 1, nil
}

// AtMark is SIOCATMARK: whether the urgent byte is the next.
func (s *Socket) AtMark() (bool, error) {
	if w := s.wire.Load(); w != nil {
		return w.atMark()
	}
	s.st.mu.Lock()
	defer s.st.unlock()
	switch {
	case s.domain == linux.AF_UNIX && s.typ == linux.SOCK_STREAM:
		return s.unixAtMark(), nil
	case s.domain == linux.AF_UNIX:
		return false, linux.EOPNOTSUPP
	case s.num == linux.IPPROTO_TCP && s.typ == linux.SOCK_STREAM:
		return s.atMark(), nil
	}
	return false, linux.ENOTTY
}
