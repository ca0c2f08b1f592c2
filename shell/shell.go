package shell

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"mvdan.cc/sh/v3/syntax"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/shell/match"
)

const (
	maxCalls  = 2000      // functions, evals, sourced files and traps inside each other
	maxCharge = 512 << 20 // bytes of variables in one shell
)

// control is why statements stop being executed.
type control uint8

const (
	ctlNone control = iota
	ctlBreak
	ctlContinue
	ctlReturn
	ctlExit
	ctlAbort // an error or ^C gives up the line: back to the prompt
	ctlExec  // another program took over the task
)

type function struct {
	name string
	body *syntax.Stmt
	file string
}

// frame is one level of the call stack, for FUNCNAME, BASH_SOURCE and caller.
type frame struct {
	fn     string // "" for the main script, "source" for a sourced file
	source string
	call   int // line of the call
}

// Shell is one shell process. It belongs to the goroutine of its task: a fork
// works on a copy that shares nothing that either side writes.
type Shell struct {
	t    *kernel.Task
	bash bool // bash's features and messages; else dash's

	arg0 string // $0
	args []string
	pid  int // $$, the same in subshells
	file string

	scopes     []*scope
	tok        *token
	plain      map[string]bool // dynamic variables that were unset and are plain now
	foreignEnv []string        // environment entries that are no variables
	funcs      map[string]*function
	aliases    map[string]string
	opts       [optCount]bool
	shopts     map[string]bool
	hash       map[string]string
	dirs       []string
	cwd        string

	status     int
	pipeStatus []int
	substatus  int // status of the last command substitution
	lastBg     int
	lastArg    string
	ctl        control
	ctlN       int
	noErr      int // > 0 where set -e does not count
	loops      int
	calls      int
	frames     []frame
	line       int
	lineBase   int
	command    string
	subshell   int
	tail       bool // the command is the last of its process: exec instead of spawn
	closing    bool

	traps      map[string]string
	shownTraps map[string]string // what a subshell shows of its parent's
	pending    []linux.Signal
	handled    map[linux.Signal]bool
	ignored    map[linux.Signal]bool // ignored on entry: cannot be trapped
	running    linux.SigSet          // signals whose traps run now
	dispatch   bool

	interactive bool
	login       bool
	eof         bool // the last line of input was ^D
	applet      bool
	ed          lineEditor
	disabled    map[string]bool
	commandStr  bool // -c
	fromStdin   bool
	jc          jobControl
	history     history
	procFds     []int
	procPids    []int
	readyFd     int // in a background child until it starts a program: the parent waits for its end

	patterns  map[patternKey]*match.Pattern
	regexes   map[string]*compiledRegex
	arithRefs int
	charged   int64
	rng       uint32
	started   time.Time
	secBase   int64
	getopt    getoptState
	coprocs   []string
	input     *source
	parseLine int
}

func newShell(t *kernel.Task, bash bool) *Shell {
	return &Shell{
		t: t, bash: bash,
		scopes:   []*scope{{vars: map[string]*variable{}}},
		tok:      new(token),
		plain:    map[string]bool{},
		funcs:    map[string]*function{},
		aliases:  map[string]string{},
		shopts:   defaultShopts(bash),
		hash:     map[string]string{},
		traps:    map[string]string{},
		handled:  map[linux.Signal]bool{},
		ignored:  map[linux.Signal]bool{},
		patterns: map[patternKey]*match.Pattern{},
		regexes:  map[string]*compiledRegex{},
		pid:      t.Getpid(),
		rng:      uint32(t.Getpid())*2654435761 + uint32(t.Clock().Now().UnixNano()),
		started:  t.Clock().Now(),
		line:     1,
		readyFd:  -1,
	}
}

