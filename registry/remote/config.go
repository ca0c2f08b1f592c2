package remote

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Config is what $SBX_HOME/config.json may say about registries.
type Config struct {
	// Mirrors are base URLs that are asked for images of docker.io before docker.io itself is.
	Mirrors []string `json:"registry-mirrors"`
	// Insecure are hosts (with port) that may use plain HTTP or a certificate that nobody vouches for. Loopback
	// addresses always may.
	Insecure []string `json:"insecure-registries"`
	// AuthRealms are hosts of token servers that may get the credentials of a registry although they belong to
	// another site.
	AuthRealms map[string][]string `json:"auth-realms"`

	// StandIn replaces docker.io altogether: $SBX_REGISTRY_MIRROR.
	StandIn []string `json:"-"`
}

// MirrorVariable names the environment variable whose URLs stand in for docker.io.
const MirrorVariable = "SBX_REGISTRY_MIRROR"

const configFile = "config.json"

// LoadConfig reads config.json in home, which need not exist, and the environment.
func LoadConfig(home string) (Config, error) {
	var c Config
	path := filepath.Join(home, configFile)
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	if err == nil {
		if err := json.Unmarshal(b, &c); err != nil {
			return c, fmt.Errorf("%s is not valid, correct it: %w", path, err)
		}
	}
	for m := range strings.SplitSeq(os.Getenv(MirrorVariable), ",") {
		if m = strings.TrimSpace(m); m != "" {
			c.StandIn = append(c.StandIn, m)
		}
	}
	for _, m := range append(c.Mirrors, c.StandIn...) {
		if _, err := parseBase(m); err != nil {
			return c, err
		}
	}
	return c, nil
}

// parseBase parses the base URL of a mirror. A host alone is fine; its scheme is then found out.
func parseBase(s string) (*url.URL, error) {
	full := s
	if !strings.Contains(s, "://") {
		full = "//" + s
	}
	u, err := url.Parse(full)
	if err != nil || u.Host == "" || (u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https") || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("invalid registry mirror %q: want a URL like https://mirror.example.com", s)
	}
	u.Path = strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), "/v2")
	return u, nil
}

// insecure tells whether host (with an optional port) may be spoken to without a valid certificate.
func (c Config) insecure(host string) bool {
	if isLoopback(hostname(host)) {
		return true
	}
	for _, h := range c.Insecure {
		h = strings.TrimPrefix(strings.TrimPrefix(h, "http://"), "https://")
		if h == host || h == hostname(host) || inPrefix(h, hostname(host)) {
			return true
		}
	}
	return false
}

// inPrefix tells whether an entry such as 10.0.0.0/8 covers the host.
func inPrefix(entry, host string) bool {
	p, err := netip.ParsePrefix(entry)
	if err != nil {
		return false
	}
	a, err := netip.ParseAddr(host)
	return err == nil && p.Contains(a)
}

// hostname drops the port and the brackets of an IPv6 address.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

// isLoopback tells whether a host name or address is this machine.
func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// isInternal tells whether a host is an address that the public network cannot mean: what a registry must not send
// us to.
func isInternal(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	a = a.Unmap()
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.IsLinkLocalMulticast() || a.IsUnspecified() || a.IsMulticast()
}
