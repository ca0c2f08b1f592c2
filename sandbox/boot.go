package sandbox

import (
	"context"
	"runtime"
	"slices"

	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/vfs"
)

// bootPlan is what is known once the file system is laid out and before the
// kernel starts.
type bootPlan struct {
	who    Identity
	env    []string
	engine string // which of our engines will run the program
}

// prepare makes mount points and the working directory in the container's
// file system and finds out who the program runs as.
func (r *Run) prepare() (*bootPlan, error) {
	w := r.tree.walker()
	s := &scaffold{w: w}
	for _, dir := range []string{"/proc", "/dev", "/sys"} {
		if err := s.dir(dir); err != nil {
			return nil, err
		}
	}
	for _, f := range etcFiles(r.rec.Config, r.rec.ID, nil) {
		if err := s.file(f.path); err != nil {
			return nil, err
		}
	}
	for _, m := range sortedMounts(r.rec.Config.Mounts) {
		make := s.dir
		if isFileBind(m) {
			make = s.file
		}
		if err := make(m.Target); err != nil {
			return nil, mountError(m, reasonOf(err))
		}
	}
	r.state.Scaffold = append(r.state.Scaffold, s.paths...)
	if _, err := mkdirAll(w, r.rec.Process.Cwd, 0o755); err != nil {
		return nil, err
	}
	return r.plan(w)
}

func (r *Run) plan(w *vfs.Walker) (*bootPlan, error) {
	p := r.rec.Process
	who, env, err := identify(w, p, r.rec.Config.GroupAdd)
	if err != nil {
		return nil, err
	}
	return &bootPlan{who: who, env: env, engine: engineOf(w, p.Path, env, p.Cwd)}, nil
}

// identify finds out who a program runs as, and gives it a HOME.
func identify(w *vfs.Walker, p Process, add []string) (who Identity, env []string, err error) {
	passwd, err := readFile(w, "/etc/passwd", maxEtcFile)
	if err != nil {
		return who, nil, err
	}
	group, err := readFile(w, "/etc/group", maxEtcFile)
	if err != nil {
		return who, nil, err
	}
	who, err = findUser(p.User, passwd, group, add)
	if err != nil {
		return who, nil, err
	}
	env = p.Env
	if envValue(env, "HOME") == "" {
		env = append(slices.Clone(env), "HOME="+who.Home)
	}
	return who, env, nil
}

// startKernel boots a kernel on the laid out file system and mounts the
// user's mounts in it.
func (r *Run) startKernel(ctx context.Context, loaders []kernel.Loader) (err error) {
	c := r.rec.Config
	limits, err := rlimits(c.Ulimits)
	if err != nil {
		return err
	}
	if r.net, err = r.e.join(ctx, r.rec); err != nil {
		return err
	}
	r.kernel, err = kernel.New(kernel.Config{
		Root:       r.tree.fs,
		ReadOnly:   c.ReadOnly,
		Hostname:   hostnameOf(c, r.rec.ID),
		Domainname: c.Domainname,
		Limits:     kernel.Limits{Tasks: int(max(c.PidsLimit, 0)), Memory: c.Memory, Disk: c.StorageSize, CPU: float64(c.NanoCPUs) / 1e9},
		Rlimits:    limits,
		Loaders:    loaders,
		Dial:       r.net.outside(),
		Neighbour:  r.net.neighbour,
		Resolver:   r.net.resolver(),
		NameServer: nameServer,
		Interfaces: r.net.interfaces(),
		CPUs:       runtime.NumCPU(),
		Processor:  processor,
		ShmBytes:   c.ShmSize,
		OnOOMKill:  func() { r.emit("oom") },
	})
	if err != nil {
		return err
	}
	if r.ports, err = newPublisher(r.kernel, r.net.endpoints(), r.publishes()); err != nil {
		return err
	}
	from := r.tree
	if !r.state.StartedAt.IsZero() {
		from = nil // volumes were filled then
	}
	r.mounts, err = r.e.mountAll(ctx, r.kernel.Namespace(), r.rec, r.net.endpoints(), from)
	return err
}

// startProgram starts process 1.
func (r *Run) startProgram(plan *bootPlan) error {
	files, err := r.io.files(r.kernel)
	if err != nil {
		return err
	}
	defer closeFiles(files) // the program has references of its own
	p := r.rec.Process
	start := kernel.Exec{
		Argv: append([]string{p.Path}, p.Args...), Env: plan.env, Cwd: p.Cwd,
		Cred: r.rec.Config.credentials(plan.who), Umask: 0o022,
		Files: files, CTTY: r.io.tty, NewSession: true,
	}
	var proc *kernel.Process
	if r.rec.Config.Init {
		proc, err = r.startInit(start, plan.env)
	} else {
		proc, err = r.kernel.Start(start)
	}
	if err != nil {
		return explainStart(r.tree.walker(), p, plan.env, err)
	}
	r.proc.Store(proc)
	r.reach.Store(r.kernel)
	r.ports.start()
	return nil
}

// stdio makes the streams of process 1: the host's, or those of callers.
func (r *Run) stdio(host IO) (*stdio, error) {
	c := r.rec.Config
	if !c.OpenStdin {
		host.Stdin = nil
	}
	s := &stdio{isTTY: c.TTY, host: host, once: c.StdinOnce, kill: r.Signal, resized: r.emitResize}
	if c.OpenStdin && host.Stdin == nil {
		s.in = newInbox()
	}
	if c.LogDriver != LogNone {
		limits, err := c.logLimits(r.rec.Process)
		if err != nil {
			return nil, err
		}
		r.log = newLogWriter(r.e.disk.dir(r.rec.ID), limits)
		if c.AutoRemove && !r.apart {
			r.log.ring = &logRing{}
		}
		s.log = r.log
	}
	return s, nil
}
