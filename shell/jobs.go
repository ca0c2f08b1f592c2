package shell

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// maxRemembered bounds the statuses that are kept for a later wait.
const maxRemembered = 4096

// job is a pipeline that runs in the background or is stopped.
type job struct {
	id      int
	pgid    int
	pids    []int
	status  map[int]linux.WaitStatus
	text    string
	stopped bool
	told    bool
	foreign bool // the parent shell's: shown, never waited for
}

func (j *job) done() bool {
	for _, pid := range j.pids {
		if st, ok := j.status[pid]; !ok || st.Stopped() {
			return false
		}
	}
	return true
}

func (j *job) last() linux.WaitStatus { return j.status[j.pids[len(j.pids)-1]] }

func (j *job) has(pid int) bool { return slices.Contains(j.pids, pid) }

func (j *job) state() string {
	switch {
	case j.stopped:
		return "Stopped"
	case !j.done():
		return "Running"
	}
	st := j.last()
	switch {
	case st.Signaled():
		return st.TermSignal().Text()
	case st.ExitCode() != 0:
		return "Exit " + strconv.Itoa(st.ExitCode())
	}
	return "Done"
}

// jobControl is what a shell knows of its children.
type jobControl struct {
	active     bool // own process groups, on a terminal
	tty        int
	pgid       int
	jobs       []*job
	order      []*job // most recent last: %+ and %-
	done       map[int]linux.WaitStatus
	doneOrder  []int
	substDepth int
}

func (jc *jobControl) fork() jobControl {
	c := *jc
	c.done, c.doneOrder = nil, nil
	c.jobs = make([]*job, len(jc.jobs))
	c.order = nil
	for i, j := range jc.jobs {
		n := *j
		n.status = maps.Clone(j.status)
		n.foreign = true
		c.jobs[i] = &n
	}
	return c
}

func (jc *jobControl) watch(pid int) {}

// record notes that a child ended, stopped or went on.
func (jc *jobControl) record(pid int, st linux.WaitStatus) {
	for _, j := range jc.jobs {
		if j.foreign || !j.has(pid) {
			continue
		}
		if st.Continued() {
			j.stopped = false
			delete(j.status, pid)
			return
		}
		j.status[pid] = st
		j.stopped = st.Stopped()
		j.told = false
		if st.Stopped() {
			return
		}
	}
	if st.Continued() {
		return
	}
	if jc.done == nil {
		jc.done = map[int]linux.WaitStatus{}
	}
	jc.done[pid] = st
	jc.doneOrder = append(jc.doneOrder, pid)
	if len(jc.doneOrder) > maxRemembered {
		delete(jc.done, jc.doneOrder[0])
		jc.doneOrder = jc.doneOrder[1:]
	}
}

// reclaim makes the shell's own group the terminal's foreground group.
func (jc *jobControl) reclaim(sh *Shell) { _ = sh.t.Tcsetpgrp(jc.tty, jc.pgid) }

// enterGroup puts a new child into its process group.
func (sh *Shell) enterGroup(group int, foreground bool) {
	_ = sh.t.Setpgid(0, group)
	if foreground {
		if group == 0 {
			group = sh.t.Getpid()
		}
		_ = sh.t.Tcsetpgrp(sh.jc.tty, group)
	}
}

// startJobControl takes the terminal for an interactive shell.
func (sh *Shell) startJobControl() {
	if !sh.t.Isatty(2) && !sh.t.Isatty(0) {
		return
	}
	tty := 2
	if !sh.t.Isatty(2) {
		tty = 0
	}
	fd, err := sh.t.DupFrom(tty, firstPrivateFd, true)
	if err != nil {
		return
	}
	for _, sig := range []linux.Signal{linux.SIGTSTP, linux.SIGTTIN, linux.SIGTTOU} {
		_, _ = sh.t.Sigaction(sig, kernel.SigIgnore)
	}
	pid := sh.t.Getpid()
	if pg, err := sh.t.Getpgid(0); err == nil && pg != pid {
		_ = sh.t.Setpgid(0, 0)
	}
	pg, err := sh.t.Getpgid(0)
	if err != nil || sh.t.Tcsetpgrp(fd, pg) != nil {
		_ = sh.t.Close(fd)
		return
	}
	sh.jc.tty, sh.jc.pgid, sh.jc.active = fd, pg, true
	sh.opts[optMonitor] = true
}

func (sh *Shell) addJob(pids []int, text string) *job {
	id := 1
	for _, j := range sh.jc.jobs {
		if !j.foreign {
			id = max(id, j.id+1)
		}
	}
	sh.jc.jobs = slices.DeleteFunc(sh.jc.jobs, func(j *job) bool { return j.foreign })
	j := &job{id: id, pgid: pids[0], pids: pids, text: text, status: map[int]linux.WaitStatus{}}
	for _, pid := range pids {
		if st, ok := sh.jc.done[pid]; ok {
			j.status[pid] = st
		}
	}
	sh.jc.jobs = append(sh.jc.jobs, j)
	sh.touch(j)
	if sh.interactive {
		sh.stderr(fmt.Sprintf("[%d] %d\n", j.id, pids[len(pids)-1]))
	}
	if len(sh.jc.jobs) > maxRemembered {
		sh.dropDone()
	}
	return j
}

