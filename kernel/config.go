package kernel

import (
	"context"
	"net"
	"net/netip"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/kernel/socket"
	"github.com/sbxrun/sbx/vfs"
)

// Config says what a kernel is made of. The zero value of every field but Root
// has a sensible meaning.
type Config struct {
	// Root is the filesystem mounted at "/". The kernel does not close it.
	Root vfs.Super
	// ReadOnly mounts it read-only. What is mounted inside is not touched by it.
	ReadOnly bool
	// Hostname and Domainname are what uname(2) shows. The defaults are
	// "localhost" and "(none)".
	Hostname, Domainname string
	// Clock is the time of the guests; nil is the host's.
	Clock Clock
	// Limits bounds what the guests may use together.
	Limits Limits
	// Rlimits are what processes that the host starts get instead of the defaults, by
	// their number, setrlimit(2).
	Rlimits map[int]linux.Rlimit
	// Loaders turn files into programs, asked in order. "#!" lines are the
	// kernel's own, after those loaders that want them.
	Loaders []Loader
	// Dial opens TCP and UDP connections for guests, and is the place for a
	// network policy: an error of type linux.Errno reaches the guest as it is.
	// nil means that there is no network: ENETUNREACH. The connection is the guest's
	// from then on; on Linux a *net.TCPConn becomes its socket, and what the caller
	// does with it has no effect. Who wants to keep a hand on it wraps it.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Resolver answers what guests ask of NameServer, by UDP and TCP; *net.Resolver
	// is one. nil leaves the name server's address to Dial.
	Resolver socket.Resolver
	// NameServer is 10.0.2.3 by default; /etc/resolv.conf has to name it.
	NameServer netip.Addr
	// Neighbour opens connections to the networks that interfaces are on; see
	// socket.Config. nil leaves them to Dial.
	Neighbour func(ctx context.Context, network string, from, to netip.AddrPort) (net.Conn, error)
	// Interfaces are those besides the loopback's; nil is eth0 with 10.0.2.15/24 behind
	// 10.0.2.1. What guests send to their addresses and to the loopback stays in the
	// sandbox.
	Interfaces []socket.Interface
	// NoProc, NoDev and NoSys leave /proc, /dev and /sys unmounted.
	NoProc, NoDev, NoSys bool
	// OnOOMKill is told of each process that is killed because memory has run out, by the task that needs some; nil: nobody is.
	OnOOMKill func()
	// ShmBytes is the size of /dev/shm; 0 is 64 MiB.
	ShmBytes int64
	// CPUs is how many processors guests see; 0 is 1.
	CPUs int
	// Processor tells what /proc/cpuinfo says of them; nil is a plain one.
	Processor func() *cpu.Processor
}

// Limits of one kernel. Zero means the default in brackets.
type Limits struct {
	Tasks     int     // tasks alive or unreaped at one time (4096): fork fails with EAGAIN
	Memory    int64   // bytes that guests may hold (unlimited): the process with the most is killed, or ENOMEM
	Disk      int64   // bytes shown as the size of the disk; the root's own quota enforces it
	OpenFiles int     // open file descriptions of all tasks together (65536): ENFILE
	CPU       float64 // processors' worth of time (unlimited): tasks are held up
}

const (
	defaultTasks     = 4096
	defaultOpenFiles = 65536
)

// withDefaults fills in what is zero.
func (l Limits) withDefaults() Limits {
	if l.Tasks <= 0 {
		l.Tasks = defaultTasks
	}
	if l.OpenFiles <= 0 {
		l.OpenFiles = defaultOpenFiles
	}
	return l
}
