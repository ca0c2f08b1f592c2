package remote

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sbxrun/sbx/registry"
)

const (
	maxTokenBody  = 64 << 10
	tokenLifetime = 60 * time.Second // what a token without expires_in is good for, by the token specification
	clientID      = "sbx"
)

// bearerToken is a token and when to ask for another one.
type bearerToken struct {
	value   string
	renewAt time.Time
}

// token returns a token for the scope (https://distribution.github.io/distribution/spec/auth/token/). Only a trusted
// server gets the user's credentials; others are asked anonymously. The caller has the endpoint's lock.
func (ep *endpoint) token(ctx context.Context, scope string, fresh bool) (string, error) {
	if t, ok := ep.tokens[scope]; ok && !fresh && time.Now().Before(t.renewAt) {
		return t.value, nil
	}
	cred, err := ep.credential(ctx)
	if err != nil {
		return "", err
	}
	withheld := !cred.empty() && !ep.server.trusted
	if withheld {
		cred = credential{}
	}
	if cred.bearer != "" {
		return cred.bearer, nil
	}
	res, err := ep.requestToken(ctx, scope, cred)
	if err != nil {
		return "", err
	}
	defer drain(res)
	if res.StatusCode != http.StatusOK {
		if retryStatus(res.StatusCode) {
			return "", newRetryError(res, ep.server.url.Host)
		}
		return "", ep.tokenRefused(cred, withheld)
	}
	return ep.keepToken(scope, res.Body)
}

// tokenRefused says why there is no token.
func (ep *endpoint) tokenRefused(cred credential, withheld bool) error {
	switch {
	case withheld:
		return registry.Errorf(registry.ErrUnauthorized, "the login for %s was not sent to the token server %s, which belongs to another site: add it to \"auth-realms\" in config.json if you trust it", ep.host, ep.server.url.Host)
	case cred.empty():
		return registry.Errorf(registry.ErrUnauthorized, "unauthorized: authentication required: log in with 'sbx login %s'", ep.host)
	}
	return registry.Errorf(registry.ErrUnauthorized, "unauthorized: %s refused the stored login: log in again with 'sbx login %s'", ep.host, ep.host)
}

// requestToken asks the token server: with POST for an identity token, else with GET.
func (ep *endpoint) requestToken(ctx context.Context, scope string, cred credential) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	q := url.Values{}
	if s := ep.params["service"]; s != "" {
		q.Set("service", s)
	}
	var req *http.Request
	var err error
	if cred.identity != "" {
		q.Set("grant_type", "refresh_token")
		q.Set("refresh_token", cred.identity)
		q.Set("client_id", clientID)
		if scope != "" {
			q.Set("scope", scope)
		}
		req, err = http.NewRequestWithContext(ctx, http.MethodPost, ep.server.url.String(), strings.NewReader(q.Encode()))
		if err == nil {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	} else {
		for s := range strings.FieldsSeq(scope) {
			q.Add("scope", s)
		}
		u := *ep.server.url
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += q.Encode()
		req, err = http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err == nil && cred.user != "" {
			req.Header.Set("Authorization", basicAuth(cred.user, cred.secret))
		}
	}
	if err != nil {
		cancel()
		return nil, err
	}
	req.Header.Set("User-Agent", userAgent)
	// A RoundTripper follows no redirects: a token server that moves has to be named by its registry.
	res, err := ep.transport().RoundTrip(req)
	if err != nil {
		cancel()
		return nil, networkError(ep.server.url.Host, err)
	}
	res.Body = &closeFunc{res.Body, cancel}
	return res, nil
}

// keepToken reads the answer of the token server.
func (ep *endpoint) keepToken(scope string, body io.Reader) (string, error) {
	var t struct {
		Token       string `json:"token"`
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	err := json.NewDecoder(io.LimitReader(body, maxTokenBody)).Decode(&t)
	if t.Token == "" {
		t.Token = t.AccessToken
	}
	if err != nil || t.Token == "" || strings.ContainsAny(t.Token, "\r\n") {
		return "", registry.Errorf(registry.ErrUnauthorized, "the token server %s gave no token: try again later", ep.server.url.Host)
	}
	life := time.Duration(t.ExpiresIn) * time.Second
	if life < tokenLifetime {
		life = tokenLifetime
	}
	if len(ep.tokens) > 256 {
		clear(ep.tokens)
	}
	ep.tokens[scope] = bearerToken{t.Token, time.Now().Add(life * 3 / 4)}
	return t.Token, nil
}

func basicAuth(user, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+secret))
}

// closeFunc is a body whose end also ends its context.
type closeFunc struct {
	io.ReadCloser
	then func()
}

func (c *closeFunc) Close() error {
	err := c.ReadCloser.Close()
	c.then()
	return err
}
