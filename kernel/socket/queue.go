package socket

import "github.com/sbxrun/sbx/abi/linux"

// packet is a piece of a stream, or a message.
type packet struct {
	data   []byte  // that is left
	buf    *[]byte // where it is, when that goes back to pieces
	free   int     // bytes behind data that are nobody's yet
	size   int     // what is charged
	from   linux.Sockaddr
	to     linux.Sockaddr
	cred   linux.Ucred
	rights []Right
	owner  *Socket // whose send buffer it counts in
	oob    oobState
	ip     ipHeader
}

// queue holds what arrived and was not read.
type queue struct {
	pkts  []packet
	head  int
	bytes int // of data
}

func (q *queue) empty() bool { return q.head == len(q.pkts) }

func (q *queue) first() *packet { return &q.pkts[q.head] }

func (q *queue) count() int { return len(q.pkts) - q.head }

// minPiece is what a piece of a stream holds at least, so that many small writes
// do not become many pieces.
const minPiece = 2048

// append copies a message into the queue of s; ENOBUFS without memory left.
func (s *Socket) enqueue(p packet, data []byte, room int) error {
	size := max(len(data), room)
	if size > minPiece/2 && !s.st.cfg.Charge(int64(size)) {
		return linux.ENOBUFS
	}
	p.data, p.buf = newPiece(size)
	p.data = append(p.data, data...)
	p.free, p.size = size-len(data), size
	if p.owner != nil {
		p.owner.wmem += size
	}
	s.st.rights += len(p.rights)
	q := &s.rx
	if q.head > 32 && q.head*2 > len(q.pkts) {
		n := copy(q.pkts, q.pkts[q.head:])
		clear(q.pkts[n:])
		q.pkts, q.head = q.pkts[:n], 0
	}
	q.pkts = append(q.pkts, p)
	q.bytes += len(data)
	return nil
}

// push appends bytes of a stream, and joins them with the last piece when that
// has room and is of the same origin.
func (s *Socket) push(p packet, data []byte) error {
	q := &s.rx
	if !q.empty() && len(p.rights) == 0 {
		last := &q.pkts[len(q.pkts)-1]
		if last.oob == plain && last.cred == p.cred && len(last.rights) == 0 && last.owner == p.owner && last.free > 0 {
			n := min(last.free, len(data))
			last.data = append(last.data, data[:n]...)
			last.free -= n
			q.bytes += n
			if data = data[n:]; len(data) == 0 {
				return nil
			}
		}
	}
	return s.enqueue(p, data, minPiece)
}

// pop removes the first packet; its files are the caller's.
func (s *Socket) pop() { freePiece(s.unqueue().buf) }

// unqueue is pop of a packet whose memory becomes the caller's.
func (s *Socket) unqueue() packet {
	q := &s.rx
	p := q.first()
	was := *p
	q.bytes -= len(p.data)
	s.st.rights -= len(p.rights)
	if p.size > minPiece/2 {
		s.st.cfg.Charge(-int64(p.size))
	}
	if o := p.owner; o != nil {
		o.wmem -= p.size
		o.notify(linux.POLLOUT | linux.POLLWRNORM)
	}
	*p = packet{}
	if q.head++; q.empty() {
		q.head = 0
		if cap(q.pkts) > 64 {
			q.pkts = nil
		}
		q.pkts = q.pkts[:0]
	}
	return was
}

// takePiece takes the first bytes of a stream to the outside as they are queued; none at
// the end of it. Their memory is the caller's, for freePiece. urgent says that the last is.
func (s *Socket) takePiece() (p packet, urgent bool, err error) {
	s.st.mu.Lock()
	defer s.st.unlock()
	switch {
	case s.rx.empty():
		_, err = s.p.recv(s, &Message{}, 0)
		return packet{}, false, err
	case len(s.marks.gaps) > 0:
		p, urgent = s.takeMarked()
	default:
		p = s.unqueue()
	}
	s.st.out.Add(int64(len(p.data)))
	return p, urgent, nil
}

// drop throws away what is queued.
func (q *queue) drop(s *Socket) {
	s.urg, s.marks, s.oob = urgency{}, urgentMarks{}, false
	for !q.empty() {
		s.st.trash = append(s.st.trash, q.first().rights...)
		s.pop()
	}
}

