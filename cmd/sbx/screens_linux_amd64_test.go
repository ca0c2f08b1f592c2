package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/internal/testimage"
)

// screenPackages are Debian's programs that draw on a whole screen.
const screenPackages = "vim less procps tmux screen htop nano"

// nativeShell makes of a chroot a machine with processes, a name and pseudo-terminals of its own, as a container is one,
// and runs bash there on one of these. Process 1 is sh: script would take the end of any process that it is told of for its own's.
const nativeShell = `#!/bin/sh
exec unshare -m -p -i -u -n --fork sh -ec '
mount --make-rprivate /
mount -t proc proc "$0/proc"
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts "$0/dev/pts"
mount -t tmpfs tmpfs "$0/dev/shm"
hostname box
cd /
env -i TERM=xterm HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot "$0" script -qefc bash /dev/null
exit $?
' '%s'
`

// twins are two terminals: bash in a container on one, bash in a chroot of the same tree on the other. What is typed goes to both.
type twins struct {
	*tmux
	names [2]string // of the panes: the container's, the chroot's
	dir   string
}

// before and after are where the settings of a terminal of the host are written.
func (w *twins) before() string { return filepath.Join(w.dir, w.pane+".before") }
func (w *twins) after() string  { return filepath.Join(w.dir, w.pane+".after") }

// newTwins installs the programs with apt in a container, and opens a terminal in it and one in a chroot of what it has then.
func newTwins(t *testing.T, columns, rows int) *twins {
	if os.Getenv(longVariable) == "" {
		t.Skipf("installs programs: %s asks for it", longVariable)
	}
	r := newRealImages(t)
	mirror := testimage.Mirror(t)
	r.must(t, "pull", "-q", "debian:12")
	r.must(t, "run", "--name", "made", "debian:12", "bash", "-ec", aptScript(mirror, screenPackages))
	r.must(t, "commit", "made", "screens")
	tree := r.layOut(t, "screens")
	native := filepath.Join(r.dir, "native")
	if err := os.WriteFile(native, []byte(fmt.Sprintf(nativeShell, tree.root)), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		endAll(t, filepath.Join(r.dir, "home"))
		(&command{t: t, path: r.command}).awaitSupervisors()
	})
	w := &twins{tmux: newTmux(t, r.env), dir: r.dir}
	for i, line := range []string{r.command + " run -it --rm -h box --name box --network none screens bash", native} {
		w.names[i] = []string{"sbx", "native"}[i]
		w.do("new-session", "-d", "-x", fmt.Sprint(columns), "-y", fmt.Sprint(rows), "-s", w.names[i], "sh")
		w.pane = w.names[i]
		w.line("PS1='host$ '; clear; stty -a >" + w.before() + "; " + line)
	}
	w.prompt()
	w.enters("stty -iutf8") // of which script and sbx think as they like
	return w
}

func (w *twins) each(do func()) {
	for _, w.pane = range w.names {
		do()
	}
}

// type types text, press keys by tmux's names of them.
func (w *twins) types(text string)    { w.each(func() { w.keys("-l", text) }) }
func (w *twins) enters(text string)   { w.each(func() { w.line(text) }) }
func (w *twins) press(keys ...string) { w.each(func() { w.keys(keys...) }) }

// resize changes the size of both, and waits until the terminals have it: tmux takes its time.
func (w *twins) resize(cols, rows int) {
	w.each(func() {
		w.do("resize-window", "-t", w.pane, "-x", fmt.Sprint(cols), "-y", fmt.Sprint(rows))
	})
	w.each(func() {
		w.t.Helper()
		tty := strings.TrimSpace(w.do("display-message", "-p", "-t", w.pane, "#{pane_tty}"))
		want, got := fmt.Sprintf("%d %d\n", rows, cols), ""
		for end := time.Now().Add(patience); got != want; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				w.t.Fatalf("the size is %q, want %q", got, want)
			}
			out, err := exec.Command("stty", "-F", tty, "size").Output()
			if err != nil {
				w.t.Fatal(err)
			}
			got = string(out)
		}
	})
	time.Sleep(200 * time.Millisecond) // for who is told of it to draw
}

