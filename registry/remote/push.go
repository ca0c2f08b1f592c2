package remote

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/sbxrun/sbx/registry"
)

func pushScope(path string) string { return "repository:" + path + ":pull,push" }

// pushEndpoint is where a domain's images are stored: what stands in for docker.io, but no mirror of it.
func (c *Client) pushEndpoint(ref registry.Ref) (*endpoint, error) {
	eps, err := c.endpointsFor(ref.Domain)
	if err != nil {
		return nil, err
	}
	if len(c.cfg.StandIn) > 0 {
		return eps[0], nil
	}
	return eps[len(eps)-1], nil
}

// PushBlob implements registry.Remote (distribution-spec, "Pushing a blob monolithically": POST, then PUT).
func (c *Client) PushBlob(ctx context.Context, ref registry.Ref, d ocispec.Descriptor, mountFrom string, open func() (io.ReadCloser, error), progress func(int64)) (bool, error) {
	ep, err := c.pushEndpoint(ref)
	if err != nil {
		return false, err
	}
	var mounted bool
	err = c.backoff.run(ctx, func() error {
		mounted, err = c.pushOnce(ctx, ep, ref, d, mountFrom, open, progress)
		return err
	})
	return mounted, err
}

// pushOnce makes one whole upload: a broken one starts again with a new session, as sessions do not outlive their
// connection everywhere.
func (c *Client) pushOnce(ctx context.Context, ep *endpoint, ref registry.Ref, d ocispec.Descriptor, mountFrom string, open func() (io.ReadCloser, error), progress func(int64)) (bool, error) {
	rq := request{method: http.MethodPost, path: ref.Path + "/blobs/uploads/", scope: pushScope(ref.Path), what: "repository " + ref.FamiliarName()}
	rq.body, rq.size = func() (io.ReadCloser, error) { return http.NoBody, nil }, 0
	if mountFrom != "" {
		rq.query = url.Values{"mount": {string(d.Digest)}, "from": {mountFrom}}
		rq.scope += " " + pullScope(mountFrom)
	}
	res, err := c.try(ctx, ep, rq)
	if err != nil {
		return false, err
	}
	drain(res)
	if res.StatusCode == http.StatusCreated {
		return true, nil
	}
	to, err := uploadURL(res, ep)
	if err != nil {
		return false, err
	}
	q := to.Query()
	q.Set("digest", string(d.Digest))
	to.RawQuery = q.Encode()
	put := request{
		method: http.MethodPut, url: to, scope: pushScope(ref.Path), size: d.Size, what: "upload of " + string(d.Digest),
		header: http.Header{"Content-Type": {"application/octet-stream"}},
		body: func() (io.ReadCloser, error) {
			f, err := open()
			if err != nil || progress == nil {
				return f, err
			}
			return &sentReader{f, 0, progress}, nil
		},
	}
	if res, err = c.try(ctx, ep, put); err != nil {
		return false, err
	}
	drain(res)
	return false, nil
}

// uploadURL is where an upload goes on. It may be another host, which then gets no credentials.
func uploadURL(res *http.Response, ep *endpoint) (*url.URL, error) {
	ep.mu.Lock()
	base := *ep.base
	ep.mu.Unlock()
	if res.Request != nil && res.Request.URL != nil {
		base = *res.Request.URL
	}
	location := res.Header.Get("Location")
	if location == "" {
		return nil, registry.Errorf(registry.ErrUnavailable, "%s started an upload without saying where: try again later", ep.host)
	}
	return ep.redirect(&base, location)
}

// sentReader reports what has been sent.
type sentReader struct {
	io.ReadCloser
	n        int64
	progress func(int64)
}

func (s *sentReader) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	s.n += int64(n)
	s.progress(s.n)
	return n, err
}

// PushManifest implements registry.Remote.
func (c *Client) PushManifest(ctx context.Context, ref registry.Ref, reference, mediaType string, body []byte) error {
	ep, err := c.pushEndpoint(ref)
	if err != nil {
		return err
	}
	res, err := c.do(ctx, ep, request{
		method: http.MethodPut, path: ref.Path + "/manifests/" + reference, scope: pushScope(ref.Path),
		header: http.Header{"Content-Type": {mediaType}, "Content-Length": {strconv.Itoa(len(body))}},
		body:   func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(string(body))), nil },
		size:   int64(len(body)), what: "repository " + ref.FamiliarName(),
	})
	if err != nil {
		return err
	}
	drain(res)
	return nil
}
