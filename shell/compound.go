package shell

import (
	"strconv"
	"strings"
	"time"

	"mvdan.cc/sh/v3/syntax"
)

// cond runs the condition of if, while and until, where set -e does not count.
func (sh *Shell) cond(list []*syntax.Stmt) bool {
	sh.noErr++
	sh.stmts(list)
	sh.noErr--
	return sh.status == 0
}

func (sh *Shell) ifClause(c *syntax.IfClause) {
	for ; c != nil; c = c.Else {
		if c.ThenPos.IsValid() || len(c.Cond) > 0 {
			ok := sh.cond(c.Cond)
			if sh.stopped() {
				return
			}
			if !ok {
				continue
			}
		}
		sh.status = 0
		sh.stmts(c.Then)
		return
	}
	sh.status = 0
}

// loopCtl handles break and continue after a body; it reports whether to leave the loop.
func (sh *Shell) loopCtl() bool {
	switch sh.ctl {
	case ctlNone:
		return sh.dead()
	case ctlBreak, ctlContinue:
		if sh.ctlN > 1 {
			sh.ctlN--
			return true
		}
		leave := sh.ctl == ctlBreak
		sh.ctl, sh.ctlN = ctlNone, 0
		return leave
	}
	return true
}

func (sh *Shell) whileClause(c *syntax.WhileClause) {
	sh.loops++
	defer func() { sh.loops-- }()
	last := 0
	for {
		ok := sh.cond(c.Cond)
		if sh.ctl != ctlNone || sh.dead() {
			if sh.ctl == ctlBreak || sh.ctl == ctlContinue {
				if sh.loopCtl() {
					break
				}
				continue
			}
			return
		}
		if ok == c.Until {
			break
		}
		sh.stmts(c.Do)
		last = sh.status
		if sh.loopCtl() {
			if sh.ctl != ctlNone {
				return
			}
			break
		}
	}
	sh.status = last
}

func (sh *Shell) forClause(c *syntax.ForClause) {
	sh.loops++
	defer func() { sh.loops-- }()
	switch l := c.Loop.(type) {
	case *syntax.CStyleLoop:
		sh.cFor(c, l)
	case *syntax.WordIter:
		items := sh.args
		if l.InPos.IsValid() {
			var err error
			if items, err = sh.fields(l.Items); err != nil {
				sh.expandError(err)
				return
			}
		}
		if c.Select {
			sh.selectLoop(c, l.Name.Value, items)
			return
		}
		sh.status = 0
		for _, item := range items {
			if err := sh.setVar(l.Name.Value, item); err != nil {
				sh.assignError(err)
				return
			}
			if sh.opts[optXTrace] {
				sh.traceFor(l, items)
			}
			sh.stmts(c.Do)
			if sh.loopCtl() {
				return
			}
		}
	}
}

func (sh *Shell) traceFor(l *syntax.WordIter, items []string) {
	if !sh.bash {
		return
	}
	line := "for " + l.Name.Value + " in"
	for _, it := range items {
		line += " " + quoteIfNeeded(it)
	}
	sh.trace(line)
}

func (sh *Shell) cFor(c *syntax.ForClause, l *syntax.CStyleLoop) {
	eval := func(x syntax.ArithmExpr, empty int64) (int64, bool) {
		if x == nil {
			return empty, true
		}
		n, err := sh.arithExpr(x)
		if err != nil {
			sh.softError("((", err)
			return 0, false
		}
		return n, true
	}
	if _, ok := eval(l.Init, 0); !ok {
		return
	}
	sh.status = 0
	last := 0
	for {
		if sh.poll(); sh.stopped() {
			return
		}
		n, ok := eval(l.Cond, 1)
		if !ok {
			return
		}
		if n == 0 {
			break
		}
		sh.stmts(c.Do)
		last = sh.status
		if sh.loopCtl() {
			if sh.ctl != ctlNone {
				return
			}
			break
		}
		if _, ok := eval(l.Post, 0); !ok {
			return
		}
	}
	sh.status = last
}

