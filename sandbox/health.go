package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/registry"
)

// HealthStatus is what the probes of a container say of it.
type HealthStatus string

// The states of health, in docker's words.
const (
	HealthStarting  HealthStatus = "starting"
	HealthHealthy   HealthStatus = "healthy"
	HealthUnhealthy HealthStatus = "unhealthy"
)

// Health is what is known of a container that is probed.
type Health struct {
	Status        HealthStatus `json:"status"`
	FailingStreak int          `json:"failingStreak"`
	Log           []Probe      `json:"log,omitempty"` // the last maxProbes, the oldest first
}

// Probe is one run of the health check.
type Probe struct {
	Start    time.Time `json:"start"`
	End      time.Time `json:"end"`
	ExitCode int       `json:"exitCode"` // 0: healthy; -1: it did not start or took too long
	Output   string    `json:"output"`   // of both streams, the first maxProbeOutput bytes
}

const (
	maxProbes      = 5
	maxProbeOutput = 4096
	maxProbeSweeps = 16 // what forks faster than it is killed stays
)

// docker's defaults for what a health check leaves open.
const (
	defaultProbeInterval = 30 * time.Second
	defaultProbeTimeout  = 30 * time.Second
	defaultStartInterval = 5 * time.Second
	defaultProbeRetries  = 3
	minProbeTime         = time.Millisecond
)

// checkHealth validates what the user asks of the health check.
func checkHealth(h *registry.Healthcheck) error {
	if h == nil {
		return nil
	}
	for _, d := range []struct {
		name string
		time time.Duration
	}{{"interval", h.Interval}, {"timeout", h.Timeout}, {"start period", h.StartPeriod}, {"start interval", h.StartInterval}} {
		if d.time != 0 && d.time < minProbeTime {
			return fail(ErrInvalid, "the %s of the health check cannot be less than 1ms", d.name)
		}
	}
	if h.Retries < 0 {
		return fail(ErrInvalid, "the retries of the health check cannot be negative")
	}
	return nil
}

// mergeHealth is the health check of a container: the user's wishes over the
// image's. Without anything to run it is nil.
func mergeHealth(image, user *registry.Healthcheck) *registry.Healthcheck {
	h := registry.Healthcheck{}
	if user != nil {
		h = *user
	}
	if image != nil {
		if len(h.Test) == 0 {
			h.Test = image.Test
		}
		h.Interval, h.Timeout = cmp.Or(h.Interval, image.Interval), cmp.Or(h.Timeout, image.Timeout)
		h.StartPeriod, h.StartInterval = cmp.Or(h.StartPeriod, image.StartPeriod), cmp.Or(h.StartInterval, image.StartInterval)
		h.Retries = cmp.Or(h.Retries, image.Retries)
	}
	if len(h.Test) == 0 {
		return nil
	}
	return &h
}

// probeCommand is the program of a health check; nil when there is none to run.
func probeCommand(h *registry.Healthcheck, shell []string) []string {
	if h == nil || len(h.Test) < 2 {
		return nil
	}
	switch h.Test[0] {
	case "CMD":
		return h.Test[1:]
	case "CMD-SHELL":
		if len(shell) == 0 {
			shell = []string{"/bin/sh", "-c"}
		}
		return append(slices.Clone(shell), h.Test[1])
	}
	return nil
}

// monitor probes a running container until end is called. A nil monitor is
// none.
type monitor struct {
	r       *Run
	check   registry.Healthcheck // with every default filled in
	command []string
	cancel  context.CancelFunc
	over    sync.WaitGroup
}

// startMonitor begins to probe, if the container has a health check. The state
// must hold the first Health already (firstHealth).
func startMonitor(r *Run) *monitor {
	command := probeCommand(r.rec.Process.Health, r.rec.Process.Shell)
	if command == nil {
		return nil
	}
	m := &monitor{r: r, check: *r.rec.Process.Health, command: command}
	m.check.Interval = cmp.Or(m.check.Interval, defaultProbeInterval)
	m.check.Timeout = cmp.Or(m.check.Timeout, defaultProbeTimeout)
	m.check.StartInterval = cmp.Or(m.check.StartInterval, defaultStartInterval)
	m.check.Retries = cmp.Or(m.check.Retries, defaultProbeRetries)
	var ctx context.Context
	ctx, m.cancel = context.WithCancel(context.Background())
	began := r.state.StartedAt
	m.over.Go(func() { m.loop(ctx, began) })
	return m
}

