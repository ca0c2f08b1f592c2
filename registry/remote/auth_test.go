package remote

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sbxrun/sbx/registry"
)

// helperMain is a credential helper that keeps one JSON file.
func helperMain(verb, path string) int {
	in, _ := io.ReadAll(os.Stdin)
	all := map[string]map[string]string{}
	if b, err := os.ReadFile(path); err == nil {
		json.Unmarshal(b, &all)
	}
	key := strings.TrimSpace(string(in))
	switch verb {
	case "get":
		if all[key] == nil {
			fmt.Println("credentials not found in native keychain")
			return 1
		}
		json.NewEncoder(os.Stdout).Encode(all[key])
		return 0
	case "store":
		v := map[string]string{}
		json.Unmarshal(in, &v)
		all[v["ServerURL"]] = v
	case "erase":
		delete(all, key)
	}
	b, _ := json.Marshal(all)
	os.WriteFile(path, b, 0o600)
	return 0
}

// useHelper puts this binary on PATH as docker-credential-sbxtest.
func useHelper(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs symbolic links")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(exe, filepath.Join(dir, "docker-credential-sbxtest")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("SBX_TEST_HELPER_FILE", filepath.Join(t.TempDir(), "secrets"))
}

// dockerConfig gives the test a docker config.json of its own.
func dockerConfig(t *testing.T, format string, args ...any) (path string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	path = filepath.Join(dir, configFile)
	if format != "" {
		writeConfig(t, path, format, args...)
	}
	return path
}

func basic64(user, secret string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + secret))
}

