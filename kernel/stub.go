package kernel

import (
	"context"
	"io"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/vfs"
)

// Kernel is one sandbox's kernel.
type Kernel struct{}

// New makes a kernel.
func New(Config) (*Kernel, error)                              { return nil, linux.ENOSYS }
func (k *Kernel) Namespace() *vfs.Namespace                    { return nil }
func (k *Kernel) Close() error                                 { return nil }
func (k *Kernel) Done() <-chan struct{}                        { return nil }
func (k *Kernel) Start(e Exec) (*Process, error)               { return nil, linux.ENOSYS }
func (k *Kernel) Signal(pid int, sig linux.Signal) error       { return linux.ENOSYS }
func (k *Kernel) Processes() []ProcInfo                        { return nil }
func (k *Kernel) HostReader(r io.Reader) *File                 { return nil }
func (k *Kernel) HostWriter(w io.Writer) *File                 { return nil }
func (k *Kernel) NewTTY(ws linux.Winsize) (*TTY, *File, error) { return nil, nil, linux.ENOSYS }
func (k *Kernel) DevNull() *File                               { return nil }
func (k *Kernel) Clock() Clock                                 { return nil }

// TTY is the host's side of a terminal.
type TTY struct{}

func (t *TTY) Read(p []byte) (int, error)  { return 0, linux.ENOSYS }
func (t *TTY) Write(p []byte) (int, error) { return 0, linux.ENOSYS }
func (t *TTY) Resize(ws linux.Winsize)     {}
func (t *TTY) Close() error                { return nil }

// Exec says what Start runs.
type Exec struct {
	Path       string
	Argv, Env  []string
	Cwd        string
	Cred       Credentials
	Umask      uint32
	Files      []*File
	CTTY       *TTY
	NewSession bool
	Parent     *Task
}

// Credentials of a process.
type Credentials struct {
	UID, EUID, SUID, FSUID                               uint32
	GID, EGID, SGID, FSGID                               uint32
	Groups                                               []uint32
	Permitted, Effective, Inheritable, Bounding, Ambient uint64
	NoNewPrivs, KeepCaps                                 bool
}

// Process is a thread group.
type Process struct{}

func (p *Process) PID() int                                           { return 0 }
func (p *Process) Wait(ctx context.Context) (linux.WaitStatus, error) { return 0, linux.ENOSYS }
func (p *Process) Signal(sig linux.Signal) error                      { return linux.ENOSYS }
func (p *Process) Done() <-chan struct{}                              { return nil }

// Task is a thread.
type Task struct{}

// File is an open file description.
type File struct{}

func (t *Task) Process() *Process                          { return nil }
func (t *Task) Kernel() *Kernel                            { return nil }
func (t *Task) Context() context.Context                   { return nil }
func (t *Task) Exit(code int)                              {}
func (t *Task) Exec(path string, argv, env []string) error { return linux.ENOSYS }
func (t *Task) Fork(p Program) (*Task, error)              { return nil, linux.ENOSYS }
func (t *Task) Spawn(o SpawnOpts) (int, error)             { return 0, linux.ENOSYS }
func (t *Task) GetFile(fd int) (*File, error)              { return nil, linux.ENOSYS }
func (t *Task) Env() []string                              { return nil }
func (t *Task) Argv() []string                             { return nil }
func (t *Task) SetComm(name string)                        {}
func (t *Task) Comm() string                               { return "" }

