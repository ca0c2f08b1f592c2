package sandbox

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime/debug"
	"sync"
	"time"
)

// LaunchOptions says how a container gets a process of its own.
type LaunchOptions struct {
	// Command is the program that becomes the process: its path, then its
	// arguments from argv[0] on. It has to call Supervise with the container's
	// id, which is appended, on an engine of the home folder in SBX_HOME.
	Command []string
	// Attach joins the caller to the streams of the first program before it
	// runs; nil leaves it alone.
	Attach *AttachOptions
}

// Launch starts a container that was made or has ended in a process of its
// own, which outlives this one, and returns when its first program runs. The
// session is nil without o.Attach.
//
// The process is in a session (process group on Windows) of its own, in the
// root folder, with an environment of a few variables and no streams but the
// pipes through which it answers. Descriptors that this program has inherited
// without close-on-exec are passed on; Go's own never are. When ctx ends before
// Launch returns, the container is killed.
func (e *Engine) Launch(ctx context.Context, ref string, o LaunchOptions) (*Session, error) {
	id, err := e.disk.find(ref)
	if err != nil {
		return nil, err
	}
	if len(o.Command) < 2 {
		return nil, fail(ErrInvalid, "Launch needs a command: a path and argv[0]")
	}
	if e.isClosed() {
		return nil, ErrClosed
	}
	p, cmd, err := e.spawn(id, o.Command)
	if err != nil {
		return nil, fmt.Errorf("start the container's process: %w", reasonOf(err))
	}
	go func() { _ = cmd.Wait() }() // or it would stay a zombie for as long as we run
	a, err := ask(ctx, p, "launch", launchArgs{Attach: o.Attach})
	if errors.Is(err, errUnreachable) {
		err = fmt.Errorf("the process of container %s ended before it ran", ShortID(id))
	}
	if err != nil {
		if ctx.Err() != nil {
			_ = cmd.Process.Kill()
		}
		return nil, err
	}
	if o.Attach == nil {
		return nil, a.Close()
	}
	return &Session{a: a}, nil
}

// spawn starts the process with a pipe each way.
func (e *Engine) spawn(id string, command []string) (*pipes, *exec.Cmd, error) {
	cmd := &exec.Cmd{Path: command[0], Args: append(append([]string{}, command[1:]...), id), Dir: rootDir(), Env: e.supervisorEnv()}
	cmd.SysProcAttr = ownSession()
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		_, _ = inR.Close(), inW.Close()
		return nil, nil, err
	}
	cmd.Stdin, cmd.Stdout = inR, outW
	p := &pipes{in: outR, out: inW}
	err = cmd.Start()
	_, _ = inR.Close(), outW.Close()
	if err != nil {
		_ = p.Close()
		return nil, nil, err
	}
	return p, cmd, nil
}

// passedOn are the variables that a container's process gets, besides
// SBX_HOME: what the host's libraries and Go's runtime cannot do without.
var passedOn = [...]string{
	"TMPDIR", "TEMP", "TMP", "SystemRoot", "SystemDrive", "GODEBUG", "GOGC", "GOMAXPROCS", "GOMEMLIMIT", "GOTRACEBACK", "GOCOVERDIR",
}

func (e *Engine) supervisorEnv() []string {
	env := []string{"SBX_HOME=" + e.home}
	for _, name := range passedOn {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// launchArgs are what a new process is told on its standard input, as a call
// of the control protocol: the first, whose answer is due when the program
// runs, and whose frames follow when the caller attaches.
type launchArgs struct {
	Attach *AttachOptions `json:"attach,omitempty"`
}

// launchTimeout is how long Supervise waits for its call.
const launchTimeout = 10 * time.Second

// Supervise starts the container and answers the Launch on the other end of in
// and out, which it closes; it returns when the container has ended, its
// Config.Restart does not start it again, and all is saved. When ctx ends the container is stopped, as Stop does it. The process is
// the container's: if it crashes, the report is in the container's folder.
func (e *Engine) Supervise(ctx context.Context, ref string, in, out *os.File) (int, error) {
	conn := &pipes{in: in, out: out}
	defer conn.Close()
	var args launchArgs
	_ = in.SetReadDeadline(time.Now().Add(launchTimeout)) // where it can be set
	req, rest, err := readRequest(in)
	_ = in.SetReadDeadline(time.Time{})
	if err == nil && req.Op != "launch" {
		err = fail(ErrInvalid, "unknown operation %q", req.Op)
	}
	if err == nil {
		if err = sameVersion(req.Op, req.side, ours()); err != nil {
			(&call{conn: conn}).refuse(err)
		}
	}
	if err == nil && len(req.Args) > 0 {
		err = json.Unmarshal(req.Args, &args)
	}
	if err != nil {
		return ExitEngine, err
	}
	return e.supervise(ctx, ref, conn, rest, args)
}

func (e *Engine) supervise(ctx context.Context, ref string, conn *pipes, rest *bufio.Reader, args launchArgs) (int, error) {
	r := &Run{patience: attachStall, apart: true}
	host := IO{}
	if args.Attach != nil {
		r.first = newSession(conn, rest, *args.Attach)
		r.first.detached = func() { r.emit("detach") }
		host.Size = args.Attach.Size
	}
	id, err := e.disk.find(ref)
	if err != nil {
		return ExitEngine, err
	}
	c := &call{conn: conn}
	r.unhook = e.reportCrash(id)
	defer r.unhook()
	if _, err := e.startAs(context.Background(), ref, host, r); err != nil {
		c.refuse(err)
		return ExitCode(err), err
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		err := c.accept(nil)
		if r.first != nil {
			if err != nil {
				r.first.leave(errHungUp)
			}
			r.first.serve(r.io)
		}
		_ = conn.Close()
	}()
	r.attend(ctx)
	select {
	case <-served:
	case <-time.After(r.patience + closeTimeout): // nobody reads, and the host cannot interrupt the write
	}
	return e.keepRunning(ctx, r)
}

// reportCrash has the Go runtime write to the container's folder why it ends
// this process, if it ever does; nobody reads our standard error. The function
// returned takes that back.
func (e *Engine) reportCrash(id string) func() {
	path := e.disk.file(id, crashName)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return func() {}
	}
	_ = debug.SetCrashOutput(f, debug.CrashOptions{})
	_ = f.Close() // there is a copy
	return sync.OnceFunc(func() {
		_ = debug.SetCrashOutput(nil, debug.CrashOptions{})
		_ = os.Remove(path)
	})
}

// pipes are a connection of two pipes.
type pipes struct{ in, out *os.File }

func (p *pipes) Read(b []byte) (int, error)         { return p.in.Read(b) }
func (p *pipes) Write(b []byte) (int, error)        { return p.out.Write(b) }
func (p *pipes) SetWriteDeadline(t time.Time) error { return p.out.SetWriteDeadline(t) }
func (p *pipes) SetReadDeadline(t time.Time) error  { return p.in.SetReadDeadline(t) }
func (p *pipes) Close() error                       { return errors.Join(p.out.Close(), p.in.Close()) }

// SetDeadline, LocalAddr and RemoteAddr make it a net.Conn.
func (p *pipes) SetDeadline(t time.Time) error {
	return errors.Join(p.SetReadDeadline(t), p.SetWriteDeadline(t))
}
func (p *pipes) LocalAddr() net.Addr  { return &net.UnixAddr{Net: "pipe"} }
func (p *pipes) RemoteAddr() net.Addr { return &net.UnixAddr{Net: "pipe"} }
