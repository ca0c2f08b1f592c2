package rewrite

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
)

// newOpen is a machine whose memory may be written and executed, with code.
func newOpen(t testing.TB, code string, options ...Option) *machine {
	t.Helper()
	m := newMachine(t, options...)
	m.open = true
	b, err := hex.DecodeString(strings.ReplaceAll(code, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	m.put(b)
	m.w.Protect(codeAt, codeSize, memory.Read|memory.Write)
	*m.th.Regs() = openRegs()
	return m
}

func openRegs() (r cpu.Regs) {
	r.RIP, r.Flags = codeStart, 0x202
	r.GPR[cpu.RSP] = dataAt + 0x3f00
	return r
}

// toEnd runs a thread up to its int3.
func toEnd(t testing.TB, th cpu.Thread) {
	for {
		switch e := th.Run(); e.Reason {
		case cpu.Breakpoint:
			return
		case cpu.Interrupted:
		default:
			t.Errorf("%+v at %#x", e, th.Regs().RIP)
			return
		}
	}
}

// TestNextInstruction changes the instruction behind the one that does it.
func TestNextInstruction(t *testing.T) {
	m := newOpen(t, "b964000000 31d2 880d01000000 b800000000 01c2 ffc9 75ef cc")
	toEnd(t, m.th)
	if got := m.th.Regs().GPR[cpu.RDX]; got != 5050 {
		t.Errorf("sum %d, want 5050", got)
	}
}

// TestJIT writes a function and calls it, 10,000 times.
func TestJIT(t *testing.T) {
	m := newOpen(t, "b910270000 31d2 bf00000020 c607b8 894f01 c64705c3 ffd7 4801c2 ffc9 75e8 cc")
	toEnd(t, m.th)
	if got := m.th.Regs().GPR[cpu.RDX]; got != 50005000 {
		t.Errorf("sum %d, want 50005000", got)
	}
	if n := m.s.faults[dataAt]; n > maxFaults {
		t.Errorf("%d faults", n)
	}
}

// TestHotPage has a counter next to the code that counts.
func TestHotPage(t *testing.T) {
	m := newOpen(t, "b940420f00 ff05f5030000 ffc9 75f6 cc") // 1,000,000 times inc [rip+0x3f5]
	toEnd(t, m.th)
	var b [4]byte
	m.w.Read(codeStart+5+6+0x3f5, b[:])
	if got := binary.LittleEndian.Uint32(b[:]) - 0xcccccccc; got != 1000000 {
		t.Errorf("counted %d", got)
	}
	if n := m.s.faults[codeAt]; n > maxFaults {
		t.Errorf("%d faults", n)
	}
}

// TestOthersCode changes code that another thread is executing, on pages of both kinds.
func TestOthersCode(t *testing.T) {
	for _, checked := range []bool{false, true} {
		m := newOpen(t, "b800000000 85c0 74f7 cc")
		if checked {
			m.s.checked[codeAt] = true
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			toEnd(t, m.th)
		}()
		for m.s.gen.Load() == 0 { // until it certainly runs
			m.s.mu.Lock()
			n := len(m.s.blocks)
			m.s.mu.Unlock()
			if n > 0 {
				break
			}
			runtime.Gosched()
		}
		for m.w.Write(codeStart+1, []byte{1}) != 1 {
			m.s.Written(codeStart+1, 1)
		}
		<-done
		if got := m.th.Regs().GPR[cpu.RAX]; got != 1 {
			t.Errorf("checked %v: %d", checked, got)
		}
	}
}

// TestAliased changes code through another mapping of its memory, of which nobody tells.
func TestAliased(t *testing.T) {
	m := newMachine(t)
	m.aliased = true
	f, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC)
	if err != nil {
		t.Skip(err)
	}
	file := os.NewFile(uintptr(f), "test")
	defer file.Close()
	if err := file.Truncate(codeSize); err != nil {
		t.Fatal(err)
	}
	if err := m.w.Map(codeAt, codeSize, memory.Read, memory.Source{File: file, Shared: true}); err != nil {
		t.Fatal(err)
	}
	for v := range byte(20) {
		if _, err := file.WriteAt([]byte{0xb8, v, 0, 0, 0, 0xcc}, codeStart-codeAt); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if got := m.result(t); got != uint64(v) {
				t.Fatalf("%d, not %d", got, v)
			}
		}
	}
}

