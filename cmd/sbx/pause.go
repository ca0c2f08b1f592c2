package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/sandbox"
)

func (a *app) pauseCmd() *cobra.Command {
	return a.namedCmd("pause", "Freeze all processes of containers", (*sandbox.Engine).Pause)
}

func (a *app) unpauseCmd() *cobra.Command {
	return a.namedCmd("unpause", "Let paused containers go on", (*sandbox.Engine).Unpause)
}

// namedCmd is a verb without flags that does something with each container.
func (a *app) namedCmd(name, short string, do func(*sandbox.Engine, context.Context, string) error) *cobra.Command {
	c := verb(groupContainers, name+" CONTAINER [CONTAINER...]", short, rangeArgs(1, -1), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		return a.each(args, func(ref string) (string, error) {
			return named(ref, do(e, c.Context(), ref))
		})
	})
	c.ValidArgsFunction = a.completeContainers
	return c
}