// selectLoop shows a menu on descriptor 2 and reads choices from descriptor 0.
func (sh *Shell) selectLoop(c *syntax.ForClause, name string, items []string) {
	sh.status = 0
	if len(items) == 0 {
		return
	}
	show := true
	for !sh.stopped() {
		if show {
			sh.stderr(selectMenu(items, sh.columns()))
		}
		ps3 := "#? "
		if v := sh.getVar("PS3"); v != nil && v.set {
			ps3 = sh.promptString(v.str)
		}
		sh.stderr(ps3)
		line, eof := sh.readLine(0)
		if eof && line == "" {
			sh.stderr("\n")
			sh.status = 1
			return
		}
		line = strings.Trim(line, " \t\n")
		if show = line == ""; show {
			continue
		}
		_ = sh.setVar("REPLY", line)
		choice := ""
		if n, err := strconv.Atoi(line); err == nil && n >= 1 && n <= len(items) {
			choice = items[n-1]
		}
		if err := sh.setVar(name, choice); err != nil {
			sh.assignError(err)
			return
		}
		sh.stmts(c.Do)
		if sh.loopCtl() {
			return
		}
	}
}

func selectMenu(items []string, width int) string {
	digits := len(strconv.Itoa(len(items)))
	cell := 0
	for _, it := range items {
		cell = max(cell, len(it))
	}
	cell += digits + 2 + 1
	cols := max(1, width/cell)
	rows := (len(items) + cols - 1) / cols
	if rows < 2 || len(items) <= 9 {
		rows = len(items)
	}
	var sb strings.Builder
	for r := range rows {
		for i := r; i < len(items); i += rows {
			s := strconv.Itoa(i+1) + ") " + items[i]
			s = strings.Repeat(" ", digits-len(strconv.Itoa(i+1))) + s
			if i+rows < len(items) {
				s += strings.Repeat(" ", cell-len(s))
			}
			sb.WriteString(s)
		}
		sb.WriteByte('\n')
	}
	return sb.String()
}

func (sh *Shell) columns() int {
	if n, err := strconv.Atoi(sh.getStr("COLUMNS")); err == nil && n > 0 {
		return n
	}
	return 80
}

func (sh *Shell) caseClause(c *syntax.CaseClause) {
	word, err := sh.literal(c.Word)
	if err != nil {
		sh.expandError(err)
		return
	}
	if sh.opts[optXTrace] && sh.bash {
		sh.trace("case " + quoteIfNeeded(word) + " in")
	}
	sh.status = 0
	through := false
	for _, item := range c.Items {
		match := through
		for _, p := range item.Patterns {
			if match {
				break
			}
			pat, err := sh.pattern(p)
			if err != nil {
				sh.expandError(err)
				return
			}
			match = sh.matcher(pat, sh.shopts["nocasematch"]).Match(word)
		}
		if !match {
			continue
		}
		sh.stmts(item.Stmts)
		if sh.stopped() {
			return
		}
		switch item.Op {
		case syntax.Fallthrough:
			through = true
		case syntax.Resume:
			through = false
		default:
			return
		}
	}
}

func (sh *Shell) funcDecl(c *syntax.FuncDecl) {
	name := c.Name.Value
	if !sh.bash && !validName(name) {
		sh.errorf("Syntax error: Bad function name")
		sh.status = 2
		sh.leave()
		return
	}
	if f := sh.funcs[name]; f != nil && f.file == readonlyFunc {
		sh.errorf("%s: readonly function", name)
		sh.status = 1
		return
	}
	sh.funcs[name] = &function{name: name, body: c.Body, file: sh.sourceName()}
	sh.status = 0
}

// readonlyFunc marks a function that declare -fr protects.
const readonlyFunc = "\x00readonly"

func (sh *Shell) sourceName() string {
	if n := len(sh.frames); n > 0 {
		return sh.frames[n-1].source
	}
	if sh.file != "" {
		return sh.file
	}
	return "environment"
}