// Message is what sendmsg(2) and recvmsg(2) move.
type Message struct {
	Data  []byte // to send, or room to receive into
	Flags int    // MSG_*; after a receive those of msg_flags

	Name  linux.Sockaddr // where to, when HasTo; where from, after a receive
	HasTo bool
	Named bool // after a receive: there is an address
	Key   any  // the inode of a path to send to
	// Control are the control messages of IP, to be sent and received.
	Control []linux.Cmsg

	Rights []Right // files; after a receive they are the caller's
	Cred   linux.Ucred
	// HasCred says after a receive that Cred counts: SO_PASSCRED.
	HasCred bool
	// Stop says after a receive that it ended where an urgent byte is.
	Stop bool
	// MaxRights is RLIMIT_NOFILE: how many files may be in flight.
	MaxRights int
}

// Send is sendmsg(2). It takes m.Rights over when there is no error.
func (s *Socket) Send(m *Message) (int, error) {
	if w := s.wire.Load(); w != nil && len(m.Rights) == 0 {
		if n, err := s.sendWire(w, m); err != errGone {
			return n, err
		}
	}
	s.st.mu.Lock()
	defer s.st.unlock()
	if len(m.Rights) > 0 && s.domain != linux.AF_UNIX {
		return 0, linux.EINVAL
	}
	if len(m.Rights) > 0 && m.MaxRights > 0 && s.st.rights+len(m.Rights) > m.MaxRights {
		return 0, linux.ETOOMANYREFS
	}
	n, err := s.p.send(s, m)
	if s.host && n > 0 {
		s.st.in.Add(int64(n)) // before a guest can read it
	}
	return n, err
}

// Recv is recvmsg(2).
func (s *Socket) Recv(m *Message) (int, error) {
	if w := s.wire.Load(); w != nil && m.Flags&linux.MSG_ERRQUEUE == 0 {
		if n, err := s.recvWire(w, m); err != errGone {
			return n, err
		}
	}
	s.st.mu.Lock()
	defer s.st.unlock()
	if m.Flags&linux.MSG_ERRQUEUE != 0 && s.domain != linux.AF_NETLINK {
		return 0, linux.EAGAIN
	}
	flags := m.Flags
	m.Flags, m.Stop = 0, false
	n, err := s.p.recv(s, m, flags)
	if s.host && n > 0 {
		s.st.out.Add(int64(n))
	}
	return n, err
}

// recvStream reads bytes of a stream. It stops behind files, and before another
// sender when the reader wants to know who that is.
func (s *Socket) recvStream(m *Message, flags int) (int, error) {
	peek := flags&linux.MSG_PEEK != 0
	n := 0
	q := &s.rx
	// A peek of AF_UNIX looks for files behind what fits, as Linux does.
	for at := q.head; at < len(q.pkts) && (n < len(m.Data) || len(m.Data) == 0 || peek && s.domain == linux.AF_UNIX); {
		if at, m.Stop = s.pass(at, peek, n > 0); m.Stop || at == len(q.pkts) {
			break
		}
		p := &q.pkts[at]
		if n > 0 && s.opt.passcred && p.cred != m.Cred {
			break
		}
		files := len(p.rights) > 0
		s.take(m, p, peek)
		got := len(p.data)
		if flags&linux.MSG_TRUNC == 0 || s.domain == linux.AF_UNIX {
			got = copy(m.Data[n:], p.data)
		} else {
			got = min(len(m.Data)-n, got)
		}
		n += got
		if peek {
			if at++; files {
				break
			}
			continue
		}
		p.data = p.data[got:]
		q.bytes -= got
		if len(p.data) > 0 {
			break
		}
		s.pop()
		at = q.head
		if files || len(m.Data) == 0 {
			break
		}
	}
	m.Named = false
	if n == 0 && len(m.Data) > 0 {
		return s.nothing()
	}
	return n, nil
}

// take gives the caller what comes along with a packet.
func (s *Socket) take(m *Message, p *packet, peek bool) {
	m.Name, m.Named, m.Control = p.from, true, s.told(p)
	if s.domain == linux.AF_UNIX && p.owner != nil {
		m.Name = p.owner.local // as it is by now
	}
	m.Cred, m.HasCred = p.cred, s.opt.passcred
	if peek {
		for _, r := range p.rights {
			m.Rights = append(m.Rights, r.Hold())
		}
		return
	}
	m.Rights = append(m.Rights, p.rights...)
	s.st.rights -= len(p.rights)
	p.rights = nil
}

// recvMessage reads one message; what does not fit is lost. With MSG_TRUNC the
// result is its real length.
func (s *Socket) recvMessage(m *Message, flags int) (int, error) {
	p := s.rx.first()
	peek := flags&linux.MSG_PEEK != 0
	s.take(m, p, peek)
	size := len(p.data)
	n := copy(m.Data, p.data)
	if !peek {
		s.pop()
	}
	if size > n {
		m.Flags = linux.MSG_TRUNC
		if flags&linux.MSG_TRUNC != 0 {
			n = size
		}
	}
	return n, nil
}