// basicWall lets requests with the right login through.
func basicWall(user, secret string) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if u, s, _ := r.BasicAuth(); u != user || s != secret {
				w.Header().Set("WWW-Authenticate", `Negotiate, Basic realm="test, with a comma"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			h.ServeHTTP(w, r)
		})
	}
}

// makeOne makes an image in a store.
func makeOne(t *testing.T, s *registry.Store, name string) registry.Image {
	t.Helper()
	img, err := s.Import(context.Background(), strings.NewReader(string(tarOf(t, "etc/x", "1", "b", noise(100<<10, 4)))), name, registry.ContainerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func mustPush(t *testing.T, s *registry.Store, ref string) registry.PushResult {
	t.Helper()
	res, err := s.Push(context.Background(), mustRef(t, ref), registry.PushOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestBasicAuth(t *testing.T) {
	host := serve(t, basicWall("ann", "s3cret:x"))
	for _, tt := range []struct {
		name, config string
		want         error
	}{
		{"none", `{}`, registry.ErrUnauthorized},
		{"wrong", `{"auths":{"` + host + `":{"auth":"` + basic64("ann", "no") + `"}}}`, registry.ErrUnauthorized},
		{"other host", `{"auths":{"example.com":{"auth":"` + basic64("ann", "s3cret:x") + `"}}}`, registry.ErrUnauthorized},
		{"auth", `{"auths":{"` + host + `":{"auth":"` + basic64("ann", "s3cret:x") + `"}}}`, nil},
		{"url key", `{"auths":{"http://` + host + `/v1/":{"username":"ann","password":"s3cret:x"}}}`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dockerConfig(t, "%s", tt.config)
			s := openStore(t, Options{})
			makeOne(t, s, host+"/x")
			_, err := s.Push(context.Background(), mustRef(t, host+"/x"), registry.PushOptions{})
			if !errors.Is(err, tt.want) || (err != nil && !strings.Contains(err.Error(), "sbx login")) {
				t.Fatalf("push: %v, want %v", err, tt.want)
			}
			if err == nil {
				mustPull(t, openStore(t, Options{}), host+"/x", registry.PullOptions{})
			}
		})
	}
}

func TestLogin(t *testing.T) {
	host := serve(t, basicWall("ann", "pw"))
	path := dockerConfig(t, `{"HttpHeaders":{"x":"y"},"auths":{"other":{"auth":"%s"}}}`, basic64("a", "b"))
	c, err := NewClient(t.TempDir(), Options{Backoff: quick})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Login(context.Background(), host, "ann", "wrong"); !errors.Is(err, registry.ErrUnauthorized) {
		t.Errorf("wrong password: %v", err)
	}
	where, err := c.Login(context.Background(), host, "ann", "pw")
	if err != nil || where != path {
		t.Fatalf("login: %q %v", where, err)
	}
	b, _ := os.ReadFile(path)
	for _, keep := range []string{`"HttpHeaders"`, `"other"`, host} {
		if !strings.Contains(string(b), keep) {
			t.Errorf("config.json lost %s: %s", keep, b)
		}
	}
	s := openStore(t, Options{})
	makeOne(t, s, host+"/x")
	mustPush(t, s, host+"/x")
	if found, err := c.Logout(context.Background(), host); !found || err != nil {
		t.Errorf("logout: %v %v", found, err)
	}
	if b, _ := os.ReadFile(path); strings.Contains(string(b), host) {
		t.Error("still logged in")
	}
	if found, err := c.Logout(context.Background(), host); found || err != nil {
		t.Errorf("second logout: %v %v", found, err)
	}
}

// TestLoginOwnFile logs in where docker has no configuration: sbx's own file takes the login.
func TestLoginOwnFile(t *testing.T) {
	host := serve(t, basicWall("ann", "pw"))
	t.Setenv("DOCKER_CONFIG", "")
	t.Setenv("HOME", t.TempDir())
	t.Setenv("USERPROFILE", os.Getenv("HOME"))
	home := t.TempDir()
	writeConfig(t, filepath.Join(home, configFile), `{"insecure-registries":["x.example"]}`)
	c, err := NewClient(home, Options{Backoff: quick})
	if err != nil {
		t.Fatal(err)
	}
	where, err := c.Login(context.Background(), "http://"+host+"/v2/", "ann", "pw")
	if err != nil || where != filepath.Join(home, configFile) {
		t.Fatalf("%q %v", where, err)
	}
	if cred, err := c.creds.lookup(context.Background(), host); err != nil || cred.secret != "pw" {
		t.Errorf("%+v %v", cred, err)
	}
	if cfg, err := LoadConfig(home); err != nil || !slices.Contains(cfg.Insecure, "x.example") {
		t.Errorf("the rest of config.json is lost: %+v %v", cfg, err)
	}
}

func TestCredentialHelper(t *testing.T) {
	useHelper(t)
	host := serve(t, basicWall("ann", "pw"))
	for _, config := range []string{`{"credsStore":"sbxtest"}`, `{"credHelpers":{"` + host + `":"sbxtest"}}`} {
		path := dockerConfig(t, "%s", config)
		c, _ := NewClient(t.TempDir(), Options{Backoff: quick})
		if where, err := c.Login(context.Background(), host, "ann", "pw"); err != nil || where != "docker-credential-sbxtest" {
			t.Fatalf("%q %v", where, err)
		}
		if b, _ := os.ReadFile(path); strings.Contains(string(b), "auths") {
			t.Errorf("the secret is in the file: %s", b)
		}
		s := openStore(t, Options{})
		makeOne(t, s, host+"/x")
		mustPush(t, s, host+"/x")
		if found, err := c.Logout(context.Background(), host); !found || err != nil {
			t.Errorf("logout: %v %v", found, err)
		}
		if _, err := openStore(t, Options{}).Push(context.Background(), mustRef(t, host+"/x"), registry.PushOptions{}); err == nil {
			t.Error("pushed without a login")
		}
	}
	dockerConfig(t, `{"credsStore":"../evil"}`)
	if _, err := (credentials{t.TempDir()}).lookup(context.Background(), host); err == nil {
		t.Error("a helper with a path is accepted")
	}
}

// tokenServer hands out tokens for scopes, and a wall that wants them.
type tokenServer struct {
	user, secret, identity string // secret "": anybody
	mu                     sync.Mutex
	tokens                 map[string][]string // token to scopes
	logins                 []string            // Authorization headers and forms seen
	uses                   int                 // how often a token is good; 0: always
	used                   map[string]int
}

func newTokenServer(t *testing.T, user, secret string) (*tokenServer, string) {
	t.Helper()
	ts := &tokenServer{user: user, secret: secret, tokens: map[string][]string{}, used: map[string]int{}}
	srv := httptest.NewServer(ts)
	t.Cleanup(srv.Close)
	return ts, srv.URL + "/token"
}

func (ts *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.logins = append(ts.logins, r.Header.Get("Authorization")+r.PostForm.Get("refresh_token"))
	u, s, _ := r.BasicAuth()
	good := ts.secret == "" || u == ts.user && s == ts.secret
	if r.Method == http.MethodPost {
		good = r.PostForm.Get("grant_type") == "refresh_token" && r.PostForm.Get("refresh_token") == ts.identity
	}
	if !good || r.Form.Get("service") != "the service" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	b := make([]byte, 16)
	rand.Read(b)
	tok := hex.EncodeToString(b)
	ts.tokens[tok] = []string{}
	for _, s := range r.Form["scope"] {
		ts.tokens[tok] = append(ts.tokens[tok], strings.Fields(s)...)
	}
	json.NewEncoder(w).Encode(map[string]any{"access_token": tok, "expires_in": 60})
}

// wall lets requests with a token for their repository through.
func (ts *tokenServer) wall(realm string) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			need := "pull"
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				need = "push"
			}
			tok, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
			if ts.allows(tok, r.URL.Path, need) {
				h.ServeHTTP(w, r)
				return
			}
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="%s",service="the service"`, realm))
			w.WriteHeader(http.StatusUnauthorized)
		})
	}
}

