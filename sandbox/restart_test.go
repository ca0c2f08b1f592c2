package sandbox

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

func TestParseRestart(t *testing.T) {
	for s, want := range map[string]RestartPolicy{
		"": {}, "no": {Mode: RestartNo}, "always": {Mode: RestartAlways}, "unless-stopped": {Mode: RestartUnlessStopped},
		"on-failure": {Mode: RestartOnFailure}, "on-failure:3": {Mode: RestartOnFailure, Max: 3}, "on-failure:0": {Mode: RestartOnFailure},
	} {
		if got, err := ParseRestart(s); got != want || err != nil {
			t.Errorf("%q: %+v %v", s, got, err)
		}
	}
	for _, s := range []string{"sometimes", "always:3", "no:1", "on-failure:", "on-failure:-1", "on-failure:x", "on-failure:99999999999", ":"} {
		if got, err := ParseRestart(s); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %+v %v", s, got, err)
		}
	}
	if err := (&Config{Image: "x", AutoRemove: true, Restart: RestartPolicy{Mode: RestartAlways}}).check(); !errors.Is(err, ErrInvalid) {
		t.Errorf("--rm: %v", err)
	}
}

func TestRestartDelay(t *testing.T) {
	var got []string
	d := time.Duration(0)
	for range 12 {
		d = restartDelay(d, time.Second)
		got = append(got, d.String())
	}
	if s := strings.Join(got, " "); s != "100ms 200ms 400ms 800ms 1.6s 3.2s 6.4s 12.8s 25.6s 51.2s 1m0s 1m0s" {
		t.Error(s)
	}
	if d := restartDelay(d, 10*time.Second); d != 100*time.Millisecond {
		t.Error(d)
	}
	for _, c := range []struct {
		p            RestartPolicy
		code, before int
		want         bool
	}{
		{RestartPolicy{}, 1, 0, false}, {RestartPolicy{Mode: RestartNo}, 1, 0, false}, {RestartPolicy{Mode: RestartAlways}, 0, 99, true},
		{RestartPolicy{Mode: RestartUnlessStopped}, 0, 0, true}, {RestartPolicy{Mode: RestartOnFailure}, 0, 0, false}, {RestartPolicy{Mode: RestartOnFailure}, 1, 99, true},
		{RestartPolicy{Mode: RestartOnFailure, Max: 2}, 1, 1, true}, {RestartPolicy{Mode: RestartOnFailure, Max: 2}, 1, 2, false},
	} {
		if got := c.p.again(c.code, c.before); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// awaitState waits for a container to be found so.
func awaitState(t *testing.T, e *Engine, ref string, ok func(State) bool) State {
	t.Helper()
	for range 4000 {
		if c, err := e.Inspect(ref); err != nil {
			t.Fatal(err)
		} else if ok(c.State) {
			return c.State
		}
		time.Sleep(5 * time.Millisecond)
	}
	c, _ := e.Inspect(ref)
	t.Fatalf("never: %+v", c.State)
	return State{}
}

const counts = "n=0; [ -e /n ] && read n </n; n=$((n+1)); echo $n >/n; echo run $n; "

// TestRestarts: a container is started again as its policy says, with what it
// changed; whoever waits hears of the first end, whoever follows the log of all.
func TestRestarts(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	c, s, err := launch(t, e, Config{Name: "fails", Restart: RestartPolicy{Mode: RestartOnFailure, Max: 2}}, counts+"exit 3", &AttachOptions{Stdout: true})
	if err != nil {
		t.Fatal(err)
	}
	followed := make(chan string)
	go func() { followed <- logText(t, e, "fails", LogOptions{Follow: true, Tail: -1}) }()
	if code, err := s.Serve(IO{}); code != 3 || err != nil {
		t.Errorf("attached: %d %v", code, err)
	}
	st := awaitState(t, e, c.ID, func(st State) bool { return !st.Active() })
	if st.Status != StatusExited || st.ExitCode != 3 || st.Restarts != 2 || st.HostPID != 0 || st.Error != "" {
		t.Errorf("%+v", st)
	}
	if text := <-followed; text != "run 1\nrun 2\nrun 3\n" {
		t.Errorf("followed %q", text)
	}
	// Its count is from a user's start on, and an end without failure is one.
	exe, _ := os.Executable()
	again := LaunchOptions{Command: []string{exe, "sbx", superviseWord}}
	if _, err := e.Launch(ctx, c.ID, again); err != nil {
		t.Fatal(err)
	}
	awaitLog(t, e, "fails", "run 6\n")
	if st := awaitState(t, e, c.ID, func(st State) bool { return !st.Active() }); st.Restarts != 2 {
		t.Errorf("%+v", st)
	}
	if _, _, err := launch(t, e, Config{Name: "works", Restart: RestartPolicy{Mode: RestartOnFailure}}, "exit 0", nil); err != nil {
		t.Fatal(err)
	}
	if st := awaitState(t, e, "works", func(st State) bool { return !st.Active() }); st.Restarts != 0 || st.ExitCode != 0 {
		t.Errorf("%+v", st)
	}
}

// TestRestartEnded: stop, kill and rm end a container that runs or waits, and it
// stays ended.
func TestRestartEnded(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	exe, _ := os.Executable()
	again := LaunchOptions{Command: []string{exe, "sbx", superviseWord}}
	waits := func(st State) bool { return st.Status == StatusRestarting && st.Restarts >= 3 } // some 400 ms
	if _, _, err := launch(t, e, Config{Name: "loops", Restart: RestartPolicy{Mode: RestartAlways}}, "exit 5", nil); err != nil {
		t.Fatal(err)
	}
	for {
		st := awaitState(t, e, "loops", waits)
		refused := map[string]error{
			"start": func() error { _, err := e.Start(ctx, "loops", IO{}); return err }(),
			"exec": func() error {
				_, err := e.Exec(ctx, "loops", ExecConfig{Cmd: []string{"true"}, Detach: true})
				return err
			}(),
			"remove": e.Remove(ctx, "loops", RemoveOptions{}),
		}
		if now := awaitState(t, e, "loops", func(State) bool { return true }); now.Status != StatusRestarting || now.Restarts != st.Restarts {
			continue // it ran meanwhile
		}
		for name, err := range refused {
			if !errors.Is(err, ErrConflict) {
				t.Errorf("%s: %v", name, err)
			}
		}
		break
	}
	for name, end := range map[string]func() error{
		"stop": func() error { return e.Stop(ctx, "loops", StopOptions{}) },
		"kill": func() error { return e.Signal(ctx, "loops", linux.SIGKILL) },
		"stop of one that runs": func() error {
			awaitState(t, e, "loops", func(st State) bool { return st.Status == StatusRestarting })
			timeout := 0
			return e.Stop(ctx, "loops", StopOptions{Timeout: &timeout})
		},
	} {
		awaitState(t, e, "loops", waits)
		if err := end(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for range 20 {
			if c, err := e.Inspect("loops"); err != nil || c.State.Status != StatusExited || c.State.ExitCode != 5 {
				if c.State.ExitCode != 137 && c.State.ExitCode != 143 { // it ran
					t.Fatalf("%s: %+v %v", name, c.State, err)
				}
			}
			time.Sleep(restartPoll / 2)
		}
		if _, err := e.Launch(ctx, "loops", again); err != nil {
			t.Fatal(err)
		}
	}
	awaitState(t, e, "loops", waits)
	waited := make(chan error)
	go func() { _, err := e.Wait(ctx, "loops"); waited <- err }()
	if err := <-waited; err != nil { // hears of the next end
		t.Error(err)
	}
	awaitState(t, e, "loops", func(st State) bool { return st.Status == StatusRestarting })
	if err := e.Remove(ctx, "loops", RemoveOptions{Force: true}); err != nil {
		t.Error(err)
	}
	if _, err := e.Inspect("loops"); !errors.Is(err, ErrNotFound) {
		t.Errorf("removed: %v", err)
	}
	// One that runs, and is told to end by a signal that it handles.
	if _, _, err := launch(t, e, Config{Name: "serves", Restart: RestartPolicy{Mode: RestartAlways}}, `trap "exit 4" TERM; trap ":" HUP; echo up; while :; do sleep 0.01; done`, nil); err != nil {
		t.Fatal(err)
	}
	awaitLog(t, e, "serves", "up\n")
	if err := e.Signal(ctx, "serves", linux.SIGHUP); err != nil {
		t.Error(err)
	}
	if err := e.Stop(ctx, "serves", StopOptions{}); err != nil {
		t.Error(err)
	}
	if c, err := e.Inspect("serves"); err != nil || c.State.Status != StatusExited || c.State.ExitCode != 4 {
		t.Errorf("%+v %v", c.State, err)
	}
}

// TestRestarterKilled: a process that is killed while its container waits is not
// waited for.
func TestRestarterKilled(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	if _, _, err := launch(t, e, Config{Name: "victim", Restart: RestartPolicy{Mode: RestartAlways}}, counts+"exit 5", nil); err != nil {
		t.Fatal(err)
	}
	st := awaitState(t, e, "victim", func(st State) bool { return st.Status == StatusRestarting && st.Restarts >= 3 })
	p, err := os.FindProcess(st.HostPID)
	if err != nil {
		t.Fatal(err)
	}
	_ = p.Kill()
	st = awaitState(t, e, "victim", func(st State) bool { return !st.Active() })
	if st.Status != StatusExited || st.HostPID != 0 || st.Error == "" {
		t.Errorf("%+v", st)
	}
	if code, err := e.Wait(ctx, "victim"); code != st.ExitCode || err != nil {
		t.Errorf("wait: %d %v", code, err)
	}
	r, err := e.Start(ctx, "victim", IO{})
	if err != nil {
		t.Fatal(err)
	}
	if code, err := r.Wait(ctx); code != 5 || err != nil { // not in a process of its own: once
		t.Errorf("%d %v", code, err)
	}
}