// TestAlignmentFlag does what programs do to tell a 386 from its successors.
func TestAlignmentFlag(t *testing.T) {
	// pushf; pop rcx; mov eax, ecx; xor eax, 1<<18; push rax; popf; pushf; pop rax; push rcx; popf; xor eax, ecx; mov ebx, [rsp+1]; int3
	m := newOpen(t, "9c59 89c8 3500000400 50 9d 9c58 51 9d 31c8 8b5c2401 cc")
	toEnd(t, m.th)
	if got := m.th.Regs().GPR[cpu.RAX]; got != 1<<18 {
		t.Errorf("%#x changed", got)
	}
}

// TestEviction runs more code than the cache holds in several threads, while code is
// invalidated.
func TestEviction(t *testing.T) {
	m := newOpen(t, "e9fbf7ff0f", CacheSize(1)) // jmp dataAt
	n := uint32(0)
	code := bytes.Repeat([]byte{0xcc}, dataSize)
	for at := 0; at+16 < dataSize-0x200; at += 7 {
		n++
		copy(code[at:], []byte{0x05, byte(n), byte(n >> 8), 0, 0, 0xeb, 0})
	}
	m.w.Write(dataAt, code)
	want := uint64(n * (n + 1) / 2)
	var wg sync.WaitGroup
	for range 3 {
		th, err := m.s.NewThread()
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			defer th.Close()
			for range 20 {
				*th.Regs() = openRegs()
				th.Regs().RIP = dataAt
				toEnd(t, th)
				if got := th.Regs().GPR[cpu.RAX]; got != want {
					t.Errorf("sum %d, want %d", got, want)
				}
			}
		})
	}
	stop := make(chan struct{})
	var other sync.WaitGroup
	other.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				m.s.Invalidate(dataAt+0x1000, 0x1000)
				time.Sleep(100 * time.Microsecond)
			}
		}
	})
	wg.Wait()
	close(stop)
	other.Wait()
	if m.s.gen.Load() == 0 {
		t.Error("nothing was ever forgotten")
	}
}

// TestUnmapped takes code away from a thread that executes it.
func TestUnmapped(t *testing.T) {
	m := newOpen(t, "ebfe")
	exit := make(chan cpu.Exit)
	go func() {
		for {
			if e := m.th.Run(); e.Reason != cpu.Interrupted {
				exit <- e
				return
			}
		}
	}()
	time.Sleep(5 * time.Millisecond)
	m.s.mu.Lock()
	m.gone = true
	m.s.mu.Unlock()
	m.s.Invalidate(codeAt, codeSize)
	if e := <-exit; e.Reason != cpu.Fault || e.Access != cpu.AccessExecute || e.Addr != codeStart {
		t.Errorf("%+v", e)
	}
}

// TestCloseFrees makes and closes spaces, and looks at what is mapped.
func TestCloseFrees(t *testing.T) {
	once := func(image bool) {
		w, err := memory.New(Room)
		if err != nil {
			t.Skip(err)
		}
		m := &machine{w: w, open: !image, image: image}
		for _, r := range machineRegions {
			w.Map(r.addr, uint64(r.size), memory.Read|memory.Write, memory.Source{})
		}
		w.Write(codeAt, bytes.Repeat([]byte{0x90}, codeSize-1))
		w.Write(codeAt+codeSize-1, []byte{0xcc})
		if m.s, err = NewSpace(w, m); err != nil {
			t.Fatal(err)
		}
		th, err := m.s.NewThread()
		if err != nil {
			t.Fatal(err)
		}
		th.Regs().RIP, th.Regs().Flags = codeAt, 0x202
		toEnd(t, th)
		th.Close()
		m.s.Close()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	maps := func() int {
		b, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Skip(err)
		}
		return bytes.Count(b, []byte("\n"))
	}
	for i := range 6 {
		once(i%2 == 1)
	}
	runtime.GC()
	before := maps()
	for i := range 30 {
		once(i%2 == 1)
	}
	runtime.GC()
	if after := maps(); after > before+8 {
		t.Errorf("%d mappings, then %d", before, after)
	}
	dropIdle()
	a, err := theArena()
	if err != nil {
		t.Fatal(err)
	}
	if len(a.code) != 1 || a.code[0].n != arenaSize-arenaUnit || len(a.slots) != 1 || a.slots[0].n != tablesSize {
		t.Errorf("not all is free: %v %v", a.code, a.slots)
	}
	for name, fd := range map[string]int{"code": a.memory, "tables": a.tables} {
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil || st.Blocks != 0 {
			t.Errorf("%s: %d blocks are still there, %v", name, st.Blocks, err)
		}
	}
}
