package x86

import (
	"debug/elf"
	"encoding/hex"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestTraps lists the encodings that decoders get wrong. An empty text is ErrInvalid.
func TestTraps(t *testing.T) {
	for _, c := range []struct{ code, text string }{
		{"90", "nop"}, {"f3 90", "pause"}, {"41 90", "xchg r8d,eax"}, {"49 90", "xchg r8,rax"}, {"48 90", "nop"}, {"f3 41 90", ""},
		{"48 66 01 c8", "add ax,cx"}, {"66 48 01 c8", "add rax,rcx"}, // REX counts only before the opcode, and wins over 66
		{"f2 f3 0f 10 c1", "movss xmm0,xmm1"}, {"f3 f2 0f 10 c1", "movsd xmm0,xmm1"}, {"66 f3 0f 10 c1", "movss xmm0,xmm1"}, // the last of F2 and F3, over 66
		{"f3 66 0f 10 c1", "movss xmm0,xmm1"}, {"66 0f 10 c1", "movupd xmm0,xmm1"},
		{"f2 66 0f 38 f1 c1", "crc32 eax,cx"}, {"66 f3 0f b8 c1", "popcnt ax,cx"}, {"f3 0f bc c1", "tzcnt eax,ecx"}, {"0f bc c1", "bsf eax,ecx"}, {"f2 0f bc c1", ""},
		{"c5 f8 77", "vzeroupper"}, {"66 c5 f8 77", ""}, {"f3 c5 f8 77", ""}, {"f0 c5 f8 77", ""}, {"48 c5 f8 77", ""}, {"48 64 c5 f8 28 00", "vmovaps xmm0,XMMWORD PTR fs:[rax]"},
		{"c5 f0 28 00", ""}, {"c5 f0 77", ""}, {"c4 e1 78 28 00", "vmovaps xmm0,XMMWORD PTR [rax]"}, {"c4 e0 78 28 00", ""}, {"c4 e4 78 28 00", ""}, // vvvv, maps
		{"c5 fd 6e c0", ""}, {"c5 f9 6e c0", "vmovd xmm0,eax"}, {"c4 e2 7d 00 c0", "vpshufb ymm0,ymm0,ymm0"}, // VEX.L
		{"f0 01 08", "lock add DWORD PTR [rax],ecx"}, {"f0 01 c8", ""}, {"f0 03 08", ""}, {"f0 39 08", ""}, {"f0 0f a3 08", ""}, {"f0 0f ab 08", "lock bts DWORD PTR [rax],ecx"}, {"f0 90", ""},
		{"66 e8 00 00 00 00", ""}, {"66 66 48 e8 00 00 00 00", "call .+8"}, {"66 0f 84 00 00 00 00", ""}, {"f2 e9 00 00 00 00", "repnz jmp .+6"}, {"3e ff e0", "jmp rax"}, {"67 e8 00 00 00 00", "call .+6"},
		{"66 c3", ""}, {"f3 c3", "rep ret"}, {"66 ff e0", ""},
		{"a1 88 77 66 55 44 33 22 11", "mov eax,[0x1122334455667788]"}, {"67 a1 44 33 22 f1", "mov eax,[0xf1223344]"},
		{"8f 00", "pop QWORD PTR [rax]"}, {"8f c8", ""}, {"8f e8 78 c2 c0 07", ""}, {"c6 c8 00", ""}, {"c7 c0 00 00 00 80", "mov eax,0x80000000"}, {"48 c7 c0 00 00 00 80", "mov rax,0xffffffff80000000"},
		{"c6 f8 00", ""}, {"c7 f8 00 00 00 00", ""}, {"f6 c8 01", "test al,0x1"}, {"d1 f0", "shl eax,1"}, {"c0 f0 07", "shl al,0x7"},
		{"0f 1e fa", "nop edx"}, {"f3 0f 1e fa", "endbr64"}, {"f3 48 0f 1e c8", "rdsspq rax"}, {"66 2e 0f 1f 84 00 00 00 00 00", "nop [rax+rax*1+0x0]"},
		{"88 e0", "mov al,ah"}, {"40 88 e0", "mov al,spl"}, {"48 0f c7 08", "cmpxchg16b XMMWORD PTR [rax]"}, {"0f c7 08", "cmpxchg8b QWORD PTR [rax]"}, {"0f c7 c8", ""},
		{"c8 10 00 01", "enter 0x10,0x1"}, {"48 63 c8", "movsxd rcx,eax"}, {"66 63 c8", ""}, {"8d c0", ""}, {"06", ""}, {"9a", ""}, {"62 f1 7c 48 28 00", ""}, {"d6", ""},
		{"d9 d0", "fnop"}, {"d9 d1", ""}, {"df e0", "fnstsw ax"}, {"df e1", ""}, {"db e0", ""}, {"0f 01 d5", ""}, {"0f 01 ef", ""}, {"0f 01 c1", ""}, {"0f 01 f9", "rdtscp"}, {"0f 0f c0 0c", ""},
		{"c4 e2 79 90 04 48", ""}, {"c4 e2 71 90 04 48", ""}, {"c4 e2 71 90 04 08", ""}, {"c4 e2 71 90 04 50", "vpgatherdd xmm0,DWORD PTR [rax+xmm2*2],xmm1"}, {"c4 e2 71 90 04 60", "vpgatherdd xmm0,DWORD PTR [rax+xmm4*2],xmm1"}, {"c4 e2 71 90 00", ""},
		{"64 3e 8b 00", ""}, {"64 64 8b 00", "mov eax,DWORD PTR fs:[rax]"}, {"64 65 8b 00", ""}, {"44 8e d8", ""}, {"8e c8", ""}, {"8c f0", ""},
		{"44 0f 6f c1", "movq mm0,mm1"}, {"41 0f 6f c1", "movq mm0,mm1"}, {"41 d8 c1", "fadd st,st(1)"}, {"48 b8 88 77 66 55 44 33 22 11", "mov rax,0x1122334455667788"},
		{"8b 05 10 00 00 00", "mov eax,DWORD PTR [rip+0x10]"}, {"8b 04 25 10 00 00 00", "mov eax,DWORD PTR [0x10]"}, {"42 8b 04 20", "mov eax,DWORD PTR [rax+r12*1]"}, {"8b 04 20", "mov eax,DWORD PTR [rax]"}, {"41 8b 04 24", "mov eax,DWORD PTR [r12]"}, {"41 8b 45 00", "mov eax,DWORD PTR [r13+0x0]"},
		{"6a ff", "push 0xffffffffffffffff"}, {"66 6a ff", "push 0xffff"}, {"66 68 34 12", "push 0x1234"}, {"41 50", "push r8"}, {"66 50", "push ax"},
		{"f3 48 a5", "rep movsq"}, {"66 a5", "movsw"}, {"f4", "hlt"}, {"0f 05", "syscall"}, {"66 0f 05", ""}, {"f3 01 c0", ""},
	} {
		var in Inst
		code := unhex(t, c.code)
		err := Decode(code, &in)
		switch {
		case c.text == "" && err != ErrInvalid:
			t.Errorf("% x: %v (%v), want ErrInvalid", code, in.String(), err)
		case c.text == "":
		case err != nil:
			t.Errorf("% x: %v, want %q", code, err, c.text)
		case in.String() != c.text || int(in.Len) != len(code):
			t.Errorf("% x: %q of %d bytes, want %q", code, in.String(), in.Len, c.text)
		}
	}
}

func TestTooLong(t *testing.T) {
	var in Inst
	for _, c := range []struct {
		n    int
		tail string
		want error
	}{{14, "90", nil}, {15, "90", ErrTooLong}, {15, "", ErrTooLong}, {14, "", ErrTruncated}, {13, "83 c0", ErrTooLong}, {12, "83 c0", ErrTruncated}, {12, "83 c0 01", nil}, {13, "83 c0 01", ErrTooLong}} {
		code := append([]byte(strings.Repeat("\x66", c.n)), unhex(t, c.tail)...)
		if err := Decode(code, &in); err != c.want {
			t.Errorf("%d prefixes and %s: %v, want %v", c.n, c.tail, err, c.want)
		}
	}
}

// check holds an accepted instruction to the contract of Decode.
func check(t *testing.T, code []byte) {
	t.Helper()
	var in, again Inst
	if err := Decode(code, &in); err != nil {
		if err != ErrInvalid && err != ErrTruncated && err != ErrTooLong {
			t.Errorf("% x: %v", code, err)
		}
		return
	}
	if in.Len == 0 || in.Len > 15 || int(in.Len) > len(code) || in.Form == nil {
		t.Fatalf("% x: length %d", code, in.Len)
	}
	if err := Decode(code[:in.Len], &again); err != nil || in != again {
		t.Errorf("% x: %d bytes do not decode to the same: %v", code, in.Len, err)
	}
	for n := range in.Len {
		if err := Decode(code[:n], &again); err != ErrTruncated {
			t.Errorf("% x: %d bytes of %d: %v", code, n, in.Len, err)
		}
	}
	if strings.Contains(in.String(), "%!") || in.MemSize() < 0 || in.Base() > 15 || in.Index() > 15 || in.RegField() > 15 || in.RMField() > 15 {
		t.Errorf("% x: %s", code, in.String())
	}
	var registers [16]uint64
	in.MemAddr(0x1000, &registers)
	in.Target(0x1000)
	in.Feature()
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"90", "66 66 48 e8 00 00 00 00", "c4 e2 71 90 04 50", "f0 48 0f c7 0c 25 00 00 00 00", "64 67 a1 00 00 00 00", "c8 00 00 00", "c5 f8 77", "d9 d0", "0f 3a 0f c0 01"} {
		f.Add(unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, code []byte) { check(t, code) })
}

func TestSamplesKeepTheContract(t *testing.T) {
	for _, code := range samples(t) {
		check(t, code)
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	code := unhex(t, "c4 e2 71 90 04 50")
	var in Inst
	if n := testing.AllocsPerRun(100, func() { Decode(code, &in) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkDecode decodes the text of a shared library or program of the machine; ns/inst is the time of one instruction.
func BenchmarkDecode(b *testing.B) {
	file, err := elf.Open(programs[0][0])
	if err != nil {
		b.Skip(err)
	}
	defer file.Close()
	code, err := file.Section(".text").Data()
	if err != nil {
		b.Skip(err)
	}
	b.ReportAllocs()
	var in Inst
	n := 0
	for b.Loop() {
		for pos := 0; pos < len(code); n++ {
			if Decode(code[pos:], &in) == nil {
				pos += int(in.Len)
			} else {
				pos++
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/inst")
}
