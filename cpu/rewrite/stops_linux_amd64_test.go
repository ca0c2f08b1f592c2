package rewrite

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/rewrite/verify"
	"github.com/sbxrun/sbx/cpu/trap"
	"github.com/sbxrun/sbx/cpu/x86"
)

// outcome is all that a run leaves.
type outcome struct {
	end     ended
	regs    cpu.Regs
	vectors []byte
	data    []byte
}

// start is what a run begins with.
type start struct {
	regs    cpu.Regs
	vectors []byte
	data    []byte
}

func randomStart(r *rand.Rand, code []byte) (s start) {
	var in x86.Inst
	if x86.Decode(code, &in) != nil {
		x86.Decode([]byte{0x90}, &in)
	}
	s.regs = randomRegs(r, &in)
	if in.Form.Class == x86.Loop && loops(code) {
		s.regs.GPR[x86.RCX] = uint64(1 + r.IntN(3))
	}
	s.vectors = make([]byte, cpu.VectorSize)
	randomVectors(r, s.vectors)
	binary.LittleEndian.PutUint64(s.vectors[512:], 7)
	s.data = make([]byte, dataSize)
	for i := 0; i < len(s.data); i += 8 {
		v := r.Uint64()
		if r.IntN(2) == 0 {
			v = uint64(codeAt + r.IntN(0x700))
		}
		binary.LittleEndian.PutUint64(s.data[i:], v)
	}
	return s
}

func (m *machine) outcome(t testing.TB, s start) (o outcome) {
	m.w.Write(dataAt, s.data)
	o.regs, o.vectors = s.regs, bytes.Clone(s.vectors)
	return m.goOn(t, o)
}

// goOn runs from where the outcome is.
func (m *machine) goOn(t testing.TB, o outcome) outcome {
	o.end, _ = m.run(t, &o.regs, o.vectors)
	clear(o.vectors[5:24]) // x87 notes the address of its last instruction
	o.data = make([]byte, dataSize)
	m.w.Read(dataAt, o.data)
	return o
}

func (o *outcome) same(p *outcome) bool {
	return o.end == p.end && o.regs == p.regs && bytes.Equal(o.vectors, p.vectors) && bytes.Equal(o.data, p.data)
}

// differs names what same finds different beside the registers.
func (o *outcome) differs(p *outcome) (what []string) {
	for i := range o.vectors {
		if o.vectors[i] != p.vectors[i] {
			what = append(what, fmt.Sprintf("vectors at %d: %#x %#x", i, o.vectors[i], p.vectors[i]))
			break
		}
	}
	for i := range o.data {
		if o.data[i] != p.data[i] {
			what = append(what, fmt.Sprintf("data at %#x: %#x %#x", i, o.data[i], p.data[i]))
			break
		}
	}
	if o.end != p.end {
		what = append(what, fmt.Sprint(o.end, p.end))
	}
	return what
}

// placed are all blocks of the Space's own, and of its regions.
func (m *machine) placed() (list []*block) {
	for _, c := range m.s.chunks {
		list = append(list, c.placed...)
	}
	for _, r := range m.s.regions {
		for i := range r.records {
			if r.records[i].n&isWay != 0 {
				continue
			}
			list = append(list, &block{made: r.made(i, make([]byte, maxBytes))})
		}
	}
	return list
}

// verifies turns the verifier off, which would find a breakpoint, and on again.
func (m *machine) verifies(k *verify.Checker) (was *verify.Checker) {
	was, m.s.checker = m.s.checker, k
	for _, r := range m.s.regions {
		r.checker = k
	}
	return was
}

// boundaries are the host's instructions in the live blocks, as offsets in the cache.
func (m *machine) boundaries(t testing.TB) (list []uint32) {
	for _, b := range m.placed() {
		if b.dead || b.pc < codeStart || b.pc >= codeStart+64 {
			continue
		}
		for at := b.host - entrySize; at < b.host+b.size; {
			var in x86.Inst
			if err := x86.Decode(m.s.arena.rw[at:b.host+b.size], &in); err != nil {
				t.Fatal(err)
			}
			list = append(list, at)
			at += uint32(in.Len)
		}
	}
	return list
}

// unlink makes all branches lead to their stubs.
func (m *machine) unlink() {
	for _, b := range m.placed() {
		m.s.emit.again(&b.made, m.s.arena.rx)
		for _, site := range m.s.emit.sites {
			m.s.arena.patch(b.host+site.rel, b.host+site.stub)
		}
		if !b.dead {
			b.incoming = nil
		}
	}
}

