package rewrite

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/x86"
)

// Where the machine's memory is: code, which is int3 where nothing is put; data of
// some pages, then one that may only be read.
const (
	codeAt   = 0x10000000
	codeSize = 0x1000
	dataAt   = 0x20000000
	dataSize = 0x4000
	constAt  = dataAt + dataSize
)

var machineRegions = []mapping{
	{codeAt, codeSize, 5},
	{dataAt, dataSize, 3},
	{constAt, 0x1000, 1},
}

const codeStart = codeAt + 0x800

// randomInst makes an instruction of the decoder's table for address pc.
func randomInst(r *rand.Rand, pc uint64, want func(*x86.Inst) bool) []byte {
	for {
		b := randomBytes(r)
		var in x86.Inst
		if x86.Decode(b, &in) != nil || !want(&in) {
			continue
		}
		b = b[:in.Len]
		aim(r, b, &in, pc)
		return b
	}
}

func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

func randomBytes(r *rand.Rand) []byte {
	var b []byte
	for _, p := range []struct {
		b       byte
		percent int
	}{{0x66, 15}, {0xf0, 8}, {0x64, 8}, {0x65, 3}, {0x67, 8}, {0xf2, 8}, {0xf3, 12}} {
		if chance(r, p.percent) {
			b = append(b, p.b)
		}
	}
	kind := r.IntN(100)
	if kind < 78 && chance(r, 60) {
		b = append(b, 0x40|byte(r.IntN(16)))
	}
	switch {
	case kind < 40:
	case kind < 64:
		b = append(b, 0x0f)
	case kind < 71:
		b = append(b, 0x0f, 0x38)
	case kind < 78:
		b = append(b, 0x0f, 0x3a)
	case kind < 86:
		b = append(b, 0xc5, byte(r.IntN(256)))
	default:
		b = append(b, 0xc4, byte(r.IntN(8))<<5|byte(1+r.IntN(3)), byte(r.IntN(256)))
	}
	b = append(b, byte(r.IntN(256)))
	modrm := byte(r.IntN(256))
	if chance(r, 25) {
		modrm = modrm&^7 | 4 // a SIB
	}
	b = append(b, modrm)
	for range 12 {
		b = append(b, byte(r.IntN(256)))
	}
	return b
}

// aim makes displacements small, or absolute ones lead to the data.
func aim(r *rand.Rand, b []byte, in *x86.Inst, pc uint64) {
	end := len(b) - int(in.ImmLen)
	spot := uint32(dataAt + r.IntN(dataSize))
	switch {
	case in.Form.Imm == x86.ImmMoffs:
		at := b[end:]
		clear(at)
		binary.LittleEndian.PutUint32(at, spot-segmentOf(in))
	case in.Form.Imm == x86.ImmRel32:
		binary.LittleEndian.PutUint32(b[end:], uint32(int32(64+r.IntN(512))))
	case in.RIPRelative():
		binary.LittleEndian.PutUint32(b[end-4:], spot-uint32(pc)-uint32(len(b))-segmentOf(in))
	case in.DispLen == 4 && in.Base() < 0:
		if in.Form.VSIB != x86.None {
			spot = dataAt + dataSize/2
		}
		binary.LittleEndian.PutUint32(b[end-4:], spot-segmentOf(in))
	case in.DispLen == 4:
		binary.LittleEndian.PutUint32(b[end-4:], uint32(int32(r.IntN(512)-256)))
	}
}

// The bases of FS and GS.
const (
	fsBase = 0x800
	gsBase = 0x1200
)

func segmentOf(in *x86.Inst) uint32 {
	switch {
	case in.Prefix&x86.PrefixFS != 0:
		return fsBase
	case in.Prefix&x86.PrefixGS != 0:
		return gsBase
	}
	return 0
}

