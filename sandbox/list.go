package sandbox

import (
	"errors"
	"slices"
)

// Container is a container as List and Inspect tell of it.
type Container struct {
	Record
	State State
}

// ListOptions says which containers List returns.
type ListOptions struct {
	All bool // those too that neither run nor are to be restarted
}

// List returns containers, the newest first. A damaged container has
// StatusDead and whatever could be read.
func (e *Engine) List(o ListOptions) ([]Container, error) {
	ids, err := e.disk.ids()
	if err != nil {
		return nil, err
	}
	var out []Container
	for _, id := range ids {
		c, err := e.load(id, false)
		if errors.Is(err, ErrNotFound) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		if o.All || c.State.Active() {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b Container) int { return b.Created.Compare(a.Created) })
	return out, nil
}

// load reads one container; damage is told by its status.
func (e *Engine) load(id string, held bool) (Container, error) {
	rec, err := e.disk.record(id)
	if errors.Is(err, ErrCorrupt) {
		return Container{Record: rec, State: State{Status: StatusDead, Error: err.Error()}}, nil
	}
	if err != nil {
		return Container{}, err
	}
	return Container{Record: rec, State: e.disk.state(id, held)}, nil
}

// Inspect finds a container by name, id, or unique prefix of its id.
func (e *Engine) Inspect(ref string) (Container, error) {
	id, err := e.disk.find(ref)
	if err != nil {
		return Container{}, err
	}
	return e.load(id, false)
}
