package rewrite

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sbxrun/sbx/cpu/x86"
)

// sameAgain makes a block from all of code, and again from what it took of it: who is stopped in a block is
// helped by the second, so they must not differ.
func sameAgain(t *testing.T, pc uint64, code []byte, checked bool, known func(pc uint64) bool) (n, insts int) {
	t.Helper()
	const host = 0x40000000
	var first, second emitter
	n = first.translate(pc, host, code, checked, known)
	first.stubs()
	if got := second.translate(pc, host, code[:n], checked, nil); got != n {
		t.Fatalf("% x: of %d bytes, and then of %d", code, n, got)
	}
	second.stubs()
	if !bytes.Equal(first.b, second.b) || !slices.Equal(first.marks, second.marks) || !slices.Equal(first.steps, second.steps) || !slices.Equal(first.sites, second.sites) ||
		!slices.Equal(first.ways, second.ways) {
		t.Fatalf("block of % x, with % x behind it (checked: %v):\n% x\nmade again:\n% x", code[:n], code[n:], checked, first.b, second.b)
	}
	return n, len(first.marks)
}

// TestMadeAgain has blocks that end by their length, and all others, be made again without what is behind them.
func TestMadeAgain(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	short := func(in *x86.Inst) bool {
		return in.Len <= 5 && (computes(in.Form.Class) || in.Form.Class == x86.Jcc || in.Form.Class == x86.Push)
	}
	long := 0
	for range 3000 {
		var code []byte
		for len(code) < maxBytes {
			code = append(code, randomInst(r, codeStart+uint64(len(code)), short)...)
		}
		for _, checked := range []bool{false, true} {
			if _, insts := sameAgain(t, codeStart, code[:maxBytes], checked, nil); insts > maxInsts {
				long++
			}
		}
	}
	if long == 0 {
		t.Error("no block was as long as it may be")
	}
	text, addr := busyboxText(t)
	for off := 0; off < len(text); {
		n, _ := sameAgain(t, addr+uint64(off), text[off:min(off+maxBytes, len(text))], false, nil)
		sameAgain(t, addr+uint64(off), text[off:off+n], false, func(uint64) bool { return r.IntN(2) == 0 })
		off += n
	}
}
