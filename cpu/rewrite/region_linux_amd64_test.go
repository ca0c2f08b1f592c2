package rewrite

import (
	"bytes"
	"encoding/hex"
	"sync"
	"testing"

	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
)

// newImage is a machine that has code, in hexadecimal, from a file.
func newImage(t *testing.T, code string) *machine {
	t.Helper()
	m := newMachine(t)
	m.image = true
	b, err := hex.DecodeString(code)
	if err != nil {
		t.Fatal(err)
	}
	m.put(b)
	return m
}

// result runs a machine to its breakpoint and returns RAX.
func (m *machine) result(t *testing.T) uint64 {
	t.Helper()
	toEnd(t, m.start())
	return m.th.Regs().GPR[cpu.RAX]
}

// start is the machine's thread, before its first instruction.
func (m *machine) start() *thread {
	r := m.th.Regs()
	*r = cpu.Regs{RIP: codeStart, Flags: 0x202}
	r.GPR[cpu.RSP] = dataAt + dataSize
	return m.th
}

func (m *machine) regionOnly(t *testing.T) *region {
	t.Helper()
	if len(m.s.regions) != 1 {
		t.Fatalf("%d regions", len(m.s.regions))
	}
	return m.s.regions[0]
}

// mov eax, 7; call over; mov eax, ecx; int3; over: mov ecx, 9; ret
const callsOver = "b807000000 e803000000 89c8cc b909000000 c3"

var spaces = func(s string) string { return string(bytes.ReplaceAll([]byte(s), []byte(" "), nil)) }

// TestShared has two Spaces execute the same code: the second finds it made.
func TestShared(t *testing.T) {
	a, b := newImage(t, spaces(callsOver)), newImage(t, spaces(callsOver))
	if got := a.result(t); got != 9 {
		t.Fatal(got)
	}
	r := a.regionOnly(t)
	made := len(r.records)
	if got := b.result(t); got != 9 {
		t.Fatal(got)
	}
	if b.regionOnly(t) != r || len(r.records) != made || made == 0 {
		t.Errorf("%d blocks, then %d", made, len(r.records))
	}
	if len(a.s.blocks)+len(b.s.blocks) != 0 {
		t.Error("they made code of their own, too")
	}
	// One of them gets other code at the same place. The other one must not see it.
	b.put([]byte{0xb8, 5, 0, 0, 0, 0xcc})
	if got := b.result(t); got != 5 {
		t.Errorf("other code: %d", got)
	}
	if got := a.result(t); got != 9 || a.regionOnly(t) != r {
		t.Errorf("the other Space: %d", got)
	}
	if b.regionOnly(t) == r {
		t.Error("other code in the same region")
	}
	// And back again.
	code, _ := hex.DecodeString(spaces(callsOver))
	b.put(code)
	if got := b.result(t); got != 9 || b.regionOnly(t) != r {
		t.Errorf("the first code again: %d", got)
	}
}

// TestSharedByFork has a Space inherit.
func TestSharedByFork(t *testing.T) {
	a := newImage(t, spaces(callsOver))
	a.result(t)
	r := a.regionOnly(t)
	b, gone := newImage(t, spaces(callsOver)), newImage(t, spaces(callsOver))
	b.s.Inherit(a.s)
	gone.gone = true
	gone.s.Inherit(a.s)
	if len(gone.s.regions) != 0 {
		t.Error("who has no code there inherited it")
	}
	if b.regionOnly(t) != r || b.result(t) != 9 {
		t.Error("not inherited")
	}
	if r.refs != 2 {
		t.Errorf("%d hold it", r.refs)
	}
}

// TestLeavesShared takes code away that threads are executing, while others go on.
func TestLeavesShared(t *testing.T) {
	const loop = "b800000000 ffc0 ebfc" // it counts in eax for ever
	const n = 3
	var all [n]*machine
	var ended sync.WaitGroup
	for i := range all {
		m := newImage(t, spaces(loop))
		all[i] = m
		*m.th.Regs() = cpu.Regs{RIP: codeStart, Flags: 0x202}
		ended.Add(1)
		go func() {
			defer ended.Done()
			for {
				if e := m.th.Run(); e.Reason != cpu.Interrupted {
					if e.Reason != cpu.Breakpoint {
						t.Errorf("%+v", e)
					}
					return
				}
			}
		}()
	}
	for i, m := range all {
		for {
			m.s.mu.Lock()
			attached := len(m.s.regions) > 0
			m.s.mu.Unlock()
			if attached {
				break
			}
		}
		m.s.Invalidate(codeAt, codeSize) // as a change of the mapping does, around it
		m.w.Protect(codeAt, codeSize, memory.Read|memory.Write)
		m.w.Write(codeStart, bytes.Repeat([]byte{0xcc}, 64))
		m.w.Protect(codeAt, codeSize, memory.Read)
		m.s.Invalidate(codeAt, codeSize)
		for _, other := range all[i+1:] {
			var b [2]byte
			if other.w.Read(codeStart+5, b[:]); b != [2]byte{0xff, 0xc0} {
				t.Errorf("another one has % x", b)
			}
		}
	}
	ended.Wait()
}

