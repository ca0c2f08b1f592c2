package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/registry"
)

func (a *app) pullCmd() *cobra.Command {
	var quiet bool
	var platform string
	c := verb(groupCommon, "pull [OPTIONS] NAME[:TAG|@DIGEST]", "Bring an image from its registry", exactArgs(1),
		func(c *cobra.Command, args []string) error { return a.pull(c, args[0], platform, quiet) })
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "Print the image's name only")
	c.Flags().StringVar(&platform, "platform", "", "Platform of the image, `os/arch[/variant]`")
	return c
}

func (a *app) pull(c *cobra.Command, name, platform string, quiet bool) error {
	ref, err := registry.ParseRef(name)
	if err != nil {
		return err
	}
	var o registry.PullOptions
	if platform != "" {
		p, err := registry.ParsePlatform(platform)
		if err != nil {
			return err
		}
		o.Platform = &p
	}
	e, err := a.engine()
	if err != nil {
		return err
	}
	p := newProgress(a.out)
	if !quiet {
		if !strings.Contains(strings.TrimPrefix(name, ref.Domain), ":") && ref.Digest == "" {
			fmt.Fprintln(a.out, "Using default tag: latest")
		}
		pullHeader(a.out, ref)
		o.Progress = p.event
	}
	_, res, err := e.Pull(c.Context(), ref, o)
	p.finish()
	if err != nil {
		return err
	}
	if !quiet {
		pullFooter(a.out, res)
	}
	fmt.Fprintln(a.out, canonical(ref))
	return nil
}

// pullHeader is the line above the layers.
func pullHeader(w io.Writer, ref registry.Ref) {
	what := ref.Tag
	if ref.Digest != "" {
		what = ref.Name() + "@" + string(ref.Digest)
	}
	fmt.Fprintf(w, "%s: Pulling from %s\n", what, ref.Path)
}

// pullFooter is the digest and what came of the pull.
func pullFooter(w io.Writer, res registry.PullResult) {
	fmt.Fprintf(w, "Digest: %s\n", res.Digest)
	if res.UpToDate {
		fmt.Fprintf(w, "Status: Image is up to date for %s\n", res.Ref.Familiar())
	} else {
		fmt.Fprintf(w, "Status: Downloaded newer image for %s\n", res.Ref.Familiar())
	}
}

// canonical is the name as docker's pull ends with it.
func canonical(ref registry.Ref) string { return ref.String() }

func (a *app) pushCmd() *cobra.Command {
	var quiet bool
	c := verb(groupCommon, "push [OPTIONS] NAME[:TAG]", "Send an image to its registry", exactArgs(1), func(c *cobra.Command, args []string) error {
		ref, err := registry.ParseRef(args[0])
		if err != nil {
			return err
		}
		e, err := a.engine()
		if err != nil {
			return err
		}
		o, p := registry.PushOptions{}, newProgress(a.out)
		if !quiet {
			fmt.Fprintf(a.out, "The push refers to repository [%s]\n", ref.Name())
			o.Progress = p.event
		}
		res, err := e.Push(c.Context(), ref, o)
		p.finish()
		if err != nil {
			return err
		}
		if quiet {
			fmt.Fprintln(a.out, ref.String())
		} else {
			fmt.Fprintf(a.out, "%s: digest: %s size: %d\n", ref.Tag, res.Digest, res.Size)
		}
		return nil
	})
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "Print the image's name only")
	c.ValidArgsFunction = a.completeImages
	return c
}
