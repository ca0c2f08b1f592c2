package shell

import (
	"errors"
	"io"
	"sort"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/shell/edit"
)

const maxCandidates = 4096

// terminal is descriptor 0 and 2 as the line editor sees them.
type terminal struct{ sh *Shell }

// Read implements edit.Terminal.
func (t terminal) Read(p []byte) (int, error) {
	for {
		n, err := t.sh.t.Read(0, p)
		switch {
		case err == nil && n == 0:
			return 0, io.EOF
		case err == nil:
			return n, nil
		}
		if e, _ := asErrno(err); e != linux.EINTR || t.sh.dead() {
			return 0, err
		}
		t.sh.takeSignals()
		if t.sh.ctl == ctlAbort {
			return 0, edit.ErrInterrupt
		}
		t.sh.poll()
	}
}

// Write implements edit.Terminal.
func (t terminal) Write(p []byte) (int, error) {
	if err := t.sh.writeAll(2, string(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Raw implements edit.Terminal.
func (t terminal) Raw() (restore func() error, err error) {
	old, err := t.sh.t.Tcgetattr(0)
	if err != nil {
		return nil, err
	}
	raw := old
	raw.Iflag &^= linux.ICRNL | linux.INLCR | linux.IXON | linux.ISTRIP
	raw.Lflag &^= linux.ECHO | linux.ICANON | linux.ISIG | linux.IEXTEN
	raw.Cc[linux.VMIN], raw.Cc[linux.VTIME] = 1, 0
	if err := t.sh.t.Tcsetattr(0, linux.TCSADRAIN, raw); err != nil {
		return nil, err
	}
	return func() error { return t.sh.t.Tcsetattr(0, linux.TCSADRAIN, old) }, nil
}

// Columns implements edit.Terminal.
func (t terminal) Columns() int {
	ws, err := t.sh.t.Winsize(2)
	if err != nil {
		return 0
	}
	return int(ws.Col)
}

// Len implements edit.History.
func (h *history) Len() int { return len(h.lines) }

// At implements edit.History.
func (h *history) At(i int) string { return h.lines[i] }

// editor gives the line editor of a terminal that has one, made on first use.
func (sh *Shell) editor() lineEditor {
	if sh.ed == nil && sh.fromStdin && sh.getStr("TERM") != "dumb" && sh.t.Isatty(0) && sh.t.Isatty(2) {
		sh.ed = editLines{edit.New(terminal{sh}, edit.Options{History: &sh.history, Complete: sh.complete, MaxLine: 64 << 10})}
	}
	return sh.ed
}

// editLines gives the editor's lines and errors as the shell wants them.
type editLines struct{ ed *edit.Editor }

// ReadLine implements lineEditor.
func (e editLines) ReadLine(prompt string) (string, error) {
	line, err := e.ed.ReadLine(prompt)
	if errors.Is(err, edit.ErrInterrupt) {
		return "", errInterrupt
	}
	if err == nil {
		line += "\n"
	}
	return line, err
}

// complete finds what the word before pos may become: a variable, a command in
// the place of one, else a file.
func (sh *Shell) complete(line string, pos int) edit.Completion {
	head := line[:pos]
	start := strings.LastIndexAny(head, " \t|&;()<>=`\"'") + 1
	word := head[start:]
	before := strings.TrimRight(head[:start], " \t")
	c := edit.Completion{Start: start}
	switch {
	case strings.HasPrefix(word, "$"):
		for _, n := range sh.names() {
			if strings.HasPrefix(n, word[1:]) {
				c.Candidates = append(c.Candidates, "$"+n)
			}
		}
	case (before == "" || strings.ContainsAny(before[len(before)-1:], "|&;(`")) && !strings.Contains(word, "/"):
		c.Candidates = sh.completeCommand(word)
	default:
		c.Candidates = sh.completeFile(word)
		c.NoSpace = len(c.Candidates) == 1 && strings.HasSuffix(c.Candidates[0], "/")
	}
	return c
}

func (sh *Shell) completeCommand(word string) []string {
	found := map[string]bool{}
	note := func(name string) {
		if strings.HasPrefix(name, word) && len(found) < maxCandidates {
			found[name] = true
		}
	}
	for name := range builtins {
		if _, ok := sh.builtin(name); ok {
			note(name)
		}
	}
	for name := range sh.funcs {
		note(name)
	}
	for name := range sh.aliases {
		note(name)
	}
	g := globber{sh: sh}
	for _, dir := range strings.Split(sh.getStr("PATH"), ":") {
		for _, e := range g.list(dir) {
			if strings.HasPrefix(e.Name, word) && sh.executable(strings.TrimSuffix(dir, "/")+"/"+e.Name) {
				note(e.Name)
			}
		}
	}
	return sortedKeys(found)
}

func (sh *Shell) completeFile(word string) []string {
	dir, base := "", word
	if i := strings.LastIndexByte(word, '/'); i >= 0 {
		dir, base = word[:i+1], word[i+1:]
	}
	real := dir
	if strings.HasPrefix(real, "~/") {
		real = sh.getStr("HOME") + real[1:]
	}
	g := globber{sh: sh}
	var out []string
	for _, e := range g.list(real) {
		if !strings.HasPrefix(e.Name, base) || e.Name == "." || e.Name == ".." || base == "" && e.Name[0] == '.' {
			continue
		}
		name := dir + quoteName(e.Name)
		if g.isDir(real + e.Name) {
			name += "/"
		}
		if out = append(out, name); len(out) >= maxCandidates {
			break
		}
	}
	sort.Strings(out)
	return out
}

// quoteName escapes what would end the word.
func quoteName(s string) string {
	if needsANSI(s) {
		return s
	}
	return quoteBackslash(s)
}
