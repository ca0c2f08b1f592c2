package sandbox

import (
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/rewrite"
)

// machine runs the machine code of images: on this host, rewritten.
type machine struct{ options []rewrite.Option }

// newMachine makes one that keeps code in a folder, and may have it verified before it is executed.
func newMachine(verify bool, cache string, max int64) machine {
	m := machine{[]rewrite.Option{rewrite.Cached(rewrite.NewCache(cache, max))}}
	if verify {
		m.options = append(m.options, rewrite.Verified())
	}
	return m
}

func (machine) NewWindow() (*memory.Window, error) { return memory.New(rewrite.Room) }

func (m machine) NewExecutor(w *memory.Window, code cpu.Code) (cpu.Executor, error) {
	return rewrite.NewSpace(w, code, m.options...)
}

// freeCode gives back what is kept of machine code that no process uses.
func freeCode() { rewrite.FreeIdle() }

// processor tells what programs find when they ask about it.
var processor = rewrite.Processor
