package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-connections/nat"
)

// Publish asks for a port of the host that leads to one of the container.
type Publish struct {
	HostIP string `json:"hostIp,omitempty"` // default: every address of the host, IPv4 and IPv6
	// HostPort is the host's port; 0 is any that is free, and with HostPortEnd
	// the first that is free of that range.
	HostPort    int    `json:"hostPort,omitempty"`
	HostPortEnd int    `json:"hostPortEnd,omitempty"`
	Port        int    `json:"port"`
	Protocol    string `json:"protocol"` // "tcp" or "udp"
}

// PublishedPort is one that is open on the host.
type PublishedPort struct {
	HostIP   string `json:"hostIp"`
	HostPort int    `json:"hostPort"`
	Port     int    `json:"port"`
	Protocol string `json:"protocol"`
}

// Key is the container's side, "80/tcp".
func (p PublishedPort) Key() string { return fmt.Sprintf("%d/%s", p.Port, p.Protocol) }

// HostAddr is the host's side, "0.0.0.0:8080" or "[::]:8080".
func (p PublishedPort) HostAddr() string {
	if a, err := netip.ParseAddr(p.HostIP); err == nil {
		return netip.AddrPortFrom(a, uint16(p.HostPort)).String()
	}
	return p.HostIP + ":" + strconv.Itoa(p.HostPort)
}

// ParsePublish reads docker's -p in all its forms:
// [[HOSTIP:][HOSTPORT[-END]]:]PORT[-END][/tcp|/udp]. A range of ports gives one
// Publish for each.
func ParsePublish(spec string) ([]Publish, error) {
	maps, err := nat.ParsePortSpec(spec)
	if err != nil {
		return nil, fail(ErrInvalid, "invalid port %q: %s: use [HOSTIP:][HOSTPORT:]PORT[/tcp|/udp]", spec, strings.TrimSuffix(strings.ToLower(err.Error()), "."))
	}
	var out []Publish
	for _, m := range maps {
		p := Publish{HostIP: m.Binding.HostIP, Protocol: m.Port.Proto(), Port: m.Port.Int()}
		if p.Protocol != "tcp" && p.Protocol != "udp" {
			return nil, fail(ErrInvalid, "invalid port %q: the protocol %s is not supported: use tcp or udp", spec, p.Protocol)
		}
		if p.HostIP != "" {
			if _, err := netip.ParseAddr(p.HostIP); err != nil {
				return nil, fail(ErrInvalid, "invalid port %q: %q is not an address", spec, p.HostIP)
			}
		}
		first, last, ranged := strings.Cut(m.Binding.HostPort, "-")
		p.HostPort, _ = strconv.Atoi(first)
		if ranged {
			p.HostPortEnd, _ = strconv.Atoi(last)
		}
		out = append(out, p)
	}
	return out, nil
}

// ParseExpose reads docker's --expose, PORT[-END][/tcp|/udp], as "80/tcp" each.
func ParseExpose(spec string) ([]string, error) {
	ports, proto, _ := strings.Cut(spec, "/")
	proto = cmp.Or(strings.ToLower(proto), "tcp")
	first, last, err := nat.ParsePortRange(ports)
	if err != nil || first == 0 || proto != "tcp" && proto != "udp" && proto != "sctp" {
		return nil, fail(ErrInvalid, "invalid port %q to expose: use PORT[-END][/tcp|/udp]", spec)
	}
	var out []string
	for p := first; p <= last; p++ {
		out = append(out, fmt.Sprintf("%d/%s", p, proto))
	}
	return out, nil
}

// exposedPorts are the image's, those of --expose, and those that are published.
func exposedPorts(image map[string]struct{}, c Config) []string {
	set := map[string]struct{}{}
	maps.Copy(set, image)
	for _, p := range c.Expose {
		set[p] = struct{}{}
	}
	for _, p := range c.Publish {
		set[fmt.Sprintf("%d/%s", p.Port, p.Protocol)] = struct{}{}
	}
	return slices.SortedFunc(maps.Keys(set), func(a, b string) int {
		x, _, _ := strings.Cut(a, "/")
		y, _, _ := strings.Cut(b, "/")
		n, _ := strconv.Atoi(x)
		m, _ := strconv.Atoi(y)
		return cmp.Or(cmp.Compare(n, m), cmp.Compare(a, b))
	})
}

// publishes are the ports that a container wants to be open: those asked for,
// and with PublishAll every one that is exposed and not among them.
func (r *Run) publishes() []Publish {
	out := slices.Clone(r.rec.Config.Publish)
	if !r.rec.Config.PublishAll {
		return out
	}
	for _, key := range r.rec.Process.Ports {
		port, proto, _ := strings.Cut(key, "/")
		p := Publish{Protocol: cmp.Or(proto, "tcp")}
		p.Port, _ = strconv.Atoi(port)
		asked := slices.ContainsFunc(r.rec.Config.Publish, func(o Publish) bool { return o.Port == p.Port && o.Protocol == p.Protocol })
		if p.Port > 0 && !asked && (p.Protocol == "tcp" || p.Protocol == "udp") {
			out = append(out, p)
		}
	}
	return out
}

// PortsText is the PORTS column of ps: what is published, and what is only
// exposed; runs of ports that are published alike are one.
func PortsText(published []PublishedPort, exposed []string) string {
	type row struct {
		ip, proto   string
		host, guest int
		last        int // of guest; the host's runs along
	}
	var rows []row
	sorted := slices.Clone(published)
	slices.SortStableFunc(sorted, func(a, b PublishedPort) int {
		return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(strings.Count(a.HostIP, ":"), strings.Count(b.HostIP, ":")), cmp.Compare(a.HostIP, b.HostIP), cmp.Compare(a.Port, b.Port))
	})
	covered := map[string]bool{}
	for _, p := range sorted {
		covered[p.Key()] = true
		if n := len(rows) - 1; n >= 0 && rows[n].ip == p.HostIP && rows[n].proto == p.Protocol && p.Port == rows[n].last+1 && p.HostPort-p.Port == rows[n].host-rows[n].guest {
			rows[n].last = p.Port
			continue
		}
		rows = append(rows, row{ip: p.HostIP, proto: p.Protocol, host: p.HostPort, guest: p.Port, last: p.Port})
	}
	span := func(first, n int) string {
		if n == 0 {
			return strconv.Itoa(first)
		}
		return fmt.Sprintf("%d-%d", first, first+n)
	}
	var out []string
	for _, key := range exposed {
		if !covered[key] {
			out = append(out, key)
		}
	}
	for _, r := range rows {
		ip, n := r.ip, r.last-r.guest
		if strings.Contains(ip, ":") {
			ip = "[" + ip + "]"
		}
		out = append(out, fmt.Sprintf("%s:%s->%s/%s", ip, span(r.host, n), span(r.guest, n), r.proto))
	}
	return strings.Join(out, ", ")
}