// screen is what a terminal shows, where its cursor is, and what modes it is in.
func (w *twins) screen(name string) string {
	return numbers.ReplaceAllString(w.do("capture-pane", "-p", "-t", name, ";",
		"display-message", "-p", "-t", name, "cursor #{cursor_x},#{cursor_y} #{cursor_flag} alternate #{alternate_on} keypad #{keypad_flag} #{keypad_cursor_flag} mouse #{mouse_any_flag} region #{scroll_region_upper},#{scroll_region_lower}"), "from N.")
}

// numbers are those of processes, which are not the same in both.
var numbers = regexp.MustCompile(`from [0-9]+\.`)

// lacks waits until the screen has no such text.
func (w *twins) lacks(text string) {
	w.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if !strings.Contains(w.screen(w.pane), text) {
			return
		}
	}
	w.t.Fatalf("%q stays on the screen", text)
}

// same waits until both terminals show the same, with that text in it.
func (w *twins) same(text string) {
	w.t.Helper()
	w.both(strconv.Quote(text), func(screen string) bool { return strings.Contains(screen, text) })
}

// both waits until both terminals show the same for a while, of which is true what ok says: keys that are still on their way
// would meet another size, or another program.
func (w *twins) both(what string, ok func(screen string) bool) {
	w.t.Helper()
	var got, want, last string
	still := 0
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		got, want = w.screen("sbx"), w.screen("native")
		if got != want || got != last || !ok(got) {
			last, still = got, 0
		} else if still++; still > 5 {
			return
		}
	}
	w.t.Fatalf("no %s on both screens\nsbx:\n%s\nchroot:\n%s", what, got, want)
}

// prompt waits until bash asks for a line, below all that is on both screens: what is typed before may go to who ends.
func (w *twins) prompt() {
	w.t.Helper()
	w.both("a prompt", func(screen string) bool {
		text, state, _ := strings.Cut(screen, "\ncursor ")
		return strings.HasSuffix(strings.TrimRight(text, "\n"), "#") && strings.Contains(state, "alternate 0")
	})
}

// TestScreens has vim, less, top, tmux, screen, nano and htop draw on a container's terminal what they draw in a chroot, while it is resized,
// they are stopped and continued, and left in all their ways.
func TestScreens(t *testing.T) {
	w := newTwins(t, 80, 24)
	for _, scene := range []struct {
		name string
		play func(w *twins)
	}{{"vim", vimScene}, {"less", lessScene}, {"top", topScene}, {"tmux", tmuxScene}, {"screen", screenScene}, {"nano", nanoScene}, {"htop", htopScene}} {
		if !t.Run(scene.name, func(t *testing.T) {
			w.t = t
			w.resize(80, 24)
			w.enters("clear; cd /tmp")
			w.same("root@box:/tmp#")
			scene.play(w)
		}) {
			return // who knows what is on the screen now
		}
	}
	w.t = t
	w.resize(80, 24)
	w.enters("clear; exit 3")
	w.each(func() { w.shows("host$") })
	w.each(func() {
		w.line("s=$?; clear; echo status $s; stty -a >" + w.after() + "; cmp " + w.before() + " " + w.after() + " && echo restored")
	})
	w.each(func() { w.shows("status 3\nrestored\n") })
}

