package shell

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/sbxrun/sbx/abi/linux"
)

// lineEditor reads one line from a terminal; io.EOF is ^D on an empty line, and
// errInterrupt is ^C.
type lineEditor interface {
	ReadLine(prompt string) (string, error)
}

// startInteractive prepares a shell that talks to a person.
func (sh *Shell) startInteractive() {
	for _, sig := range shellSignals[:3] {
		if !sh.ignored[sig] {
			_, _ = sh.t.Sigaction(sig, sh.interactiveAction(sig))
		}
	}
	if !sh.commandStr {
		sh.startJobControl()
	}
	sh.opts[optHistory] = true
	sh.shopts["expand_aliases"] = true
	set := func(name, value string) {
		if sh.lookup(name) == nil {
			_ = sh.setVar(name, value)
		}
	}
	if sh.bash {
		sh.opts[optHistExpand] = true
		set("PS1", `\s-\v\$ `)
		if home := sh.getStr("HOME"); home != "" {
			set("HISTFILE", strings.TrimSuffix(home, "/")+"/.bash_history")
		}
		set("HISTSIZE", "500")
		set("HISTFILESIZE", "500")
	} else if sh.t.Credentials().EUID == 0 {
		set("PS1", "# ")
	} else {
		set("PS1", "$ ")
	}
	set("PS2", "> ")
	sh.history.load(sh)
}

// endInteractive says goodbye and keeps the history.
func (sh *Shell) endInteractive() {
	if sh.fromStdin && sh.input == nil && sh.eof {
		if sh.bash {
			sh.stderr("exit\n")
		} else {
			sh.stderr("\n")
		}
	}
	sh.history.save(sh)
	if sh.jc.active {
		for _, j := range sh.jc.jobs {
			if j.stopped {
				_ = sh.t.Kill(-j.pgid, linux.SIGHUP)
				_ = sh.t.Kill(-j.pgid, linux.SIGCONT)
			}
		}
	}
}

// nextLine reads the next line of commands from descriptor 0.
func (sh *Shell) nextLine(more bool) (string, bool) {
	if !sh.interactive {
		return sh.readLine(0)
	}
	prompt := sh.prompt(more)
	for {
		line, eof := sh.editLine(prompt)
		if sh.ctl == ctlAbort && !sh.dead() {
			sh.ctl = ctlNone
			sh.stderr("\n")
			if more {
				return "\n", false
			}
			prompt = sh.prompt(false)
			continue
		}
		if sh.dead() {
			return "", true
		}
		if eof && line == "" && !more && sh.opts[optIgnoreEOF] {
			sh.stderr("Use \"exit\" to leave the shell.\n")
			continue
		}
		if sh.opts[optHistExpand] {
			full, changed, err := sh.expandHistory(line)
			if err != nil {
				sh.stderr(sh.name() + ": " + err.Error() + "\n")
				if more {
					return "\n", false
				}
				continue
			}
			if line = full; changed {
				sh.stderr(line)
			}
		}
		sh.eof = eof && line == ""
		if strings.TrimSpace(line) != "" {
			sh.history.add(sh, strings.TrimRight(line, "\n"))
		}
		return line, eof
	}
}

// editLine reads a line with the editor where there is one, else as the
// terminal's line discipline gives it.
func (sh *Shell) editLine(prompt string) (string, bool) {
	if ed := sh.editor(); ed != nil {
		line, err := ed.ReadLine(prompt)
		if err == errInterrupt {
			sh.ctl, sh.status = ctlAbort, 130
			return "", false
		}
		return line, err != nil
	}
	sh.stderr(prompt)
	return sh.readLine(0)
}

// prompt makes PS1 or PS2, after what a shell does before the former.
func (sh *Shell) prompt(more bool) string {
	if more {
		return sh.promptString(sh.getStr("PS2"))
	}
	sh.tellJobs()
	if sh.bash && sh.shopts["checkwinsize"] {
		if ws, err := sh.t.Winsize(2); err == nil && ws.Row > 0 && ws.Col > 0 {
			_ = sh.setVar("LINES", strconv.Itoa(int(ws.Row)))
			_ = sh.setVar("COLUMNS", strconv.Itoa(int(ws.Col)))
		}
	}
	if v := sh.getVar("PROMPT_COMMAND"); sh.bash && v != nil && v.set {
		status := sh.status
		for _, cmd := range v.values() {
			sh.evalString(cmd, 0)
		}
		sh.status = status
	}
	return sh.promptString(sh.getStr("PS1"))
}

// promptString decodes bash's prompt escapes and expands the result.
func (sh *Shell) promptString(s string) string {
	if sh.bash {
		s = sh.promptEscapes(s)
	}
	if !strings.ContainsAny(s, "$`\\") {
		return s
	}
	w, err := sh.parseWord(s)
	if err != nil {
		return s
	}
	status, ctl := sh.status, sh.ctl
	out, err := sh.document(w)
	sh.status, sh.ctl = status, ctl
	if err != nil {
		return s
	}
	return out
}

