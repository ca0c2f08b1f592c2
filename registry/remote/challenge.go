package remote

import (
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// challenge is one WWW-Authenticate challenge (RFC 9110, section 11.6.1).
type challenge struct {
	scheme string // lower-case
	params map[string]string
}

// challenges parses the WWW-Authenticate headers and returns the best one that we can answer: bearer, then basic.
func challenges(h http.Header) (challenge, bool) {
	var all []challenge
	for _, v := range h.Values("WWW-Authenticate") {
		if len(v) <= 8192 {
			all = append(all, parseChallenges(v)...)
		}
	}
	for _, scheme := range []string{"bearer", "basic"} {
		if i := slices.IndexFunc(all, func(c challenge) bool { return c.scheme == scheme }); i >= 0 {
			return all[i], true
		}
	}
	return challenge{}, false
}

// parseChallenges parses one header, which may hold several challenges.
func parseChallenges(s string) (out []challenge) {
	for s = strings.TrimLeft(s, " \t,"); s != ""; s = strings.TrimLeft(s, " \t,") {
		word, rest := token(s)
		if word == "" {
			return out
		}
		if after, ok := strings.CutPrefix(strings.TrimLeft(rest, " \t"), "="); ok && len(out) > 0 {
			var value string
			value, s = paramValue(strings.TrimLeft(after, " \t"))
			out[len(out)-1].params[strings.ToLower(word)] = value
			continue
		}
		out = append(out, challenge{strings.ToLower(word), map[string]string{}})
		s = rest
	}
	return out
}

// token cuts a token of RFC 9110 off s.
func token(s string) (word, rest string) {
	i := strings.IndexFunc(s, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("!#$%&'*+-.^_`|~/", r))
	})
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i:]
}

// paramValue cuts a token or a quoted string off s.
func paramValue(s string) (value, rest string) {
	if !strings.HasPrefix(s, `"`) {
		return token(s)
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:]
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}

// realm is a token server that a challenge named and that has been checked.
type realm struct {
	url     *url.URL
	trusted bool // may get the registry's credentials
}

// checkRealm decides what to do with the token server that a registry names. A server that the registry should not
// be able to send us to is an error; one of another site is asked without credentials.
func checkRealm(raw string, registry *url.URL, allowed []string) (realm, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.User != nil {
		return realm{}, fmt.Errorf("the registry %s names the token server %.200q, which is no URL: refused", registry.Host, raw)
	}
	from, to := registry.Hostname(), u.Hostname()
	switch {
	case u.Scheme == "https":
	case u.Scheme == "http" && registry.Scheme == "http":
	default:
		return realm{}, fmt.Errorf("the registry %s names the token server %.200q, which is not https: refused", registry.Host, raw)
	}
	if isInternal(to) && to != from && !(isLoopback(from) && isLoopback(to)) {
		return realm{}, fmt.Errorf("the registry %s names the token server %.200q, an internal address: refused", registry.Host, raw)
	}
	return realm{u, slices.Contains(allowed, u.Host) || slices.Contains(allowed, to) || sameSite(from, to)}, nil
}

// sameSite tells whether host is of the same site as the registry: the same name, one below it, or one below the
// registry's parent domain (registry-1.docker.io and auth.docker.io; registry.gitlab.com and gitlab.com).
func sameSite(registry, host string) bool {
	registry, host = strings.ToLower(strings.TrimSuffix(registry, ".")), strings.ToLower(strings.TrimSuffix(host, "."))
	if registry == host || isLoopback(registry) && isLoopback(host) {
		return true
	}
	if isAddr(registry) || isAddr(host) {
		return false
	}
	if strings.HasSuffix(host, "."+registry) && strings.Contains(registry, ".") {
		return true
	}
	_, parent, _ := strings.Cut(registry, ".")
	if !strings.Contains(parent, ".") || isSharedSuffix(parent) {
		return false
	}
	return host == parent || strings.HasSuffix(host, "."+parent)
}

func isAddr(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// isSharedSuffix tells whether a domain of two parts looks like one under which strangers register theirs: co.uk,
// com.au, gov.br.
func isSharedSuffix(domain string) bool {
	first, tld, _ := strings.Cut(domain, ".")
	return !strings.Contains(tld, ".") && len(tld) == 2 && len(first) <= 3
}
