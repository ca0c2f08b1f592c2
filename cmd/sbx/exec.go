package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/sandbox"
)

func (a *app) execCmd() *cobra.Command {
	var cfg sandbox.ExecConfig
	var env, envFiles []string
	var keys string
	c := verb(groupCommon, "exec [OPTIONS] CONTAINER COMMAND [ARG...]", "Run a further command in a running container", rangeArgs(2, -1), func(c *cobra.Command, args []string) error {
		codes, err := detachKeys(c.Flags(), keys)
		if err != nil {
			return err
		}
		if cfg.Env, err = readEnv(env, envFiles); err != nil {
			return err
		}
		cfg.Cmd = args[1:]
		return execError(a.exec(c.Context(), args[0], cfg, codes))
	})
	c.Long = "Run a further command in a running container, as another process there. Exit codes: the command's own;\n" +
		"1 there is no such container that runs, or no such user; 125 sbx failed, or was used wrongly; 126 the command cannot run; 127 it was not found; 128+n it was killed by signal n."
	c.Example = "  sbx exec -it web bash\n  sbx exec -u www-data -e A=1 web env"
	fl := c.Flags()
	fl.SetInterspersed(false)
	fl.BoolVarP(&cfg.Detach, "detach", "d", false, "Leave it running in the background")
	fl.BoolVarP(&cfg.Stdin, "interactive", "i", false, "Connect standard input")
	fl.BoolVarP(&cfg.TTY, "tty", "t", false, "Give the command a terminal")
	fl.StringArrayVarP(&env, "env", "e", nil, "Set `NAME=VALUE`; NAME alone takes the host's value")
	fl.StringArrayVar(&envFiles, "env-file", nil, "Read environment variables from `FILE`")
	fl.StringVarP(&cfg.User, "user", "u", "", "User, as `name|uid[:group|gid]`")
	fl.StringVarP(&cfg.WorkingDir, "workdir", "w", "", "Working directory")
	registerKeys(fl, &keys)
	c.ValidArgsFunction = a.completeContainers
	return c
}

// execError gives errors the exit codes of docker's exec: 126 and 127 as run has
// them, 1 for those that nothing was started for.
func execError(err error) error {
	err = engineError(err)
	var e *exitError
	if errors.As(err, &e) && e.code == sandbox.ExitEngine && !errors.Is(err, sandbox.ErrLost) {
		return exit(1, e.err)
	}
	return err
}

func (a *app) exec(ctx context.Context, ref string, cfg sandbox.ExecConfig, keys []byte) error {
	e, err := a.engine()
	if err != nil {
		return err
	}
	var host *hostTerminal
	if !cfg.Detach {
		if host, err = a.terminal(cfg.TTY, cfg.Stdin); err != nil {
			return err
		}
		cfg.Size = host.size()
	}
	s, err := e.Exec(ctx, ref, cfg)
	if err != nil || s == nil {
		return err
	}
	return a.serve(ctx, s, serving{host: host, keys: keys, proxy: true, streams: sandbox.AttachOptions{Stdin: cfg.Stdin, Stdout: true, Stderr: true}})
}