// firstHealth is the health of a container that starts; nil when it is not probed.
func firstHealth(p Process) *Health {
	if probeCommand(p.Health, p.Shell) == nil {
		return nil
	}
	return &Health{Status: HealthStarting}
}

// end waits for a probe under way, which is killed. As with docker, a container
// that is probed no more is not healthy. No caller holds stateMu.
func (m *monitor) end() {
	if m == nil {
		return
	}
	m.cancel()
	m.over.Wait()
	m.r.stateMu.Lock()
	defer m.r.stateMu.Unlock()
	m.r.state.Health.over()
}

// over is the health of a container that has ended; nil stays it.
func (h *Health) over() {
	if h != nil {
		h.Status = HealthUnhealthy
	}
}

func (m *monitor) loop(ctx context.Context, began time.Time) {
	h := Health{Status: HealthStarting}
	for {
		wait := m.check.Interval
		if h.Status == HealthStarting && time.Since(began) < m.check.StartPeriod {
			wait = m.check.StartInterval
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		p, err := m.probe(ctx)
		if ctx.Err() != nil || errors.Is(err, errEnding) {
			return
		}
		h.take(p, m.check.Retries, p.Start.Sub(began) < m.check.StartPeriod)
		m.tell(h)
	}
}

// take notes a probe. In the start period a failure does not count, unless the
// container has been healthy.
func (h *Health) take(p Probe, retries int, starting bool) {
	h.Log = append(slices.Clone(h.Log), p)
	h.Log = h.Log[max(len(h.Log)-maxProbes, 0):]
	switch {
	case p.ExitCode == 0:
		h.FailingStreak, h.Status = 0, HealthHealthy
	case h.Status == HealthStarting && starting:
	default:
		if h.FailingStreak++; h.FailingStreak >= retries {
			h.Status = HealthUnhealthy
		}
	}
}

// tell writes the health to the state on the disk; a disk that is full is tried
// again with the next probe.
func (m *monitor) tell(h Health) {
	m.r.stateMu.Lock()
	defer m.r.stateMu.Unlock()
	m.r.state.Health = &h
	_ = writeJSON(m.r.e.disk.file(m.r.rec.ID, stateName), m.r.state)
}

// probe runs the health check once. The error is that of a program that did not
// start; errEnding when the container is ending.
func (m *monitor) probe(ctx context.Context) (Probe, error) {
	cfg := ExecConfig{Cmd: m.command, Detach: true}
	x, out := newExecution(cfg), &head{max: maxProbeOutput}
	x.io.host.Stdout, x.io.host.Stderr = out, out
	p := Probe{Start: time.Now().UTC(), ExitCode: -1}
	if err := x.start(m.r, cfg); err != nil {
		p.Output, p.End = err.Error(), time.Now().UTC()
		return p, err
	}
	bounded, cancel := context.WithTimeout(ctx, m.check.Timeout)
	defer cancel()
	status, err := x.proc.Wait(bounded)
	if err == nil {
		p.ExitCode, p.Output = status.ShellCode(), out.text()
	} else {
		m.kill(x)
		_, _ = x.proc.Wait(ctx) // when the container ends, it ends this too
		p.Output = fmt.Sprintf("Health check exceeded timeout (%v)", m.check.Timeout)
		if text := out.text(); text != "" {
			p.Output += ": " + text
		}
	}
	p.End = time.Now().UTC()
	return p, nil
}

// kill ends a probe with all that it has started and that stayed in its session,
// or they would become more with every probe.
func (m *monitor) kill(x *execution) {
	for range maxProbeSweeps {
		left := false
		for _, p := range m.r.kernel.Processes() {
			if p.SID == x.proc.PID() && p.State != 'Z' {
				left = true
				_ = m.r.kernel.Signal(p.PID, linux.SIGKILL)
			}
		}
		if !left {
			return
		}
	}
}

// head keeps the first bytes that are written to it.
type head struct {
	mu  sync.Mutex
	max int
	b   []byte
}

func (h *head) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.b = append(h.b, p[:min(len(p), h.max-len(h.b))]...)
	return len(p), nil
}

func (h *head) text() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return string(h.b)
}
