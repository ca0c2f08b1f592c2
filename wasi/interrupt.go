package wasi

import "errors"

// Compiled code is not Go's: while it loops, nobody can stop its goroutine, not
// even the garbage collector, which then stops everybody else. wazero's own
// remedy is a call into Go at every loop's head, which makes tight loops many
// times slower, and none for recursion. So we put checks into the module itself:
// loops count in a local, functions in a global, and when a counter comes round
// to 0 they call a function that we add. That one goes through Go, by growing
// the memory by nothing, and traps if the global stopName is not 0.
//
// Interpreted modules get only the functions' checks. Their loops, and the one
// in the function that we add, have wazero's, which costs an interpreter little.
const stopName = "sbx.stop"

// startName is what a start function is exported as: it is called when the
// global can be reached, and not during the instantiation.
const startName = "sbx.start"

// A counter comes round after 2^32/step. Between two checks there are at most
// as many function calls as the one allows, each with as many loops as the other.
const (
	loopStep = 1 << 19 // 8192 loops
	callStep = 1 << 21 // 2048 calls
)

// errNotInstrumented says that a module has what we cannot rewrite.
var errNotInstrumented = errors.New("cannot be instrumented")

// Sections of the binary format.
const (
	sectionCustom   = 0
	sectionType     = 1
	sectionImport   = 2
	sectionFunction = 3
	sectionMemory   = 5
	sectionGlobal   = 6
	sectionExport   = 7
	sectionStart    = 8
	sectionCode     = 10
	sectionEnd      = 14
)

// sectionOrder is in what order they come: data count and tags are late numbers
// for early places.
var sectionOrder = [...]byte{1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11}

// sections are the bodies by number; nil where there is none.
type sections [sectionEnd][]byte

// instrumenter knows the indices of what it adds.
type instrumenter struct {
	loops       bool     // they are to be checked
	params      []uint64 // of each type
	functions   []uint32 // types of the module's own functions
	imported    uint32   // functions
	stop, calls uint32   // globals
	check       uint32   // function
}

// interruptible returns the module with the checks in it, those of loops only
// if asked for. It fails for modules that it does not understand whole, which
// are not valid ones.
func interruptible(module []byte, loops bool) ([]byte, error) {
	s, err := split(module)
	if err != nil {
		return nil, err
	}
	in := instrumenter{loops: loops}
	memories := s.count(sectionMemory)
	globals := s.count(sectionGlobal)
	ok := in.readTypes(s[sectionType])
	ok = in.readImports(s[sectionImport], &globals, &memories) && ok
	ok = in.readFunctions(s[sectionFunction]) && ok
	if !ok {
		return nil, errNotInstrumented
	}
	in.stop, in.calls = globals, globals+1
	in.check = in.imported + uint32(len(in.functions))
	if s[sectionCode], err = in.code(s[sectionCode]); err != nil {
		return nil, err
	}
	s.add(sectionType, []byte{0x60, 0, 0})
	s.add(sectionFunction, appendU32(nil, uint32(len(in.params))))
	if memories == 0 {
		s.add(sectionMemory, []byte{1, 0, 0}) // of no bytes, now and ever
	}
	zero := []byte{0x7f, 0x01, 0x41, 0x00, 0x0b} // (global (mut i32) (i32.const 0))
	s.add(sectionGlobal, zero, zero)
	s.add(sectionExport, export(stopName, 0x03, appendU32(nil, in.stop)))
	if start := s[sectionStart]; start != nil {
		s.add(sectionExport, export(startName, 0x00, start))
		s[sectionStart] = nil
	}
	return s.join(module[:8]), nil
}

func export(name string, kind byte, index []byte) []byte {
	b := append([]byte{byte(len(name))}, name...)
	return append(append(b, kind), index...)
}

// split takes a module apart. Custom sections are left out: nobody asks for
// names, and the positions in them would be wrong.
func split(module []byte) (s sections, err error) {
	if len(module) < 8 {
		return s, errNotInstrumented
	}
	r := &reader{b: module[8:]}
	place := -1
	for len(r.b) > 0 {
		id, body := r.u8(), r.bytes(r.u32())
		if id == sectionCustom {
			continue
		}
		at := -1
		for i, o := range sectionOrder {
			if o == id {
				at = i
			}
		}
		if at <= place || !r.ok() {
			return s, errNotInstrumented
		}
		place = at
		s[id] = append([]byte{}, body...)
	}
	if !r.ok() {
		return s, errNotInstrumented
	}
	return s, nil
}

func (s *sections) join(header []byte) []byte {
	size := len(header)
	for _, body := range s {
		size += len(body) + 6
	}
	out := append(make([]byte, 0, size), header...)
	for _, id := range sectionOrder {
		if s[id] != nil {
			out = append(appendU32(append(out, id), uint32(len(s[id]))), s[id]...)
		}
	}
	return out
}

// count is the length of a section that is a vector.
func (s *sections) count(id byte) uint32 {
	if s[id] == nil {
		return 0
	}
	return (&reader{b: s[id]}).u32()
}

// add adds items to a section that is a vector, or makes it.
func (s *sections) add(id byte, items ...[]byte) {
	r := &reader{b: s[id]}
	var n uint32
	if s[id] != nil {
		n = r.u32()
	}
	out := appendU32(make([]byte, 0, len(r.b)+64), n+uint32(len(items)))
	out = append(out, r.b...)
	for _, i := range items {
		out = append(out, i...)
	}
	s[id] = out
}

func appendU32(b []byte, v uint32) []byte {
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}

func (in *instrumenter) readTypes(body []byte) bool {
	if body == nil {
		return true
	}
	r := &reader{b: body}
	for range r.count() {
		if r.u8() != 0x60 {
			return false
		}
		n := r.count()
		r.bytes(n)
		r.bytes(r.count())
		in.params = append(in.params, uint64(n))
	}
	return r.ok() && len(r.b) == 0
}

// readImports counts them; they have the first indices of their kind.
func (in *instrumenter) readImports(body []byte, globals, memories *uint32) bool {
	if body == nil {
		return true
	}
	r := &reader{b: body}
	for range r.count() {
		r.bytes(r.u32())
		r.bytes(r.u32())
		switch r.u8() {
		case 0:
			r.u32()
			in.imported++
		case 1: // table
			r.u8()
			r.limits()
		case 2:
			r.limits()
			*memories++
		case 3:
			r.u8()
			r.u8()
			*globals++
		case 4: // tag
			r.u8()
			r.u32()
		default:
			return false
		}
	}
	return r.ok() && len(r.b) == 0
}

func (in *instrumenter) readFunctions(body []byte) bool {
	if body == nil {
		return true
	}
	r := &reader{b: body}
	for range r.count() {
		t := r.u32()
		if uint64(t) >= uint64(len(in.params)) {
			return false
		}
		in.functions = append(in.functions, t)
	}
	return r.ok() && len(r.b) == 0
}
