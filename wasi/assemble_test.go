package wasi_test

// A little assembler: enough of the binary format to make modules that break
// every rule.

type importFunc struct{ module, name, params string } // params as in the host tables: i, I; the result is i32

type assembly struct {
	imports []importFunc
	locals  int // of i32, in _start
	code    []byte
	pages   byte
	noStart bool
}

func uleb(v uint64) (b []byte) {
	for {
		c := byte(v & 0x7f)
		if v >>= 7; v == 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func sleb(v int64) (b []byte) {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if (v == 0 && c&0x40 == 0) || (v == -1 && c&0x40 != 0) {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

func vector(items ...[]byte) []byte {
	b := uleb(uint64(len(items)))
	for _, i := range items {
		b = append(b, i...)
	}
	return b
}

func name(s string) []byte { return append(uleb(uint64(len(s))), s...) }

func section(id byte, body []byte) []byte {
	return append(append([]byte{id}, uleb(uint64(len(body)))...), body...)
}

// build makes the module: type 0 is _start's, type i+1 the i-th import's.
func (a assembly) build() []byte {
	kinds := [][]byte{{0x60, 0, 0}}
	var imports [][]byte
	for i, f := range a.imports {
		params := uleb(uint64(len(f.params)))
		for _, c := range f.params {
			params = append(params, map[rune]byte{'i': 0x7f, 'I': 0x7e}[c])
		}
		result := []byte{1, 0x7f}
		if f.name == "proc_exit" {
			result = []byte{0}
		}
		kinds = append(kinds, append(append([]byte{0x60}, params...), result...))
		entry := append(append(name(f.module), name(f.name)...), 0)
		imports = append(imports, append(entry, uleb(uint64(i+1))...))
	}
	start := uleb(uint64(len(a.imports)))
	exports := [][]byte{append(name("memory"), 2, 0)}
	if !a.noStart {
		exports = append(exports, append(append(name("_start"), 0), start...))
	}
	locals := []byte{0}
	if a.locals > 0 {
		locals = append([]byte{1}, append(uleb(uint64(a.locals)), 0x7f)...)
	}
	body := append(append(locals, a.code...), 0x0b)
	out := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range [][]byte{
		section(1, vector(kinds...)), section(2, vector(imports...)), section(3, vector([]byte{0})),
		section(5, vector([]byte{0, max(a.pages, 1)})), section(7, vector(exports...)),
		section(10, vector(append(uleb(uint64(len(body))), body...))),
	} {
		out = append(out, s...)
	}
	return out
}

func i32(v int32) []byte { return append([]byte{0x41}, sleb(int64(v))...) }
func i64(v int64) []byte { return append([]byte{0x42}, sleb(v)...) }

// call calls import i with constant arguments and drops the result.
func call(i int, f importFunc, args []uint64) (code []byte) {
	for k, c := range f.params {
		if c == 'I' {
			code = append(code, i64(int64(args[k]))...)
		} else {
			code = append(code, i32(int32(args[k]))...)
		}
	}
	code = append(code, 0x10)
	code = append(code, uleb(uint64(i))...)
	if f.name == "proc_exit" {
		return code
	}
	return append(code, 0x1a)
}

func concat(parts ...[]byte) (out []byte) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}
