package tty

import "github.com/sbxrun/sbx/abi/linux"

// signalGroup sends sig once the lock is free.
func (t *TTY) signalGroup(pgrp int, sig linux.Signal) {
	if t.sig != nil && pgrp != 0 {
		t.events = append(t.events, func() { t.sig.SignalGroup(pgrp, sig) })
	}
}

func (t *TTY) signalLeader(sid int, sig linux.Signal) {
	if t.sig != nil && sid != 0 {
		t.events = append(t.events, func() { t.sig.SignalLeader(sid, sig) })
	}
}

// jobControl lets the foreground through and stops the background with sig.
// ERESTART: the group was signalled, try again when continued. EIO: it cannot be
// stopped and must not read.
func (e *End) jobControl(c Caller, sig linux.Signal) error {
	if c == nil || e.master || c.CTTY() != e.t {
		return nil
	}
	e.t.mu.Lock()
	fg := e.t.pgrp
	e.t.mu.Unlock()
	if fg == 0 || fg == c.PGID() {
		return nil
	}
	switch {
	case c.SignalIgnored(sig):
		if sig == linux.SIGTTIN {
			return linux.EIO
		}
		return nil
	case c.Orphaned():
		return linux.EIO
	}
	c.SignalOwnGroup(sig)
	return linux.ERESTART
}

// owner checks that the caller may ask for the session of e: ENOTTY otherwise.
func (e *End) owner(c Caller) error {
	if !e.master && c != nil && c.CTTY() != e.t {
		return linux.ENOTTY
	}
	return nil
}

// ForegroundGroup is tcgetpgrp(3), TIOCGPGRP; 0 when there is none.
func (e *End) ForegroundGroup(c Caller) (int, error) {
	if err := e.owner(c); err != nil {
		return 0, err
	}
	t := e.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.dead() {
		return 0, linux.EIO
	}
	return t.pgrp, nil
}

// SetForegroundGroup is tcsetpgrp(3), TIOCSPGRP.
func (e *End) SetForegroundGroup(c Caller, pgid int) error {
	switch err := e.jobControl(c, linux.SIGTTOU); err {
	case nil:
	case linux.EIO:
		return linux.ENOTTY
	default:
		return err
	}
	if pgid < 0 {
		return linux.EINVAL
	}
	if c != nil {
		if err := e.mayForeground(c, pgid); err != nil {
			return err
		}
	}
	t := e.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.dead() {
		return linux.ENOTTY
	}
	t.pgrp = pgid
	return nil
}

func (e *End) mayForeground(c Caller, pgid int) error {
	if c.CTTY() != e.t || e.t.Session() != c.SID() {
		return linux.ENOTTY
	}
	sid, ok := c.GroupSession(pgid)
	if !ok {
		return linux.ESRCH
	}
	if sid != c.SID() {
		return linux.EPERM
	}
	return nil
}

// Session returns the session that the terminal controls, 0 for none.
func (t *TTY) Session() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.session
}

// Foreground returns the foreground process group, 0 for none.
func (t *TTY) Foreground() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pgrp
}

// SessionID is tcgetsid(3), TIOCGSID.
func (e *End) SessionID(c Caller) (int, error) {
	if err := e.owner(c); err != nil {
		return 0, err
	}
	if sid := e.t.Session(); sid != 0 {
		return sid, nil
	}
	return 0, linux.ENOTTY
}

// Acquire is TIOCSCTTY: makes the terminal the controlling one of the caller's
// session. force takes it from another session if the caller is privileged.
func (e *End) Acquire(c Caller, force bool) error {
	t := e.t
	sid, pgid := c.SID(), c.PGID()
	if c.IsLeader() && t.Session() == sid && c.CTTY() == t {
		return nil
	}
	if !c.IsLeader() || c.CTTY() != nil {
		return linux.EPERM
	}
	t.mu.Lock()
	if e.dead() {
		t.mu.Unlock()
		return linux.EIO
	}
	if old := t.session; old != 0 && old != sid {
		if !force || !c.Privileged() {
			t.mu.Unlock()
			return linux.EPERM
		}
		t.clearCTTY(old)
	}
	t.session, t.pgrp = sid, pgid
	t.unlock()
	c.SetCTTY(t)
	return nil
}

// AcquireOnOpen does what open(2) without O_NOCTTY does: a session leader
// without a controlling terminal gets this one if it is nobody's.
func (e *End) AcquireOnOpen(c Caller) {
	if c == nil || e.master || !c.IsLeader() || c.CTTY() != nil || e.t.Session() != 0 {
		return
	}
	// A race for the terminal is lost silently, as in open(2).
	_ = e.Acquire(c, false)
}

func (t *TTY) clearCTTY(sid int) {
	if t.sig != nil && sid != 0 {
		t.events = append(t.events, func() { t.sig.ClearCTTY(sid, t) })
	}
}

// Detach is TIOCNOTTY: the caller gives the terminal up; when it leads the
// session, so does the whole session, and the foreground gets SIGHUP and SIGCONT.
func (e *End) Detach(c Caller) error {
	t := e.t
	if c.CTTY() != t {
		return linux.ENOTTY
	}
	c.SetCTTY(nil)
	if !c.IsLeader() {
		return nil
	}
	t.mu.Lock()
	defer t.unlock()
	t.signalGroup(t.pgrp, linux.SIGHUP)
	t.signalGroup(t.pgrp, linux.SIGCONT)
	t.clearCTTY(t.session)
	t.session, t.pgrp = 0, 0
	return nil
}

// LeaderExit tells the terminal that the leader of session sid has ended: the
// terminal is hung up and the foreground group gets SIGHUP (and SIGCONT).
func (t *TTY) LeaderExit(sid int) {
	t.mu.Lock()
	defer t.unlock()
	switch {
	case sid == 0:
	case t.session == sid:
		t.hangup(true)
	case t.oldSID == sid:
		t.signalGroup(t.oldPgrp, linux.SIGHUP)
		t.signalGroup(t.oldPgrp, linux.SIGCONT)
		t.oldSID, t.oldPgrp = 0, 0
	}
}

// Hangup is vhangup(2) and TIOCVHANGUP: every open slave description is dead
// from now on (reads give end of file, all else EIO), the session loses the
// terminal, its leader gets SIGHUP and SIGCONT. The slave may be opened anew. The master
// sees the slave closed when the dead descriptions are, too.
func (t *TTY) Hangup() {
	t.mu.Lock()
	defer t.unlock()
	t.hangup(false)
}

func (t *TTY) hangup(leaderExits bool) {
	t.gen++
	t.flow = flow{}
	t.exclusive = false
	t.d.flush()
	t.d.clearEchoes()
	t.in.truncate(0)
	if sid := t.session; sid != 0 {
		if leaderExits {
			t.signalGroup(t.pgrp, linux.SIGHUP)
			t.signalGroup(t.pgrp, linux.SIGCONT)
		} else {
			t.signalLeader(sid, linux.SIGHUP)
			t.signalLeader(sid, linux.SIGCONT)
			t.oldSID, t.oldPgrp = sid, t.pgrp
		}
		t.clearCTTY(sid)
	}
	t.session, t.pgrp = 0, 0
	t.wakes = wakeSet{true, true}
}
