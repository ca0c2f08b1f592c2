package wasi

import (
	"context"
	"crypto/sha256"

	"github.com/tetratelabs/wazero"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/vfs"
)

// maxModule bounds the size of a module's file.
const maxModule = 512 << 20

// maxIdle is how many compiled modules are kept that no process uses.
const maxIdle = 32

type digest [sha256.Size]byte

// module is one module's content. ready is closed when its first form or err is
// set.
type module struct {
	key     digest
	ready   chan struct{}
	foreign bool // it imports nothing from module "sbx"
	err     error

	// Under Engine.mu:
	forms []form // the last is the one to run
	refs  int    // loads, compilations and running programs
	loads int
	used  uint64 // when it was last released
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

// module returns the form of code that is to run, with a reference on the
// module. Compiling goes on when ctx ends, for the next one who asks.
func (e *Engine) module(ctx context.Context, code []byte) (*module, form, error) {
	key := digest(sha256.Sum256(code))
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		return nil, form{}, linux.EIO
	}
	m := e.modules[key]
	if m == nil {
		m = &module{key: key, ready: make(chan struct{})}
		e.modules[key] = m
		m.refs++ // the compilation's
		e.background.Go(func() { e.first(m, code) })
	}
	m.refs++
	e.mu.Unlock()
	select {
	case <-m.ready:
	case <-ctx.Done():
		e.release(m)
		return nil, form{}, linux.EINTR
	}
	if m.err != nil {
		e.release(m)
		return nil, form{}, m.err
	}
	return m, e.pick(m, code), nil
}

// first makes the first form of a module.
func (e *Engine) first(m *module, code []byte) {
	defer e.release(m)
	defer close(m.ready)
	var f form
	if isQuick(code) && !e.store.has(m.key) {
		f, m.err = e.prepare(e.ctx, interpreted, code)
	} else {
		f, m.err = e.compile(e.ctx, m.key, code)
	}
	if m.err != nil {
		return
	}
	m.foreign = !imports(f.compiled, moduleSbx)
	e.mu.Lock()
	m.forms = append(m.forms, f)
	e.mu.Unlock()
}

// pick returns the form to run. When an interpreted module has been used often
// enough, it is compiled in the background.
func (e *Engine) pick(m *module, code []byte) form {
	e.mu.Lock()
	defer e.mu.Unlock()
	f := m.forms[len(m.forms)-1]
	m.loads++
	if f.tier == interpreted && m.loads == quickUses && !e.cfg.Interpret && hasCompiler && !e.closed {
		m.refs++
		e.background.Go(func() { e.promote(m, code) })
	}
	return f
}

// promote gives a module a compiled form. It is not cancelled: it would be
// begun again by the next engine.
func (e *Engine) promote(m *module, code []byte) {
	defer e.release(m)
	f, err := e.compile(context.Background(), m.key, code)
	if err != nil {
		return
	}
	e.mu.Lock()
	m.forms = append(m.forms, f)
	e.mu.Unlock()
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
	if drop != nil {
		for _, f := range drop.forms {
			f.compiled.Close(context.Background())
		}
	}
}
