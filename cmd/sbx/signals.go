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

// hostSignals are all that are handed on.
func hostSignals() []os.Signal {
	list := make([]os.Signal, 0, len(proxied))
	for s := range proxied {
		list = append(list, s)
	}
	return list
}

// takeSignals hands the signals that sbx gets to the container's first
// program, and the terminal's new size with WINCH. The function returned ends
// that.
func (a *app) takeSignals(r *sandbox.Run, host *hostTerminal, proxy bool) func() {
	defer a.unhook()
	if !proxy {
		return func() {}
	}
	ch := make(chan os.Signal, 16)
	signal.Notify(ch, hostSignals()...)
	go func() {
		urgent := 0
		for s := range ch {
			sig := proxied[s]
			switch sig {
			case linux.SIGWINCH:
				if host != nil {
					r.Resize(host.size())
				}
				continue
			case linux.SIGINT, linux.SIGTERM, linux.SIGHUP:
				if urgent++; urgent >= forceAfter {
					r.Kill()
					continue
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
		}
	}()
	return func() {
		signal.Stop(ch)
		close(ch)
	}
}
