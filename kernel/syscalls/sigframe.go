package syscalls

import (
	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/kernel"
)

// The frame of a signal handler, struct rt_sigframe of Linux: a return address,
// ucontext, siginfo; the vectors above it.
const (
	redZone     = 128
	ucontextLen = 304
	siginfoLen  = 128
	frameLen    = 8 + ucontextLen + siginfoLen
	ucStack     = 16 // within ucontext
	ucRegs      = 40
	ucMask      = 296
	ucFPState   = ucRegs + 184
	fpMagic1    = 0x46505853
	fpMagic2    = 0x46505845
	ucFlags     = 1 | 2 | 4 // the vectors are extended; SS is good
)

// order are the general registers as struct sigcontext has them.
var order = [...]int{cpu.R8, cpu.R9, cpu.R10, cpu.R11, cpu.R12, cpu.R13, cpu.R14, cpu.R15,
	cpu.RDI, cpu.RSI, cpu.RBP, cpu.RBX, cpu.RDX, cpu.RAX, cpu.RCX, cpu.RSP}

const (
	flagTF, flagDF, flagRF = 1 << 8, 1 << 10, 1 << 16
	// flagsRestored are those that sigreturn takes from the frame.
	flagsRestored = 0x240cd5
)

// deliver puts frames on the stack for the signals that are to be handled.
func (p *Program) deliver() {
	for !p.ended {
		info, act, ok := p.t.DequeueSignal()
		if !ok {
			break
		}
		p.again(act.Flags&linux.SA_RESTART != 0)
		if !p.frame(info, act) {
			// Without a stack for the handler the process dies of SIGSEGV.
			_, _ = p.t.Sigaction(linux.SIGSEGV, kernel.SigDefault)
			p.t.ForceSignal(kernel.SigInfo{Signo: linux.SIGSEGV, Code: siKernel})
			return
		}
	}
	p.again(true) // interrupted, and nothing was handled after all
}

// again makes an interrupted call be made again, or leaves it with EINTR.
func (p *Program) again(restart bool) {
	if p.restart && restart && p.r.GPR[cpu.RAX] == eintr {
		p.r.GPR[cpu.RAX] = p.number
		p.r.RIP -= 2 // the instruction syscall
	}
	p.restart = false
}

// eintr is -EINTR as a register has it.
const eintr = 1<<64 - 4

// frame makes the thread run a handler.
func (p *Program) frame(info kernel.SigInfo, act kernel.Action) bool {
	r := p.r
	mask, err := p.t.Sigmask(linux.SIG_BLOCK, nil)
	if err != nil {
		return false
	}
	sp := r.GPR[cpu.RSP] - redZone
	alt := p.altstack
	on := alt.has(r.GPR[cpu.RSP])
	if act.Flags&linux.SA_ONSTACK != 0 && alt.size != 0 && !on {
		sp = alt.sp + alt.size
	}
	vectors := p.th.Vectors()
	fp := (sp - cpu.VectorSize - 4) &^ 63
	at := (fp-frameLen)&^15 - 8
	area := append(append([]byte(nil), vectors...), 0, 0, 0, 0)
	le.PutUint32(area[464:], fpMagic1)
	le.PutUint32(area[468:], cpu.VectorSize+4)
	le.PutUint64(area[472:], 7)
	le.PutUint32(area[480:], cpu.VectorSize)
	le.PutUint32(area[cpu.VectorSize:], fpMagic2)
	if p.mm.Write(fp, area) != nil || p.mm.Write(at, p.encodeFrame(info, act, mask, alt, on, fp)) != nil {
		return false
	}
	if alt.flags&ssAutodisarm != 0 && act.Flags&linux.SA_ONSTACK != 0 {
		p.altstack = sigstack{}
	}
	block := act.Mask
	if act.Flags&linux.SA_NODEFER == 0 {
		block = block.With(info.Signo)
	}
	_, _ = p.t.Sigmask(linux.SIG_BLOCK, &block)
	r.GPR[cpu.RDI], r.GPR[cpu.RSI], r.GPR[cpu.RDX], r.GPR[cpu.RAX] = uint64(info.Signo), at+8+ucontextLen, at+8, 0
	r.GPR[cpu.RSP], r.RIP = at, act.Handler
	r.Flags &^= flagTF | flagDF | flagRF
	return true
}

