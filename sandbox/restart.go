package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// RestartMode says after which ends a container is started again.
type RestartMode string

// The modes of docker. There is no daemon that could tell RestartAlways from
// RestartUnlessStopped: nothing starts by itself after the host did.
const (
	RestartNo            RestartMode = "no"
	RestartOnFailure     RestartMode = "on-failure"
	RestartAlways        RestartMode = "always"
	RestartUnlessStopped RestartMode = "unless-stopped"
)

// RestartPolicy is what happens when a container's first program has ended by
// itself. The zero value is RestartNo.
type RestartPolicy struct {
	Mode RestartMode `json:"mode,omitempty"`
	Max  int         `json:"max,omitempty"` // of RestartOnFailure: how often; 0: no limit
}

// ParseRestart reads docker's --restart: MODE or on-failure:N.
func ParseRestart(s string) (RestartPolicy, error) {
	mode, max, counted := strings.Cut(s, ":")
	p := RestartPolicy{Mode: RestartMode(mode)}
	if counted {
		n, err := strconv.ParseUint(max, 10, 31)
		if err != nil {
			return p, fail(ErrInvalid, "invalid restart policy %q: the number of restarts must be a whole one", s)
		}
		p.Max = int(n)
	}
	if counted && p.Mode != RestartOnFailure {
		return p, fail(ErrInvalid, "invalid restart policy %q: only on-failure takes a number of restarts", s)
	}
	return p, p.check()
}

func (p RestartPolicy) check() error {
	switch p.Mode {
	case "", RestartNo, RestartOnFailure, RestartAlways, RestartUnlessStopped:
	default:
		return fail(ErrInvalid, "invalid restart policy %q: use no, on-failure[:N], always or unless-stopped", string(p.Mode))
	}
	if p.Max < 0 || p.Max > 0 && p.Mode != RestartOnFailure {
		return fail(ErrInvalid, "only the restart policy on-failure takes a number of restarts")
	}
	return nil
}

// Restarts reports whether there are ends after which the container is started again.
func (p RestartPolicy) Restarts() bool { return p.Mode != "" && p.Mode != RestartNo }

// again decides after an end; before is how often it was restarted.
func (p RestartPolicy) again(code, before int) bool {
	switch p.Mode {
	case RestartAlways, RestartUnlessStopped:
		return true
	case RestartOnFailure:
		return code != 0 && (p.Max == 0 || before < p.Max)
	}
	return false
}

// How long a restart is waited for: restartFirst, twice as long each time up to
// restartMost, and from the beginning after a run of restartReset.
const (
	restartFirst = 100 * time.Millisecond
	restartMost  = time.Minute
	restartReset = 10 * time.Second

	restartPoll = 50 * time.Millisecond // how soon it is seen that nobody wants it any more
)

func restartDelay(last, up time.Duration) time.Duration {
	if last == 0 || up >= restartReset {
		return restartFirst
	}
	return min(2*last, restartMost)
}

// told notes a signal from outside.
func (r *Run) told(sig linux.Signal) {
	if asksToEnd(sig, r.rec.Process) {
		r.unwanted.Store(true)
	}
}

// asksToEnd reports whether a signal from outside asks a container to end: then
// its policy does not start it again, as docker does it.
func asksToEnd(sig linux.Signal, p Process) bool {
	switch sig {
	case linux.SIGKILL, linux.SIGTERM, linux.SIGINT, linux.SIGQUIT, p.stopSignal():
		return true
	}
	return false
}

