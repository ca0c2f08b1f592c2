// Command sbx pulls OCI images, lays them out in memory and runs commands in
// them: no daemon, no root, no virtual machine.
//
// It is thin: every verb is a call of package sandbox with flags around it
// and a format behind it. One file holds one verb.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"

	"github.com/sbxrun/sbx/sandbox"
)

func main() {
	delayGC()
	growStack(0)
	ctx, cancel := context.WithCancel(context.Background())
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, cancel: cancel, unhook: hook(cancel)}
	os.Exit(a.main(ctx, os.Args[1:]))
}

// main is sbx as a function: it returns the exit code.
func (a *app) main(ctx context.Context, args []string) int {
	defer a.close()
	root := newRoot(a, args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	code := exitCode(err)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		fmt.Fprintln(a.err, "sbx: interrupted")
		return 130
	}
	var quiet *exitError
	if errors.As(err, &quiet) && quiet.err == nil {
		return code
	}
	a.complain(describe(cmd.CommandPath(), err))
	return code
}

// hook calls cancel when a signal tells sbx to end, until the function returned
// is called.
func hook(cancel func()) (unhook func()) {
	ch := make(chan os.Signal, 1)
	signal.Notify(ch, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	over := make(chan struct{})
	go func() {
		select {
		case <-ch:
			cancel()
		case <-over:
		}
	}()
	return sync.OnceFunc(func() {
		signal.Stop(ch)
		close(over)
	})
}

// app is what the verbs share.
type app struct {
	in       io.Reader
	out, err io.Writer
	cancel   func() // ends the context of the verb
	unhook   func() // gives INT and TERM back to the verb
	eng      *sandbox.Engine
}

// engine opens the engine on first use: help and completion need none.
func (a *app) engine() (*sandbox.Engine, error) {
	if a.eng != nil {
		return a.eng, nil
	}
	e, err := sandbox.Open("")
	a.eng = e
	return e, err
}

func (a *app) close() {
	if a.eng != nil {
		_ = a.eng.Close()
	}
}

// complain writes one line of error for each line of msg.
func (a *app) complain(msg string) {
	for line := range strings.SplitSeq(strings.TrimRight(msg, "\n"), "\n") {
		fmt.Fprintln(a.err, "sbx: "+line)
	}
}

// exitError ends sbx with a code. Without an error nothing more is printed.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}
func (e *exitError) Unwrap() error { return e.err }

// exit makes an exitError; a nil err prints nothing.
func exit(code int, err error) error { return &exitError{code, err} }

// usageError is a wrong use of the command line: its message names the help.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

func exitCode(err error) int {
	var e *exitError
	if errors.As(err, &e) {
		return e.code
	}
	var u *usageError
	if errors.As(err, &u) {
		return sandbox.ExitEngine
	}
	return 1
}

func describe(command string, err error) string {
	var u *usageError
	if errors.As(err, &u) {
		return fmt.Sprintf("%v: see '%s --help'", err, command)
	}
	return err.Error()
}
