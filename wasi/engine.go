package wasi

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"

	"github.com/tetratelabs/wazero"

	"github.com/sbxrun/sbx/kernel"
)

// Config says how an Engine works. The zero value is usable.
type Config struct {
	// CacheDir keeps compiled modules between processes. It may be shared by
	// many processes at one time, and losing or damaging it costs only time.
	// "" compiles anew in each process.
	CacheDir string
	// CacheBytes bounds what is in CacheDir; 0 is 256 MiB. What was used longest
	// ago is removed first.
	CacheBytes int64
	// MaxMemory bounds the memory of one module in bytes: 0 is 2 GiB (512 MiB
	// on 32-bit hosts). The kernel's own limit holds too.
	MaxMemory int64
	// Workers is how many goroutines compile one module; 0 is up to 4.
	Workers int
	// Interpret never compiles: it starts sooner and runs far slower. Hosts
	// that wazero has no compiler for always interpret. Without it, only modules
	// that say that they run shortly are interpreted, and only at first.
	Interpret bool
	// Report is told of mistakes of this package that it survived: a panic in
	// a host function, for which the guest gets SIGSEGV. nil drops them.
	Report func(error)
}

// Engine runs modules. It is a kernel.Loader, safe for concurrent use, and
// starts wazero at the first module. Close it after its kernels.
type Engine struct {
	cfg        Config
	pool       bufferPool
	ctx        context.Context // of compilations that somebody waits for
	cancel     context.CancelFunc
	background sync.WaitGroup // goroutines that compile

	compiling sync.Mutex // one compilation at a time; taken before mu
	store     store

	mu       sync.Mutex
	closed   bool
	runtimes [tiers]wazero.Runtime
	cache    wazero.CompilationCache
	private  string // the cache's folder; set with cache
	modules  map[digest]*module
	tick     uint64
}

var _ kernel.Loader = (*Engine)(nil)

// New makes an engine.
func New(cfg Config) *Engine {
	if cfg.CacheBytes <= 0 {
		cfg.CacheBytes = 256 << 20
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Engine{cfg: cfg, ctx: ctx, cancel: cancel, store: store{cfg.CacheDir, cfg.CacheBytes}, modules: map[digest]*module{}}
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
	m, how, err := e.module(t.Context(), code)
	if err != nil {
		return nil, err
	}
	return &program{engine: e, module: m, form: how, argv: argv, env: env}, nil
}

// Close frees every compiled module. Programs of this engine must have ended.
func (e *Engine) Close() error {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.cancel()
	e.background.Wait()
	e.mu.Lock()
	runtimes, cache, private := e.runtimes, e.cache, e.private
	e.runtimes, e.cache, e.private, e.modules = [tiers]wazero.Runtime{}, nil, "", map[digest]*module{}
	e.mu.Unlock()
	var errs []error
	for _, rt := range runtimes {
		if rt != nil {
			errs = append(errs, rt.Close(context.Background()))
		}
	}
	if cache != nil {
		errs = append(errs, cache.Close(context.Background()))
	}
	if private != "" {
		os.RemoveAll(filepath.Dir(private))
	}
	e.pool.drain()
	return errors.Join(errs...)
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
