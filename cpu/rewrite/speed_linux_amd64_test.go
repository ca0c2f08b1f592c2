package rewrite

import (
	"encoding/hex"
	"testing"

	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/x86"
)

// speeds are small programs that spend their time on one thing each. They are put at
// codeStart and end with int3.
var speeds = []struct{ name, code string }{
	// mov edi,24; call fib; int3
	// fib: push rbp; push rbx; sub rsp,8; mov ebx,edi; mov eax,edi; cmp edi,1; jle 1f; lea edi,[rbx-1]; call fib;
	//      mov ebp,eax; lea edi,[rbx-2]; call fib; add eax,ebp
	// 1:   add rsp,8; pop rbx; pop rbp; ret
	{"calls", "bf18000000e801000000cc55534883ec0889fb89f883ff017e148d7bffe8e9ffffff89c58d7bfee8dfffffff01e84883c4085b5dc3cc"},
	// mov ecx,100000
	// 1: call f; dec ecx; jnz 1b; int3
	// f: push r15; push r14; push r13; push r12; push rbp; push rbx; test ecx,ecx; je 2f; add eax,ecx
	// 2: pop rbx; pop rbp; pop r12; pop r13; pop r14; pop r15; ret
	{"saved registers", "b9a0860100e805000000ffc975f7cc4157415641554154555385c9740201c85b5d415c415d415e415fc3cc"},
	// mov ecx,100000; mov ebx,0x10000840
	// 9: mov eax,ecx; and eax,3; shl eax,5; add rax,rbx; dec ecx; jz 8f; jmp rax
	// 8: int3; then at 0x10000840 and each 32 bytes: add edx,1; xor edx,ecx; sub edx,3; lea edx,[rdx+rdx*2], and jmp 9b
	{"dispatch", "b9a0860100bb4008001089c883e003c1e0054801d8ffc97402ffe0cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc83c201ebc5cccccccccccccccccccccccccccccccccccccccccccccccccccccc31caeba6cccccccccccccccccccccccccccccccccccccccccccccccccccccccc83ea03eb85cccccccccccccccccccccccccccccccccccccccccccccccccccccc8d1452e962ffffffcc"},
	// mov ecx,100000; xor edx,edx
	// 1: mov eax,ecx; and eax,7; cmp eax,3; jb 2f; add edx,1; cmp eax,5; ja 2f; add edx,2; test eax,1; jz 2f; add edx,3
	// 2: cmp edx,0x10000000; ja 3f; dec ecx; jnz 1b
	// 3: int3
	{"branches", "b9a086010031d289c883e00783f803721583c20183f805770d83c202a901000000740383c20381fa000000107704ffc975d5cc"},
}

// BenchmarkCode tells what code costs once it is made.
func BenchmarkCode(b *testing.B) {
	for _, c := range speeds {
		b.Run(c.name, func(b *testing.B) {
			code, err := hex.DecodeString(c.code)
			if err != nil {
				b.Fatal(err)
			}
			m := newMachine(b)
			m.put(code)
			r := m.th.Regs()
			for b.Loop() {
				*r = cpu.Regs{RIP: codeStart, Flags: 0x202}
				r.GPR[x86.RSP] = dataAt + dataSize - 64
				for {
					e := m.th.Run()
					if e.Reason == cpu.Breakpoint {
						break
					}
					if e.Reason != cpu.Interrupted {
						b.Fatalf("%+v at %#x", e, r.RIP)
					}
				}
			}
		})
	}
}
