package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// maxSecret bounds a password read from standard input.
const maxSecret = 1 << 16

// loginOptions are the flags of login.
type loginOptions struct {
	user, password string
	fromStdin      bool
}

func (a *app) loginCmd() *cobra.Command {
	var o loginOptions
	c := verb(groupCommon, "login [OPTIONS] [SERVER]", "Log in to a registry", rangeArgs(0, 1), func(c *cobra.Command, args []string) error { return a.login(c, args, o) })
	c.Long = "Log in to a registry; without SERVER to docker.io. The password is checked and then kept where docker\nkeeps it, with its credential helper if one is set up."
	c.Flags().StringVarP(&o.user, "username", "u", "", "User name")
	c.Flags().StringVarP(&o.password, "password", "p", "", "Password (others can see it: better --password-stdin)")
	c.Flags().BoolVar(&o.fromStdin, "password-stdin", false, "Read the password from standard input")
	return c
}

func (a *app) login(c *cobra.Command, args []string, o loginOptions) error {
	if o.fromStdin && o.password != "" {
		return usagef("--password and --password-stdin exclude each other")
	}
	if o.fromStdin && o.user == "" {
		return usagef("--password-stdin needs --username")
	}
	host := ""
	if len(args) == 1 {
		host = args[0]
	}
	if err := a.askLogin(&o); err != nil {
		return err
	}
	e, err := a.engine()
	if err != nil {
		return err
	}
	stored, err := e.Login(c.Context(), host, o.user, o.password)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.err, "The login is kept in %s.\n", stored)
	fmt.Fprintln(a.out, "Login Succeeded")
	return nil
}

// askLogin completes user and password from standard input.
func (a *app) askLogin(o *loginOptions) error {
	if o.fromStdin {
		b, err := io.ReadAll(io.LimitReader(a.in, maxSecret))
		o.password = strings.TrimRight(string(b), "\r\n")
		return err
	}
	if o.user != "" && o.password != "" {
		return nil
	}
	fd := ttyFd(a.in)
	if fd < 0 {
		return exit(1, errors.New("cannot ask for a user name and password without a terminal: use -u and --password-stdin"))
	}
	if o.user == "" {
		fmt.Fprint(a.err, "Username: ")
		line, err := bufio.NewReader(a.in).ReadString('\n')
		if err != nil {
			return err
		}
		o.user = strings.TrimSpace(line)
	}
	if o.password == "" {
		fmt.Fprint(a.err, "Password: ")
		b, err := term.ReadPassword(fd)
		fmt.Fprintln(a.err)
		if err != nil {
			return err
		}
		o.password = string(b)
	}
	return nil
}

func (a *app) logoutCmd() *cobra.Command {
	return verb(groupCommon, "logout [SERVER]", "Forget the login to a registry", rangeArgs(0, 1), func(c *cobra.Command, args []string) error {
		host := ""
		if len(args) == 1 {
			host = args[0]
		}
		e, err := a.engine()
		if err != nil {
			return err
		}
		found, err := e.Logout(c.Context(), host)
		if err != nil {
			return err
		}
		if host == "" {
			host = "docker.io"
		}
		if found {
			fmt.Fprintf(a.out, "Removing login credentials for %s\n", host)
		} else {
			fmt.Fprintf(a.out, "Not logged in to %s\n", host)
		}
		return nil
	})
}
