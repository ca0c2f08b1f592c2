package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/build"
	"github.com/sbxrun/sbx/cmd/sbx/format"
	"github.com/sbxrun/sbx/registry"
)

var dfList = format.List{
	Columns: []format.Column{{Name: "Type", Head: "TYPE"}, {Name: "TotalCount", Head: "TOTAL"}, {Name: "Active", Head: "ACTIVE"}, {Name: "Size", Head: "SIZE"}, {Name: "Reclaimable", Head: "RECLAIMABLE"}},
	Default: []string{"Type", "TotalCount", "Active", "Size", "Reclaimable"},
}

func (a *app) dfCmd() *cobra.Command {
	var text string
	c := verb(groupSystem, "df [OPTIONS]", "Show what takes space", noArgs, func(c *cobra.Command, _ []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		u, err := e.DiskUsage(c.Context())
		if err != nil {
			return err
		}
		return dfList.Print(a.out, text, []format.Row{
			dfRow("Images", u.Images, u.ImagesActive, u.ImagesSize, u.ImagesReclaimable),
			dfRow("Containers", u.Containers, u.ContainersActive, u.ContainersSize, u.ContainersReclaimable),
			dfRow("Local Volumes", u.Volumes, u.VolumesActive, u.VolumesSize, u.VolumesReclaimable),
			dfRow("Build Cache", u.Builds, u.BuildsActive, u.BuildsSize, u.BuildsSize),
			dfRow("Compiled Code", 1, 0, u.CacheSize, u.CacheSize),
		})
	})
	c.Flags().StringVar(&text, "format", "", "Format: table, json, or a Go `template`")
	return c
}

func dfRow(kind string, total, active int, size, free int64) format.Row {
	reclaim := format.Size(free)
	if size > 0 {
		reclaim += fmt.Sprintf(" (%d%%)", free*100/size)
	}
	return format.Row{"Type": kind, "TotalCount": fmt.Sprint(total), "Active": fmt.Sprint(active), "Size": format.Size(size), "Reclaimable": reclaim}
}

// pruneOptions are the flags of the prune verbs.
type pruneOptions struct {
	all, force, volumes bool
}

func (o *pruneOptions) flags(c *cobra.Command, all string) *cobra.Command {
	c.Flags().BoolVarP(&o.force, "force", "f", false, "Do not ask")
	if all != "" {
		c.Flags().BoolVarP(&o.all, "all", "a", false, all)
	}
	return c
}

func (a *app) systemPruneCmd() *cobra.Command {
	var o pruneOptions
	c := verb(groupSystem, "prune [OPTIONS]", "Remove containers that do not run, networks that they were on, images that nothing needs, what builds left in the cache, and compiled code", noArgs, func(c *cobra.Command, _ []string) error {
		what := "This removes all containers that do not run, all networks that no container is on, all images without a name, steps of builds that no image has, and compiled code, which is made again when it is needed."
		if o.all {
			what = "This removes all containers that do not run, all networks that no container is on, all images that no container uses, the whole build cache, and compiled code, which is made again when it is needed."
		}
		if !o.force && !a.confirm(what) {
			return nil
		}
		steps := []pruneStep{a.pruneContainers, a.pruneNetworks, a.pruneImages(o.all), a.pruneBuilds(build.PruneOptions{All: o.all}), a.pruneCode}
		if o.volumes {
			steps = append(steps, a.pruneVolumes(false, nil))
		}
		return a.prune(c.Context(), steps...)
	})
	c.Flags().BoolVar(&o.volumes, "volumes", false, "Also anonymous volumes that no container mounts")
	return o.flags(c, "Remove every image that no container uses, and the whole build cache")
}

func (a *app) containerPruneCmd() *cobra.Command {
	var o pruneOptions
	return o.flags(verb(groupSystem, "prune [OPTIONS]", "Remove all containers that do not run", noArgs, func(c *cobra.Command, _ []string) error {
		if !o.force && !a.confirm("This removes all containers that do not run.") {
			return nil
		}
		return a.prune(c.Context(), a.pruneContainers)
	}), "")
}

func (a *app) imagePruneCmd() *cobra.Command {
	var o pruneOptions
	return o.flags(verb(groupSystem, "prune [OPTIONS]", "Remove images that nothing needs", noArgs, func(c *cobra.Command, _ []string) error {
		if !o.force && !a.confirm("This removes all images without a name, or with -a all that no container uses.") {
			return nil
		}
		return a.prune(c.Context(), a.pruneImages(o.all))
	}), "Remove every image that no container uses")
}

// pruneStep removes one kind of thing, prints what it removed, and returns
// the bytes freed.
type pruneStep func(context.Context, io.Writer) (int64, error)

func (a *app) prune(ctx context.Context, steps ...pruneStep) error {
	var total int64
	for _, step := range steps {
		n, err := step(ctx, a.out)
		if err != nil {
			return err
		}
		total += n
	}
	fmt.Fprintf(a.out, "Total reclaimed space: %s\n", format.Size(total))
	return nil
}

func printDeleted(w io.Writer, head string, lines []string) {
	if len(lines) > 0 {
		fmt.Fprintf(w, "%s:\n%s\n\n", head, strings.Join(lines, "\n"))
	}
}

func (a *app) pruneContainers(ctx context.Context, w io.Writer) (int64, error) {
	e, err := a.engine()
	if err != nil {
		return 0, err
	}
	ids, freed, err := e.PruneContainers(ctx)
	printDeleted(w, "Deleted Containers", ids)
	return freed, err
}

func (a *app) pruneCode(ctx context.Context, _ io.Writer) (int64, error) {
	e, err := a.engine()
	if err != nil {
		return 0, err
	}
	return e.PruneCode(ctx)
}

func (a *app) pruneImages(all bool) pruneStep {
	return func(ctx context.Context, w io.Writer) (int64, error) {
		e, err := a.engine()
		if err != nil {
			return 0, err
		}
		events, freed, err := e.PruneImages(ctx, all)
		var lines []string
		for _, ev := range events {
			lines = append(lines, strings.ToLower(removeLines([]registry.RemoveEvent{ev})[:1])+removeLines([]registry.RemoveEvent{ev})[1:])
		}
		printDeleted(w, "Deleted Images", lines)
		return freed, err
	}
}
