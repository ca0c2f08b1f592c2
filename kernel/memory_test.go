package kernel

import (
	"errors"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
)

// TestMemoryPeak: what was held at most stays to be seen, and a refused charge is none.
func TestMemoryPeak(t *testing.T) {
	k := &Kernel{}
	k.maxMemory.Store(100)
	for _, c := range []struct {
		n    int64
		want error
	}{{60, nil}, {50, ErrFull}, {101, linux.ENOMEM}, {-40, nil}, {70, nil}, {-90, nil}} {
		if err := k.charge(c.n); err != c.want {
			t.Errorf("charge %d: %v, want %v", c.n, err, c.want)
		}
	}
	if now, peak := k.memory.Load(), k.memoryPeak.Load(); now != 0 || peak != 90 {
		t.Errorf("%d held, %d at most", now, peak)
	}
	if !errors.Is(ErrFull, linux.ENOMEM) || linux.ErrnoOf(ErrFull) != linux.ENOMEM {
		t.Error("ErrFull is no ENOMEM")
	}
}