// stopEverywhere runs code once undisturbed, and once for each of the host's
// instructions with a stop in front of it.
func stopEverywhere(t *testing.T, m *machine, code []byte, s start) (stops int) {
	m.put(code)
	if m.comparing {
		m.s.checked[codeAt] = true
	}
	want := m.outcome(t, s)
	seen := map[uint64]outcome{} // what a stop at a guest address leaves
	straight := !repeats(code)
	for i, at := range m.boundaries(t) {
		if i%2 == 1 {
			m.unlink()
		}
		checker := m.verifies(nil)
		old := m.s.arena.rw[at]
		m.s.arena.rw[at] = 0xcc
		got := m.outcome(t, s)
		st := m.th.state
		stopped := st.Reason == trap.ReasonFault && st.Trap == trapBreakpoint
		m.s.arena.rw[at] = old
		m.verifies(checker)
		rip := got.regs.RIP
		if stopped {
			stops++
			if first, ok := seen[rip]; !ok {
				kept := got
				kept.vectors = bytes.Clone(got.vectors)
				seen[rip] = kept
			} else if straight && !got.same(&first) {
				t.Errorf("% x stopped before host instruction %d, guest %#x:\n%#x\nelsewhere it is\n%#x\n%v", code, i, rip, got.regs, first.regs, got.differs(&first))
				return stops
			}
			got = m.goOn(t, got)
		}
		if !got.same(&want) {
			t.Errorf("% x stopped before host instruction %d, at %#x, guest %#x:\n%+v %#x\nundisturbed\n%+v %#x\nbefore\n%#x\n%v", code, i, at, rip,
				got.end, got.regs, want.end, want.regs, s.regs, got.differs(&want))
			return stops
		}
	}
	return stops
}

// shapes are instructions for each way in which code is made.
var shapes = strings.Split(strings.TrimSpace(`
50 4157 54 5c 58 415f 6a80 6811223344 ff742408 8f442408 ff33 8f03 41ff37 418f07 43ff347f 43ff34bf
c9 c3 c21000 e800000000 e910000000 7400 eb00 e300 67e300 e2fe e1fe e0fe 67e2fc 67e1fc
ffd0 41ffd7 ffd4 ff1424 ff5424f8 41ff17 43ff543ff8 64ff1500000020 ffe0 41ffe7 ffe4 ff2424 41ff27 ff2500000000
498b07 4d8b3f 4d893f 4b8b047f 4f8b7c3f10 4c8b3c24 4889e0 4c89fc 4889e4 4989e7 488d442408 4d8d3c3f 678d0424 488d0510000000
648b042500000000 64488b042510000000 64498b07 644b8b043f 644f8b3c3f 654c893f 64488b1424 644889642408 64488b05100000e8
8a242490 88642408 8a24 0fb6e4 410fb6c7 4086e0 86242490 448a3c24 0fb6fc 64882424 3a2424
a4 f3a4 a5 f348a5 66a5 aa f3aa 48ab f348ab ac f3ac ae f2ae f3ae 48af a6 f3a6 f2a7 fda4 fdf3a4 fdf348a5 fc
64a4 67a4 67f3a5 64f3a6 67f2ae 64ac 65d7 d7 64d7
480fc70f 490fc70f f04a0fc70c3c f00fc10424 f0490fc137 f04d0fb13f f00fb13424 f0480fab0424 0fa30424 480fba2c2405 87e0 4987c7 4c0fb13424
a00000002000000000 48a30800002000000000 64a10000000000000000 66a30800002000000000
c4c178100f c4410010ff c4a17c10043f c4e2fbf6c7 c442e3f5ff c462a0f23c24 c4e27d9004fd c4e2f5920437 c4e2f5930437 c4a2f590043f
660f6f0424 0f2804 410f110f 660fd7c1 66440fd7f9 f20f2ac0 f2490f2ac7 f2490f2dff 660fc5f801 66450f3a16ff01
f7f0 f7f4 49f7ff f6f4 f7342490 49f737 c8100000 c8100002 669d 9c 9d 669c 6650 6658 66415f 66c9 66ff3424 668f0424
0fc8 490fcf 0fa2 0f01d0 90 f390 0f1f00 d93c24 db2c24 dd0424 d9ec d8c1 d90437 41d92f dbe3
4153 415b 41ff33 418f03 43ff345b 43ff349b 41ffd3 41ff13 43ff541bf8 41ffe3 41ff23 41ffd2 41ff12 43ff5412f8 41ffe2 41ff22
498b03 4d8b1b 4d891b 4b8b045b 4f8b5c1b10 4c8b1c24 4c89dc 4989e3 4d8d1c3b 64498b03 644b8b041b 644f8b1c1b 654c891f 4d8b1a 4d8b13
410fb6c3 448a1c24 490fc70b f04a0fc70c1c f0490fc133 f04d0fb11b 4987c3 49f7fb 49f733 66415b 490fcb 41d92b
c4c178100b c4a17c10041f c442e3f5db c462a0f21c24 410f110b 66440fd7d9 f2490f2ac3 66450f3a16fb01
5053488b442408595a 554889e541534883ec20c9 504839d87400 50ff34248f4424085c 50488d64241054 50e800000000 5053c3 5053c20800 50e300 50e200 50ff1424
50ff242458 50488d8424f8ffff7f 508b842400000080 50f3a4 500fa2 509c508f0424 508a2424 5064488b0424 5064ff3424 5853ff742410 585053ffd4 5054585c58
410f94c3 440f441c24 4c0f4cdc f34d0fbddb 41d3fb 4d0fa4db03
0f94c0 410f94c7 0f941424 440f443c24 4c0f4cfc f3480fb8c7 f34d0fbdff c1e005 41d3ff d32424 0fa5e0 4d0fa4ff03
`), "\n")

