package shell

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// cmdSubst runs $(…) in a child and collects its output.
func (sh *Shell) cmdSubst(c *syntax.CmdSubst) (string, error) {
	if len(c.Stmts) == 0 {
		sh.substatus = 0
		return "", nil
	}
	if name, ok := readFileForm(c); ok && sh.bash {
		return sh.substFile(name)
	}
	r, w, err := sh.t.Pipe(linux.O_CLOEXEC)
	if err != nil {
		return "", err
	}
	pid, err := sh.startChild(func(child *Shell) {
		child.jc.substDepth++
		child.jc.active = false
		if sh.bash && !child.shopts["inherit_errexit"] && !child.opts[optPosix] {
			child.opts[optErrExit] = false
		}
		_ = child.t.Close(r)
		if w != 1 {
			_, _ = child.t.Dup2(w, 1)
			_ = child.t.Close(w)
		} else {
			_ = child.t.SetFdFlags(1, 0)
		}
		child.stmtsTail(c.Stmts)
	}, 0, false)
	_ = sh.t.Close(w)
	if err != nil {
		_ = sh.t.Close(r)
		return "", err
	}
	out, err := sh.readAll(r, maxWordSize)
	_ = sh.t.Close(r)
	st := sh.waitPid(pid)
	sh.substatus = st.ShellCode()
	sh.status = sh.substatus
	if err != nil {
		return "", err
	}
	if sh.dead() || sh.ctl == ctlAbort {
		return "", errControlled
	}
	if strings.IndexByte(out, 0) >= 0 {
		if sh.bash {
			sh.errorf("warning: command substitution: ignored null byte in input")
		}
		out = strings.ReplaceAll(out, "\x00", "")
	}
	return strings.TrimRight(out, "\n"), nil
}

// readFileForm recognizes $(<file).
func readFileForm(c *syntax.CmdSubst) (*syntax.Redirect, bool) {
	if len(c.Stmts) != 1 {
		return nil, false
	}
	st := c.Stmts[0]
	if st.Cmd != nil || len(st.Redirs) != 1 || st.Background || st.Negated {
		return nil, false
	}
	r := st.Redirs[0]
	return r, r.Op == syntax.RdrIn && r.N == nil
}

func (sh *Shell) substFile(r *syntax.Redirect) (string, error) {
	name, err := sh.redirTarget(r.Word)
	if err != nil {
		return "", err
	}
	sh.substatus = 0
	fd, err := sh.openTarget(name, syntax.RdrIn)
	if err != nil {
		sh.errorf("%s", err)
		sh.substatus = 1
		return "", nil
	}
	defer sh.t.Close(fd)
	out, err := sh.readAll(fd, maxWordSize)
	if _, ok := asErrno(err); ok {
		sh.errorf("%s: %s", name, errText(err))
		sh.substatus = 1
		return "", nil
	}
	return strings.TrimRight(strings.ReplaceAll(out, "\x00", ""), "\n"), err
}

// readAll reads to the end, at most limit bytes.
func (sh *Shell) readAll(fd, limit int) (string, error) {
	var sb strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := sh.t.Read(fd, buf)
		if err != nil {
			if e, _ := asErrno(err); e == linux.EINTR && !sh.dead() {
				sh.takeSignals()
				continue
			}
			return sb.String(), err
		}
		if n == 0 {
			return sb.String(), nil
		}
		if sb.Len()+n > limit {
			return "", errTooBig
		}
		sb.Write(buf[:n])
		if n == len(buf) && len(buf) < pipeRoom {
			buf = make([]byte, len(buf)*4)
		}
	}
}

// procSubst starts the command of <(…) or >(…) and gives the path of its pipe.
func (sh *Shell) procSubst(p *syntax.ProcSubst) (string, error) {
	r, w, err := sh.t.Pipe(linux.O_CLOEXEC)
	if err != nil {
		return "", err
	}
	mine, theirs, std := r, w, 1
	if p.Op == syntax.CmdOut {
		mine, theirs, std = w, r, 0
	}
	pid, err := sh.startChild(func(child *Shell) {
		child.jc.active = false
		_ = child.t.Close(mine)
		if theirs != std {
			_, _ = child.t.Dup2(theirs, std)
			_ = child.t.Close(theirs)
		} else {
			_ = child.t.SetFdFlags(std, 0)
		}
		child.stmtsTail(p.Stmts)
	}, 0, false)
	_ = sh.t.Close(theirs)
	if err != nil {
		_ = sh.t.Close(mine)
		return "", err
	}
	fd := mine
	if n, err := sh.t.DupFrom(mine, 60, false); err == nil {
		_ = sh.t.Close(mine)
		fd = n
	} else {
		_ = sh.t.SetFdFlags(mine, 0)
	}
	sh.procFds = append(sh.procFds, fd)
	sh.procPids = append(sh.procPids, pid)
	sh.lastBg = pid
	return "/dev/fd/" + strconv.Itoa(fd), nil
}

