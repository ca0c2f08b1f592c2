package shell

import (
	"errors"

	"mvdan.cc/sh/v3/syntax"

	"github.com/sbxrun/sbx/abi/linux"
)

func asErrno(err error) (linux.Errno, bool) {
	var e linux.Errno
	ok := errors.As(err, &e)
	return e, ok
}

// stmts executes statements until one leaves.
func (sh *Shell) stmts(list []*syntax.Stmt) {
	for _, st := range list {
		if sh.stopped() {
			return
		}
		sh.stmt(st)
	}
}

// stmtsTail is stmts where the last command may take over the process.
func (sh *Shell) stmtsTail(list []*syntax.Stmt) {
	for i, st := range list {
		if sh.stopped() {
			return
		}
		sh.tail = i == len(list)-1 && sh.canTail(st)
		sh.stmt(st)
		sh.tail = false
	}
}

// canTail tells whether nothing is left to do for this process after st.
func (sh *Shell) canTail(st *syntax.Stmt) bool {
	_, simple := st.Cmd.(*syntax.CallExpr)
	return simple && !st.Background && !st.Negated && len(sh.traps) == 0 && !sh.interactive && len(sh.procPids) == 0
}

// stmt executes one statement with its redirections.
func (sh *Shell) stmt(st *syntax.Stmt) {
	if sh.poll(); sh.stopped() {
		return
	}
	if pos := st.Position; pos.IsValid() {
		sh.line = sh.lineBase + int(pos.Line())
	}
	if sh.opts[optNoExec] && !sh.interactive {
		return
	}
	if st.Background {
		sh.background(st)
		return
	}
	fds, pids := len(sh.procFds), len(sh.procPids)
	if st.Negated {
		sh.noErr++
		tail := sh.tail
		sh.tail = false
		sh.stmtCmd(st)
		sh.tail = tail
		sh.noErr--
		if sh.ctl == ctlNone {
			sh.status = int(truth(sh.status == 0))
		}
	} else {
		sh.stmtCmd(st)
		if sh.status != 0 && sh.ctl == ctlNone && checksError(st) {
			sh.onError()
		}
	}
	if len(sh.procFds) > fds {
		sh.closeProcs(fds, pids)
	}
	sh.poll()
}

// checksError tells which commands set -e looks at: those that do not only pass
// on the status of commands that it has already looked at.
func checksError(st *syntax.Stmt) bool {
	switch c := st.Cmd.(type) {
	case *syntax.BinaryCmd:
		return c.Op == syntax.Pipe || c.Op == syntax.PipeAll
	case *syntax.IfClause, *syntax.WhileClause, *syntax.ForClause, *syntax.CaseClause, *syntax.Block:
		return len(st.Redirs) > 0
	}
	return true
}

// onError is what set -e and the ERR trap do.
func (sh *Shell) onError() {
	if sh.noErr > 0 {
		return
	}
	sh.runNamedTrap("ERR")
	if sh.opts[optErrExit] && sh.ctl == ctlNone {
		sh.ctl = ctlExit
	}
}

func (sh *Shell) stmtCmd(st *syntax.Stmt) {
	switch c := st.Cmd.(type) {
	case *syntax.CallExpr:
		sh.simple(c, st.Redirs)
		sh.onePipe()
		return
	case *syntax.DeclClause:
		sh.declClause(c, st.Redirs)
		sh.onePipe()
		return
	case *syntax.ArithmCmd, *syntax.TestClause, *syntax.LetClause:
		defer sh.onePipe()
	}
	sh.tail = false
	if len(st.Redirs) == 0 {
		sh.runCommand(st.Cmd)
		return
	}
	saved, err := sh.redirect(st.Redirs)
	if err != nil {
		sh.undo(saved)
		sh.redirError(err)
		return
	}
	if st.Cmd == nil {
		sh.status = 0
	} else {
		sh.runCommand(st.Cmd)
	}
	sh.undo(saved)
}

// onePipe makes PIPESTATUS the status of a command that is a pipeline by itself.
func (sh *Shell) onePipe() { sh.pipeStatus = append(sh.pipeStatus[:0], sh.status) }

