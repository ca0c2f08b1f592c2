package shell

import (
	"fmt"

	"github.com/sbxrun/sbx/abi/linux"
)

// waitPid waits for one child, collecting others that end meanwhile. Traps run
// after it, as in every shell; a stop counts as an end under job control.
func (sh *Shell) waitPid(pid int) linux.WaitStatus {
	for {
		if st, ok := sh.jc.done[pid]; ok {
			delete(sh.jc.done, pid)
			return st
		}
		if !sh.reap(true) {
			return linux.ExitStatus(127)
		}
		if sh.dead() {
			return linux.SignalStatus(linux.SIGKILL, false)
		}
	}
}

// reap collects one change of a child; with block it waits for one. It reports
// false when there is no child (or, without block, no news).
func (sh *Shell) reap(block bool) bool {
	options := 0
	if sh.opts[optMonitor] {
		options |= linux.WUNTRACED
	}
	if sh.interactive {
		options |= linux.WCONTINUED
	}
	if !block {
		options |= linux.WNOHANG
	}
	pid, st, _, err := sh.t.Wait4(-1, options)
	if err != nil {
		if e, _ := asErrno(err); e == linux.EINTR {
			sh.takeSignals()
			return !sh.dead()
		}
		return false
	}
	if pid <= 0 {
		return false
	}
	sh.jc.record(pid, st)
	return true
}

// waitForeground waits for a command of one process and takes its status.
func (sh *Shell) waitForeground(pid int, text string) { sh.waitPipeline([]int{pid}, pid, text) }

// waitPipeline waits for the members of a foreground pipeline.
func (sh *Shell) waitPipeline(pids []int, group int, text string) {
	statuses := make([]linux.WaitStatus, len(pids))
	stopped := false
	for i, pid := range pids {
		statuses[i] = sh.waitPid(pid)
		stopped = stopped || statuses[i].Stopped()
	}
	if sh.jc.active {
		sh.jc.reclaim(sh)
	}
	if stopped {
		sh.stoppedJob(pids, statuses, text)
	}
	sh.pipeStatus = sh.pipeStatus[:0]
	status := 0
	for _, st := range statuses {
		code := st.ShellCode()
		sh.pipeStatus = append(sh.pipeStatus, code)
		if code != 0 || !sh.opts[optPipeFail] {
			status = code
		}
	}
	sh.status = status
	if len(sh.jc.jobs) > 0 {
		sh.tellKilled()
	}
	last := statuses[len(statuses)-1]
	if last.Signaled() {
		sh.tellSignal(pids[len(pids)-1], last, text)
		if last.TermSignal() == linux.SIGINT && sh.interactive {
			sh.stderr("\n")
			sh.ctl = ctlAbort
		}
	}
}

// tellKilled is bash's news, in a script, of background jobs that a signal killed.
func (sh *Shell) tellKilled() {
	if !sh.bash || sh.interactive || sh.jc.substDepth > 0 {
		return
	}
	for _, j := range sh.jc.jobs {
		if j.told || j.foreign || !j.done() || !j.last().Signaled() {
			continue
		}
		j.told = true
		sig := j.last().TermSignal()
		if _, trapped := sh.traps[sig.Name()]; !trapped && sig != linux.SIGTERM {
			sh.tellSignal(j.pids[0], j.last(), j.text)
		}
	}
}

// tellSignal says on descriptor 2 that a signal killed a command.
func (sh *Shell) tellSignal(pid int, st linux.WaitStatus, text string) {
	sig := st.TermSignal()
	if sig == linux.SIGINT || sig == linux.SIGPIPE || sh.dead() {
		return
	}
	what := sig.Text()
	if st.CoreDump() {
		what += " (core dumped)"
	}
	switch {
	case sh.interactive || !sh.bash:
		sh.stderr(what + "\n")
	default:
		sh.stderr(fmt.Sprintf("%s%6d %-23s %s\n", sh.where(), pid, what, text))
	}
}