// closeProcs ends the process substitutions of a finished command.
func (sh *Shell) closeProcs(fds, pids int) {
	for _, fd := range sh.procFds[fds:] {
		_ = sh.t.Close(fd)
	}
	sh.procFds = sh.procFds[:fds]
	sh.procPids = sh.procPids[:min(pids, len(sh.procPids))]
}

// startChild forks a child that runs body as a subshell. group is the process
// group to join (0: a new one) when job control is on.
func (sh *Shell) startChild(body func(*Shell), group int, foreground bool) (int, error) {
	sh.release()
	child := sh.fork()
	jobs := sh.jc.active
	task, err := sh.t.Fork(kernel.ProgramFunc(func(t *kernel.Task) int {
		child.t = t
		if jobs {
			child.enterGroup(group, foreground)
		}
		child.childSignals()
		body(child)
		return child.exitCode()
	}))
	if err != nil {
		return 0, err
	}
	pid := task.Getpid()
	if jobs {
		g := group
		if g == 0 {
			g = pid
		}
		_ = sh.t.Setpgid(pid, g)
	}
	return pid, nil
}

// exitCode runs the EXIT trap and gives the status that the process ends with.
func (sh *Shell) exitCode() int {
	if sh.ctl == ctlExec {
		return 0
	}
	sh.exitTrap()
	if sh.ctl == ctlExec {
		return 0
	}
	return sh.status & 0xff
}

// runChild runs body in a child in the foreground and waits for it.
func (sh *Shell) runChild(body func(*Shell)) {
	pid, err := sh.startChild(body, 0, true)
	if err != nil {
		sh.forkError(err)
		return
	}
	sh.waitForeground(pid, sh.command)
}

func (sh *Shell) forkError(err error) {
	if sh.dead() {
		return
	}
	if sh.bash {
		sh.errorf("fork: retry: %s", errText(err))
	} else {
		sh.errorf("Cannot fork")
	}
	sh.status = 254
	if !sh.bash {
		sh.status = 2
	}
	sh.leave()
}

// pipeline runs commands that are joined by pipes, each in its own child.
func (sh *Shell) pipeline(c *syntax.BinaryCmd) {
	cmds, both := flatten(c)
	pids := make([]int, 0, len(cmds))
	in, group := -1, 0
	for i, st := range cmds {
		r, w := -1, -1
		if i < len(cmds)-1 {
			var err error
			if r, w, err = sh.t.Pipe(linux.O_CLOEXEC); err != nil {
				sh.forkError(err)
				break
			}
		}
		stderr := i < len(both) && both[i]
		from := in
		pid, err := sh.startChild(func(child *Shell) {
			child.connect(from, w, r, stderr)
			child.jc.active = false
			child.stmtsTail([]*syntax.Stmt{st})
		}, group, true)
		if in >= 0 {
			_ = sh.t.Close(in)
		}
		if w >= 0 {
			_ = sh.t.Close(w)
		}
		in = r
		if err != nil {
			sh.forkError(err)
			break
		}
		if group == 0 && sh.jc.active {
			group = pid
		}
		pids = append(pids, pid)
	}
	if in >= 0 {
		_ = sh.t.Close(in)
	}
	if len(pids) == 0 {
		return
	}
	failed := len(pids) != len(cmds)
	status := sh.status
	sh.waitPipeline(pids, group, printNode(c))
	if failed {
		sh.status = status
	}
}

