package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/sbxrun/sbx/registry"
)

// fallback asks the endpoints of a domain in order, until one has an answer. An error of the last one counts, unless
// an earlier one was reached and the last was not.
func (c *Client) fallback(ref registry.Ref, f func(*endpoint) error) error {
	eps, err := c.endpointsFor(ref.Domain)
	if err != nil {
		return err
	}
	var first error
	for i, ep := range eps {
		err := f(ep)
		if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		if first == nil {
			first = err
		}
		if i == len(eps)-1 {
			if errors.Is(err, registry.ErrNoNetwork) {
				return first
			}
			return err
		}
	}
	return nil
}

// Manifest implements registry.Remote.
func (c *Client) Manifest(ctx context.Context, ref registry.Ref, reference string, limit int64) (body []byte, mediaType string, err error) {
	err = c.fallback(ref, func(ep *endpoint) error {
		return c.backoff.run(ctx, func() error {
			res, err := c.try(ctx, ep, manifestRequest(http.MethodGet, ref, reference))
			if err != nil {
				return err
			}
			defer res.Body.Close()
			body, err = io.ReadAll(io.LimitReader(res.Body, limit+1))
			if err != nil {
				return networkError(ep.host, err)
			}
			if int64(len(body)) > limit {
				return registry.Errorf(registry.ErrTooLarge, "the manifest of %s is larger than %d bytes: refused", ref.Familiar(), limit)
			}
			mediaType = res.Header.Get("Content-Type")
			return nil
		})
	})
	return body, mediaType, err
}

func manifestRequest(method string, ref registry.Ref, reference string) request {
	return request{
		method: method, path: ref.Path + "/manifests/" + reference, scope: pullScope(ref.Path),
		header: http.Header{"Accept": registry.ManifestTypes()},
		what:   "manifest for " + ref.FamiliarName() + separator(reference) + reference,
	}
}

func separator(reference string) string {
	if strings.Contains(reference, ":") {
		return "@"
	}
	return ":"
}

func pullScope(path string) string { return "repository:" + path + ":pull" }

// Head implements registry.Remote.
func (c *Client) Head(ctx context.Context, ref registry.Ref, reference string) (d registry.Digest, err error) {
	err = c.fallback(ref, func(ep *endpoint) error {
		res, err := c.do(ctx, ep, manifestRequest(http.MethodHead, ref, reference))
		if err != nil {
			return err
		}
		res.Body.Close()
		d, _ = registry.ParseDigest(res.Header.Get("Docker-Content-Digest"))
		return nil
	})
	if err != nil {
		d = ""
	}
	return d, err
}

// HasBlob implements registry.Remote.
func (c *Client) HasBlob(ctx context.Context, ref registry.Ref, d registry.Digest) (bool, error) {
	ep, err := c.pushEndpoint(ref)
	if err != nil {
		return false, err
	}
	res, err := c.do(ctx, ep, request{
		method: http.MethodHead, path: ref.Path + "/blobs/" + string(d), scope: pushScope(ref.Path),
		what: "blob " + string(d), accept: []int{http.StatusNotFound},
	})
	if err != nil {
		return false, err
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK, nil
}

// Blob implements registry.Remote.
func (c *Client) Blob(ctx context.Context, ref registry.Ref, d ocispec.Descriptor, offset int64) (rc io.ReadCloser, err error) {
	err = c.fallback(ref, func(ep *endpoint) error {
		b := &blob{c: c, ctx: ctx, ep: ep, off: offset, size: d.Size}
		b.rq = request{
			method: http.MethodGet, path: ref.Path + "/blobs/" + string(d.Digest), scope: pullScope(ref.Path),
			what: "blob " + string(d.Digest),
		}
		if err := b.open(); err != nil {
			return err
		}
		rc = b
		return nil
	})
	if err != nil && len(d.URLs) > 0 && registry.IsForeign(d.MediaType) {
		return c.foreign(ctx, ref, d, offset, err)
	}
	return rc, err
}

// foreign fetches a layer from the URLs of its descriptor, anonymously.
func (c *Client) foreign(ctx context.Context, ref registry.Ref, d ocispec.Descriptor, offset int64, first error) (io.ReadCloser, error) {
	for _, raw := range d.URLs[:min(len(d.URLs), 8)] {
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && !(u.Scheme == "http" && isLoopback(u.Hostname()))) {
			continue
		}
		if isInternal(u.Hostname()) && !isInternal(hostname(ref.Domain)) {
			continue
		}
		// An endpoint of its own has neither tokens nor logins of the registry.
		ep := &endpoint{c: c, host: u.Host, base: &url.URL{Scheme: u.Scheme, Host: u.Host}, probed: true, given: &credential{}, tokens: map[string]bearerToken{}}
		b := &blob{c: c, ctx: ctx, ep: ep, off: offset, size: d.Size, rq: request{method: http.MethodGet, url: u, what: "foreign layer " + string(d.Digest)}}
		if err := b.open(); err == nil {
			return b, nil
		}
	}
	return nil, first
}
