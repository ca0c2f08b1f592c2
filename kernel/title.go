package kernel

import "strings"

// Titled is a Program whose arguments and environment are in its memory, where it may write over them: what they are now.
// Both are safe from any goroutine, and empty once the program has ended.
type Titled interface {
	// Cmdline is what /proc/PID/cmdline shows.
	Cmdline() []byte
	// Environ is what /proc/PID/environ shows.
	Environ() []byte
}

// titled is the program that t runs, if it is of that kind.
func (t *Task) titled() (Titled, bool) {
	now := t.running.Load()
	if now == nil {
		return nil, false
	}
	p, ok := (*now).(Titled)
	return p, ok
}

// cmdline is what a process calls itself now: its arguments, each ended by a zero byte, or what it wrote over them.
func (t *Task) cmdline() []byte {
	if p, ok := t.titled(); ok {
		return p.Cmdline()
	}
	return zeroEnded(t.Argv())
}

// zeroEnded joins strings as in memory: each ended by a zero byte.
func zeroEnded(ss []string) []byte {
	var b []byte
	for _, s := range ss {
		b = append(append(b, s...), 0)
	}
	return b
}

// title is cmdline as a list, without the zero bytes that a shorter title is filled up with.
func (t *Task) title() []string {
	return strings.Split(strings.TrimRight(string(t.cmdline()), "\x00"), "\x00")
}
