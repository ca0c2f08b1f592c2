package shell

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// takeSignals moves caught signals from the kernel to the list of traps to run.
func (sh *Shell) takeSignals() {
	for range 1024 {
		sig, ok := sh.t.TakeSignal()
		if !ok {
			return
		}
		if !sh.handled[sig] {
			// Caught for the parent shell just before this child reset it.
			if !sh.ignored[sig] {
				_ = sh.t.Kill(sh.t.Getpid(), sig)
			}
			continue
		}
		if sig == linux.SIGINT && sh.interactive && sh.traps["INT"] == "" {
			if sh.ctl == ctlNone {
				sh.ctl, sh.status = ctlAbort, 130
			}
			continue
		}
		if !slices.Contains(sh.pending, sig) || len(sh.pending) < 64 {
			sh.pending = append(sh.pending, sig)
		}
	}
}

// poll stops or freezes where the kernel wants it, and runs the traps of signals
// that arrived.
func (sh *Shell) poll() {
	sh.t.Attend()
	if len(sh.handled) > 0 || sh.subshell > 0 {
		sh.takeSignals()
	}
	for i := 0; i < len(sh.pending) && sh.ctl == ctlNone; {
		sig := sh.pending[i]
		if sh.running.Has(sig) { // its trap is not done yet
			i++
			continue
		}
		sh.pending = slices.Delete(slices.Clone(sh.pending), i, i+1)
		sh.running = sh.running.With(sig)
		sh.runTrap(sig.Name())
		sh.running = sh.running.Without(sig)
		i = 0
	}
}

// runTrap runs the command of a trap and keeps $? as it was.
func (sh *Shell) runTrap(name string) {
	cmd, ok := sh.traps[name]
	if !ok || cmd == "" || !sh.enter() {
		return
	}
	status, line, pipes := sh.status, sh.line, slices.Clone(sh.pipeStatus)
	noErr := sh.noErr
	sh.evalString(cmd, 0)
	sh.noErr = noErr
	if sh.ctl != ctlExit && sh.ctl != ctlReturn {
		sh.status, sh.pipeStatus = status, pipes
	}
	sh.line = line
	sh.calls--
}

// runNamedTrap runs ERR, DEBUG or RETURN, which do not nest.
func (sh *Shell) runNamedTrap(name string) {
	if sh.traps[name] == "" || sh.dispatch {
		return
	}
	sh.dispatch = true
	sh.runTrap(name)
	sh.dispatch = false
}

func (sh *Shell) debugTrap(c *syntax.CallExpr) {
	if sh.traps["DEBUG"] == "" || sh.dispatch {
		return
	}
	sh.command = printNode(c)
	sh.runNamedTrap("DEBUG")
}

// exitTrap runs the EXIT trap once, when the shell is about to end.
func (sh *Shell) exitTrap() {
	if sh.closing || sh.dead() {
		return
	}
	sh.closing = true
	sh.pending = nil
	cmd := sh.traps["EXIT"]
	if cmd == "" {
		return
	}
	status := sh.status
	sh.ctl, sh.ctlN, sh.noErr, sh.running = ctlNone, 0, 0, 0
	delete(sh.traps, "EXIT")
	sh.evalString(cmd, 0)
	if sh.ctl != ctlExit {
		sh.status = status
	}
}

// enterTraps hides the traps that functions do not inherit.
func (sh *Shell) enterTraps() map[string]string {
	if len(sh.traps) == 0 {
		return nil
	}
	saved := map[string]string{}
	hide := func(name string, inherited bool) {
		if cmd, ok := sh.traps[name]; ok && !inherited {
			saved[name] = cmd
			delete(sh.traps, name)
		}
	}
	hide("ERR", sh.opts[optErrTrace])
	hide("DEBUG", sh.opts[optFuncTrace])
	hide("RETURN", sh.opts[optFuncTrace])
	return saved
}

func (sh *Shell) leaveTraps(saved map[string]string) {
	if sh.ctl == ctlNone {
		sh.runNamedTrap("RETURN")
	}
	for name, cmd := range saved {
		if _, ok := sh.traps[name]; !ok {
			sh.traps[name] = cmd
		}
	}
}

