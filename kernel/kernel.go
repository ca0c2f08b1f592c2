package kernel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/dev"
	"github.com/sbxrun/sbx/kernel/ipc"
	"github.com/sbxrun/sbx/kernel/mqueue"
	"github.com/sbxrun/sbx/kernel/socket"
	"github.com/sbxrun/sbx/vfs"
)

// maxPID is one more than the highest process id, /proc/sys/kernel/pid_max.
const maxPID = 4194304

// Kernel is the kernel of one sandbox. Its methods are for the host and safe
// for concurrent use.
type Kernel struct {
	cfg      Config
	clock    Clock
	ns       *vfs.Namespace
	locks    *vfs.Locks
	devices  *dev.Devices
	bootWall time.Time
	boot     time.Duration // of the monotonic clock

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup // goroutines of tasks and of their calls
	done   chan struct{}
	ends   hostEnds
	fifos  fifoTable
	net    *socket.Stack
	ipc    *ipc.Namespace
	mq     *mqueue.FS
	mqNS   *vfs.Namespace // where mq_open(2) looks
	futex  futexTable
	mem    memFS
	async  asyncQueue

	epollMu sync.Mutex // the nesting of epolls; taken before the locks of epolls

	openFiles  atomic.Int64
	memory     atomic.Int64
	oomKills   atomic.Int64
	throttle   throttle
	maxMemory  atomic.Int64 // Limits.Memory, as it is now
	memoryPeak atomic.Int64 // the most that memory ever was
	aio        atomic.Int64 // requests that contexts have room for
	nextIno    atomic.Uint64
	forks      atomic.Uint64

	utsMu                sync.Mutex
	hostname, domainname string

	// mu is the process table, see the package comment.
	mu       sync.Mutex
	procs    map[int]*Process // zombies too
	tasks    map[int]*Task    // by tid; leaders until their process is reaped
	groups   map[int]*group
	sessions map[int]*session
	init     *Process
	lastPID  int
	ending   bool // process 1 is ending, or Close was called
	panics   []error
	halted   chan struct{} // while frozen: closed once no task runs
	deadCPU  time.Duration // of processes that were reaped
	deadIn   int64         // bytes of files that they read
	deadOut  int64         // and wrote
	maxTasks int           // Limits.Tasks, as it is now
	filters  filterTable
}

// New makes a kernel over a root filesystem, with /proc, /dev and /sys mounted
// where the root has such folders. Nothing runs until Start.
func New(cfg Config) (*Kernel, error) {
	if cfg.Root == nil {
		return nil, fmt.Errorf("kernel: no root filesystem: %w", linux.EINVAL)
	}
	for n, l := range cfg.Rlimits {
		if n < 0 || n >= linux.RLIM_NLIMITS || l.Cur > l.Max {
			return nil, fmt.Errorf("kernel: limit %d of %d to %d: %w", n, l.Cur, l.Max, linux.EINVAL)
		}
	}
	cfg.Limits = cfg.Limits.withDefaults()
	cfg.CPUs = max(cfg.CPUs, 1)
	if cfg.Clock == nil {
		cfg.Clock = HostClock()
	}
	k := &Kernel{
		cfg: cfg, clock: cfg.Clock, ns: vfs.NewNamespaceOpts(cfg.Root, vfs.MountOpts{Source: cfg.Root.Type(), ReadOnly: cfg.ReadOnly}), locks: vfs.NewLocks(),
		bootWall: cfg.Clock.Now(), boot: cfg.Clock.Monotonic(), done: make(chan struct{}),
		procs: map[int]*Process{}, tasks: map[int]*Task{}, groups: map[int]*group{}, sessions: map[int]*session{},
		hostname: cfg.Hostname, domainname: cfg.Domainname, filters: filterTable{},
	}
	k.maxMemory.Store(cfg.Limits.Memory)
	k.maxTasks = cfg.Limits.Tasks
	k.fifos.m = map[fifoKey]*pipe{}
	k.nextIno.Store(1000)
	if k.hostname == "" {
		k.hostname = "localhost"
	}
	if k.domainname == "" {
		k.domainname = "(none)"
	}
	k.ctx, k.cancel = context.WithCancel(context.Background())
	k.net = k.newStack()
	k.ipc = ipc.New(ipc.Config{Now: k.clock.Now, Charge: k.admit})
	k.mq = mqueue.New(mqueue.Config{Dev: mqueueDev, Now: k.clock.Now, Charge: k.admit})
	k.mqNS = vfs.NewNamespace(k.mq)
	k.futex.init()
	if err := k.mountAll(); err != nil {
		k.cancel()
		return nil, err
	}
	if k.cfg.Limits.CPU > 0 {
		k.wg.Add(1)
		go k.runThrottle()
	}
	return k, nil
}

