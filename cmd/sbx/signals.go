package main

import (
	"os"
	"os/signal"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/sandbox"
)

// forceAfter is how many times INT, TERM or HUP must come before the container is
// killed: its first program may ignore them.
const forceAfter = 3

// takeSignals hands the signals that sbx gets to the container's first
// program until it has ended, and the terminal's new size with WINCH. Signals
// stay taken: sbx is about to exit with the program's status.
func (a *app) takeSignals(r *sandbox.Run, host *hostTerminal) {
	ch := make(chan os.Signal, 16)
	list := make([]os.Signal, 0, len(proxied))
	for s, sig := range proxied {
		if sig != linux.SIGWINCH || host != nil {
			list = append(list, s)
		}
	}
	signal.Notify(ch, list...)
	go func() {
		urgent := 0
		for {
			select {
			case s := <-ch:
				urgent = pass(r, host, proxied[s], urgent)
			case <-r.Done():
				return
			}
		}
	}()
}

// pass hands one signal on and counts the urgent ones.
func pass(r *sandbox.Run, host *hostTerminal, sig linux.Signal, urgent int) int {
	switch sig {
	case linux.SIGWINCH:
		r.Resize(host.size())
	case linux.SIGINT, linux.SIGTERM, linux.SIGHUP:
		if urgent++; urgent >= forceAfter {
			r.Kill()
			break
		}
		_ = r.Terminate(sig)
		if sig == linux.SIGHUP && host != nil {
			r.Hangup()
		}
	case linux.SIGQUIT:
		_ = r.Terminate(sig)
	default:
		_ = r.Signal(sig)
	}
	return urgent
}
