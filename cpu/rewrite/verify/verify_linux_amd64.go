package verify

import (
	"fmt"
	"slices"

	"github.com/sbxrun/sbx/cpu/trap"
	"github.com/sbxrun/sbx/cpu/x86"
)

// Code is a block's code, from the way in from the table to its last stub.
type Code struct {
	Bytes []byte
	Host  uint64   // where it will run
	Entry int      // offset of where branches enter
	Stubs []uint32 // offsets from Entry of the calls that unlinked branches lead to
	Ways  []uint32 // likewise of where the block is entered besides
	// Entered reports whether a branch may leave the block for a host address. Without
	// it, none may.
	Entered func(host uint64) bool
}

// Error says what is wrong where.
type Error struct {
	Offset int
	Bytes  []byte // of the instruction
	Why    string
}

func (e *Error) Error() string {
	return fmt.Sprintf("verify: offset %#x, % x: %s", e.Offset, e.Bytes, e.Why)
}

// Checker holds the memory that a check needs, for many checks. The zero Checker
// is ready.
type Checker struct {
	code *Code
	list []inst
	goes []branch
	at   int // index of the instruction that is looked at
}

// inst is an instruction of the code. glued: it must be reached by the one before
// it alone.
type inst struct {
	x86.Inst
	off   int
	glued bool
}

// branch is a direct branch to an offset, which may lie outside.
type branch struct {
	from int
	to   int64
}

// Check returns nil or an *Error.
func (c *Checker) Check(code *Code) error {
	c.code, c.list, c.goes = code, c.list[:0], c.goes[:0]
	if err := c.decode(); err != nil {
		return err
	}
	for c.at = 0; c.at < len(c.list); {
		n, err := c.step()
		if err != nil {
			in := &c.list[c.at]
			return &Error{in.off, code.Bytes[in.off : in.off+int(in.Len)], err.Error()}
		}
		for i := 1; i < n; i++ {
			c.list[c.at+i].glued = true
		}
		c.at += n
	}
	if err := c.end(); err != nil {
		return err
	}
	return c.branches()
}

// decode sweeps over the code.
func (c *Checker) decode() error {
	b := c.code.Bytes
	for off := 0; off < len(b); {
		c.list = append(c.list, inst{off: off})
		in := &c.list[len(c.list)-1]
		if err := x86.Decode(b[off:], &in.Inst); err != nil {
			return &Error{off, b[off:min(off+15, len(b))], err.Error()}
		}
		off += int(in.Len)
	}
	return nil
}

// end checks that nothing runs off the end and that the stubs are what they are said to be.
func (c *Checker) end() error {
	if len(c.list) == 0 {
		return &Error{0, nil, "no code"}
	}
	last := &c.list[len(c.list)-1]
	if !c.leaves(last) {
		return &Error{last.off, c.code.Bytes[last.off:], "execution runs off the end"}
	}
	for _, s := range c.code.Stubs {
		i, ok := c.find(int64(s) + int64(c.code.Entry))
		if !ok || exitOf(&c.list[i].Inst) != trap.OffExitLink {
			return &Error{int(s), nil, "not a stub"}
		}
	}
	for _, w := range c.code.Ways {
		if i, ok := c.find(int64(w) + int64(c.code.Entry)); !ok || c.list[i].glued {
			return &Error{int(w), nil, "not a way in"}
		}
	}
	return nil
}

// leaves reports whether execution does not go on behind an instruction.
func (c *Checker) leaves(in *inst) bool {
	switch in.Form.Class {
	case x86.Jmp, x86.JmpInd, x86.Call, x86.Ret:
		return true
	case x86.CallInd:
		off := exitOf(&in.Inst)
		return off == trap.OffExitLink || off == trap.OffExitStop || isByTable(in, x86.CallInd)
	}
	return false
}

// find returns the instruction at an offset.
func (c *Checker) find(off int64) (i int, ok bool) {
	return slices.BinarySearchFunc(c.list, off, func(in inst, off int64) int { return in.off - int(off) })
}

// branches checks where the direct branches go.
func (c *Checker) branches() error {
	for _, b := range c.goes {
		in := &c.list[b.from]
		fail := func(why string) error {
			return &Error{in.off, c.code.Bytes[in.off : in.off+int(in.Len)], why}
		}
		if at := c.code.Host + uint64(in.off) + uint64(in.Len) - 4; c.patched(in, b.to) && at&7 > 4 {
			return fail("a branch that cannot be patched at once")
		}
		if b.to < 0 || b.to >= int64(len(c.code.Bytes)) {
			if in.ImmLen != 4 || c.code.Entered == nil || !c.code.Entered(c.code.Host+uint64(b.to)) {
				return fail("a branch leaves the block for no other's entry")
			}
			continue
		}
		i, ok := c.find(b.to)
		switch {
		case !ok:
			return fail("a branch into an instruction")
		case c.list[i].glued:
			return fail("a branch into a sequence")
		}
	}
	return nil
}

// branch notes a direct branch.
func (c *Checker) branch(in *inst) {
	c.goes = append(c.goes, branch{c.at, int64(in.off) + int64(in.Len) + in.Imm})
}

// patched reports whether a branch is one that may be patched while it is executed, so that it
// may not cross 8 aligned bytes: to another block, this one's entry, or a stub.
func (c *Checker) patched(in *inst, to int64) bool {
	return in.Form.Imm == x86.ImmRel32 && (to <= int64(c.code.Entry) || to >= int64(len(c.code.Bytes)) || c.isStub(int(to)))
}

// isStub reports whether an offset is that of a stub.
func (c *Checker) isStub(off int) bool {
	return slices.Contains(c.code.Stubs, uint32(off-c.code.Entry))
}
