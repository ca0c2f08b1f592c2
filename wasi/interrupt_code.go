package wasi

// code instruments every function and adds the one that is called.
func (in *instrumenter) code(body []byte) ([]byte, error) {
	r := &reader{b: body}
	if body != nil && int(r.u32()) != len(in.functions) || body == nil && len(in.functions) > 0 {
		return nil, errNotInstrumented
	}
	out := appendU32(make([]byte, 0, len(body)+len(body)/4), uint32(len(in.functions))+1)
	var buf []byte
	for _, t := range in.functions {
		f := r.bytes(r.u32())
		if !r.ok() {
			return nil, errNotInstrumented
		}
		var err error
		if buf, err = in.function(buf[:0], f, in.params[t]); err != nil {
			return nil, err
		}
		out = append(appendU32(out, uint32(len(buf))), buf...)
	}
	if len(r.b) > 0 {
		return nil, errNotInstrumented
	}
	check := []byte{0, // no locals
		0x03, 0x40, 0x0b, // loop end: for wazero's check, of interpreted modules
		0x41, 0x00, 0x40, 0x00, 0x1a, // memory.grow 0, drop: through Go
		0x23} // global.get
	check = append(appendU32(check, in.stop), 0x04, 0x40, 0x00, 0x0b, 0x0b) // if unreachable end end
	return append(appendU32(out, uint32(len(check))), check...), nil
}

// function copies a body with a check after every loop opcode, and one at the
// start of those that loop or call: recursion is a loop too. Functions that do
// neither are short.
func (in *instrumenter) function(out, body []byte, params uint64) ([]byte, error) {
	r := &reader{b: body}
	groups := r.count()
	first := len(body) - len(r.b)
	locals := params
	for range groups {
		locals += uint64(r.u32())
		r.u8()
	}
	start := len(body) - len(r.b)
	if !r.ok() || locals >= 1<<31 {
		return nil, errNotInstrumented
	}
	loops, calls, err := scan(r.b)
	if err != nil {
		return nil, err
	}
	looping := loops != nil
	if !in.loops {
		loops = nil
	}
	if loops == nil {
		out = append(out, body[:start]...)
	} else {
		out = append(appendU32(out, groups+1), body[first:start]...)
		out = append(out, 1, 0x7f) // one i32 more
	}
	if looping || calls {
		out = appendU32(append(out, 0x23), in.calls) // global.get
		out = appendAdd(out, callStep)
		out = appendU32(append(out, 0x24), in.calls) // global.set
		out = appendU32(append(out, 0x23), in.calls)
		out = in.appendCheck(out)
	}
	copied := start
	for _, at := range loops {
		out = append(out, body[copied:start+at]...)
		copied = start + at
		out = appendU32(append(out, 0x20), uint32(locals)) // local.get
		out = appendAdd(out, loopStep)
		out = appendU32(append(out, 0x22), uint32(locals)) // local.tee
		out = in.appendCheck(out)
	}
	return append(out, body[copied:]...), nil
}

// appendAdd is (i32.add (i32.const step)); step has bit 6 of its last byte clear.
func appendAdd(out []byte, step uint32) []byte {
	return append(appendU32(append(out, 0x41), step), 0x6a)
}

// appendCheck is (if (i32.eqz) (then (call check))).
func (in *instrumenter) appendCheck(out []byte) []byte {
	return append(appendU32(append(out, 0x45, 0x04, 0x40, 0x10), in.check), 0x0b)
}

// scan finds where the bodies of loops begin, and whether there are calls.
func scan(code []byte) (loops []int, calls bool, err error) {
	r := &reader{b: code}
	for len(r.b) > 0 {
		op := r.u8()
		if !r.skip(op) || !r.ok() {
			return nil, false, errNotInstrumented
		}
		switch op {
		case 0x03:
			loops = append(loops, len(code)-len(r.b))
		case 0x10, 0x11, 0x12, 0x13:
			calls = true
		}
	}
	return loops, calls, nil
}
