package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/cmd/sbx/format"
	"github.com/sbxrun/sbx/sandbox"
)

func (a *app) networkGroup() *cobra.Command {
	return group(groupContainers, "network", "Manage networks",
		a.networkCreateCmd(), alias(a.networkLsCmd(), "list"), a.networkInspectCmd(), alias(a.networkRmCmd(), "remove"),
		a.networkPruneCmd(), a.networkConnectCmd(), a.networkDisconnectCmd())
}

func (a *app) networkCreateCmd() *cobra.Command {
	var o sandbox.NetworkOptions
	var labels []string
	c := verb(groupContainers, "create [OPTIONS] NETWORK", "Make a network, on which containers have names", exactArgs(1), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		o.Name = args[0]
		if o.Labels, err = parseLabels(labels); err != nil {
			return err
		}
		n, err := e.CreateNetwork(c.Context(), o)
		if err == nil {
			fmt.Fprintln(a.out, n.ID)
		}
		return err
	})
	fl := c.Flags()
	fl.StringVarP(&o.Driver, "driver", "d", "bridge", "Driver: bridge")
	fl.BoolVar(&o.Internal, "internal", false, "No way out of the network")
	fl.BoolVar(&o.IPv6, "ipv6", false, "Addresses of IPv6 too")
	fl.StringArrayVar(&o.Subnets, "subnet", nil, "Addresses of the network, as `PREFIX` (default: some that are free)")
	fl.StringArrayVar(&o.Gateways, "gateway", nil, "Address of the host in a subnet (default: its first)")
	fl.StringArrayVar(&labels, "label", nil, "Set a label, `KEY=VALUE`")
	return c
}

var networkList = format.List{
	Columns: []format.Column{
		{Name: "ID", Head: "NETWORK ID"}, {Name: "Name", Head: "NAME"}, {Name: "Driver", Head: "DRIVER"}, {Name: "Scope", Head: "SCOPE"},
		{Name: "CreatedAt", Head: "CREATED AT"}, {Name: "IPv6", Head: "IPV6"}, {Name: "Internal", Head: "INTERNAL"}, {Name: "Labels", Head: "LABELS"},
	},
	Default: []string{"ID", "Name", "Driver", "Scope"},
}

func (a *app) networkLsCmd() *cobra.Command {
	var quiet, noTrunc bool
	var text string
	var filters []string
	c := verb(groupContainers, "ls [OPTIONS]", "List networks", noArgs, func(c *cobra.Command, _ []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		list, err := e.Networks()
		if err != nil {
			return err
		}
		keep, err := filterBy(filters, networkTest, "id, name, label, driver, or type=builtin or custom")
		if err != nil {
			return err
		}
		slices.SortFunc(list, func(x, y sandbox.Network) int { return strings.Compare(x.Name, y.Name) })
		var rows []format.Row
		for _, n := range list {
			if keep(n) {
				rows = append(rows, networkRow(n, noTrunc))
			}
		}
		if quiet && text == "" {
			text = "{{.ID}}"
		}
		return networkList.Print(a.out, text, rows)
	})
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "Show ids only")
	c.Flags().BoolVar(&noTrunc, "no-trunc", false, "Do not cut ids")
	c.Flags().StringArrayVarP(&filters, "filter", "f", nil, "Show networks with `KEY=VALUE`: id, name, label, driver, type")
	c.Flags().StringVar(&text, "format", "", "Format: table, json, or a Go `template`")
	return c
}

func networkRow(n sandbox.Network, full bool) format.Row {
	id := n.ID
	if !full {
		id = sandbox.ShortID(id)
	}
	return format.Row{
		"ID": id, "Name": n.Name, "Driver": networkDriver(n), "Scope": "local", "CreatedAt": format.Time(n.Created),
		"IPv6": fmt.Sprint(networkHasIPv6(n)), "Internal": fmt.Sprint(n.Internal), "Labels": joinLabels(n.Labels), "labels": notNil(n.Labels),
	}
}

func networkDriver(n sandbox.Network) string {
	if n.Name == sandbox.NetworkNone {
		return "null"
	}
	return "bridge"
}

func networkHasIPv6(n sandbox.Network) bool {
	for _, p := range n.Subnets {
		if p.Addr().Is6() {
			return true
		}
	}
	return false
}

// networkTest is one filter of network ls; nil when there is none such.
func networkTest(key, val string) func(sandbox.Network) bool {
	switch {
	case key == "id":
		return func(n sandbox.Network) bool { return strings.HasPrefix(n.ID, val) }
	case key == "name":
		return func(n sandbox.Network) bool { return strings.Contains(n.Name, val) }
	case key == "label":
		return func(n sandbox.Network) bool { return matchLabel(val, n.Labels) }
	case key == "driver":
		return func(n sandbox.Network) bool { return networkDriver(n) == val }
	case key == "type" && (val == "builtin" || val == "custom"):
		return func(n sandbox.Network) bool { return n.Builtin() == (val == "builtin") }
	}
	return nil
}

