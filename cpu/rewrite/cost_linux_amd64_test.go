package rewrite

import (
	"debug/elf"
	"os/exec"
	"testing"

	"golang.org/x/arch/x86/x86asm"

	"github.com/sbxrun/sbx/cpu/rewrite/verify"
	"github.com/sbxrun/sbx/cpu/x86"
)

// busyboxText is real code and where it is.
func busyboxText(t testing.TB) (text []byte, addr uint64) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("busybox-static is not installed")
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	s := f.Section(".text")
	if s == nil {
		t.Skip("busybox has no .text")
	}
	text, err = s.Data()
	if err != nil {
		t.Skip(err)
	}
	return text, s.Addr
}

// eachBlock translates code block after block.
func eachBlock(text []byte, addr uint64, f func(e *emitter, insts int)) {
	var e emitter
	for off := 0; off < len(text); {
		n := e.translate(addr+uint64(off), 0x40000000, text[off:min(off+maxBytes, len(text))], false, nil)
		e.stubs()
		f(&e, len(e.marks))
		off += n
	}
}

func codeOfEmitter(e *emitter) *verify.Code {
	c := &verify.Code{Bytes: e.b, Host: e.host}
	for _, t := range e.sites {
		c.Stubs = append(c.Stubs, t.stub)
	}
	for _, w := range e.ways {
		c.Ways = append(c.Ways, w.host)
	}
	return c
}

// TestWholeProgram translates all of busybox, verifies it, and holds what the verifier
// read against another disassembler.
func TestWholeProgram(t *testing.T) {
	text, addr := busyboxText(t)
	var k verify.Checker
	insts, compared := 0, 0
	eachBlock(text, addr, func(e *emitter, n int) {
		insts += n
		if err := k.Check(codeOfEmitter(e)); err != nil {
			t.Errorf("block %#x: %v", e.pc, err)
		}
		for off := 0; off < len(e.b); {
			var in x86.Inst
			if err := x86.Decode(e.b[off:], &in); err != nil {
				t.Fatal(err)
			}
			if other, err := x86asm.Decode(e.b[off:], 64); err == nil && in.VEX == 0 && other.Op != 0 {
				compared++
				if other.Len != int(in.Len) {
					t.Errorf("block %#x, % x: %d bytes, x86asm says %d", e.pc, e.b[off:off+int(in.Len)], in.Len, other.Len)
				}
				if why := harmOf(&other, e.b[off:]); why != "" {
					t.Errorf("block %#x: %v: %s", e.pc, other, why)
				}
			}
			off += int(in.Len)
		}
		if t.Failed() {
			t.FailNow()
		}
	})
	t.Logf("%d guest instructions, %d of the host compared", insts, compared)
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

// BenchmarkTranslate and BenchmarkVerify tell what a guest instruction costs.
func BenchmarkTranslate(b *testing.B) {
	text, addr := busyboxText(b)
	text = text[:1<<18]
	insts := 0
	for b.Loop() {
		eachBlock(text, addr, func(_ *emitter, n int) { insts += n })
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(insts), "ns/inst")
}

func BenchmarkTranslateVerify(b *testing.B) {
	text, addr := busyboxText(b)
	text = text[:1<<18]
	insts := 0
	var k verify.Checker
	for b.Loop() {
		eachBlock(text, addr, func(e *emitter, n int) {
			insts += n
			if err := k.Check(codeOfEmitter(e)); err != nil {
				b.Fatal(err)
			}
		})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(insts), "ns/inst")
}
