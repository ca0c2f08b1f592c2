package sandbox

import (
	"context"
	"errors"
	"slices"

	"github.com/sbxrun/sbx/kernel"
)

// networkArgs puts a container on a network, or takes it off.
type networkArgs struct {
	Attachment
	Off bool `json:"off,omitempty"`
}

// ConnectNetwork puts a container on one more network, at once when it runs.
func (e *Engine) ConnectNetwork(ctx context.Context, ref string, a Attachment) error {
	return e.changeNetwork(ctx, ref, networkArgs{Attachment: a})
}

// DisconnectNetwork takes a container off a network; what it was connected to
// there is reset.
func (e *Engine) DisconnectNetwork(ctx context.Context, ref, network string) error {
	return e.changeNetwork(ctx, ref, networkArgs{Attachment: Attachment{Network: network}, Off: true})
}

func (e *Engine) changeNetwork(ctx context.Context, ref string, a networkArgs) error {
	n, err := e.Network(a.Network)
	if err != nil {
		return err
	}
	a.Network = n.Name
	id, err := e.disk.find(ref)
	if err != nil {
		return err
	}
	if e.disk.state(id, false).Status == StatusRunning {
		got, err := e.callRunning(ctx, ref, "network", a)
		if err != nil {
			return err
		}
		return got.Close()
	}
	lock, err := e.disk.lock(ctx, id, lockWait)
	if err != nil {
		return err
	}
	defer lock.unlock()
	rec, err := e.disk.record(id)
	if err != nil {
		return err
	}
	if err := rec.Config.changeNetwork(a); err != nil {
		return err
	}
	return writeJSON(e.disk.file(id, configName), rec)
}

// changeNetwork edits what a container was asked to be.
func (c *Config) changeNetwork(a networkArgs) error {
	now := slices.Clone(c.attachments())
	i := slices.IndexFunc(now, func(b Attachment) bool { return b.Network == a.Network })
	switch {
	case a.Off && i < 0:
		return fail(ErrConflict, "the container is not on network %s", a.Network)
	case a.Off:
		now = slices.Delete(now, i, i+1)
		if len(now) == 0 {
			now = []Attachment{{Network: NetworkNone}}
		}
	case i >= 0:
		return fail(ErrConflict, "the container is on network %s already", a.Network)
	case c.offline():
		now = []Attachment{a.Attachment}
	default:
		now = append(now, a.Attachment)
	}
	next := *c
	next.Networks = now
	if err := next.checkNetworks(); err != nil {
		return err
	}
	c.Networks = now
	return nil
}

func opNetwork(r *Run, c *call) error {
	var a networkArgs
	if err := c.decode(&a); err != nil {
		return err
	}
	if err := r.changeNetwork(a); err != nil {
		return err
	}
	return c.accept(nil)
}

// changeNetwork is done while the container runs: its record, its place, and the
// guests' interface.
func (r *Run) changeNetwork(a networkArgs) error {
	r.stateMu.Lock()
	defer r.stateMu.Unlock()
	k := r.reach.Load()
	if k == nil {
		return fail(ErrConflict, "container %s is not running", r.rec.Name)
	}
	rec, err := r.e.disk.record(r.rec.ID) // what r has is from the start
	if err != nil {
		return err
	}
	if err := rec.Config.changeNetwork(a); err != nil {
		return err
	}
	if err := r.moveInterface(k, a); err != nil {
		return err
	}
	r.state.Endpoints = r.net.endpoints()
	return errors.Join(
		writeJSON(r.e.disk.file(r.rec.ID, configName), rec),
		writeJSON(r.e.disk.file(r.rec.ID, stateName), r.state))
}

func (r *Run) moveInterface(k *kernel.Kernel, a networkArgs) error {
	n, err := r.e.Network(a.Network)
	if err != nil {
		return err
	}
	if !a.Off {
		if r.net.out == nil { // it was offline when it started, and has no resolver
			return fail(ErrConflict, "container %s was started without a network: stop it first", r.rec.Name)
		}
		ep, err := r.net.attach(context.Background(), a.Attachment)
		if err == nil {
			err = k.AddInterface(ep.kernel())
		}
		return err
	}
	ep, ok := r.net.detach(n.ID)
	if !ok {
		return fail(ErrConflict, "container %s is not on network %s", r.rec.Name, n.Name)
	}
	return k.RemoveInterface(ep.Interface)
}
