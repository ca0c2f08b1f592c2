package wasi

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// exitNoExec is the status of a module that cannot be linked.
const exitNoExec = 126

// program is one run of a module.
type program struct {
	engine    *Engine
	module    *module
	form      form
	argv, env []string
}

// Run instantiates the module and calls its _start. The instance, its memory
// and the descriptors that the guest opened are gone afterwards.
func (g *program) Run(t *kernel.Task) int {
	defer g.engine.release(g.module)
	p := newProc(t, g.argv, g.env, g.module.foreign)
	defer p.close()
	ctx := context.WithValue(t.Context(), procKey{}, p)
	ictx := experimental.WithMemoryAllocator(ctx, allocator{t, &g.engine.pool})
	cfg := wazero.NewModuleConfig().WithName("").WithStartFunctions()
	mod, err := g.form.rt.InstantiateModule(ictx, g.form.compiled, cfg)
	if err == nil {
		defer mod.Close(context.Background())
		if g.form.tier == native {
			defer stopWith(t.Context(), mod)()
		}
		err = start(ctx, mod)
	}
	return g.end(t, p, err)
}

// stopWith makes the checks in a module trap when ctx ends.
func stopWith(ctx context.Context, mod api.Module) func() bool {
	stop, _ := mod.ExportedGlobal(stopName).(api.MutableGlobal)
	return context.AfterFunc(ctx, func() { stop.Set(1) })
}

var errNoStart = errors.New("no _start function: not a command")

func start(ctx context.Context, mod api.Module) error {
	f := mod.ExportedFunction("_start")
	if f == nil || len(f.Definition().ParamTypes()) > 0 || len(f.Definition().ResultTypes()) > 0 {
		return errNoStart
	}
	if first := mod.ExportedFunction(startName); first != nil {
		if _, err := first.Call(ctx); err != nil {
			return err
		}
	}
	_, err := f.Call(ctx)
	return err
}

// end turns how the module ended into an exit code, or into a signal to t.
func (g *program) end(t *kernel.Task, p *proc, err error) int {
	var exit *sys.ExitError
	switch {
	case err == nil:
		return 0
	case p.ended:
		return p.code
	case t.Context().Err() != nil:
		return 128 + int(linux.SIGKILL) // the signal that did it decides
	case errors.As(err, &exit):
		return int(exit.ExitCode()) & 0xff
	}
	if g.engine.cfg.Report != nil && isPanic(err) {
		g.engine.cfg.Report(err)
	}
	sig, known := trapSignal(err)
	if !known {
		msg := fmt.Sprintf("%s: %v\n", g.name(), linkError(err))
		t.Write(2, []byte(msg))
		return exitNoExec
	}
	t.Sigaction(sig, kernel.SigDefault)
	t.Sigmask(linux.SIG_UNBLOCK, ptr(linux.SigSet(0).With(sig)))
	t.Kill(t.Getpid(), sig)
	return 128 + int(sig)
}

func ptr[T any](v T) *T { return &v }

func (g *program) name() string {
	if len(g.argv) > 0 {
		return g.argv[0]
	}
	return "wasm"
}

// linkError keeps the first line of wazero's message, without its stack.
func linkError(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// traps maps wazero's messages to the signals of the same mistakes in a native
// program. They begin an error that it returns from a call.
var traps = []struct {
	text string
	sig  linux.Signal
}{
	{"unreachable", linux.SIGABRT},
	{"out of bounds memory access", linux.SIGSEGV},
	{"stack overflow", linux.SIGSEGV},
	{"invalid table access", linux.SIGSEGV},
	{"indirect call type mismatch", linux.SIGSEGV},
	{"null reference", linux.SIGSEGV},
	{"integer divide by zero", linux.SIGFPE},
	{"integer overflow", linux.SIGFPE},
	{"invalid conversion to integer", linux.SIGFPE},
	{"unaligned atomic", linux.SIGBUS},
	{"uncaught exception", linux.SIGABRT},
}

// isPanic tells a Go panic in a host function from a trap of the guest.
func isPanic(err error) bool { return strings.Contains(err.Error(), "(recovered by wazero)") }

func trapSignal(err error) (linux.Signal, bool) {
	text := err.Error()
	if isPanic(err) {
		return linux.SIGSEGV, true
	}
	_, rest, isTrap := strings.Cut(text, "wasm error: ")
	if !isTrap {
		rest = text // a stack overflow comes without it
	}
	for _, trap := range traps {
		if strings.HasPrefix(rest, trap.text) {
			return trap.sig, true
		}
	}
	return linux.SIGILL, isTrap
}
