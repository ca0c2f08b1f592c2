package sandbox

import (
	"context"
	"errors"
	"io/fs"
	"strconv"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/vfs"
)

// ExecConfig is a further program for a running container.
type ExecConfig struct {
	Cmd        []string      `json:"cmd"`
	Env        []string      `json:"env,omitempty"`        // over the container's, as Config.Env
	User       string        `json:"user,omitempty"`       // as Config.User; "" is the container's
	WorkingDir string        `json:"workingDir,omitempty"` // "" is the container's
	TTY        bool          `json:"tty,omitempty"`
	Stdin      bool          `json:"stdin,omitempty"` // the caller's standard input is the program's
	Size       linux.Winsize `json:"size"`            // of the terminal at first
	Detach     bool          `json:"detach,omitempty"`
}

// Exec starts a further program in a running container. With cfg.Detach the
// session is nil, and what the program writes goes nowhere. When the caller is
// gone without Session.Detach, the program's terminal hangs up, or its streams
// break.
func (e *Engine) Exec(ctx context.Context, ref string, cfg ExecConfig) (*Session, error) {
	a, err := e.callRunning(ctx, ref, "exec", cfg)
	if err != nil {
		return nil, err
	}
	if cfg.Detach {
		return nil, a.Close()
	}
	return &Session{a: a}, nil
}

func opExec(r *Run, c *call) error {
	var cfg ExecConfig
	if err := c.decode(&cfg); err != nil {
		return err
	}
	if r.paused() {
		return fail(ErrConflict, "container %s is paused, unpause the container before exec", r.rec.Name)
	}
	x := newExecution(cfg)
	var s *session
	if !cfg.Detach {
		s = newSession(c.conn, c.in, AttachOptions{Stdin: cfg.Stdin, Stdout: true, Stderr: true})
		x.io.add(s)
	}
	if err := x.start(r, cfg); err != nil {
		return err
	}
	id := newID()
	r.emit(execAction("exec_create", cfg.Cmd), "execID", id)
	r.emit(execAction("exec_start", cfg.Cmd), "execID", id)
	if s != nil {
		s.detached = func() { r.emit("exec_detach", "execID", id) }
		c.keep() // from here on the container may die, and tell so
	}
	c.ctl.wg.Go(func() {
		x.wait(func(code int) { r.emit("exec_die", "execID", id, "exitCode", strconv.Itoa(code)) })
	})
	err := c.accept(nil)
	if s == nil {
		return nil
	}
	if err != nil {
		s.leave(errHungUp)
	}
	s.serve(x.io)
	return nil
}

// execution is a further program of a container.
type execution struct {
	proc *kernel.Process
	io   *stdio
}

func newExecution(cfg ExecConfig) *execution {
	x := &execution{}
	x.io = &stdio{isTTY: cfg.TTY, host: IO{Size: cfg.Size}, sole: !cfg.Detach, kill: func(sig linux.Signal) error { return x.proc.Terminate(sig) }}
	if cfg.Stdin && !cfg.Detach {
		x.io.in = newInbox()
	}
	return x
}

// start starts the program beside process 1.
func (x *execution) start(r *Run, cfg ExecConfig) error {
	if len(cfg.Cmd) == 0 || cfg.Cmd[0] == "" {
		return fail(ErrInvalid, "no command given")
	}
	p := r.rec.Process
	p.Path, p.Args = cfg.Cmd[0], cfg.Cmd[1:]
	p.User, p.Cwd = firstOf(cfg.User, p.User), firstOf(cfg.WorkingDir, p.Cwd)
	if cfg.TTY && envValue(p.Env, "TERM") == "" {
		p.Env = append([]string{"TERM=xterm"}, p.Env...)
	}
	p.Env = mergeEnv(p.Env, cfg.Env)
	w := rootWalker(r.kernel.Namespace())
	who, env, err := identify(w, p, r.rec.Config.GroupAdd)
	if err != nil {
		return err
	}
	files, err := x.io.files(r.kernel)
	if err != nil {
		return err
	}
	x.proc, err = r.kernel.Start(kernel.Exec{
		Argv: append([]string{p.Path}, p.Args...), Env: env, Cwd: p.Cwd,
		Cred: r.rec.Config.credentials(who), Umask: 0o022,
		Files: files, CTTY: x.io.tty, NewSession: true,
	})
	closeFiles(files)
	if err != nil {
		x.io.close()
		return explainExec(w, p, env, err)
	}
	return nil
}

// explainExec is explainStart for a folder that is not made when it is missing.
func explainExec(w *vfs.Walker, p Process, env []string, err error) error {
	var pe *fs.PathError
	switch {
	case errors.As(err, &pe) && pe.Op == "chdir":
		return fail(ErrCannotRun, "exec: working directory %q: %v", p.Cwd, pe.Err)
	case errors.Is(err, linux.ESRCH):
		return ending(err)
	}
	return explainStart(w, p, env, err)
}

// wait waits for the end of the program, calls died, and tells the caller.
func (x *execution) wait(died func(code int)) {
	status, err := x.proc.Wait(context.Background())
	x.io.drain()
	died(status.ShellCode())
	x.io.end(status.ShellCode(), err, attachStall)
	x.io.hangup()
}
