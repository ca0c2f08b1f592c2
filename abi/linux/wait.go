package linux

// WaitStatus is the status word of wait(2).
type WaitStatus uint32

// Options of wait4(2) and waitid(2).
const (
	WNOHANG    = 0x1
	WUNTRACED  = 0x2
	WSTOPPED   = 0x2
	WEXITED    = 0x4
	WCONTINUED = 0x8
	WNOWAIT    = 0x01000000
	WNOTHREAD  = 0x20000000 // __WNOTHREAD: not the children of other threads
	WALL       = 0x40000000 // __WALL: whatever they send at their end
	WCLONE     = -1 << 31   // __WCLONE, bit 31 of an int: only those that do not send SIGCHLD
)

// ExitStatus returns the status of a process that exited with code.
func ExitStatus(code int) WaitStatus { return WaitStatus(code&0xff) << 8 }

// SignalStatus returns the status of a process that a signal killed.
func SignalStatus(s Signal, core bool) WaitStatus {
	st := WaitStatus(s) & 0x7f
	if core {
		st |= 0x80
	}
	return st
}

// StopStatus returns the status of a process that a signal stopped.
func StopStatus(s Signal) WaitStatus { return WaitStatus(s)<<8 | 0x7f }

// ContinuedStatus is the status of a process that SIGCONT let go on.
const ContinuedStatus WaitStatus = 0xffff

// Exited is WIFEXITED.
func (w WaitStatus) Exited() bool { return w&0x7f == 0 }

// ExitCode is WEXITSTATUS, or -1 when the process did not exit.
func (w WaitStatus) ExitCode() int {
	if !w.Exited() {
		return -1
	}
	return int(w>>8) & 0xff
}

// Signaled is WIFSIGNALED.
func (w WaitStatus) Signaled() bool { return w&0x7f != 0 && w&0x7f != 0x7f }

// TermSignal is WTERMSIG, or 0 when no signal killed the process.
func (w WaitStatus) TermSignal() Signal {
	if !w.Signaled() {
		return 0
	}
	return Signal(w & 0x7f)
}

// CoreDump is WCOREDUMP.
func (w WaitStatus) CoreDump() bool { return w.Signaled() && w&0x80 != 0 }

// Stopped is WIFSTOPPED.
func (w WaitStatus) Stopped() bool { return w&0xff == 0x7f && w != ContinuedStatus }

// StopSignal is WSTOPSIG, or 0 when the process is not stopped.
func (w WaitStatus) StopSignal() Signal {
	if !w.Stopped() {
		return 0
	}
	return Signal(w >> 8)
}

// Continued is WIFCONTINUED.
func (w WaitStatus) Continued() bool { return w == ContinuedStatus }

// ShellCode is the status as a shell shows it in $?: the exit code, or 128 and
// the signal's number.
func (w WaitStatus) ShellCode() int {
	switch {
	case w.Exited():
		return w.ExitCode()
	case w.Stopped():
		return 128 + int(w.StopSignal())
	}
	return 128 + int(w.TermSignal())
}

// WIFEXITED reports a normal exit.
func WIFEXITED(w WaitStatus) bool { return w.Exited() }

// WEXITSTATUS returns the exit code.
func WEXITSTATUS(w WaitStatus) int { return int(w>>8) & 0xff }

// WIFSIGNALED reports death by a signal.
func WIFSIGNALED(w WaitStatus) bool { return w.Signaled() }

// WTERMSIG returns the signal that killed.
func WTERMSIG(w WaitStatus) Signal { return Signal(w & 0x7f) }

// WIFSTOPPED reports a stop.
func WIFSTOPPED(w WaitStatus) bool { return w.Stopped() }

// WSTOPSIG returns the signal that stopped.
func WSTOPSIG(w WaitStatus) Signal { return Signal(w >> 8) }

// WIFCONTINUED reports a continuation.
func WIFCONTINUED(w WaitStatus) bool { return w.Continued() }

// WCOREDUMP reports a core dump.
func WCOREDUMP(w WaitStatus) bool { return w.CoreDump() }
