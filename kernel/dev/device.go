package dev

import (
	"sync"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/tty"
	"github.com/sbxrun/sbx/vfs"
)

// Device is an open character device. A nil WaitFunc never blocks. Reads of 0
// bytes are the end of the file.
type Device interface {
	Read(c tty.Caller, p []byte, wait tty.WaitFunc) (int, error)
	Write(c tty.Caller, p []byte, wait tty.WaitFunc) (int, error)
	Readiness() uint32             // POLL* bits that hold now
	Watch(fn func()) (stop func()) // fn must not block
	Close() error
}

// The device numbers of Linux that are implemented here, mem(4) and tty(4).
const (
	majorMem     = 1
	majorTTYAux  = 5
	majorPts     = 136
	minorNull    = 3
	minorZero    = 5
	minorFull    = 7
	minorRandom  = 8
	minorURandom = 9
	minorTTY     = 0
	minorConsole = 1
	minorPtmx    = 2
)

// Options of New.
type Options struct {
	PtsDev  uint64           // device number of the devpts file system
	Random  func(p []byte)   // source of random bytes; nil: crypto/rand
	Signals tty.Signals      // of every terminal made here
	MaxPtys int              // live pseudo-terminals at most; 0: 1024
	TTYGID  uint32           // group of /dev/pts/N
	Now     func() time.Time // nil: time.Now
}

// Devices is the character devices of one sandbox. It is safe for concurrent use.
type Devices struct {
	o   Options
	pts *ptsFS

	mu      sync.Mutex
	console *tty.TTY
}

// New makes the devices of one sandbox.
func New(o Options) *Devices {
	if o.MaxPtys <= 0 {
		o.MaxPtys = 1024
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = cryptoRandom
	}
	return &Devices{o: o, pts: newPtsFS(o)}
}

// Pts returns the devpts file system, to be mounted at /dev/pts.
func (d *Devices) Pts() vfs.Super { return d.pts }

// SetConsole makes t what /dev/console opens; nil for none.
func (d *Devices) SetConsole(t *tty.TTY) {
	d.mu.Lock()
	d.console = t
	d.mu.Unlock()
}

// NewPTY makes a pseudo-terminal that is listed in /dev/pts until its master is
// closed. ENOSPC when there are too many. The slave is unlocked.
func (d *Devices) NewPTY(c tty.Config, uid uint32) (*tty.TTY, error) {
	if c.Signals == nil {
		c.Signals = d.o.Signals
	}
	return d.pts.add(c, uid)
}

// Caller is what Open needs to know of the task that opens.
type Caller interface {
	tty.Caller
	FSUID() uint32 // owner of a pseudo-terminal that it allocates
}

// Open opens the character device with number rdev, as open(2) with the O_*
// flags does: ENXIO when there is none. Opening a terminal without O_NOCTTY may
// make it the controlling terminal. c may be nil: the host.
func (d *Devices) Open(rdev uint64, flags int, c Caller) (Device, error) {
	minor := linux.Minor(rdev)
	switch linux.Major(rdev) {
	case majorMem:
		return d.openMem(minor)
	case majorTTYAux:
		return d.openAux(minor, flags, c)
	case majorPts:
		return d.openSlave(d.pts.find(int(minor)), flags, c)
	}
	return nil, linux.ENXIO
}

func (d *Devices) openAux(minor uint32, flags int, c Caller) (Device, error) {
	switch minor {
	case minorTTY:
		if c == nil || c.CTTY() == nil {
			return nil, linux.ENXIO
		}
		return d.openSlave(c.CTTY(), flags|linux.O_NOCTTY, c)
	case minorConsole:
		d.mu.Lock()
		t := d.console
		d.mu.Unlock()
		return d.openSlave(t, flags|linux.O_NOCTTY, c)
	case minorPtmx:
		return d.openPtmx(c)
	}
	return nil, linux.ENXIO
}

func (d *Devices) openPtmx(c Caller) (Device, error) {
	uid := uint32(0)
	if c != nil {
		uid = c.FSUID()
	}
	t, err := d.NewPTY(tty.Config{Locked: true}, uid)
	if err != nil {
		return nil, err
	}
	return t.Master(), nil
}

func (d *Devices) openSlave(t *tty.TTY, flags int, c Caller) (Device, error) {
	if t == nil {
		return nil, linux.EIO
	}
	var tc tty.Caller
	if c != nil {
		tc = c
	}
	e, err := t.OpenSlave(tc)
	if err != nil {
		return nil, err
	}
	if flags&linux.O_NOCTTY == 0 && flags&linux.O_ACCMODE != linux.O_WRONLY {
		e.AcquireOnOpen(tc)
	}
	return e, nil
}

// OpenPeer is TIOCGPTPEER: opens the slave of a master, whatever is mounted. EIO if it is none.
func (d *Devices) OpenPeer(master *tty.End, flags int, c Caller) (Device, error) {
	if !master.IsMaster() {
		return nil, linux.EIO
	}
	return d.openSlave(master.TTY(), flags, c)
}
