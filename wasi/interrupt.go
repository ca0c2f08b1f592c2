package wasi

import (
	"bytes"
	"errors"
)

// wazero can end a busy loop of compiled code only by a call into Go at every
// loop's head, which makes tight loops fifty times slower. So we put a cheaper
// check into the module itself before it is compiled: a global, exported as
// stopName, that loops and calling functions read. When it is not 0 they trap.
const stopName = "sbx.stop"

// errNotInstrumented says that a module has what we cannot, or need not, rewrite.
var errNotInstrumented = errors.New("cannot be instrumented")

// Sections of the binary format, in its order.
const (
	sectionCustom = 0
	sectionImport = 2
	sectionGlobal = 6
	sectionExport = 7
	sectionStart  = 8
	sectionCode   = 10
)

// interruptible returns the module with the checks in it. It fails for modules
// that it does not understand whole and for those with a start function, which
// run before the global can be reached.
func interruptible(module []byte) (out []byte, err error) {
	if len(module) < 8 {
		return nil, errNotInstrumented
	}
	r := &reader{b: module[8:]}
	out = append(make([]byte, 0, len(module)+len(module)/8), module[:8]...)
	var globals uint32
	var hasGlobal, hasExport bool
	missing := func(before byte) { // sections that must come before this one
		if before > sectionGlobal && !hasGlobal {
			hasGlobal = true
			out = appendSection(out, sectionGlobal, append([]byte{1}, stopGlobal...))
		}
		if before > sectionExport && !hasExport {
			hasExport = true
			out = appendSection(out, sectionExport, append([]byte{1}, stopExport(globals)...))
		}
	}
	for len(r.b) > 0 && r.ok() {
		id, body := r.u8(), r.bytes(r.u32())
		if id == sectionCustom {
			continue // names: their function offsets would be wrong, and nobody asks
		}
		if id == sectionStart {
			return nil, errNotInstrumented
		}
		if id != 12 && id != 13 { // data count and tags have numbers out of order
			missing(id)
		}
		switch id {
		case sectionImport:
			globals += importedGlobals(body)
		case sectionGlobal:
			n := (&reader{b: body}).u32()
			globals += n
			hasGlobal = true
			body = appendItem(body, stopGlobal)
		case sectionExport:
			hasExport = true
			body = appendItem(body, stopExport(globals))
		case sectionCode:
			if body, err = instrumentCode(body, globals); err != nil {
				return nil, err
			}
		}
		out = appendSection(out, id, body)
	}
	if !r.ok() {
		return nil, errNotInstrumented
	}
	missing(255)
	return out, nil
}

// stopGlobal is (global (mut i32) (i32.const 0)).
var stopGlobal = []byte{0x7f, 0x01, 0x41, 0x00, 0x0b}

func stopExport(index uint32) []byte {
	b := append([]byte{byte(len(stopName))}, stopName...)
	return appendU32(append(b, 0x03), index)
}

// appendItem adds an item to a section that is a vector.
func appendItem(section, item []byte) []byte {
	r := &reader{b: section}
	n := r.u32()
	out := appendU32(make([]byte, 0, len(section)+len(item)+5), n+1)
	return append(append(out, r.b...), item...)
}

func appendSection(out []byte, id byte, body []byte) []byte {
	return append(appendU32(append(out, id), uint32(len(body))), body...)
}

func appendU32(b []byte, v uint32) []byte {
	for ; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}

// importedGlobals counts them; they have the first indices.
func importedGlobals(body []byte) (n uint32) {
	r := &reader{b: body}
	for range r.count() {
		r.bytes(r.u32())
		r.bytes(r.u32())
		switch r.u8() {
		case 0: // function
			r.u32()
		case 1: // table
			r.u8()
			r.limits()
		case 2: // memory
			r.limits()
		case 3: // global
			r.u8()
			r.u8()
			n++
		default: // a tag
			r.u8()
			r.u32()
		}
	}
	return n
}

func instrumentCode(body []byte, global uint32) ([]byte, error) {
	check := appendU32([]byte{0x23}, global)      // global.get
	check = append(check, 0x04, 0x40, 0x00, 0x0b) // if unreachable end
	r := &reader{b: body}
	n := r.u32()
	out := appendU32(make([]byte, 0, len(body)+len(body)/8), n)
	var buf []byte
	for range n {
		f := r.bytes(r.u32())
		if !r.ok() {
			return nil, errNotInstrumented
		}
		var err error
		if buf, err = instrumentFunction(buf[:0], f, check); err != nil {
			return nil, err
		}
		out = append(appendU32(out, uint32(len(buf))), buf...)
	}
	if !r.ok() || len(r.b) > 0 {
		return nil, errNotInstrumented
	}
	return out, nil
}

// instrumentFunction copies a body with the check after every loop opcode, and
// at the start when it calls: recursion is a loop too.
func instrumentFunction(out, body, check []byte) ([]byte, error) {
	r := &reader{b: body}
	for range r.count() { // groups of locals
		r.u32()
		r.valueType()
	}
	locals := len(body) - len(r.b)
	if !r.ok() {
		return nil, errNotInstrumented
	}
	out = append(out, body[:locals]...)
	entry := len(out)
	calls := false
	copied := locals
	for len(r.b) > 0 {
		op := r.u8()
		if !r.skip(op) || !r.ok() {
			return nil, errNotInstrumented
		}
		switch op {
		case 0x03:
			at := len(body) - len(r.b)
			out = append(append(out, body[copied:at]...), check...)
			copied = at
		case 0x10, 0x11, 0x12, 0x13, 0x14, 0x15:
			calls = true
		}
	}
	out = append(out, body[copied:]...)
	if calls {
		out = append(out, check...)
		copy(out[entry+len(check):], bytes.Clone(out[entry:len(out)-len(check)]))
		copy(out[entry:], check)
	}
	return out, nil
}