// Namespace returns the mount tree, for the host to mount into.
func (k *Kernel) Namespace() *vfs.Namespace { return k.ns }

// Clock returns the kernel's clock.
func (k *Kernel) Clock() Clock { return k.clock }

// Done is closed when process 1 and everything below it have ended, or by Close.
func (k *Kernel) Done() <-chan struct{} { return k.done }

// Close kills every process and waits for all goroutines of the kernel, but for
// those in a Read or Write of a host stream that nobody can interrupt. What guests sent over connections that
// end with them has a second to arrive. It
// returns the panics of programs, if there were any.
func (k *Kernel) Close() error {
	k.mu.Lock()
	k.ending = true
	for _, p := range k.procs {
		p.exitGroupLocked(linux.SignalStatus(linux.SIGKILL, false))
	}
	never := k.init == nil
	k.mu.Unlock()
	k.net.Linger(k.done)
	k.cancel()
	k.net.Close()
	k.wg.Wait()
	k.net.Close() // what a dying task made meanwhile
	k.ends.closeAll()
	k.ipc.Close()
	if never {
		k.closeDone()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return errors.Join(k.panics...)
}

func (k *Kernel) closeDone() {
	k.mu.Lock()
	defer k.mu.Unlock()
	select {
	case <-k.done:
	default:
		close(k.done)
	}
}

// reportPanic remembers what a program panicked with, at most a few.
func (k *Kernel) reportPanic(t *Task, r any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.panics) < 8 {
		k.panics = append(k.panics, fmt.Errorf("kernel: program %s (pid %d) panicked: %v", t.Comm(), t.proc.pid, r))
	}
}

// Signal sends a signal to a process from outside, as Process.Signal does.
func (k *Kernel) Signal(pid int, sig linux.Signal) error {
	k.mu.Lock()
	p := k.procs[pid]
	k.mu.Unlock()
	if p == nil {
		return linux.ESRCH
	}
	return p.Signal(sig)
}

// Process returns a process by its id.
func (k *Kernel) Process(pid int) (*Process, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	p := k.procs[pid]
	return p, p != nil
}

// Processes lists all processes by pid.
func (k *Kernel) Processes() []ProcInfo {
	k.mu.Lock()
	out := make([]ProcInfo, 0, len(k.procs))
	leaders := make(map[int]*Task, len(k.procs))
	for _, p := range k.procs {
		out = append(out, p.infoLocked())
		if !p.zombie { // those keep the arguments that they were started with
			leaders[p.pid] = p.leader
		}
	}
	k.mu.Unlock()
	for i := range out { // reading a program's memory may take a while
		if t := leaders[out[i].PID]; t != nil {
			if title := t.title(); title[0] != "" {
				out[i].Argv = title
			}
		}
	}
	slices.SortFunc(out, func(a, b ProcInfo) int { return a.PID - b.PID })
	return out
}

func (p *Process) infoLocked() ProcInfo {
	t := p.leader
	i := ProcInfo{
		PID: p.pid, PPID: p.ppidLocked(), State: p.stateLocked(), Comm: t.Comm(), Argv: t.Argv(),
		UID: t.cred.Load().EUID, Start: p.startWall, CPU: p.usageLocked().User, Memory: p.memory.Load(),
		Threads: len(p.tasks),
	}
	if p.group != nil {
		i.PGID, i.SID = p.group.id, p.group.session.id
	}
	return i
}

// stateLocked is the letter of /proc/PID/stat.
func (p *Process) stateLocked() byte {
	if p.zombie {
		return 'Z'
	}
	if p.stopping && p.stopLeft == 0 {
		return 'T'
	}
	for _, t := range p.tasks {
		if !t.sleeping.Load() {
			return 'R'
		}
	}
	return 'S'
}

// allocLocked finds a free id: of no task, group or session.
func (k *Kernel) allocLocked() (int, error) {
	if len(k.tasks) >= k.maxTasks {
		return 0, linux.EAGAIN
	}
	for range maxPID {
		k.lastPID++
		if k.lastPID >= maxPID {
			k.lastPID = 300
		}
		id := k.lastPID
		if k.tasks[id] == nil && k.procs[id] == nil && k.groups[id] == nil && k.sessions[id] == nil {
			return id, nil
		}
	}
	return 0, linux.EAGAIN
}
