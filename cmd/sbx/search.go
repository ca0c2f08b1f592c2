package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/cmd/sbx/format"
)

var searchList = format.List{
	Columns: []format.Column{{Name: "Name", Head: "NAME"}, {Name: "Description", Head: "DESCRIPTION"}, {Name: "Size", Head: "SIZE"}, {Name: "Platform", Head: "PLATFORM"}},
	Default: []string{"Name", "Description", "Size", "Platform"},
}

// descriptionKeys are the labels that describe an image, best first.
var descriptionKeys = []string{"org.opencontainers.image.description", "org.opencontainers.image.title", "org.label-schema.description", "description"}

func (a *app) searchCmd() *cobra.Command {
	var text string
	var noTrunc bool
	c := verb(groupCommon, "search [OPTIONS] TERM", "Search the names and descriptions of local images", exactArgs(1), func(c *cobra.Command, args []string) error {
		return a.search(c.Context(), args[0], text, noTrunc)
	})
	c.Flags().StringVar(&text, "format", "", "Format: table, json, or a Go `template`")
	c.Flags().BoolVar(&noTrunc, "no-trunc", false, "Do not cut descriptions")
	return c
}

func (a *app) search(ctx context.Context, term, text string, noTrunc bool) error {
	e, err := a.engine()
	if err != nil {
		return err
	}
	images, err := e.Images(ctx)
	if err != nil && len(images) == 0 {
		return err
	}
	term = strings.ToLower(term)
	var rows []format.Row
	for _, img := range images {
		description := ""
		for _, k := range descriptionKeys {
			if v := img.Config().Config.Labels[k]; v != "" {
				description = v
				break
			}
		}
		if !noTrunc {
			description = format.Ellipsis(description, createdByCells)
		}
		for _, name := range img.RepoTags() {
			if strings.Contains(strings.ToLower(name), term) || strings.Contains(strings.ToLower(description), term) {
				rows = append(rows, format.Row{"Name": name, "Description": description, "Size": format.Size(img.Size()), "Platform": img.Platform().OS + "/" + img.Platform().Architecture})
			}
		}
	}
	return searchList.Print(a.out, text, rows)
}
