package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/sandbox"
)

func (a *app) rmCmd() *cobra.Command {
	var o sandbox.RemoveOptions
	c := verb(groupContainers, "rm [OPTIONS] CONTAINER [CONTAINER...]", "Remove containers", rangeArgs(1, -1), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		n := atOnce
		if o.Volumes { // of two containers with one volume the last takes it along
			n = 1
		}
		return a.eachOf(args, n, func(ref string) (string, error) {
			out, err := named(ref, e.Remove(c.Context(), ref, o))
			return a.forced(o.Force, out, err)
		})
	})
	c.Flags().BoolVarP(&o.Force, "force", "f", false, "Kill containers that run, and take those that are not there for removed")
	c.Flags().BoolVarP(&o.Volumes, "volumes", "v", false, "Remove their anonymous volumes too")
	c.ValidArgsFunction = a.completeContainers
	return c
}

// forced is the outcome of a removal: with force, what is not there is told of and no failure, as docker has it.
func (a *app) forced(force bool, out string, err error) (string, error) {
	if force && (errors.Is(err, sandbox.ErrNotFound) || errors.Is(err, registry.ErrNotFound)) {
		fmt.Fprintf(a.err, "sbx: %v\n", err)
		return "", nil
	}
	return out, err
}

func (a *app) killCmd() *cobra.Command {
	var name string
	c := verb(groupContainers, "kill [OPTIONS] CONTAINER [CONTAINER...]", "Send a signal to running containers", rangeArgs(1, -1), func(c *cobra.Command, args []string) error {
		sig, err := parseSignal(name)
		if err != nil {
			return err
		}
		e, err := a.engine()
		if err != nil {
			return err
		}
		return a.each(args, func(ref string) (string, error) {
			return named(ref, e.Signal(c.Context(), ref, sig))
		})
	})
	c.Flags().StringVarP(&name, "signal", "s", "KILL", "Signal, by name or number")
	c.ValidArgsFunction = a.completeContainers
	return c
}

func parseSignal(s string) (linux.Signal, error) {
	if sig, ok := linux.ParseSignal(s); ok {
		return sig, nil
	}
	return 0, usagef("invalid signal %q: use a name such as TERM, or a number", s)
}

func (a *app) diffCmd() *cobra.Command {
	c := verb(groupContainers, "diff CONTAINER", "List what a container changed in its file system", exactArgs(1), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		list, err := e.Diff(c.Context(), args[0])
		for _, ch := range list {
			fmt.Fprintf(a.out, "%c %s\n", ch.Kind, ch.Path)
		}
		return err
	})
	c.Long = "List what a container changed in its file system: A added, C changed, D deleted."
	c.ValidArgsFunction = a.completeContainers
	return c
}

func (a *app) exportCmd() *cobra.Command {
	var output string
	c := verb(groupContainers, "export [OPTIONS] CONTAINER", "Write a container's file system as a tar archive", exactArgs(1), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		return a.toFile(output, func(w io.Writer) error { return e.Export(c.Context(), args[0], w) })
	})
	c.Flags().StringVarP(&output, "output", "o", "", "Write to `FILE` instead of standard output")
	c.ValidArgsFunction = a.completeContainers
	return c
}

func (a *app) commitCmd() *cobra.Command {
	var o sandbox.CommitOptions
	pause := true
	c := verb(groupContainers, "commit [OPTIONS] CONTAINER [REPOSITORY[:TAG]]", "Make an image from what a container changed", rangeArgs(1, 2), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		ref := ""
		if len(args) == 2 {
			ref = args[1]
		}
		o.NoPause = !pause
		img, err := e.Commit(c.Context(), args[0], ref, o)
		if err == nil {
			fmt.Fprintln(a.out, img.ID())
		}
		return err
	})
	c.Flags().BoolVarP(&pause, "pause", "p", true, "Pause the container while its files are copied")
	c.Flags().StringVarP(&o.Author, "author", "a", "", "Author of the image")
	c.Flags().StringVarP(&o.Message, "message", "m", "", "Message for the image's history")
	c.Flags().StringArrayVarP(&o.Changes, "change", "c", nil, "Dockerfile `instruction` for the image's configuration")
	c.ValidArgsFunction = a.completeContainers
	return c
}
