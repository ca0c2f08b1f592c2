package remote

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/sbxrun/sbx/registry"
)

// Options changes a Client. The zero value is good.
type Options struct {
	Config  *Config       // nil: LoadConfig
	Backoff Backoff       // zero fields keep their defaults
	Stall   time.Duration // how long a body may send nothing; 0: one minute
	Dial    func(ctx context.Context, network, addr string) (net.Conn, error)
}

// Client speaks to registries. It implements registry.Remote and is safe for concurrent use.
type Client struct {
	cfg     Config
	creds   credentials
	backoff Backoff
	stall   time.Duration
	strict  *http.Transport
	lax     *http.Transport // does not verify certificates

	mu        sync.Mutex
	endpoints map[string][]*endpoint
}

var _ registry.Remote = (*Client)(nil)

// New is NewClient with default options, in the form that registry.WithRemote takes.
func New(home string) (registry.Remote, error) {
	return NewClient(home, Options{})
}

// NewClient makes a client with the configuration and logins of home.
func NewClient(home string, o Options) (*Client, error) {
	c := &Client{creds: credentials{home}, backoff: o.Backoff.withDefaults(), stall: o.Stall, endpoints: map[string][]*endpoint{}}
	if c.stall == 0 {
		c.stall = time.Minute
	}
	if o.Config != nil {
		c.cfg = *o.Config
	} else {
		var err error
		if c.cfg, err = LoadConfig(home); err != nil {
			return nil, err
		}
	}
	c.strict = newTransport(o.Dial, false)
	c.lax = newTransport(o.Dial, true)
	return c, nil
}

// newTransport is HTTP/1.1 with a few connections: layers in parallel come faster over their own connections than
// over the shared one of HTTP/2, and cost less.
func newTransport(dial func(ctx context.Context, network, addr string) (net.Conn, error), lax bool) *http.Transport {
	if dial == nil {
		dial = (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dial,
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: lax, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    15 * time.Second,
		ResponseHeaderTimeout:  2 * time.Minute,
		ExpectContinueTimeout:  time.Second,
		IdleConnTimeout:        30 * time.Second,
		MaxIdleConnsPerHost:    8,
		MaxResponseHeaderBytes: 1 << 20,
		DisableCompression:     true,
		ReadBufferSize:         64 << 10,
		WriteBufferSize:        64 << 10,
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
}

// Close ends idle connections.
func (c *Client) Close() error {
	c.strict.CloseIdleConnections()
	c.lax.CloseIdleConnections()
	return nil
}

// endpointsFor lists where to ask for a domain, in order.
func (c *Client) endpointsFor(domain string) ([]*endpoint, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if eps := c.endpoints[domain]; eps != nil {
		return eps, nil
	}
	var eps []*endpoint
	bases := []string{}
	upstream := domain
	if domain == registry.DefaultDomain {
		upstream = "registry-1.docker.io"
		bases = append(bases, c.cfg.StandIn...)
		if len(bases) == 0 {
			bases = append(bases, c.cfg.Mirrors...)
		}
	}
	for _, b := range bases {
		ep, err := c.newEndpoint(b)
		if err != nil {
			return nil, err
		}
		ep.mirror = true
		eps = append(eps, ep)
	}
	if domain != registry.DefaultDomain || len(c.cfg.StandIn) == 0 {
		ep, err := c.newEndpoint(upstream)
		if err != nil {
			return nil, err
		}
		eps = append(eps, ep)
	}
	c.endpoints[domain] = eps
	return eps, nil
}

// verify checks credentials against a registry.
func (c *Client) verify(ctx context.Context, host string, cred credential) error {
	eps, err := c.endpointsFor(host)
	if err != nil {
		return err
	}
	last := eps[len(eps)-1]
	last.mu.Lock()
	ep := &endpoint{c: c, host: last.host, base: last.base, lax: last.lax, given: &cred, tokens: map[string]bearerToken{}}
	last.mu.Unlock()
	res, err := c.do(ctx, ep, request{method: http.MethodGet, path: ""})
	if err != nil {
		return err
	}
	return res.Body.Close()
}
