package rewrite

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/x86"
)

// machine is a Space with the memory of machineRegions and one thread.
type machine struct {
	w  *memory.Window
	s  *Space
	th *thread
	// open: code and data may be executed and written.
	open bool
	gone bool // nothing may be executed
	// comparing: blocks compare their code.
	comparing bool
	// image: code is a file's, and shared.
	image bool
	file  *os.File // that file, if it is known
	// aliased: code is in memory that is mapped twice.
	aliased bool
}

func (m *machine) Aliased(uint64) bool { return m.aliased }

func (m *machine) Image(addr uint64) (im cpu.Image, ok bool) {
	return cpu.Image{Start: codeAt, End: codeAt + codeSize, File: m.file}, m.image && !m.gone && addr >= codeAt && addr < codeAt+codeSize
}

func (m *machine) Executable(addr uint64) (end uint64, writable, ok bool) {
	if m.gone {
		return 0, false, false
	}
	if m.open {
		return memory.PageDown(addr) + memory.PageSize, true, addr >= codeAt && addr < codeAt+codeSize || addr >= dataAt && addr < constAt
	}
	return codeAt + codeSize, false, addr >= codeAt && addr < codeAt+codeSize
}

func newMachine(t testing.TB, options ...Option) *machine {
	t.Helper()
	w, err := memory.New(Room)
	if err != nil {
		t.Skip(err)
	}
	m := &machine{w: w}
	for _, r := range machineRegions {
		if err := w.Map(r.addr, uint64(r.size), memory.Read|memory.Write, memory.Source{}); err != nil {
			t.Fatal(err)
		}
		w.Write(r.addr, bytes.Repeat([]byte{0xcc}, r.size))
		if r.prot&unix.PROT_WRITE == 0 {
			w.Protect(r.addr, uint64(r.size), memory.Read)
		}
	}
	if m.s, err = NewSpace(w, m, append(options, Verified())...); err != nil {
		t.Skip(err)
	}
	th, err := m.s.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	m.th = th.(*thread)
	t.Cleanup(func() {
		th.Close()
		m.s.Close()
		w.Close()
	})
	return m
}

// put replaces the code at codeStart.
func (m *machine) put(code []byte) {
	m.s.Invalidate(codeAt, codeSize)
	b := bytes.Repeat([]byte{0xcc}, 256)
	copy(b, code)
	m.w.Protect(codeAt, codeSize, memory.Read|memory.Write)
	m.w.Write(codeStart, b)
	m.w.Protect(codeAt, codeSize, memory.Read)
}

// run runs a state to its end, which is in the form of the host's signals.
func (m *machine) run(t testing.TB, regs *cpu.Regs, vectors []byte) (e ended, exit cpu.Exit) {
	*m.th.Regs() = *regs
	m.th.ac = 0
	copy(m.th.Vectors(), vectors)
	for {
		exit = m.th.Run()
		if exit.Reason != cpu.Interrupted {
			break
		}
	}
	*regs = *m.th.Regs()
	copy(vectors, m.th.Vectors())
	switch exit.Reason {
	case cpu.Failed:
		t.Fatal(exit.Err)
	case cpu.Fault:
		e = ended{syscall.SIGSEGV, 1, exit.Addr}
		if exit.Present {
			e.code = 2
		}
	case cpu.Protection:
		e = ended{syscall.SIGSEGV, 0x80, 0}
	case cpu.Illegal:
		e = ended{syscall.SIGILL, 2, regs.RIP}
	case cpu.Divide:
		e = ended{syscall.SIGFPE, 1, regs.RIP}
	case cpu.Float:
		e = ended{syscall.SIGFPE, 0, regs.RIP}
	case cpu.Breakpoint:
		e = ended{syscall.SIGTRAP, 0x80, 0}
	default:
		t.Fatalf("reason %d", exit.Reason)
	}
	return e, exit
}

// comparable are the instructions whose outcome both can be asked for.
func comparable(in *x86.Inst) bool {
	switch in.Form.Class {
	case x86.Syscall, x86.Sysenter, x86.Int3, x86.IntN, x86.Privileged, x86.Ud, x86.Cpuid, x86.Rdtsc, x86.Rdtscp, x86.Xgetbv,
		x86.Fxsave, x86.Xsave, x86.Xrstor, x86.Fxrstor, x86.FPUEnv, x86.Segment, x86.Fsgsbase, x86.Rdrand, x86.Rdseed, x86.PopF:
		return false
	case x86.Enter:
		return in.Imm < 0x4000
	}
	if in.Form.Class.Branches() && (in.Form.Imm == x86.ImmRel8 || in.Form.Imm == x86.ImmRel32) {
		if to := in.Imm; to < 0 && to >= -int64(in.Len) { // into itself, perhaps for ever
			return false
		}
	}
	if in.Form.Args[0] == x86.ArgFS || in.Form.Args[0] == x86.ArgGS {
		return false
	}
	return true
}

// flagsSeen are those of a program's.
const flagsSeen = 0xcd5

