package remote

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/registry"
)

// jwtServer is a token server as distribution/distribution wants it: tokens are JSON web tokens, signed with a key whose
// certificate the registry has. ann may do everything, others may pull what is below pub.
type jwtServer struct {
	key  *ecdsa.PrivateKey
	cert []byte

	mu     sync.Mutex
	scopes []string // asked for
}

func newJWTServer(t *testing.T) (s *jwtServer, realm, certFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tokens"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	s = &jwtServer{key: key}
	if s.cert, err = x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key); err != nil {
		t.Fatal(err)
	}
	certFile = filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.cert}), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	return s, srv.URL + "/token", certFile
}

// ServeHTTP answers GET /token?service=…&scope=repository:NAME:ACTIONS.
func (s *jwtServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, secret, given := r.BasicAuth()
	if given && (user != "ann" || secret != "s3cret") {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	q := r.URL.Query()
	s.mu.Lock()
	s.scopes = append(s.scopes, q["scope"]...)
	s.mu.Unlock()
	access := []any{}
	for _, scope := range q["scope"] {
		parts := strings.SplitN(scope, ":", 3)
		if len(parts) != 3 {
			continue
		}
		actions := strings.Split(parts[2], ",")
		if !given {
			actions = slices.DeleteFunc(actions, func(a string) bool { return a != "pull" || !strings.HasPrefix(parts[1], "pub/") })
		}
		access = append(access, map[string]any{"type": parts[0], "name": parts[1], "actions": actions})
	}
	now := time.Now()
	token, err := s.sign(map[string]any{
		"iss": "tokens of the test", "sub": user, "aud": q.Get("service"), "access": access, "jti": fmt.Sprint(now.UnixNano()),
		"iat": now.Unix(), "nbf": now.Add(-time.Minute).Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	})
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "expires_in": 300})
}

// sign makes a JSON web token (RFC 7519) with ES256.
func (s *jwtServer) sign(claims map[string]any) (string, error) {
	head, err := json.Marshal(map[string]any{"typ": "JWT", "alg": "ES256", "x5c": []string{base64.StdEncoding.EncodeToString(s.cert)}})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(text))
	x, y, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		return "", err
	}
	sig := append(x.FillBytes(make([]byte, 32)), y.FillBytes(make([]byte, 32))...)
	return text + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}

// TestDebianRegistryToken has Debian's registry check the tokens that we bring from a token server.
func TestDebianRegistryToken(t *testing.T) {
	srv, realm, cert := newJWTServer(t)
	host := debianRegistry(t, fmt.Sprintf("auth:\n  token: {realm: %q, service: the test, issuer: tokens of the test, rootcertbundle: %q}\n", realm, cert))
	dockerConfig(t, "{}")
	ctx := context.Background()
	c, err := NewClient(t.TempDir(), Options{Backoff: quick})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Login(ctx, host, "ann", "wrong"); !errors.Is(err, registry.ErrUnauthorized) {
		t.Errorf("login with the wrong password: %v", err)
	}
	if _, err := c.Login(ctx, host, "ann", "s3cret"); err != nil {
		t.Fatal(err)
	}
	roundTrip(t, host)
	s := openStore(t, Options{})
	makeOne(t, s, host+"/pub/one")
	mustPush(t, s, host+"/pub/one")
	if _, err := c.Logout(ctx, host); err != nil {
		t.Fatal(err)
	}
	mustPull(t, openStore(t, Options{}), host+"/pub/one", registry.PullOptions{})
	if _, _, err := openStore(t, Options{}).Pull(ctx, mustRef(t, host+"/team/one:v1"), registry.PullOptions{}); !errors.Is(err, registry.ErrUnauthorized) {
		t.Errorf("a private image without a login: %v", err)
	}
	want := []string{"repository:team/one:pull,push", "repository:team/two:pull,push", "repository:team/one:pull", "repository:pub/one:pull"}
	for _, w := range want {
		if !slices.Contains(srv.scopes, w) {
			t.Errorf("no token was asked for with the scope %s", w)
		}
	}
}