// setTrap installs, empties ("") or removes (reset) a trap.
func (sh *Shell) setTrap(name, cmd string, reset bool) {
	sig, isSig := linux.Signal(0), false
	switch name {
	case "EXIT", "ERR", "DEBUG", "RETURN":
	default:
		sig, isSig = linux.ParseSignal(name)
	}
	if isSig && sh.ignored[sig] && sh.traps[name] == "" && !sh.interactive {
		if _, own := sh.traps[name]; !own {
			return
		}
	}
	if reset {
		delete(sh.traps, name)
	} else {
		sh.traps[name] = cmd
	}
	if !isSig {
		return
	}
	delete(sh.ignored, sig)
	switch {
	case reset:
		delete(sh.handled, sig)
		d := kernel.SigDefault
		if sh.interactive {
			d = sh.interactiveAction(sig)
		}
		_, _ = sh.t.Sigaction(sig, d)
	case cmd == "":
		delete(sh.handled, sig)
		sh.ignored[sig] = true
		_, _ = sh.t.Sigaction(sig, kernel.SigIgnore)
	default:
		sh.handled[sig] = true
		_, _ = sh.t.Sigaction(sig, kernel.SigHandle)
	}
}

// interactiveAction is what an interactive shell does with a signal by itself.
func (sh *Shell) interactiveAction(sig linux.Signal) kernel.Disposition {
	switch sig {
	case linux.SIGINT:
		sh.handled[sig] = true
		return kernel.SigHandle
	case linux.SIGTERM, linux.SIGQUIT:
		return kernel.SigIgnore
	case linux.SIGTSTP, linux.SIGTTIN, linux.SIGTTOU:
		if sh.jc.active {
			return kernel.SigIgnore
		}
	}
	return kernel.SigDefault
}

var shellSignals = []linux.Signal{
	linux.SIGINT, linux.SIGTERM, linux.SIGQUIT, linux.SIGTSTP, linux.SIGTTIN, linux.SIGTTOU,
}

// defaultedSignals are those that this shell ignores for itself only.
func (sh *Shell) defaultedSignals() linux.SigSet {
	var set linux.SigSet
	if !sh.interactive {
		return set
	}
	for _, sig := range shellSignals {
		if _, own := sh.traps[sig.Name()]; !own {
			set = set.With(sig)
		}
	}
	return set
}

// resetSignals prepares for exec: what the shell caught or ignored for itself is default again.
func (sh *Shell) resetSignals() {
	for sig := range sh.handled {
		_, _ = sh.t.Sigaction(sig, kernel.SigDefault)
	}
	for _, sig := range shellSignals {
		if sh.defaultedSignals().Has(sig) {
			_, _ = sh.t.Sigaction(sig, kernel.SigDefault)
		}
	}
}

// childSignals is what a subshell does first: traps are gone, ignored signals
// stay ignored.
func (sh *Shell) childSignals() {
	if sh.jc.pgid != 0 {
		for _, sig := range shellSignals {
			if _, own := sh.traps[sig.Name()]; !own {
				_, _ = sh.t.Sigaction(sig, kernel.SigDefault)
				delete(sh.handled, sig)
			}
		}
	}
	for sig := range sh.handled {
		_, _ = sh.t.Sigaction(sig, kernel.SigDefault)
	}
	clear(sh.handled)
	kept := map[string]string{}
	for name, cmd := range sh.traps {
		switch {
		case cmd == "":
			kept[name] = cmd
		case name == "ERR" && sh.opts[optErrTrace], (name == "DEBUG" || name == "RETURN") && sh.opts[optFuncTrace]:
			kept[name] = cmd
		}
	}
	if sh.bash {
		sh.shownTraps = sh.traps
	}
	sh.traps = kept
}

// trapName gives the canonical name of a condition: "INT", "EXIT", "ERR".
func (sh *Shell) trapName(s string) (string, bool) {
	up := strings.ToUpper(s)
	switch strings.TrimPrefix(up, "SIG") {
	case "EXIT", "0":
		return "EXIT", true
	case "ERR", "DEBUG", "RETURN":
		return up, sh.bash
	}
	sig, ok := linux.ParseSignal(s)
	if !ok || sig == 0 {
		return "", false
	}
	return sig.Name(), true
}