// callFunction runs a function with arguments; temp holds its assignments.
func (sh *Shell) callFunction(f *function, args []string, temp map[string]*variable) {
	sh.release()
	if !sh.enter() {
		return
	}
	savedArgs, savedLoops, savedOpt := sh.args, sh.loops, sh.getopt
	if temp == nil {
		temp = map[string]*variable{}
	}
	for _, v := range temp {
		v.attr |= attrLocal
	}
	sh.scopes = append(sh.scopes, &scope{vars: temp})
	sh.frames = append(sh.frames, frame{fn: f.name, source: f.file, call: sh.line})
	sh.args, sh.loops = args, 0
	base := len(sh.scopes)
	savedTraps := sh.enterTraps()
	sh.stmt(f.body)
	if sh.ctl == ctlReturn {
		sh.ctl = ctlNone
	}
	sh.leaveTraps(savedTraps)
	sh.scopes = sh.scopes[:base-1]
	sh.frames = sh.frames[:len(sh.frames)-1]
	sh.args, sh.loops = savedArgs, savedLoops
	if sh.bash {
		sh.getopt.at = savedOpt.at
	}
	sh.calls--
}

func (sh *Shell) subshellCmd(c *syntax.Subshell) {
	sh.runChild(func(child *Shell) { child.stmtsTail(c.Stmts) })
}

func (sh *Shell) letClause(c *syntax.LetClause) {
	var n int64
	var err error
	for _, x := range c.Exprs {
		if n, err = sh.arithExpr(x); err != nil {
			sh.softError("let", err)
			return
		}
	}
	sh.status = int(truth(n == 0))
}

// timeClause runs a command and tells on descriptor 2 what it took.
func (sh *Shell) timeClause(c *syntax.TimeClause) {
	clock := sh.t.Clock()
	start, before := clock.Now(), sh.t.Times()
	if c.Stmt != nil {
		sh.stmt(c.Stmt)
	} else {
		sh.status = 0
	}
	if sh.dead() {
		return
	}
	after := sh.t.Times()
	real := clock.Now().Sub(start)
	user := after.User + after.ChildrenUser - before.User - before.ChildrenUser
	system := after.System + after.ChildrenSystem - before.System - before.ChildrenSystem
	if c.PosixFormat {
		sh.stderr(formatTime("real %2R\nuser %2U\nsys %2S", real, user, system))
		return
	}
	format := "\nreal\t%3lR\nuser\t%3lU\nsys\t%3lS"
	if v := sh.getVar("TIMEFORMAT"); v != nil && v.set {
		if format = v.str; format == "" {
			return
		}
	}
	sh.stderr(formatTime(format, real, user, system))
}

func formatTime(format string, real, user, system time.Duration) string {
	var sb strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 >= len(format) {
			sb.WriteByte(format[i])
			continue
		}
		i++
		prec, long := 3, false
		if isDigit(format[i]) {
			prec = min(6, int(format[i]-'0'))
			i++
		}
		if i < len(format) && format[i] == 'l' {
			long = true
			i++
		}
		if i >= len(format) {
			break
		}
		var d time.Duration
		switch format[i] {
		case 'R':
			d = real
		case 'U':
			d = user
		case 'S':
			d = system
		case 'P':
			pct := 0.0
			if real > 0 {
				pct = float64(user+system) * 100 / float64(real)
			}
			sb.WriteString(strconv.FormatFloat(pct, 'f', 2, 64))
			continue
		default:
			sb.WriteByte(format[i])
			continue
		}
		if long {
			min := int64(d / time.Minute)
			sb.WriteString(strconv.FormatInt(min, 10) + "m" + strconv.FormatFloat((d-time.Duration(min)*time.Minute).Seconds(), 'f', prec, 64) + "s")
			continue
		}
		sb.WriteString(strconv.FormatFloat(d.Seconds(), 'f', prec, 64))
	}
	return sb.String() + "\n"
}

// isDir reports whether path is a directory.
func (sh *Shell) isDir(path string) bool {
	g := globber{sh: sh}
	return g.isDir(path)
}
