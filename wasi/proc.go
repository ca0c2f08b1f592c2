package wasi

import (
	"context"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/sys"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// Descriptors that every guest has.
const (
	fdPreopen = 3
	fdFirst   = 4
)

// maxFds bounds a guest's descriptors whatever the kernel allows.
const maxFds = 1 << 16

type procKey struct{}

// proc is the state of one running module. Only its task's goroutine uses it.
type proc struct {
	t    *kernel.Task
	argv []string
	env  []string
	mem  api.Memory // of the module that calls

	fds   map[uint32]*descriptor
	ended bool // proc_exit or exec: code holds
	code  int
}

// descriptor is one of the guest's.
type descriptor struct {
	fd      int // the kernel's; -1 for a preopen that nobody read yet
	preopen bool
	base    uint64 // rights, wasi's RIGHTS_*
	inherit uint64
}

// newProc makes the state of a module. One that does not know of our getcwd is
// given PWD.
func newProc(t *kernel.Task, argv, env []string, foreign bool) *proc {
	if foreign {
		env = withPwd(t, env)
	}
	p := &proc{t: t, argv: argv, env: env, fds: make(map[uint32]*descriptor, 8)}
	for fd := range uint32(3) {
		if flags, err := t.StatusFlags(int(fd)); err == nil {
			p.fds[fd] = &descriptor{fd: int(fd), base: rightsOf(flags)}
		}
	}
	p.fds[fdPreopen] = &descriptor{fd: -1, preopen: true, base: rightsAll, inherit: rightsAll}
	return p
}

// withPwd gives PWD the task's directory: preview 1 has no getcwd, and Go's and
// other runtimes start in PWD.
func withPwd(t *kernel.Task, env []string) []string {
	cwd, err := t.Getcwd()
	if err != nil {
		return env
	}
	out := make([]string, 0, len(env)+1)
	for _, kv := range env {
		if len(kv) < 4 || kv[:4] != "PWD=" {
			out = append(out, kv)
		}
	}
	return append(out, "PWD="+cwd)
}

// close closes what the guest opened.
func (p *proc) close() {
	for n, d := range p.fds {
		if d.fd >= 0 && n > 2 {
			p.t.Close(d.fd)
		}
	}
	p.fds = nil
}

func (p *proc) get(n uint32) (*descriptor, error) {
	d := p.fds[n]
	if d == nil {
		return nil, linux.EBADF
	}
	return d, nil
}

// fd returns the kernel's descriptor, opening "/" for the preopen.
func (p *proc) fd(n uint32) (int, error) {
	d, err := p.get(n)
	if err != nil {
		return -1, err
	}
	if d.fd < 0 {
		d.fd, err = p.t.Open(linux.AT_FDCWD, "/", linux.O_RDONLY|linux.O_DIRECTORY|linux.O_CLOEXEC, 0)
		if err != nil {
			d.fd = -1
			return -1, err
		}
	}
	return d.fd, nil
}

// add numbers a kernel descriptor for the guest; on failure it closes it.
func (p *proc) add(d *descriptor) (uint32, error) {
	if len(p.fds) < maxFds {
		for n := uint32(fdFirst); ; n++ {
			if p.fds[n] == nil {
				p.fds[n] = d
				return n, nil
			}
		}
	}
	p.t.Close(d.fd)
	return 0, linux.EMFILE
}

// at turns a descriptor and a path of preview 1 into the kernel's. The preopen
// is the root, so its paths become absolute.
func (p *proc) at(n uint32, path string) (int, string, error) {
	d, err := p.get(n)
	if err != nil {
		return 0, "", err
	}
	if path == "" {
		return 0, "", linux.ENOENT
	}
	if d.preopen {
		return linux.AT_FDCWD, "/" + path, nil
	}
	return d.fd, path, nil
}

// exit leaves the module. The panic is wazero's own way out of a host call.
func (p *proc) exit(code int) {
	p.ended, p.code = true, code
	panic(sys.NewExitError(uint32(code)))
}

// hostCall adapts a function of our tables to wazero.
func hostCall(f hostFunc) api.GoModuleFunction {
	return api.GoModuleFunc(func(ctx context.Context, mod api.Module, stack []uint64) {
		p, _ := ctx.Value(procKey{}).(*proc)
		if p == nil {
			panic(sys.NewExitError(exitNoExec)) // called at instantiation, outside a process
		}
		p.mem = mod.Memory()
		for i, c := range f.params {
			if c == 'i' {
				stack[i] = uint64(uint32(stack[i])) // compiled code leaves anything in the upper half
			}
		}
		err := f.call(p, stack)
		if p.t.Context().Err() != nil {
			panic(sys.NewExitError(128 + uint32(linux.SIGKILL)))
		}
		stack[0] = uint64(wasiErrno(err))
	})
}
