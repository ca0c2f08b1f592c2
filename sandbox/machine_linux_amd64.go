package sandbox

import (
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/rewrite"
)

// machine runs the machine code of images: on this host, rewritten.
type machine struct {
	verify bool // code before it is executed
}

func (machine) NewWindow() (*memory.Window, error) { return memory.New(rewrite.Room) }

func (m machine) NewExecutor(w *memory.Window, code cpu.Code) (cpu.Executor, error) {
	if m.verify {
		return rewrite.NewSpace(w, code, rewrite.Verified())
	}
	return rewrite.NewSpace(w, code)
}

// freeCode gives back what is kept of machine code that no process uses.
func freeCode() { rewrite.FreeIdle() }

// processor tells what programs find when they ask about it.
var processor = rewrite.Processor
