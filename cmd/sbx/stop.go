package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/sbxrun/sbx/sandbox"
)

// stopFlags are those of stop and restart.
type stopFlags struct {
	signal  string
	timeout int
}

func (f *stopFlags) register(fl *pflag.FlagSet) {
	fl.StringVarP(&f.signal, "signal", "s", "", "Signal to send (default: the container's, or the image's, or TERM)")
	fl.IntVarP(&f.timeout, "timeout", "t", 0, "`Seconds` to wait before the container is killed, -1 for ever (default: the container's, or 10)")
	fl.IntVar(&f.timeout, "time", 0, "")
	_ = fl.MarkHidden("time") // docker's old name
}

func (f *stopFlags) options(fl *pflag.FlagSet) (o sandbox.StopOptions, err error) {
	if f.signal != "" {
		if o.Signal, err = parseSignal(f.signal); err != nil {
			return o, err
		}
	}
	if fl.Changed("timeout") || fl.Changed("time") {
		if f.timeout < -1 {
			return o, usagef("invalid timeout %d: use seconds, or -1", f.timeout)
		}
		o.Timeout = &f.timeout
	}
	return o, nil
}

func (a *app) stopCmd() *cobra.Command {
	return a.endingCmd("stop", "End running containers: first a signal, then SIGKILL", func(ctx context.Context, e *sandbox.Engine, ref string, o sandbox.StopOptions) error {
		return e.Stop(ctx, ref, o)
	})
}

func (a *app) restartCmd() *cobra.Command {
	return a.endingCmd("restart", "End containers and start them again", func(ctx context.Context, e *sandbox.Engine, ref string, o sandbox.StopOptions) error {
		if err := e.Stop(ctx, ref, o); err != nil {
			return err
		}
		_, err := a.startAway(ctx, ref, launched{})
		return err
	})
}

// endingCmd is a verb that does something with each container, with the flags of stop.
func (a *app) endingCmd(name, short string, do func(context.Context, *sandbox.Engine, string, sandbox.StopOptions) error) *cobra.Command {
	f := &stopFlags{}
	c := verb(groupContainers, name+" [OPTIONS] CONTAINER [CONTAINER...]", short, rangeArgs(1, -1), func(c *cobra.Command, args []string) error {
		o, err := f.options(c.Flags())
		if err != nil {
			return err
		}
		e, err := a.engine()
		if err != nil {
			return err
		}
		return a.eachOf(args, atOnce, func(ref string) (string, error) {
			return named(ref, do(c.Context(), e, ref, o))
		})
	})
	f.register(c.Flags())
	c.ValidArgsFunction = a.completeContainers
	return c
}

func (a *app) waitCmd() *cobra.Command {
	c := verb(groupContainers, "wait CONTAINER [CONTAINER...]", "Wait for containers to end and print their exit codes", rangeArgs(1, -1), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		return a.each(args, func(ref string) (string, error) {
			code, err := e.Wait(c.Context(), ref)
			if err != nil {
				return "", err
			}
			return strconv.Itoa(code), nil
		})
	})
	c.Long = "Wait for containers to end and print their exit codes. It is the next end that is waited for, also when a restart policy starts\n" +
		"the container again; of one that has ended, the last."
	c.ValidArgsFunction = a.completeContainers
	return c
}
