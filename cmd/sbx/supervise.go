package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
)

// superviseVerb is what sbx runs itself with to give a container a process of
// its own; the container's id follows.
const superviseVerb = "supervise"

// supervisorCommand is the command for sandbox.LaunchOptions.
func supervisorCommand() ([]string, error) {
	keepDescriptors()
	exe, err := ownPath()
	if err != nil {
		return nil, err
	}
	return []string{exe, filepath.Base(os.Args[0]), superviseVerb}, nil
}

func (a *app) superviseCmd() *cobra.Command {
	c := verb(groupSystem, superviseVerb+" CONTAINER", "Run a container for another sbx", exactArgs(1), func(c *cobra.Command, args []string) error {
		a.unhook()
		// The terminal and whoever started us are none of our business; a signal
		// from elsewhere, as the host shuts down, stops the container.
		signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		in, out, err := takePipes()
		if err != nil {
			return err
		}
		e, err := a.engine()
		if err != nil {
			return err
		}
		defer giveBack()()
		code, err := e.Supervise(ctx, args[0], in, out)
		return exit(code, err)
	})
	c.Hidden = true
	return c
}
