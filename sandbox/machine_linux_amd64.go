package sandbox

import (
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/rewrite"
)

// machine runs the machine code of images: on this host, rewritten.
type machine struct{}

func (machine) NewWindow() (*memory.Window, error) { return memory.New(rewrite.Room) }

func (machine) NewExecutor(w *memory.Window, code cpu.Code) (cpu.Executor, error) {
	return rewrite.NewSpace(w, code)
}
