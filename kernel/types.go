package kernel

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// PollFd is one entry of poll(2). A negative FD is skipped.
type PollFd struct {
	FD      int
	Events  uint16 // linux.POLL* asked for
	Revents uint16 // answered
}

// Rusage is what getrusage(2) and wait4(2) tell. CPU time is the time that
// tasks spent outside blocking calls: a Go program has no other measure.
type Rusage struct {
	User, System time.Duration
	MaxRSS       int64 // bytes
	InBlock      int64 // 512-byte blocks read
	OutBlock     int64 // 512-byte blocks written
	Voluntary    int64 // waits
}

// Times is what times(2) tells.
type Times struct {
	User, System                 time.Duration
	ChildrenUser, ChildrenSystem time.Duration
	Elapsed                      time.Duration // monotonic, from boot
}

// Utsname is what uname(2) tells.
type Utsname struct {
	Sysname, Nodename, Release, Version, Machine, Domainname string
}

// Sysinfo is what sysinfo(2) tells, in bytes.
type Sysinfo struct {
	Uptime              time.Duration
	Loads               [3]float64
	Total, Free         uint64
	Shared, Buffers     uint64
	SwapTotal, SwapFree uint64
	Procs               int
}

// Flock is struct flock of fcntl(2).
type Flock struct {
	Type   int16 // linux.F_RDLCK, F_WRLCK, F_UNLCK
	Whence int16 // linux.SEEK_*
	Start  int64
	Len    int64 // 0 is to the end
	PID    int   // answered by F_GETLK; -1 for an OFD lock
}

// ProcInfo describes one process for the host.
type ProcInfo struct {
	PID, PPID, PGID, SID int
	State                byte // R S T Z as in /proc/PID/stat
	Comm                 string
	Argv                 []string
	UID                  uint32
	Start                time.Time
	CPU                  time.Duration
	Memory               int64
	Threads              int
}

// SpawnOpts are the arguments of Task.Spawn.
type SpawnOpts struct {
	// Path is the program; with no slash it is looked up in PATH of Env.
	Path string
	Argv []string
	Env  []string // nil: the caller's
	// Files maps the child's descriptors to the caller's, whose close-on-exec
	// flag does not count. A negative value closes. Descriptors that it does not
	// name are inherited, or closed when CloseOthers is set.
	Files       map[int]int
	CloseOthers bool
	// Setpgid: PgidInherit (the zero value), PgidNew, or a group to join.
	Setpgid int
	// Setsid starts a new session.
	Setsid bool
	// Foreground makes the child's new group the foreground group of the
	// controlling terminal before it runs.
	Foreground bool
	Cwd        string // "" is the caller's
	// SigDefault are set to their default actions. SigMask, when not nil, is the
	// child's signal mask.
	SigDefault linux.SigSet
	SigMask    *linux.SigSet
	// Umask, when not nil, is the child's umask.
	Umask *uint32
}

// Values of SpawnOpts.Setpgid.
const (
	PgidInherit = 0
	PgidNew     = -1
)

// Disposition is what a signal does to a process.
type Disposition uint8

// Dispositions of a signal.
const (
	SigDefault Disposition = iota
	SigIgnore
	SigHandle
)

// Action is struct sigaction. Handler and Restorer are guest addresses for
// programs that have a memory; Go programs leave them zero and use TakeSignal.
type Action struct {
	Disp              Disposition
	Flags             uint64 // linux.SA_*
	Mask              linux.SigSet
	Handler, Restorer uint64
}
