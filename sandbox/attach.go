package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
)

// ErrDetached: the caller left a program, which goes on. A Stdin that returns
// it from Read leaves.
var ErrDetached = errors.New("detached")

// ErrLost: the connection to the program's sbx ended without a word. Either
// that sbx was killed, or this caller did not read for so long that it was cut
// off.
var ErrLost = errors.New("the connection to the container is lost")

// Session is a running program whose streams lead here: of a container
// (Attach, Launch) or of an execution in one (Exec).
type Session struct {
	a  *answer
	mu sync.Mutex // of writes

	detached bool
}

// Attach joins the streams of a running container.
func (e *Engine) Attach(ctx context.Context, ref string, o AttachOptions) (*Session, error) {
	a, err := e.callRunning(ctx, ref, "attach", o)
	if err != nil {
		return nil, err
	}
	return &Session{a: a}, nil
}

// Serve copies between the program's streams and io's until the program has
// ended, and returns its exit status; with a container's it is saved then. The
// error is ErrDetached, ErrLost, or of the program's sbx. A Read of io.Stdin
// that blocks keeps one goroutine until it returns. Serve can be called once.
func (s *Session) Serve(io IO) (int, error) {
	defer s.a.Close()
	if io.Stdin != nil {
		go s.copyIn(io.Stdin)
	}
	buf := make([]byte, maxFrame)
	for {
		kind, body, err := readFrame(s.a.Reader, buf)
		if err != nil {
			return 0, s.ended(err)
		}
		switch kind {
		case frameStdout:
			err = writeTo(io.Stdout, body)
		case frameStderr:
			err = writeTo(io.Stderr, body)
		case frameExit:
			var info exitInfo
			if err := json.Unmarshal(body, &info); err != nil {
				return 0, err
			}
			if info.Error != "" {
				return info.Code, errorOf(info.Kind, info.Error)
			}
			return info.Code, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// ended tells why there are no more frames.
func (s *Session) ended(error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.detached {
		return ErrDetached
	}
	return ErrLost
}

func writeTo(w io.Writer, p []byte) error {
	if w == nil {
		return nil
	}
	_, err := w.Write(p)
	return err
}

// copyIn sends what is typed, and its end.
func (s *Session) copyIn(in io.Reader) {
	buf := make([]byte, maxFrame)
	for {
		n, err := in.Read(buf)
		if n > 0 && s.send(newFrame(frameStdin, buf[:n])) != nil {
			return
		}
		switch {
		case errors.Is(err, ErrDetached):
			s.Detach()
			return
		case err != nil:
			_ = s.send(newFrame(frameEOF, nil))
			return
		}
	}
}

func (s *Session) send(f frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.a.conn.Write(f)
	return err
}

// Resize tells the program the size of the caller's terminal.
func (s *Session) Resize(ws linux.Winsize) { _ = s.send(sizeFrame(ws)) }

// Signal sends a signal to the program.
func (s *Session) Signal(sig linux.Signal) { _ = s.send(newFrame(frameSignal, []byte{byte(sig)})) }

// Detach leaves; the program goes on, and Serve returns ErrDetached.
func (s *Session) Detach() {
	_ = s.send(newFrame(frameDetach, nil))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.detached = true
	_ = s.a.Close()
}