// connect makes the pipes of a pipeline's member its descriptors 0 and 1.
func (sh *Shell) connect(in, out, other int, stderr bool) {
	if other >= 0 {
		_ = sh.t.Close(other)
	}
	// Either may sit on the other's place when the shell runs with 0 or 1 closed.
	if out == 0 {
		if n, err := sh.t.DupFrom(out, firstPrivateFd, true); err == nil {
			_ = sh.t.Close(out)
			out = n
		}
	}
	sh.move(in, 0)
	sh.move(out, 1)
	if stderr {
		_, _ = sh.t.Dup2(1, 2)
	}
}

func (sh *Shell) move(from, to int) {
	switch {
	case from < 0:
	case from == to:
		_ = sh.t.SetFdFlags(to, 0)
	default:
		_, _ = sh.t.Dup2(from, to)
		_ = sh.t.Close(from)
	}
}

// flatten lists the members of a pipeline; both tells which pass on |& errors too.
func flatten(c *syntax.BinaryCmd) (cmds []*syntax.Stmt, both []bool) {
	var left []*syntax.BinaryCmd
	for b := c; ; {
		left = append(left, b)
		next, ok := pipeOf(b.X)
		if !ok {
			break
		}
		b = next
	}
	cmds = append(cmds, left[len(left)-1].X)
	for i := len(left) - 1; i >= 0; i-- {
		y := left[i]
		for {
			both = append(both, y.Op == syntax.PipeAll)
			next, ok := pipeOf(y.Y)
			if !ok {
				cmds = append(cmds, y.Y)
				break
			}
			cmds = append(cmds, next.X)
			y = next
		}
	}
	return cmds, both
}

func pipeOf(st *syntax.Stmt) (*syntax.BinaryCmd, bool) {
	b, ok := st.Cmd.(*syntax.BinaryCmd)
	if !ok || b.Op != syntax.Pipe && b.Op != syntax.PipeAll || st.Negated || st.Background || len(st.Redirs) > 0 {
		return nil, false
	}
	return b, true
}

// background starts a statement followed by &. As after vfork(2), a program
// runs under its own name when the shell goes on.
func (sh *Shell) background(st *syntax.Stmt) {
	fg := *st
	fg.Background = false
	detach := !sh.jc.active
	r, w := -1, -1
	if _, simple := st.Cmd.(*syntax.CallExpr); simple {
		r, w = sh.readyPipe()
	}
	pid, err := sh.startChild(func(child *Shell) {
		if w >= 0 {
			_ = child.t.Close(r)
			child.readyFd = w
		}
		child.jc.active = false
		if detach {
			child.detachInput()
		}
		child.stmtsTail([]*syntax.Stmt{&fg})
	}, 0, false)
	if w >= 0 {
		_ = sh.t.Close(w)
		if err == nil {
			// A signal or the end: there is never anything to read.
			_, _ = sh.t.Read(r, make([]byte, 1))
		}
		_ = sh.t.Close(r)
	}
	if err != nil {
		sh.forkError(err)
		return
	}
	sh.lastBg = pid
	sh.addJob([]int{pid}, printNode(&fg))
	sh.status = 0
}

// readyPipe makes a pipe that execve closes, out of the way of scripts; -1
// when descriptors are short.
func (sh *Shell) readyPipe() (r, w int) {
	var ends [2]int
	var err error
	if ends[0], ends[1], err = sh.t.Pipe(linux.O_CLOEXEC); err != nil {
		return -1, -1
	}
	for i, fd := range ends {
		n, err := sh.t.DupFrom(fd, firstPrivateFd, true)
		if err != nil {
			_ = sh.t.Close(ends[0])
			_ = sh.t.Close(ends[1])
			return -1, -1
		}
		_ = sh.t.Close(fd)
		ends[i] = n
	}
	return ends[0], ends[1]
}

// release lets the parent of a background child go on: what comes may take
// long, or is not a program.
func (sh *Shell) release() {
	if sh.readyFd >= 0 {
		_ = sh.t.Close(sh.readyFd)
		sh.readyFd = -1
	}
}

// detachInput is what an asynchronous command gets without job control: an
// empty standard input, deaf to ^C (POSIX XCU 2.9.3.1).
func (sh *Shell) detachInput() {
	for _, sig := range []linux.Signal{linux.SIGINT, linux.SIGQUIT} {
		_, _ = sh.t.Sigaction(sig, kernel.SigIgnore)
		sh.ignored[sig] = true
	}
	fd, err := sh.t.Open(linux.AT_FDCWD, "/dev/null", linux.O_RDONLY|linux.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	sh.move(fd, 0)
}
