package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/cmd/sbx/format"
	"github.com/sbxrun/sbx/sandbox"
)

func (a *app) volumeGroup() *cobra.Command {
	return group(groupImages, "volume", "Manage volumes",
		a.volumeCreateCmd(), a.volumeInspectCmd(), alias(a.volumeLsCmd(), "list"), a.volumePruneCmd(), alias(a.volumeRmCmd(), "remove"))
}

func (a *app) volumeCreateCmd() *cobra.Command {
	var o sandbox.VolumeOptions
	var labels, opts []string
	c := verb(groupImages, "create [OPTIONS] [VOLUME]", "Make a volume", rangeArgs(0, 1), func(_ *cobra.Command, args []string) error {
		if len(opts) > 0 {
			return usagef("--opt is not supported: a volume is kept by sbx; mount a host folder with -v ./folder:/path")
		}
		if len(args) > 0 {
			o.Name = args[0]
		}
		var err error
		if o.Labels, err = parseLabels(labels); err != nil {
			return err
		}
		e, err := a.engine()
		if err != nil {
			return err
		}
		v, err := e.CreateVolume(o)
		if err == nil {
			fmt.Fprintln(a.out, v.Name)
		}
		return err
	})
	c.Long = "Make a volume, an empty file system that containers mount with -v NAME:PATH. One that is there already stays as it is.\n" +
		"Without a name it gets one of 64 digits."
	c.Flags().StringVarP(&o.Driver, "driver", "d", "local", "Driver: local")
	c.Flags().StringArrayVar(&labels, "label", nil, "Set a label, `KEY=VALUE`")
	c.Flags().StringArrayVarP(&opts, "opt", "o", nil, "Options of the driver: local has none")
	return c
}

var volumeList = format.List{
	Columns: []format.Column{
		{Name: "Driver", Head: "DRIVER"}, {Name: "Name", Head: "VOLUME NAME"}, {Name: "Mountpoint", Head: "MOUNTPOINT"}, {Name: "Scope", Head: "SCOPE"},
		{Name: "Labels", Head: "LABELS"}, {Name: "Links", Head: "LINKS"}, {Name: "Size", Head: "SIZE"},
	},
	Default: []string{"Driver", "Name"},
}

func (a *app) volumeLsCmd() *cobra.Command {
	var text string
	var quiet bool
	var filters []string
	c := verb(groupImages, "ls [OPTIONS]", "List volumes", noArgs, func(*cobra.Command, []string) error {
		keep, err := filterBy(filters, volumeTest, "dangling=true or false, driver, label or name")
		if err != nil {
			return err
		}
		e, err := a.engine()
		if err != nil {
			return err
		}
		volumes, err := e.Volumes()
		if err != nil {
			return err
		}
		var rows []format.Row
		for _, v := range volumes {
			if keep(v) {
				rows = append(rows, format.Row{
					"Driver": "local", "Name": v.Name, "Mountpoint": v.Path, "Scope": "local", "Labels": joinLabels(v.Labels), "labels": notNil(v.Labels),
					"Links": fmt.Sprint(len(v.Users)), "Size": format.Size(v.Size),
				})
			}
		}
		if quiet && text == "" {
			text = "{{.Name}}"
		}
		return volumeList.Print(a.out, text, rows)
	})
	c.Flags().StringArrayVarP(&filters, "filter", "f", nil, "Show volumes with `KEY=VALUE`: dangling, driver, label, name")
	c.Flags().StringVar(&text, "format", "", "Format: table, json, or a Go `template`")
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "Show names only")
	return c
}

// volumeTest is one filter of volume ls; nil when there is none such.
func volumeTest(key, val string) func(sandbox.Volume) bool {
	switch {
	case key == "dangling" && (val == "true" || val == "1" || val == "false" || val == "0"):
		want := val == "true" || val == "1"
		return func(v sandbox.Volume) bool { return (len(v.Users) == 0) == want }
	case key == "driver":
		return func(sandbox.Volume) bool { return val == "local" }
	case key == "label":
		return func(v sandbox.Volume) bool { return matchLabel(val, v.Labels) }
	case key == "name":
		return func(v sandbox.Volume) bool { return strings.Contains(v.Name, val) }
	}
	return nil
}

