package remote

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzAuthFile reads config.json files with logins, docker's and ours.
func FuzzAuthFile(f *testing.F) {
	for _, s := range []string{
		`{"auths":{"https://index.docker.io/v1/":{"auth":"` + basic64("ann", "pw") + `"},"x.example:5000":{"username":"u","password":"p"}}}`,
		`{"auths":{"x.example:5000":{"auth":"` + basic64("ann", "p:w\x00\x00") + `","identitytoken":"t"}}}`,
		`{"auths":{"x.example:5000":{"auth":"no base64!"}}}`, `{"auths":{"http://x.example:5000/v1/":{"registrytoken":"t"}}}`,
		`{"auths":null,"credHelpers":{"x.example:5000":"../evil"},"credsStore":"a b"}`, `{"auths":{"":{}},"registry-mirrors":["http://m"],"insecure-registries":["10.0.0.0/8"]}`,
		`{"auths":[]}`, `[]`, `{`, ``, "\xff\xfe", `{"auths":{"x.example:5000":{"auth":""}},"HttpHeaders":{"a":"b"}}`,
	} {
		f.Add([]byte(s))
	}
	home := f.TempDir()
	f.Setenv("DOCKER_CONFIG", filepath.Join(home, "docker"))
	f.Setenv("PATH", "") // helpers that the file names are not to be run
	path := filepath.Join(home, configFile)
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		creds := credentials{home}
		for _, host := range []string{"x.example:5000", "docker.io"} {
			cred, err := creds.lookup(ctx, host)
			if err != nil && !cred.empty() && cred.secret != "" {
				t.Errorf("%v and a secret", err)
			}
			other, err := creds.lookup(ctx, "another.example")
			if err == nil && !other.empty() && !strings.Contains(strings.ToLower(string(b)), "another") && !strings.Contains(string(b), `\u`) {
				t.Errorf("another host gets %+v", other)
			}
		}
		if c, err := LoadConfig(home); err == nil {
			_ = c.insecure("10.0.0.1:5000")
		}
		if c, err := NewClient(home, Options{Backoff: quick}); err == nil {
			_, _ = c.Logout(ctx, "x.example:5000")
			if _, err := readAuthFile(path); err != nil && validBefore(b) {
				t.Errorf("logout damaged the file: %v", err)
			}
		}
	})
}

// validBefore tells whether b could be read as a file of logins.
func validBefore(b []byte) bool {
	dir, err := os.MkdirTemp("", "sbx")
	if err != nil {
		return false
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, configFile)
	if os.WriteFile(path, b, 0o600) != nil {
		return false
	}
	_, err = readAuthFile(path)
	return err == nil
}

// FuzzRealm reads challenges, and the token servers that they name: none may be trusted that is of another site.
func FuzzRealm(f *testing.F) {
	for _, s := range []string{
		`Bearer realm="https://auth.docker.io/token",service="registry.docker.io"`, `Bearer realm="https://registry.example.com@evil.com/"`,
		`Bearer realm="https://evil.com/registry.example.com"`, `Bearer realm="https://registry.example.com.evil.com"`, `Bearer realm="//evil.com"`,
		`Bearer realm="https://[::1]/"`, `Bearer realm="https://0x7f.1/"`, `Basic realm="x", Bearer realm="https://evil.com\\@registry.example.com"`,
	} {
		f.Add(s)
	}
	from, _ := url.Parse("https://registry.example.com")
	f.Fuzz(func(t *testing.T, s string) {
		ch, ok := challenges(http.Header{"Www-Authenticate": {s}})
		if !ok || ch.scheme != "bearer" {
			return
		}
		r, err := checkRealm(ch.params["realm"], from, nil)
		if err != nil || !r.trusted {
			return
		}
		if h := strings.ToLower(strings.TrimSuffix(r.url.Hostname(), ".")); r.url.Scheme != "https" || (h != "example.com" && !strings.HasSuffix(h, ".example.com")) {
			t.Errorf("%q is trusted", r.url)
		}
	})
}
