package shell

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

func jobBuiltins() []*builtin {
	return []*builtin{
		{name: "wait", run: (*Shell).waitBuiltin},
		{name: "jobs", run: (*Shell).jobsBuiltin},
		{name: "fg", run: (*Shell).fgBuiltin},
		{name: "bg", run: (*Shell).bgBuiltin},
		{name: "disown", bashOnly: true, run: (*Shell).disownBuiltin},
		{name: "kill", program: true, run: (*Shell).killBuiltin},
		{name: "suspend", bashOnly: true, run: func(sh *Shell, _ *output, _ []string) int {
			_ = sh.t.Kill(sh.t.Getpid(), linux.SIGSTOP)
			return 0
		}},
	}
}

// waitBuiltin is wait [-n] [-f] [-p var] [pid|%job …]; a trapped signal ends it.
func (sh *Shell) waitBuiltin(_ *output, args []string) int {
	flags, rest, ok := map[byte]string{}, args[1:], true
	if sh.bash {
		if flags, rest, ok = sh.options(args, "nfp:"); !ok {
			return 2
		}
	}
	if has(flags, 'n') {
		return sh.waitNext(flags['p'], rest)
	}
	if len(rest) == 0 {
		return sh.waitAll()
	}
	status := 0
	for _, a := range rest {
		status = sh.waitOne(a)
		if name := flags['p']; name != "" {
			_ = sh.setVar(name, a)
		}
		if sh.ctl != ctlNone || sh.dead() {
			break
		}
	}
	return status
}

// interrupted reports the trapped signal that ends a wait.
func (sh *Shell) interrupted() (int, bool) {
	if sh.ctl != ctlNone {
		return 130, true
	}
	for _, sig := range sh.pending {
		if sig != linux.SIGCHLD {
			return 128 + int(sig), true
		}
	}
	return 0, false
}

func (sh *Shell) waitAll() int {
	for {
		running := false
		for _, j := range sh.jc.jobs {
			running = running || !j.foreign && !j.done() && !j.stopped
		}
		if !running {
			break
		}
		if !sh.reap(true) || sh.dead() {
			break
		}
		if code, hit := sh.interrupted(); hit {
			return code
		}
		if len(sh.pending) > 0 {
			sh.poll()
		}
	}
	sh.tellKilled()
	sh.dropDone()
	return 0
}

func (sh *Shell) waitOne(arg string) int {
	pids := []int{}
	var j *job
	if strings.HasPrefix(arg, "%") {
		found, err := sh.findJob(arg)
		if err != nil {
			sh.errorf("wait: %s", err)
			return 127
		}
		j, pids = found, found.pids
	} else {
		pid, err := strconv.Atoi(arg)
		if err != nil {
			if sh.bash {
				sh.errorf("wait: `%s': not a pid or valid job spec", arg)
				return 1
			}
			sh.errorf("wait: Illegal number: %s", arg)
			return 2
		}
		pids = append(pids, pid)
		for _, o := range sh.jc.jobs {
			if o.has(pid) && !o.foreign {
				j = o
			}
		}
		if _, done := sh.jc.done[pid]; j == nil && !done && !slices.Contains(sh.procPids, pid) && pid != sh.lastBg {
			if sh.bash {
				sh.errorf("wait: pid %d is not a child of this shell", pid)
			}
			return 127
		}
	}
	pid := pids[len(pids)-1]
	for waited := false; ; waited = true {
		if st, ok := sh.jc.done[pid]; ok {
			if sh.tellKilled(); waited && !sh.bash && st.Signaled() {
				sh.tellSignal(pid, st, "")
			}
			if j != nil && j.done() {
				sh.dropJob(j)
			}
			return st.ShellCode()
		}
		if !sh.reap(true) || sh.dead() {
			return 127
		}
		if code, hit := sh.interrupted(); hit {
			return code
		}
		if len(sh.pending) > 0 {
			sh.poll()
		}
	}
}

// waitNext is wait -n: the next job of those named, or of all, that ends.
func (sh *Shell) waitNext(name string, list []string) int {
	var of []*job
	for _, a := range list {
		if j, err := sh.findJob(a); err == nil && strings.HasPrefix(a, "%") {
			of = append(of, j)
			continue
		}
		pid, _ := strconv.Atoi(a)
		for _, j := range sh.jc.jobs {
			if j.has(pid) {
				of = append(of, j)
			}
		}
	}
	if len(list) == 0 {
		for _, j := range sh.jc.jobs {
			if !j.foreign {
				of = append(of, j)
			}
		}
	}
	if len(of) == 0 {
		return 127
	}
	for {
		for _, j := range of {
			if !j.done() {
				continue
			}
			sh.tellKilled()
			sh.dropJob(j)
			if name != "" {
				_ = sh.setVar(name, strconv.Itoa(j.pids[len(j.pids)-1]))
			}
			return j.last().ShellCode()
		}
		if !sh.reap(true) || sh.dead() {
			return 127
		}
		if code, hit := sh.interrupted(); hit {
			return code
		}
		if len(sh.pending) > 0 {
			sh.poll()
		}
	}
}

func (sh *Shell) jobsBuiltin(out *output, args []string) int {
	flags, rest, ok := sh.options(args, "lnprs")
	if !ok {
		return 2
	}
	for sh.reap(false) {
	}
	list := slices.Clone(sh.jc.jobs)
	if len(rest) > 0 {
		list = nil
		for _, a := range rest {
			j, err := sh.findJob(a)
			if err != nil {
				sh.errorf("jobs: %s", err)
				return 1
			}
			list = append(list, j)
		}
	}
	for _, j := range list {
		state := j.state()
		if has(flags, 'r') && state != "Running" || has(flags, 's') && state != "Stopped" {
			continue
		}
		if has(flags, 'p') {
			out.add(strconv.Itoa(j.pgid) + "\n")
		} else {
			out.add(sh.jobLine(j, has(flags, 'l')) + "\n")
		}
		if j.done() && !j.foreign {
			sh.dropJob(j)
		}
	}
	return 0
}

