package tty

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// log is a Signals that notes what it is told.
type log struct{ lines []string }

func (l *log) SignalGroup(pgid int, sig linux.Signal) {
	l.lines = append(l.lines, fmt.Sprintf("%v to group %d", sig, pgid))
}

func (l *log) SignalLeader(sid int, sig linux.Signal) {
	l.lines = append(l.lines, fmt.Sprintf("%v to leader %d", sig, sid))
}

func (l *log) ClearCTTY(sid int, _ *TTY) {
	l.lines = append(l.lines, fmt.Sprintf("clear %d", sid))
}

func (l *log) expect(t *testing.T, want ...string) {
	t.Helper()
	if !reflect.DeepEqual(l.lines, append([]string(nil), want...)) {
		t.Errorf("signals %q, want %q", l.lines, want)
	}
	l.lines = nil
}

// proc is a process as the terminal sees it.
type proc struct {
	sid, pgid       int
	leader          bool
	ctty            *TTY
	ignored, orphan bool
	root            bool
	groups          map[int]int // group to session
	got             []linux.Signal
}

func (p *proc) SID() int                        { return p.sid }
func (p *proc) PGID() int                       { return p.pgid }
func (p *proc) IsLeader() bool                  { return p.leader }
func (p *proc) CTTY() *TTY                      { return p.ctty }
func (p *proc) SetCTTY(t *TTY)                  { p.ctty = t }
func (p *proc) SignalIgnored(linux.Signal) bool { return p.ignored }
func (p *proc) Orphaned() bool                  { return p.orphan }
func (p *proc) SignalOwnGroup(s linux.Signal)   { p.got = append(p.got, s) }
func (p *proc) Privileged() bool                { return p.root }
func (p *proc) GroupSession(g int) (int, bool) {
	s, ok := p.groups[g]
	return s, ok
}

// session opens a terminal as the controlling one of a new session 10.
func session(t *testing.T) (m, s *End, leader *proc, l *log) {
	l = &log{}
	m, s = open(t, Config{Signals: l})
	leader = &proc{sid: 10, pgid: 10, leader: true, groups: map[int]int{10: 10, 20: 10, 30: 30}}
	s.AcquireOnOpen(leader)
	if leader.ctty != m.TTY() || m.TTY().Session() != 10 || m.TTY().Foreground() != 10 {
		t.Fatal("not acquired")
	}
	return m, s, leader, l
}

func TestKeysSignalTheForeground(t *testing.T) {
	m, _, _, l := session(t)
	write(t, m, "\x03\x1c\x1a")
	l.expect(t, "SIGINT to group 10", "SIGQUIT to group 10", "SIGTSTP to group 10")
	for _, sig := range []linux.Signal{linux.SIGINT, linux.SIGQUIT, linux.SIGTSTP} {
		if err := m.SignalSlave(sig); err != nil {
			t.Error(err)
		}
	}
	wantErr(t, "TIOCSIG", m.SignalSlave(linux.SIGKILL), linux.EINVAL)
	l.expect(t, "SIGINT to group 10", "SIGQUIT to group 10", "SIGTSTP to group 10")
}

func TestResizeSignals(t *testing.T) {
	m, s, _, l := session(t)
	w := linux.Winsize{Row: 24, Col: 80}
	m.SetWinsize(w)
	m.SetWinsize(w)
	if got, err := s.Winsize(); got != w || err != nil {
		t.Errorf("size %v, %v", got, err)
	}
	l.expect(t, "SIGWINCH to group 10")
}

func TestForegroundGroup(t *testing.T) {
	m, s, leader, _ := session(t)
	if g, err := s.ForegroundGroup(leader); g != 10 || err != nil {
		t.Errorf("tcgetpgrp: %d, %v", g, err)
	}
	if g, err := s.SessionID(leader); g != 10 || err != nil {
		t.Errorf("tcgetsid: %d, %v", g, err)
	}
	if err := s.SetForegroundGroup(leader, 20); err != nil {
		t.Error(err)
	}
	leader.ignored = true // as a shell does with SIGTTOU
	wantErr(t, "group of another session", s.SetForegroundGroup(leader, 30), linux.EPERM)
	wantErr(t, "no such group", s.SetForegroundGroup(leader, 40), linux.ESRCH)
	wantErr(t, "negative", s.SetForegroundGroup(leader, -1), linux.EINVAL)
	stranger := &proc{sid: 30, pgid: 30}
	wantErr(t, "stranger", s.SetForegroundGroup(stranger, 30), linux.ENOTTY)
	_, err := s.ForegroundGroup(stranger)
	wantErr(t, "stranger asks", err, linux.ENOTTY)
	_, err = s.SessionID(stranger)
	wantErr(t, "stranger asks for the session", err, linux.ENOTTY)
	if g, err := m.ForegroundGroup(stranger); g != 20 || err != nil {
		t.Errorf("tcgetpgrp of the master: %d, %v", g, err)
	}
}

