package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/cmd/sbx/format"
	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/sandbox"
)

func (a *app) inspectCmd(kind string) *cobra.Command {
	var text string
	use, short := "inspect [OPTIONS] NAME|ID [NAME|ID...]", "Show everything about containers and images"
	typ, size := kind, false
	c := verb(groupContainers, use, short, rangeArgs(1, -1), func(c *cobra.Command, args []string) error {
		return a.inspect(c.Context(), args, typ, text, size)
	})
	c.Flags().StringVarP(&text, "format", "f", "", "Format: json, or a Go `template`")
	c.Flags().BoolVarP(&size, "size", "s", false, "Show the sizes of containers")
	if kind == "" {
		c.Flags().StringVar(&typ, "type", "", "Look for this type only: `container` or image")
	}
	return c
}

func (a *app) inspect(ctx context.Context, args []string, typ, text string, size bool) error {
	if typ != "" && typ != "container" && typ != "image" {
		return usagef("invalid type %q: use container or image", typ)
	}
	e, err := a.engine()
	if err != nil {
		return err
	}
	found := []any{}
	var errs []error
	for _, ref := range args {
		obj, err := inspectOne(ctx, e, ref, typ, size)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found = append(found, obj)
	}
	if err := a.printObjects(text, found); err != nil {
		return err
	}
	return errors.Join(errs...)
}

func (a *app) printObjects(text string, list []any) error {
	switch text {
	case "":
		return format.JSON(a.out, list)
	case "json":
		text = "{{json .}}"
	}
	for _, v := range list {
		if err := format.Value(a.out, text, v); err != nil {
			return err
		}
	}
	return nil
}

func inspectOne(ctx context.Context, e *sandbox.Engine, ref, typ string, size bool) (any, error) {
	if typ != "image" {
		c, err := e.Inspect(ref)
		if err == nil {
			return containerObject(ctx, e, c, size), nil
		}
		if typ == "container" || !errors.Is(err, sandbox.ErrNotFound) {
			return nil, err
		}
	}
	img, err := e.Image(ctx, ref)
	if err == nil {
		return imageObject(img), nil
	}
	if typ == "" && (errors.Is(err, registry.ErrNotFound) || errors.Is(err, registry.ErrInvalidRef)) {
		return nil, fmt.Errorf("no such container or image: %s", ref)
	}
	return nil, err
}

// object keeps its keys for JSON and templates alike.
type object = map[string]any

