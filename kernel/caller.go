package kernel

import (
	"context"
	"slices"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/tty"
)

// caller is a task as terminals and devices see it.
type caller struct{ t *Task }

func (c caller) locked(f func(p *Process)) {
	c.t.k.mu.Lock()
	defer c.t.k.mu.Unlock()
	f(c.t.proc)
}

// SID is the session.
func (c caller) SID() (id int) {
	c.locked(func(p *Process) { id = p.group.session.id })
	return id
}

// PGID is the process group.
func (c caller) PGID() (id int) {
	c.locked(func(p *Process) { id = p.group.id })
	return id
}

// IsLeader reports whether the process leads its session.
func (c caller) IsLeader() (is bool) {
	c.locked(func(p *Process) { is = p.group.session.leader == p })
	return is
}

// CTTY is the controlling terminal.
func (c caller) CTTY() (t *tty.TTY) {
	c.locked(func(p *Process) { t = p.ctty })
	return t
}

// SetCTTY changes it; for a session leader for the whole session, which has
// none as long as the leader has none.
func (c caller) SetCTTY(t *tty.TTY) { c.locked(func(p *Process) { p.ctty = t }) }

// SignalIgnored reports whether a signal is ignored or blocked.
func (c caller) SignalIgnored(sig linux.Signal) (is bool) {
	c.locked(func(p *Process) { is = c.t.mask.Has(sig) || p.sigs.a[sig].Disp == SigIgnore })
	return is
}

// Orphaned reports whether the process group is orphaned.
func (c caller) Orphaned() (is bool) {
	c.locked(func(p *Process) { is = p.group.orphaned(nil) })
	return is
}

// SignalOwnGroup sends a signal to the process group.
func (c caller) SignalOwnGroup(sig linux.Signal) {
	c.locked(func(p *Process) { p.k.signalGroupLocked(p.group, SigInfo{Signo: sig, Code: SI_KERNEL}) })
}

// GroupSession finds the session of a group.
func (c caller) GroupSession(pgid int) (sid int, ok bool) {
	c.locked(func(p *Process) {
		if g := p.k.groups[pgid]; g != nil {
			sid, ok = g.session.id, true
		}
	})
	return sid, ok
}

// Privileged reports CAP_SYS_ADMIN.
func (c caller) Privileged() bool { return c.t.cred.Load().Has(linux.CAP_SYS_ADMIN) }

// FSUID is the owner of what the task makes.
func (c caller) FSUID() uint32 { return c.t.cred.Load().FSUID }

// ttySignals is how terminals reach processes.
type ttySignals struct{ k *Kernel }

// SignalGroup sends a signal to a process group.
func (s ttySignals) SignalGroup(pgid int, sig linux.Signal) {
	s.k.mu.Lock()
	defer s.k.mu.Unlock()
	if g := s.k.groups[pgid]; g != nil {
		s.k.signalGroupLocked(g, SigInfo{Signo: sig, Code: SI_KERNEL})
	}
}

// SignalLeader sends a signal to the leader of a session.
func (s ttySignals) SignalLeader(sid int, sig linux.Signal) {
	s.k.mu.Lock()
	defer s.k.mu.Unlock()
	if ss := s.k.sessions[sid]; ss != nil && ss.leader != nil {
		ss.leader.sendLocked(nil, SigInfo{Signo: sig, Code: SI_KERNEL}, false)
	}
}

// ClearCTTY takes a terminal from all processes of a session.
func (s ttySignals) ClearCTTY(sid int, t *tty.TTY) {
	s.k.mu.Lock()
	defer s.k.mu.Unlock()
	ss := s.k.sessions[sid]
	if ss == nil {
		return
	}
	for _, g := range ss.groups {
		for _, p := range slices.Clone(g.procs) {
			if p.ctty == t {
				p.ctty = nil
			}
		}
	}
}

// waitReady is how terminals block: until ready, the time, or a signal.
func (t *Task) waitReady(ready <-chan struct{}, d time.Duration) error {
	var expired chan struct{}
	if d >= 0 {
		expired = make(chan struct{})
		timer := t.k.clock.AfterFunc(d, func() { close(expired) })
		defer timer.Stop()
	}
	for {
		if t.attention.Load() {
			if _, err := t.attend(); err != nil {
				return err
			}
		}
		start := t.fallAsleep()
		var end error
		again := false
		select {
		case <-ready:
		case <-expired:
			end = linux.ETIMEDOUT
		case <-t.waker.ch:
			again = true
		}
		t.wakeUp(start)
		t.waits.Add(1)
		if !again {
			return end
		}
	}
}

// TTY is the host's side of a terminal: what is written there is typed, what is
// read there is the screen's. Safe for concurrent use.
type TTY struct {
	k      *Kernel
	t      *tty.TTY
	master *tty.End
}

// NewTTY makes a terminal and opens it for guests. The caller owns one reference
// of the file and closes the TTY, which hangs the guests up.
func (k *Kernel) NewTTY(ws linux.Winsize) (*TTY, *File, error) {
	pty, err := k.devices.NewPTY(tty.Config{Winsize: ws, Signals: ttySignals{k}}, 0)
	if err != nil {
		return nil, nil, err
	}
	h := &TTY{k: k, t: pty, master: pty.Master()}
	f, err := h.slave()
	if err != nil {
		_ = h.Close()
		return nil, nil, err
	}
	return h, f, nil
}

// slave opens the guests' side, at its place in /dev/pts if that is mounted.
func (h *TTY) slave() (*File, error) {
	end, err := h.t.OpenSlave(nil)
	if err != nil {
		return nil, err
	}
	f, err := h.k.newFile(&device{d: end, rdev: h.t.Rdev()}, linux.O_RDWR)
	if err != nil {
		_ = end.Close()
		return nil, err
	}
	h.k.place(f, h.Name())
	return f, nil
}

// Name is the guests' path of the terminal: "/dev/pts/0".
func (h *TTY) Name() string { return ptsName(h.t.Index()) }

// Read reads what guests wrote; EIO once they have all closed the terminal.
func (h *TTY) Read(p []byte) (int, error) {
	return h.master.Read(nil, p, tty.ContextWait(h.k.ctx))
}

// Write types p.
func (h *TTY) Write(p []byte) (int, error) {
	return h.master.Write(nil, p, tty.ContextWait(h.k.ctx))
}

// ReadContext is Read that ctx interrupts.
func (h *TTY) ReadContext(ctx context.Context, p []byte) (int, error) {
	return h.master.Read(nil, p, tty.ContextWait(ctx))
}

// WriteContext is Write that ctx interrupts.
func (h *TTY) WriteContext(ctx context.Context, p []byte) (int, error) {
	return h.master.Write(nil, p, tty.ContextWait(ctx))
}

// Resize changes the size of the screen; the foreground group gets SIGWINCH.
func (h *TTY) Resize(ws linux.Winsize) { _ = h.master.SetWinsize(ws) }

// Close hangs the guests up.
func (h *TTY) Close() error { return h.master.Close() }

// adopt makes the terminal the controlling one of a new session.
func (h *TTY) adopt(t *Task) {
	if end, err := h.t.OpenSlave(nil); err == nil {
		_ = end.Acquire(caller{t}, false)
		_ = end.Close()
	}
}