func (a *app) volumeInspectCmd() *cobra.Command {
	var text string
	c := verb(groupImages, "inspect [OPTIONS] VOLUME [VOLUME...]", "Show everything about volumes", rangeArgs(1, -1), func(_ *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		found := []any{}
		lookup := a.each(args, func(name string) (string, error) {
			v, err := e.Volume(name)
			if err == nil {
				found = append(found, volumeObject(v))
			}
			return "", err
		})
		if err := a.printObjects(text, found); err != nil {
			return err
		}
		return lookup
	})
	c.Flags().StringVarP(&text, "format", "f", "", "Format: json, or a Go `template`")
	c.ValidArgsFunction = a.completeVolumes
	return c
}

// volumeObject has the shape of docker's volume inspect.
func volumeObject(v sandbox.Volume) object {
	o := object{"CreatedAt": v.Created.Format(time.RFC3339), "Driver": "local", "Labels": nil, "Mountpoint": v.Path, "Name": v.Name, "Options": nil, "Scope": "local"}
	if len(v.Labels) > 0 {
		o["Labels"] = v.Labels
	}
	return o
}

func (a *app) volumeRmCmd() *cobra.Command {
	var force bool
	c := verb(groupImages, "rm [OPTIONS] VOLUME [VOLUME...]", "Remove volumes that no container mounts", rangeArgs(1, -1), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		return a.each(args, func(name string) (string, error) {
			err := e.RemoveVolume(c.Context(), name)
			if force && errors.Is(err, sandbox.ErrNotFound) {
				err = nil
			}
			if err != nil {
				return "", err
			}
			return name, nil
		})
	})
	c.Flags().BoolVarP(&force, "force", "f", false, "Volumes that are not there are no error")
	c.ValidArgsFunction = a.completeVolumes
	return c
}

func (a *app) volumePruneCmd() *cobra.Command {
	var o pruneOptions
	var filters []string
	c := verb(groupSystem, "prune [OPTIONS]", "Remove volumes that no container mounts", noArgs, func(c *cobra.Command, _ []string) error {
		want, err := filterBy(filters, volumePruneTest, "label or label!")
		if err != nil {
			return err
		}
		what := "This removes anonymous volumes that no container mounts."
		if o.all {
			what = "This removes all volumes that no container mounts."
		}
		if !o.force && !a.confirm(what) {
			return nil
		}
		return a.prune(c.Context(), a.pruneVolumes(o.all, want))
	})
	c.Flags().StringArrayVar(&filters, "filter", nil, "Remove those with `label=KEY[=VALUE]`, or with label!= without")
	return o.flags(c, "Remove named volumes too")
}

func volumePruneTest(key, val string) func(sandbox.Volume) bool {
	switch key {
	case "label":
		return func(v sandbox.Volume) bool { return matchLabel(val, v.Labels) }
	case "label!":
		return func(v sandbox.Volume) bool { return !matchLabel(val, v.Labels) }
	}
	return nil
}

func (a *app) pruneVolumes(all bool, want func(sandbox.Volume) bool) pruneStep {
	return func(ctx context.Context, w io.Writer) (int64, error) {
		e, err := a.engine()
		if err != nil {
			return 0, err
		}
		names, freed, err := e.PruneVolumes(ctx, all, want)
		printDeleted(w, "Deleted Volumes", names)
		return freed, err
	}
}

// completeVolumes offers the names of volumes to the shell.
func (a *app) completeVolumes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var out []string
	if e, err := a.engine(); err == nil {
		list, _ := e.Volumes()
		for _, v := range list {
			out = append(out, v.Name)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
