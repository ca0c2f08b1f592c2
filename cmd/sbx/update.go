package main

import (
	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/sandbox"
)

func (a *app) updateCmd() *cobra.Command {
	var memory, restart string
	var pids int64
	c := verb(groupContainers, "update [OPTIONS] CONTAINER [CONTAINER...]", "Change limits of containers, and whether they start again", rangeArgs(1, -1), func(c *cobra.Command, args []string) error {
		var u sandbox.Update
		if c.Flags().Changed("memory") {
			n, err := units.RAMInBytes(memory)
			if err != nil || n < 0 {
				return usagef("invalid memory limit %q: use a size such as 512m", memory)
			}
			u.Memory = &n
		}
		if c.Flags().Changed("pids-limit") {
			u.PidsLimit = &pids
		}
		if c.Flags().Changed("restart") {
			p, err := sandbox.ParseRestart(restart)
			if err != nil {
				return err
			}
			u.Restart = &p
		}
		if u == (sandbox.Update{}) {
			return usagef("you must provide one or more flags when using this command")
		}
		e, err := a.engine()
		if err != nil {
			return err
		}
		return a.each(args, func(ref string) (string, error) {
			return named(ref, e.Update(c.Context(), ref, u))
		})
	})
	c.Flags().StringVarP(&memory, "memory", "m", "", "Limit of memory, such as `512m`; 0 is none")
	c.Flags().Int64Var(&pids, "pids-limit", 0, "Limit of processes (-1: none)")
	c.Flags().StringVar(&restart, "restart", "", "Start it again when it ends by itself: no, `on-failure[:N]`, always or unless-stopped")
	c.ValidArgsFunction = a.completeContainers
	return c
}
