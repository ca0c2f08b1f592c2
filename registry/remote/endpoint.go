package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/sbxrun/sbx/registry"
)

// endpoint is one registry server.
type endpoint struct {
	c      *Client
	host   string // as in references, with a port: the key of credentials
	mirror bool
	lax    bool // certificates are not verified
	given  *credential

	mu     sync.Mutex
	base   *url.URL // its scheme is "" until the first probe found it
	probed bool
	basic  bool // the registry asked for basic credentials
	server *realm
	params map[string]string
	cred   *credential
	tokens map[string]bearerToken // by scope
}

func (c *Client) newEndpoint(base string) (*endpoint, error) {
	u, err := parseBase(base)
	if err != nil {
		return nil, err
	}
	return &endpoint{c: c, host: u.Host, base: u, lax: c.cfg.insecure(u.Host), tokens: map[string]bearerToken{}}, nil
}

// transport is the one that fits the endpoint's trust.
func (ep *endpoint) transport() http.RoundTripper {
	if ep.lax {
		return ep.c.lax
	}
	return ep.c.strict
}

// probe finds the scheme and the kind of authentication, once.
func (ep *endpoint) probe(ctx context.Context) error {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	if ep.probed {
		return nil
	}
	schemes := []string{ep.base.Scheme}
	if ep.base.Scheme == "" {
		schemes = []string{"https"}
		if ep.lax {
			schemes = append(schemes, "http")
		}
	}
	var err error
	for _, scheme := range schemes {
		u := *ep.base
		u.Scheme = scheme
		if scheme == "http" && !ep.c.cfg.insecure(u.Host) && !ep.mirror {
			return registry.Errorf(registry.ErrNoNetwork, "%s is a plain HTTP registry: add it to \"insecure-registries\" in config.json if you trust it", u.Host)
		}
		if err = ep.ping(ctx, &u); err == nil {
			ep.base, ep.probed = &u, true
			return nil
		}
		var retry *retryError
		if errors.As(err, &retry) && retry.status != 0 {
			return err // it speaks this scheme, but not now
		}
	}
	return err
}

// ping asks for /v2/ and keeps the challenge.
func (ep *endpoint) ping(ctx context.Context, base *url.URL) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath("/v2/").String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", userAgent)
	res, err := ep.transport().RoundTrip(req)
	if err != nil {
		return networkError(base.Host, err)
	}
	defer drain(res)
	if retryStatus(res.StatusCode) {
		return newRetryError(res, base.Host)
	}
	if res.StatusCode == http.StatusUnauthorized {
		return ep.challenged(base, res.Header)
	}
	return nil
}

// challenged keeps what the registry asks for. The caller has the lock.
func (ep *endpoint) challenged(base *url.URL, h http.Header) error {
	ch, ok := challenges(h)
	if !ok {
		return nil
	}
	if ep.basic = ch.scheme == "basic"; ep.basic {
		return nil
	}
	r, err := checkRealm(ch.params["realm"], base, ep.c.cfg.AuthRealms[ep.host])
	if err != nil {
		return registry.Errorf(registry.ErrUnauthorized, "%w", err)
	}
	ep.server, ep.params = &r, ch.params
	return nil
}

// credential finds the user's credentials for the endpoint, once. The caller has the lock.
func (ep *endpoint) credential(ctx context.Context) (credential, error) {
	if ep.given != nil {
		return *ep.given, nil
	}
	if ep.cred == nil {
		cred, err := ep.c.creds.lookup(ctx, ep.host)
		if err != nil {
			return cred, err
		}
		ep.cred = &cred
	}
	return *ep.cred, nil
}

// authorization is the header for a request within a scope, "" for none.
func (ep *endpoint) authorization(ctx context.Context, scope string, fresh bool) (string, error) {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	switch {
	case ep.server != nil:
		t, err := ep.token(ctx, scope, fresh)
		if err != nil || t == "" {
			return "", err
		}
		return "Bearer " + t, nil
	case ep.basic:
		cred, err := ep.credential(ctx)
		if err != nil || cred.user == "" {
			return "", err
		}
		return basicAuth(cred.user, cred.secret), nil
	}
	return "", nil
}

// isHere tells whether a URL belongs to the registry itself, and so may get its credentials.
func (ep *endpoint) isHere(u *url.URL) bool {
	ep.mu.Lock()
	defer ep.mu.Unlock()
	return u.Scheme == ep.base.Scheme && strings.EqualFold(u.Hostname(), ep.base.Hostname()) && port(u) == port(ep.base)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "http" {
		return "80"
	}
	return "443"
}

// isTLSError tells whether a server did not speak TLS, or had a certificate that is not good.
func isTLSError(err error) bool {
	var rec tls.RecordHeaderError
	var cert *tls.CertificateVerificationError
	return errors.As(err, &rec) || errors.As(err, &cert)
}
