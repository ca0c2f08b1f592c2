package x86

import (
	"os"
	"path/filepath"
	"testing"
)

// samples builds encodings of every form: each opcode of each map with each mandatory prefix, REX.W, VEX.L, and ModRM in
// registers and memory. Those that Decode takes are returned, a few for each form and combination.
func samples(t *testing.T) [][]byte {
	t.Helper()
	type combination struct {
		form      *Form
		pp        int
		w, l, mem bool
	}
	var kept [][]byte
	count := map[combination]int{}
	covered := map[*Form]bool{}
	var in Inst
	tail := []byte{0x12, 0x34, 0x56, 0x07, 0x11, 0x22, 0x33, 0x44}
	for space := range 7 {
		for op := range 256 {
			for variant := range 4 * 2 * 2 * 2 * 2 * 256 {
				pp, w, l, hi, v, m := variant&3, variant>>2&1, variant>>3&1, variant>>4&1, variant>>5&1, variant>>6
				if space < 4 && l|v != 0 {
					continue
				}
				code := append(encoding(space, op, pp, w, l, hi, v*6), byte(m), 0x8c)
				if m&7 != 4 || m >= 0xc0 {
					code = code[:len(code)-1]
				}
				if err := Decode(append(code, tail...), &in); err != nil {
					continue
				}
				covered[in.Form] = true
				c := combination{in.Form, pp, w == 1, l == 1, in.IsMem()}
				if count[c]++; count[c] > 1 && (count[c] > 4 || (m+op)%5 != 0) {
					continue
				}
				kept = append(kept, append(code, tail...)[:in.Len])
			}
		}
	}
	for i := range forms {
		if !covered[&forms[i]] {
			t.Errorf("no encoding reaches %s (%v)", forms[i].Name, forms[i].Args)
		}
	}
	return kept
}

// encoding returns prefixes and opcode; with hi the registers are the upper eight. For the legacy maps vvvv is ignored.
func encoding(space, op, pp, w, l, hi, vvvv int) []byte {
	var code []byte
	if space > 3 {
		rxb := byte(0xe0)
		if hi == 1 {
			rxb = 0
		}
		return []byte{0xc4, rxb | byte(space-3), byte(w<<7 | (15-vvvv)<<3 | l<<2 | pp), byte(op)}
	}
	if pp > 0 {
		code = append(code, []byte{0x66, 0xf3, 0xf2}[pp-1])
	}
	if w == 1 || hi == 1 {
		rex := byte(0x40 | w<<3)
		if hi == 1 {
			rex |= 5
		}
		code = append(code, rex)
	}
	return append(append(code, [][]byte{{}, {0x0f}, {0x0f, 0x38}, {0x0f, 0x3a}}[space]...), byte(op))
}

// TestEveryForm checks that every form can be reached, and that objdump reads the samples as this package does.
func TestEveryForm(t *testing.T) {
	kept := samples(t)
	const stride = 32
	image := make([]byte, stride*len(kept))
	for i := range image {
		image[i] = 0x90
	}
	for i, code := range kept {
		copy(image[i*stride:], code)
	}
	file := filepath.Join(t.TempDir(), "samples")
	if err := os.WriteFile(file, image, 0o644); err != nil {
		t.Fatal(err)
	}
	var tally tally
	var in Inst
	listing(t, []string{"-D", "-b", "binary", "-m", "i386:x86-64", file}, func(l listed) {
		if l.addr%stride == 0 {
			tally.compare(&in, l)
		}
	})
	if tally.total != len(kept) {
		t.Errorf("objdump shows %d of %d samples", tally.total, len(kept))
	}
	tally.report(t)
}
