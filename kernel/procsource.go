package kernel

import (
	"slices"
	"strings"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel/proc"
	"github.com/sbxrun/sbx/kernel/tty"
	"github.com/sbxrun/sbx/vfs"
)

// source is the kernel as /proc and /sys see it.
type source struct{ k *Kernel }

// ProcSelf is what /proc/self and /proc/thread-self lead to.
func (t *Task) ProcSelf() (tgid, tid int) { return t.proc.pid, t.tid }

// PIDs lists processes.
func (s source) PIDs() []int {
	s.k.mu.Lock()
	defer s.k.mu.Unlock()
	pids := make([]int, 0, len(s.k.procs))
	for pid := range s.k.procs {
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids
}

// Task finds a task.
func (s source) Task(id int) (proc.Task, bool) {
	s.k.mu.Lock()
	defer s.k.mu.Unlock()
	t := s.k.tasks[id]
	if t == nil {
		return nil, false
	}
	return procTask{t}, true
}

// SysvIPC makes a file of /proc/sysvipc.
func (s source) SysvIPC(name string) string { return s.k.ipc.Show(name) }

// SetHostname writes /proc/sys/kernel/hostname.
func (s source) SetHostname(name string) error { return s.k.setHostname(name) }

// SetDomainname writes /proc/sys/kernel/domainname.
func (s source) SetDomainname(name string) error { return s.k.setDomainname(name) }

// System tells of the whole.
func (s source) System() proc.System {
	k := s.k
	total := k.memoryTotal()
	sys := proc.System{
		Release: kernelRelease, Version: kernelVersion, Machine: machine, Boot: k.bootWall, Uptime: k.uptime(),
		CPUs: k.cfg.CPUs, Processor: k.cfg.Processor, MemTotal: total, MemFree: max(total-k.memory.Load(), 0), MemPeak: k.memoryPeak.Load(), MemLimit: k.maxMemory.Load(), OOMKills: k.OOMKills(), CPULimit: k.cfg.Limits.CPU,
		CPUPeriods: k.throttle.periods.Load(), CPUThrottled: k.throttle.throttled.Load(), CPUThrottledTime: time.Duration(k.throttle.time.Load()),
		PIDMax: maxPID, Forks: k.forks.Load(), OpenFiles: uint64(k.openFiles.Load()),
		FileMax: uint64(k.cfg.Limits.OpenFiles), PipeMaxSize: pipeMax, AIO: uint64(k.AIO()), AIOMax: AIOMax,
	}
	k.utsMu.Lock()
	sys.Hostname, sys.Domainname = k.hostname, k.domainname
	k.utsMu.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.maxTasks != defaultTasks {
		sys.TasksLimit = k.maxTasks
	}
	sys.User = k.deadCPU
	sys.LastPID, sys.Tasks = k.lastPID, len(k.tasks)
	for _, p := range k.procs {
		sys.User += p.usageLocked().User
		if p.stateLocked() == 'R' {
			sys.Running++
		}
	}
	for _, t := range k.tasks {
		sys.Switches += uint64(t.waits.Load())
	}
	sys.Idle = max(sys.Uptime*time.Duration(k.cfg.CPUs)-sys.User, 0)
	return sys
}

// procTask is a task as /proc sees it.
type procTask struct{ t *Task }

// Status tells what stat and status show.
func (p procTask) Status() proc.Status {
	t, k := p.t, p.t.k
	st, ctty := p.locked()
	st.TTYPgrp = -1
	if ctty != nil {
		st.TTY, st.TTYPgrp = ctty.Rdev(), ctty.Foreground()
		if st.TTYPgrp == 0 {
			st.TTYPgrp = -1
		}
	}
	c := t.cred.Load()
	st.UID = [4]uint32{c.UID, c.EUID, c.SUID, c.FSUID}
	st.GID = [4]uint32{c.GID, c.EGID, c.SGID, c.FSGID}
	st.Groups = c.Groups
	st.CapInh, st.CapPrm, st.CapEff, st.CapBnd, st.CapAmb = c.Inheritable, c.Permitted, c.Effective, c.Bounding, c.Ambient
	st.NoNewPrivs = c.NoNewPrivs
	if s := t.Seccomp(); s != nil {
		st.Seccomp, st.SeccompFilters = s.Mode(), s.Filter.Depth()
	}
	k.mu.Lock()
	fs, files := t.fs, t.files
	k.mu.Unlock()
	fs.mu.Lock()
	st.Umask = fs.umask
	fs.mu.Unlock()
	files.mu.Lock()
	st.FDSize = len(files.chunks) * fdChunk
	files.mu.Unlock()
	st.Start -= k.boot
	return st
}

// locked is the part of Status that the process table guards.
func (p procTask) locked() (proc.Status, *tty.TTY) {
	t, pr := p.t, p.t.proc
	t.k.mu.Lock()
	defer t.k.mu.Unlock()
	u := pr.usageLocked()
	st := proc.Status{
		Serial: uint64(pr.start)<<1 | 1, TGID: pr.pid, TID: t.tid, PPID: pr.ppidLocked(), Comm: t.Comm(),
		State: pr.stateLocked(), Threads: len(pr.tasks), Start: pr.start,
		UTime: u.User, STime: u.System, CUTime: pr.childUsage.User, CSTime: pr.childUsage.System,
		VmSize: pr.memory.Load(), VmRSS: pr.memory.Load(), SigPending: t.pending.set, ShdPending: pr.pending.set,
		SigBlocked: t.mask, SigQueued: uint64(len(t.pending.queue) + len(pr.pending.queue)), SigQueueLimit: maxQueued,
		Voluntary: uint64(t.waits.Load()), ReadBytes: uint64(pr.inBytes.Load()), WriteBytes: uint64(pr.outBytes.Load()),
		ReadChars: uint64(pr.inBytes.Load()), WriteChars: uint64(pr.outBytes.Load()), OOMScoreAdj: pr.oomAdj, LoginUID: ^pr.loginUID, Nice: t.sched.Nice, CPUs: t.sched.CPUs,
	}
	if pr.zombie {
		st.ExitCode = pr.status
	} else {
		st.Threads = len(pr.tasks)
	}
	for s := linux.Signal(1); s < linux.NSIG; s++ {
		switch pr.sigs.a[s].Disp {
		case SigIgnore:
			st.SigIgnored = st.SigIgnored.With(s)
		case SigHandle:
			st.SigCaught = st.SigCaught.With(s)
		}
	}
	if pr.group != nil {
		st.PGID, st.SID = pr.group.id, pr.group.session.id
	}
	return st, pr.ctty
}

// alive reports whether the task still has files and places.
func (p procTask) alive() bool {
	p.t.k.mu.Lock()
	defer p.t.k.mu.Unlock()
	return !p.t.exited && !p.t.proc.zombie
}

// Cmdline is nil for a zombie.
func (p procTask) Cmdline() []byte {
	if !p.alive() {
		return nil
	}
	return p.t.cmdline()
}

// Environ is nil for a zombie.
func (p procTask) Environ() []byte {
	if !p.alive() {
		return nil
	}
	if now, ok := p.t.titled(); ok {
		return now.Environ()
	}
	return zeroEnded(p.t.Env())
}

// Threads lists the threads of the process.
func (p procTask) Threads() []int {
	p.t.k.mu.Lock()
	defer p.t.k.mu.Unlock()
	var ids []int
	for _, t := range p.t.proc.tasks {
		ids = append(ids, t.tid)
	}
	slices.Sort(ids)
	return ids
}

// FDs lists the open descriptors.
func (p procTask) FDs() []int { return p.t.theirFiles().list() }

// FD tells of one. Its Loc has no Ref.
func (p procTask) FD(fd int) (proc.FD, error) {
	f, err := p.t.theirFiles().get(fd)
	if err != nil {
		return proc.FD{}, linux.ENOENT
	}
	defer f.decref(nil)
	d := proc.FD{Loc: f.loc, Path: f.link(p.t), Flags: f.Flags(), Ino: f.ino}
	if flags, _ := p.t.FdFlags(fd); flags != 0 {
		d.Flags |= linux.O_CLOEXEC
	}
	if f.loc.Mount != nil {
		d.MntID, d.Ino = f.loc.Mount.ID(), f.loc.Ino
	}
	if _, ok := f.ops.(*regular); ok && f.pos.TryLock() {
		d.Pos = f.off
		f.pos.Unlock()
	}
	return d, nil
}

// Link resolves exe, cwd and root.
func (p procTask) Link(l proc.Link) (vfs.Loc, string, error) {
	if !p.alive() {
		return vfs.Loc{}, "", linux.ESRCH
	}
	w := p.t.walker()
	defer w.done()
	loc := w.Cwd
	switch l {
	case proc.LinkRoot:
		loc = w.Root
	case proc.LinkExe:
		im := p.t.image.Load()
		if im.exe.Mount == nil {
			return vfs.Loc{}, "", linux.ENOENT
		}
		path, ok := p.t.k.pathFrom(w.Root, im.exe, im.parent, im.base)
		if !ok {
			path += " (deleted)"
		}
		return im.exe, path, nil
	}
	if loc.Mount == nil {
		return vfs.Loc{}, "", linux.ENOENT
	}
	path, _, err := p.t.k.ns.Path(w.Root, loc)
	if err != nil {
		path = "/ (deleted)"
	}
	return loc, path, nil
}

// Maps shows the programs of Go as what they are: no mappings, unless the
// program tells of some.
func (p procTask) Maps() []proc.Mapping {
	now := p.t.running.Load()
	if now == nil || !p.alive() {
		return nil
	}
	if m, ok := (*now).(Mapper); ok {
		return m.Maps()
	}
	return nil
}

// Mapper is a Program with a memory, for /proc/PID/maps.
type Mapper interface{ Maps() []proc.Mapping }

// Mounts lists the mounts, with paths from the task's root.
func (p procTask) Mounts() []vfs.MountInfo {
	all := p.t.k.ns.Mounts()
	w := p.t.walker()
	defer w.done()
	if w.Root.Mount == nil {
		return all
	}
	root, reachable, err := p.t.k.ns.Path(p.t.k.ns.RootLoc(), w.Root)
	if err != nil || !reachable || root == "/" {
		return all
	}
	var out []vfs.MountInfo
	for _, m := range all {
		if rest, ok := strings.CutPrefix(m.Path, root); ok && (rest == "" || rest[0] == '/') {
			m.Path = rest
			if rest == "" {
				m.Path = "/"
			}
			out = append(out, m)
		}
	}
	return out
}

// Limits are the resource limits.
func (p procTask) Limits() [16]linux.Rlimit {
	r := p.t.proc.limits
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.l
}

// SetComm writes comm.
func (p procTask) SetComm(name string) error {
	p.t.SetComm(name)
	return nil
}

// SetLoginUID is what login programs write: who logged in, as long as nobody has.
func (p procTask) SetLoginUID(uid uint32) error {
	p.t.k.mu.Lock()
	defer p.t.k.mu.Unlock()
	if p.t.proc.loginUID != 0 && !p.t.cred.Load().Has(linux.CAP_AUDIT_CONTROL) {
		return linux.EPERM
	}
	p.t.proc.loginUID = ^uid
	return nil
}

// SetOOMScoreAdj is remembered and means nothing.
func (p procTask) SetOOMScoreAdj(n int) error {
	if n < -1000 || n > 1000 {
		return linux.EINVAL
	}
	p.t.k.mu.Lock()
	defer p.t.k.mu.Unlock()
	p.t.proc.oomAdj = n
	return nil
}
