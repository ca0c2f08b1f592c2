package sandbox

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// defaultStopTimeout is how long Stop waits before SIGKILL.
const defaultStopTimeout = 10 * time.Second

// StopOptions says how Stop ends a container.
type StopOptions struct {
	Signal  linux.Signal // 0: that of the container or its image, else SIGTERM
	Timeout *int         // seconds before SIGKILL, -1: never; nil: the container's, else 10
}

// stopDefaults are the signal and the time that the container asks for.
func (r *Run) stopDefaults() (linux.Signal, time.Duration) {
	wait := defaultStopTimeout
	if t := r.rec.Config.StopTimeout; t != nil {
		wait = time.Duration(*t) * time.Second
	}
	return r.rec.Process.stopSignal(), wait
}

func (p Process) stopSignal() linux.Signal {
	if sig, ok := linux.ParseSignal(p.StopSignal); ok && sig != 0 {
		return sig
	}
	return linux.SIGTERM
}

// Stop sends the first program a signal, and SIGKILL when it has not ended
// after wait (negative: never). It does not wait itself.
func (r *Run) Stop(sig linux.Signal, wait time.Duration) error {
	return r.stopBy(r.Signal, sig, wait)
}

func (r *Run) stopBy(send func(linux.Signal) error, sig linux.Signal, wait time.Duration) error {
	if err := send(sig); err != nil || wait < 0 {
		return err
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), wait)
		defer cancel()
		if _, err := r.proc.Load().Wait(ctx); err != nil {
			r.Kill()
		}
	}()
	return nil
}

// Stop ends a container and waits until it is saved; one that does not run is
// fine. It is not restarted.
func (e *Engine) Stop(ctx context.Context, ref string, o StopOptions) error {
	c, err := e.Inspect(ref)
	if err != nil {
		return err
	}
	_, err = e.waitWith(ctx, c.ID, "stop", stopArgs{Signal: o.Signal, Timeout: o.Timeout})
	if errors.Is(err, ErrNotFound) && c.Config.AutoRemove {
		err = nil // it removed itself as it ended
	}
	if err == nil && c.State.Status == StatusRunning {
		e.emitContainer(c.Record, "stop")
	}
	return err
}

// Wait waits until a container has ended and is saved, and returns its exit
// code: the last one when it does not run. One that is to be restarted runs once
// more before that, or is stopped.
func (e *Engine) Wait(ctx context.Context, ref string) (int, error) {
	return e.waitWith(ctx, ref, "wait", nil)
}

// waitWith makes a call whose session tells of the end.
func (e *Engine) waitWith(ctx context.Context, ref, op string, args any) (int, error) {
	id, err := e.disk.find(ref)
	if err != nil {
		return 0, err
	}
	for seen := -1; ; {
		st := e.disk.state(id, false)
		if st.Status == StatusRestarting && op == "stop" {
			if _, err := e.cancelRestart(ctx, id); err != nil {
				return 0, err
			}
			continue
		}
		if !st.Active() || st.Status == StatusRestarting && seen >= 0 && st.Restarts > seen {
			return st.ExitCode, nil // also a run that was over before it was seen
		}
		seen = st.Restarts
		a, err := e.callControl(ctx, id, st, op, args)
		if err == nil && a.called.Version != streamVersion {
			_, _ = io.Copy(io.Discard, a) // until it has ended
			_ = a.Close()
		} else if err == nil {
			code, serr := (&Session{a: a}).Serve(IO{})
			if !errors.Is(serr, ErrLost) {
				return code, nil // what could not be saved is told by the state
			}
		} else if !errors.Is(err, errUnreachable) {
			return 0, err
		}
		pause := lockPoll // it is ending, or was killed, or has no socket
		if st.Status == StatusRestarting {
			pause = restartPoll
		}
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}