// fork copies the shell for a child process. Variables are shared until either
// side writes one; everything else is copied.
func (sh *Shell) fork() *Shell {
	c := *sh
	sh.tok, c.tok = new(token), new(token)
	c.scopes = make([]*scope, len(sh.scopes))
	for i, sc := range sh.scopes {
		c.scopes[i] = &scope{vars: maps.Clone(sc.vars), temp: sc.temp}
	}
	c.plain = maps.Clone(sh.plain)
	c.funcs = maps.Clone(sh.funcs)
	c.aliases = maps.Clone(sh.aliases)
	c.shopts = maps.Clone(sh.shopts)
	c.hash = maps.Clone(sh.hash)
	c.traps = maps.Clone(sh.traps)
	c.handled = maps.Clone(sh.handled)
	c.ignored = maps.Clone(sh.ignored)
	c.patterns = map[patternKey]*match.Pattern{}
	c.regexes = map[string]*compiledRegex{}
	c.args = slices.Clone(sh.args)
	c.dirs = slices.Clone(sh.dirs)
	c.frames = slices.Clone(sh.frames)
	c.pipeStatus = slices.Clone(sh.pipeStatus)
	c.coprocs = slices.Clone(sh.coprocs)
	c.foreignEnv = slices.Clone(sh.foreignEnv)
	c.jc = sh.jc.fork()
	c.history = sh.history.fork()
	c.pending, c.procFds, c.procPids = nil, nil, nil
	c.interactive, c.tail, c.closing, c.running = false, false, false, 0
	c.subshell++
	c.ctl = ctlNone
	c.input = nil
	c.rng = sh.nextRandom() ^ uint32(sh.subshell+1)*0x9e3779b9
	return &c
}

// dead reports that the task was killed: everything unwinds.
func (sh *Shell) dead() bool {
	select {
	case <-sh.t.Context().Done():
		return true
	default:
		return false
	}
}

// stopped reports that no further command may run.
func (sh *Shell) stopped() bool { return sh.ctl != ctlNone || sh.dead() }

// charge accounts for memory that variables take.
func (sh *Shell) charge(n int) error {
	if sh.charged += int64(n); sh.charged > maxCharge {
		sh.charged -= int64(n)
		return errNoMemory
	}
	return nil
}

// enter bounds the recursion of functions, eval, source and traps.
func (sh *Shell) enter() bool {
	limit := maxCalls
	if !sh.bash {
		limit = 1000 // dash's own
	}
	if sh.calls >= limit {
		sh.errorf("maximum function recursion depth (%d) reached", limit)
		sh.status = 1
		sh.leave()
		return false
	}
	sh.calls++
	return true
}

// leave ends a non-interactive shell after an error that cannot be passed over.
func (sh *Shell) leave() {
	if sh.interactive {
		sh.ctl = ctlAbort
		return
	}
	sh.ctl = ctlExit
}

func (sh *Shell) name() string {
	if len(sh.frames) > 0 {
		for i := len(sh.frames) - 1; i >= 0; i-- {
			if sh.frames[i].fn == "source" {
				return sh.frames[i].source
			}
			if sh.bash && sh.frames[i].fn != "" {
				if sh.frames[i].source == "environment" || sh.frames[i].source == "main" {
					break
				}
				return sh.frames[i].source
			}
		}
	}
	return sh.arg0
}

// where is the prefix of error messages, as bash or dash writes it.
func (sh *Shell) where() string {
	if sh.bash {
		if sh.interactive || sh.fromStdin && len(sh.frames) == 0 {
			return sh.name() + ": " // as bash does for commands on standard input
		}
		return fmt.Sprintf("%s: line %d: ", sh.name(), sh.line)
	}
	return fmt.Sprintf("%s: %d: ", sh.name(), sh.line)
}

// errorf writes a message to descriptor 2.
func (sh *Shell) errorf(format string, args ...any) {
	sh.stderr(sh.where() + fmt.Sprintf(format, args...) + "\n")
}

func (sh *Shell) stderr(s string) { _ = sh.writeAll(2, s) }

// writeAll writes everything, going on after signals that kill nothing.
func (sh *Shell) writeAll(fd int, s string) error {
	p := []byte(s)
	for len(p) > 0 {
		n, err := sh.t.Write(fd, p)
		p = p[max(0, n):]
		if err == nil {
			if n == 0 {
				return linux.EIO
			}
			continue
		}
		if linux.ErrnoOf(err) == linux.EINTR && !sh.dead() {
			sh.takeSignals()
			continue
		}
		return err
	}
	return nil
}

// errText is an error in the words of strerror(3).
func errText(err error) string {
	if e, ok := asErrno(err); ok {
		s := e.Error()
		if s != "" {
			return strings.ToUpper(s[:1]) + s[1:]
		}
	}
	return err.Error()
}
