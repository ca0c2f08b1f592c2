package wasi

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/vfs"
)

// maxModule bounds the size of a module's file.
const maxModule = 512 << 20

// maxIdle is how many compiled modules are kept that no process uses.
const maxIdle = 32

type digest [sha256.Size]byte

// module is one compiled module. ready is closed when compiled or err is set.
type module struct {
	key      digest
	ready    chan struct{}
	compiled wazero.CompiledModule
	foreign  bool // it imports nothing from module "sbx"
	err      error

	refs int    // under Engine.mu: loads and running programs
	used uint64 // under Engine.mu: when it was last released
}

func readModule(f *kernel.File) ([]byte, error) {
	var a vfs.Attr
	if err := f.Attr(&a); err != nil {
		return nil, err
	}
	if a.Size > maxModule {
		return nil, linux.ENOMEM
	}
	code := make([]byte, a.Size)
	for n := 0; n < len(code); {
		k, err := f.ReadAt(code[n:], int64(n))
		if err != nil {
			return nil, err
		}
		if k == 0 {
			return code[:n], nil
		}
		n += k
	}
	return code, nil
}

// module returns the compiled form of code with a reference on it. Compiling
// goes on when ctx ends, for the next one who asks.
func (e *Engine) module(ctx context.Context, code []byte) (*module, error) {
	rt, err := e.runtime()
	if err != nil {
		return nil, err
	}
	key := digest(sha256.Sum256(code))
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil, linux.EIO
	}
	m := e.modules[key]
	if m == nil {
		m = &module{key: key, ready: make(chan struct{})}
		e.modules[key] = m
		m.refs++ // the compilation's
		go e.compile(rt, m, code)
	}
	m.refs++
	e.mu.Unlock()
	select {
	case <-m.ready:
	case <-ctx.Done():
		e.release(m)
		return nil, linux.EINTR
	}
	if m.err != nil {
		e.release(m)
		return nil, m.err
	}
	return m, nil
}

func (e *Engine) compile(rt wazero.Runtime, m *module, code []byte) {
	defer e.release(m)
	defer close(m.ready)
	ctx := experimental.WithCompilationWorkers(context.Background(), e.workers())
	defer func() { m.foreign = m.err == nil && !imports(m.compiled, moduleSbx) }()
	m.compiled, m.err = compileSafely(ctx, rt, code)
	if m.err == nil || e.cfg.CacheDir == "" {
		return
	}
	// Either the module is bad or the cache is. Without the cache we know.
	plain := wazero.NewRuntimeWithConfig(ctx, e.runtimeConfig())
	defer plain.Close(ctx)
	if _, err := compileSafely(ctx, plain, code); err != nil {
		return
	}
	dropCache(e.cfg.CacheDir)
	m.compiled, m.err = compileSafely(ctx, rt, code)
}

// imports reports whether a module imports a function of another.
func imports(c wazero.CompiledModule, name string) bool {
	for _, f := range c.ImportedFunctions() {
		if from, _, ok := f.Import(); ok && from == name {
			return true
		}
	}
	return false
}

// compileSafely turns wazero's complaints, and its panics on a damaged cache,
// into ENOEXEC.
func compileSafely(ctx context.Context, rt wazero.Runtime, code []byte) (c wazero.CompiledModule, err error) {
	defer func() {
		if r := recover(); r != nil {
			c, err = nil, fmt.Errorf("compile: %v: %w", r, linux.ENOEXEC)
		}
	}()
	c, err = rt.CompileModule(ctx, code)
	if err != nil {
		return nil, fmt.Errorf("compile: %v: %w", err, linux.ENOEXEC)
	}
	return c, nil
}

// release drops a reference and, when many modules lie idle, the oldest of them.
func (e *Engine) release(m *module) {
	e.mu.Lock()
	e.tick++
	m.refs--
	m.used = e.tick
	var drop *module
	idle := 0
	for key, o := range e.modules {
		if o.refs > 0 {
			continue
		}
		if o.err != nil {
			delete(e.modules, key)
			continue
		}
		idle++
		if drop == nil || o.used < drop.used {
			drop = o
		}
	}
	if idle <= maxIdle {
		drop = nil
	} else {
		delete(e.modules, drop.key)
	}
	e.mu.Unlock()
	if drop != nil && drop.compiled != nil {
		drop.compiled.Close(context.Background())
	}
}
