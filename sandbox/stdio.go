package sandbox

import (
	"context"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// stdio are the standard streams of one program, of process 1 or of an
// execution: the host's own streams when sbx runs it in the foreground, callers
// that are attached, and the log.
//
// Everything that the program writes goes to the log first, then to every
// caller, then to the host's stream. A write returns when all have taken it, so
// a program is as fast as its slowest reader, but see attachStall.
type stdio struct {
	isTTY    bool
	host     IO
	log      *logWriter // nil: none
	in       *inbox     // what callers type; nil: nothing or host.Stdin
	once     bool       // the end of one caller's input is the program's
	sole     bool       // the one caller is all there is: without it writes fail
	kill     func(linux.Signal) error
	resized  func(linux.Winsize) // told of what callers do to the terminal; nil: nobody is
	tty      *kernel.TTY
	pump     sync.WaitGroup // copies the terminal's output
	pumpStop context.CancelFunc

	mu       sync.Mutex
	sessions []*session // replaced, never changed
	hungUp   bool       // sole: the caller is gone
	last     frame      // of the end; nil before
}

// files makes the program's standard files and starts the terminal's copiers.
func (s *stdio) files(k *kernel.Kernel) ([]*kernel.File, error) {
	if s.isTTY {
		tty, slave, err := k.NewTTY(s.host.Size)
		if err != nil {
			return nil, err
		}
		s.tty = tty
		ctx, stop := context.WithCancel(context.Background())
		s.pumpStop = stop
		s.pump.Go(func() { s.copyTTY(ctx) })
		if s.host.Stdin != nil {
			go func() { _, _ = io.Copy(tty, s.host.Stdin) }()
		}
		return []*kernel.File{slave, slave, slave}, nil
	}
	in := k.DevNull()
	switch {
	case s.host.Stdin != nil:
		in = k.HostReader(s.host.Stdin)
	case s.in != nil:
		in = k.HostReader(s.in)
	}
	return []*kernel.File{in, k.HostWriter(outlet{s, frameStdout}), k.HostWriter(outlet{s, frameStderr})}, nil
}

// copyTTY copies what comes to the terminal's screen until nobody has it open;
// after ctx only what is there already.
func (s *stdio) copyTTY(ctx context.Context) {
	buf := make([]byte, maxFrame)
	for left := len(buf); left > 0; {
		n, err := s.tty.ReadContext(ctx, buf)
		if err != nil {
			return
		}
		_, _ = outlet{s, frameStdout}.Write(buf[:n])
		if ctx.Err() != nil {
			left -= n
		}
	}
}

// drain waits until what was written to the terminal is passed on. Others may
// have it open and go on writing.
func (s *stdio) drain() {
	if s.tty != nil {
		s.pumpStop()
		s.pump.Wait()
	}
}

// closeFiles drops our references; a terminal's is there more than once.
func closeFiles(files []*kernel.File) {
	closed := map[*kernel.File]bool{}
	for _, f := range files {
		if !closed[f] {
			closed[f] = true
			f.Close()
		}
	}
}

// outlet is one of the streams that a program writes to.
type outlet struct {
	s    *stdio
	kind frameKind
}

// hostStream is the host's stream behind an outlet, or nil.
func (o outlet) hostStream() io.Writer {
	if o.kind == frameStderr {
		return o.s.host.Stderr
	}
	return o.s.host.Stdout
}

// Write implements io.Writer. A failure of the host's stream is the program's
// to hear of, but a terminal has more readers than that.
func (o outlet) Write(p []byte) (int, error) {
	s := o.s
	s.log.write(o.kind, p)
	s.mu.Lock()
	list, hungUp := s.sessions, s.hungUp
	s.mu.Unlock()
	if hungUp {
		return 0, linux.EPIPE
	}
	if len(list) > 0 {
		for piece := range slices.Chunk(p, maxFrame) {
			f := newFrame(o.kind, piece)
			for _, c := range list {
				if c.wants(o.kind) {
					c.send(f)
				}
			}
		}
	}
	if w := o.hostStream(); w != nil {
		if n, err := w.Write(p); err != nil && !s.isTTY {
			return n, err
		}
	}
	return len(p), nil
}

// SetWriteDeadline lets the kernel interrupt a write that the host's stream holds up.
func (o outlet) SetWriteDeadline(t time.Time) error {
	if d, ok := o.hostStream().(interface{ SetWriteDeadline(time.Time) error }); ok {
		return d.SetWriteDeadline(t)
	}
	return os.ErrNoDeadline
}

func (s *session) wants(k frameKind) bool {
	return k == frameStdout && s.opts.Stdout || k == frameStderr && s.opts.Stderr
}

// add attaches a caller.
func (s *stdio) add(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last != nil {
		c.out <- s.last // the first: there is room
		return
	}
	s.sessions = append(slices.Clone(s.sessions), c)
}

// remove detaches a caller.
func (s *stdio) remove(c *session, why error) {
	s.mu.Lock()
	s.sessions = slices.DeleteFunc(slices.Clone(s.sessions), func(o *session) bool { return o == c })
	lost := s.sole && why != errDetached && s.last == nil
	s.hungUp = s.hungUp || lost
	s.mu.Unlock()
	if c.opts.Stdin && (s.once || s.sole) {
		s.endInput()
	}
	if lost {
		s.hangup()
	}
}

// end tells all callers how the program ended, and those that still come.
func (s *stdio) end(code int, err error, patience time.Duration) {
	last := exitFrame(code, err)
	s.mu.Lock()
	list := s.sessions
	s.last = last
	s.mu.Unlock()
	var told sync.WaitGroup
	for _, c := range list {
		told.Go(func() { c.finish(last, patience) })
	}
	told.Wait()
	if s.in != nil {
		s.in.close()
	}
}

// input types p.
func (s *stdio) input(ctx context.Context, p []byte) {
	switch {
	case s.tty != nil:
		_, _ = s.tty.WriteContext(ctx, p)
	case s.in != nil:
		s.in.write(ctx, p)
	}
}

// endInput is the end of a caller's standard input.
func (s *stdio) endInput() {
	if s.in != nil && !s.isTTY && (s.once || s.sole) {
		s.in.close()
	}
}

// resize tells the guest the size of the caller's terminal.
func (s *stdio) resize(ws linux.Winsize) {
	if s.tty != nil {
		s.tty.Resize(ws)
		if s.resized != nil {
			s.resized(ws)
		}
	}
}

// redraw makes a program draw its screen for a new caller: its terminal
// becomes another one for a moment.
func (s *stdio) redraw(ws linux.Winsize) {
	if ws.Row == 0 || ws.Col == 0 {
		return
	}
	s.resize(linux.Winsize{Row: ws.Row + 1, Col: ws.Col + 1})
	s.resize(ws)
}

func (s *stdio) signal(sig linux.Signal) {
	if sig.Valid() {
		_ = s.kill(sig)
	}
}

// hangup takes the terminal away, if there is one, as a line that is lost does.
func (s *stdio) hangup() {
	if s.tty != nil {
		_ = s.tty.Close()
	}
}

// close lets go of the terminal once all that was written to it is read. The
// kernel is closed.
func (s *stdio) close() {
	if s != nil && s.tty != nil {
		s.pump.Wait()
		s.pumpStop()
		_ = s.tty.Close()
	}
}
