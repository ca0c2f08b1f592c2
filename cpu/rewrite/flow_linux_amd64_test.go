package rewrite

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
)

// What stands between the branches of a random program: some instructions compare, some need the guest's R11, some
// do nothing at all, and some, for outside of functions, move the stack pointer or write to the stack. None writes
// R15, which counts the rounds of its loops.
var (
	stackFlow = hexes(`50 4153 58 415b 6a07 5a 4883ec18 4883c418 4889442408 4c895c2410 9c`)
	plainFlow = hexes(`488b5c2408 4983c301 4d01da 4c01d8 4939c3 4585db 4901c3 4c89d9 4d8d5c0303 410f94c3 4885c0 39c8 83f907 01d8 29d1 ffc2
		f7da 0fafc1 4131c2 90 0f1f4000 f30f1efa 8d4403f1 0fb64c2403 6601d1 0f94c0 480fbae105 f7e1 8a642405 660fefc0 f30f7ec0`)
)

func hexes(text string) (list [][]byte) {
	for _, t := range strings.Fields(text) {
		b, err := hex.DecodeString(t)
		if err != nil {
			panic(err)
		}
		list = append(list, b)
	}
	return list
}

// flow makes a program that branches forwards, loops, and calls functions of its own.
func flow(r *rand.Rand) []byte {
	var code []byte
	type fix struct {
		at, size, to int // the displacement's place and size, and the index of what it leads to
	}
	var fixes []fix
	n := 6 + r.IntN(14)
	functions := r.IntN(3)
	where := make([]int, n+1+functions)
	branch := func(to int, long, short []byte) {
		if r.IntN(2) == 0 && short != nil {
			code = append(code, short...)
			fixes = append(fixes, fix{len(code), 1, to})
			code = append(code, 0)
			return
		}
		code = append(code, long...)
		fixes = append(fixes, fix{len(code), 4, to})
		code = append(code, 0, 0, 0, 0)
	}
	head := -1 // of a loop
	for i := range n {
		where[i] = len(code)
		switch k := r.IntN(20); {
		case k < 4:
			cc := byte(r.IntN(16))
			branch(i+1+r.IntN(n-i), []byte{0x0f, 0x80 | cc}, []byte{0x70 | cc})
		case k < 5:
			branch(i+1+r.IntN(n-i), []byte{0xe9}, []byte{0xeb})
		case k < 6:
			branch(i+1+r.IntN(n-i), []byte{0xe3}, []byte{0xe3}) // jrcxz; the long one is none
			if f := &fixes[len(fixes)-1]; f.size == 4 {
				f.size, code = 1, code[:len(code)-3]
			}
		case k < 9 && functions > 0:
			branch(n+1+r.IntN(functions), []byte{0xe8}, nil)
		case k < 10 && functions > 0:
			branch(n+1+r.IntN(functions), []byte{0xb8}, nil) // mov eax
			fixes[len(fixes)-1].size = 8
			code = append(code, 0xff, 0xd0) // call rax
		case k < 12 && head < 0:
			code = append(code, 0x41, 0xbf, byte(1+r.IntN(3)), 0, 0, 0) // mov r15d
			head = len(code)
		case k < 14 && head >= 0:
			code = append(code, 0x41, 0x83, 0xe7, 0x03, 0x41, 0xff, 0xcf) // and r15d, 3; dec r15d; jg, so that it ends however it was come by
			back := head - len(code) - 2
			if back >= -128 && r.IntN(2) == 0 {
				code = append(code, 0x7f, byte(back))
			} else {
				code = binary.LittleEndian.AppendUint32(append(code, 0x0f, 0x8f), uint32(back-4))
			}
			head = -1
		default:
			list := plainFlow
			if r.IntN(3) == 0 {
				list = stackFlow
			}
			code = append(code, list[r.IntN(len(list))]...)
		}
	}
	where[n] = len(code)
	code = append(code, 0xcc)
	for f := range functions {
		for range r.IntN(3) {
			code = append(code, 0xcc) // not aligned
		}
		where[n+1+f] = len(code)
		saves := r.IntN(2) == 0
		if saves {
			code = append(code, 0x41, 0x53) // push r11
		}
		for range r.IntN(4) {
			code = append(code, plainFlow[r.IntN(len(plainFlow))]...)
		}
		if saves {
			code = append(code, 0x41, 0x5b) // pop r11
		}
		if r.IntN(4) == 0 {
			code = append(code, 0xc2, 8, 0)
		} else {
			code = append(code, 0xc3)
		}
	}
	for _, f := range fixes {
		switch to := where[f.to]; f.size {
		case 1:
			d := to - f.at - 1
			if d > 127 {
				return flow(r)
			}
			code[f.at] = byte(d)
		case 4:
			binary.LittleEndian.PutUint32(code[f.at:], uint32(to-f.at-4))
		default:
			binary.LittleEndian.PutUint32(code[f.at:], uint32(codeStart+to))
		}
	}
	if len(code) > 240 {
		return flow(r)
	}
	return code
}

// TestFlow holds random programs with branches, loops, calls and returns against the bare processor, and stops
// them in front of every instruction of the host's.
func TestFlow(t *testing.T) {
	programs, stops := 3000, 400
	if testing.Short() {
		programs, stops = 500, 20
	}
	for _, image := range []bool{false, true} {
		m := newMachine(t)
		m.image = image
		n := startNative(t, machineRegions)
		for seed := range uint64(programs) {
			r := rand.New(rand.NewPCG(seed, 7))
			code := flow(r)
			if diff := checkStep(t, r, m, n, code); diff != "" {
				t.Fatalf("seed %d, image %v: % x: %s", seed, image, code, diff)
			}
			if seed < uint64(stops) {
				stopEverywhere(t, m, code, randomStart(r, code))
			}
			if t.Failed() {
				t.Fatalf("seed %d, image %v", seed, image)
			}
		}
	}
}
