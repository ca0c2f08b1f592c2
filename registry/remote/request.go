package remote

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/sbxrun/sbx/registry"
)

const (
	userAgent    = "sbx/1 (+https://github.com/sbxrun/sbx)"
	maxRedirects = 8
	maxErrorBody = 64 << 10
)

// request is one call of the distribution API. It can be made several times.
type request struct {
	method string
	path   string   // below /v2/
	url    *url.URL // instead of path: where an upload goes on
	query  url.Values
	header http.Header
	body   func() (io.ReadCloser, error)
	size   int64  // of the body
	scope  string // for tokens
	what   string // for messages: what is asked for
	accept []int  // other statuses that are no errors
}

// do makes a request, with authentication, redirects and retries. The response has a good status.
func (c *Client) do(ctx context.Context, ep *endpoint, rq request) (*http.Response, error) {
	var res *http.Response
	err := c.backoff.run(ctx, func() (err error) {
		res, err = c.try(ctx, ep, rq)
		return err
	})
	return res, err
}

// try makes a request once, or twice when the registry asks for another token.
func (c *Client) try(ctx context.Context, ep *endpoint, rq request) (*http.Response, error) {
	if err := ep.probe(ctx); err != nil {
		return nil, err
	}
	for again := false; ; again = true {
		auth, err := ep.authorization(ctx, rq.scope, again)
		if err != nil {
			return nil, err
		}
		res, err := c.send(ctx, ep, rq, auth)
		if err != nil {
			return nil, err
		}
		if res.StatusCode != http.StatusUnauthorized || again {
			return res, checkStatus(res, ep, rq, auth != "")
		}
		ep.mu.Lock()
		err = ep.challenged(ep.base, res.Header)
		ep.mu.Unlock()
		drain(res)
		if err != nil {
			return nil, err
		}
	}
}

// send sends a request and follows redirects. Credentials go to the registry itself only.
func (c *Client) send(ctx context.Context, ep *endpoint, rq request, auth string) (*http.Response, error) {
	u := rq.url
	if u == nil {
		ep.mu.Lock()
		u = ep.base.JoinPath("/v2/", rq.path)
		ep.mu.Unlock()
		if rq.path == "" {
			u.Path = strings.TrimRight(u.Path, "/") + "/"
		}
		u.RawQuery = rq.query.Encode()
	}
	for hop := 0; ; hop++ {
		req, err := c.build(ctx, rq, u)
		if err != nil {
			return nil, err
		}
		if auth != "" && ep.isHere(u) {
			req.Header.Set("Authorization", auth)
		}
		res, err := ep.transportFor(u).RoundTrip(req)
		if err != nil {
			return nil, networkError(u.Host, err)
		}
		location := res.Header.Get("Location")
		if res.StatusCode < 301 || res.StatusCode > 308 || location == "" || (rq.method != http.MethodGet && rq.method != http.MethodHead) {
			return res, nil
		}
		drain(res)
		if hop >= maxRedirects {
			return nil, registry.Errorf(registry.ErrUnavailable, "%s redirects too often: try again later", ep.host)
		}
		if u, err = ep.redirect(u, location); err != nil {
			return nil, err
		}
	}
}

// transportFor verifies certificates of every host but the registry that may do without.
func (ep *endpoint) transportFor(u *url.URL) http.RoundTripper {
	if ep.isHere(u) {
		return ep.transport()
	}
	return ep.c.strict
}

// redirect checks where a registry sends us.
func (ep *endpoint) redirect(from *url.URL, location string) (*url.URL, error) {
	to, err := from.Parse(location)
	if err != nil || to.Host == "" || to.User != nil {
		return nil, registry.Errorf(registry.ErrCorrupt, "%s redirects to %.200q, which is no URL: refused", ep.host, location)
	}
	if to.Scheme != "https" && !(to.Scheme == "http" && from.Scheme == "http") {
		return nil, registry.Errorf(registry.ErrCorrupt, "%s redirects to %.200q, which is not https: refused", ep.host, location)
	}
	if h := to.Hostname(); isInternal(h) && !isInternal(hostname(ep.host)) && h != hostname(ep.host) {
		return nil, registry.Errorf(registry.ErrCorrupt, "%s redirects to %.200q, an internal address: refused", ep.host, location)
	}
	return to, nil
}

// build makes the HTTP request.
func (c *Client) build(ctx context.Context, rq request, u *url.URL) (*http.Request, error) {
	var body io.ReadCloser
	if rq.body != nil {
		var err error
		if body, err = rq.body(); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, rq.method, u.String(), nil)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Body, req.ContentLength = body, rq.size
		if rq.size == 0 {
			body.Close()
			req.Body = http.NoBody
		}
	}
	for k, v := range rq.header {
		req.Header[k] = v
	}
	req.Header.Set("User-Agent", userAgent)
	return req, nil
}

// checkStatus turns bad statuses into errors and closes their bodies.
func checkStatus(res *http.Response, ep *endpoint, rq request, withAuth bool) error {
	if res.StatusCode >= 200 && res.StatusCode < 300 {
		return nil
	}
	for _, s := range rq.accept {
		if s == res.StatusCode {
			return nil
		}
	}
	if retryStatus(res.StatusCode) {
		defer drain(res)
		return newRetryError(res, ep.host)
	}
	detail := errorDetail(res)
	switch res.StatusCode {
	case http.StatusUnauthorized:
		if withAuth {
			return registry.Errorf(registry.ErrUnauthorized, "unauthorized: %s refused the login or it does not allow this%s: log in with 'sbx login %s'", ep.host, detail, ep.host)
		}
		return registry.Errorf(registry.ErrUnauthorized, "unauthorized: authentication required%s: log in with 'sbx login %s'", detail, ep.host)
	case http.StatusForbidden:
		return registry.Errorf(registry.ErrUnauthorized, "denied: %s does not allow this%s: check the name, or log in with 'sbx login %s'", ep.host, detail, ep.host)
	case http.StatusNotFound:
		return registry.Errorf(registry.ErrNotFound, "%s not found in %s%s: check the name and the tag", rq.what, ep.host, detail)
	}
	return registry.Errorf(registry.ErrUnavailable, "%s answered %s%s", ep.host, res.Status, detail)
}

// errorDetail reads the registry's own message (distribution-spec, error codes) and closes the body.
func errorDetail(res *http.Response) string {
	defer res.Body.Close()
	var body struct {
		Errors []struct{ Code, Message string }
	}
	if json.NewDecoder(io.LimitReader(res.Body, maxErrorBody)).Decode(&body) != nil || len(body.Errors) == 0 {
		return ""
	}
	e := body.Errors[0]
	msg := strings.Join(strings.Fields(e.Message), " ")
	if msg == "" {
		msg = e.Code
	}
	if len(msg) > 200 {
		msg = msg[:200] + "…"
	}
	return " (" + strings.Map(printable, msg) + ")"
}

// printable keeps control characters of a registry off the terminal.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
		return -1
	}
	return r
}

// drain lets the connection be used again, if little is left.
func drain(res *http.Response) {
	_, _ = io.CopyN(io.Discard, res.Body, maxErrorBody)
	res.Body.Close()
}

// networkError is a failure to reach a host.
func networkError(host string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if isTLSError(err) {
		return registry.Errorf(registry.ErrNoNetwork, "cannot trust %s: if it is yours, add it to \"insecure-registries\" in config.json: %w", host, err)
	}
	return &retryError{host: host, cause: err, line: "cannot reach " + host + ": check the network, set " + MirrorVariable + ", or load the image from an archive: " + err.Error()}
}
