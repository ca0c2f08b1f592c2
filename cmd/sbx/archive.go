package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/registry"
)

func (a *app) loadCmd() *cobra.Command {
	var input string
	var quiet bool
	c := verb(groupImages, "load [OPTIONS]", "Bring images in from a docker or OCI archive", noArgs, func(c *cobra.Command, _ []string) error {
		in, err := a.fromFile(input, "-i FILE")
		if err != nil {
			return err
		}
		defer in.Close()
		e, err := a.engine()
		if err != nil {
			return err
		}
		var progress func(registry.Event)
		p := newProgress(a.err)
		if !quiet && p.live {
			progress = p.event
		}
		names, err := e.Load(c.Context(), in, progress)
		p.finish()
		for _, n := range names {
			if strings.HasPrefix(n, "sha256:") {
				fmt.Fprintf(a.out, "Loaded image ID: %s\n", n)
			} else {
				fmt.Fprintf(a.out, "Loaded image: %s\n", n)
			}
		}
		return err
	})
	c.Flags().StringVarP(&input, "input", "i", "", "Read from `FILE` instead of standard input")
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "Do not show progress")
	return c
}

func (a *app) saveCmd() *cobra.Command {
	var output string
	c := verb(groupImages, "save [OPTIONS] IMAGE [IMAGE...]", "Write images as an archive that docker and sbx load", rangeArgs(1, -1), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		return a.toFile(output, func(w io.Writer) error { return e.Save(c.Context(), w, args) })
	})
	c.Flags().StringVarP(&output, "output", "o", "", "Write to `FILE` instead of standard output")
	c.ValidArgsFunction = a.completeImages
	return c
}

func (a *app) importCmd() *cobra.Command {
	var changes []string
	c := verb(groupImages, "import [OPTIONS] FILE|- [REPOSITORY[:TAG]]", "Make an image from a tar archive of a root file system", rangeArgs(1, 2), func(c *cobra.Command, args []string) error {
		if strings.Contains(args[0], "://") {
			return fmt.Errorf("cannot import from a URL: fetch %s first, or pipe it to sbx import -", args[0])
		}
		in, err := a.fromFile(args[0], "a file's name")
		if err != nil {
			return err
		}
		defer in.Close()
		e, err := a.engine()
		if err != nil {
			return err
		}
		ref := ""
		if len(args) == 2 {
			ref = args[1]
		}
		img, err := e.Import(c.Context(), in, ref, changes)
		if err == nil {
			fmt.Fprintln(a.out, img.ID())
		}
		return err
	})
	c.Flags().StringArrayVarP(&changes, "change", "c", nil, "Dockerfile `instruction` for the image's configuration")
	return c
}

func (a *app) tagCmd() *cobra.Command {
	c := verb(groupImages, "tag IMAGE NAME[:TAG]", "Give an image a further name", exactArgs(2), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		return e.Tag(c.Context(), args[0], args[1])
	})
	c.ValidArgsFunction = a.completeImages
	return c
}

func (a *app) rmiCmd(use string) *cobra.Command {
	var force bool
	c := verb(groupImages, strings.Replace(use, " ", " [OPTIONS] ", 1), "Remove images", rangeArgs(1, -1), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		return a.each(args, func(name string) (string, error) {
			events, err := e.RemoveImage(c.Context(), name, force)
			return a.forced(force, removeLines(events), err)
		})
	})
	c.Flags().BoolVarP(&force, "force", "f", false, "Remove images that stopped containers use, and take those that are not there for removed")
	c.ValidArgsFunction = a.completeImages
	return c
}

// removeLines is how docker prints what was removed.
func removeLines(events []registry.RemoveEvent) string {
	var lines []string
	for _, e := range events {
		if e.Untagged != "" {
			lines = append(lines, "Untagged: "+e.Untagged)
		}
		if e.Deleted != "" {
			lines = append(lines, "Deleted: "+e.Deleted)
		}
	}
	return strings.Join(lines, "\n")
}