// containerObject has the shape of docker's container inspect, and a part of
// our own, Sbx, that tells what ran.
func containerObject(ctx context.Context, e *sandbox.Engine, c sandbox.Container, size bool) object {
	st, cfg, p := c.State, c.Config, c.Process
	o := object{
		"Id": c.ID, "Created": stamp(c.Created), "Path": p.Path, "Args": list(p.Args), "Image": c.ImageID, "Name": "/" + c.Name, "Platform": c.Platform, "LogPath": e.LogPath(c.ID), "RestartCount": st.Restarts,
		"State": object{
			"Status": string(st.Status), "Running": st.Active(), "Paused": false, "Restarting": st.Status == sandbox.StatusRestarting, "OOMKilled": st.OOMKilled,
			"Dead": st.Status == sandbox.StatusDead, "Pid": pidOf(st), "ExitCode": st.ExitCode, "Error": st.Error,
			"StartedAt": stamp(st.StartedAt), "FinishedAt": stamp(st.FinishedAt),
		},
		"Config": object{
			"Hostname": hostname(c), "Domainname": cfg.Domainname, "User": p.User, "Tty": cfg.TTY, "OpenStdin": cfg.OpenStdin, "StdinOnce": cfg.StdinOnce,
			"Env": list(p.Env), "Cmd": list(p.Cmd), "Entrypoint": list(p.Entrypoint), "Image": c.ImageRef, "WorkingDir": p.Cwd,
			"Labels": notNil(p.Labels), "StopSignal": p.StopSignal, "ExposedPorts": set(p.Ports), "Volumes": set(p.Volumes),
			"StopTimeout": cfg.StopTimeout,
		},
		"HostConfig": object{
			"Memory": cfg.Memory, "PidsLimit": cfg.PidsLimit, "ReadonlyRootfs": cfg.ReadOnly, "AutoRemove": cfg.AutoRemove, "ShmSize": cfg.ShmSize, "Ulimits": cfg.Ulimits, "NanoCpus": cfg.NanoCPUs,
			"StorageOpt": storageOpt(cfg.StorageSize), "NetworkMode": networkNames(c)[0], "PortBindings": portBindings(cfg.Publish), "PublishAllPorts": cfg.PublishAll, "ExtraHosts": list(cfg.ExtraHosts), "Dns": list(cfg.DNS),
			"DnsSearch": list(cfg.DNSSearch), "GroupAdd": list(cfg.GroupAdd),
			"CapAdd": list(cfg.CapAdd), "CapDrop": list(cfg.CapDrop), "SecurityOpt": list(cfg.SecurityOpt), "Init": cfg.Init,
			"RestartPolicy": object{"Name": string(cmp.Or(cfg.Restart.Mode, sandbox.RestartNo)), "MaximumRetryCount": cfg.Restart.Max},
			"LogConfig":     object{"Type": string(cfg.LogDriver), "Config": notNil(cfg.LogOpts)},
		},
		"Mounts":          mountObjects(e, cfg.Mounts),
		"NetworkSettings": networkSettings(c),
		"Sbx":             object{"Userland": string(cfg.Userland), "Engine": st.Engine},
	}
	if p.Health != nil {
		o["Config"].(object)["Healthcheck"] = p.Health
	}
	if st.Health != nil {
		o["State"].(object)["Health"] = healthObject(st.Health)
	}
	if size {
		o["SizeRw"], o["SizeRootFs"] = st.UpperLen, st.UpperLen
		if img, err := e.Image(ctx, c.ImageID); err == nil {
			o["SizeRootFs"] = st.UpperLen + img.Size()
		}
	}
	return o
}

// pidOf is the sbx that runs a container, 0 when none does.
func pidOf(st sandbox.State) int {
	if st.Status == sandbox.StatusRunning {
		return st.HostPID
	}
	return 0
}

// healthObject is what the probes found, as docker tells it.
func healthObject(h *sandbox.Health) object {
	log := []object{}
	for _, p := range h.Log {
		log = append(log, object{"Start": stamp(p.Start), "End": stamp(p.End), "ExitCode": p.ExitCode, "Output": p.Output})
	}
	return object{"Status": string(h.Status), "FailingStreak": h.FailingStreak, "Log": log}
}

// portBindings are the ports that were asked for.
func portBindings(list []sandbox.Publish) object {
	out := object{}
	for _, p := range list {
		key, host := fmt.Sprintf("%d/%s", p.Port, p.Protocol), ""
		switch {
		case p.HostPortEnd > p.HostPort:
			host = fmt.Sprintf("%d-%d", p.HostPort, p.HostPortEnd)
		case p.HostPort > 0:
			host = fmt.Sprint(p.HostPort)
		}
		old, _ := out[key].([]object)
		out[key] = append(old, object{"HostIp": p.HostIP, "HostPort": host})
	}
	return out
}