func (ts *tokenServer) allows(tok, path, need string) bool {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	scopes, ok := ts.tokens[tok]
	if ts.used[tok]++; !ok || ts.uses > 0 && ts.used[tok] > ts.uses {
		return false
	}
	if path == "/v2/" {
		return true
	}
	for _, s := range scopes {
		parts := strings.Split(s, ":")
		if len(parts) == 3 && strings.HasPrefix(path, "/v2/"+parts[1]+"/") && slices.Contains(strings.Split(parts[2], ","), need) {
			return true
		}
	}
	return false
}

func TestBearer(t *testing.T) {
	ts, realm := newTokenServer(t, "ann", "pw")
	ts.uses = 3 // tokens run out in the middle
	host := serve(t, ts.wall(realm))
	dockerConfig(t, `{"auths":{"%s":{"auth":"%s"}}}`, host, basic64("ann", "pw"))
	s := openStore(t, Options{})
	makeOne(t, s, host+"/a/x")
	mustPush(t, s, host+"/a/x")
	mustPull(t, openStore(t, Options{}), host+"/a/x", registry.PullOptions{})

	t.Run("identity token", func(t *testing.T) {
		ts.identity = "refresh-me"
		dockerConfig(t, `{"auths":{"%s":{"auth":"%s","identitytoken":"refresh-me"}}}`, host, basic64("00000000-0000-0000-0000-000000000000", ""))
		mustPull(t, openStore(t, Options{}), host+"/a/x", registry.PullOptions{})
	})
	t.Run("refused", func(t *testing.T) {
		dockerConfig(t, `{"auths":{"%s":{"auth":"%s"}}}`, host, basic64("ann", "old"))
		_, _, err := openStore(t, Options{}).Pull(context.Background(), mustRef(t, host+"/a/x"), registry.PullOptions{})
		if !errors.Is(err, registry.ErrUnauthorized) || !strings.Contains(err.Error(), "log in again") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("login", func(t *testing.T) {
		dockerConfig(t, "{}")
		c, _ := NewClient(t.TempDir(), Options{Backoff: quick})
		if _, err := c.Login(context.Background(), host, "ann", "pw"); err != nil {
			t.Error(err)
		}
		if _, err := c.Login(context.Background(), host, "ann", "no"); !errors.Is(err, registry.ErrUnauthorized) {
			t.Errorf("wrong password: %v", err)
		}
	})
}

func TestBearerAnonymous(t *testing.T) {
	ts, realm := newTokenServer(t, "", "")
	host := serve(t, ts.wall(realm))
	s := openStore(t, Options{})
	makeOne(t, s, host+"/x")
	mustPush(t, s, host+"/x")
	mustPull(t, openStore(t, Options{}), host+"/x", registry.PullOptions{})
	for _, l := range ts.logins {
		if l != "" {
			t.Errorf("credentials %q were sent without there being any", l)
		}
	}
}

func TestCheckRealm(t *testing.T) {
	for _, tt := range []struct {
		registry, realm string
		ok, trusted     bool
	}{
		{"https://registry-1.docker.io", "https://auth.docker.io/token", true, true},
		{"https://registry.gitlab.com", "https://gitlab.com/jwt/auth", true, true},
		{"https://ghcr.io", "https://ghcr.io/token", true, true},
		{"https://ghcr.io", "https://auth.ghcr.io/token", true, true},
		{"https://quay.io", "https://evil.io/token", true, false},
		{"https://registry.example.com", "https://registry.evil.com/token", true, false},
		{"https://registry.example.com", "https://example.com.evil.com/token", true, false},
		{"https://registry.example.com", "https://notexample.com/token", true, false},
		{"https://shop.co.uk", "https://evil.co.uk/token", true, false},
		{"https://reg.shop.co.uk", "https://auth.shop.co.uk/token", true, true},
		{"https://registry.example.com", "http://auth.example.com/token", false, false},
		{"https://registry.example.com", "https://169.254.169.254/latest/meta-data", false, false},
		{"https://registry.example.com", "https://127.0.0.1/token", false, false},
		{"https://registry.example.com", "https://[::ffff:10.0.0.1]/token", false, false},
		{"https://registry.example.com", "https://localhost/token", false, false},
		{"https://registry.example.com", "file:///etc/passwd", false, false},
		{"https://registry.example.com", "https://u:p@auth.example.com/token", false, false},
		{"https://registry.example.com", "", false, false},
		{"http://127.0.0.1:5000", "http://127.0.0.1:5001/token", true, true},
		{"http://10.1.2.3:5000", "http://10.1.2.3:5001/token", true, true},
		{"http://10.1.2.3:5000", "http://10.1.2.4:5001/token", false, false},
	} {
		u, _ := url.Parse(tt.registry)
		r, err := checkRealm(tt.realm, u, nil)
		if (err == nil) != tt.ok || r.trusted != tt.trusted {
			t.Errorf("%s names %s: %v, trusted %v; want ok %v, trusted %v", tt.registry, tt.realm, err, r.trusted, tt.ok, tt.trusted)
		}
	}
	u, _ := url.Parse("https://registry.example.com")
	if r, err := checkRealm("https://sso.other.net/token", u, []string{"sso.other.net"}); err != nil || !r.trusted {
		t.Errorf("a realm that config.json allows: %v %v", r.trusted, err)
	}
}

// TestCredentialsStayHome has a registry behind basic authentication redirect its blobs to another host and name
// foreign layers elsewhere: neither may see the login.
func TestCredentialsStayHome(t *testing.T) {
	var mu sync.Mutex
	var leaks []string
	hits := 0
	blobs := map[string]string{}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		hits++
		for _, h := range []string{"Authorization", "Cookie", "Proxy-Authorization"} {
			if v := r.Header.Get(h); v != "" {
				leaks = append(leaks, v)
			}
		}
		io.WriteString(w, blobs[r.URL.Path])
	}))
	defer other.Close()
	host := serve(t, func(h http.Handler) http.Handler {
		redirect := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if i := strings.Index(r.URL.Path, "/blobs/sha256:"); i >= 0 && r.Method == http.MethodGet {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, r)
				mu.Lock()
				blobs[r.URL.Path] = rec.Body.String()
				mu.Unlock()
				http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
				return
			}
			h.ServeHTTP(w, r)
		})
		return basicWall("ann", "pw")(redirect)
	})
	dockerConfig(t, `{"auths":{"%s":{"auth":"%s"}}}`, host, basic64("ann", "pw"))
	s := openStore(t, Options{})
	makeOne(t, s, host+"/x")
	mustPush(t, s, host+"/x")
	mustPull(t, openStore(t, Options{}), host+"/x", registry.PullOptions{})
	if len(leaks) > 0 || hits == 0 {
		t.Errorf("%d requests after redirects, leaked %q", hits, leaks)
	}
}

