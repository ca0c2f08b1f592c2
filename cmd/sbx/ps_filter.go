package main

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/sandbox"
)

// psFilterKeys are the keys that ps filters by.
const psFilterKeys = "id, name, label, status, exited, ancestor, before, since, volume, network, publish, expose, health"

// psTest is one filter of ps.
type psTest func(sandbox.Container) bool

// psFilter combines filters: those of one key with or, keys with and.
func psFilter(ctx context.Context, e *sandbox.Engine, filters []string) (psTest, error) {
	byKey := map[string][]psTest{}
	for _, f := range filters {
		key, val, ok := strings.Cut(f, "=")
		if !ok {
			return nil, usagef("invalid filter %q: use KEY=VALUE", f)
		}
		t, err := psTestOf(ctx, e, key, val)
		if err != nil {
			return nil, err
		}
		byKey[key] = append(byKey[key], t)
	}
	return func(c sandbox.Container) bool {
		for _, tests := range byKey {
			if !slices.ContainsFunc(tests, func(t psTest) bool { return t(c) }) {
				return false
			}
		}
		return true
	}, nil
}

// psStatuses are what docker lets one ask for; some never come about here.
var psStatuses = []string{"created", "restarting", "running", "removing", "paused", "exited", "dead"}

func psTestOf(ctx context.Context, e *sandbox.Engine, key, val string) (psTest, error) {
	switch key {
	case "id":
		return func(c sandbox.Container) bool { return strings.HasPrefix(c.ID, val) }, nil
	case "name":
		return psName(val), nil
	case "label":
		return func(c sandbox.Container) bool { return matchLabel(val, c.Process.Labels) }, nil
	case "status":
		if !slices.Contains(psStatuses, val) {
			return nil, usagef("invalid filter \"status=%s\": use %s", val, strings.Join(psStatuses, ", "))
		}
		return func(c sandbox.Container) bool { return string(c.State.Shown()) == val }, nil
	case "exited":
		code, err := strconv.Atoi(val)
		if err != nil {
			return nil, usagef("invalid filter \"exited=%s\": exited needs an exit code", val)
		}
		return func(c sandbox.Container) bool {
			return c.State.Status == sandbox.StatusExited && c.State.ExitCode == code
		}, nil
	case "ancestor":
		return psAncestor(ctx, e, val), nil
	case "before", "since":
		than, err := e.Inspect(val)
		if err != nil {
			return nil, err
		}
		if key == "before" {
			return func(c sandbox.Container) bool { return c.Created.Before(than.Created) }, nil
		}
		return func(c sandbox.Container) bool { return c.Created.After(than.Created) }, nil
	case "volume":
		return func(c sandbox.Container) bool {
			return slices.ContainsFunc(c.Config.Mounts, func(m sandbox.Mount) bool { return m.Source == val || m.Target == val })
		}, nil
	case "network":
		return func(c sandbox.Container) bool { return onNetwork(e, c, val) }, nil
	case "health":
		if val != "none" && val != string(sandbox.HealthStarting) && val != string(sandbox.HealthHealthy) && val != string(sandbox.HealthUnhealthy) {
			return nil, usagef("invalid filter \"health=%s\": use starting, healthy, unhealthy or none", val)
		}
		return func(c sandbox.Container) bool {
			if c.State.Health == nil {
				return val == "none"
			}
			return string(c.State.Health.Status) == val
		}, nil
	case "publish", "expose":
		return psPort(key, val)
	}
	return nil, usagef("invalid filter %q: use %s", key, psFilterKeys)
}

// psName takes a regular expression, as docker does; names may have a slash before
// them there.
func psName(val string) psTest {
	pattern := strings.TrimPrefix(val, "/")
	if rest, ok := strings.CutPrefix(pattern, "^/"); ok {
		pattern = "^" + rest
	}
	re, err := regexp.Compile(pattern)
	return func(c sandbox.Container) bool { return c.Name == pattern || err == nil && re.MatchString(c.Name) }
}

// psAncestor is for containers of an image, and of images that were made from it.
func psAncestor(ctx context.Context, e *sandbox.Engine, val string) psTest {
	layers := func(name string) (id string, out []registry.Digest) {
		img, err := e.Image(ctx, name)
		if err != nil {
			return "", nil
		}
		for _, l := range img.Layers() {
			out = append(out, l.DiffID)
		}
		return string(img.ID()), out
	}
	id, low := layers(val)
	known := map[string]bool{}
	return func(c sandbox.Container) bool {
		if c.ImageRef == val || id != "" && c.ImageID == id {
			return true
		}
		is, ok := known[c.ImageID]
		if !ok {
			_, high := layers(c.ImageID)
			is = len(low) > 0 && len(high) > len(low) && slices.Equal(low, high[:len(low)])
			known[c.ImageID] = is
		}
		return is
	}
}

// psPort takes PORT[-END][/PROTOCOL].
func psPort(key, val string) (psTest, error) {
	ports, proto, _ := strings.Cut(val, "/")
	if proto == "" {
		proto = "tcp"
	}
	low, high, ranged := strings.Cut(ports, "-")
	from, err := strconv.ParseUint(low, 10, 16)
	to := from
	if ranged && err == nil {
		to, err = strconv.ParseUint(high, 10, 16)
	}
	if err != nil || to < from {
		return nil, usagef("invalid filter \"%s=%s\": use PORT[-END][/udp]", key, val)
	}
	in := func(port string) bool {
		number, of, _ := strings.Cut(port, "/")
		n, err := strconv.ParseUint(number, 10, 16)
		return err == nil && of == proto && from <= n && n <= to
	}
	return func(c sandbox.Container) bool {
		return key == "expose" && slices.ContainsFunc(c.Process.Ports, in) ||
			slices.ContainsFunc(c.State.Ports, func(p sandbox.PublishedPort) bool { return in(p.Key()) })
	}, nil
}

// onNetwork reports whether a container is on a network, by its name or id.
func onNetwork(e *sandbox.Engine, c sandbox.Container, ref string) bool {
	n, err := e.Network(ref)
	return err == nil && slices.ContainsFunc(networkNames(c), func(name string) bool { return name == n.Name || name == n.ID })
}
