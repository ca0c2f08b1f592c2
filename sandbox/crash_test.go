package sandbox

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// crashHome is set for the process that TestKilledAtAnyTime kills.
const crashHome = "SBX_CRASH_TEST_HOME"

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == superviseWord {
		superviseChild(os.Args[2])
	}
	if home := os.Getenv(crashHome); home != "" {
		crashChild(home)
	}
	os.Exit(m.Run())
}

// counting adds one to a number in the container and to one in its volume, a
// few times, each in one step.
const counting = `for i in 1 2 3 4 5; do
	for d in / /vol/; do
		n=0; [ -e ${d}count ] && read n <${d}count
		echo $((n+1)) >${d}new; mv ${d}new ${d}count
	done
done`

// crashChild runs a container over and over, flushing all the time, and tells
// of each run that has ended.
func crashChild(home string) {
	flushEvery = time.Millisecond
	ctx := context.Background()
	die := func(err error) {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	e, err := Open(home)
	if err != nil {
		die(err)
	}
	cfg := Config{Name: "victim", Image: "base", Cmd: []string{"sh", "-c", counting}, Mounts: []Mount{{Type: MountVolume, Target: "/vol"}}}
	for i := 0; ; i++ {
		var r *Run
		if _, err = e.Inspect("victim"); errors.Is(err, ErrNotFound) {
			r, err = e.Run(ctx, cfg, CreateOptions{}, IO{})
		} else if err == nil {
			r, err = e.Start(ctx, "victim", IO{})
		}
		if err != nil {
			die(err)
		}
		code, err := r.Wait(ctx)
		if code != 0 || err != nil {
			die(fmt.Errorf("exit %d: %v", code, err))
		}
		fmt.Println("ended")
		if i%4 == 3 {
			fmt.Println("removing")
			if err := e.Remove(ctx, "victim", RemoveOptions{Volumes: true}); err != nil {
				die(err)
			}
		}
	}
}

// TestKilledAtAnyTime kills an sbx at random moments of making, running,
// flushing, saving and removing a container. What is found afterwards is
// always whole: the state is true, the container starts, nothing that was saved
// at the end of a run is lost, and nothing half made stays.
func TestKilledAtAnyTime(t *testing.T) {
	rounds := 50
	if os.Getenv("SBX_TEST_LONG") != "" {
		rounds = 200
	} else if testing.Short() {
		rounds = 5
	}
	home, ctx := t.TempDir(), context.Background()
	e := openEngine(t, home)
	if _, err := e.Image(ctx, "base"); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	least, killed, running := 0, 0, 0
	for round := range rounds {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), crashHome+"="+home)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(rand.IntN(150))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		for lines := bufio.NewScanner(out); lines.Scan(); {
			switch text := lines.Text(); {
			case text == "ended":
				least += 5
			case text == "removing":
				least = 0
			default:
				t.Fatalf("round %d: %s", round, text)
			}
		}
		timer.Stop()
		_ = cmd.Wait()
		list, err := e.List(ListOptions{All: true})
		if err != nil || len(list) > 1 {
			t.Fatalf("round %d: %d containers, %v", round, len(list), err)
		}
		for _, c := range list {
			switch {
			case c.State.Status == StatusCreated:
			case c.State.Status == StatusExited && c.State.ExitCode == 137:
				running++
			case c.State.Status == StatusExited && c.State.ExitCode == 0:
			default:
				t.Fatalf("round %d: %+v", round, c.State)
			}
			inContainer, inVolume := savedCount(t, e, "/count"), savedCount(t, e, "/vol/count")
			if min(inContainer, inVolume) < least {
				t.Fatalf("round %d: counted to %d and %d, but %d was saved", round, inContainer, inVolume, least)
			}
			least = min(inContainer, inVolume)
		}
		if len(list) == 0 {
			least = 0
		}
		killed++
	}
	t.Logf("%d kills, %d of them while the container ran", killed, running)
	_, _, err = sh(ctx, e, Config{AutoRemove: true}, ":") // sweeps
	if rerr := e.Remove(ctx, "victim", RemoveOptions{Volumes: true}); !errors.Is(rerr, ErrNotFound) {
		err = errors.Join(err, rerr)
	}
	if _, _, perr := e.PruneVolumes(t.Context(), true, nil); err != nil || perr != nil {
		t.Error(err, perr)
	}
	left, err := filepath.Glob(filepath.Join(home, "containers", "*"))
	more, _ := filepath.Glob(filepath.Join(home, "volumes", "*"))
	left = slices.DeleteFunc(append(left, more...), func(p string) bool { return slices.Contains([]string{allLock, namesDir}, filepath.Base(p)) })
	if err != nil || len(left) != 0 {
		t.Errorf("left: %v %v", left, err)
	}
}

// savedCount reads a number that a container keeps; 0 when it has none yet.
func savedCount(t *testing.T, e *Engine, path string) int {
	t.Helper()
	var b bytes.Buffer
	err := e.CopyFromTar(context.Background(), "victim", path, &b, CopyOptions{})
	if errors.Is(err, ErrNotFound) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	tr := tar.NewReader(&b)
	if _, err := tr.Next(); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(tr)
	n, aerr := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || aerr != nil {
		t.Fatalf("%s holds %q", path, text)
	}
	return n
}

// TestFlushWhileRunning: what a container and its volume changed is on disk
// while it runs, and is not written again without a change.
func TestFlushWhileRunning(t *testing.T) {
	defer func(d time.Duration) { flushEvery = d }(flushEvery)
	flushEvery = time.Millisecond
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	in, feed := io.Pipe()
	r, err := e.Run(ctx, Config{Name: "live", Image: "base", OpenStdin: true, Cmd: []string{"sh", "-c", "echo a >/f; echo b >/vol/f; read x"},
		Mounts: []Mount{{Type: MountVolume, Source: "vol", Target: "/vol"}}}, CreateOptions{}, IO{Stdin: in})
	if err != nil {
		t.Fatal(err)
	}
	files := []string{e.disk.file(r.ID(), upperName), filepath.Join(e.volumeDir("vol"), volumeData)}
	has := func(file, name string) bool {
		f, err := os.Open(file)
		if err != nil {
			return false
		}
		defer f.Close()
		for tr := tar.NewReader(f); ; {
			h, err := tr.Next()
			if err != nil {
				return false
			}
			if h.Name == name && h.Size == 2 {
				return true
			}
		}
	}
	for !has(files[0], "f") || !has(files[1], "f") {
		select {
		case <-r.Done():
			t.Fatal("ended")
		default:
		}
		time.Sleep(time.Millisecond)
	}
	before, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(feed, "\n")
	if _, err := r.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(files[0])
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("written again without a change: %v", err)
	}
	if c, err := e.Inspect("live"); err != nil || c.State.UpperLen == 0 {
		t.Errorf("state: %+v %v", c.State, err)
	}
}