func (t *Task) Open(dirfd int, path string, flags int, mode uint32) (int, error) {
	return 0, linux.ENOSYS
}
func (t *Task) Close(fd int) error                                           { return linux.ENOSYS }
func (t *Task) Read(fd int, p []byte) (int, error)                           { return 0, linux.ENOSYS }
func (t *Task) Write(fd int, p []byte) (int, error)                          { return 0, linux.ENOSYS }
func (t *Task) Pread(fd int, p []byte, off int64) (int, error)               { return 0, linux.ENOSYS }
func (t *Task) Pwrite(fd int, p []byte, off int64) (int, error)              { return 0, linux.ENOSYS }
func (t *Task) Lseek(fd int, off int64, whence int) (int64, error)           { return 0, linux.ENOSYS }
func (t *Task) Dup(fd int) (int, error)                                      { return 0, linux.ENOSYS }
func (t *Task) Dup2(old, new int) (int, error)                               { return 0, linux.ENOSYS }
func (t *Task) Dup3(old, new, flags int) (int, error)                        { return 0, linux.ENOSYS }
func (t *Task) DupFrom(fd, min int, cloexec bool) (int, error)               { return 0, linux.ENOSYS }
func (t *Task) FdFlags(fd int) (int, error)                                  { return 0, linux.ENOSYS }
func (t *Task) SetFdFlags(fd, flags int) error                               { return linux.ENOSYS }
func (t *Task) StatusFlags(fd int) (int, error)                              { return 0, linux.ENOSYS }
func (t *Task) SetStatusFlags(fd, flags int) error                           { return linux.ENOSYS }
func (t *Task) Fds() []int                                                   { return nil }
func (t *Task) Pipe(flags int) (r, w int, err error)                         { return 0, 0, linux.ENOSYS }
func (t *Task) PipeSize(fd int) (int, error)                                 { return 0, linux.ENOSYS }
func (t *Task) SetPipeSize(fd, n int) (int, error)                           { return 0, linux.ENOSYS }
func (t *Task) Ftruncate(fd int, n int64) error                              { return linux.ENOSYS }
func (t *Task) Fallocate(fd int, mode uint32, off, n int64) error            { return linux.ENOSYS }
func (t *Task) Fsync(fd int) error                                           { return linux.ENOSYS }
func (t *Task) Fstat(fd int, a *vfs.Attr) error                              { return linux.ENOSYS }
func (t *Task) Stat(dirfd int, path string, flags int, a *vfs.Attr) error    { return linux.ENOSYS }
func (t *Task) Readlink(dirfd int, path string) (string, error)              { return "", linux.ENOSYS }
func (t *Task) Mkdir(dirfd int, path string, mode uint32) error              { return linux.ENOSYS }
func (t *Task) Mknod(dirfd int, path string, mode uint32, rdev uint64) error { return linux.ENOSYS }
func (t *Task) Unlink(dirfd int, path string, flags int) error               { return linux.ENOSYS }
func (t *Task) Rename(odir int, opath string, ndir int, npath string, flags uint32) error {
	return linux.ENOSYS
}
func (t *Task) Link(odir int, opath string, ndir int, npath string, flags int) error {
	return linux.ENOSYS
}
func (t *Task) Symlink(target string, dirfd int, path string) error            { return linux.ENOSYS }
func (t *Task) Chmod(dirfd int, path string, mode uint32, flags int) error     { return linux.ENOSYS }
func (t *Task) Fchmod(fd int, mode uint32) error                               { return linux.ENOSYS }
func (t *Task) Chown(dirfd int, path string, uid, gid uint32, flags int) error { return linux.ENOSYS }
func (t *Task) Fchown(fd int, uid, gid uint32) error                           { return linux.ENOSYS }
func (t *Task) Utimens(dirfd int, path string, ts *[2]vfs.Timespec, flags int) error {
	return linux.ENOSYS
}
func (t *Task) Futimens(fd int, ts *[2]vfs.Timespec) error                  { return linux.ENOSYS }
func (t *Task) Access(dirfd int, path string, mode uint32, flags int) error { return linux.ENOSYS }
func (t *Task) Truncate(path string, n int64) error                         { return linux.ENOSYS }
func (t *Task) ReadDir(fd int, fn func(vfs.DirEntry) bool) error            { return linux.ENOSYS }
func (t *Task) Getcwd() (string, error)                                     { return "", linux.ENOSYS }
func (t *Task) Chdir(path string) error                                     { return linux.ENOSYS }
func (t *Task) Fchdir(fd int) error                                         { return linux.ENOSYS }
func (t *Task) Chroot(path string) error                                    { return linux.ENOSYS }
func (t *Task) Umask(mask uint32) uint32                                    { return 0 }
func (t *Task) Statfs(path string) (linux.Statfs, error)                    { return linux.Statfs{}, linux.ENOSYS }
func (t *Task) Fstatfs(fd int) (linux.Statfs, error)                        { return linux.Statfs{}, linux.ENOSYS }
func (t *Task) Getxattr(dirfd int, path string, flags int, name string) ([]byte, error) {
	return nil, linux.ENOSYS
}
func (t *Task) Setxattr(dirfd int, path string, flags int, name string, v []byte, xflags int) error {
	return linux.ENOSYS
}
func (t *Task) Listxattr(dirfd int, path string, flags int) ([]string, error) {
	return nil, linux.ENOSYS
}
func (t *Task) Removexattr(dirfd int, path string, flags int, name string) error { return linux.ENOSYS }
func (t *Task) Flock(fd, op int) error                                           { return linux.ENOSYS }
func (t *Task) FcntlLock(fd, cmd int, l *Flock) error                            { return linux.ENOSYS }