func vimScene(w *twins) {
	w.enters("vim poem")
	w.same("[New]")
	w.types("ione")
	w.press("Enter")
	w.types("two")
	w.press("Enter", "Tab")
	w.types("three")
	w.press("BSpace", "Up", "Home", "Escape")
	w.types("yyp")
	w.enters(":set number list hlsearch")
	w.types("/t")
	w.press("Enter")
	w.same("thre")
	w.types(":split")
	w.press("Enter")
	w.types("Gdd:w")
	w.press("Enter")
	w.same("written")
	w.resize(61, 17)
	w.same("two")
	w.resize(100, 31)
	w.same("two")
	w.types(":vsplit /etc/passwd")
	w.press("Enter")
	w.same("root:x:0:0")
	w.press("C-f", "C-w", "w")
	w.same("/etc/passwd ")
	w.press("C-z")
	w.same("Stopped")
	w.enters("clear; jobs; stty size")
	w.same("31 100")
	w.enters("fg")
	w.same("/etc/passwd ")
	w.press("C-z")
	w.same("Stopped")
	w.resize(80, 24)
	w.enters("clear; stty size; wc poem")
	w.same("24 80")
	w.enters("fg")
	w.same("/etc/passwd ")
	w.enters(":!wc /etc/passwd")
	w.same("Press ENTER")
	w.press("Enter")
	w.same("/etc/passwd ")
	w.types(":r !seq 3")
	w.press("Enter")
	w.same("more lines")
	w.types(":terminal")
	w.press("Enter")
	w.same("[running]")
	w.enters("stty size; tty")
	w.same("/dev/pts/1")
	w.enters("exit")
	w.same("/etc/passwd ")
	w.types(":wq")
	w.press("Enter")
	w.types(":qa!")
	w.press("Enter")
	w.prompt()
	w.enters("clear; cat -A poem; stty -a")
	w.same("speed")
}

func nanoScene(w *twins) {
	w.enters("clear; rm -f page; nano page")
	w.same("[ New File ]")
	w.types("one")
	w.press("Enter")
	w.types("two three")
	w.press("Left", "Left", "Left", "Left", "Left", "C-k", "C-u", "C-u", "Tab")
	w.same("three")
	w.resize(50, 14)
	w.same("three")
	w.press("C-g")
	w.same("Main nano help text")
	w.press("C-x")
	w.same("three")
	w.resize(80, 24)
	w.press("C-w")
	w.enters("two")
	w.same("three")
	w.press("C-o")
	w.same("File Name to Write: page")
	w.press("Enter")
	w.same("Wrote")
	w.press("C-x")
	w.prompt()
	w.enters("clear; cat -A page; stty -a")
	w.same("speed")
}

// htopScene compares shapes: two machines have other figures.
func htopScene(w *twins) {
	w.enters("clear; htop")
	shape := func() {
		w.t.Helper()
		w.each(func() {
			for _, text := range []string{"Mem[", "Tasks:", "Load average:", "Uptime:", "PID USER", "Command", "htop", "F1Help", "F10Quit"} {
				w.shows(text)
			}
		})
	}
	shape()
	w.press("F3")
	w.types("bas")
	w.each(func() { w.shows("Search: bas") })
	w.press("Escape", "F5")
	w.each(func() { w.shows("F5List") }) // a tree
	w.press("F5", "F1")
	w.each(func() { w.shows("htop 3.2.2") })
	w.press("q")
	shape()
	w.resize(100, 20)
	shape()
	w.press("F10")
	w.each(func() { w.shows("root@box:/tmp#\n") })
	w.enters("clear; stty -a")
	w.same("speed")
}

func lessScene(w *twins) {
	w.enters("clear; less /usr/share/common-licenses/GPL-3")
	w.same("GNU GENERAL PUBLIC LICENSE")
	w.press("Space", "Space", "b", "Down", "Down", "C-d")
	w.same(":")
	w.types("/freedom")
	w.press("Enter")
	w.types("nnN")
	w.same("freedom")
	w.resize(50, 12)
	w.same("freedom")
	w.resize(120, 33)
	w.same("freedom")
	w.types("G")
	w.same("(END)")
	w.types("?Affero")
	w.press("Enter")
	w.same("Affero")
	w.types("g")
	w.same("Version 3, 29 June 2007") // a ^Z takes what was typed and not read yet along
	w.press("C-z")
	w.same("Stopped")
	w.enters("clear; fg")
	w.same("GNU GENERAL PUBLIC LICENSE")
	w.types("h")
	w.same("SUMMARY OF LESS COMMANDS")
	w.types("q")
	w.same("GNU GENERAL PUBLIC LICENSE")
	w.types("q")
	w.prompt()
	w.enters("clear; (seq 1000; sleep 1; echo last; sleep 1000) | less +F")
	w.same("last")
	w.press("C-c")
	w.each(func() { w.lacks("Waiting for data") }) // of the two, sleep may die before less looks or after it
	w.types("100g")
	w.same("100")
	w.types("q")
	w.prompt()
	w.enters("clear; stty -a")
	w.same("speed")
}

