package main

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/build"
)

func (a *app) builderPruneCmd() *cobra.Command {
	var o pruneOptions
	var keep string
	var filters []string
	c := verb(groupImages, "prune [OPTIONS]", "Remove what builds left in the cache", noArgs, func(c *cobra.Command, _ []string) error {
		p, err := cacheOptions(o.all, keep, filters)
		if err != nil {
			return err
		}
		what := "This removes steps of builds that no image has."
		if o.all {
			what = "This removes the whole build cache."
		}
		if !o.force && !a.confirm(what) {
			return nil
		}
		return a.prune(c.Context(), a.pruneBuilds(p))
	})
	c.Flags().StringVar(&keep, "keep-storage", "", "Keep what was used last, up to so many bytes, such as `10GB`")
	c.Flags().StringArrayVar(&filters, "filter", nil, "Remove only what was not used for a time: `until=24h`")
	return o.flags(c, "Remove all, also steps of images, and cache mounts")
}

func cacheOptions(all bool, keep string, filters []string) (p build.PruneOptions, err error) {
	p.All = all
	if keep != "" {
		if p.KeepStorage, err = units.FromHumanSize(keep); err != nil {
			return p, usagef("invalid argument %q for --keep-storage: %v", keep, err)
		}
	}
	for _, f := range filters {
		k, v, _ := strings.Cut(f, "=")
		if k != "until" && k != "unused-for" {
			return p, usagef("invalid filter %q: use until=DURATION", f)
		}
		if p.Until, err = time.ParseDuration(v); err != nil || p.Until < 0 {
			return p, usagef("invalid filter %q: use until=DURATION, such as until=24h", f)
		}
	}
	return p, nil
}

func (a *app) pruneBuilds(o build.PruneOptions) pruneStep {
	return func(ctx context.Context, w io.Writer) (int64, error) {
		e, err := a.engine()
		if err != nil {
			return 0, err
		}
		p, err := build.PruneCache(ctx, e, o)
		printDeleted(w, "Deleted build cache objects", p.IDs)
		return p.Freed, err
	}
}
