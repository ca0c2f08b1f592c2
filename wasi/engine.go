package wasi

import (
	"bytes"
	"context"
	"runtime"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

// Config says how an Engine works. The zero value is usable.
type Config struct {
	// CacheDir keeps compiled modules between processes. It may be shared by
	// many processes at one time, and losing or damaging it costs only time.
	// "" compiles anew in each process.
	CacheDir string
	// MaxMemory bounds the memory of one module in bytes: 0 is 2 GiB (512 MiB
	// on 32-bit hosts). The kernel's own limit holds too.
	MaxMemory int64
	// Workers is how many goroutines compile one module; 0 is up to 4.
	Workers int
	// Interpret never compiles: it starts sooner and runs far slower. Hosts
	// that wazero has no compiler for always interpret.
	Interpret bool
	// Report is told of mistakes of this package that it survived: a panic in
	// a host function, for which the guest gets SIGSEGV. nil drops them.
	Report func(error)
}

// Engine runs modules. It is a kernel.Loader, safe for concurrent use, and
// starts wazero at the first module. Close it after its kernels.
type Engine struct {
	cfg  Config
	pool bufferPool

	mu      sync.Mutex
	closed  bool
	rt      wazero.Runtime
	cache   wazero.CompilationCache
	modules map[digest]*module
	tick    uint64
}

var _ kernel.Loader = (*Engine)(nil)

// New makes an engine.
func New(cfg Config) *Engine {
	return &Engine{cfg: cfg, modules: map[digest]*module{}}
}

// Loader makes an engine as a loader for a kernel. Its Close method, which an
// *Engine has, gives back what it holds.
func Loader(cfg Config) kernel.Loader { return New(cfg) }

// Name is "wasi".
func (e *Engine) Name() string { return "wasi" }

// Match recognises the binary format, version 1 ("\0asm", 1).
func (e *Engine) Match(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\x00asm\x01\x00\x00\x00"))
}

// Load reads and compiles the module. ENOEXEC says that it is not a valid one,
// ENOMEM that it is too large.
func (e *Engine) Load(t *kernel.Task, f *kernel.File, path string, argv, env []string) (kernel.Program, error) {
	code, err := readModule(f)
	if err != nil {
		return nil, err
	}
	m, err := e.module(t.Context(), code)
	if err != nil {
		return nil, err
	}
	return &program{engine: e, module: m, argv: argv, env: env}, nil
}

// Close frees every compiled module. Programs of this engine must have ended.
func (e *Engine) Close() error {
	e.mu.Lock()
	rt, cache := e.rt, e.cache
	e.closed, e.rt, e.cache, e.modules = true, nil, nil, map[digest]*module{}
	e.mu.Unlock()
	var err error
	if rt != nil {
		err = rt.Close(context.Background())
	}
	if cache != nil {
		if cerr := cache.Close(context.Background()); err == nil {
			err = cerr
		}
	}
	e.pool.drain()
	return err
}

// runtime returns the wazero runtime with our host modules in it.
func (e *Engine) runtime() (wazero.Runtime, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return nil, linux.EIO
	}
	if e.rt != nil {
		return e.rt, nil
	}
	cfg := e.runtimeConfig()
	if cache := openCache(e.cfg.CacheDir); cache != nil {
		e.cache = cache
		cfg = cfg.WithCompilationCache(cache)
	}
	rt := wazero.NewRuntimeWithConfig(context.Background(), cfg)
	if err := instantiateHost(rt); err != nil {
		rt.Close(context.Background())
		return nil, err
	}
	e.rt = rt
	return rt, nil
}

const features = api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall | experimental.CoreFeaturesExtendedConst |
	experimental.CoreFeaturesExceptionHandling

func (e *Engine) runtimeConfig() wazero.RuntimeConfig {
	cfg := wazero.NewRuntimeConfig() // the compiler where there is one
	if e.cfg.Interpret {
		cfg = wazero.NewRuntimeConfigInterpreter()
	}
	return cfg.WithCoreFeatures(features).
		WithCloseOnContextDone(true). // a busy loop must die when its task does
		WithMemoryLimitPages(uint32(e.maxMemory() / pageSize)).
		WithDebugInfoEnabled(false)
}

const pageSize = 65536

func (e *Engine) maxMemory() int64 {
	limit := int64(2 << 30)
	if ^uint(0)>>32 == 0 {
		limit = 512 << 20
	}
	if e.cfg.MaxMemory > 0 && e.cfg.MaxMemory < limit {
		limit = max(e.cfg.MaxMemory, pageSize)
	}
	return limit
}

func (e *Engine) workers() int {
	if e.cfg.Workers > 0 {
		return e.cfg.Workers
	}
	return min(runtime.GOMAXPROCS(0), 4)
}
