package main

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/cmd/sbx/format"
	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/sandbox"
)

const none = "<none>"

var imageColumns = []format.Column{
	{Name: "ID", Head: "IMAGE ID"}, {Name: "Repository", Head: "REPOSITORY"}, {Name: "Tag", Head: "TAG"}, {Name: "Digest", Head: "DIGEST"},
	{Name: "CreatedSince", Head: "CREATED"}, {Name: "CreatedAt", Head: "CREATED AT"}, {Name: "Size", Head: "SIZE"},
	{Name: "VirtualSize", Head: "SIZE"}, {Name: "SharedSize", Head: "SHARED SIZE"}, {Name: "UniqueSize", Head: "UNIQUE SIZE"}, {Name: "Containers", Head: "CONTAINERS"},
}

// imagesOptions are the flags of images.
type imagesOptions struct {
	all, quiet, noTrunc, digests bool
	filters                      []string
	format                       string
}

func (a *app) imagesCmd(name string) *cobra.Command {
	var o imagesOptions
	c := verb(groupCommon, name+" [OPTIONS] [REPOSITORY[:TAG]]", "List images", rangeArgs(0, 1), func(c *cobra.Command, args []string) error {
		if len(args) == 1 {
			o.filters = append(o.filters, "reference="+args[0])
		}
		return a.images(c.Context(), o)
	})
	fl := c.Flags()
	fl.BoolVarP(&o.all, "all", "a", false, "Show all images (there are no hidden ones)")
	fl.BoolVarP(&o.quiet, "quiet", "q", false, "Show ids only")
	fl.BoolVar(&o.noTrunc, "no-trunc", false, "Do not cut ids")
	fl.BoolVar(&o.digests, "digests", false, "Show digests")
	fl.StringArrayVarP(&o.filters, "filter", "f", nil, "Show images with `KEY=VALUE`: reference, dangling, label, before, since")
	fl.StringVar(&o.format, "format", "", "Format: table, json, or a Go `template`")
	return c
}

func (a *app) images(ctx context.Context, o imagesOptions) error {
	e, err := a.engine()
	if err != nil {
		return err
	}
	list, damage := e.Images(ctx)
	if len(list) == 0 && damage != nil {
		return damage
	}
	keep, err := imageFilter(ctx, e, o.filters)
	if err != nil {
		return err
	}
	var rows []format.Row
	for _, img := range list {
		for _, n := range imageNames(img) {
			if keep(img, n) {
				rows = append(rows, imageRow(img, n, o))
			}
		}
	}
	if o.quiet && o.format == "" {
		o.format = "{{.ID}}"
	}
	l := format.List{Columns: imageColumns, Default: []string{"Repository", "Tag", "ID", "CreatedSince", "Size"}}
	if o.digests {
		l.Default = slices.Insert(l.Default, 2, "Digest")
	}
	return errors.Join(l.Print(a.out, o.format, rows), damage)
}

// imageName is one row of an image: a name, or none.
type imageName struct{ repo, tag, digest string }

func imageNames(img registry.Image) []imageName {
	digests := map[string]string{}
	for _, d := range img.RepoDigests() {
		repo, digest, _ := strings.Cut(d, "@")
		digests[repo] = digest
	}
	var out []imageName
	seen := map[string]bool{}
	for _, r := range img.Refs() {
		repo := r.FamiliarName()
		seen[repo] = true
		out = append(out, imageName{repo, orNone(r.Tag), orNone(digests[repo])})
	}
	for _, d := range img.RepoDigests() {
		if repo, digest, _ := strings.Cut(d, "@"); !seen[repo] {
			out = append(out, imageName{repo, none, digest})
		}
	}
	if len(out) == 0 {
		out = []imageName{{none, none, none}}
	}
	return out
}

func orNone(s string) string {
	if s == "" {
		return none
	}
	return s
}

func imageRow(img registry.Image, n imageName, o imagesOptions) format.Row {
	id := string(img.ID())
	if !o.noTrunc {
		id = sandbox.ShortID(strings.TrimPrefix(id, "sha256:"))
	}
	size := format.Size(img.Size())
	return format.Row{
		"ID": id, "Repository": n.repo, "Tag": n.tag, "Digest": n.digest,
		"CreatedSince": format.Ago(time.Now(), img.Created()), "CreatedAt": format.Time(img.Created()),
		"Size": size, "VirtualSize": size, "SharedSize": "N/A", "UniqueSize": "N/A", "Containers": "N/A",
		"labels": notNil(img.Config().Config.Labels),
	}
}

func notNil(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// imageFilter combines filters: those of one key with or, keys with and.
func imageFilter(ctx context.Context, e *sandbox.Engine, filters []string) (func(registry.Image, imageName) bool, error) {
	type test func(registry.Image, imageName) bool
	byKey := map[string][]test{}
	for _, f := range filters {
		key, val, ok := strings.Cut(f, "=")
		if !ok {
			return nil, usagef("invalid filter %q: use KEY=VALUE", f)
		}
		var t test
		switch key {
		case "reference":
			t = func(_ registry.Image, n imageName) bool { return matchReference(val, n) }
		case "dangling":
			want := val == "true" || val == "1"
			t = func(_ registry.Image, n imageName) bool { return (n.tag == none) == want }
		case "label":
			t = func(img registry.Image, _ imageName) bool { return matchLabel(val, img.Config().Config.Labels) }
		case "before", "since":
			other, err := e.Image(ctx, val)
			if err != nil {
				return nil, err
			}
			t = func(img registry.Image, _ imageName) bool {
				if key == "before" {
					return img.Created().Before(other.Created())
				}
				return img.Created().After(other.Created())
			}
		default:
			return nil, usagef("invalid filter %q: use reference, dangling, label, before or since", key)
		}
		byKey[key] = append(byKey[key], t)
	}
	return func(img registry.Image, n imageName) bool {
		for _, tests := range byKey {
			if !slices.ContainsFunc(tests, func(t test) bool { return t(img, n) }) {
				return false
			}
		}
		return true
	}, nil
}

// matchReference matches a pattern with the shell's wildcards against a name,
// whole or its last parts, with or without the tag.
func matchReference(pattern string, n imageName) bool {
	names := []string{n.repo, n.repo + ":" + n.tag}
	if rest, ok := strings.CutPrefix(n.repo, registry.LocalDomain+"/"); ok {
		names = append(names, rest, rest+":"+n.tag)
	}
	if ref, err := registry.ParseRef(pattern); err == nil && !strings.ContainsAny(pattern, "*?[") {
		pattern = ref.FamiliarName() + tagOf(pattern, ref)
	}
	return slices.ContainsFunc(names, func(s string) bool {
		ok, err := path.Match(pattern, s)
		return ok && err == nil
	})
}

// tagOf is ":tag" when the user wrote one.
func tagOf(written string, ref registry.Ref) string {
	if strings.HasSuffix(written, ":"+ref.Tag) {
		return ":" + ref.Tag
	}
	return ""
}

// matchLabel tests "key" or "key=value".
func matchLabel(want string, labels map[string]string) bool {
	key, val, hasVal := strings.Cut(want, "=")
	have, ok := labels[key]
	return ok && (!hasVal || have == val)
}

// completeImages offers the names of local images to the shell.
func (a *app) completeImages(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 && c.Name() == "run" {
		return nil, cobra.ShellCompDirectiveDefault
	}
	e, err := a.engine()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	list, _ := e.Images(context.Background())
	var out []string
	for _, img := range list {
		out = append(out, img.RepoTags()...)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