// randomRegs are registers with which an instruction is likely to find its operand.
func randomRegs(r *rand.Rand, in *x86.Inst) (g cpu.Regs) {
	for i := range g.GPR {
		switch r.IntN(4) {
		case 0:
			g.GPR[i] = uint64(dataAt + r.IntN(dataSize))
		case 1:
			g.GPR[i] = uint64(r.IntN(64))
		case 2:
			g.GPR[i] = uint64(int64(r.IntN(200) - 100))
		default:
			g.GPR[i] = r.Uint64() >> r.IntN(64)
		}
	}
	g.GPR[x86.RSP] = uint64(dataAt + r.IntN(dataSize/8)*8)
	if chance(r, 5) {
		g.GPR[x86.RSP] = dataAt + dataSize + uint64(r.IntN(32))
	}
	if in.Form.Class == x86.Leave || in.Form.Class == x86.Enter || chance(r, 30) {
		g.GPR[x86.RBP] = uint64(dataAt + r.IntN(dataSize))
	}
	switch in.Form.Class {
	case x86.String, x86.MaskMov:
		g.GPR[x86.RSI], g.GPR[x86.RDI] = uint64(dataAt+r.IntN(dataSize)), uint64(dataAt+r.IntN(dataSize))
		g.GPR[x86.RCX] = uint64(r.IntN(300))
	case x86.Xlat:
		g.GPR[x86.RBX] = uint64(dataAt + r.IntN(dataSize))
	case x86.JmpInd, x86.CallInd:
		if !in.IsMem() {
			g.GPR[in.RMField()] = uint64(codeAt + r.IntN(0x700))
		}
	case x86.Loop, x86.Jrcxz:
		g.GPR[x86.RCX] = uint64(r.IntN(3))
	}
	if in.IsMem() {
		point(r, &g, in)
	}
	g.RIP, g.FSBase, g.GSBase = codeStart, fsBase, gsBase
	g.Flags = 0x202 | r.Uint64()&0x8d5
	if chance(r, 15) {
		g.Flags |= flagDF
	}
	return g
}

// point makes base and index give an address in the data, aligned more often than not.
func point(r *rand.Rand, g *cpu.Regs, in *x86.Inst) {
	index, base := in.Index(), in.Base()
	if in.Form.VSIB != x86.None {
		index = -1
	}
	if index >= 0 && index != x86.RSP {
		g.GPR[index] = uint64(r.IntN(64))
	}
	if base < 0 {
		if index >= 0 && in.DispLen == 0 {
			g.GPR[index] = uint64(dataAt/in.Scale() + r.IntN(1024))
		}
		return
	}
	spot := uint64(dataAt + r.IntN(dataSize+0x1000))
	if chance(r, 70) {
		spot &^= 31
	}
	if index == base {
		g.GPR[base] = (spot - uint64(int64(in.Disp)) - uint64(segmentOf(in))) / uint64(1+in.Scale())
		return
	}
	g.GPR[base] = spot - uint64(int64(in.Disp)) - uint64(segmentOf(in))
	if index >= 0 {
		g.GPR[base] -= g.GPR[index] * uint64(in.Scale())
	}
}

// randomVectors are x87, SSE and AVX with numbers as programs have them.
func randomVectors(r *rand.Rand, v []byte) {
	for i := 160; i < 832; i += 8 {
		if i >= 416 && i < 576 {
			continue
		}
		var x uint64
		switch r.IntN(4) {
		case 0:
			x = uint64(r.IntN(512)) | uint64(r.IntN(512))<<32 // indices of gathers
		case 1:
			x = 0x3ff0000000000000 + uint64(r.IntN(1<<30))<<22
		default:
			x = r.Uint64()
		}
		binary.LittleEndian.PutUint64(v[i:], x)
	}
	clear(v[:160])
	binary.LittleEndian.PutUint16(v, 0x37f)
	if chance(r, 30) {
		binary.LittleEndian.PutUint16(v, 0x37f&^(3<<8)|uint16(r.IntN(16))<<8) // precision and rounding
	}
	mxcsr := uint32(0x1f80 | r.IntN(4)<<13)
	if chance(r, 10) {
		mxcsr |= 0x8040
	}
	if chance(r, 5) {
		mxcsr &^= 0x80 << r.IntN(6)
	}
	binary.LittleEndian.PutUint32(v[24:], mxcsr)
	binary.LittleEndian.PutUint32(v[28:], mxcsrMask)
	v[4] = byte(0xff << r.IntN(9)) // which of ST0... are in use
	binary.LittleEndian.PutUint16(v[2:], uint16(r.IntN(8))<<11)
	for i := range 8 {
		st := v[32+16*i:]
		binary.LittleEndian.PutUint64(st, r.Uint64()|1<<63)
		binary.LittleEndian.PutUint16(st[8:], uint16(0x3fff-20+r.IntN(40))|uint16(r.IntN(2))<<15)
	}
}
