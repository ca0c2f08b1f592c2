package sandbox

import (
	"fmt"
	"strings"
)

// etcFile is a small file that sbx makes for each container and lays over
// the image's own.
type etcFile struct {
	path string
	text string
}

// etcFiles are the files of resolver and host name.
func etcFiles(c Config, id string, eps []Endpoint) []etcFile {
	host := hostnameOf(c, id)
	return []etcFile{
		{"/etc/hosts", hostsFile(c, host, eps)},
		{"/etc/hostname", host + "\n"},
		{"/etc/resolv.conf", resolvFile(c)},
	}
}

// hostsFile is hosts(5): loopback, the names given, and the container itself.
func hostsFile(c Config, host string, eps []Endpoint) string {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n" +
		"::1\tlocalhost ip6-localhost ip6-loopback\n" +
		"fe00::\tip6-localnet\n" +
		"ff00::\tip6-mcastprefix\n" +
		"ff02::1\tip6-allnodes\n" +
		"ff02::2\tip6-allrouters\n")
	for _, h := range c.ExtraHosts {
		name, addr, _ := strings.Cut(h, ":")
		if addr == hostGateway {
			gateway, ok := gatewayOf(eps)
			if !ok {
				continue // no network leads there
			}
			addr = gateway.String()
		}
		fmt.Fprintf(&b, "%s\t%s\n", addr, name)
	}
	if c.Domainname != "" {
		host = host + "." + c.Domainname + " " + host
	}
	for _, ep := range eps {
		for _, p := range ep.Addresses {
			fmt.Fprintf(&b, "%s\t%s\n", p.Addr(), host)
		}
	}
	if len(eps) == 0 {
		fmt.Fprintf(&b, "127.0.1.1\t%s\n", host)
	}
	return b.String()
}

// resolvFile is resolv.conf(5). Without --dns guests ask the kernel's own name
// server, which asks the host's resolver.
func resolvFile(c Config) string {
	var b strings.Builder
	if len(c.DNSSearch) > 0 {
		fmt.Fprintf(&b, "search %s\n", strings.Join(c.DNSSearch, " "))
	}
	servers := c.DNS
	if len(servers) == 0 && !c.offline() {
		servers = []string{nameServer.String()}
	}
	for _, s := range servers {
		fmt.Fprintf(&b, "nameserver %s\n", s)
	}
	b.WriteString("options ndots:0\n")
	return b.String()
}