// claimRestart decides at the end of a run whether it is followed by another:
// then this process waits for that, which others see by a lock. The container's
// own lock is held.
func (r *Run) claimRestart() bool {
	if !r.apart || r.err != nil || r.unwanted.Load() {
		return false
	}
	policy := r.rec.Config.Restart
	if now, err := r.e.disk.record(r.rec.ID); err == nil {
		policy = now.Config.Restart // Update may have changed it
	}
	if !policy.again(r.code, r.restarts) {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	var err error
	r.again, err = waitLock(ctx, r.e.disk.file(r.rec.ID, againName))
	return err == nil
}

// keepRunning starts a container again for as long as its policy wants, after
// the run that has ended, and returns how the last one did. While it waits, the
// container is like one that has ended: its lock is free. Whoever ends the wait
// writes so to the state.
func (e *Engine) keepRunning(ctx context.Context, r *Run) (int, error) {
	delay := time.Duration(0)
	for r.state.Status == StatusRestarting {
		delay = restartDelay(delay, r.state.FinishedAt.Sub(r.state.StartedAt))
		lock := e.awaitTurn(ctx, r.rec.ID, r.state.FinishedAt.Add(delay))
		if lock == nil {
			r.again.unlock()
			break
		}
		next := &Run{patience: attachStall, apart: true, restarts: r.state.Restarts}
		next.unhook = e.reportCrash(r.rec.ID)
		_, err := e.startLocked(context.Background(), r.rec.ID, lock, IO{}, next)
		r.again.unlock()
		if err != nil {
			next.unhook()
			return ExitCode(err), err
		}
		r = next
		r.attend(ctx)
	}
	return r.code, r.err
}

// attend waits for the end of a run that is stopped when ctx ends.
func (r *Run) attend(ctx context.Context) {
	defer context.AfterFunc(ctx, func() {
		sig, wait := r.stopDefaults()
		_ = r.Stop(sig, wait)
	})()
	<-r.done
	r.unhook()
}

// awaitTurn waits until a container is to be started again and returns its lock,
// or nil when nobody wants that any more.
func (e *Engine) awaitTurn(ctx context.Context, id string, at time.Time) *fileLock {
	for {
		wait := min(time.Until(at), restartPoll)
		if wait <= 0 {
			lock, err := tryLock(e.disk.file(id, lockName))
			switch {
			case err == nil && e.awaitsUs(id):
				return lock
			case !errors.Is(err, errLocked):
				lock.unlock()
				return nil
			}
			wait = lockPoll // somebody works on it
		}
		select {
		case <-ctx.Done():
			_, _ = e.cancelRestart(context.Background(), id)
			return nil
		case <-time.After(wait):
		}
		if !e.awaitsUs(id) {
			return nil
		}
	}
}

// awaitsUs reports whether a container is still to be started again by this process.
func (e *Engine) awaitsUs(id string) bool {
	st, err := e.disk.stored(id)
	return err == nil && st.Status == StatusRestarting && st.HostPID == os.Getpid()
}

// cancelRestart ends the wait of a container that is to be started again, and
// reports whether it did: it may run meanwhile, or be gone.
func (e *Engine) cancelRestart(ctx context.Context, id string) (bool, error) {
	for {
		st := e.disk.state(id, false)
		if st.Status != StatusRestarting {
			return false, nil
		}
		lock, err := tryLock(e.disk.file(id, lockName))
		if err == nil {
			st = e.disk.state(id, true)
			waits := st.Status == StatusRestarting
			if waits {
				st.Status, st.HostPID = StatusExited, 0
				err = writeJSON(e.disk.file(id, stateName), st)
			}
			lock.unlock()
			return waits, err
		}
		if !errors.Is(err, errLocked) {
			return false, fmt.Errorf("stop container %s: %w", ShortID(id), reasonOf(err))
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-time.After(lockPoll):
		}
	}
}

// orphaned corrects the state of a container that is to be started again when
// the process that would is no more. held says that the caller has the lock.
func (d disk) orphaned(id string, st State, held bool) State {
	again, err := tryLock(d.file(id, againName))
	if err != nil {
		return st
	}
	defer again.unlock()
	if !held {
		lock, err := tryLock(d.file(id, lockName))
		if err != nil {
			return st // somebody works on it, and the next to look sees what came of it
		}
		defer lock.unlock()
		if st, err = d.stored(id); err != nil || st.Status != StatusRestarting {
			return d.state(id, true)
		}
	}
	st.Status, st.HostPID = StatusExited, 0
	st.Error = "the sbx that was to start it again was killed"
	_ = writeJSON(d.file(id, stateName), st)
	return st
}

func restarting(ref string) error {
	return fail(ErrConflict, "container %s is restarting: wait until it runs, or stop it", ref)
}