func (a *app) networkInspectCmd() *cobra.Command {
	var text string
	c := verb(groupContainers, "inspect [OPTIONS] NETWORK [NETWORK...]", "Show everything about networks", rangeArgs(1, -1), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		found := []any{}
		lookup := a.each(args, func(ref string) (string, error) {
			n, err := e.Network(ref)
			if err == nil {
				found = append(found, networkObject(e, n))
			}
			return "", err
		})
		if err := a.printObjects(text, found); err != nil {
			return err
		}
		return lookup
	})
	c.Flags().StringVarP(&text, "format", "f", "", "Format: json, or a Go `template`")
	return c
}

// networkObject has the shape of docker's network inspect.
func networkObject(e *sandbox.Engine, n sandbox.Network) object {
	ipam := []object{}
	for i, p := range n.Subnets {
		ipam = append(ipam, object{"Subnet": p.String(), "Gateway": n.Gateways[i].String()})
	}
	containers := object{}
	for _, ep := range e.Endpoints(n) {
		o := object{"Name": "", "EndpointID": "", "MacAddress": ep.MAC(), "IPv4Address": "", "IPv6Address": ""}
		if c, err := e.Inspect(ep.Container); err == nil {
			o["Name"] = c.Name
		}
		for _, p := range ep.Addresses {
			if p.Addr().Is4() {
				o["IPv4Address"] = p.String()
			} else {
				o["IPv6Address"] = p.String()
			}
		}
		containers[ep.Container] = o
	}
	return object{
		"Name": n.Name, "Id": n.ID, "Created": stamp(n.Created), "Scope": "local", "Driver": networkDriver(n), "EnableIPv4": len(n.Subnets) > 0, "EnableIPv6": networkHasIPv6(n),
		"IPAM": object{"Driver": "default", "Options": object{}, "Config": ipam}, "Internal": n.Internal, "Attachable": false, "Ingress": false,
		"Containers": containers, "Options": object{}, "Labels": notNil(n.Labels),
	}
}

func (a *app) networkRmCmd() *cobra.Command {
	var force bool
	c := verb(groupContainers, "rm [OPTIONS] NETWORK [NETWORK...]", "Remove networks", rangeArgs(1, -1), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		return a.each(args, func(ref string) (string, error) {
			name, err := e.RemoveNetwork(c.Context(), ref)
			return a.forced(force, name, err)
		})
	})
	c.Flags().BoolVarP(&force, "force", "f", false, "Take networks that are not there for removed")
	return c
}

func (a *app) networkPruneCmd() *cobra.Command {
	var o pruneOptions
	return o.flags(verb(groupSystem, "prune [OPTIONS]", "Remove networks that no container is on", noArgs, func(c *cobra.Command, _ []string) error {
		if !o.force && !a.confirm("This removes all networks that no container is on.") {
			return nil
		}
		_, err := a.pruneNetworks(c.Context(), a.out)
		return err
	}), "")
}

func (a *app) pruneNetworks(ctx context.Context, w io.Writer) (int64, error) {
	e, err := a.engine()
	if err != nil {
		return 0, err
	}
	gone, err := e.PruneNetworks(ctx)
	printDeleted(w, "Deleted Networks", gone)
	return 0, err
}

func (a *app) networkConnectCmd() *cobra.Command {
	var at sandbox.Attachment
	c := verb(groupContainers, "connect [OPTIONS] NETWORK CONTAINER", "Put a container on one more network", exactArgs(2), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		at.Network = args[0]
		return e.ConnectNetwork(c.Context(), args[1], at)
	})
	c.Flags().StringArrayVar(&at.Aliases, "alias", nil, "A further name of the container there")
	c.Flags().StringVar(&at.IPv4, "ip", "", "Its IPv4 `ADDRESS`")
	c.Flags().StringVar(&at.IPv6, "ip6", "", "Its IPv6 `ADDRESS`")
	return c
}

func (a *app) networkDisconnectCmd() *cobra.Command {
	var force bool
	c := verb(groupContainers, "disconnect [OPTIONS] NETWORK CONTAINER", "Take a container off a network", exactArgs(2), func(c *cobra.Command, args []string) error {
		e, err := a.engine()
		if err != nil {
			return err
		}
		return e.DisconnectNetwork(c.Context(), args[1], args[0])
	})
	c.Flags().BoolVarP(&force, "force", "f", false, "Accepted; a container that runs is taken off as well")
	return c
}
