package sandbox

import (
	"context"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/registry"
)

// The types of what events are about.
const (
	EventContainer = "container"
	EventImage     = "image"
	EventNetwork   = "network"
	EventVolume    = "volume"
	EventBuilder   = "builder"
)

// Event is something that was done in a home folder, by whichever sbx: docker's
// events, by docker's names.
type Event struct {
	Type       string            `json:"type"`
	Action     string            `json:"action"`
	ID         string            `json:"id"`
	Attributes map[string]string `json:"attributes,omitempty"`
	Time       time.Time         `json:"time"`
}

// EventOptions says which events Events tells of.
type EventOptions struct {
	Since time.Time // zero: those from now on
	Until time.Time // zero: until ctx ends
}

// eventPoll is how often Events looks for more.
const eventPoll = 50 * time.Millisecond

// Events calls fn for each event, in the order of their times, until o.Until, an
// error of fn's, which is returned, or the end of ctx. About a megabyte of the past
// is kept.
func (e *Engine) Events(ctx context.Context, o EventOptions, fn func(Event) error) error {
	r := &eventReader{l: &e.events, at: map[int]int64{}}
	if o.Since.IsZero() {
		r.skip()
	}
	for {
		over := !o.Until.IsZero() && !time.Now().Before(o.Until)
		for _, ev := range r.next() {
			if ev.Time.Before(o.Since) || !o.Until.IsZero() && ev.Time.After(o.Until) {
				continue
			}
			if err := fn(ev); err != nil {
				return err
			}
		}
		if over {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(eventPoll):
		}
	}
}

// emit logs an event; attrs are names and values in turn.
func (e *Engine) emit(typ, action, id string, attrs ...string) {
	e.events.note(typ, action, id, nil, attrs)
}

// emitContainer logs one about a container, with its labels, name and image.
func (e *Engine) emitContainer(rec Record, action string, attrs ...string) {
	e.events.container(rec, action, attrs...)
}

func (l *eventLog) container(rec Record, action string, attrs ...string) {
	l.note(EventContainer, action, rec.ID, rec.Process.Labels, append([]string{"image", rec.ImageRef, "name", rec.Name}, attrs...))
}

func (l *eventLog) note(typ, action, id string, labels map[string]string, attrs []string) {
	all := maps.Clone(labels)
	if all == nil {
		all = map[string]string{}
	}
	for i := 0; i+1 < len(attrs); i += 2 {
		all[attrs[i]] = attrs[i+1]
	}
	l.add(Event{Type: typ, Action: action, ID: id, Attributes: all, Time: time.Now().UTC()})
}

// emit logs one about r's container, by the name that it has now.
func (r *Run) emit(action string, attrs ...string) {
	r.e.emitContainer(r.named(), action, attrs...)
}

// emitStart tells that the container runs, and where.
func (r *Run) emitStart() {
	for _, ep := range r.state.Endpoints {
		r.e.emitNetwork(ep.NetworkID, ep.Network, "connect", r.rec.ID)
	}
	for _, m := range r.rec.Config.Mounts {
		if m.Type == MountVolume {
			r.e.emit(EventVolume, "mount", m.Source, "container", r.rec.ID, "destination", m.Target, "driver", "local", "read/write", strconv.FormatBool(!m.ReadOnly))
		}
	}
	r.e.emitContainer(r.rec, "start")
}

// emitResize tells of the size that a caller gives the terminal.
func (r *Run) emitResize(ws linux.Winsize) {
	r.emit("resize", "height", strconv.Itoa(int(ws.Row)), "width", strconv.Itoa(int(ws.Col)))
}

// emitDie tells of the end.
func (r *Run) emitDie(eps []Endpoint) {
	took := int64(time.Since(r.state.StartedAt).Seconds())
	r.emit("die", "execDuration", strconv.FormatInt(took, 10), "exitCode", strconv.Itoa(r.code))
	for _, ep := range eps {
		r.e.emitNetwork(ep.NetworkID, ep.Network, "disconnect", r.rec.ID)
	}
	for _, m := range r.rec.Config.Mounts {
		if m.Type == MountVolume {
			r.e.emit(EventVolume, "unmount", m.Source, "container", r.rec.ID, "driver", "local")
		}
	}
}

// EmitRestart tells that a container was stopped and started again by one command.
func (e *Engine) EmitRestart(ref string) {
	if c, err := e.Inspect(ref); err == nil {
		e.emitContainer(c.Record, "restart")
	}
}

// emitNetwork logs an event of a network; container may be "".
func (e *Engine) emitNetwork(id, name, action, container string) {
	attrs := []string{"name", name, "type", "bridge"}
	if container != "" {
		attrs = append(attrs, "container", container)
	}
	e.emit(EventNetwork, action, id, attrs...)
}

// emitImage logs an event of an image, whose id may be as good as its name.
func (e *Engine) emitImage(action, id, name string) { e.emit(EventImage, action, id, "name", name) }

// emitRef is emitImage of an image by its name.
func (e *Engine) emitRef(action, ref string) {
	id := ref
	if img, err := e.store.Resolve(ref); err == nil {
		id = string(img.ID())
	}
	e.emitImage(action, id, ref)
}

// emitRemoved logs what a removal of images took away.
func (e *Engine) emitRemoved(list []registry.RemoveEvent) {
	for _, r := range list {
		if r.Untagged != "" {
			e.emitImage("untag", r.Untagged, r.Untagged)
		}
		if r.Deleted != "" {
			e.emitImage("delete", r.Deleted, r.Deleted)
		}
	}
}

// EmitBuilt logs that a build gave an image a name.
func (e *Engine) EmitBuilt(id, name string) { e.emitImage("tag", id, name) }

// EmitBuilderPrune logs that what the build cache had is gone.
func (e *Engine) EmitBuilderPrune(freed int64) { e.emitPrune(EventBuilder, freed) }

// emitPrune logs that what nobody used is gone.
func (e *Engine) emitPrune(typ string, freed int64) {
	e.emit(typ, "prune", "", "reclaimed", strconv.FormatInt(freed, 10))
}

// signalText is how events write a signal.
func signalText(sig linux.Signal) string { return strconv.Itoa(int(sig)) }

// execAction is docker's action for a part of a further program's life.
func execAction(action string, cmd []string) string {
	return action + ": " + strings.Join(cmd, " ")
}