func (sh *Shell) jobArg(name string, args []string) (*job, bool) {
	if !sh.opts[optMonitor] {
		sh.errorf("%s: no job control", name)
		return nil, false
	}
	spec := ""
	if len(args) > 1 {
		spec = args[1]
	}
	j, err := sh.findJob(spec)
	if err != nil {
		sh.errorf("%s: %s", name, err)
		return nil, false
	}
	return j, true
}

func (sh *Shell) fgBuiltin(out *output, args []string) int {
	j, ok := sh.jobArg("fg", args)
	if !ok {
		return 1
	}
	out.add(j.text + "\n")
	out.flush()
	sh.foreground(j)
	return sh.status
}

func (sh *Shell) bgBuiltin(out *output, args []string) int {
	j, ok := sh.jobArg("bg", args)
	if !ok {
		return 1
	}
	sh.continueJob(j)
	sh.touch(j)
	out.add(fmt.Sprintf("[%d]%c %s &\n", j.id, sh.jobMark(j), j.text))
	return 0
}

func (sh *Shell) disownBuiltin(_ *output, args []string) int {
	flags, rest, ok := sh.options(args, "ahr")
	if !ok {
		return 2
	}
	if has(flags, 'h') {
		return 0
	}
	if has(flags, 'a') || len(rest) == 0 && has(flags, 'r') {
		sh.jc.jobs, sh.jc.order = nil, nil
		return 0
	}
	if len(rest) == 0 {
		rest = []string{"%+"}
	}
	for _, a := range rest {
		j, err := sh.findJob(a)
		if pid, e := strconv.Atoi(a); e == nil {
			j = nil
			for _, o := range sh.jc.jobs {
				if o.has(pid) {
					j, err = o, nil
				}
			}
		}
		if err != nil || j == nil {
			sh.errorf("disown: %s: no such job", a)
			return 1
		}
		sh.dropJob(j)
	}
	return 0
}

// killBuiltin is kill [-s sig | -n num | -sig] pid|%job …, and kill -l.
func (sh *Shell) killBuiltin(out *output, args []string) int {
	rest := args[1:]
	sig := linux.SIGTERM
	if len(rest) > 0 && len(rest[0]) > 1 && rest[0][0] == '-' && rest[0] != "--" {
		a := rest[0]
		rest = rest[1:]
		name := a[1:]
		switch {
		case a == "-l" || a == "-L":
			return sh.killList(out, rest)
		case a == "-s" || a == "-n":
			if len(rest) == 0 {
				sh.errorf("kill: %s: option requires an argument", a)
				return 2
			}
			name, rest = rest[0], rest[1:]
		}
		if name == "0" || strings.EqualFold(name, "exit") {
			sig = 0
		} else {
			s, ok := linux.ParseSignal(name)
			if !ok {
				if sh.bash {
					sh.errorf("kill: %s: invalid signal specification", name)
					return 1
				}
				sh.errorf("kill: invalid signal number or name: %s", name)
				return 2
			}
			sig = s
		}
	}
	if len(rest) > 0 && rest[0] == "--" {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		sh.stderr("kill: usage: kill [-s sigspec | -n signum | -sigspec] pid | jobspec ... or kill -l [sigspec]\n")
		return 2
	}
	status := 0
	for _, a := range rest {
		if err := sh.killOne(a, sig); err != nil {
			sh.errorf("kill: %s", err)
			status = 1
		}
	}
	return status
}

func (sh *Shell) killOne(a string, sig linux.Signal) error {
	if strings.HasPrefix(a, "%") {
		j, err := sh.findJob(a)
		if err != nil {
			return err
		}
		if err := sh.killJob(j, sig); err != nil {
			return fmt.Errorf("(%d) - %s", j.pgid, errText(err))
		}
		return nil
	}
	pid, err := strconv.Atoi(a)
	if err != nil {
		if sh.bash {
			return fmt.Errorf("%s: arguments must be process or job IDs", a)
		}
		return fmt.Errorf("Illegal number: %s", a)
	}
	if err := sh.t.Kill(pid, sig); err != nil {
		if sh.bash {
			return fmt.Errorf("(%d) - %s", pid, errText(err))
		}
		return fmt.Errorf("%s", errText(err))
	}
	return nil
}

func (sh *Shell) killList(out *output, args []string) int {
	if len(args) == 0 {
		for sig := linux.Signal(1); sig < linux.NSIG; sig++ {
			name := sig.Name()
			if name == "" {
				continue
			}
			if !sh.bash {
				out.add(name + "\n")
				continue
			}
			sep := "\t"
			if sig%5 == 0 {
				sep = "\n"
			}
			out.add(fmt.Sprintf("%2d) %s%s", sig, "SIG"+name, sep))
		}
		if sh.bash {
			out.add("\n")
		}
		return 0
	}
	status := 0
	for _, a := range args {
		if n, err := strconv.Atoi(a); err == nil {
			if n > 128 {
				n -= 128
			}
			if s := linux.Signal(n); n > 0 && n < linux.NSIG && s.Name() != "" {
				out.add(s.Name() + "\n")
				continue
			}
		} else if s, ok := linux.ParseSignal(a); ok {
			out.add(strconv.Itoa(int(s)) + "\n")
			continue
		}
		sh.errorf("kill: %s: invalid signal specification", a)
		status = 1
	}
	return status
}