// touch makes j the current job.
func (sh *Shell) touch(j *job) {
	sh.jc.order = slices.DeleteFunc(sh.jc.order, func(o *job) bool { return o == j })
	sh.jc.order = append(sh.jc.order, j)
}

func (sh *Shell) dropJob(j *job) {
	sh.jc.jobs = slices.DeleteFunc(sh.jc.jobs, func(o *job) bool { return o == j })
	sh.jc.order = slices.DeleteFunc(sh.jc.order, func(o *job) bool { return o == j })
}

func (sh *Shell) dropDone() {
	for _, j := range slices.Clone(sh.jc.jobs) {
		if j.done() {
			sh.dropJob(j)
		}
	}
}

// stoppedJob turns a foreground pipeline that stopped into a job.
func (sh *Shell) stoppedJob(pids []int, statuses []linux.WaitStatus, text string) {
	var j *job
	for _, o := range sh.jc.jobs {
		if o.has(pids[0]) {
			j = o
		}
	}
	if j == nil {
		shown := sh.interactive
		sh.interactive = false
		j = sh.addJob(pids, text)
		sh.interactive = shown
	}
	for i, pid := range pids {
		j.status[pid] = statuses[i]
	}
	j.stopped, j.told = true, true
	sh.touch(j)
	sh.stderr("\n" + sh.jobLine(j, false) + "\n")
}

func (sh *Shell) jobMark(j *job) byte {
	n := len(sh.jc.order)
	switch {
	case n > 0 && sh.jc.order[n-1] == j:
		return '+'
	case n > 1 && sh.jc.order[n-2] == j:
		return '-'
	}
	return ' '
}

func (sh *Shell) jobLine(j *job, long bool) string {
	state := j.state()
	pid := ""
	if long {
		pid = fmt.Sprintf("%d ", j.pids[0])
	}
	text := j.text
	if state == "Running" {
		text += " &"
	}
	return fmt.Sprintf("[%d]%c  %s%-23s %s", j.id, sh.jobMark(j), pid, state, text)
}

// tellJobs reports jobs that ended, before a prompt.
func (sh *Shell) tellJobs() {
	for sh.reap(false) {
	}
	for _, j := range slices.Clone(sh.jc.jobs) {
		if j.done() && !j.foreign {
			sh.stderr(sh.jobLine(j, false) + "\n")
			sh.dropJob(j)
		}
	}
}

// findJob resolves %n, %+, %-, %text and %?text.
func (sh *Shell) findJob(spec string) (*job, error) {
	s := strings.TrimPrefix(spec, "%")
	n := len(sh.jc.order)
	switch s {
	case "", "+", "%":
		if n > 0 {
			return sh.jc.order[n-1], nil
		}
		if k := len(sh.jc.jobs); k > 0 {
			return sh.jc.jobs[k-1], nil
		}
		return nil, fmt.Errorf("%s: no such job", strings.TrimSpace("current"))
	case "-":
		if n > 1 {
			return sh.jc.order[n-2], nil
		}
		return nil, fmt.Errorf("%s: no such job", spec)
	}
	if id, err := strconv.Atoi(s); err == nil {
		for _, j := range sh.jc.jobs {
			if j.id == id {
				return j, nil
			}
		}
		return nil, fmt.Errorf("%s: no such job", spec)
	}
	var found *job
	sub, inside := strings.CutPrefix(s, "?")
	for _, j := range sh.jc.jobs {
		if inside && strings.Contains(j.text, sub) || !inside && strings.HasPrefix(j.text, s) {
			if found != nil {
				return nil, fmt.Errorf("%s: ambiguous job spec", s)
			}
			found = j
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%s: no such job", spec)
	}
	return found, nil
}

// foreground waits for a job as if it had been started in the foreground.
func (sh *Shell) foreground(j *job) {
	sh.touch(j)
	if sh.jc.active {
		_ = sh.t.Tcsetpgrp(sh.jc.tty, j.pgid)
	}
	if j.stopped {
		sh.continueJob(j)
	}
	for _, pid := range j.pids {
		if st, ok := j.status[pid]; ok && !st.Stopped() {
			sh.jc.done[pid] = st
		}
	}
	// A stop while it runs must count here and not as news of the job.
	sh.dropJob(j)
	sh.waitPipeline(j.pids, j.pgid, j.text)
}

func (sh *Shell) continueJob(j *job) {
	j.stopped = false
	for pid, st := range j.status {
		if st.Stopped() {
			delete(j.status, pid)
		}
	}
	_ = sh.killJob(j, linux.SIGCONT)
}

// killJob signals a job: its group under job control, else its processes.
func (sh *Shell) killJob(j *job, sig linux.Signal) error {
	if sh.opts[optMonitor] && sh.jc.active {
		return sh.t.Kill(-j.pgid, sig)
	}
	var err error
	for _, pid := range j.pids {
		if st, ok := j.status[pid]; ok && !st.Stopped() {
			continue
		}
		if e := sh.t.Kill(pid, sig); e != nil {
			err = e
		}
	}
	return err
}
