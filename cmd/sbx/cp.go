package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/cmd/sbx/format"
	"github.com/sbxrun/sbx/sandbox"
)

func (a *app) cpCmd() *cobra.Command {
	var o sandbox.CopyOptions
	var quiet bool
	c := verb(groupContainers, "cp [OPTIONS] CONTAINER:SRC DEST|-  |  SRC|- CONTAINER:DEST", "Copy files between a container and the host", exactArgs(2),
		func(c *cobra.Command, args []string) error { return a.cp(c, args[0], args[1], o, quiet) })
	c.Long = "Copy files between a container and the host. A folder goes into a folder that is there; SRC/. means\n" +
		"what is in the folder. - is a tar archive on standard input, where it may\n" +
		"be compressed, or output. A container may run or not; links in it lead nowhere but into it.\n" +
		"What was copied before an error stays, as with docker; of a container that does not run only in volumes and folders of the host."
	fl := c.Flags()
	fl.BoolVarP(&o.Archive, "archive", "a", false, "Keep owners")
	fl.BoolVarP(&o.FollowLink, "follow-link", "L", false, "Follow a symbolic link that is SRC itself")
	fl.BoolVarP(&quiet, "quiet", "q", false, "Say nothing about what was copied")
	c.ValidArgsFunction = a.completeContainers
	return c
}

func (a *app) cp(c *cobra.Command, src, dst string, o sandbox.CopyOptions, quiet bool) error {
	from, fromPath := splitCopyArg(src)
	to, toPath := splitCopyArg(dst)
	switch {
	case from != "" && to != "":
		return errors.New("copying between containers is not supported")
	case from == "" && to == "":
		return errors.New("must specify at least one container source")
	}
	e, err := a.engine()
	if err != nil {
		return err
	}
	ctx := c.Context()
	var n int64
	switch {
	case dst == "-":
		if isTTY(a.out) {
			return fmt.Errorf("refusing to write an archive to a terminal: redirect standard output")
		}
		return e.CopyFromTar(ctx, from, fromPath, a.out, o)
	case src == "-":
		return e.CopyToTar(ctx, a.in, to, toPath, o)
	case from != "":
		n, err = e.CopyFrom(ctx, from, fromPath, toPath, o)
	default:
		n, err = e.CopyTo(ctx, fromPath, to, toPath, o)
	}
	if err == nil && !quiet && isTTY(a.err) {
		fmt.Fprintf(a.err, "Successfully copied %s to %s\n", format.Size(n), dst)
	}
	return err
}

// splitCopyArg tells CONTAINER:PATH from a path of the host, by docker's
// rules: absolute paths and those that begin with a dot are the host's.
func splitCopyArg(arg string) (container, path string) {
	if filepath.IsAbs(arg) || strings.HasPrefix(arg, ".") || runtime.GOOS == "windows" && len(arg) > 1 && arg[1] == ':' {
		return "", arg
	}
	container, path, ok := strings.Cut(arg, ":")
	if !ok || strings.ContainsAny(container, `/\`) {
		return "", arg
	}
	return container, path
}
