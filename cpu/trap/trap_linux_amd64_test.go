package trap

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// guest is a thread with a page of code and one of memory.
type guest struct {
	*State
	code, mem []byte
}

func newGuest(t testing.TB, code ...byte) *guest {
	t.Helper()
	if err := Init(); err != nil {
		t.Skip(err)
	}
	s, err := NewState()
	if err != nil {
		t.Fatal(err)
	}
	g := &guest{State: s}
	g.code, err = unix.Mmap(-1, 0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	copy(g.code, code)
	if err := unix.Mprotect(g.code, unix.PROT_READ|unix.PROT_EXEC); err != nil {
		t.Fatal(err)
	}
	g.mem, err = unix.Mmap(-1, 0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	s.HostPC = uint64(uintptr(unsafe.Pointer(&g.code[0])))
	s.SetCache(uintptr(s.HostPC), uintptr(s.HostPC)+pageSize)
	s.Window = uint64(uintptr(unsafe.Pointer(&g.mem[0])))
	t.Cleanup(func() {
		s.Free()
		unix.Munmap(g.code)
		unix.Munmap(g.mem)
	})
	return g
}

var callSyscall = []byte{0xff, 0x54, 0x24, OffExitSyscall}

func TestExitKeepsRegisters(t *testing.T) {
	g := newGuest(t, callSyscall...)
	for i := range g.GPR {
		g.GPR[i] = uint64(i)<<32 | 0x12345678
	}
	g.Flags = 0x202 | 0x8d5 // CF PF AF ZF SF OF
	want := g.GPR
	at := g.HostPC
	g.Xsave[160] = 0x77 // xmm0
	for range 3 {
		g.HostPC = at
		g.Enter()
		if g.Reason != ReasonSyscall || g.HostPC != at+4 {
			t.Fatalf("reason %d at %+d", g.Reason, g.HostPC-at)
		}
		if g.GPR != want || g.Flags != 0x202|0x8d5 || g.Xsave[160] != 0x77 {
			t.Fatalf("%x\nwant %x flags %x", g.GPR, want, g.Flags)
		}
	}
}

func TestMemoryBehindGS(t *testing.T) {
	// mov eax, gs:[ecx]; mov gs:[ecx+4], eax; call exit
	g := newGuest(t, append([]byte{0x65, 0x67, 0x8b, 0x01, 0x65, 0x67, 0x89, 0x41, 0x04}, callSyscall...)...)
	g.GPR[1] = 0xffffffff_00000010 // the high half does not count
	g.mem[0x10] = 9
	g.Enter()
	if g.GPR[0] != 9 || g.mem[0x14] != 9 {
		t.Fatal(g.GPR[0], g.mem[0x14])
	}
}

func TestFaults(t *testing.T) {
	cases := []struct {
		name   string
		code   []byte
		signal uint32
		at     uint64
	}{
		{"read", []byte{0x90, 0x65, 0x67, 0x8b, 0x01}, 11, 1},
		{"divide", []byte{0x31, 0xd2, 0x31, 0xc0, 0xf7, 0xf0}, 8, 4},
		{"illegal", []byte{0x90, 0x0f, 0x0b}, 4, 1},
		{"breakpoint", []byte{0x90, 0xcc}, 5, 2},
	}
	for _, c := range cases {
		g := newGuest(t, c.code...)
		at := g.HostPC
		g.GPR[1] = 0x7000_0000 // 1.75 GiB past one page: nothing is there
		g.Enter()
		if g.Reason != ReasonFault || g.Signal != c.signal || g.HostPC != at+c.at {
			t.Errorf("%s: reason %d signal %d at %+d", c.name, g.Reason, g.Signal, g.HostPC-at)
		}
		if c.name == "read" && g.Addr != g.Window+0x7000_0000 {
			t.Errorf("address %x, window %x", g.Addr, g.Window)
		}
	}
	// An empty slot of a table: a jump to 0.
	g := newGuest(t, 0x31, 0xc0, 0xff, 0xe0)
	g.Enter()
	if g.Reason != ReasonFault || g.HostPC != 0 {
		t.Errorf("jump to 0: reason %d at %x", g.Reason, g.HostPC)
	}
}

func TestGoFaultsStayGo(t *testing.T) {
	newGuest(t)
	defer func() {
		if recover() == nil {
			t.Error("a nil dereference did not panic")
		}
	}()
	var p *int
	*p = 1
}

func TestCopy(t *testing.T) {
	g := newGuest(t)
	hole, err := unix.Mmap(-1, 0, 2*pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(hole)
	unix.Mprotect(hole[pageSize:], unix.PROT_NONE)
	p, m := unsafe.Pointer(&hole[0]), unsafe.Pointer(&g.mem[0])
	at := func(n int) unsafe.Pointer { return unsafe.Add(p, n) }
	copy(hole, "hello")
	if n := Copy(m, p, 5); n != 5 || string(g.mem[:5]) != "hello" {
		t.Error(n, g.mem[:5])
	}
	if n := Copy(m, at(pageSize-3), 100); n != 3 {
		t.Error("over a hole:", n)
	}
	if n := Zero(at(pageSize-3), 100); n != 3 {
		t.Error("zero over a hole:", n)
	}
	if i, ok := Scan(p, 100); i != 5 || !ok {
		t.Error(i, ok)
	}
	for i := range hole[:pageSize] {
		hole[i] = 1
	}
	if i, ok := Scan(at(pageSize-4), 100); i != 4 || ok {
		t.Error(i, ok)
	}
	if _, ok := Load32(at(pageSize)); ok {
		t.Error("load of a hole")
	}
	if v, ok := CompareAndSwap32(p, 0x01010101, 7); v != 0x01010101 || !ok || hole[0] != 7 {
		t.Error(v, ok)
	}
	if Store32(at(pageSize), 1) {
		t.Error("store to a hole")
	}
}

// A busy loop ends by Interrupt, and does not hold up the collector.
func TestInterrupt(t *testing.T) {
	var wg sync.WaitGroup
	for range 4 {
		g := newGuest(t, 0x48, 0xff, 0xc0, 0xeb, 0xfb) // inc rax; jmp -5
		stop := make(chan struct{})
		at := g.HostPC
		wg.Go(func() {
			for {
				g.Enter()
				if g.Reason == ReasonFault {
					t.Error("fault", g.Signal)
					return
				}
				if g.Interrupted() {
					return
				}
				if g.Reason != ReasonNotEntered && (g.HostPC < at || g.HostPC > at+3) {
					t.Errorf("stopped at %+d", g.HostPC-at)
				}
			}
		})
		wg.Go(func() {
			<-stop
			g.Interrupt()
		})
		time.AfterFunc(200*time.Millisecond, func() { close(stop) })
	}
	for range 20 {
		runtime.GC()
	}
	wg.Wait()
}

// Interrupts at any moment of entering and leaving lose nothing.
func TestInterruptRaces(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(5))
	g := newGuest(t, append([]byte{0x48, 0xff, 0xc0}, callSyscall...)...)
	at := g.HostPC
	done := make(chan struct{})
	go func() {
		for range 20000 {
			g.Interrupt()
		}
		close(done)
	}()
	n := uint64(0)
	for {
		before := g.GPR[0]
		g.Enter()
		switch g.Reason {
		case ReasonSyscall:
			n++
			g.HostPC = at
			if g.GPR[0] != n {
				t.Fatal(g.GPR[0], n)
			}
		case ReasonInterrupted:
			if g.HostPC != at && g.HostPC != at+3 || g.HostPC == at && g.GPR[0] != before {
				t.Fatalf("at %+d", g.HostPC-at)
			}
		case ReasonNotEntered:
			if g.GPR[0] != before {
				t.Fatal("changed")
			}
		default:
			t.Fatal(g.Reason, g.Signal)
		}
		g.Interrupted()
		select {
		case <-done:
			return
		default:
		}
	}
}

var one, three = 1.0, 3.0 // not the compiler's to divide

// However guest mode ends, and if it did not begin, Go has its direction flag and its MXCSR back.
func TestGoKeepsItsModes(t *testing.T) {
	g := newGuest(t, callSyscall...)
	at := g.HostPC
	src, dst := make([]byte, 64), make([]byte, 64)
	third := one / three
	for i, want := range []Reason{ReasonSyscall, ReasonNotEntered, ReasonSyscall} {
		g.HostPC = at
		g.Flags = 0x202 | 1<<10
		binary.LittleEndian.PutUint32(g.Vectors()[24:], 2<<13) // rounds up, and masks no exception
		if want == ReasonNotEntered {
			g.Interrupt()
		}
		g.Enter()
		if g.Interrupted(); g.Reason != want {
			t.Fatalf("reason %d, want %d", g.Reason, want)
		}
		for j := range src {
			src[j] = byte(i + j)
		}
		clear(dst)
		if n := Copy(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), 64); n != 64 || !bytes.Equal(src, dst) {
			t.Errorf("reason %d: a copy of 64 bytes copied %d: %x", want, n, dst)
		}
		if one/three != third {
			t.Errorf("reason %d: another rounding", want)
		}
	}
}

func BenchmarkEnterExit(b *testing.B) {
	g := newGuest(b, callSyscall...)
	at := g.HostPC
	for b.Loop() {
		g.HostPC = at
		g.Enter()
	}
}
