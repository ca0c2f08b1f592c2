package remote

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sbxrun/sbx/registry"
)

// Login checks a user name and password with the registry and stores them: with the credential helper that docker's
// config.json names, or else in that file, or in sbx's own config.json when docker has none. It returns the path of the
// file, or the name of the helper.
func (c *Client) Login(ctx context.Context, host, user, secret string) (stored string, err error) {
	host = loginHost(host)
	if user == "" || secret == "" {
		return "", registry.Errorf(registry.ErrUnauthorized, "a user name and a password are needed to log in to %s", host)
	}
	if strings.Contains(user, ":") {
		return "", registry.Errorf(registry.ErrUnauthorized, "a user name cannot hold a colon")
	}
	if err := c.verify(ctx, host, credential{user: user, secret: secret}); err != nil {
		return "", err
	}
	path := c.creds.writable()
	f, err := readAuthFile(path)
	if err != nil {
		return "", err
	}
	key := keys(host)[0]
	if h := f.helperFor(host); h != "" {
		in, err := json.Marshal(map[string]string{"ServerURL": key, "Username": user, "Secret": secret})
		if err != nil {
			return "", err
		}
		_, err = helper(ctx, h, "store", string(in))
		return "docker-credential-" + h, err
	}
	e := authEntry{Auth: base64.StdEncoding.EncodeToString([]byte(user + ":" + secret))}
	return path, editAuths(path, func(auths map[string]json.RawMessage) error {
		raw, err := json.Marshal(e)
		auths[key] = raw
		return err
	})
}

// Logout removes the stored credentials of a registry wherever they are. found tells whether there were any.
func (c *Client) Logout(ctx context.Context, host string) (found bool, err error) {
	host = loginHost(host)
	for _, path := range c.creds.files() {
		f, err := readAuthFile(path)
		if err != nil {
			return found, err
		}
		if h := f.helperFor(host); h != "" {
			for _, k := range keys(host) {
				if cred, err := helperGet(ctx, h, k); err == nil && !cred.empty() {
					if _, err := helper(ctx, h, "erase", k); err != nil {
						return found, err
					}
					found = true
				}
			}
		}
		if len(f.Auths) == 0 {
			continue
		}
		err = editAuths(path, func(auths map[string]json.RawMessage) error {
			for name := range auths {
				for _, k := range keys(host) {
					if name == k || authHost(name) == k {
						delete(auths, name)
						found = true
					}
				}
			}
			return nil
		})
		if err != nil {
			return found, err
		}
	}
	return found, nil
}

// loginHost is the registry that a user means: "" is docker.io, and a URL is its host.
func loginHost(s string) string {
	if s == "" || s == dockerHubKey {
		return registry.DefaultDomain
	}
	if host := authHost(s); !isHub(host) {
		return host
	}
	return registry.DefaultDomain
}

// helperFor is the credential helper of a host, "" for none.
func (f authFile) helperFor(host string) string {
	for _, k := range keys(host) {
		if h := f.CredHelpers[k]; h != "" {
			return h
		}
	}
	return f.CredsStore
}

// writable is the file that a login goes to.
func (c credentials) writable() string {
	if p := dockerConfigPath(); p != "" {
		if _, err := os.Stat(p); err == nil || os.Getenv("DOCKER_CONFIG") != "" {
			return p
		}
	}
	return filepath.Join(c.home, configFile)
}

// editAuths changes the logins of a config.json and keeps everything else in it.
func editAuths(path string, edit func(map[string]json.RawMessage) error) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	all, auths := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		if err := json.Unmarshal(b, &all); err != nil {
			return fmt.Errorf("%s is not valid, correct it: %w", path, err)
		}
	}
	if raw := all["auths"]; raw != nil {
		if err := json.Unmarshal(raw, &auths); err != nil {
			return fmt.Errorf("%s is not valid, correct it: %w", path, err)
		}
	}
	if err := edit(auths); err != nil {
		return err
	}
	if all["auths"], err = json.Marshal(auths); err != nil {
		return err
	}
	if b, err = json.MarshalIndent(all, "", "\t"); err != nil {
		return err
	}
	return writeSecret(path, append(b, '\n'))
}

// writeSecret replaces a file that only its owner may read.
func writeSecret(path string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".config-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