func (sh *Shell) runCommand(cmd syntax.Command) {
	switch c := cmd.(type) {
	case *syntax.Block:
		sh.stmts(c.Stmts)
	case *syntax.Subshell:
		sh.subshellCmd(c)
	case *syntax.IfClause:
		sh.ifClause(c)
	case *syntax.WhileClause:
		sh.whileClause(c)
	case *syntax.ForClause:
		sh.forClause(c)
	case *syntax.CaseClause:
		sh.caseClause(c)
	case *syntax.BinaryCmd:
		sh.binary(c)
	case *syntax.FuncDecl:
		sh.funcDecl(c)
	case *syntax.ArithmCmd:
		n, err := sh.arithExpr(c.X)
		if err != nil {
			sh.softError("((", err)
			return
		}
		sh.status = int(truth(n == 0))
	case *syntax.TestClause:
		sh.testClause(c)
	case *syntax.LetClause:
		sh.letClause(c)
	case *syntax.TimeClause:
		sh.timeClause(c)
	case *syntax.CoprocClause:
		sh.coproc(c)
	case nil:
		sh.status = 0
	default:
		sh.errorf("syntax error: unsupported command")
		sh.status = 2
	}
}

// binary does && || and pipelines; chains are walked, not recursed into.
func (sh *Shell) binary(c *syntax.BinaryCmd) {
	if c.Op == syntax.Pipe || c.Op == syntax.PipeAll {
		sh.pipeline(c)
		return
	}
	var chain []*syntax.BinaryCmd
	first := &syntax.Stmt{}
	for b := c; b != nil; {
		chain = append(chain, b)
		first = b.X
		next, ok := b.X.Cmd.(*syntax.BinaryCmd)
		if !ok || next.Op == syntax.Pipe || next.Op == syntax.PipeAll || b.X.Negated || b.X.Background || len(b.X.Redirs) > 0 {
			break
		}
		b = next
	}
	sh.noErr++
	sh.stmt(first)
	sh.noErr--
	for i := len(chain) - 1; i >= 0; i-- {
		b := chain[i]
		if sh.stopped() {
			return
		}
		if (b.Op == syntax.AndStmt) != (sh.status == 0) {
			continue
		}
		if i > 0 {
			sh.noErr++
		}
		sh.stmt(b.Y)
		if i > 0 {
			sh.noErr--
		}
	}
}

// expandError reports a failed expansion. It ends a non-interactive shell, as
// POSIX XCU 2.8.1 asks.
func (sh *Shell) expandError(err error) {
	if errors.Is(err, errControlled) || sh.dead() {
		return
	}
	sh.status = 1
	if !sh.bash {
		sh.status = 2
	}
	var unset *unboundError
	var ae *arithError
	var pe *paramError
	var ge *globError
	var be *badSubstError
	switch {
	case errors.As(err, &be) && !sh.bash:
		sh.errorf("Bad substitution")
	case errors.As(err, &unset):
		if sh.bash {
			sh.errorf("%s: unbound variable", unset.name)
			if !sh.interactive {
				sh.status = 127
			}
		} else {
			sh.errorf("%s: parameter not set", unset.name)
		}
	case errors.As(err, &pe):
		sh.errorf("%s", pe.Error())
		if sh.bash && !sh.interactive && pe.msg != "invalid variable name" && pe.msg != "invalid indirect expansion" && pe.msg != "cannot assign in this way" {
			sh.status = 127
		} else if sh.bash {
			sh.status = 1
		}
	case errors.As(err, &ae):
		if sh.bash {
			sh.errorf("%s", err)
			sh.ctl = ctlAbort
			return
		}
		if ae.msg == "division by 0" {
			sh.errorf("arithmetic expression: division by zero: \"%s\"", ae.expr)
		} else {
			sh.errorf("arithmetic expression: expecting primary: \"%s\"", ae.expr)
		}
	case errors.As(err, &ge):
		sh.errorf("%s", err)
		sh.ctl = ctlAbort
		return
	default:
		sh.assignError(err)
		return
	}
	sh.leave()
}

// assignError reports a refused assignment.
func (sh *Shell) assignError(err error) {
	sh.status = 1
	if !sh.bash {
		sh.status = 2
	}
	var ve *varError
	if errors.As(err, &ve) && !sh.bash && errors.Is(err, errReadonly) {
		sh.errorf("%s: is read only", ve.name)
	} else {
		sh.errorf("%s", errText(err))
	}
	if sh.bash && !sh.interactive && !sh.opts[optPosix] {
		sh.ctl = ctlAbort
		return
	}
	sh.leave()
}

// softError reports an error that only fails its command.
func (sh *Shell) softError(cmd string, err error) {
	if errors.Is(err, errControlled) || sh.dead() {
		return
	}
	sh.status = 1
	var ae *arithError
	var ve *varError
	if errors.As(err, &ae) || errors.As(err, &ve) {
		sh.errorf("%s: %s", cmd, err)
		return
	}
	sh.expandError(err)
}
