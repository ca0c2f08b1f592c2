package sandbox

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/registry"
	"github.com/sbxrun/sbx/vfs"
)

// IO is where a container's streams lead on the host.
type IO struct {
	// Stdin is read when the container was made with OpenStdin; nil leaves its
	// standard input to those who attach. A Read that blocks after the
	// container's end keeps one goroutine until it returns.
	Stdin io.Reader
	// Stdout and Stderr may be nil. With a TTY everything goes to Stdout.
	Stdout, Stderr io.Writer
	// Size is the first size of the terminal.
	Size linux.Winsize
	// Trace, if set, is where the system calls of machine code are told of, as
	// strace -f prints them.
	Trace io.Writer
}

// Run is a container that was started by this engine.
type Run struct {
	e     *Engine
	rec   Record
	image registry.Image // zero: not looked up yet
	lock  *fileLock
	tree  *tree

	kernel   *kernel.Kernel
	proc     atomic.Pointer[kernel.Process] // nil until it runs
	io       *stdio
	log      *logWriter // nil: none
	mounts   *mountSet
	net      *guestNet
	reach    atomic.Pointer[kernel.Kernel] // what other containers connect to; nil until it runs
	ports    *publisher
	ctl      atomic.Pointer[control]
	trace    *trace // nil: nobody asked
	flush    *flusher
	verified bool                   // the flusher's: the image's index has been summed up
	apart    bool                   // in a process of its own
	first    *session               // the caller that launched it, attached from the start; nil: none
	patience time.Duration          // of telling callers of the end
	restarts int                    // how often its policy has started it before
	again    *fileLock              // held after the end by whoever starts it again
	renamed  atomic.Pointer[string] // its name by now; nil: that in rec
	unwanted atomic.Bool            // somebody asked it to end
	monitor  *monitor               // nil: it is not probed
	unhook   func()                 // called before others see the end; nil: nothing

	refusedMu sync.Mutex
	refused   []string // neighbours that differs told of

	stateMu sync.Mutex // of state, and of the record on the disk, while calls are taken
	state   State
	stop    func() bool // unhooks the context
	done    chan struct{}
	code    int   // after done
	err     error // after done
}

// Run creates a container and starts it. When ctx ends the container is
// killed.
func (e *Engine) Run(ctx context.Context, cfg Config, opts CreateOptions, io IO) (*Run, error) {
	rec, img, lock, err := e.create(ctx, cfg, opts)
	if err != nil {
		lock.unlock()
		return nil, err
	}
	return e.start(ctx, &Run{rec: rec, image: img, lock: lock, state: State{Status: StatusCreated}, patience: closeTimeout}, io)
}

// Start starts a container that was made or has ended; what it changed
// before is there again. When ctx ends the container is killed.
func (e *Engine) Start(ctx context.Context, ref string, io IO) (*Run, error) {
	return e.startAs(ctx, ref, io, &Run{patience: closeTimeout})
}

// startAs is Start with a Run that says how.
func (e *Engine) startAs(ctx context.Context, ref string, io IO, r *Run) (*Run, error) {
	id, err := e.disk.find(ref)
	if err != nil {
		return nil, err
	}
	switch e.disk.state(id, false).Shown() {
	case StatusPaused:
		return nil, fail(ErrConflict, "cannot start a paused container, try unpause instead")
	case StatusRunning:
		return nil, fail(ErrConflict, "container %s is running already", ref)
	case StatusRestarting:
		return nil, restarting(ref)
	}
	lock, err := e.disk.lock(ctx, id, lockWait)
	if err != nil {
		return nil, err
	}
	return e.startLocked(ctx, id, lock, io, r)
}

// startLocked is startAs for a container whose lock is held; it owns the lock
// from here on.
func (e *Engine) startLocked(ctx context.Context, id string, lock *fileLock, io IO, r *Run) (*Run, error) {
	c, err := e.load(id, true)
	if err == nil && c.State.Status == StatusDead {
		err = fail(ErrCorrupt, "%s", c.State.Error)
	}
	if err != nil {
		lock.unlock()
		return nil, err
	}
	r.rec, r.lock, r.state = c.Record, lock, c.State
	return e.start(ctx, r, io)
}