// TestBranchesAway leads a branch from a region to code outside of it, which changes.
func TestBranchesAway(t *testing.T) {
	m := newImage(t, spaces("e9fbf7ff0f")) // jmp dataAt
	m.open = true
	for v := range uint64(3) {
		for m.w.Write(dataAt, []byte{0xb8, byte(v), 0, 0, 0, 0xcc}) == 0 {
			m.s.Written(dataAt, 1)
		}
		for range 3 {
			if got := m.result(t); got != v {
				t.Errorf("%d, not %d", got, v)
			}
		}
	}
	if r := m.regionOnly(t); len(r.aways) != 1 {
		t.Errorf("%d ways lead away", len(r.aways))
	}
}

// TestEdge executes the last bytes of a region, and an instruction that ends behind it.
func TestEdge(t *testing.T) {
	m := newImage(t, spaces("e9f5070000")) // jmp codeAt+codeSize-6
	for range 2 {
		m.w.Protect(codeAt, codeSize, memory.Read|memory.Write)
		m.w.Write(codeAt+codeSize-6, []byte{0xb8, 3, 0, 0, 0, 0xcc})
		m.w.Protect(codeAt, codeSize, memory.Read)
		m.s.Invalidate(codeAt, codeSize)
		if got := m.result(t); got != 3 {
			t.Errorf("%d", got)
		}
		other := newImage(t, spaces("e9f5070000"))
		other.w.Protect(codeAt, codeSize, memory.Read|memory.Write)
		other.w.Write(codeAt+codeSize-6, []byte{0xb8, 3, 0, 0, 0, 0xcc})
		other.w.Protect(codeAt, codeSize, memory.Read)
		if got := other.result(t); got != 3 {
			t.Errorf("%d", got)
		}
		if other.regionOnly(t) != m.regionOnly(t) {
			t.Error("not shared")
		}
	}
}

// TestIdleRegions makes more regions than are kept.
func TestIdleRegions(t *testing.T) {
	m := newImage(t, "cc")
	for i := range 3 * maxIdle {
		m.put([]byte{0xb8, byte(i), byte(i >> 8), 0, 0, 0xcc})
		if got := m.result(t); got != uint64(i) {
			t.Fatalf("%d, not %d", got, i)
		}
	}
	shared.mu.Lock()
	n := 0
	for _, list := range shared.regions {
		for _, r := range list {
			if r.refs == 0 {
				n++
			}
		}
	}
	shared.mu.Unlock()
	if n > maxIdle {
		t.Errorf("%d idle regions", n)
	}
}

// TestSpans takes and gives back ranges in all orders.
func TestSpans(t *testing.T) {
	var s spans
	s.free(0, 100)
	var at []uint64
	for range 10 {
		a, ok := s.take(10)
		if !ok {
			t.Fatal("full")
		}
		at = append(at, a)
	}
	if _, ok := s.take(1); ok {
		t.Error("more than there is")
	}
	for i := range at {
		s.free(at[i*7%10], 10)
	}
	if len(s) != 1 || s[0] != (span{0, 100}) {
		t.Errorf("%v", s)
	}
}

// TestOneLeavesForOthers takes all that may be taken of the arena.
func TestOneLeavesForOthers(t *testing.T) {
	a, err := theArena()
	if err != nil {
		t.Skip(err)
	}
	var taken []chunk
	before := a.left
	for _, left := range []uint64{leftByRegion, leftBySpace, 0} {
		for {
			c, ok := a.take(maxRegion, left)
			if !ok {
				break
			}
			taken = append(taken, c)
		}
		if a.left < left || a.left > left+maxRegion {
			t.Errorf("%d are left, not %d", a.left, left)
		}
	}
	if len(taken) == 0 {
		t.Error("nothing was taken")
	}
	for i := range taken {
		a.giveBack(&taken[i])
	}
	if a.left != before {
		t.Errorf("%d before, %d after", before, a.left)
	}
}

// TestCopiesAreBounded counts copies of what may change.
func TestCopiesAreBounded(t *testing.T) {
	before := shared.copied
	n := uint64(0)
	for copies(maxCompared) {
		n += maxCompared
	}
	if n == 0 || n > maxCopied {
		t.Errorf("%d bytes of copies", n)
	}
	shared.mu.Lock()
	shared.copied -= n
	if shared.copied > before {
		t.Errorf("%d are counted, before it were %d", shared.copied, before)
	}
	shared.mu.Unlock()
	m := newImage(t, "b806000000cc")
	if m.result(t) != 6 || shared.copied != codeSize*uint64(countCompared()) {
		t.Errorf("%d bytes are counted", shared.copied)
	}
}

func countCompared() (n int) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	for id, list := range shared.regions {
		if id.ino == 0 {
			n += len(list)
		}
	}
	return n
}
