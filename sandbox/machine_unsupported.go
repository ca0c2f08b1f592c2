//go:build !(linux && amd64)

package sandbox

import (
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
)

// machine runs the machine code of images: not on this host yet.
type machine struct{}

func newMachine(bool, string, int64) machine { return machine{} }

func (machine) NewWindow() (*memory.Window, error) { return nil, memory.ErrUnsupported }

func (machine) NewExecutor(*memory.Window, cpu.Code) (cpu.Executor, error) {
	return nil, cpu.ErrUnsupported
}

// freeCode has nothing to free.
func freeCode() {}

// processor is unknown: nothing runs on it.
var processor func() *cpu.Processor
