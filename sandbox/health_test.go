package sandbox

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/registry"
)

func TestMergeHealth(t *testing.T) {
	image := &registry.Healthcheck{Test: []string{"CMD", "probe"}, Interval: time.Second, Retries: 7}
	for _, c := range []struct{ image, user, want *registry.Healthcheck }{
		{nil, nil, nil},
		{image, nil, image},
		{nil, &registry.Healthcheck{Interval: time.Hour}, nil},
		{image, &registry.Healthcheck{Test: []string{"NONE"}}, &registry.Healthcheck{Test: []string{"NONE"}, Interval: time.Second, Retries: 7}},
		{image, &registry.Healthcheck{Interval: time.Minute, Timeout: 3}, &registry.Healthcheck{Test: []string{"CMD", "probe"}, Interval: time.Minute, Timeout: 3, Retries: 7}},
		{nil, &registry.Healthcheck{Test: []string{"CMD-SHELL", "x"}}, &registry.Healthcheck{Test: []string{"CMD-SHELL", "x"}}},
	} {
		if got := mergeHealth(c.image, c.user); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%+v over %+v: %+v", c.user, c.image, got)
		}
	}
	for _, c := range []struct{ test, shell, want []string }{
		{[]string{"CMD", "a", "b"}, nil, []string{"a", "b"}},
		{[]string{"CMD-SHELL", "a b"}, nil, []string{"/bin/sh", "-c", "a b"}},
		{[]string{"CMD-SHELL", "a b"}, []string{"bash", "-ec"}, []string{"bash", "-ec", "a b"}},
		{[]string{"NONE"}, nil, nil}, {[]string{"CMD"}, nil, nil}, {[]string{"WHAT", "x"}, nil, nil},
	} {
		if got := probeCommand(&registry.Healthcheck{Test: c.test}, c.shell); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v", c.test, got)
		}
	}
}

// TestHealthTake: who fails in the start period is starting, until it was healthy once.
func TestHealthTake(t *testing.T) {
	h := Health{Status: HealthStarting}
	for i, c := range []struct {
		code     int
		starting bool
		want     HealthStatus
		streak   int
	}{
		{1, true, HealthStarting, 0}, {1, true, HealthStarting, 0}, {1, false, HealthStarting, 1}, {0, false, HealthHealthy, 0},
		{1, true, HealthHealthy, 1}, {-1, true, HealthUnhealthy, 2}, {1, false, HealthUnhealthy, 3}, {0, false, HealthHealthy, 0},
	} {
		h.take(Probe{ExitCode: c.code, Output: string(rune('0' + i))}, 2, c.starting)
		if h.Status != c.want || h.FailingStreak != c.streak {
			t.Errorf("probe %d: %+v", i, h)
		}
	}
	if len(h.Log) != maxProbes || h.Log[0].Output != "3" {
		t.Errorf("log %+v", h.Log)
	}
}

// awaitHealth waits for a container to be found so.
func awaitHealth(t *testing.T, e *Engine, ref string, ok func(*Health) bool) *Health {
	t.Helper()
	for range 2000 {
		if c, err := e.Inspect(ref); err != nil {
			t.Fatal(err)
		} else if h := c.State.Health; h != nil && ok(h) {
			return h
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("never")
	return nil
}

// TestHealthProbes: probes see the container, are bounded in time and output, and end with it.
func TestHealthProbes(t *testing.T) {
	e, ctx := openEngine(t, t.TempDir()), context.Background()
	run := func(name, script, probe string, h registry.Healthcheck) *Run {
		t.Helper()
		h.Test = []string{"CMD-SHELL", probe}
		r, err := e.Run(ctx, Config{Name: name, Image: "base", Cmd: []string{"sh", "-c", script}, Health: &h}, CreateOptions{}, IO{})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const forever = "while :; do sleep 1; done"
	often := registry.Healthcheck{Interval: 10 * time.Millisecond, Retries: 1}
	// The first waits for the program's file, the second finds it gone, and the third stays: the log has two.
	r := run("seen", "echo yes >/new; mv /new /ok; "+forever, `[ -e /two ] && sleep 1000; [ -e /one ] && : >/two; : >/one
		until [ -e /ok ] || [ -e /two ]; do sleep 0.01; done; cat /ok && echo no >&2; rm /ok`, often)
	h := awaitHealth(t, e, "seen", func(h *Health) bool { return len(h.Log) >= 2 })
	if h.Log[0].ExitCode != 0 || h.Log[0].Output != "yes\nno\n" || h.Log[1].ExitCode == 0 {
		t.Errorf("%+v", h)
	}
	awaitHealth(t, e, "seen", func(h *Health) bool { return h.Status == HealthUnhealthy })
	r.Kill()
	if _, err := r.Wait(ctx); err != nil {
		t.Error(err)
	}
	if c, _ := e.Inspect("seen"); c.State.Health == nil || c.State.Health.Status != HealthUnhealthy || c.State.Describe(time.Now(), time.Duration.String)[:4] != "Exit" {
		t.Errorf("%+v", c.State)
	}

	often.Timeout = 30 * time.Millisecond
	r = run("slow", forever, "echo begun; "+forever, often)
	h = awaitHealth(t, e, "slow", func(h *Health) bool { return h.Status == HealthUnhealthy })
	if p := h.Log[0]; p.ExitCode != -1 || p.Output != "Health check exceeded timeout (30ms): begun\n" && p.Output != "Health check exceeded timeout (30ms)" {
		t.Errorf("%+v", p)
	}
	r.Kill()
	_, _ = r.Wait(ctx)

	r = run("forks", forever, "sleep 1000 & sleep 1000", often)
	awaitHealth(t, e, "forks", func(h *Health) bool { return len(h.Log) == maxProbes })
	sleepers := 0
	for range 1000 { // those that are being killed go, those that stay would become more
		list, err := e.Top(ctx, "forks")
		if err != nil {
			t.Fatal(err)
		}
		sleepers = 0
		for _, p := range list {
			if strings.Contains(p.Command, "1000") {
				sleepers++
			}
		}
		if sleepers <= 4 { // of a probe under way, and of one that is being killed
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if sleepers > 4 {
		t.Errorf("%d processes of probes", sleepers)
	}
	r.Kill()
	_, _ = r.Wait(ctx)

	often.Timeout = 0
	r = run("loud", forever, "i=0; while [ $i -lt 1000 ]; do echo 0123456789; i=$((i+1)); done", often)
	h = awaitHealth(t, e, "loud", func(h *Health) bool { return h.Status == HealthHealthy })
	if p := h.Log[0]; len(p.Output) != maxProbeOutput || !strings.HasPrefix(p.Output, "0123456789\n") {
		t.Errorf("%d bytes", len(p.Output))
	}
	r.Kill()
	_, _ = r.Wait(ctx)

	r = run("ends", "sleep 0.1", forever, often) // a probe is under way at the end
	if code, err := r.Wait(ctx); code != 0 || err != nil {
		t.Errorf("%d %v", code, err)
	}
}
