package wasi_test

import (
	"bytes"
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/tools"
	"github.com/sbxrun/sbx/wasi"
)

// function is one function of a hand-made module.
type function struct {
	kind   byte // index of its type
	locals []byte
	code   []byte // without the last end
}

// program makes a module of functions of type 0: ()->(), 1: (i32)->i32. The
// last function is exported as _start or as f.
func program(start bool, funcs ...function) []byte {
	var kinds, bodies [][]byte
	for _, f := range funcs {
		locals := f.locals
		if locals == nil {
			locals = []byte{0}
		}
		body := concat(locals, f.code, []byte{0x0b})
		kinds = append(kinds, []byte{f.kind})
		bodies = append(bodies, append(uleb(uint64(len(body))), body...))
	}
	export := map[bool]string{true: "_start", false: "f"}[start]
	last := byte(len(funcs) - 1)
	return concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, vector([]byte{0x60, 0, 0}, []byte{0x60, 1, 0x7f, 1, 0x7f})), section(3, vector(kinds...)),
		section(5, vector([]byte{0, 1})), section(7, vector(append(name("memory"), 2, 0), append(name(export), 0, last))), section(10, vector(bodies...)))
}

// fib is the naive one: recursion without a loop.
var fib = function{kind: 1, code: []byte{
	0x20, 0, 0x41, 2, 0x49, 0x04, 0x7f, 0x20, 0, 0x05, // n < 2 ? n :
	0x20, 0, 0x41, 1, 0x6b, 0x10, 0, 0x20, 0, 0x41, 2, 0x6b, 0x10, 0, 0x6a, 0x0b}}

// collatz counts all steps of the numbers up to n: nested loops.
var collatz = function{kind: 1, locals: []byte{1, 2, 0x7f}, code: concat( // 1: number, 2: steps
	[]byte{0x03, 0x40, 0x20, 0, 0x21, 1}, // loop: number = n
	[]byte{0x03, 0x40},                   // loop
	[]byte{0x20, 1, 0x41, 1, 0x71, 0x04, 0x7f, 0x20, 1, 0x41, 3, 0x6c, 0x41, 1, 0x6a, 0x05, 0x20, 1, 0x41, 1, 0x76, 0x0b, 0x21, 1},
	[]byte{0x20, 2, 0x41, 1, 0x6a, 0x21, 2},
	[]byte{0x20, 1, 0x41, 1, 0x4b, 0x0d, 0, 0x0b},                         // br_if number > 1
	[]byte{0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x41, 0, 0x4b, 0x0d, 0, 0x0b}, // br_if --n > 0
	[]byte{0x20, 2})}

// xorshift is a tight loop of a few instructions.
var xorshift = function{kind: 1, locals: []byte{1, 1, 0x7f}, code: concat(
	[]byte{0x41, 1, 0x21, 1, 0x03, 0x40},
	[]byte{0x20, 1, 0x20, 1, 0x41, 13, 0x74, 0x73, 0x22, 1, 0x20, 1, 0x41, 17, 0x76, 0x73, 0x22, 1, 0x20, 1, 0x41, 5, 0x74, 0x73, 0x21, 1},
	[]byte{0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x20, 1})}

// memory walks over 64 KiB, n times.
var memory = function{kind: 1, locals: []byte{1, 2, 0x7f}, code: concat(
	[]byte{0x03, 0x40, 0x41, 0, 0x21, 1, 0x03, 0x40},
	[]byte{0x20, 1, 0x20, 1, 0x28, 2, 0, 0x20, 0, 0x6a, 0x22, 2, 0x36, 2, 0},
	[]byte{0x20, 1, 0x41, 4, 0x6a, 0x22, 1, 0x41, 0x80, 0x80, 0x04, 0x49, 0x0d, 0, 0x0b},
	[]byte{0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x20, 2})}

var computations = []struct {
	name string
	f    function
	n    uint64
}{{"fib", fib, 27}, {"collatz", collatz, 20000}, {"xorshift", xorshift, 3000000}, {"memory", memory, 100}}

