package sandbox

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// initProgram is process 1 of a container made with Config.Init: it starts the
// program as its child, passes signals on to it, reaps whatever else becomes its
// child, and ends with the program's status. It is no file of the image.
type initProgram struct {
	argv, env []string
	tty       bool
	started   chan error // how the start of the program went
}

// initPath is the name that process 1 has in its argv.
const initPath = "/sbin/init"

func newInit(p Process, env []string, tty bool) *initProgram {
	return &initProgram{argv: append([]string{p.Path}, p.Args...), env: env, tty: tty, started: make(chan error, 1)}
}

// Run implements kernel.Program.
func (i *initProgram) Run(t *kernel.Task) int {
	var all linux.SigSet
	for sig := linux.Signal(1); sig.Valid(); sig++ {
		all = all.With(sig)
		switch sig {
		case linux.SIGKILL, linux.SIGSTOP, linux.SIGCHLD, linux.SIGTTIN, linux.SIGTTOU:
		default:
			_, _ = t.Sigaction(sig, kernel.SigHandle)
		}
	}
	child, err := t.Spawn(kernel.SpawnOpts{
		Path: i.argv[0], Argv: i.argv, Env: i.env, Setpgid: kernel.PgidNew, Foreground: i.tty, SigDefault: all,
	})
	i.started <- err
	if err != nil {
		return ExitNotFound
	}
	for {
		pid, status, _, err := t.Wait4(-1, 0)
		switch {
		case err == nil && pid == child:
			return status.ShellCode()
		case err != nil && linux.ErrnoOf(err) != linux.EINTR:
			return exitSignal + int(linux.SIGKILL)
		}
		for sig, ok := t.TakeSignal(); ok; sig, ok = t.TakeSignal() {
			_ = t.Kill(child, sig)
		}
		if t.Context().Err() != nil {
			return 0 // killed: the status is known
		}
	}
}

// startInit starts process 1 and waits for its child.
func (r *Run) startInit(e kernel.Exec, env []string) (*kernel.Process, error) {
	i := newInit(r.rec.Process, env, r.rec.Config.TTY)
	e.Program, e.Argv = i, append([]string{initPath, "--"}, e.Argv...)
	proc, err := r.kernel.Start(e)
	if err != nil {
		return nil, err
	}
	select {
	case err = <-i.started:
	case <-proc.Done():
		select {
		case err = <-i.started:
		default:
			err = linux.ESRCH
		}
	}
	return proc, err
}
