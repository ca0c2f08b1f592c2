package rewrite

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/cpu"
)

// FuzzCode runs bytes as guest code, which may be anything but the end of this process.
func FuzzCode(f *testing.F) {
	for _, line := range shapes {
		b, _ := hex.DecodeString(strings.ReplaceAll(line, " ", ""))
		f.Add(b, uint64(1), false)
		f.Add(b, uint64(2), true)
	}
	m := newMachine(f)
	f.Fuzz(func(t *testing.T, code []byte, seed uint64, open bool) {
		if len(code) == 0 || len(code) > 256 {
			return
		}
		m.open = open
		m.put(code)
		s := randomStart(rand.New(rand.NewPCG(seed, 3)), code)
		m.w.Write(dataAt, s.data)
		*m.th.Regs() = s.regs
		if open {
			m.w.Protect(codeAt, codeSize, 3)
		}
		copy(m.th.Vectors(), s.vectors)
		// It may loop for ever, or ask for one thing after the other.
		end := time.AfterFunc(20*time.Millisecond, m.th.Interrupt)
		defer end.Stop()
		for range 50 {
			switch e := m.th.Run(); e.Reason {
			case cpu.Failed:
				t.Fatal(e.Err)
			case cpu.Syscall:
			case cpu.Interrupted:
				return
			case cpu.Breakpoint, cpu.Fault, cpu.Illegal, cpu.Protection, cpu.Divide, cpu.Float, cpu.Beyond, cpu.Unaligned:
				return
			default:
				t.Fatalf("%+v", e)
			}
		}
	})
}

// TestVerifierSeesDamage changes each byte of good code in turn: what still passes must
// be harmless by the reading of another disassembler.
func TestVerifierSeesDamage(t *testing.T) {
	m := newMachine(t)
	tried, passed := 0, 0
	for _, line := range shapes {
		for _, text := range strings.Fields(line) {
			code, _ := hex.DecodeString(text)
			m.put(code)
			m.s.mu.Lock()
			if _, ok := m.s.find(codeStart); !ok {
				t.Fatalf("% x: no code", code)
			}
			c := m.s.codeOf(m.s.blocks[codeStart])
			good := bytes.Clone(c.Bytes)
			for i := range good {
				for _, x := range []byte{1, 2, 4, 8, 16, 32, 64, 128, 0xff} {
					c.Bytes = bytes.Clone(good)
					c.Bytes[i] ^= x
					tried++
					if m.s.checker.Check(c) != nil {
						continue
					}
					passed++
					if why := harm(c.Bytes); why != "" {
						t.Errorf("% x\nbecame\n% x\nat %#x: %s", good, c.Bytes, i, why)
					}
				}
			}
			m.s.mu.Unlock()
			if t.Failed() {
				return
			}
		}
	}
	t.Logf("%d changes, %d of them harmless", tried, passed)
}
