package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/cmd/sbx/format"
	"github.com/sbxrun/sbx/sandbox"
)

// commandCells is the width of the COMMAND column's text.
const commandCells = 20

var psColumns = []format.Column{
	{Name: "ID", Head: "CONTAINER ID"}, {Name: "Image", Head: "IMAGE"}, {Name: "Command", Head: "COMMAND"}, {Name: "CreatedAt", Head: "CREATED AT"},
	{Name: "RunningFor", Head: "CREATED"}, {Name: "Status", Head: "STATUS"}, {Name: "State", Head: "STATE"}, {Name: "Ports", Head: "PORTS"},
	{Name: "Names", Head: "NAMES"}, {Name: "Size", Head: "SIZE"}, {Name: "Labels", Head: "LABELS"}, {Name: "Mounts", Head: "MOUNTS"},
	{Name: "LocalVolumes", Head: "LOCAL VOLUMES"}, {Name: "Networks", Head: "NETWORKS"}, {Name: "Platform", Head: "PLATFORM"},
	{Name: "Userland", Head: "USERLAND"}, {Name: "Engine", Head: "ENGINE"},
}

// psOptions are the flags of ps.
type psOptions struct {
	all, quiet, noTrunc, latest, size bool
	last                              int
	filters                           []string
	format                            string
}

func (a *app) psCmd(name string) *cobra.Command {
	var o psOptions
	c := verb(groupCommon, name+" [OPTIONS]", "List containers", noArgs, func(c *cobra.Command, _ []string) error { return a.ps(c.Context(), o) })
	fl := c.Flags()
	fl.BoolVarP(&o.all, "all", "a", false, "Show those too that are not running")
	fl.BoolVarP(&o.quiet, "quiet", "q", false, "Show ids only")
	fl.BoolVar(&o.noTrunc, "no-trunc", false, "Do not cut ids and commands")
	fl.BoolVarP(&o.latest, "latest", "l", false, "Show the latest container, whatever its state")
	fl.IntVarP(&o.last, "last", "n", -1, "Show the last `N` containers, whatever their state")
	fl.BoolVarP(&o.size, "size", "s", false, "Show sizes")
	fl.StringArrayVarP(&o.filters, "filter", "f", nil, "Show containers with `KEY=VALUE`: id, name, label, status, exited, ancestor, volume, network, publish, expose")
	fl.StringVar(&o.format, "format", "", "Format: table, json, or a Go `template`")
	return c
}

func (a *app) ps(ctx context.Context, o psOptions) error {
	e, err := a.engine()
	if err != nil {
		return err
	}
	if o.latest {
		o.last = 1
	}
	all := o.all || o.last >= 0 || slices.ContainsFunc(o.filters, func(f string) bool {
		return strings.HasPrefix(f, "status=") || strings.HasPrefix(f, "exited=")
	})
	list, err := e.List(sandbox.ListOptions{All: all})
	if err != nil {
		return err
	}
	keep, err := psFilter(ctx, e, o.filters)
	if err != nil {
		return err
	}
	var rows []format.Row
	for _, c := range list {
		if o.last >= 0 && len(rows) >= o.last {
			break
		}
		if keep(c) {
			rows = append(rows, psRow(ctx, e, c, o))
		}
	}
	if o.quiet && o.format == "" {
		o.format = "{{.ID}}"
	}
	l := format.List{Columns: psColumns, Default: []string{"ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"}}
	if o.size {
		l.Default = append(l.Default, "Size")
	}
	return l.Print(a.out, o.format, rows)
}

func psRow(ctx context.Context, e *sandbox.Engine, c sandbox.Container, o psOptions) format.Row {
	now, id, command := time.Now(), c.ID, c.Process.Command()
	if !o.noTrunc {
		id, command = sandbox.ShortID(id), format.Ellipsis(command, commandCells)
	}
	status := c.State.Describe(now, units.HumanDuration)
	ports := ""
	if c.State.Status == sandbox.StatusRunning {
		ports = sandbox.PortsText(c.State.Ports, c.Process.Ports)
	}
	size := "N/A"
	if o.size || strings.Contains(o.format, ".Size") {
		size = sizeText(ctx, e, c)
	}
	return format.Row{
		"ID": id, "Image": c.ImageRef, "Command": strconv.Quote(command), "CreatedAt": format.Time(c.Created), "RunningFor": format.Ago(now, c.Created),
		"Status": status, "State": string(c.State.Status), "Ports": ports, "Names": c.Name, "Size": size,
		"Labels": joinLabels(c.Process.Labels), "labels": notNil(c.Process.Labels), "Mounts": joinMounts(c.Config.Mounts),
		"LocalVolumes": strconv.Itoa(countVolumes(c.Config.Mounts)), "Networks": strings.Join(networkNames(c), ","), "Platform": c.Platform,
		"Userland": string(c.Config.Userland), "Engine": c.State.Engine,
	}
}

