package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/sandbox"
)

func (a *app) portCmd() *cobra.Command {
	c := verb(groupContainers, "port CONTAINER [PORT[/PROTOCOL]]", "List the ports that are published for a container", rangeArgs(1, 2), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		box, err := e.Inspect(args[0])
		if err != nil {
			return err
		}
		ports := box.State.Ports
		if len(args) == 1 {
			for _, p := range ports {
				fmt.Fprintf(a.out, "%s -> %s\n", p.Key(), p.HostAddr())
			}
			return nil
		}
		key := args[1]
		if !strings.Contains(key, "/") {
			key += "/tcp"
		}
		if !slices.ContainsFunc(ports, func(p sandbox.PublishedPort) bool { return p.Key() == key }) {
			return fmt.Errorf("no public port '%s' published for %s", key, args[0])
		}
		for _, p := range ports {
			if p.Key() == key {
				fmt.Fprintln(a.out, p.HostAddr())
			}
		}
		return nil
	})
	c.ValidArgsFunction = a.completeContainers
	return c
}
