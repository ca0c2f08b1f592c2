package wasi

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/sbxrun/sbx/abi/linux"
)

// tier is a way to run modules. Each has a wazero runtime of its own.
type tier int

const (
	interpreted tier = iota // quick modules, and all where there is no compiler
	native
	tiers
)

// form is a module made ready for one tier.
type form struct {
	tier     tier
	rt       wazero.Runtime
	compiled wazero.CompiledModule
}

// hasCompiler reports whether wazero may have one for this host.
const hasCompiler = runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"

// A module that ends with an empty custom section named "sbx.quick" says of
// itself that it runs shortly. It is interpreted until it has been used so
// often that compiling it pays: a first command must not wait for that.
const (
	quickMark = "\x00\x0a\x09sbx.quick"
	quickUses = 100
	maxQuick  = 1 << 20
)

func isQuick(code []byte) bool {
	return len(code) <= maxQuick && bytes.HasSuffix(code, []byte(quickMark))
}

const features = api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall | experimental.CoreFeaturesExtendedConst |
	experimental.CoreFeaturesExceptionHandling

// runtime returns the wazero runtime of a tier with our host modules in it. Only
// what Close waits for calls it.
func (e *Engine) runtime(t tier) (wazero.Runtime, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.runtimes[t] != nil {
		return e.runtimes[t], nil
	}
	cfg := wazero.NewRuntimeConfigInterpreter()
	if t != interpreted {
		cfg = wazero.NewRuntimeConfig().WithCompilationCache(e.openCache())
	}
	cfg = cfg.WithCoreFeatures(features).
		WithCloseOnContextDone(t == interpreted). // native modules have our checks for that
		WithMemoryLimitPages(uint32(e.maxMemory() / pageSize)).
		WithDebugInfoEnabled(false)
	rt := wazero.NewRuntimeWithConfig(context.Background(), cfg)
	if err := instantiateHost(rt); err != nil {
		rt.Close(context.Background())
		return nil, err
	}
	e.runtimes[t] = rt
	return rt, nil
}

// openCache makes the compiler's cache: over a folder of this engine's own where
// there is a store.
func (e *Engine) openCache() wazero.CompilationCache {
	if dir := e.store.private(); dir != "" {
		c, err := wazero.NewCompilationCacheWithDir(dir)
		made, _ := filepath.Glob(filepath.Join(dir, "*"))
		if err == nil && len(made) == 1 {
			e.private, e.cache = made[0], c
			return c
		}
		os.RemoveAll(dir)
	}
	e.cache = wazero.NewCompilationCache()
	return e.cache
}

// compile compiles a module; where there is no compiler it prepares it for
// interpretation. One at a time, so that it is known whose the new entries of
// the cache are.
func (e *Engine) compile(ctx context.Context, key digest, code []byte) (form, error) {
	if e.cfg.Interpret || !hasCompiler {
		return e.prepare(ctx, interpreted, code)
	}
	e.compiling.Lock()
	defer e.compiling.Unlock()
	if _, err := e.runtime(native); err != nil {
		return form{}, err
	}
	if e.private == "" {
		return e.prepare(ctx, native, code)
	}
	touch(e.private)
	e.store.fetch(key, e.private)
	f, err := e.prepare(ctx, native, code)
	if err != nil {
		// The module's fault or the folder's: wazero fails when it cannot write
		// an entry. What it could not write it has in memory now.
		f, err = e.prepare(ctx, native, code)
	}
	e.store.keep(key, e.private)
	return f, err
}

// prepare makes a form. wazero's complaints, and its panics on a damaged cache,
// become ENOEXEC.
func (e *Engine) prepare(ctx context.Context, t tier, code []byte) (f form, err error) {
	rt, err := e.runtime(t)
	if err != nil {
		return form{}, err
	}
	defer func() {
		if r := recover(); r != nil {
			f, err = form{}, fmt.Errorf("compile: %v: %w", r, linux.ENOEXEC)
		}
	}()
	code, err = interruptible(code, t == native)
	if err != nil {
		return form{}, fmt.Errorf("compile: %v: %w", err, linux.ENOEXEC)
	}
	c, err := rt.CompileModule(experimental.WithCompilationWorkers(ctx, e.workers()), code)
	if err != nil {
		return form{}, fmt.Errorf("compile: %v: %w", err, linux.ENOEXEC)
	}
	return form{t, rt, c}, nil
}

// workers is at least 2: only then can a compilation be cancelled.
func (e *Engine) workers() int {
	if e.cfg.Workers > 0 {
		return e.cfg.Workers
	}
	return max(2, min(runtime.GOMAXPROCS(0), 4))
}
