package wasi_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/sbxrun/sbx/wasi"
)

// opcodeModule has something at index 0 of everything, and a body.
func opcodeModule(body []byte) []byte {
	f := concat([]byte{1, 1, 0x7f}, body, []byte{0x0b})
	return concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(1, vector([]byte{0x60, 0, 0})), section(3, vector([]byte{0})),
		section(4, vector([]byte{0x70, 0, 1})), section(5, vector([]byte{0, 1})), section(13, vector([]byte{0, 0})),
		section(6, vector([]byte{0x7f, 1, 0x41, 0, 0x0b})), section(7, vector(append(name("f"), 0, 0))),
		section(9, vector([]byte{1, 0, 1, 0})), section(12, []byte{1}),
		section(10, vector(append(uleb(uint64(len(f))), f...))), section(11, vector([]byte{1, 0})))
}

// constants take any bytes, also those of the loop: they need as many zeros.
var constants = map[string]int{"\x43": 4, "\x44": 8, "\xfd\x0c": 16}

// Every instruction that wazero knows is passed over by its right length: a
// loop behind it is found.
func TestEveryOpcode(t *testing.T) {
	rt := newRuntime(false, true)
	defer rt.Close(context.Background())
	valid := func(m []byte) bool {
		c, err := rt.CompileModule(context.Background(), m)
		if err == nil {
			c.Close(context.Background())
		}
		return err == nil
	}
	var ops [][]byte
	for op := range 256 {
		ops = append(ops, []byte{byte(op)})
	}
	for _, prefix := range []byte{0xfb, 0xfc, 0xfd, 0xfe} {
		for sub := range uint64(300) {
			ops = append(ops, append([]byte{prefix}, uleb(sub)...))
		}
	}
	known := 0
	for _, op := range ops {
		if op[0] == 0x05 { // else: after an if
			op = []byte{0x04, 0x40, 0x05}
		}
		found := false
		for n := constants[string(op)]; n <= 18 && !found; n++ {
			for _, end := range [][]byte{{}, {0x0b}} {
				// unreachable, so that every operand is there; the instruction; a loop; what ends blocks.
				m := opcodeModule(concat([]byte{0}, op, make([]byte, n), []byte{0, 0x03, 0x40, 0x0b, 0}, end))
				if found || !valid(m) {
					continue
				}
				found = true
				known++
				plain, err := wasi.Interruptible(m, false)
				with, err2 := wasi.Interruptible(m, true)
				switch {
				case err != nil || err2 != nil:
					t.Errorf("%x with %d bytes is not understood", op, n)
				case !valid(plain) || !valid(with):
					t.Errorf("%x with %d bytes becomes invalid", op, n)
				case len(with) <= len(plain):
					t.Errorf("%x with %d bytes hides a loop", op, n)
				}
			}
		}
	}
	t.Logf("%d instructions", known)
	if known < 400 {
		t.Errorf("wazero knows only %d instructions: the modules are bad", known)
	}
}

// Where the indices are large the result is valid all the same.
func TestInstrumentedLarge(t *testing.T) {
	rt := newRuntime(false, true)
	defer rt.Close(context.Background())
	for _, n := range []int{1, 63, 64, 127, 128, 129, 16384} {
		var globals, funcs, bodies [][]byte
		for range n {
			globals = append(globals, []byte{0x7f, 1, 0x41, 0, 0x0b})
			funcs = append(funcs, []byte{0})
			bodies = append(bodies, []byte{6, 0, 0x03, 0x40, 0x0b, 0x01, 0x0b})
		}
		m := concat([]byte("\x00asm\x01\x00\x00\x00"), section(1, vector([]byte{0x60, 0, 0})), section(3, vector(funcs...)),
			section(6, vector(globals...)), section(7, vector(append(name("f"), 0, 0))), section(10, vector(bodies...)))
		with, err := wasi.Interruptible(m, true)
		if err != nil {
			t.Fatal(n, err)
		}
		for what, code := range map[string][]byte{"plain": m, "instrumented": with} {
			mod, err := rt.InstantiateWithConfig(context.Background(), code, wazero.NewModuleConfig().WithName(fmt.Sprint(what, n)))
			if err != nil {
				t.Fatal(what, n, err)
			}
			if _, err := mod.ExportedFunction("f").Call(context.Background()); err != nil {
				t.Error(what, n, err)
			}
		}
	}
}
