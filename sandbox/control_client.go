package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
)

// answer is an accepted call: what follows the line, to be closed.
type answer struct {
	*bufio.Reader
	conn   net.Conn
	result json.RawMessage
	called side
	stop   func() bool
}

// Close ends the call.
func (a *answer) Close() error {
	a.stop()
	return a.conn.Close()
}

// errUnreachable: the state says that a container runs, and nobody answers.
var errUnreachable = errors.New("the sbx that runs it cannot be reached")

// callControl asks the sbx that runs a container, which may be this one. When
// ctx ends, so does the connection.
func (e *Engine) callControl(ctx context.Context, id string, st State, op string, args any) (*answer, error) {
	conn, err := e.dialControl(ctx, id, st)
	if err != nil {
		return nil, err
	}
	return ask(ctx, conn, op, args)
}

func (e *Engine) dialControl(ctx context.Context, id string, st State) (net.Conn, error) {
	e.mu.Lock()
	r := e.running[id]
	e.mu.Unlock()
	if r != nil {
		if ctl := r.ctl.Load(); ctl != nil {
			mine, its := net.Pipe()
			ctl.take(its)
			return mine, nil
		}
		return nil, errUnreachable
	}
	if st.Control == "" {
		return nil, errUnreachable
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", st.Control)
	if err != nil && ctx.Err() == nil {
		err = errUnreachable
	}
	return conn, err
}

// ask sends a call's line and reads the answer's.
func ask(ctx context.Context, conn net.Conn, op string, args any) (*answer, error) {
	a := &answer{Reader: bufio.NewReaderSize(conn, maxFrame+frameHead), conn: conn}
	a.stop = context.AfterFunc(ctx, func() { _ = conn.Close() })
	var resp response
	line, err := requestLine(op, args)
	if err == nil {
		if _, err = conn.Write(line); err != nil {
			err = errUnreachable
		} else {
			resp, err = readResponse(a.Reader)
			if differ := sameVersion(op, ours(), resp.side); differ != nil && err != errUnreachable {
				err = differ
			}
		}
	}
	if err != nil {
		_ = a.Close()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, err
	}
	a.result, a.called = resp.Result, resp.side
	return a, nil
}

func requestLine(op string, args any) ([]byte, error) {
	req := request{side: ours(), Op: op}
	if args != nil {
		b, err := json.Marshal(args)
		if err != nil {
			return nil, err
		}
		req.Args = b
	}
	b, err := json.Marshal(req)
	return append(b, '\n'), err
}

// readResponse reads the answer's line; a refusal is its error.
func readResponse(in *bufio.Reader) (resp response, err error) {
	line, err := readLine(in)
	if err != nil {
		return resp, errUnreachable
	}
	if err = json.Unmarshal(line, &resp); err != nil {
		return resp, errUnreachable // this is no sbx
	}
	if resp.Error != "" {
		err = errorOf(resp.Kind, resp.Error)
	}
	return resp, err
}

// callRunning finds a container, which must be running, and calls it.
func (e *Engine) callRunning(ctx context.Context, ref, op string, args any) (*answer, error) {
	id, err := e.disk.find(ref)
	if err != nil {
		return nil, err
	}
	st := e.disk.state(id, false)
	switch st.Status {
	case StatusRunning:
	case StatusRestarting:
		return nil, restarting(ref)
	default:
		return nil, notRunning(ref)
	}
	a, err := e.callControl(ctx, id, st, op, args)
	if !errors.Is(err, errUnreachable) {
		return a, err
	}
	if !e.awaitEnd(ctx, id) {
		return nil, fail(ErrConflict, "container %s: %v", ref, err)
	}
	return nil, notRunning(ref)
}

// awaitEnd waits for a container that takes no more calls, because it is ending,
// to be saved. It gives up after a while.
func (e *Engine) awaitEnd(ctx context.Context, id string) bool {
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	for e.disk.state(id, false).Status == StatusRunning {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(lockPoll):
		}
	}
	return true
}

func notRunning(ref string) error {
	return fail(ErrConflict, "container %s is not running", ref)
}

// Signal sends a signal to the first program of a running container, whichever
// sbx runs it. One that is to be restarted is not any more, if the signal asks a
// container to end.
func (e *Engine) Signal(ctx context.Context, ref string, sig linux.Signal) error {
	for {
		a, err := e.callRunning(ctx, ref, "signal", signalArgs{sig})
		if err == nil {
			return a.Close()
		}
		c, ierr := e.Inspect(ref)
		if ierr != nil || !c.State.Active() || !c.Config.Restart.Restarts() || !asksToEnd(sig, c.Process) || !errors.Is(err, ErrConflict) {
			return err
		}
		if c.State.Status == StatusRestarting { // else it runs again
			if done, err := e.cancelRestart(ctx, c.ID); done || err != nil {
				return err
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// killRunning kills a container and waits until it is saved.
func (e *Engine) killRunning(ctx context.Context, id string) error {
	st := e.disk.state(id, false)
	if st.Status != StatusRunning {
		return nil
	}
	a, err := e.callControl(ctx, id, st, "signal", signalArgs{linux.SIGKILL})
	if err == nil {
		err = a.Close()
	}
	if err != nil && !errors.Is(err, errUnreachable) && !errors.Is(err, errEnding) {
		return fail(ErrConflict, "container %s cannot be killed: %v", ShortID(id), err)
	}
	if !e.awaitEnd(ctx, id) {
		return fail(ErrConflict, "container %s does not end", ShortID(id))
	}
	return nil
}
