package socket

import "github.com/sbxrun/sbx/abi/linux"

// oobState is what a packet of a stream of AF_UNIX has to do with MSG_OOB.
type oobState uint8

const (
	plain   oobState = iota
	oobHere          // a byte to be read with MSG_OOB; the newest is, the others are plain
	oobRead          // without data: where such a byte was
)

// oobRoom is what such a byte takes of the send buffer, so that there are not too many.
const oobRoom = 512

// sendOOB sends the last byte of m out of band and those before it as ever. It is called again for what does not fit.
func (u unixProto) sendOOB(s *Socket, m *Message) (int, error) {
	if s.typ != linux.SOCK_STREAM || len(m.Data) == 0 {
		return 0, linux.EOPNOTSUPP
	}
	whole, last := *m, len(m.Data)-1
	sent := 0
	if last > 0 {
		whole.Data, whole.Flags = m.Data[:last], m.Flags&^linux.MSG_OOB
		n, err := u.send(s, &whole)
		if err != nil || n < last {
			return n, err
		}
		sent, whole.Rights = n, nil
	}
	o, err := u.streamPeer(s, m)
	if err != nil {
		return sent, err
	}
	if s.opt.sndbuf-s.wmem <= 0 {
		return sent, linux.EAGAIN
	}
	p := packet{cred: m.Cred, from: s.local, rights: whole.Rights, owner: s, oob: oobHere}
	if err := o.enqueue(p, m.Data[last:], oobRoom); err != nil {
		return sent, err
	}
	if q := &o.rx; o.oob {
		for i := q.head; i < len(q.pkts)-1; i++ {
			if q.pkts[i].oob == oobHere {
				q.pkts[i].oob = plain
			}
		}
	}
	o.oob = true
	o.tellUrgent()
	return sent + 1, nil
}

// recvOOB reads with MSG_OOB. It never waits.
func (s *Socket) recvOOB(m *Message, flags int) (int, error) {
	if s.inline() || !s.oob {
		return 0, linux.EINVAL
	}
	q := &s.rx
	for i := q.head; i < len(q.pkts); i++ {
		p := &q.pkts[i]
		if p.oob != oobHere {
			continue
		}
		if len(m.Data) == 0 {
			return 0, linux.EFAULT
		}
		m.Data[0] = p.data[0]
		if flags&linux.MSG_PEEK == 0 {
			p.oob, p.data = oobRead, p.data[1:]
			q.bytes--
			s.oob = false
		}
		m.Flags = linux.MSG_OOB
		return 1, nil
	}
	return 0, linux.EINVAL
}

// pass looks at the packet that a read of a stream has come to, which had begun when some is set. It returns the index of the packet to
// go on with; stop says that the read is over.
func (s *Socket) pass(at int, peek, some bool) (next int, stop bool) {
	q := &s.rx
	for at < len(q.pkts) {
		switch p := &q.pkts[at]; {
		case p.oob == oobRead && some && !s.oob, p.oob == oobHere && some:
			return at, true
		case p.oob == oobHere && s.inline():
			if !peek {
				p.oob, s.oob = plain, false
			}
			return at, false
		case p.oob == plain:
			return at, false
		case peek:
			at++
		default:
			if p.oob == oobHere {
				s.oob = false
			}
			s.st.trash = append(s.st.trash, p.rights...)
			s.pop()
			at = q.head
		}
	}
	return at, false
}

// unixAtMark reports whether the byte that came out of band is the next, or was.
func (s *Socket) unixAtMark() bool {
	q := &s.rx
	if q.empty() {
		return false
	}
	switch p := q.first(); {
	case p.oob == oobHere:
		return true
	case p.oob == oobRead:
		return !s.oob || q.count() > 1 && q.pkts[q.head+1].oob == oobHere
	}
	return false
}

// unread reports whether there is more than the place of a byte that came out of band and was read.
func (q *queue) unread() bool {
	return q.count() > 1 || q.count() == 1 && q.first().oob != oobRead
}