func topScene(w *twins) {
	w.enters("clear; top")
	w.each(func() { w.shows("PID USER"); w.shows(" top\n"); w.shows("Tasks: ") })
	w.types("h")
	w.same("Help for Interactive Commands")
	w.press("q")
	w.types("f")
	w.same("Fields Management")
	w.press("Down", "Down", "Space")
	w.same("Fields Management")
	w.press("Escape")
	w.each(func() { w.shows(" top\n") })
	w.resize(100, 15)
	w.each(func() { w.shows(" top\n") })
	w.types("o")
	w.each(func() { w.shows("add filter") })
	w.enters("COMMAND=top")
	w.each(func() { w.lacks(" bash\n"); w.shows(" top\n") })
	w.types("q")
	w.each(func() { w.shows("root@box:") })
	w.enters("clear; stty -a")
	w.same("speed")
}

func tmuxScene(w *twins) {
	w.enters("clear; tmux -f /dev/null new-session -s one 'tmux set -g status-right right; tmux set -g assume-paste-time 0; exec bash'")
	w.same("[one]")
	w.enters("tty; stty size; echo $TERM")
	w.same("tmux-256color\nroot")
	w.press("C-b", "c")
	w.same("root@box:/tmp#\n\n")
	w.press("C-b", "%")
	w.same("root@box:/tmp#                          xroot@box:/tmp#\n")
	w.enters("stty size; seq 40")
	w.same("40")
	w.press("C-b", "\"")
	w.same("xroot@box:/tmp#\n" + strings.Repeat(" ", 40) + "x\n")
	w.enters("sleep 1000")
	w.same("1:sleep*")
	w.resize(71, 19)
	w.same("1:sleep*")
	w.press("C-c")
	w.same("x^C\n")
	w.press("C-b", "d")
	w.each(func() { w.shows("[detached (from session one)]\nroot@box:/tmp#\n") })
	w.enters("clear; tmux ls -F '#{session_name} #{session_windows}'; stty -a")
	w.same("one 2")
	w.resize(80, 24)
	w.enters("clear; tmux attach")
	w.same("1:bash*")
	w.press("C-b", "0")
	w.same("0:bash*")
	w.press("C-z")
	w.enters("clear; vim /etc/passwd")
	w.same("root:x:0:0")
	w.types(":q")
	w.press("Enter")
	w.same("root@box:/tmp#\n\n")
	w.enters("clear; echo here")
	w.same("here")
	w.press("C-b", ":")
	w.same("\n:\n")
	w.types("kill-server")
	w.same(":kill-server")
	w.press("Enter")
	w.each(func() { w.shows("[server exited]\nroot@box:/tmp#\n") }) // above it a resized terminal may have what was cleared
	w.enters("clear; stty -a")
	w.same("speed")
}

func screenScene(w *twins) {
	w.enters("clear; screen bash")
	w.same("root@box:/tmp#\n")
	w.enters("tty; stty size; echo $TERM")
	w.same("screen\nroot@box")
	w.press("C-a", "c")
	w.same("#\n\n")
	w.enters("tty; stty size")
	w.same("24 80")
	w.press("C-a", "S", "C-a", "Tab", "C-a", "c")
	w.same("   1 sh\n#\n")
	w.enters("stty size")
	w.same("11 80")
	w.resize(90, 28)
	w.same("stty size")
	w.press("C-a", "d")
	w.same("detached")
	w.prompt()
	w.enters("clear; screen -ls | wc -l; stty -a")
	w.same("speed")
	w.enters("clear; screen -r")
	w.same("stty size")
	w.press("C-a", "\\")
	w.same("Really quit")
	w.types("y")
	w.same("terminating")
	w.prompt()
	w.enters("clear; stty -a")
	w.same("speed")
}