func (sh *Shell) promptEscapes(s string) string {
	var sb strings.Builder
	lit := func(t string) { // what is no expansion of its own
		sb.WriteString(strings.NewReplacer(`\`, `\\`, "$", `\$`, "`", "\\`").Replace(t))
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 >= len(s) {
			sb.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case 'a':
			sb.WriteByte(7)
		case 'e':
			sb.WriteByte(0x1b)
		case 'n':
			sb.WriteByte('\n')
		case 'r':
			sb.WriteByte('\r')
		case '[', ']':
		case '\\':
			sb.WriteString(`\\`)
		case '$':
			if sh.t.Credentials().EUID == 0 {
				sb.WriteByte('#')
			} else {
				sb.WriteString(`\$`)
			}
		case 'D':
			if end := strings.IndexByte(s[i:], '}'); strings.HasPrefix(s[i:], "D{") && end > 0 {
				lit(strftime(s[i+2:i+end], sh.now()))
				i += end
			}
		case '0', '1', '2', '3', '4', '5', '6', '7':
			v, n := number(s[i:], 3, 8)
			sb.WriteByte(byte(v))
			i += n - 1
		default:
			t, ok := sh.promptField(c)
			if !ok {
				t = `\` + string(c)
			}
			lit(t)
		}
	}
	return sb.String()
}

func (sh *Shell) promptField(c byte) (string, bool) {
	switch c {
	case 'u':
		return sh.userName(), true
	case 'h':
		h, _, _ := strings.Cut(sh.t.Uname().Nodename, ".")
		return h, true
	case 'H':
		return sh.t.Uname().Nodename, true
	case 'w', 'W':
		dir := sh.getStr("PWD")
		home := sh.getStr("HOME")
		if home != "" && home != "/" && (dir == home || strings.HasPrefix(dir, home+"/")) {
			dir = "~" + dir[len(home):]
		}
		if c == 'W' && dir != "/" && dir != "~" {
			dir = dir[strings.LastIndexByte(dir, '/')+1:]
		}
		return dir, true
	case 's':
		name := strings.TrimPrefix(sh.arg0, "-")
		return name[strings.LastIndexByte(name, '/')+1:], true
	case 'v':
		return "5.2", true
	case 'V':
		return "5.2.15", true
	case 'j':
		return strconv.Itoa(len(sh.jc.jobs)), true
	case '!', '#':
		return strconv.Itoa(len(sh.history.lines) + 1), true
	case 't':
		return strftime("%H:%M:%S", sh.now()), true
	case 'T':
		return strftime("%I:%M:%S", sh.now()), true
	case '@':
		return strftime("%I:%M %p", sh.now()), true
	case 'A':
		return strftime("%H:%M", sh.now()), true
	case 'd':
		return strftime("%a %b %d", sh.now()), true
	case 'l':
		return "tty", true
	}
	return "", false
}

// coproc starts a command with pipes on both sides.
func (sh *Shell) coproc(c *syntax.CoprocClause) {
	name := "COPROC"
	if c.Name != nil {
		s, err := sh.literal(c.Name)
		if err != nil {
			sh.expandError(err)
			return
		}
		name = s
	}
	inR, inW, err := sh.t.Pipe(linux.O_CLOEXEC)
	if err != nil {
		sh.forkError(err)
		return
	}
	outR, outW, err := sh.t.Pipe(linux.O_CLOEXEC)
	if err != nil {
		_ = sh.t.Close(inR)
		_ = sh.t.Close(inW)
		sh.forkError(err)
		return
	}
	pid, err := sh.startChild(func(child *Shell) {
		child.jc.active = false
		_ = child.t.Close(inW)
		_ = child.t.Close(outR)
		child.move(inR, 0)
		child.move(outW, 1)
		child.stmtsTail([]*syntax.Stmt{c.Stmt})
	}, 0, false)
	_ = sh.t.Close(inR)
	_ = sh.t.Close(outW)
	if err != nil {
		sh.forkError(err)
		return
	}
	high := func(fd int) string {
		if n, err := sh.t.DupFrom(fd, 60, true); err == nil {
			_ = sh.t.Close(fd)
			fd = n
		}
		return strconv.Itoa(fd)
	}
	_ = sh.setArray(name, []string{high(outR), high(inW)})
	_ = sh.setVar(name+"_PID", strconv.Itoa(pid))
	sh.coprocs = append(sh.coprocs, name)
	sh.lastBg = pid
	sh.addJob([]int{pid}, printNode(c))
	sh.status = 0
}