// networkSettings are the ports that are open, and the container's places on
// networks, while it runs.
func networkSettings(c sandbox.Container) object {
	ports := object{}
	for _, key := range c.Process.Ports {
		ports[key] = nil
	}
	for _, p := range c.State.Ports {
		old, _ := ports[p.Key()].([]object)
		ports[p.Key()] = append(old, object{"HostIp": p.HostIP, "HostPort": fmt.Sprint(p.HostPort)})
	}
	networks := object{}
	for _, name := range networkNames(c) {
		networks[name] = object{"NetworkID": "", "IPAddress": "", "Gateway": "", "MacAddress": "", "Aliases": nil}
	}
	out := object{"Ports": ports, "IPAddress": "", "Gateway": "", "MacAddress": "", "Networks": networks}
	for _, ep := range c.State.Endpoints {
		o := object{"NetworkID": ep.NetworkID, "MacAddress": ep.MAC(), "Aliases": list(ep.Aliases), "IPAddress": "", "IPPrefixLen": 0, "Gateway": "",
			"GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0, "IPv6Gateway": ""}
		for _, p := range ep.Addresses {
			if p.Addr().Is4() {
				o["IPAddress"], o["IPPrefixLen"] = p.Addr().String(), p.Bits()
			} else {
				o["GlobalIPv6Address"], o["GlobalIPv6PrefixLen"] = p.Addr().String(), p.Bits()
			}
		}
		for _, g := range ep.Gateways {
			if g.Is4() {
				o["Gateway"] = g.String()
			} else {
				o["IPv6Gateway"] = g.String()
			}
		}
		networks[ep.Network] = o
		if ep.Network == sandbox.NetworkBridge {
			out["IPAddress"], out["Gateway"], out["MacAddress"] = o["IPAddress"], o["Gateway"], o["MacAddress"]
		}
	}
	return out
}

func hostname(c sandbox.Container) string {
	if c.Config.Hostname != "" {
		return c.Config.Hostname
	}
	return sandbox.ShortID(c.ID)
}

func mountObjects(e *sandbox.Engine, mounts []sandbox.Mount) []object {
	out := []object{}
	for _, m := range mounts {
		o := object{"Type": string(m.Type), "Source": m.Source, "Destination": m.Target, "RW": !m.ReadOnly}
		if m.Type == sandbox.MountVolume {
			o["Name"], o["Driver"], o["Source"] = m.Source, "local", e.VolumePath(m.Source)
		}
		out = append(out, o)
	}
	return out
}

func storageOpt(size int64) object {
	if size == 0 {
		return object{}
	}
	return object{"size": fmt.Sprint(size)}
}

// imageObject has the shape of docker's image inspect.
func imageObject(img registry.Image) object {
	cfg := img.Config()
	layers := []string{}
	for _, l := range img.Layers() {
		layers = append(layers, string(l.DiffID))
	}
	config := object{
		"User": cfg.Config.User, "Env": list(cfg.Config.Env), "Cmd": list(cfg.Config.Cmd), "Entrypoint": list(cfg.Config.Entrypoint),
		"WorkingDir": cfg.Config.WorkingDir, "Labels": notNil(cfg.Config.Labels), "StopSignal": cfg.Config.StopSignal,
		"ExposedPorts": cfg.Config.ExposedPorts, "Volumes": cfg.Config.Volumes,
	}
	if cfg.Config.Healthcheck != nil {
		config["Healthcheck"] = cfg.Config.Healthcheck
	}
	if len(cfg.Config.OnBuild) > 0 {
		config["OnBuild"] = cfg.Config.OnBuild
	}
	if len(cfg.Config.Shell) > 0 {
		config["Shell"] = cfg.Config.Shell
	}
	return object{
		"Id": string(img.ID()), "RepoTags": list(img.RepoTags()), "RepoDigests": list(img.RepoDigests()), "Created": stamp(img.Created()), "Author": cfg.Author,
		"Architecture": cfg.Architecture, "Variant": cfg.Variant, "Os": cfg.OS, "Size": img.Size(),
		"Config":     config,
		"RootFS":     object{"Type": "layers", "Layers": layers},
		"Descriptor": object{"mediaType": img.Descriptor().MediaType, "digest": string(img.Descriptor().Digest), "size": img.Descriptor().Size},
	}
}

// stamp is a time as docker's JSON has it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// list is never null in JSON.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func set(keys []string) map[string]struct{} {
	out := map[string]struct{}{}
	for _, k := range keys {
		out[strings.TrimSpace(k)] = struct{}{}
	}
	return out
}