func (t *Task) Poll(fds []PollFd, timeout time.Duration) (int, error) { return 0, linux.ENOSYS }
func (t *Task) Isatty(fd int) bool                                    { return false }
func (t *Task) Tcgetattr(fd int) (linux.Termios, error)               { return linux.Termios{}, linux.ENOSYS }
func (t *Task) Tcsetattr(fd, when int, tio linux.Termios) error       { return linux.ENOSYS }
func (t *Task) Tcflush(fd, queue int) error                           { return linux.ENOSYS }
func (t *Task) Winsize(fd int) (linux.Winsize, error)                 { return linux.Winsize{}, linux.ENOSYS }
func (t *Task) SetWinsize(fd int, ws linux.Winsize) error             { return linux.ENOSYS }
func (t *Task) Tcgetpgrp(fd int) (int, error)                         { return 0, linux.ENOSYS }
func (t *Task) Tcsetpgrp(fd, pgid int) error                          { return linux.ENOSYS }
func (t *Task) Tcgetsid(fd int) (int, error)                          { return 0, linux.ENOSYS }
func (t *Task) SetCTTY(fd int, steal bool) error                      { return linux.ENOSYS }
func (t *Task) Readable(fd int) (int, error)                          { return 0, linux.ENOSYS }

func (t *Task) Wait4(pid, options int) (int, linux.WaitStatus, Rusage, error) {
	return 0, 0, Rusage{}, linux.ENOSYS
}
func (t *Task) Kill(pid int, sig linux.Signal) error                  { return linux.ENOSYS }
func (t *Task) Getpid() int                                           { return 0 }
func (t *Task) Gettid() int                                           { return 0 }
func (t *Task) Getppid() int                                          { return 0 }
func (t *Task) Getpgid(pid int) (int, error)                          { return 0, linux.ENOSYS }
func (t *Task) Setpgid(pid, pgid int) error                           { return linux.ENOSYS }
func (t *Task) Getsid(pid int) (int, error)                           { return 0, linux.ENOSYS }
func (t *Task) Setsid() (int, error)                                  { return 0, linux.ENOSYS }
func (t *Task) Credentials() Credentials                              { return Credentials{} }
func (t *Task) Setuid(uid uint32) error                               { return linux.ENOSYS }
func (t *Task) Setgid(gid uint32) error                               { return linux.ENOSYS }
func (t *Task) Setreuid(r, e uint32) error                            { return linux.ENOSYS }
func (t *Task) Setregid(r, e uint32) error                            { return linux.ENOSYS }
func (t *Task) Setresuid(r, e, s uint32) error                        { return linux.ENOSYS }
func (t *Task) Setresgid(r, e, s uint32) error                        { return linux.ENOSYS }
func (t *Task) Setfsuid(uid uint32) uint32                            { return 0 }
func (t *Task) Setfsgid(gid uint32) uint32                            { return 0 }
func (t *Task) Setgroups(groups []uint32) error                       { return linux.ENOSYS }
func (t *Task) Capset(effective, permitted, inheritable uint64) error { return linux.ENOSYS }

func (t *Task) Sigaction(sig linux.Signal, d Disposition) (Disposition, error) {
	return 0, linux.ENOSYS
}
func (t *Task) SigactionFull(sig linux.Signal, a *Action) (Action, error) {
	return Action{}, linux.ENOSYS
}
func (t *Task) Sigmask(how int, set *linux.SigSet) (linux.SigSet, error) { return 0, linux.ENOSYS }
func (t *Task) Sigpending() linux.SigSet                                 { return 0 }
func (t *Task) Sigsuspend(mask linux.SigSet) error                       { return linux.ENOSYS }
func (t *Task) Pause() error                                             { return linux.ENOSYS }
func (t *Task) TakeSignal() (linux.Signal, bool)                         { return 0, false }

func (t *Task) Nanosleep(d time.Duration) (left time.Duration, err error) { return 0, linux.ENOSYS }
func (t *Task) Alarm(d time.Duration) time.Duration                       { return 0 }
func (t *Task) Setitimer(which int, value, interval time.Duration) (oldValue, oldInterval time.Duration, err error) {
	return 0, 0, linux.ENOSYS
}
func (t *Task) Getrlimit(res int) (linux.Rlimit, error)          { return linux.Rlimit{}, linux.ENOSYS }
func (t *Task) Setrlimit(res int, l linux.Rlimit) error          { return linux.ENOSYS }
func (t *Task) Times() Times                                     { return Times{} }
func (t *Task) Getrusage(who int) (Rusage, error)                { return Rusage{}, linux.ENOSYS }
func (t *Task) Clock() Clock                                     { return nil }
func (t *Task) Uname() Utsname                                   { return Utsname{} }
func (t *Task) Sethostname(name string) error                    { return linux.ENOSYS }
func (t *Task) Sysinfo() Sysinfo                                 { return Sysinfo{} }
func (t *Task) Dial(network, host string, port int) (int, error) { return 0, linux.ENOSYS }
func (t *Task) GrowMemory(delta int64) error                     { return linux.ENOSYS }

// RootCredentials is uid 0 with every capability.
func RootCredentials() Credentials { return Credentials{} }

func (f *File) ReadAt(p []byte, off int64) (int, error) { return 0, linux.ENOSYS }
func (f *File) Attr(a *vfs.Attr) error                  { return linux.ENOSYS }
