package linux

import (
	"strconv"
	"strings"
)

// Signal is a signal number of Linux on x86-64 and arm64, signal(7).
type Signal uint8

// The standard signals.
const (
	SIGHUP    Signal = 1
	SIGINT    Signal = 2
	SIGQUIT   Signal = 3
	SIGILL    Signal = 4
	SIGTRAP   Signal = 5
	SIGABRT   Signal = 6
	SIGIOT    Signal = 6
	SIGBUS    Signal = 7
	SIGFPE    Signal = 8
	SIGKILL   Signal = 9
	SIGUSR1   Signal = 10
	SIGSEGV   Signal = 11
	SIGUSR2   Signal = 12
	SIGPIPE   Signal = 13
	SIGALRM   Signal = 14
	SIGTERM   Signal = 15
	SIGSTKFLT Signal = 16
	SIGCHLD   Signal = 17
	SIGCLD    Signal = 17
	SIGCONT   Signal = 18
	SIGSTOP   Signal = 19
	SIGTSTP   Signal = 20
	SIGTTIN   Signal = 21
	SIGTTOU   Signal = 22
	SIGURG    Signal = 23
	SIGXCPU   Signal = 24
	SIGXFSZ   Signal = 25
	SIGVTALRM Signal = 26
	SIGPROF   Signal = 27
	SIGWINCH  Signal = 28
	SIGIO     Signal = 29
	SIGPOLL   Signal = 29
	SIGPWR    Signal = 30
	SIGSYS    Signal = 31

	SIGRTMIN Signal = 34 // the first that glibc leaves to programs
	SIGRTMAX Signal = 64
	NSIG            = 65 // one more than the highest number
)

var signalTable = [32]struct{ name, text string }{
	1: {"HUP", "Hangup"}, 2: {"INT", "Interrupt"}, 3: {"QUIT", "Quit"}, 4: {"ILL", "Illegal instruction"},
	5: {"TRAP", "Trace/breakpoint trap"}, 6: {"ABRT", "Aborted"}, 7: {"BUS", "Bus error"},
	8: {"FPE", "Floating point exception"}, 9: {"KILL", "Killed"}, 10: {"USR1", "User defined signal 1"},
	11: {"SEGV", "Segmentation fault"}, 12: {"USR2", "User defined signal 2"}, 13: {"PIPE", "Broken pipe"},
	14: {"ALRM", "Alarm clock"}, 15: {"TERM", "Terminated"}, 16: {"STKFLT", "Stack fault"},
	17: {"CHLD", "Child exited"}, 18: {"CONT", "Continued"}, 19: {"STOP", "Stopped (signal)"}, 20: {"TSTP", "Stopped"},
	21: {"TTIN", "Stopped (tty input)"}, 22: {"TTOU", "Stopped (tty output)"}, 23: {"URG", "Urgent I/O condition"},
	24: {"XCPU", "CPU time limit exceeded"}, 25: {"XFSZ", "File size limit exceeded"},
	26: {"VTALRM", "Virtual timer expired"}, 27: {"PROF", "Profiling timer expired"}, 28: {"WINCH", "Window changed"},
	29: {"IO", "I/O possible"}, 30: {"PWR", "Power failure"}, 31: {"SYS", "Bad system call"},
}

// Valid reports whether s is a signal that can be sent (1 to 64).
func (s Signal) Valid() bool { return s >= 1 && s < NSIG }

// Name returns the name without SIG, as kill -l prints it: "HUP", "RTMIN+1".
// It is "" when s is no signal.
func (s Signal) Name() string {
	switch {
	case int(s) < len(signalTable):
		return signalTable[s].name
	case s == SIGRTMIN:
		return "RTMIN"
	case s == SIGRTMAX:
		return "RTMAX"
	case s > SIGRTMIN && s <= SIGRTMIN+15:
		return "RTMIN+" + strconv.Itoa(int(s-SIGRTMIN))
	case s > SIGRTMIN && s < SIGRTMAX:
		return "RTMAX-" + strconv.Itoa(int(SIGRTMAX-s))
	}
	return ""
}

// String returns the name with SIG: "SIGHUP".
func (s Signal) String() string {
	if n := s.Name(); n != "" {
		return "SIG" + n
	}
	return "signal " + strconv.Itoa(int(s))
}

// Text returns strsignal(3)'s description: "Hangup".
func (s Signal) Text() string {
	switch {
	case int(s) < len(signalTable) && signalTable[s].text != "":
		return signalTable[s].text
	case s >= SIGRTMIN && s <= SIGRTMAX:
		return "Real-time signal " + strconv.Itoa(int(s-SIGRTMIN))
	}
	return "Unknown signal " + strconv.Itoa(int(s))
}

// ParseSignal understands "9", "KILL", "SIGKILL" and "RTMIN+3", in any case.
func ParseSignal(name string) (Signal, bool) {
	if n, err := strconv.ParseUint(name, 10, 8); err == nil {
		return Signal(n), Signal(n).Valid()
	}
	name = strings.TrimPrefix(strings.ToUpper(name), "SIG")
	switch name {
	case "IOT":
		return SIGABRT, true
	case "CLD":
		return SIGCHLD, true
	case "POLL":
		return SIGIO, true
	}
	for i := range signalTable {
		if name != "" && signalTable[i].name == name {
			return Signal(i), true
		}
	}
	return parseRealtime(name)
}

func parseRealtime(name string) (Signal, bool) {
	base, sign := int(SIGRTMIN), 1
	rest, ok := strings.CutPrefix(name, "RTMIN")
	if !ok {
		if rest, ok = strings.CutPrefix(name, "RTMAX"); !ok {
			return 0, false
		}
		base, sign = int(SIGRTMAX), -1
	}
	if rest == "" {
		return Signal(base), true
	}
	if rest[0] != map[int]byte{1: '+', -1: '-'}[sign] {
		return 0, false
	}
	n, err := strconv.ParseUint(rest[1:], 10, 6)
	s := base + sign*int(n)
	if err != nil || s < int(SIGRTMIN) || s > int(SIGRTMAX) {
		return 0, false
	}
	return Signal(s), true
}

// SigSet is a set of signals: bit s-1.
type SigSet uint64

// Has reports whether s is in the set.
func (m SigSet) Has(s Signal) bool { return s != 0 && m>>(s-1)&1 != 0 }

// With returns the set with s in it.
func (m SigSet) With(s Signal) SigSet { return m | 1<<(s-1) }

// Without returns the set without s.
func (m SigSet) Without(s Signal) SigSet { return m &^ (1 << (s - 1)) }

// How sigprocmask(2) changes a mask.
const (
	SIG_BLOCK   = 0
	SIG_UNBLOCK = 1
	SIG_SETMASK = 2
)

// Flags of sigaction(2).
const (
	SA_NOCLDSTOP = 0x00000001
	SA_NOCLDWAIT = 0x00000002
	SA_SIGINFO   = 0x00000004
	SA_RESTORER  = 0x04000000
	SA_ONSTACK   = 0x08000000
	SA_RESTART   = 0x10000000
	SA_NODEFER   = 0x40000000
	SA_RESETHAND = 0x80000000
)
