package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/sandbox"
)

func (a *app) runCmd() *cobra.Command {
	f := &containerFlags{}
	c := verb(groupCommon, "run [OPTIONS] IMAGE [COMMAND] [ARG...]", "Make a container from an image and run a command in it", rangeArgs(1, -1),
		func(c *cobra.Command, args []string) error { return engineError(a.run(c, f, args)) })
	c.Long = "Make a container from an image and run a command in it. The image is pulled when it is not here.\n\n" +
		"Exit codes: the command's own; 125 sbx failed; 126 the command cannot run; 127 it was not found;\n" +
		"128+n it was killed by signal n."
	c.Example = "  sbx run base date\n  sbx run -it base\n  echo hello | sbx run -i base tr a-z A-Z\n  sbx run --rm -v .:/src -w /src --userland=builtin debian ls -l"
	f.register(c)
	c.Flags().Bool("sig-proxy", true, "Pass signals on to the container")
	c.Flags().Bool("strace", false, "Print the system calls of the image's programs on standard error")
	c.ValidArgsFunction = a.completeImages
	return c
}

// engineError gives errors of run, create and start the exit codes of docker.
func engineError(err error) error {
	var e *exitError
	var u *usageError
	if err == nil || errors.As(err, &e) || errors.As(err, &u) {
		return err
	}
	return exit(sandbox.ExitCode(err), err)
}

func (a *app) run(c *cobra.Command, f *containerFlags, args []string) error {
	cfg, err := f.config(c.Flags(), args)
	if err != nil {
		return err
	}
	if err := f.checkCID(); err != nil {
		return err
	}
	host, err := a.terminal(cfg)
	if err != nil {
		return err
	}
	e, err := a.engine()
	if err != nil {
		return err
	}
	proxy, _ := c.Flags().GetBool("sig-proxy")
	strace, _ := c.Flags().GetBool("strace")
	return a.foreground(c.Context(), host, proxy, func(ctx context.Context, io sandbox.IO) (*sandbox.Run, error) {
		if strace {
			io.Trace = a.err
		}
		r, err := e.Run(ctx, cfg, a.createOptions(f.quiet), io)
		if err == nil {
			err = f.writeCID(r.ID())
		}
		if err != nil && r != nil {
			r.Kill()
		}
		return r, err
	})
}

// createOptions shows the pull of a missing image on stderr.
func (a *app) createOptions(quiet bool) sandbox.CreateOptions {
	o := sandbox.CreateOptions{}
	var p *progress
	o.Missing = func(ref registry.Ref) {
		if !quiet {
			fmt.Fprintf(a.err, "Unable to find image '%s' locally\n", ref.Familiar())
		}
	}
	o.Pulling = func(ref registry.Ref) {
		if !quiet {
			p = newProgress(a.err)
			pullHeader(a.err, ref)
		}
	}
	o.Pull.Progress = func(e registry.Event) {
		if p != nil {
			p.event(e)
		}
	}
	o.Pulled = func(res registry.PullResult) {
		if p != nil {
			p.finish()
			pullFooter(a.err, res)
		}
	}
	return o
}

func (a *app) createCmd() *cobra.Command {
	f := &containerFlags{}
	c := verb(groupContainers, "create [OPTIONS] IMAGE [COMMAND] [ARG...]", "Make a container without starting it", rangeArgs(1, -1),
		func(c *cobra.Command, args []string) error { return engineError(a.create(c, f, args)) })
	f.register(c)
	c.ValidArgsFunction = a.completeImages
	return c
}

func (a *app) create(c *cobra.Command, f *containerFlags, args []string) error {
	cfg, err := f.config(c.Flags(), args)
	if err != nil {
		return err
	}
	if err := f.checkCID(); err != nil {
		return err
	}
	e, err := a.engine()
	if err != nil {
		return err
	}
	made, err := e.Create(c.Context(), cfg, a.createOptions(f.quiet))
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out, made.ID)
	return f.writeCID(made.ID)
}

func (a *app) startCmd() *cobra.Command {
	var attach, interactive bool
	c := verb(groupContainers, "start [OPTIONS] CONTAINER", "Start a container that was made or has ended, in the foreground", exactArgs(1),
		func(c *cobra.Command, args []string) error {
			return engineError(a.start(c.Context(), args[0], attach || interactive))
		})
	c.Flags().BoolVarP(&attach, "attach", "a", false, "Connect the container's output (containers run in the foreground: required)")
	c.Flags().BoolVarP(&interactive, "interactive", "i", false, "Connect standard input too, if the container was made with -i")
	c.ValidArgsFunction = a.completeContainers
	return c
}

func (a *app) start(ctx context.Context, ref string, attach bool) error {
	if !attach {
		return usagef("this version runs containers in the foreground only: use start -a %s", ref)
	}
	e, err := a.engine()
	if err != nil {
		return err
	}
	c, err := e.Inspect(ref)
	if err != nil {
		return err
	}
	host, err := a.terminal(c.Config)
	if err != nil {
		return err
	}
	return a.foreground(ctx, host, true, func(ctx context.Context, io sandbox.IO) (*sandbox.Run, error) {
		return e.Start(ctx, ref, io)
	})
}

// foreground starts a container, passes signals on until it ends, and turns
// its exit code into ours.
func (a *app) foreground(ctx context.Context, host *hostTerminal, proxy bool, start func(context.Context, sandbox.IO) (*sandbox.Run, error)) error {
	// A reader that has gone away is the container's to hear of: its write fails.
	signal.Ignore(syscall.SIGPIPE)
	// Until the container runs, a signal cancels ctx and with it the pull.
	ready, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := context.AfterFunc(ctx, cancel)
	streams := sandbox.IO{Stdin: a.in, Stdout: a.out, Stderr: a.err, Size: host.size()}
	raw := make(chan struct{})
	if host != nil {
		streams.Stdin, streams.Stdout = gate{raw, a.in, nil}, gate{raw, nil, a.out}
	}
	var taken *signals
	if proxy {
		taken = a.takeSignals(host)
	}
	r, err := start(ready, streams)
	taken.handTo(r)
	if err != nil {
		close(raw)
		return err
	}
	stop()
	if ctx.Err() != nil {
		r.Kill()
	}
	a.unhook() // last: what is taken over need not be hooked again
	err = host.raw()
	close(raw)
	if err != nil {
		r.Kill()
		return err
	}
	defer host.restore()
	code, err := r.Wait(context.Background())
	host.restore()
	if err != nil {
		a.complain(err.Error())
		if code == 0 {
			code = sandbox.ExitEngine
		}
	}
	if code != 0 {
		return exit(code, nil)
	}
	return nil
}
