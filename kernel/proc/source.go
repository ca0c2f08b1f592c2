package proc

import (
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/vfs"
)

// Source is what /proc and /sys are rendered from. It must be safe for
// concurrent use, and must not call back into the file systems made from it.
type Source interface {
	// PIDs returns the thread group ids of all processes, ascending.
	PIDs() []int
	// Task finds a process by its id, or a thread by its own.
	Task(id int) (Task, bool)
	// System returns numbers about the whole sandbox.
	System() System
	// SysvIPC makes a file of /proc/sysvipc: "msg", "sem" or "shm".
	SysvIPC(name string) string
	// SetHostname and SetDomainname are writes to /proc/sys/kernel.
	SetHostname(name string) error
	SetDomainname(name string) error
}

// Task is one process, or one thread of it. Methods give snapshots; those of a
// task that has ended meanwhile give zero values, or ESRCH.
type Task interface {
	Status() Status
	Cmdline() []byte // arguments, each ended by a zero byte, or a title; nil for a zombie
	Environ() []byte // the environment that it was started with, each ended by a zero byte
	Threads() []int  // ids of the threads of its process, ascending
	FDs() []int      // open descriptors, ascending
	FD(fd int) (FD, error)
	// Link resolves exe, cwd and root: the place and the text readlink gives.
	Link(l Link) (vfs.Loc, string, error)
	Maps() []Mapping
	Mounts() []vfs.MountInfo // that are visible from its root
	Limits() [16]linux.Rlimit
	SetComm(name string) error
	SetOOMScoreAdj(n int) error
	SetLoginUID(uid uint32) error
}

// Link is a magic link in a process's folder.
type Link uint8

// Magic links.
const (
	LinkExe Link = iota
	LinkCwd
	LinkRoot
)

// Status is what stat, statm, status and io tell of a task.
type Status struct {
	// Serial tells processes that had the same id one after another apart.
	Serial                       uint64
	TGID, TID, PPID, PGID, SID   int
	Comm                         string    // at most 15 bytes
	State                        byte      // R S D T t Z X
	TTY                          uint64    // rdev of the controlling terminal, 0 for none
	TTYPgrp                      int       // its foreground group, -1 for none
	UID, GID                     [4]uint32 // real, effective, saved, file system
	Groups                       []uint32
	Umask                        uint32
	Threads                      int
	Nice                         int
	CPUs                         uint64        // the affinity, 0: all of them
	Start                        time.Duration // since boot
	UTime, STime, CUTime, CSTime time.Duration
	VmSize, VmRSS                int64 // bytes
	MinFaults, MajFaults         uint64
	FDSize                       int
	SigPending, ShdPending       linux.SigSet
	SigBlocked, SigIgnored       linux.SigSet
	SigCaught                    linux.SigSet
	SigQueued, SigQueueLimit     uint64
	CapInh, CapPrm, CapEff       uint64
	CapBnd, CapAmb               uint64
	NoNewPrivs                   bool
	Seccomp, SeccompFilters      int
	Voluntary, Involuntary       uint64 // context switches
	ReadChars, WriteChars        uint64
	ReadCalls, WriteCalls        uint64
	ReadBytes, WriteBytes        uint64
	OOMScoreAdj                  int
	LoginUID                     uint32
	ExitCode                     linux.WaitStatus
}

// FD is one open file description as seen through a descriptor.
type FD struct {
	Loc   vfs.Loc // where opening the link leads; zero: nowhere
	Path  string  // what readlink gives: a path, pipe:[N], socket:[N], anon_inode:NAME
	Flags int     // O_*, with O_CLOEXEC
	Pos   int64
	MntID int
	Ino   uint64
	Extra string // further lines of fdinfo, each ended by a newline
}

// Mapping is one line of maps.
type Mapping struct {
	Start, End        uint64
	Read, Write, Exec bool
	Shared            bool
	Offset, Dev, Ino  uint64
	Path              string
}

// System is what belongs to no process.
type System struct {
	Hostname, Domainname string
	Release, Version     string // uname -r, uname -v
	Machine              string // uname -m
	Boot                 time.Time
	Uptime               time.Duration // since boot, of the sandbox
	Idle                 time.Duration // summed over the CPUs
	CPUs                 int
	User, Nice, Sys      time.Duration // CPU time of all processes
	MemTotal, MemFree    int64         // bytes; MemTotal is the limit
	MemCached, MemShared int64
	MemPeak              int64   // the most that was ever used
	MemLimit             int64   // 0: no limit was set
	OOMKills             int64   // processes that were killed for want of memory
	TasksLimit           int     // 0: no limit was set
	CPULimit             float64 // CPUs' worth of time, 0: no limit was set
	CPUPeriods           int64   // periods in which something ran at that limit
	CPUThrottled         int64   // and how many of them it was held up in
	CPUThrottledTime     time.Duration
	Load                 [3]float64
	Running, Tasks       int // threads that run, threads in all
	LastPID              int
	PIDMax               int
	Forks, Switches      uint64
	OpenFiles, FileMax   uint64
	PipeMaxSize          int
	AIO, AIOMax          uint64
	BootID               string // UUID; "" is derived from Boot
	CommandLine          string
	Processor            func() *cpu.Processor // of /proc/cpuinfo; nil for a plain x86-64-v2
	Ptys                 int
}
