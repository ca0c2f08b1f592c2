package sandbox

import (
	"errors"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// operation does a call: it returns an error that refuses it, or calls accept
// and then may go on with the connection. Everything that it needs of r it has
// to take before keep: sessions go on while r is torn down.
type operation func(r *Run, c *call) error

// operations are what a container can be asked, by name.
var operations map[string]operation

func init() {
	operations = map[string]operation{
		"signal":  opSignal,
		"upper":   opUpper,
		"stat":    opStat,
		"pack":    opPack,
		"unpack":  opUnpack,
		"attach":  opAttach,
		"wait":    opWait,
		"stop":    opStop,
		"exec":    opExec,
		"follow":  opFollow,
		"connect": opConnect,
		"network": opNetwork,
		"top":     opTop,
		"rename":  opRename,
		"pause":   opPause,
		"unpause": opUnpause,
		"stats":   opStats,
		"update":  opUpdate,
	}
}

// ending explains the error of a process that is no more.
func ending(err error) error {
	if errors.Is(err, linux.ESRCH) {
		return fail(errEnding, "the container is ending")
	}
	return err
}

type signalArgs struct {
	Signal linux.Signal `json:"signal"`
}

func opSignal(r *Run, c *call) error {
	var a signalArgs
	if err := c.decode(&a); err != nil {
		return err
	}
	err := ending(r.deliver(a.Signal))
	if errors.Is(err, errEnding) && r.unwanted.Load() && r.rec.Config.Restart.Restarts() {
		err = nil // it will not be started again, which is what was asked for
	}
	if err != nil {
		return err
	}
	return c.accept(nil)
}

func opUpper(r *Run, c *call) error { return sendTar(c, r.tree.fs) }

// sendTar answers with what a file system holds now.
func sendTar(c *call, live *vfs.FS) error {
	fork := live.Fork()
	defer fork.Close()
	if err := c.accept(nil); err != nil {
		return nil
	}
	c.stream()
	_ = fork.Diff(c.conn, vfs.DiffOptions{})
	return nil
}

// AttachOptions says which streams of a program a caller wants.
type AttachOptions struct {
	Stdin  bool `json:"stdin,omitempty"`
	Stdout bool `json:"stdout,omitempty"`
	Stderr bool `json:"stderr,omitempty"`
	// Size is that of the caller's terminal; zero leaves the guest's as it is.
	Size linux.Winsize `json:"size"`
}

func opAttach(r *Run, c *call) error {
	var o AttachOptions
	if err := c.decode(&o); err != nil {
		return err
	}
	if r.paused() {
		return fail(ErrConflict, "you cannot attach to a paused container, unpause it first")
	}
	r.emit("attach")
	return c.session(r.io, o, func() { r.io.redraw(o.Size) })
}

func opWait(r *Run, c *call) error { return c.session(r.io, AttachOptions{}, nil) }

type stopArgs struct {
	Signal  linux.Signal `json:"signal,omitempty"`  // 0: the container's own
	Timeout *int         `json:"timeout,omitempty"` // seconds before SIGKILL, -1: none; nil: the container's own
}

func opStop(r *Run, c *call) error {
	var a stopArgs
	if err := c.decode(&a); err != nil {
		return err
	}
	sig, wait := r.stopDefaults()
	if a.Signal != 0 {
		sig = a.Signal
	}
	if a.Timeout != nil {
		wait = time.Duration(*a.Timeout) * time.Second
	}
	if err := ending(r.stopBy(r.deliver, sig, wait)); err != nil && !errors.Is(err, errEnding) {
		return err
	}
	return c.session(r.io, AttachOptions{}, nil)
}

// session accepts the call and joins it to a program's streams until one of
// them ends.
func (c *call) session(p *stdio, o AttachOptions, begin func()) error {
	s := newSession(c.conn, c.in, o)
	if o.Stdin || o.Stdout || o.Stderr {
		s.detached = func() { c.ctl.r.emit("detach") }
	}
	c.keep()
	p.add(s)
	if err := c.accept(nil); err != nil {
		s.leave(errHungUp)
		p.remove(s, errHungUp)
		return nil
	}
	if begin != nil {
		begin()
	}
	s.serve(p)
	return nil
}
