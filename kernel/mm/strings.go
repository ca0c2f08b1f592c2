package mm

import "bytes"

// Strings is where a program's arguments and its environment were put when it was loaded. What /proc/PID/cmdline and environ
// show is read from there whenever somebody looks, for programs write over it to rename themselves.
type Strings struct {
	ArgStart, ArgEnd uint64
	EnvStart, EnvEnd uint64
}

// SetStrings tells where the strings are. A fork has them in the same place.
func (s *Space) SetStrings(at Strings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strings = at
}

// Cmdline returns the arguments as they are now, each ended by a zero byte. Where a program has overwritten the last
// of these, the title that begins at the first argument, up to a page of it, as in proc_pid_cmdline(5).
func (s *Space) Cmdline() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.strings
	b := s.peek(at.ArgStart, at.ArgEnd)
	if n := len(b); n == 0 || uint64(n) < at.ArgEnd-at.ArgStart || b[n-1] == 0 {
		return b
	}
	end := at.ArgEnd
	if at.EnvStart == end {
		end = at.EnvEnd
	}
	title := s.peek(at.ArgStart, min(end, at.ArgStart+pageSize))
	if i := bytes.IndexByte(title, 0); i >= 0 {
		title = title[:i+1]
	}
	return title
}

// Environ returns the environment as it is now in the place where it was at the start.
func (s *Space) Environ() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.peek(s.strings.EnvStart, s.strings.EnvEnd)
}

// peek reads what of a range can be read; nothing once the space is no more. s.mu is held, which keeps the space from ending.
func (s *Space) peek(start, end uint64) []byte {
	if s.refs.Load() <= 0 || start >= end || end-start > StackSize {
		return nil
	}
	b := make([]byte, end-start)
	return b[:s.window.Read(start, b)]
}