// checkStep runs one instruction both ways and returns what differs.
func checkStep(t testing.TB, r *rand.Rand, m *machine, n *native, code []byte) string {
	var in x86.Inst
	x86.Decode(code, &in)
	regs := randomRegs(r, &in)
	vectors := make([]byte, cpu.VectorSize)
	copy(vectors, m.th.Vectors())
	randomVectors(r, vectors)
	binary.LittleEndian.PutUint64(vectors[512:], 7)
	data := n.mem[codeSize:]
	for i := 0; i < len(data); i += 8 {
		binary.LittleEndian.PutUint64(data[i:], r.Uint64())
	}
	if in.Form.Class == x86.Ret || in.IsMem() && in.Form.Class.Branches() {
		for i := 0; i < len(data); i += 8 {
			binary.LittleEndian.PutUint64(data[i:], uint64(codeAt+r.IntN(0x700)))
		}
		for i := range regs.GPR {
			if regs.GPR[i]-dataAt < dataSize {
				regs.GPR[i] &^= 7
			}
		}
	}
	for i := range 256 {
		n.mem[codeStart-codeAt+i] = 0xcc
	}
	copy(n.mem[codeStart-codeAt:], code)
	m.put(code)
	m.w.Write(dataAt, data[:dataSize])
	m.w.Protect(constAt, 0x1000, memory.Read|memory.Write)
	m.w.Write(constAt, data[dataSize:])
	m.w.Protect(constAt, 0x1000, memory.Read)

	before := regs
	r1, v1 := regs, bytes.Clone(vectors)
	want := n.run(t, &r1, v1)
	r2, v2 := regs, bytes.Clone(vectors)
	got, exit := m.run(t, &r2, v2)
	if want.sig == syscall.SIGBUS || want.sig == syscall.SIGSEGV && (want.code == 0x80 && !inWindow(&in, &before) || want.addr >= memory.Size) {
		return "" // the guest's addresses have 32 bits
	}
	if got.sig == syscall.SIGFPE && got.code == 0 {
		got.code = want.code
	}
	if exit.Access == cpu.AccessExecute && exit.Addr >= dataAt && exit.Addr < constAt+0x1000 {
		got.code = want.code // to the machine that is nothing mapped: it has no pages that may not be executed alone
	}
	if want.sig != syscall.SIGSEGV || in.Form.Class == x86.MaskMov {
		got.addr = want.addr
	}
	var diff []string
	note := func(f string, a ...any) { diff = append(diff, fmt.Sprintf(f, a...)) }
	if got != want {
		note("ended %v (%+v), natively %v", got, exit, want)
	}
	for i := range r1.GPR {
		if r1.GPR[i] != r2.GPR[i] {
			note("register %d: %#x, natively %#x, before %#x", i, r2.GPR[i], r1.GPR[i], before.GPR[i])
		}
	}
	if r1.RIP != r2.RIP {
		note("rip %#x, natively %#x", r2.RIP, r1.RIP)
	}
	if (r1.Flags^r2.Flags)&flagsSeen != 0 {
		note("flags %#x, natively %#x, before %#x", r2.Flags&flagsSeen, r1.Flags&flagsSeen, before.Flags)
	}
	for _, p := range [][2]int{{0, 5}, {24, 28}, {32, 416}, {576, 832}} {
		for i := p[0]; i < p[1]; i++ {
			if v1[i] != v2[i] {
				note("vectors at %d: %#x, natively %#x", i, v2[i], v1[i])
				break
			}
		}
	}
	mine := make([]byte, dataSize)
	m.w.Read(dataAt, mine)
	for i := range mine {
		if mine[i] != data[i] {
			note("memory at %#x: %#x, natively %#x", dataAt+i, mine[i], data[i])
			break
		}
	}
	if diff == nil {
		return ""
	}
	return fmt.Sprintf("% x  %v: %q", code, &in, diff)
}

// inWindow reports whether the operand of an instruction that got a general protection fault
// lies where both have memory.
func inWindow(in *x86.Inst, regs *cpu.Regs) bool {
	if !in.IsMem() || in.Form.Class == x86.BtMem || in.Form.VSIB != x86.None || in.Form.Class.Branches() {
		return false
	}
	return in.MemAddr(regs.RIP, &regs.GPR)+uint64(segmentOf(in)) < memory.Size
}

// TestLockStep holds random instructions against the processor. SBX_LOCKSTEP is for
// how long, and SBX_SEED where to begin.
func TestLockStep(t *testing.T) {
	t.Run("own", func(t *testing.T) { testLockStep(t, newMachine(t)) })
	t.Run("shared", func(t *testing.T) {
		m := newMachine(t)
		m.image = true
		testLockStep(t, m)
	})
}

func testLockStep(t *testing.T, m *machine) {
	n := startNative(t, machineRegions)
	copy(n.mem, bytes.Repeat([]byte{0xcc}, codeSize))
	seeds := uint64(12000)
	if testing.Short() {
		seeds = 2000
	}
	first, _ := strconv.ParseUint(os.Getenv("SBX_SEED"), 0, 64)
	deadline := time.Time{}
	if d, err := time.ParseDuration(os.Getenv("SBX_LOCKSTEP")); err == nil {
		deadline, seeds = time.Now().Add(d), 1<<62
	}
	seen := map[string]bool{}
	seed := first
	for ; seed < first+seeds && (deadline.IsZero() || time.Now().Before(deadline)); seed++ {
		r := rand.New(rand.NewPCG(seed, 1))
		code := randomInst(r, codeStart, comparable)
		var in x86.Inst
		x86.Decode(code, &in)
		if diff := checkStep(t, r, m, n, code); diff != "" && !seen[in.Form.Name] {
			seen[in.Form.Name] = true
			t.Errorf("seed %d: %s", seed, diff)
		}
		if len(seen) > 40 {
			t.Fatal("too many")
		}
	}
	t.Logf("%d instructions", seed-first)
}
