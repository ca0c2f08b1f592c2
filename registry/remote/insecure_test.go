package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/sbxrun/sbx/registry"
)

// seenRequests is what a server was asked, by connections that may be several.
type seenRequests struct {
	mu   sync.Mutex
	list []string
}

func (s *seenRequests) add(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, what)
}

// take returns the requests and forgets them.
func (s *seenRequests) take() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list, s.list = s.list, nil
	return list
}

// TestPlainHTTP has a registry that speaks plain HTTP under a name that is not loopback.
func TestPlainHTTP(t *testing.T) {
	var seen seenRequests
	host := serve(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			seen.add(r.Host)
			h.ServeHTTP(w, r)
		})
	})
	put(t, host+"/team/app:latest", ggcrImage(t, types.OCIManifestSchema1, tarOf(t, "a", "1")))
	put(t, host+"/library/debian:latest", ggcrImage(t, types.OCIManifestSchema1, tarOf(t, "a", "1")))
	// Every name of the test is this server.
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, host)
	}
	open := func(config string) *registry.Store {
		t.Helper()
		home := t.TempDir()
		writeConfig(t, filepath.Join(home, configFile), "%s", config)
		s, err := registry.Open(home, registry.WithRemote(func(home string) (registry.Remote, error) {
			return NewClient(home, Options{Backoff: quick, Dial: dial})
		}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	for _, tt := range []struct {
		name, config, image string
		ok                  bool
	}{
		{"not allowed", `{}`, "plain.example:5000/team/app", false},
		{"another host is allowed", `{"insecure-registries":["other.example"]}`, "plain.example:5000/team/app", false},
		{"another port is allowed", `{"insecure-registries":["plain.example:5001"]}`, "plain.example:5000/team/app", false},
		{"host and port", `{"insecure-registries":["plain.example:5000"]}`, "plain.example:5000/team/app", true},
		{"host", `{"insecure-registries":["plain.example"]}`, "plain.example:5000/team/app", true},
		{"network", `{"insecure-registries":["10.0.0.0/8"]}`, "10.1.2.3:5000/team/app", true},
		{"another network", `{"insecure-registries":["10.0.0.0/16"]}`, "10.1.2.3:5000/team/app", false},
		{"loopback", `{}`, "127.0.0.9:5000/team/app", true},
		{"localhost", `{}`, "localhost:5000/team/app", true},
		{"loopback of IPv6", `{}`, "[::1]:5000/team/app", true},
		{"a mirror that says http", `{"registry-mirrors":["http://mirror.example"]}`, "debian", true},
		{"a mirror that does not say", `{"registry-mirrors":["mirror.example"]}`, "debian", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seen.take()
			_, _, err := open(tt.config).Pull(context.Background(), mustRef(t, tt.image), registry.PullOptions{})
			if tt.ok != (err == nil) {
				t.Fatalf("pull: %v", err)
			}
			if tt.ok {
				return
			}
			if seen := seen.take(); len(seen) > 0 {
				t.Errorf("requests went out in plain text: %q", seen)
			}
			if !errors.Is(err, registry.ErrNoNetwork) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("a redirect to plain HTTP", func(t *testing.T) {
		ep := &endpoint{host: "registry.example.com"}
		from := mustURL(t, "https://registry.example.com/v2/")
		if _, err := ep.redirect(from, fmt.Sprintf("http://%s/x", host)); err == nil {
			t.Error("followed")
		}
	})
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestRealmOfAnotherSite has a registry send us to a token server of another site: it is asked, without the login.
func TestRealmOfAnotherSite(t *testing.T) {
	var seen seenRequests
	host := serve(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/token") {
				seen.add(r.Host + " " + r.Header.Get("Authorization"))
				w.WriteHeader(http.StatusForbidden)
				return
			}
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="x"`, realmOf[r.Host]))
			w.WriteHeader(http.StatusUnauthorized)
		})
	})
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, host)
	}
	login := basicAuth("ann", "pw")
	for registryHost, realm := range realmOf {
		t.Run(registryHost, func(t *testing.T) {
			seen.take()
			dockerConfig(t, `{"auths":{"%s":{"auth":"%s"}}}`, registryHost, basic64("ann", "pw"))
			c, err := NewClient(t.TempDir(), Options{Backoff: quick, Dial: dial, Config: &Config{
				Insecure: []string{registryHost}, AuthRealms: map[string][]string{"reg.allowed.example": {"sso.partner.example"}},
			}})
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = c.Manifest(context.Background(), mustRef(t, registryHost+"/x"), "latest", 1<<20)
			if !errors.Is(err, registry.ErrUnauthorized) {
				t.Errorf("got %v", err)
			}
			want := realm + " " + login
			if registryHost == "reg.victim.example" {
				want = realm + " "
				if !strings.Contains(err.Error(), "auth-realms") {
					t.Errorf("the error does not say what to do: %v", err)
				}
			}
			if seen := seen.take(); len(seen) == 0 || seen[0] != want {
				t.Errorf("the token server saw %q, want %q", seen, want)
			}
		})
	}
}

// realmOf are registries and the token servers that they name.
var realmOf = map[string]string{
	"reg.victim.example": "tokens.evil.example.net", "reg.good.example": "auth.good.example", "reg.allowed.example": "sso.partner.example",
}
