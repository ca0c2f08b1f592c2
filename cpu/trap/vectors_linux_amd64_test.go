package trap

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"
	"unsafe"
)

// fxsave is fxsave64 gs:[ecx].
var fxsave = []byte{0x65, 0x67, 0x48, 0x0f, 0xae, 0x01}

// area makes vectors: of x87, SSE and AVX those that bv names with bytes of r, the others as they are initially.
func area(r *rand.Rand, bv uint64) []byte {
	b := make([]byte, len(State{}.Xsave))
	fill := func(from, to int) {
		for i := from; i < to; i++ {
			b[i] = byte(r.Uint32())
		}
	}
	binary.LittleEndian.PutUint16(b, initialFCW)
	if bv&1 != 0 {
		binary.LittleEndian.PutUint16(b, 0x27f) // another precision
		b[4] = 0xff                             // all are valid
		for i := range 8 {
			fill(32+16*i, 42+16*i)
			b[32+16*i+7] |= 0x80 // a normal number
		}
	}
	binary.LittleEndian.PutUint32(b[24:], 0x1f80|uint32(r.Uint32()&0x3f))
	binary.LittleEndian.PutUint32(b[28:], 0)
	if bv&2 != 0 {
		fill(160, 416)
	}
	if bv&4 != 0 {
		fill(576, 832)
	}
	binary.LittleEndian.PutUint64(b[512:], 7)
	return b
}

// same reports whether two areas are alike but for the mask of MXCSR and what the header says.
func same(a, b []byte) bool {
	return bytes.Equal(a[:28], b[:28]) && bytes.Equal(a[32:416], b[32:416]) && bytes.Equal(a[576:], b[576:])
}

// use has Go overwrite its vectors, upper halves too.
func use(g *guest) {
	src, dst := make([]byte, 1000), make([]byte, 1000)
	for i := range src {
		src[i] = byte(i)
	}
	copy(dst, src)
	if bytes.IndexByte(dst, 99) != 99 || !bytes.Equal(src, dst) {
		panic("bytes")
	}
	Zero(unsafe.Pointer(&dst[0]), 10)
}

// Vectors come back as they went in, whatever is in use, over calls and over threads of the host.
func TestVectors(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		bv := uint64(round % 8)
		if round%16 < 8 {
			bv &^= 1 // so that both orders are met
		}
		g := newGuest(t, callSyscall...)
		at := g.HostPC
		want := area(r, bv)
		copy(g.Vectors(), want)
		for range 3 {
			done := make(chan struct{})
			go func() {
				defer close(done)
				runtime.LockOSThread() // not unlocked: a new thread each time
				for range 2 {
					g.HostPC = at
					g.Enter()
					use(g)
				}
			}()
			<-done
			if g.Reason != ReasonSyscall {
				t.Fatal(g.Reason)
			}
			if feats&featInUse != 0 && bv&5 == 0 && g.light != 1 {
				t.Fatalf("components %d: all are saved and restored", bv)
			}
		}
		if got := g.Vectors(); !same(got, want) {
			t.Fatalf("components %d:\n%x\n%x", bv, got, want)
		}
	}
}

// What one guest has in x87 and the upper halves, another one that has the same thread of the host does not find there.
func TestVectorsStayTheGuests(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := rand.New(rand.NewPCG(3, 4))
	for _, want := range []Reason{ReasonSyscall, ReasonNotEntered} {
		one := newGuest(t, callSyscall...)
		two := newGuest(t, append(append([]byte{}, fxsave...), callSyscall...)...)
		at := two.HostPC
		two.Enter()
		for range 2 {
			copy(one.Vectors(), area(r, 7))
			if want == ReasonNotEntered {
				one.Interrupt()
			}
			at := one.HostPC
			one.Enter()
			one.HostPC = at
			if one.Interrupted(); one.Reason != want {
				t.Fatal(one.Reason)
			}
		}
		two.HostPC = at
		two.Enter()
		if two.Reason != ReasonSyscall {
			t.Fatal(two.Reason)
		}
		empty := make([]byte, 128)
		if !bytes.Equal(two.mem[32:160], empty) || two.mem[4] != 0 || binary.LittleEndian.Uint16(two.mem) != initialFCW {
			t.Errorf("x87 is not the guest's own: %x", two.mem[:160])
		}
		if v := two.Vectors(); !bytes.Equal(v[576:], make([]byte, 256)) {
			t.Errorf("the upper halves are not the guest's own: %x", v[576:])
		}
	}
}
