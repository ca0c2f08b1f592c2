package tty

import (
	"sync"

	"github.com/sbxrun/sbx/abi/linux"
)

// Signals is how a terminal reaches processes. The methods are called without
// any lock of the terminal held, and may call back into it.
type Signals interface {
	// SignalGroup sends sig to every process of the process group.
	SignalGroup(pgid int, sig linux.Signal)
	// SignalLeader sends sig to the leader of the session.
	SignalLeader(sid int, sig linux.Signal)
	// ClearCTTY takes the terminal away from every process of the session
	// that has it as its controlling terminal.
	ClearCTTY(sid int, t *TTY)
}

// Caller is the process on whose behalf a call is made. A nil Caller is the
// host: never stopped by job control, no controlling terminal.
type Caller interface {
	SID() int                                 // its session
	PGID() int                                // its process group
	IsLeader() bool                           // leads its session
	CTTY() *TTY                               // its controlling terminal, or nil
	SetCTTY(t *TTY)                           // makes t that of its process
	SignalIgnored(sig linux.Signal) bool      // ignores or blocks sig
	Orphaned() bool                           // its process group is orphaned
	SignalOwnGroup(sig linux.Signal)          // kill(0, sig) by the kernel
	GroupSession(pgid int) (sid int, ok bool) // session of a process group
	Privileged() bool                         // has CAP_SYS_ADMIN
}

// Config is what a new terminal starts with; the zero value is a fresh Linux
// pseudo-terminal.
type Config struct {
	Termios *linux.Termios // nil: linux.DefaultTermios
	Winsize linux.Winsize
	Signals Signals // nil: signals go nowhere
	Index   int     // the N of /dev/pts/N
	Locked  bool    // the slave cannot be opened until unlocked, as after open("/dev/ptmx")
}

// TTY is one pseudo-terminal pair. It is safe for concurrent use.
type TTY struct {
	index int
	sig   Signals

	mu   sync.Mutex
	term linux.Termios
	win  linux.Winsize
	d    disc  // the slave's line discipline
	in   queue // written by the master, not yet through the discipline
	out  queue // written by the slave or echoed, not yet read by the master

	flow       flow // of the slave's output
	masterFlow flow // of the master's output

	locked     bool
	exclusive  bool
	masterOpen int    // open descriptions of the master
	slaveOpen  int    // open descriptions of the slave, those that are hung up among them
	slaveGone  bool   // the slave was closed for the last time (TTY_OTHER_CLOSED of the master)
	hungUp     bool   // the master is closed: the pair is dead
	gen        uint32 // counts hangups: an End of an older generation is hung up

	packet    bool  // TIOCPKT
	pktStatus uint8 // TIOCPKT_* waiting for the master

	session int // 0: nobody's controlling terminal
	pgrp    int // foreground process group
	oldSID  int // session that a hangup took it from, and
	oldPgrp int // its foreground group, for when the leader exits

	events  []func() // signals to send once the lock is free
	wakes   wakeSet
	masters watchList
	slaves  watchList
	onClose []func()
}

// flow is the stopped state of one direction.
type flow struct {
	stopped bool // by VSTOP, or by
	tco     bool // TCOOFF
}

// New returns a pair with one open master.
func New(c Config) *TTY {
	t := &TTY{index: c.Index, sig: c.Signals, win: c.Winsize, locked: c.Locked, masterOpen: 1}
	if c.Termios != nil {
		t.term = *c.Termios
	} else {
		t.term = linux.DefaultTermios()
	}
	t.in.limit, t.out.limit = queueLimit, queueLimit
	t.d.setTermios(t, nil)
	t.wakes = wakeSet{}
	return t
}

// Index returns the N of /dev/pts/N.
func (t *TTY) Index() int { return t.index }

// Rdev returns the device number of the slave.
func (t *TTY) Rdev() uint64 { return linux.Makedev(136, uint32(t.index)) }
