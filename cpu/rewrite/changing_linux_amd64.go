package rewrite

import (
	"bytes"
	"encoding/binary"

	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/trap"
	"github.com/sbxrun/sbx/cpu/x86"
)

// Code on a page that is written often, because it has data too or code that
// changes itself, would cost a fault for each write. Such a page is not protected any more;
// instead blocks from it compare the bytes that they were made from each time
// they are entered, and end behind an instruction that writes memory. So do those from shared memory,
// which may be written to where it is mapped a second time, or by another process: some
// makers of code never have it writable and executable at one address.

// maxFaults is how many faults a page may cost before that.
const maxFaults = 16

// wrote notes a write to a protected page, by code at pc. One to the page that
// the code is on could not be done in any other way: the page would be protected again
// before the instruction is tried again.
func (s *Space) wrote(addr, pc uint64) {
	p := memory.PageDown(addr)
	s.faults[p]++
	if s.faults[p] >= maxFaults || p == memory.PageDown(pc) || p == memory.PageDown(pc+14) {
		s.checked[p] = true
	}
}

// isChecked reports whether any of n bytes are on such a page, or may change by
// another mapping.
func (s *Space) isChecked(addr uint64, n int) bool {
	if s.code.Aliased(addr) || s.code.Aliased(addr+uint64(n)-1) {
		return true
	}
	if len(s.checked) == 0 {
		return false
	}
	for p := memory.PageDown(addr); p < addr+uint64(n); p += memory.PageSize {
		if s.checked[p] {
			return true
		}
	}
	return false
}

// compare emits the comparison of the code in memory with the bytes given. Flags
// stay as they are: a difference is added up with lea and looked at with jrcxz.
func (e *emitter) compare(code []byte) {
	e.in.Len = 0
	e.begin(e.pc)
	a := e.borrow(x86.RAX)
	c := e.borrow(x86.RCX)
	e.did(stepNothing, 0, 0)
	for off := 0; off < len(code); {
		n := 8
		switch left := len(code) - off; {
		case left < 4:
			n = 1
		case left < 8 && len(code) < 8:
			n = 4
		case left < 8:
			off = len(code) - 8 // some bytes twice
		}
		e.compareWord(code[off:off+n], e.pc+uint64(off), a, c)
		off += n
	}
	e.giveBack(x86.RCX, c)
	e.giveBack(x86.RAX, a)
}

func (e *emitter) compareWord(code []byte, addr uint64, a, c int) {
	at := mem{base: none, index: none, disp: int32(uint32(addr))}
	var word [8]byte
	copy(word[:], code)
	switch len(code) {
	case 8:
		e.load(x86.RCX, at)
	case 4:
		e.load32(x86.RCX, at)
	default:
		e.bytes(0x65, 0x67, 0x0f, 0xb6) // movzx
		e.modrm(x86.RCX, at)
	}
	e.borrowed(x86.RCX, c)
	e.bytes(0x48, 0xb8|x86.RAX)
	e.b = binary.LittleEndian.AppendUint64(e.b, -binary.LittleEndian.Uint64(word[:]))
	e.borrowed(x86.RAX, a)
	e.lea(x86.RCX, mem{base: x86.RCX, index: x86.RAX})
	e.did(stepNothing, 0, 0)
	e.bytes(0xe3, 0)
	jump := len(e.b)
	e.callState(trap.OffExitStop)
	e.b[jump-1] = byte(len(e.b) - jump)
	e.did(stepNothing, 0, 0)
}

// writesMemory reports whether an instruction may change code.
func writesMemory(in *x86.Inst) bool {
	switch in.Form.Class {
	case x86.Push, x86.Pop, x86.String, x86.MaskMov, x86.Fxsave, x86.FPUEnv, x86.Call, x86.CallInd:
		return true
	}
	return in.Form.Mem&x86.Write != 0 && (in.IsMem() || in.Form.Imm == x86.ImmMoffs)
}

// stale settles a thread that called the exit to stop, and reports whether it did
// so because the block that it is in, or was to be in, is not the code any more.
func (t *thread) stale() bool {
	s := t.space
	s.mu.Lock()
	defer s.mu.Unlock()
	if !t.unsettled {
		return true // the cache was emptied meanwhile: try again
	}
	_, b, _ := s.blockAt(t.state.HostPC - 1)
	off := uint32(t.state.HostPC - 1 - uint64(s.arena.rx))
	t.settleLocked()
	if b == nil || !b.checked {
		return false
	}
	s.emit.again(&b.made, s.arena.rx)
	comparing := off-b.host < s.emit.body
	now := make([]byte, len(b.code))
	if s.window.Read(b.pc, now) < len(now) || !bytes.Equal(now, b.code) {
		s.kill(b)
		s.gen.Add(1)
		return true
	}
	return comparing
}