// start runs the first program of r's container; it owns the lock from here
// on.
func (e *Engine) start(ctx context.Context, r *Run, io IO) (*Run, error) {
	r.e, r.done = e, make(chan struct{})
	err := e.enter(r)
	if err == nil {
		if err = r.boot(ctx, io); err == nil {
			r.stop = context.AfterFunc(ctx, r.Kill)
			go r.supervise()
			if e.isClosed() {
				r.Kill()
			}
			return r, nil
		}
	}
	if r.tree != nil && errors.Is(r.tree.root.Verify(), vfs.ErrIndex) {
		err = fail(registry.ErrCorrupt, "the index of the image of container %s was damaged, and will be made anew: try again", r.rec.Name)
	}
	r.abandon(err)
	return nil, err
}

// boot lays out the file system, starts the kernel, and in it the program. The
// control socket, which needs nothing of them, is made meanwhile.
func (r *Run) boot(ctx context.Context, io IO) error {
	ctl := newControl(r)
	var listening sync.WaitGroup
	listening.Go(ctl.listen)
	plan, err := r.launch(ctx, io)
	listening.Wait()
	if err != nil {
		ctl.close()
		return err
	}
	ctl.serve()
	r.ctl.Store(ctl)
	r.state = State{Status: StatusRunning, HostPID: os.Getpid(), StartedAt: time.Now().UTC(), Engine: plan.engine, Scaffold: r.state.Scaffold, UpperLen: r.state.UpperLen,
		Ports: r.ports.published(), Endpoints: r.net.endpoints(), Control: ctl.path,
		Restarts: r.restarts, Health: firstHealth(r.rec.Process)}
	if err := writeJSON(r.e.disk.file(r.rec.ID, stateName), r.state); err != nil {
		return err
	}
	r.flush = startFlusher(r.flushAll)
	if r.first != nil || !r.apart && io.Stdout != nil {
		r.e.emitContainer(r.rec, "attach")
	}
	r.emitStart()
	if r.io.isTTY && r.io.host.Size != (linux.Winsize{}) {
		r.emitResize(r.io.host.Size)
	}
	r.monitor = startMonitor(r)
	return nil
}

// launch starts the program in a file system and a kernel that it makes.
func (r *Run) launch(ctx context.Context, io IO) (_ *bootPlan, err error) {
	if r.image.IsZero() {
		r.tree, err = r.e.openTree(ctx, r.rec)
	} else {
		r.tree, err = r.e.openTreeOf(ctx, r.rec, r.image)
	}
	if err != nil {
		return nil, err
	}
	plan, err := r.prepare()
	if errors.Is(err, linux.EIO) {
		return nil, fail(registry.ErrCorrupt, "a layer of the image of container %s is damaged: remove the image and pull it again", r.rec.Name)
	}
	if err != nil {
		return nil, err
	}
	if err := r.startKernel(ctx, r.traceTo(io.Trace)); err != nil {
		return nil, err
	}
	if r.io, err = r.stdio(io); err != nil {
		return nil, err
	}
	if r.first != nil {
		r.io.add(r.first)
	}
	return plan, r.startProgram(plan)
}

// flushAll saves what changed while the container goes on. What fails now is
// tried again, and told at the end.
func (r *Run) flushAll() {
	if !r.verified {
		_ = r.tree.root.Verify() // what is damaged is made anew for the next start
		r.verified = true
	}
	r.mounts.flush(r.rec.Config.AutoRemove)
	if r.rec.Config.AutoRemove {
		return
	}
	n, err := r.tree.saveUpper(r.e.disk.file(r.rec.ID, upperName), r.state.Scaffold)
	r.stateMu.Lock()
	defer r.stateMu.Unlock()
	if err == nil && n != r.state.UpperLen {
		r.state.UpperLen = n
		_ = writeJSON(r.e.disk.file(r.rec.ID, stateName), r.state)
	}
}

// abandon undoes a start that failed and notes why in the state.
func (r *Run) abandon(err error) {
	_ = r.teardown()
	r.unhooked()
	if r.rec.Config.AutoRemove {
		_ = r.e.removeLocked(r.named(), r.lock, true)
	} else {
		r.state.Error, r.state.ExitCode = err.Error(), ExitCode(err)
		if r.state.Active() {
			r.state.Status, r.state.FinishedAt = StatusExited, time.Now().UTC()
		}
		r.state.HostPID, r.state.Control, r.state.Ports, r.state.Endpoints, r.state.Paused = 0, "", nil, nil, false
		_ = writeJSON(r.e.disk.file(r.rec.ID, stateName), r.state)
		r.lock.unlock()
	}
	r.e.leave(r)
	r.code, r.err = ExitCode(err), err
	if r.io != nil {
		r.io.end(r.code, r.err, r.patience)
	}
	r.ctl.Load().close()
	close(r.done)
}

