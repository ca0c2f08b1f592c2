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

// hostSignals are all that are handed on; WINCH is of interest with a terminal.
func hostSignals(host *hostTerminal) []os.Signal {
	list := make([]os.Signal, 0, len(proxied))
	for s, sig := range proxied {
		if sig != linux.SIGWINCH || host != nil {
			list = append(list, s)
		}
	}
	return list
}

// signals are those that sbx gets from the start of a container on. They stay
// taken: sbx exits with the container.
type signals struct {
	taken chan struct{} // closed once they are
	run   chan *sandbox.Run
}

// takeSignals takes the signals that the container's first program is to get,
// and with a terminal WINCH, in the background: it takes a while. Until there is
// a program, QUIT ends the attempt, as those do that end sbx, and others are
// lost.
func (a *app) takeSignals(host *hostTerminal) *signals {
	t := &signals{make(chan struct{}), make(chan *sandbox.Run)}
	go func() {
		ch := make(chan os.Signal, 16)
		signal.Notify(ch, hostSignals(host)...)
		close(t.taken)
		var r *sandbox.Run
		for r == nil {
			select {
			case s := <-ch:
				if proxied[s] == linux.SIGQUIT {
					a.cancel()
				}
			case run, ok := <-t.run:
				if !ok {
					return
				}
				r = run
			}
		}
		for urgent := 0; ; {
			select {
			case s := <-ch:
				urgent = pass(r, host, proxied[s], urgent)
			case <-r.Done():
				return
			}
		}
	}()
	return t
}

// handTo gives the signals to a container that runs, or with nil to nobody.
func (t *signals) handTo(r *sandbox.Run) {
	if r != nil {
		<-t.taken
		t.run <- r
	}
	close(t.run)
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
