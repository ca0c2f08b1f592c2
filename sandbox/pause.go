package sandbox

import (
	"context"
	"errors"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// haltTime is how long a pause waits for programs to halt. Those that are in none
// of our system calls halt at the next.
const haltTime = time.Second

// Pause freezes every program of a running container. None of them notices, but
// by the time that has passed.
func (e *Engine) Pause(ctx context.Context, ref string) error { return e.callPause(ctx, ref, "pause") }

// Unpause lets a paused container go on.
func (e *Engine) Unpause(ctx context.Context, ref string) error {
	return e.callPause(ctx, ref, "unpause")
}

func (e *Engine) callPause(ctx context.Context, ref, op string) error {
	a, err := e.callRunning(ctx, ref, op, nil)
	if err != nil {
		return err
	}
	return a.Close()
}

func opPause(r *Run, c *call) error {
	if err := r.pause(c.ctl.ctx); err != nil {
		return err
	}
	return c.accept(nil)
}

func opUnpause(r *Run, c *call) error {
	if err := r.unpause(); err != nil {
		return err
	}
	return c.accept(nil)
}

func (r *Run) pause(ctx context.Context) error {
	r.stateMu.Lock()
	defer r.stateMu.Unlock()
	k := r.reach.Load()
	switch {
	case k == nil:
		return notRunning(r.rec.Name)
	case r.state.Paused:
		return fail(ErrConflict, "container %s is already paused", r.rec.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, haltTime)
	defer cancel()
	_ = k.Freeze(ctx) // what has not halted yet will
	r.state.Paused = true
	if err := writeJSON(r.e.disk.file(r.rec.ID, stateName), r.state); err != nil {
		r.state.Paused = false
		k.Thaw()
		return err
	}
	r.emit("pause")
	return nil
}

func (r *Run) unpause() error {
	r.stateMu.Lock()
	defer r.stateMu.Unlock()
	k := r.reach.Load()
	if k == nil || !r.state.Paused {
		return fail(ErrConflict, "container %s is not paused", r.rec.Name)
	}
	r.state.Paused = false
	k.Thaw()
	r.emit("unpause")
	return writeJSON(r.e.disk.file(r.rec.ID, stateName), r.state)
}

func (r *Run) paused() bool {
	r.stateMu.Lock()
	defer r.stateMu.Unlock()
	return r.state.Paused
}

// deliver sends the first program a signal that a user asked for. As with docker, a
// paused container goes on when the signal is meant to end it.
func (r *Run) deliver(sig linux.Signal) error {
	if err := r.Signal(sig); err != nil {
		return err
	}
	r.emit("kill", "signal", signalText(sig))
	own, ok := linux.ParseSignal(r.rec.Process.StopSignal)
	if !ok || own == 0 || sig == own || sig == linux.SIGKILL {
		if r.paused() {
			_ = r.unpause()
		}
	}
	return nil
}

// openStill is openView of a container that is paused while its files are copied,
// unless it is already, does not run, or may move on.
func (e *Engine) openStill(ctx context.Context, ref string, moving bool) (*view, error) {
	if !moving {
		c, err := e.Inspect(ref)
		if err != nil {
			return nil, err
		}
		if c.State.Shown() == StatusRunning {
			switch err := e.Pause(ctx, c.ID); {
			case err == nil:
				defer func() { _ = e.Unpause(context.WithoutCancel(ctx), c.ID) }()
			case !errors.Is(err, ErrConflict): // it ended, or somebody paused it
				return nil, err
			}
		}
	}
	return e.openView(ctx, ref, false)
}
