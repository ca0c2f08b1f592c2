package sandbox

import (
	"context"

	"github.com/sbxrun/sbx/registry/remote"
)

// Login checks a user's name and password with a registry ("" is docker.io)
// and keeps them where docker keeps them. It tells where that is.
func (e *Engine) Login(ctx context.Context, host, user, password string) (stored string, err error) {
	c, err := remote.NewClient(e.home, remote.Options{})
	if err != nil {
		return "", err
	}
	defer c.Close()
	return c.Login(ctx, host, user, password)
}

// Logout forgets the login to a registry; found tells whether there was one.
func (e *Engine) Logout(ctx context.Context, host string) (found bool, err error) {
	c, err := remote.NewClient(e.home, remote.Options{})
	if err != nil {
		return false, err
	}
	defer c.Close()
	return c.Logout(ctx, host)
}