// teardown stops the kernel, saves volumes and gives back everything but the
// lock.
func (r *Run) teardown() (err error) {
	r.monitor.end()
	r.monitor = nil
	r.flush.end()
	r.flush = nil
	r.ctl.Load().endCalls()
	r.closeKernel()
	r.trace.end()
	err = r.log.close()
	if r.mounts != nil {
		err = errors.Join(err, r.mounts.close())
		r.mounts = nil
	}
	if r.tree != nil {
		r.tree.close()
	}
	return err
}

// closeKernel ends every process; then what they wrote to the terminal is
// drained.
func (r *Run) closeKernel() {
	r.ports.close()
	r.net.leave()
	if r.kernel != nil {
		r.state.OOMKilled = r.kernel.OOMKills() > 0
		_ = r.kernel.Close()
		r.kernel = nil
	}
	r.io.close()
}

// supervise waits for the end of the first program, saves what the container
// changed, and tells Wait.
func (r *Run) supervise() {
	status, err := r.proc.Load().Wait(context.Background())
	r.stop()
	r.code, r.err = status.ShellCode(), err
	r.finish()
	r.e.leave(r)
	r.io.end(r.code, r.err, r.patience)
	r.ctl.Load().close()
	close(r.done)
}

func (r *Run) finish() {
	r.monitor.end()
	r.monitor = nil
	r.flush.end()
	r.flush = nil
	r.ctl.Load().endCalls()
	r.closeKernel()
	eps := r.state.Endpoints
	if r.rec.Config.AutoRemove {
		r.emitDie(eps)
		r.e.discardVolumes(r.rec, r.mounts)
		r.err = errors.Join(r.err, r.teardown())
		r.unhooked()
		r.err = errors.Join(r.err, r.e.removeLocked(r.named(), r.lock, true))
		return
	}
	n, err := r.tree.saveUpper(r.e.disk.file(r.rec.ID, upperName), r.state.Scaffold)
	if err != nil {
		r.state.Error = "its changes could not be saved: " + reasonOf(err).Error()
		r.err = errors.Join(r.err, fail(err, "the changes of container %s could not be saved: %v", r.rec.Name, reasonOf(err)))
	}
	if err := r.teardown(); err != nil {
		r.state.Error = err.Error()
		r.err = errors.Join(r.err, err)
	}
	r.state.Status, r.state.ExitCode, r.state.FinishedAt = StatusExited, r.code, time.Now().UTC()
	r.state.HostPID, r.state.Control, r.state.UpperLen, r.state.Ports, r.state.Endpoints, r.state.Paused = 0, "", n, nil, nil, false
	if r.claimRestart() {
		r.state.Status, r.state.HostPID, r.state.Restarts = StatusRestarting, os.Getpid(), r.restarts+1
		r.patience = closeTimeout
	}
	r.unhooked()
	r.err = errors.Join(r.err, writeJSON(r.e.disk.file(r.rec.ID, stateName), r.state))
	r.emitDie(eps)
	r.lock.unlock()
}

func (r *Run) unhooked() {
	if r.unhook != nil {
		r.unhook()
	}
}

// ID and Name tell which container runs.
func (r *Run) ID() string   { return r.rec.ID }
func (r *Run) Name() string { return r.rec.Name }

// Done is closed when the container has ended and is saved.
func (r *Run) Done() <-chan struct{} { return r.done }

// Wait waits for the end and returns the first program's exit code, 128+n
// when signal n killed it. The error is of sbx, not of the program. When ctx
// ends first, the container goes on.
func (r *Run) Wait(ctx context.Context) (int, error) {
	select {
	case <-r.done:
		return r.code, r.err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// Signal sends a signal to the first program.
func (r *Run) Signal(sig linux.Signal) error {
	r.told(sig)
	if p := r.proc.Load(); p != nil {
		return p.Signal(sig)
	}
	return linux.ESRCH
}

// Terminate sends a signal that sbx itself was told to end by. Process 1 of a
// container is safe from signals that it does not handle; from these it is not.
func (r *Run) Terminate(sig linux.Signal) error {
	r.told(sig)
	if p := r.proc.Load(); p != nil {
		return p.Terminate(sig)
	}
	return linux.ESRCH
}

// Hangup takes the terminal away, if there is one, as a line that is lost does.
func (r *Run) Hangup() { r.io.hangup() }

// Kill ends the container at once.
func (r *Run) Kill() {
	_ = r.Signal(linux.SIGKILL)
}

// Resize tells the guest the new size of its terminal.
func (r *Run) Resize(ws linux.Winsize) { r.io.resize(ws) }
