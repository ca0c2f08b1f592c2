package main

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/cmd/sbx/format"
	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/sandbox"
)

// createdByCells is the width of the CREATED BY column's text.
const createdByCells = 45

var historyList = format.List{
	Columns: []format.Column{
		{Name: "ID", Head: "IMAGE"}, {Name: "CreatedSince", Head: "CREATED"}, {Name: "CreatedAt", Head: "CREATED AT"},
		{Name: "CreatedBy", Head: "CREATED BY"}, {Name: "Size", Head: "SIZE"}, {Name: "Comment", Head: "COMMENT"},
	},
	Default: []string{"ID", "CreatedSince", "CreatedBy", "Size", "Comment"},
}

// historyOptions are the flags of history.
type historyOptions struct {
	quiet, noTrunc, human bool
	format                string
}

func (a *app) historyCmd() *cobra.Command {
	var o historyOptions
	c := verb(groupImages, "history [OPTIONS] IMAGE", "Show how an image was made", exactArgs(1), func(c *cobra.Command, args []string) error {
		return a.history(c.Context(), args[0], o)
	})
	fl := c.Flags()
	fl.BoolVarP(&o.quiet, "quiet", "q", false, "Show ids only")
	fl.BoolVar(&o.noTrunc, "no-trunc", false, "Do not cut ids and commands")
	fl.BoolVarP(&o.human, "human", "H", true, "Sizes and times in words")
	fl.StringVar(&o.format, "format", "", "Format: table, json, or a Go `template`")
	c.ValidArgsFunction = a.completeImages
	return c
}

func (a *app) history(ctx context.Context, name string, o historyOptions) error {
	e, err := a.engine()
	if err != nil {
		return err
	}
	img, err := e.Image(ctx, name)
	if err != nil {
		return err
	}
	if o.quiet && o.format == "" {
		o.format = "{{.ID}}"
	}
	return historyList.Print(a.out, o.format, historyRows(img, e.LayerSizes(img), o))
}

// historyRows lists the steps, the newest first.
func historyRows(img registry.Image, layers []int64, o historyOptions) []format.Row {
	rows := []format.Row{}
	for _, h := range img.History() {
		size := int64(0)
		if !h.EmptyLayer && len(layers) > 0 {
			size, layers = layers[0], layers[1:]
		}
		var created time.Time
		if h.Created != nil {
			created = *h.Created
		}
		by := strings.Join(strings.Fields(h.CreatedBy), " ")
		if !o.noTrunc {
			by = format.Ellipsis(by, createdByCells)
		}
		row := format.Row{
			"ID": "<missing>", "CreatedSince": format.Ago(time.Now(), created), "CreatedAt": created.Format(time.RFC3339),
			"CreatedBy": by, "Size": format.Size(size), "Comment": h.Comment,
		}
		if !o.human {
			row["CreatedSince"], row["Size"] = row["CreatedAt"], strconv.FormatInt(size, 10)
		}
		rows = append(rows, row)
	}
	slices.Reverse(rows)
	if len(rows) > 0 {
		rows[0]["ID"] = string(img.ID())
		if !o.noTrunc {
			rows[0]["ID"] = sandbox.ShortID(strings.TrimPrefix(string(img.ID()), "sha256:"))
		}
	}
	return rows
}