func TestRedirectRules(t *testing.T) {
	ep := &endpoint{host: "registry.example.com"}
	from, _ := url.Parse("https://registry.example.com/v2/x")
	for to, ok := range map[string]bool{
		"https://cdn.example.net/blob": true, "/v2/other": true, "http://cdn.example.net/blob": false, "https://127.0.0.1/x": false,
		"https://169.254.169.254/x": false, "https://10.0.0.8/x": false, "file:///etc/passwd": false, "https://u:p@cdn.example.net/": false,
	} {
		if _, err := ep.redirect(from, to); (err == nil) != ok {
			t.Errorf("%s: %v", to, err)
		}
	}
}

func TestParseChallenges(t *testing.T) {
	h := http.Header{"Www-Authenticate": {`Negotiate, Bearer realm="https://a/b?c=\"d,e\"", service=x , scope = "repository:a:pull,push"`, `Basic realm="r"`}}
	c, ok := challenges(h)
	if !ok || c.scheme != "bearer" || c.params["realm"] != `https://a/b?c="d,e"` || c.params["service"] != "x" || c.params["scope"] != "repository:a:pull,push" {
		t.Errorf("%v %+v", ok, c)
	}
}

func FuzzParseChallenges(f *testing.F) {
	for _, s := range []string{`Bearer realm="x",service=y`, `Basic`, `a=b`, `,,`, `Bearer realm="`, `Bearer realm="\`, "Bearer =,=;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { parseChallenges(s) })
}

func TestForeignLayer(t *testing.T) {
	blob := tarOf(t, "foreign", "1")
	var mu sync.Mutex
	var seen []string
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Header.Get("Authorization"))
		w.Write(blob)
	}))
	defer other.Close()
	host := serve(t, basicWall("ann", "pw"))
	dockerConfig(t, `{"auths":{"%s":{"auth":"%s"}}}`, host, basic64("ann", "pw"))
	c, _ := NewClient(t.TempDir(), Options{Backoff: quick})
	d := makeForeign(blob, other.URL+"/layer")
	rc, err := c.Blob(context.Background(), mustRef(t, host+"/x"), d, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	if got, err := io.ReadAll(rc); err != nil || string(got) != string(blob) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if !slices.Equal(seen, []string{""}) {
		t.Errorf("credentials seen: %q", seen)
	}
	d.URLs = []string{"http://10.0.0.1/x", "file:///etc/passwd"}
	if _, err := c.Blob(context.Background(), mustRef(t, "none.invalid/x"), d, 0); err == nil {
		t.Error("fetched from an internal address")
	}
}
