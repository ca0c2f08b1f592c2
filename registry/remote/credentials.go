package remote

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// credential is what a user has for one registry. The zero value is nothing.
type credential struct {
	user, secret string
	identity     string // an OAuth2 refresh token
	bearer       string // a ready token
}

func (c credential) empty() bool { return c == credential{} }

// dockerHubKey is how docker names docker.io in config.json.
const dockerHubKey = "https://index.docker.io/v1/"

// helperTimeout bounds a credential helper, which may ask the user.
const helperTimeout = 60 * time.Second

// authFile is the part of docker's config.json that this package reads. sbx's own file has the same form.
type authFile struct {
	Auths       map[string]authEntry `json:"auths"`
	CredsStore  string               `json:"credsStore"`
	CredHelpers map[string]string    `json:"credHelpers"`
}

type authEntry struct {
	Auth          string `json:"auth,omitempty"`
	Username      string `json:"username,omitempty"`
	Password      string `json:"password,omitempty"`
	IdentityToken string `json:"identitytoken,omitempty"`
	RegistryToken string `json:"registrytoken,omitempty"`
}

// credentials finds credentials in sbx's and in docker's files.
type credentials struct{ home string }

// dockerConfigPath is docker's config.json: in $DOCKER_CONFIG or ~/.docker.
func dockerConfigPath() string {
	dir := os.Getenv("DOCKER_CONFIG")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(home, ".docker")
	}
	return filepath.Join(dir, configFile)
}

// files are the places to look, best first.
func (c credentials) files() []string {
	out := []string{filepath.Join(c.home, configFile)}
	if p := dockerConfigPath(); p != "" {
		out = append(out, p)
	}
	return out
}

// lookup finds the credentials for a registry host, as named in references.
func (c credentials) lookup(ctx context.Context, host string) (credential, error) {
	for _, path := range c.files() {
		f, err := readAuthFile(path)
		if err != nil {
			return credential{}, err
		}
		cred, err := f.lookup(ctx, host)
		if err != nil || !cred.empty() {
			return cred, err
		}
	}
	return credential{}, nil
}

func readAuthFile(path string) (authFile, error) {
	var f authFile
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return f, fmt.Errorf("%s is not valid, correct it: %w", path, err)
	}
	return f, nil
}

// keys are the names under which a host may be stored.
func keys(host string) []string {
	if isHub(host) {
		return []string{dockerHubKey, "docker.io", "index.docker.io", "registry-1.docker.io"}
	}
	return []string{host}
}

func isHub(host string) bool {
	return host == "docker.io" || host == "index.docker.io" || host == "registry-1.docker.io"
}

// lookup asks the host's helper, then the common one, then the file itself.
func (f authFile) lookup(ctx context.Context, host string) (credential, error) {
	for _, k := range keys(host) {
		if h := f.CredHelpers[k]; h != "" {
			return helperGet(ctx, h, k)
		}
	}
	if f.CredsStore != "" {
		for _, k := range keys(host) {
			if cred, err := helperGet(ctx, f.CredsStore, k); err != nil || !cred.empty() {
				return cred, err
			}
		}
	}
	for _, k := range keys(host) {
		for name, e := range f.Auths {
			if name == k || authHost(name) == k {
				if cred, err := e.credential(name); err != nil || !cred.empty() {
					return cred, err
				}
			}
		}
	}
	return credential{}, nil
}

// authHost is the host of a key that is a URL.
func authHost(key string) string {
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	host, _, _ := strings.Cut(key, "/")
	return host
}

func (e authEntry) credential(key string) (credential, error) {
	c := credential{user: e.Username, secret: e.Password, identity: e.IdentityToken, bearer: e.RegistryToken}
	if e.Auth == "" {
		return c, nil
	}
	b, err := base64.StdEncoding.DecodeString(e.Auth)
	user, secret, ok := strings.Cut(string(b), ":")
	if err != nil || !ok {
		return c, fmt.Errorf("the stored login for %s is not valid: log in again with 'sbx login'", key)
	}
	c.user, c.secret = user, strings.TrimRight(secret, "\x00")
	return c, nil
}

// errNoCredentials is what helpers print when they have nothing.
const errNoCredentials = "credentials not found"

// helper runs a docker credential helper (github.com/docker/docker-credential-helpers, its README).
func helper(ctx context.Context, name, verb, input string) ([]byte, error) {
	if name == "" || strings.ContainsAny(name, `/\ `) {
		return nil, fmt.Errorf("invalid credential helper %q in config.json", name)
	}
	ctx, cancel := context.WithTimeout(ctx, helperTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "docker-credential-"+name, verb)
	cmd.Stdin = strings.NewReader(input)
	cmd.WaitDelay = time.Second
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		msg := strings.TrimSpace(out.String() + " " + errOut.String())
		if len(msg) > 300 {
			msg = msg[:300]
		}
		return nil, fmt.Errorf("credential helper docker-credential-%s: %s: %w", name, msg, err)
	}
	return out.Bytes(), nil
}

func helperGet(ctx context.Context, name, key string) (credential, error) {
	out, err := helper(ctx, name, "get", key)
	if err != nil {
		if strings.Contains(err.Error(), errNoCredentials) {
			return credential{}, nil
		}
		return credential{}, err
	}
	var v struct{ Username, Secret string }
	if err := json.Unmarshal(out, &v); err != nil {
		return credential{}, fmt.Errorf("credential helper docker-credential-%s answered badly: %w", name, err)
	}
	if v.Username == "<token>" {
		return credential{identity: v.Secret}, nil
	}
	return credential{user: v.Username, secret: v.Secret}, nil
}
