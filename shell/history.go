package shell

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sbxrun/sbx/abi/linux"
)

const maxHistory = 10_000

// history is the list of lines that were typed.
type history struct {
	lines []string
	base  int // number of the line before the first
	fresh int // lines of this session, for the file
}

func (h *history) fork() history {
	c := *h
	c.lines = slices.Clone(h.lines)
	return c
}

func (h *history) add(sh *Shell, line string) {
	control := sh.getStr("HISTCONTROL")
	if strings.Contains(control, "ignoreboth") || strings.Contains(control, "ignorespace") {
		if strings.HasPrefix(line, " ") {
			return
		}
	}
	if strings.Contains(control, "ignoreboth") || strings.Contains(control, "ignoredups") {
		if n := len(h.lines); n > 0 && h.lines[n-1] == line {
			return
		}
	}
	h.lines = append(h.lines, line)
	h.fresh++
	limit := maxHistory
	if n, err := strconv.Atoi(sh.getStr("HISTSIZE")); err == nil && n >= 0 {
		limit = min(n, maxHistory)
	}
	if over := len(h.lines) - limit; over > 0 {
		h.lines = slices.Clone(h.lines[over:])
		h.base += over
	}
}

func (h *history) load(sh *Shell) {
	name := sh.getStr("HISTFILE")
	if name == "" {
		return
	}
	fd, err := sh.t.Open(linux.AT_FDCWD, name, linux.O_RDONLY|linux.O_CLOEXEC|linux.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer sh.t.Close(fd)
	text, err := sh.readAll(fd, 4<<20)
	if err != nil {
		return
	}
	for _, l := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if l != "" && l[0] != '#' {
			h.lines = append(h.lines, l)
		}
	}
	if over := len(h.lines) - maxHistory; over > 0 {
		h.lines = h.lines[over:]
	}
	h.fresh = 0
}

// save appends what this session added to the history file.
func (h *history) save(sh *Shell) {
	name := sh.getStr("HISTFILE")
	fresh := min(h.fresh, len(h.lines))
	if name == "" || fresh == 0 {
		return
	}
	flags := linux.O_WRONLY | linux.O_CREAT | linux.O_APPEND | linux.O_CLOEXEC
	fd, err := sh.t.Open(linux.AT_FDCWD, name, flags, 0o600)
	if err != nil {
		return
	}
	defer sh.t.Close(fd)
	_ = sh.writeAll(fd, strings.Join(h.lines[len(h.lines)-fresh:], "\n")+"\n")
	h.fresh = 0
}
