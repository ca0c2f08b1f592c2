package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/sandbox"
)

func (a *app) startCmd() *cobra.Command {
	var attach, interactive bool
	var keys string
	c := verb(groupContainers, "start [OPTIONS] CONTAINER [CONTAINER...]", "Start containers that were made or have ended", rangeArgs(1, -1),
		func(c *cobra.Command, args []string) error {
			if !attach && !interactive {
				return a.each(args, func(ref string) (string, error) {
					return named(ref, a.startQuietly(c.Context(), ref))
				})
			}
			if len(args) > 1 {
				return usagef("start -a and -i take one container")
			}
			codes, err := detachKeys(c.Flags(), keys)
			if err != nil {
				return err
			}
			return a.startAttached(c.Context(), args[0], interactive, codes)
		})
	c.Long = "Start containers that were made or have ended. One that runs, or waits to be restarted, is left alone. With -a the exit code is the\n" +
		"container's. Nothing but this starts containers after a reboot of the host: there is no daemon, whatever --restart says."
	c.Flags().BoolVarP(&attach, "attach", "a", false, "Connect the container's output, and pass signals on")
	c.Flags().BoolVarP(&interactive, "interactive", "i", false, "Connect standard input too, if the container was made with -i")
	registerKeys(c.Flags(), &keys)
	c.ValidArgsFunction = a.completeContainers
	return c
}

// startQuietly is start without -a; a container that runs is fine.
func (a *app) startQuietly(ctx context.Context, ref string) error {
	e, err := a.engine()
	if err != nil {
		return err
	}
	if c, err := e.Inspect(ref); err != nil || c.State.Active() && !c.State.Paused {
		return err
	}
	_, err = a.startAway(ctx, ref, launched{})
	return err
}

// startAttached is start -a: with a terminal that is typed at, or a restart policy, in a
// process of the container's own, else in this one.
func (a *app) startAttached(ctx context.Context, ref string, interactive bool, keys []byte) error {
	e, err := a.engine()
	if err != nil {
		return err
	}
	c, err := e.Inspect(ref)
	if err != nil {
		return err
	}
	streams := sandbox.AttachOptions{Stdin: interactive && c.Config.OpenStdin, Stdout: true, Stderr: true}
	host, err := a.terminal(c.Config.TTY, streams.Stdin)
	if err != nil {
		return err
	}
	l := launched{attach: &streams, host: host, keys: keys, proxy: true}
	var s *sandbox.Session
	switch {
	case c.State.Active():
		s, err = e.Attach(ctx, ref, streams)
	case c.Config.TTY && streams.Stdin, c.Config.Restart.Restarts():
		s, err = a.startAway(ctx, ref, l)
	}
	if err != nil {
		return err
	}
	if s != nil {
		return a.serveContainer(ctx, s, l)
	}
	return a.foreground(ctx, host, streams, func(ctx context.Context, io sandbox.IO) (*sandbox.Run, error) {
		return e.Start(ctx, ref, io)
	})
}
