package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/sandbox"
)

// errEscaped: the user typed the keys that leave. The words are docker's.
var errEscaped = errors.New("read escape sequence")

// serving says how a session is joined to this process.
type serving struct {
	host    *hostTerminal // nil: the program has no terminal
	keys    []byte        // that leave; with a terminal only
	streams sandbox.AttachOptions
	proxy   bool // signals, without a terminal
}

// streams are those of this process that are asked for.
func (a *app) streams(o sandbox.AttachOptions) (io sandbox.IO) {
	if o.Stdin {
		io.Stdin = a.in
	}
	if o.Stdout {
		io.Stdout = a.out
	}
	if o.Stderr {
		io.Stderr = a.err
	}
	return io
}

// serve joins a session to this process until its program ends, whose exit code
// becomes ours, or until the user leaves: errEscaped.
func (a *app) serve(ctx context.Context, s *sandbox.Session, v serving) error {
	signal.Ignore(syscall.SIGPIPE)
	io := a.streams(v.streams)
	if v.host != nil && io.Stdin != nil && len(v.keys) > 0 {
		io.Stdin = &keyReader{r: io.Stdin, keys: v.keys}
	}
	left := a.sessionSignals(s, v)
	defer left.stop()
	if ctx.Err() != nil {
		s.Detach()
		return context.Cause(ctx)
	}
	if err := v.host.raw(); err != nil {
		s.Detach()
		return err
	}
	defer v.host.restore()
	code, err := s.Serve(io)
	v.host.restore()
	switch sig := left.stop(); {
	case sig != 0:
		return exit(128+int(sig), nil)
	case errors.Is(err, sandbox.ErrDetached):
		return exit(1, errEscaped)
	case errors.Is(err, sandbox.ErrLost):
		return exit(sandbox.ExitEngine, err)
	case err != nil && code == 0:
		return exit(sandbox.ExitEngine, err)
	case err != nil:
		a.complain(err.Error())
	}
	if code != 0 {
		return exit(code, nil)
	}
	return nil
}

// signalTaker passes signals on to a session.
type signalTaker struct {
	ch   chan os.Signal
	done chan struct{}
	left linux.Signal // the signal that made us leave
	over bool
}

// sessionSignals passes the size of the terminal on, and without a terminal the
// signals that come. With one, or after a few, a signal ends this process and
// not the program.
func (a *app) sessionSignals(s *sandbox.Session, v serving) *signalTaker {
	t := &signalTaker{ch: make(chan os.Signal, 16), done: make(chan struct{})}
	signal.Notify(t.ch, hostSignals(v.host)...)
	a.unhook()
	go func() {
		defer close(t.done)
		urgent := 0
		for sig := range t.ch {
			n := proxied[sig]
			switch n {
			case linux.SIGWINCH:
				s.Resize(v.host.size())
				continue
			case linux.SIGINT, linux.SIGTERM, linux.SIGHUP, linux.SIGQUIT:
				urgent++
			}
			if v.proxy && v.host == nil && urgent < forceAfter {
				s.Signal(n)
			} else if urgent > 0 && t.left == 0 {
				t.left = n
				s.Detach()
			}
		}
	}()
	return t
}

// stop ends that and tells which signal ended the session, or 0.
func (t *signalTaker) stop() linux.Signal {
	if !t.over {
		t.over = true
		signal.Stop(t.ch)
		close(t.ch)
		<-t.done
	}
	return t.left
}

func (a *app) attachCmd() *cobra.Command {
	var noStdin, proxy bool
	var keys string
	c := verb(groupContainers, "attach [OPTIONS] CONTAINER", "Join the input and output of a running container", exactArgs(1), func(c *cobra.Command, args []string) error {
		codes, err := detachKeys(c.Flags(), keys)
		if err != nil {
			return err
		}
		e, err := a.engine()
		if err != nil {
			return err
		}
		made, err := e.Inspect(args[0])
		if err != nil {
			return err
		}
		streams := sandbox.AttachOptions{Stdin: made.Config.OpenStdin && !noStdin, Stdout: true, Stderr: true}
		host, err := a.terminal(made.Config.TTY, streams.Stdin)
		if err != nil {
			return err
		}
		if host != nil {
			streams.Size = host.size()
		}
		s, err := e.Attach(c.Context(), args[0], streams)
		if err != nil {
			return err
		}
		return a.serve(c.Context(), s, serving{host: host, keys: codes, streams: streams, proxy: proxy})
	})
	c.Long = "Join the input and output of a running container. With a terminal, ctrl-p ctrl-q leaves it and it goes on;\n" +
		"without one, signals are passed on. A container waits for those who are attached and do not read, for a minute:\n" +
		"then they are cut off. The exit code is the container's."
	c.Flags().BoolVar(&noStdin, "no-stdin", false, "Do not connect standard input")
	c.Flags().BoolVar(&proxy, "sig-proxy", true, "Pass signals on to the container, unless it has a terminal")
	registerKeys(c.Flags(), &keys)
	c.ValidArgsFunction = a.completeContainers
	return c
}
