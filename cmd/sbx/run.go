package main

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/sandbox"
)

func (a *app) runCmd() *cobra.Command {
	f, o := &containerFlags{}, &runFlags{}
	c := verb(groupCommon, "run [OPTIONS] IMAGE [COMMAND] [ARG...]", "Make a container from an image and run a command in it", rangeArgs(1, -1),
		func(c *cobra.Command, args []string) error { return engineError(a.run(c, f, o, args)) })
	c.Long = "Make a container from an image and run a command in it. The image is pulled when it is not here.\n\n" +
		"Exit codes: the command's own; 125 sbx failed; 126 the command cannot run; 127 it was not found;\n" +
		"128+n it was killed by signal n.\n\n" +
		"--restart: the container's own process starts it again, 100 ms after its end, then twice as long after each further\n" +
		"one up to a minute, and from the beginning after it was up for 10 s. stop, kill (INT, QUIT, TERM, KILL or its stop\n" +
		"signal) and rm -f end that. There is no daemon: after a reboot of the host, or when that process is killed, nothing\n" +
		"starts by itself, and always is the same as unless-stopped; sbx start starts it."
	c.Example = "  sbx run base date\n  sbx run -it base\n  sbx run -d --name web nginx\n  echo hello | sbx run -i base tr a-z A-Z\n  sbx run --rm -v .:/src -w /src --userland=builtin debian ls -l"
	f.register(c)
	o.register(c.Flags())
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

// runFlags are the flags of run alone.
type runFlags struct {
	detach, proxy, strace bool
	keys                  string
	attach                []string
}

func (o *runFlags) register(fl *pflag.FlagSet) {
	fl.BoolVarP(&o.detach, "detach", "d", false, "Run the container in the background and print its id")
	fl.StringSliceVarP(&o.attach, "attach", "a", nil, "Connect `stdin, stdout or stderr` only")
	registerKeys(fl, &o.keys)
	fl.BoolVar(&o.proxy, "sig-proxy", true, "Pass signals on to the container, unless it has a terminal; without that it goes on when sbx is ended")
	fl.BoolVar(&o.strace, "strace", false, "Print the system calls of the image's programs on standard error")
}

// streams are those of docker's -a; all that there are without it.
func (o *runFlags) streams(cfg sandbox.Config) (sandbox.AttachOptions, error) {
	if len(o.attach) == 0 {
		return sandbox.AttachOptions{Stdin: cfg.OpenStdin, Stdout: true, Stderr: true}, nil
	}
	var s sandbox.AttachOptions
	if o.detach {
		return s, usagef("-d and -a cannot be used together")
	}
	for _, name := range o.attach {
		switch strings.ToLower(name) {
		case "stdin":
			s.Stdin = cfg.OpenStdin
		case "stdout":
			s.Stdout = true
		case "stderr":
			s.Stderr = true
		default:
			return s, usagef("invalid stream %q for -a: use stdin, stdout or stderr", name)
		}
	}
	return s, nil
}

// run decides who holds the container: this process, or one of its own, which
// goes on without us.
func (a *app) run(c *cobra.Command, f *containerFlags, o *runFlags, args []string) error {
	cfg, err := f.config(c.Flags(), args)
	if err != nil {
		return err
	}
	keys, err := detachKeys(c.Flags(), o.keys)
	if err != nil {
		return err
	}
	streams, err := o.streams(cfg)
	if err != nil {
		return err
	}
	if err := f.checkCID(); err != nil {
		return err
	}
	cfg.StdinOnce = cfg.OpenStdin && streams.Stdin && !o.detach
	if o.detach {
		return a.launch(c.Context(), f, cfg, launched{print: true})
	}
	host, err := a.terminal(cfg.TTY, streams.Stdin)
	if err != nil {
		return err
	}
	onlyInput := streams.Stdin && !streams.Stdout && !streams.Stderr
	// What may outlive us, because it is left, restarted, or not told of our signals, cannot be in this process.
	outlives := cfg.Restart.Restarts() || !o.proxy
	if o.strace && outlives {
		return usagef("--strace shows what this process runs: leave --restart and --sig-proxy=false out")
	}
	if onlyInput || outlives || cfg.TTY && streams.Stdin && !o.strace {
		return a.launch(c.Context(), f, cfg, launched{print: onlyInput, attach: &streams, host: host, keys: keys, proxy: o.proxy})
	}
	e, err := a.engine()
	if err != nil {
		return err
	}
	return a.foreground(c.Context(), host, streams, func(ctx context.Context, io sandbox.IO) (*sandbox.Run, error) {
		if o.strace {
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

// launched says how a container that has a process of its own is joined.
type launched struct {
	print  bool                   // its id
	proxy  bool                   // signals, without a terminal
	attach *sandbox.AttachOptions // nil: not at all
	host   *hostTerminal
	keys   []byte
}

// launch makes a container and starts it in a process of its own.
func (a *app) launch(ctx context.Context, f *containerFlags, cfg sandbox.Config, l launched) error {
	e, err := a.engine()
	if err != nil {
		return err
	}
	made, err := e.Create(ctx, cfg, a.createOptions(f.quiet))
	if err != nil {
		return err
	}
	if err := f.writeCID(made.ID); err != nil {
		return err
	}
	s, err := a.startAway(ctx, made.ID, l)
	if err != nil {
		if cfg.AutoRemove { // when there was no process to do it
			_ = e.Remove(context.WithoutCancel(ctx), made.ID, sandbox.RemoveOptions{Volumes: true})
		}
		return err
	}
	if l.print {
		fmt.Fprintln(a.out, made.ID)
	}
	if s == nil {
		return nil
	}
	return a.serveContainer(ctx, s, l)
}

// startAway starts a container in a process of its own.
func (a *app) startAway(ctx context.Context, ref string, l launched) (*sandbox.Session, error) {
	e, err := a.engine()
	if err != nil {
		return nil, err
	}
	command, err := supervisorCommand()
	if err != nil {
		return nil, err
	}
	if l.attach != nil {
		l.attach.Size = l.host.size()
	}
	return e.Launch(ctx, ref, sandbox.LaunchOptions{Command: command, Attach: l.attach})
}

// serveContainer is serve for process 1 of a container: who leaves it is content.
func (a *app) serveContainer(ctx context.Context, s *sandbox.Session, l launched) error {
	err := a.serve(ctx, s, serving{host: l.host, keys: l.keys, streams: *l.attach, proxy: l.proxy})
	if errors.Is(err, errEscaped) {
		return nil
	}
	return err
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
	cfg.StdinOnce = cfg.OpenStdin
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

// foreground starts a container, passes signals on until it ends, and turns
// its exit code into ours.
func (a *app) foreground(ctx context.Context, host *hostTerminal, attach sandbox.AttachOptions, start func(context.Context, sandbox.IO) (*sandbox.Run, error)) error {
	// A reader that has gone away is the container's to hear of: its write fails.
	signal.Ignore(syscall.SIGPIPE)
	raw := make(chan struct{})
	streams := a.streams(attach)
	streams.Size = host.size()
	if host != nil {
		streams = gated(raw, streams)
	}
	taken := a.takeSignals(host)
	r, err := start(ctx, streams) // a signal that ends sbx ends the pull, or the container
	taken.handTo(r)
	if err != nil {
		close(raw)
		return err
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
