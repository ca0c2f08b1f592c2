package sandbox

import (
	"bufio"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// attachStall is how long a program waits for an attached caller that does not
// read: then the caller is cut off, and the program goes on. Up to
// sessionFrames frames are kept for it before that. The log has everything.
var attachStall = time.Minute // a variable for tests

const sessionFrames = 16

var (
	errDetached = errors.New("the caller left, the program goes on")
	errHungUp   = errors.New("the caller is gone")
)

// session is a caller that a program's streams lead to and come from.
type session struct {
	conn duplex
	in   *bufio.Reader
	opts AttachOptions
	out  chan frame
	ctx  context.Context // its cause is errDetached or errHungUp
	end  context.CancelCauseFunc
	done sync.WaitGroup
}

func newSession(conn duplex, in *bufio.Reader, o AttachOptions) *session {
	s := &session{conn: conn, in: in, opts: o, out: make(chan frame, sessionFrames)}
	s.ctx, s.end = context.WithCancelCause(context.Background())
	return s
}

// send queues a frame and waits while the queue is full, but not for ever.
func (s *session) send(f frame) {
	select {
	case s.out <- f:
		return
	case <-s.ctx.Done():
		return
	default:
	}
	t := time.NewTimer(attachStall)
	defer t.Stop()
	select {
	case s.out <- f:
	case <-s.ctx.Done():
	case <-t.C:
		s.leave(errHungUp)
	}
}

// finish sends the last frame; who does not read it in time does not get it.
func (s *session) finish(f frame, patience time.Duration) {
	_ = s.conn.SetWriteDeadline(time.Now().Add(patience))
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case s.out <- f:
	case <-s.ctx.Done():
	case <-t.C:
		s.leave(errHungUp)
	}
}

// leave ends the session.
func (s *session) leave(why error) {
	s.end(why)
	_ = s.conn.Close()
}

// serve passes frames on until the caller leaves or the last frame is written.
func (s *session) serve(p *stdio) {
	input := make(chan []byte, sessionFrames)
	s.done.Go(s.write)
	s.done.Go(func() { s.feed(p, input) })
	why := s.read(p, input)
	close(input)
	p.remove(s, why)
	s.leave(why)
	s.done.Wait()
}

// write writes the queued frames, up to the one of the end.
func (s *session) write() {
	for {
		select {
		case f := <-s.out:
			if _, err := s.conn.Write(f); err != nil {
				s.leave(errHungUp)
				return
			}
			if frameKind(f[0]) == frameExit {
				s.linger()
				return
			}
		case <-s.ctx.Done():
			return
		}
	}
}

// linger lets the caller close first: what it still sends would break the
// connection before it has read the end.
func (s *session) linger() {
	t := time.NewTimer(closeTimeout)
	defer t.Stop()
	select {
	case <-s.ctx.Done():
	case <-t.C:
		s.leave(errHungUp)
	}
}

// read takes the caller's frames apart; bytes for standard input are queued, so
// that a program which does not read holds up no signal.
func (s *session) read(p *stdio, input chan<- []byte) error {
	buf := make([]byte, maxFrame)
	for {
		kind, body, err := readFrame(s.in, buf)
		if err != nil {
			return errHungUp
		}
		switch kind {
		case frameStdin, frameEOF:
			if !s.opts.Stdin {
				break
			}
			piece := append([]byte(nil), body...)
			if kind == frameEOF {
				piece = nil
			} else if len(piece) == 0 {
				break
			}
			select {
			case input <- piece:
			case <-s.ctx.Done():
				return context.Cause(s.ctx)
			}
		case frameSize:
			if ws, ok := parseSize(body); ok {
				p.resize(ws)
			}
		case frameSignal:
			if len(body) == 1 {
				p.signal(linux.Signal(body[0]))
			}
		case frameDetach:
			return errDetached
		}
	}
}

// feed types what was queued; nil is the end.
func (s *session) feed(p *stdio, input <-chan []byte) {
	for piece := range input {
		if piece == nil {
			p.endInput()
		} else {
			p.input(s.ctx, piece)
		}
	}
}
