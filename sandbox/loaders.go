package sandbox

import (
	"path/filepath"

	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/kernel/syscalls"
	"github.com/sbxrun/sbx/shell"
	"github.com/sbxrun/sbx/wasi"
)

// loaders are the engines of this sandbox's kernels, in the order in which
// they are asked. The WASM engine is shared by all containers of this engine,
// so that a module is compiled once.
func (e *Engine) loaders(c *Config, tr *trace) []kernel.Loader {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.wasm == nil {
		e.wasm = wasi.New(wasi.Config{CacheDir: filepath.Join(e.cacheDir(), "wasm")})
	}
	if e.elf == nil {
		e.elf = syscalls.New(syscalls.Config{Host: e.machine(false)})
	}
	elf := e.elf
	if verify := c.secure(optVerifyCode); tr != nil {
		elf = syscalls.New(syscalls.Config{Host: e.machine(verify), Trace: tr})
	} else if verify {
		elf = syscalls.New(syscalls.Config{Host: e.machine(true)})
	}
	return []kernel.Loader{shell.Loader(), e.wasm, elf}
}

// maxCode bounds the machine code that is kept on disk, in bytes.
const maxCode = 256 << 20

// machine is what runs the machine code of images.
func (e *Engine) machine(verify bool) machine {
	return newMachine(verify, filepath.Join(e.cacheDir(), "code"), maxCode)
}
