// Package sandbox is sbx as a library: containers and their life, the state
// that they keep on disk, volumes, and the images they start from. Everything
// the command line does is a call here.
//
// An Engine works on one home folder, which many engines, in this process and
// in others, may share:
//
//	containers/<id>/config.json   what the container is (Record); it exists while this file does
//	containers/<id>/state.json    where it is in its life (State); none before its first start
//	containers/<id>/upper.tar     what its programs changed, an OCI layer
//	containers/<id>/log.N.json    what its programs wrote, docker's json-file; the highest N is the newest
//	containers/<id>/lock          held by whoever runs or changes it; the OS drops it on a crash
//	containers/<id>/again         held by the process that waits to start it again; its lock is free meanwhile
//	run/<short id>.sock           where a running container takes calls (control.go)
//	volumes/<name>/data.tar       what a volume holds
//	volumes/<name>/volume.json    when it was made, and its labels
//	volumes/<name>/lock           held by the engine that has it open
//	networks/<id>/network.json    a network that a user made (Network)
//	networks/<id>/<address>.json  who has an address there (Endpoint); void when that container's lock is free
//	events/<N>.json               what was done, by whichever sbx (Event); the highest N is the newest
//	build/mounts/<key>/           cache mounts of builds, kept like volumes
//	oci/ v1/                      the image store (package registry)
//	cache/                        compiled WASM modules, and what was made of the machine code of images
//
// There is no daemon: a running container lives in the process that started
// it (Run, Start) and ends with it, or in a process of its own (Launch,
// Supervise). Other engines reach it through its control socket: Exec, Attach,
// Stop, Wait, Signal.
//
// Lock order: containers/.lock, then a container's lock, then a volume's, then
// Engine.mu. The locks of the image store are taken last and never held across
// a call.
package sandbox

import (
	"context"
	"errors"
	"path/filepath"
	"sync"

	"github.com/sbxrun/sbx/kernel/syscalls"
	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/registry/remote"
	"github.com/sbxrun/sbx/wasi"
)

// Engine runs containers on one home folder. It is safe for concurrent use.
type Engine struct {
	home  string
	disk  disk
	store *registry.Store

	events eventLog

	vols   volumes
	caches volumes // cache mounts of builds

	ctx   context.Context // of steps; ends with stop
	stop  context.CancelFunc
	steps sync.WaitGroup

	base     sync.Mutex // guards baseDone; held while the embedded image is brought in
	baseDone bool

	mu      sync.Mutex // guards what follows
	running map[string]*Run
	wasm    *wasi.Engine // nil until a container starts
	elf     *syscalls.Loader
	closed  bool
}

// Open makes an engine for the home folder, which is made when missing; ""
// means the default one (SBX_HOME, or where the host keeps such data).
func Open(home string) (*Engine, error) {
	e := &Engine{running: map[string]*Run{}}
	e.ctx, e.stop = context.WithCancel(context.Background())
	store, err := registry.Open(home, registry.WithRemote(remote.New), registry.WithUsers(e.imageUsers))
	if err != nil {
		return nil, err
	}
	e.store, e.home = store, store.Home()
	e.events.dir = filepath.Join(e.home, "events")
	e.disk = disk{root: filepath.Join(e.home, "containers"), events: &e.events}
	return e, nil
}

// Home is the engine's folder.
func (e *Engine) Home() string { return e.home }

// Close kills what this engine still runs, waits for it to be saved, and
// gives all memory and files back. Calls after Close fail with ErrClosed.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	runs := make([]*Run, 0, len(e.running))
	for _, r := range e.running {
		runs = append(runs, r)
	}
	e.mu.Unlock()
	e.stop()
	e.steps.Wait()
	var errs []error
	for _, r := range runs {
		r.Kill()
		_, err := r.Wait(context.Background())
		errs = append(errs, err)
	}
	e.events.close()
	freeCode()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.wasm != nil {
		errs = append(errs, e.wasm.Close())
		e.wasm = nil
	}
	return errors.Join(append(errs, e.store.Close())...)
}

// enter registers a run that is about to start.
func (e *Engine) enter(r *Run) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	e.running[r.rec.ID] = r
	return nil
}

func (e *Engine) leave(r *Run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.running, r.rec.ID)
}

func (e *Engine) isClosed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

// imageUsers tells the store which images containers need.
func (e *Engine) imageUsers() ([]registry.User, error) {
	list, err := e.List(ListOptions{All: true})
	if err != nil {
		return nil, err
	}
	var out []registry.User
	for _, c := range list {
		if c.ImageID != "" {
			out = append(out, registry.User{Image: registry.Digest(c.ImageID), Container: c.ID, Running: c.State.Active()})
		}
	}
	return out, nil
}
