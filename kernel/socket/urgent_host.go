package socket

import (
	"context"
	"io"
	"net"

	"github.com/sbxrun/sbx/abi/linux"
)

// UrgentConn is a connection whose bytes may be urgent.
type UrgentConn interface {
	net.Conn
	// ReadUrgent is Read; urgent says that the last byte is.
	ReadUrgent(p []byte) (n int, urgent bool, err error)
	// WriteUrgent is Write of bytes of which the last is urgent.
	WriteUrgent(p []byte) (int, error)
}

// urgentMarks are the urgent bytes in the queue of a host's end: all of them, for the machine that they go to decides which counts.
type urgentMarks struct {
	gaps []int // how many bytes are before each of them: from where the queue is read, or from the one before
	upTo int   // how many bytes there are up to the last one, with it
}

// maxMarks bounds how many are kept: of more, the last but one is a byte like others.
const maxMarks = 1024

// add marks the last of n bytes that are queued.
func (m *urgentMarks) add(n int) {
	if last := len(m.gaps) - 1; len(m.gaps) >= maxMarks {
		m.gaps[last] += n - m.upTo
	} else {
		m.gaps = append(m.gaps, n-1-m.upTo)
	}
	m.upTo = n
}

// read counts bytes that were read, up to the first mark at most; urgent says that the last of them was it.
func (m *urgentMarks) read(n int) (urgent bool) {
	if len(m.gaps) == 0 {
		return false
	}
	m.upTo -= n
	if m.gaps[0] -= n; m.gaps[0] < 0 {
		m.gaps = m.gaps[1:]
		return true
	}
	return false
}

// PassUrgent says that who reads from the connection asks for urgent bytes. Without it a guest that sends some gets EOPNOTSUPP.
func (h *HostConn) PassUrgent() {
	h.s.st.mu.Lock()
	defer h.s.st.unlock()
	h.s.passes = true
}

// ReadUrgent implements UrgentConn.
func (h *HostConn) ReadUrgent(p []byte) (n int, urgent bool, err error) {
	if len(p) == 0 {
		return 0, false, nil
	}
	n, err = h.wait(context.Background(), &h.read, func() (n int, err error) {
		n, urgent, err = h.s.recvHost(p)
		if n == 0 && err == nil {
			if h.closed() {
				return 0, net.ErrClosed
			}
			return 0, io.EOF
		}
		return n, err
	})
	return n, urgent, err
}

// recvHost is Recv of a host's end that asks for urgent bytes.
func (s *Socket) recvHost(p []byte) (n int, urgent bool, err error) {
	s.st.mu.Lock()
	defer s.st.unlock()
	if len(s.marks.gaps) > 0 {
		p = p[:min(len(p), s.marks.gaps[0]+1)]
	}
	n, err = s.p.recv(s, &Message{Data: p}, 0)
	s.st.out.Add(int64(n))
	return n, s.marks.read(n), err
}

// WriteUrgent implements UrgentConn.
func (h *HostConn) WriteUrgent(p []byte) (int, error) { return h.send(p, linux.MSG_OOB) }

// takeMarked is takePiece of a stream with urgent bytes, of which each ends a piece.
func (s *Socket) takeMarked() (p packet, urgent bool) {
	n := s.marks.gaps[0] + 1
	if have := len(s.rx.first().data); n > have {
		s.marks.read(have)
		return s.unqueue(), false
	}
	p.data, p.buf = newPiece(n)
	p.data = p.data[:n]
	_, _ = s.recvStream(&Message{Data: p.data}, 0)
	return p, s.marks.read(n)
}

// readUrgent is readConn of a connection that may have urgent bytes.
func readUrgent(c net.Conn, b []byte) (n int, urgent bool, err error) {
	u, ok := c.(UrgentConn)
	if !ok {
		n, err = readConn(c, b)
		return n, false, err
	}
	defer func() {
		if recover() != nil || n < 0 || n > len(b) {
			n, urgent, err = 0, false, linux.EIO
		}
	}()
	for range 100 {
		if n, urgent, err = u.ReadUrgent(b); n != 0 || err != nil {
			return n, urgent, err
		}
	}
	return 0, false, io.ErrNoProgress
}

// urgentWriter has a connection's WriteUrgent for Write.
type urgentWriter struct {
	net.Conn
	u UrgentConn
}

func (w urgentWriter) Write(p []byte) (int, error) { return w.u.WriteUrgent(p) }

// pipeUrgent prepares the two ends of a pump for urgent bytes, and returns how they are written to the outside; nil when they can't be.
func (h *HostConn) pipeUrgent(c net.Conn) net.Conn {
	u, ok := c.(UrgentConn)
	if !ok {
		return nil
	}
	h.PassUrgent()
	if far, ok := c.(interface{ PassUrgent() }); ok {
		far.PassUrgent()
	}
	return urgentWriter{c, u}
}
