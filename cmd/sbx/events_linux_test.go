package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// dockerEvents are the events that docker's manual lists, but for oom (see TestEventOfOOM) and what sbx has no act for: volumes have no plugins, networks no swarm
// ("remove"). docker's cp is not "copy" in its events, but archive-path and extract-to-dir.
const dockerEvents = `container attach
container commit
container archive-path
container extract-to-dir
container create
container destroy
container detach
container die
container exec_create
container exec_detach
container exec_die
container exec_start
container export
container health_status
container kill
container pause
container prune
container rename
container resize
container restart
container start
container stop
container top
container unpause
container update
image delete
image import
image load
image prune
image pull
image push
image save
image tag
image untag
network connect
network create
network destroy
network disconnect
network prune
volume create
volume destroy
volume mount
volume prune
volume unmount
builder prune`

// TestEventsOfActs does everything that docker has an event for, by a user at a terminal and by commands, and looks for each.
func TestEventsOfActs(t *testing.T) {
	c := buildCommand(t)
	defer endAll(t, c.home)
	m := newTmux(t, append(c.env, "PATH="+filepath.Dir(c.path)+":"+os.Getenv("PATH")))
	events := func(args ...string) []string {
		t.Helper()
		out, err := c.run(append([]string{"events", "--since", "1h", "--until", "0s"}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSpace(out), "\n")
	}
	// Who leaves does not wait for the event: what is done next could be told first.
	left := func(action string, times int) {
		t.Helper()
		for end := time.Now().Add(patience); time.Now().Before(end); {
			if all := events("-f", "event="+action, "--format", "{{.Action}}"); len(all) >= times && all[0] != "" {
				return
			}
		}
		t.Errorf("no event %s", action)
	}
	m.session(80, 24)
	m.line("sbx run -it --name box -v vol:/v base sh")
	m.shows("\n#\n")
	m.do("resize-window", "-t", m.pane, "-x", "91", "-y", "31")
	m.line("while [ \"$(stty size)\" != '31 91' ]; do sleep 0.01; done; echo grown")
	m.shows("\ngrown\n")
	m.keys("C-p", "C-q")
	m.shows("host$\n")
	left("detach", 1)
	m.line("clear; sbx exec -it box sh -c 'echo in; exec cat'")
	m.shows("in\n")
	m.keys("C-p", "C-q")
	m.shows("host$\n")
	left("exec_detach", 1)
	m.line("clear; sbx attach box")
	m.keys("Enter")
	m.shows("\n#\n")
	m.keys("C-p", "C-q")
	m.shows("host$\n")
	left("detach", 2)

	// What a session at a terminal is, in docker's order.
	const session = "create attach start resize resize detach exec_create exec_start exec_detach attach resize resize detach"
	var acts []string
	for _, action := range events("-f", "type=container", "--format", "{{.Action}}") {
		action, _, _ = strings.Cut(action, ":")
		acts = append(acts, action)
	}
	got := strings.Join(acts, " ")
	if got != session {
		t.Errorf("the session: %q, want %q", got, session)
	}
	sizes := events("-f", "event=resize", "--format", "{{.Actor.Attributes.height}}x{{.Actor.Attributes.width}}")
	if want := []string{"24x80", "31x91", "32x92", "31x91"}; !slices.Equal(sizes, want) {
		t.Errorf("sizes %q, want %q", sizes, want)
	}

	file := filepath.Join(c.dir, "file")
	if err := os.WriteFile(file, []byte("FROM base\nRUN echo 1 >/one\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	host := ""
	for _, v := range c.env {
		if url, ok := strings.CutPrefix(v, "SBX_REGISTRY_MIRROR=http://"); ok {
			host = url
		}
	}
	for _, line := range []string{
		"cp " + file + " box:/tmp", "cp box:/tmp/file " + c.dir + "/back", "top box", "pause box", "unpause box", "update --memory 1g box", "rename box new",
		"export -o root.tar new", "commit new made:1", "restart -t 0 new", "kill new", "stop new", "rm new",
		"run --name sick -d --health-cmd true --health-interval 10ms base sh -c 'sleep 1000'",
		"save -o made.tar made:1", "load -i made.tar", "tag made:1 made:2", "rmi made:2", "import root.tar flat:1", "rmi flat:1",
		"pull mid", "tag mid " + host + "/mine", "push " + host + "/mine", "build -q -t built:1 -f " + file + " " + c.dir + "/home/events", "rmi built:1",
		"network create net", "network connect net sick", "network disconnect net sick", "network rm net",
		"volume create other", "volume rm other", "stop -t 0 sick",
		"container prune -f", "network prune -f", "image prune -f", "volume prune -f", "builder prune -f",
	} {
		args := strings.Fields(line)
		if head, script, ok := strings.Cut(line, " 'sleep"); ok {
			args = append(strings.Fields(head), strings.Trim("sleep"+script, "'"))
		}
		if _, err := c.run(args...); err != nil && args[0] != "stop" {
			t.Error(err)
		}
		if args[0] == "run" {
			for range 1000 {
				if strings.Contains(strings.Join(events("-f", "type=container"), "\n"), "health_status: healthy") {
					break
				}
			}
		}
	}
	all := events("--format", "{{.Type}} {{.Action}}")
	for i, ev := range all {
		all[i], _, _ = strings.Cut(ev, ":")
	}
	for _, want := range strings.Split(dockerEvents, "\n") {
		if !slices.Contains(all, want) {
			t.Errorf("no event %q", want)
		}
	}
	known := regexp.MustCompile(`(?m)^(` + strings.ReplaceAll(dockerEvents, "\n", "|") + `)$`)
	for _, ev := range all {
		if !known.MatchString(ev) {
			t.Errorf("an event %q that docker does not have", ev)
		}
	}
}