// sizeText is what the container wrote, and with its image.
func sizeText(ctx context.Context, e *sandbox.Engine, c sandbox.Container) string {
	virtual := c.State.UpperLen
	if img, err := e.Image(ctx, c.ImageID); err == nil {
		virtual += img.Size()
	}
	return fmt.Sprintf("%s (virtual %s)", format.Size(c.State.UpperLen), format.Size(virtual))
}

func joinLabels(m map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+"="+m[k])
	}
	return strings.Join(out, ",")
}

func joinMounts(list []sandbox.Mount) string {
	var out []string
	for _, m := range list {
		if m.Type != sandbox.MountTmpfs {
			out = append(out, m.Source)
		}
	}
	return strings.Join(out, ",")
}

func countVolumes(list []sandbox.Mount) (n int) {
	for _, m := range list {
		if m.Type == sandbox.MountVolume {
			n++
		}
	}
	return n
}

// networkNames are the networks of a container, the default by its name.
func networkNames(c sandbox.Container) (out []string) {
	for _, a := range c.Config.Networks {
		out = append(out, a.Network)
	}
	if out == nil {
		out = []string{sandbox.NetworkBridge}
	}
	return out
}

// psFilter combines filters: those of one key with or, keys with and.
func psFilter(ctx context.Context, e *sandbox.Engine, filters []string) (func(sandbox.Container) bool, error) {
	type test func(sandbox.Container) bool
	byKey := map[string][]test{}
	for _, f := range filters {
		key, val, ok := strings.Cut(f, "=")
		if !ok {
			return nil, usagef("invalid filter %q: use KEY=VALUE", f)
		}
		var t test
		switch key {
		case "id":
			t = func(c sandbox.Container) bool { return strings.HasPrefix(c.ID, val) }
		case "name":
			t = func(c sandbox.Container) bool { return strings.Contains(c.Name, strings.Trim(val, "^$/")) }
		case "label":
			t = func(c sandbox.Container) bool { return matchLabel(val, c.Process.Labels) }
		case "status":
			t = func(c sandbox.Container) bool { return string(c.State.Status) == val }
		case "exited":
			code, err := strconv.Atoi(val)
			if err != nil {
				return nil, usagef("invalid filter %q: exited needs an exit code", f)
			}
			t = func(c sandbox.Container) bool {
				return c.State.Status == sandbox.StatusExited && c.State.ExitCode == code
			}
		case "ancestor":
			id := ""
			if img, err := e.Image(ctx, val); err == nil {
				id = string(img.ID())
			}
			t = func(c sandbox.Container) bool { return c.ImageRef == val || id != "" && c.ImageID == id }
		case "volume":
			t = func(c sandbox.Container) bool {
				return slices.ContainsFunc(c.Config.Mounts, func(m sandbox.Mount) bool { return m.Source == val || m.Target == val })
			}
		case "network":
			t = func(c sandbox.Container) bool { return onNetwork(e, c, val) }
		case "publish", "expose":
			port, proto, _ := strings.Cut(val, "/")
			want := port + "/" + cmp.Or(proto, "tcp")
			t = func(c sandbox.Container) bool {
				if key == "expose" && slices.Contains(c.Process.Ports, want) {
					return true
				}
				return slices.ContainsFunc(c.State.Ports, func(p sandbox.PublishedPort) bool { return p.Key() == want })
			}
		default:
			return nil, usagef("invalid filter %q: use id, name, label, status, exited, ancestor, volume, network, publish or expose", key)
		}
		byKey[key] = append(byKey[key], t)
	}
	return func(c sandbox.Container) bool {
		for _, tests := range byKey {
			if !slices.ContainsFunc(tests, func(t test) bool { return t(c) }) {
				return false
			}
		}
		return true
	}, nil
}

// onNetwork reports whether a container is on a network, by its name or id.
func onNetwork(e *sandbox.Engine, c sandbox.Container, ref string) bool {
	n, err := e.Network(ref)
	return err == nil && slices.ContainsFunc(networkNames(c), func(name string) bool { return name == n.Name || name == n.ID })
}

// completeContainers offers the names of containers to the shell.
func (a *app) completeContainers(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	e, err := a.engine()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	list, _ := e.List(sandbox.ListOptions{All: true})
	var out []string
	for _, c := range list {
		out = append(out, c.Name)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