// stackInsts are instructions with which programs move their stack pointer, and what stands between them.
var stackInsts = func() (list []string) {
	for _, text := range strings.Fields(`50 4153 54 6a01 ff342483 ff742408 58 415b 8f0424 8f442408 4883ec18 4883c418 48890424 488b5c2408
		488d442408 488d64240c 4889e5 c9 4885c0 7400 7502 eb00 e300 9c 8a642408 64488b1c24 0fb60424 90 4839442410 440f6f442404`) {
		b, err := hex.DecodeString(text)
		if err != nil {
			panic(err)
		}
		list = append(list, string(b))
	}
	return list
}()

// TestStops stops a thread in front of every instruction of the host's, in code of
// every shape and in random code.
func TestStops(t *testing.T) {
	t.Run("plain", func(t *testing.T) { testStops(t, newMachine(t)) })
	t.Run("comparing", func(t *testing.T) {
		m := newMachine(t)
		m.comparing = true
		testStops(t, m)
	})
	t.Run("shared", func(t *testing.T) {
		m := newMachine(t)
		m.image = true
		testStops(t, m)
	})
}

func testStops(t *testing.T, m *machine) {
	stops, programs := 0, 0
	for _, line := range shapes {
		for i, text := range strings.Fields(line) {
			code, err := hex.DecodeString(text)
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(3) {
				stops += stopEverywhere(t, m, code, randomStart(rand.New(rand.NewPCG(seed, uint64(i))), code))
				programs++
			}
		}
	}
	n := 400
	if testing.Short() {
		n = 50
	}
	for seed := range uint64(n) {
		r := rand.New(rand.NewPCG(seed, 4))
		var code []byte
		for range 2 + r.IntN(5) {
			code = append(code, stackInsts[r.IntN(len(stackInsts))]...)
		}
		stops += stopEverywhere(t, m, code, randomStart(r, code))
		programs++
		if t.Failed() {
			break
		}
	}
	for seed := range uint64(n) {
		r := rand.New(rand.NewPCG(seed, 2))
		var code []byte
		for range 1 + r.IntN(4) {
			code = append(code, randomInst(r, codeStart+uint64(len(code)), comparable)...)
		}
		if loops(code) {
			continue
		}
		stops += stopEverywhere(t, m, code, randomStart(r, code))
		programs++
		if t.Failed() {
			break
		}
	}
	t.Logf("%d stops in %d programs", stops, programs)
	if stops < 1000 {
		t.Error("too few stops to say anything")
	}
}

// repeats reports whether the code may be at one guest address in several states.
func repeats(code []byte) bool {
	calls := 0 // of what may be one function
	for off := 0; off < len(code); {
		var in x86.Inst
		if x86.Decode(code[off:], &in) != nil {
			return true
		}
		switch in.Form.Class {
		case x86.String, x86.Gather, x86.Call: // a call may push again what it has pushed
			return true
		case x86.CallInd:
			if calls++; calls > 1 {
				return true
			}
		}
		off += int(in.Len)
	}
	return loops(code)
}

// loops reports whether a branch of the code leads back into it.
func loops(code []byte) bool {
	for off := 0; off < len(code); {
		var in x86.Inst
		if x86.Decode(code[off:], &in) != nil {
			return true
		}
		off += int(in.Len)
		if c := in.Form.Class; c.Branches() && (in.Form.Imm == x86.ImmRel8 || in.Form.Imm == x86.ImmRel32) && in.Imm < 0 && int64(off)+in.Imm >= 0 {
			return true
		}
	}
	return false
}