func (p *Program) encodeFrame(info kernel.SigInfo, act kernel.Action, mask linux.SigSet, alt sigstack, on bool, fp uint64) []byte {
	r := p.r
	b := le.AppendUint64(make([]byte, 0, frameLen), act.Restorer)
	b = le.AppendUint64(b, ucFlags)
	b = le.AppendUint64(b, 0)
	b = append(b, alt.encode(on)...)
	for _, n := range order {
		b = le.AppendUint64(b, r.GPR[n])
	}
	b = le.AppendUint64(b, r.RIP)
	b = le.AppendUint64(b, r.Flags)
	const cs, ss = 0x33, 0x2b
	b = le.AppendUint64(b, cs|ss<<48)
	trap, code := uint64(0), uint64(0)
	if info.Signo == linux.SIGSEGV || info.Signo == linux.SIGBUS {
		trap, code = 14, 4
	}
	for _, v := range [...]uint64{code, trap, uint64(mask), info.Addr, fp} {
		b = le.AppendUint64(b, v)
	}
	b = append(b, make([]byte, 64)...)
	b = le.AppendUint64(b, uint64(mask))
	return append(b, encodeSiginfo(info)...)
}

// encodeSiginfo makes siginfo_t, 128 bytes.
func encodeSiginfo(i kernel.SigInfo) []byte {
	b := make([]byte, siginfoLen)
	le.PutUint32(b, uint32(i.Signo))
	le.PutUint32(b[4:], uint32(i.Errno))
	le.PutUint32(b[8:], uint32(i.Code))
	switch {
	case i.IO:
		le.PutUint64(b[16:], i.Band)
		le.PutUint32(b[24:], uint32(i.FD))
	case i.Signo == linux.SIGSYS && i.Code == kernel.SYS_SECCOMP:
		le.PutUint64(b[16:], i.Addr)
		le.PutUint64(b[24:], i.Value)
	case (i.Signo == linux.SIGSEGV || i.Signo == linux.SIGBUS || i.Signo == linux.SIGILL || i.Signo == linux.SIGFPE || i.Signo == linux.SIGTRAP) && i.Code > 0:
		le.PutUint64(b[16:], i.Addr)
	case i.Signo == linux.SIGCHLD && i.Code > 0:
		le.PutUint32(b[16:], uint32(i.PID))
		le.PutUint32(b[20:], i.UID)
		le.PutUint32(b[24:], uint32(i.Status))
	default:
		le.PutUint32(b[16:], uint32(i.PID))
		le.PutUint32(b[20:], i.UID)
		le.PutUint64(b[24:], i.Value)
	}
	return b
}

// sysSigreturn takes the registers back from a frame.
func sysSigreturn(c *call) (int64, error) {
	p, r := c.Program, c.r
	b, err := c.bytes(r.GPR[cpu.RSP], ucontextLen)
	if err != nil || !p.restoreVectors(le.Uint64(b[ucFPState:])) {
		_, _ = c.t.Sigaction(linux.SIGSEGV, kernel.SigDefault)
		c.t.ForceSignal(kernel.SigInfo{Signo: linux.SIGSEGV, Code: siKernel})
		return 0, nil
	}
	for i, n := range order {
		r.GPR[n] = le.Uint64(b[ucRegs+8*i:])
	}
	r.RIP = le.Uint64(b[ucRegs+128:])
	r.Flags = r.Flags&^flagsRestored | le.Uint64(b[ucRegs+136:])&flagsRestored
	set := linux.SigSet(le.Uint64(b[ucMask:]))
	_, _ = c.t.Sigmask(linux.SIG_SETMASK, &set)
	st := b[ucStack:]
	if alt := (sigstack{le.Uint64(st), le.Uint64(st[16:]), le.Uint32(st[8:]) &^ (ssOnstack | ssDisable)}); alt.size == 0 || alt.size >= minSigstksz {
		p.altstack = alt
	}
	p.restart = false
	return 0, nil
}

// restoreVectors loads the vectors of a frame; 0 is their initial state.
func (p *Program) restoreVectors(at uint64) bool {
	if at == 0 {
		p.th.ResetVectors()
		return true
	}
	b := make([]byte, cpu.VectorSize)
	const legacy = 512
	if at%64 != 0 || p.mm.Read(at, b[:legacy]) != nil {
		return false
	}
	held := uint64(3)
	if le.Uint32(b[464:]) == fpMagic1 {
		if p.mm.Read(at, b) != nil {
			return false
		}
		held = le.Uint64(b[512:]) & 7
	}
	v := p.th.Vectors()
	if held&1 != 0 {
		copy(v[:24], b[:24])
		copy(v[32:160], b[32:160])
	} else {
		clear(v[:24])
		clear(v[32:160])
		le.PutUint16(v, 0x37f)
	}
	for _, part := range [...]struct {
		bit      uint64
		from, to int
	}{{2, 160, 416}, {4, 576, 832}} {
		if held&part.bit != 0 {
			copy(v[part.from:part.to], b[part.from:part.to])
		} else {
			clear(v[part.from:part.to])
		}
	}
	le.PutUint32(v[24:], le.Uint32(b[24:])&0xffff) // MXCSR: reserved bits would fault
	return true
}