func compiles() bool { return runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64" }

func newRuntime(closing, interpret bool) wazero.Runtime {
	cfg := wazero.NewRuntimeConfig()
	if interpret {
		cfg = wazero.NewRuntimeConfigInterpreter()
	}
	return wazero.NewRuntimeWithConfig(context.Background(), cfg.WithCloseOnContextDone(closing).WithCoreFeatures(wasi.Features))
}

// Modules with checks compute the same as without, and stop when told.
func TestInstrumentedComputes(t *testing.T) {
	ctx := context.Background()
	for _, interpret := range []bool{false, true} {
		rt := newRuntime(false, interpret)
		defer rt.Close(ctx)
		for _, c := range computations {
			plain := program(false, c.f)
			with, err := wasi.Interruptible(plain, true)
			if err != nil {
				t.Fatal(c.name, err)
			}
			var got [2]uint64
			for i, code := range [][]byte{plain, with} {
				mod, err := rt.InstantiateWithConfig(ctx, code, wazero.NewModuleConfig().WithName(""))
				if err != nil {
					t.Fatal(c.name, err)
				}
				r, err := mod.ExportedFunction("f").Call(ctx, c.n)
				if err != nil {
					t.Fatal(c.name, err)
				}
				got[i] = r[0]
				if i == 0 {
					continue
				}
				mod.ExportedGlobal(wasi.StopName).(api.MutableGlobal).Set(1)
				if _, err := mod.ExportedFunction("f").Call(ctx, c.n); err == nil {
					t.Errorf("%s does not stop", c.name)
				}
			}
			if got[0] != got[1] {
				t.Errorf("%s: %d with checks, %d without", c.name, got[1], got[0])
			}
		}
	}
}

// forever are modules that never end, each in its way, and that never call us.
var forever = map[string]func() []byte{
	"loop":      func() []byte { return assembly{code: spin}.build() },
	"recursion": func() []byte { return program(true, fib, function{code: []byte{0x41, 60, 0x10, 0, 0x1a}}) },
	"tail call": func() []byte { return program(true, function{code: []byte{0x12, 0}}) },
	"calls in a loop": func() []byte {
		return program(true, function{kind: 1, code: []byte{0x20, 0}}, function{code: []byte{0x03, 0x40, 0x41, 0, 0x10, 0, 0x1a, 0x0c, 0, 0x0b}})
	},
	"nested loops of functions": func() []byte {
		long := concat(i32(2000), []byte{0x21, 0})
		loop := func(body ...byte) []byte {
			return concat(long, []byte{0x03, 0x40}, body, []byte{0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b})
		}
		one := []byte{1, 1, 0x7f}
		return program(true, function{locals: one, code: loop()}, function{locals: one, code: loop(0x10, 0)},
			function{locals: one, code: loop(0x10, 1)}, function{locals: one, code: loop(0x10, 2)})
	},
	"start function": func() []byte {
		m := program(true, function{code: spin})
		i := bytes.Index(m, []byte{10, 9, 1, 7})
		return concat(m[:i], section(8, []byte{0}), m[i:])
	},
	"no memory": func() []byte {
		m := program(true, function{code: spin})
		m = bytes.Replace(m, section(5, vector([]byte{0, 1})), nil, 1)
		with, without := vector(append(name("memory"), 2, 0), append(name("_start"), 0, 0)), vector(append(name("_start"), 0, 0))
		return bytes.Replace(m, section(7, with), section(7, without), 1)
	},
}

// Whatever a module does, it dies of signals, and meanwhile the garbage
// collector, and with it the whole program, goes on.
func TestKillAnyLoop(t *testing.T) {
	interpreter := wasi.New(wasi.Config{Interpret: true})
	defer interpreter.Close()
	t.Run("compiled", func(t *testing.T) { killAnyLoop(t, engine) })
	t.Run("interpreted", func(t *testing.T) { killAnyLoop(t, interpreter) })
}

func killAnyLoop(t *testing.T, e *wasi.Engine) {
	for what, build := range forever {
		for _, sig := range []linux.Signal{linux.SIGKILL, linux.SIGTERM} {
			w := newWorld(t, func(c *kernel.Config) { c.Loaders = []kernel.Loader{e} })
			w.write("/m", build(), 0o755)
			var out, errOut bytes.Buffer
			p := w.start(run{argv: []string{"/m"}}, &out, &errOut)
			for range 3 {
				time.Sleep(5 * time.Millisecond)
				runtime.GC()
			}
			select {
			case <-p.Done():
				t.Fatalf("%s ended by itself: %q", what, errOut.String())
			default:
			}
			p.Signal(sig)
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			st, err := p.Wait(ctx)
			cancel()
			if err != nil || st.TermSignal() != sig {
				t.Errorf("%s, %v: status %v, %v", what, sig, st, err)
			}
		}
	}
}

// A start function runs before _start, with the process it belongs to.
func TestStartFunction(t *testing.T) {
	interpreter := wasi.New(wasi.Config{Interpret: true})
	defer interpreter.Close()
	exit := importFunc{"wasi_snapshot_preview1", "proc_exit", "i"}
	// _start exits with what is at address 0, where the start function put 5.
	m := assembly{imports: []importFunc{exit}, code: []byte{0x41, 0, 0x28, 2, 0, 0x10, 0}}.build()
	m = bytes.Replace(m, section(3, vector([]byte{0})), section(3, vector([]byte{0}, []byte{0})), 1)
	i := bytes.Index(m, append(name("_start"), 0)) + len(name("_start")) + 2
	body := func(code ...byte) []byte {
		return append(uleb(uint64(len(code)+2)), concat([]byte{0}, code, []byte{0x0b})...)
	}
	m = concat(m[:i], section(8, []byte{2}), section(10, vector(body(0x41, 0, 0x28, 2, 0, 0x10, 0), body(0x41, 0, 0x41, 5, 0x36, 2, 0))))
	for what, e := range map[string]*wasi.Engine{"compiled": engine, "interpreted": interpreter} {
		w := newWorld(t, func(c *kernel.Config) { c.Loaders = []kernel.Loader{e} })
		w.write("/m", m, 0o755)
		if r := w.run(run{argv: []string{"/m"}}); r.status.ExitCode() != 5 {
			t.Errorf("%s: %v", what, r)
		}
	}
}

func TestNotInstrumented(t *testing.T) {
	good := program(true, function{code: spin})
	if _, err := wasi.Interruptible(good, true); err != nil {
		t.Fatal(err)
	}
	for what, m := range map[string][]byte{
		"nothing": nil, "half a header": good[:7],
		"an unknown instruction": program(true, function{code: []byte{0xfb, 0}}), "a cut": good[:len(good)-1],
		"an unknown section": concat(good, section(99, nil)), "a section twice": concat(good, section(10, []byte{0})),
	} {
		if _, err := wasi.Interruptible(m, true); err == nil {
			t.Errorf("with %s it was instrumented", what)
		}
	}
}

// Instrumenting keeps a valid module valid, and leaves our own tools nothing
// that we do not know.
func TestInstrumentedTools(t *testing.T) {
	rt := newRuntime(false, true)
	defer rt.Close(context.Background())
	for _, m := range tools.Modules() {
		with, err := wasi.Interruptible(m.Wasm(), true)
		if err != nil {
			t.Fatal(m.Name, err)
		}
		if _, err := rt.CompileModule(context.Background(), with); err != nil {
			t.Error(m.Name, err)
		}
		t.Logf("%s: %d bytes, %d with checks", m.Name, len(m.Wasm()), len(with))
	}
}

// FuzzInterruptible: no input panics; valid modules are understood and stay
// valid.
func FuzzInterruptible(f *testing.F) {
	for _, build := range forever {
		f.Add(build())
	}
	for _, c := range computations {
		f.Add(program(false, c.f))
	}
	for _, m := range tools.Modules() {
		f.Add(m.Wasm())
	}
	f.Add([]byte("\x00asm\x01\x00\x00\x00"))
	rt := newRuntime(false, true)
	compile := func(module []byte) error {
		c, err := rt.CompileModule(context.Background(), module)
		if err == nil {
			c.Close(context.Background())
		}
		return err
	}
	f.Fuzz(func(t *testing.T, module []byte) {
		var with [2][]byte
		var err error
		for i := range with {
			if with[i], err = wasi.Interruptible(module, i == 1); err != nil {
				break
			}
		}
		if compile(module) != nil {
			return
		}
		if err != nil {
			t.Fatalf("a valid module is not understood: %v", err)
		}
		for _, m := range with {
			if err := compile(m); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// BenchmarkChecks is the cost of ours and of wazero's.
func BenchmarkChecks(b *testing.B) {
	if !compiles() {
		b.Skip("no compiler for this host")
	}
	ctx := experimental.WithCompilationWorkers(context.Background(), 1)
	for _, c := range computations {
		plain := program(false, c.f)
		with, err := wasi.Interruptible(plain, true)
		if err != nil {
			b.Fatal(err)
		}
		for _, way := range []struct {
			name    string
			code    []byte
			closing bool
		}{{"none", plain, false}, {"ours", with, false}, {"wazero", plain, true}} {
			b.Run(c.name+"/"+way.name, func(b *testing.B) {
				rt := newRuntime(way.closing, false)
				defer rt.Close(ctx)
				mod, err := rt.InstantiateWithConfig(ctx, way.code, wazero.NewModuleConfig().WithName(""))
				if err != nil {
					b.Fatal(err)
				}
				f := mod.ExportedFunction("f")
				for b.Loop() {
					if _, err := f.Call(ctx, c.n); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