func TestBackground(t *testing.T) {
	m, s, _, _ := session(t)
	bg := func() *proc { return &proc{sid: 10, pgid: 20, ctty: m.TTY()} }
	write(t, m, "line\n")
	read := func(p *proc) error { _, err := s.ReadNB(p, make([]byte, 9)); return err }
	print := func(p *proc) error { _, err := s.WriteNB(p, []byte("x")); return err }

	p := bg()
	wantErr(t, "read", read(p), linux.ERESTART)
	wantErr(t, "tcsetattr", s.SetTermios(p, linux.TCSANOW, linux.DefaultTermios()), linux.ERESTART)
	wantErr(t, "tcflush", s.Flush(p, linux.TCIFLUSH), linux.ERESTART)
	wantErr(t, "tcdrain", s.Drain(p), linux.ERESTART)
	wantErr(t, "tcflow", s.Flow(p, linux.TCOON), linux.ERESTART)
	wantErr(t, "tcsetpgrp", s.SetForegroundGroup(p, 20), linux.ERESTART)
	if err := print(p); err != nil {
		t.Errorf("write without TOSTOP: %v", err)
	}
	in, out := linux.SIGTTIN, linux.SIGTTOU
	if want := []linux.Signal{in, out, out, out, out, out}; !reflect.DeepEqual(p.got, want) {
		t.Errorf("signals %v, want %v", p.got, want)
	}

	p = bg()
	p.ignored = true
	wantErr(t, "read, ignored", read(p), linux.EIO)
	p = bg()
	p.orphan = true
	wantErr(t, "read, orphaned", read(p), linux.EIO)
	wantErr(t, "tcsetpgrp, orphaned", s.SetForegroundGroup(p, 20), linux.ENOTTY)
	if len(p.got) != 0 {
		t.Errorf("an orphan was signalled: %v", p.got)
	}

	n := linux.DefaultTermios()
	n.Lflag |= linux.TOSTOP
	if err := s.SetTermios(nil, linux.TCSANOW, n); err != nil {
		t.Fatal(err)
	}
	p = bg()
	wantErr(t, "write with TOSTOP", print(p), linux.ERESTART)
	p.ignored = true
	if err := print(p); err != nil {
		t.Errorf("write with TOSTOP, ignored: %v", err)
	}
}

func TestAcquire(t *testing.T) {
	m, s, leader, l := session(t)
	if err := s.Acquire(leader, false); err != nil {
		t.Errorf("again: %v", err)
	}
	other := &proc{sid: 30, pgid: 30, leader: true}
	wantErr(t, "of another session", s.Acquire(other, false), linux.EPERM)
	wantErr(t, "steal", s.Acquire(other, true), linux.EPERM)
	other.root = true
	wantErr(t, "no leader", s.Acquire(&proc{sid: 30, pgid: 31, root: true}, true), linux.EPERM)
	if err := s.Acquire(other, true); err != nil || other.ctty != m.TTY() {
		t.Errorf("steal as root: %v", err)
	}
	l.expect(t, "clear 10")
	s.AcquireOnOpen(&proc{sid: 40, pgid: 40, leader: true})
	if m.TTY().Session() != 30 {
		t.Error("open took a terminal that was somebody's")
	}
}

func TestDetach(t *testing.T) {
	m, s, leader, l := session(t)
	member := &proc{sid: 10, pgid: 20, ctty: m.TTY()}
	if err := s.Detach(member); err != nil || member.ctty != nil {
		t.Errorf("detach: %v", err)
	}
	wantErr(t, "again", s.Detach(member), linux.ENOTTY)
	l.expect(t)
	if err := s.Detach(leader); err != nil {
		t.Error(err)
	}
	l.expect(t, "SIGHUP to group 10", "SIGCONT to group 10", "clear 10")
	if m.TTY().Session() != 0 {
		t.Error("still a session")
	}
}

func TestLeaderExit(t *testing.T) {
	m, s, leader, l := session(t)
	s.SetForegroundGroup(leader, 20)
	m.TTY().LeaderExit(10)
	l.expect(t, "SIGHUP to group 20", "SIGCONT to group 20", "clear 10")
	if n, err := s.ReadNB(nil, make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("read after hangup: %d, %v", n, err)
	}
	s2, err := m.TTY().OpenSlave(nil)
	if err != nil {
		t.Fatalf("open after hangup: %v", err)
	}
	write(t, m, "new\n")
	if got := read(t, s2); got != "new\n" {
		t.Errorf("read %q", got)
	}
}

func TestMasterCloseThenLeaderExit(t *testing.T) {
	m, s, leader, l := session(t)
	s.SetForegroundGroup(leader, 20)
	m.Close()
	l.expect(t, "SIGHUP to leader 10", "SIGCONT to leader 10", "clear 10")
	m.TTY().LeaderExit(10)
	l.expect(t, "SIGHUP to group 20", "SIGCONT to group 20")
	m.TTY().LeaderExit(10)
	l.expect(t)
}

func TestExclusive(t *testing.T) {
	m, s, leader, _ := session(t)
	s.SetExclusive(true)
	_, err := m.TTY().OpenSlave(leader)
	wantErr(t, "open", err, linux.EBUSY)
	leader.root = true
	if _, err := m.TTY().OpenSlave(leader); err != nil {
		t.Error(err)
	}
}
