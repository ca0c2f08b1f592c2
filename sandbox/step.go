package sandbox

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/kernel/socket"
	"github.com/sbxrun/sbx/vfs"
)

// Step is a program that runs once on a file system of the caller's, as a RUN
// of a Dockerfile does. It is no container: nothing of it is listed or kept,
// but for what it changed in Root.
type Step struct {
	Root *vfs.FS
	Argv []string
	Env  []string // NAME=VALUE; HOME is added
	Cwd  string   // made if it is missing
	User string   // name|uid[:group|gid]

	Offline    bool // no network but the loopback
	Hostname   string
	ExtraHosts []string // name:address
	Memory     int64    // bytes; 0: no limit
	ShmSize    int64    // bytes of /dev/shm; 0: 64 MiB
	Ulimits    []Ulimit
	Mounts     []StepMount

	Stdout, Stderr io.Writer // may be nil
}

// StepMount puts a file system, or a part of one, at a path for the time of a
// Step.
type StepMount struct {
	Target   string // absolute
	Super    vfs.Super
	Root     vfs.Ino // 0: all of it
	File     bool    // Root is a file
	ReadOnly bool
}

// RunStep runs a program and returns its exit code. When ctx ends the program
// is killed, and the error is the cause. Mount points that were made for it are
// gone from Root afterwards.
func (e *Engine) RunStep(ctx context.Context, s Step) (code int, err error) {
	ctx, leave, err := e.enterStep(ctx)
	if err != nil {
		return 0, err
	}
	defer leave()
	c := Config{Image: "-", Hostname: s.Hostname, ExtraHosts: s.ExtraHosts, Memory: s.Memory, ShmSize: s.ShmSize, Ulimits: s.Ulimits}
	var eth []socket.Interface // the kernel's default: a step is on no network of ours
	if s.Offline {
		c.Networks, eth = []Attachment{{Network: NetworkNone}}, []socket.Interface{}
	}
	if err := c.check(); err != nil {
		return 0, err
	}
	ns := vfs.NewNamespace(s.Root)
	defer ns.Close()
	stubs := &stubs{w: rootWalker(ns)}
	defer stubs.remove()
	if err := stubs.make(c, s.Mounts); err != nil {
		return 0, err
	}
	p := Process{Path: s.Argv[0], Args: s.Argv[1:], Env: s.Env, Cwd: firstOf(s.Cwd, "/"), User: s.User}
	if _, err := mkdirAll(stubs.w, p.Cwd, 0o755); err != nil {
		return 0, err
	}
	who, env, err := identify(stubs.w, p, nil)
	if err != nil {
		return 0, err
	}
	set := &mountSet{}
	defer func() { _ = set.close() }() // tmpfs only
	limits, err := rlimits(c.Ulimits)
	if err != nil {
		return 0, err
	}
	k, err := kernel.New(kernel.Config{
		Root: s.Root, Hostname: c.Hostname, Limits: kernel.Limits{Memory: c.Memory}, Rlimits: limits, Loaders: e.loaders(&c, nil),
		Dial: newDialer(c), Resolver: newNames(c), NameServer: nameServer, Interfaces: eth, CPUs: runtime.NumCPU(), Processor: processor, ShmBytes: c.ShmSize,
	})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	if err := set.etc(k.Namespace(), Record{Config: c}, nil); err != nil {
		return 0, err
	}
	for _, m := range slices.SortedStableFunc(slices.Values(s.Mounts), func(a, b StepMount) int { return strings.Compare(a.Target, b.Target) }) {
		if err := mountStep(k.Namespace(), m); err != nil {
			return 0, fail(ErrInvalid, "mount at %s: %v", m.Target, reasonOf(err))
		}
	}
	return runStep(ctx, k, s, &c, p, who, env)
}

// enterStep keeps Close away until leave, and ends ctx when it is called.
func (e *Engine) enterStep(ctx context.Context) (_ context.Context, leave func(), err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, nil, ErrClosed
	}
	ctx, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(e.ctx, func() { cancel(ErrClosed) })
	e.steps.Add(1)
	return ctx, func() {
		unhook()
		cancel(nil)
		e.steps.Done()
	}, nil
}

func mountStep(ns *vfs.Namespace, m StepMount) error {
	// It may lie inside another mount, whose folders only exist now.
	w := rootWalker(ns)
	if s := (&scaffold{w: w}); m.File {
		if err := s.file(m.Target); err != nil {
			return err
		}
	} else if err := s.dir(m.Target); err != nil {
		return err
	}
	return mountAt(ns, m.Target, m.Super, vfs.MountOpts{Source: "build", ReadOnly: m.ReadOnly, Root: m.Root, Path: m.Target})
}

func runStep(ctx context.Context, k *kernel.Kernel, s Step, c *Config, p Process, who Identity, env []string) (int, error) {
	out := func(w io.Writer) *kernel.File {
		if w == nil {
			return k.DevNull()
		}
		return k.HostWriter(w)
	}
	files := []*kernel.File{k.DevNull(), out(s.Stdout), out(s.Stderr)}
	defer closeFiles(files)
	proc, err := k.Start(kernel.Exec{
		Argv: s.Argv, Env: env, Cwd: p.Cwd, Cred: c.credentials(who), Umask: 0o022, Files: files, NewSession: true,
	})
	if err != nil {
		ns := k.Namespace()
		return 0, explainStart(rootWalker(ns), p, env, err)
	}
	status, err := proc.Wait(ctx)
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	return status.ShellCode(), err
}
