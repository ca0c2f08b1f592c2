package loader

import (
	"crypto/rand"
	"encoding/binary"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/kernel/mm"
)

// Load lays the program of f out in an empty address space and returns the
// registers that it starts with. path is what AT_EXECFN tells. Errors are
// linux.Errno, as execve(2) gives them.
func Load(s *mm.Space, t *kernel.Task, f *kernel.File, path string, argv, env []string) (cpu.Regs, error) {
	e, err := parse(f)
	if err != nil {
		return cpu.Regs{}, err
	}
	interp, err := e.interp()
	if err != nil {
		return cpu.Regs{}, err
	}
	want := uint64(0)
	if e.typ == etDyn {
		want = mm.ExecBase
	}
	program, err := e.mapInto(s, t, want)
	if err != nil {
		return cpu.Regs{}, err
	}
	s.SetBreak(program.end)
	start, base := program.entry, uint64(0)
	if interp != "" {
		im, err := loadInterp(s, t, interp)
		if err != nil {
			return cpu.Regs{}, err
		}
		start, base = im.entry, im.bias
	}
	prot := mm.ProtRead | mm.ProtWrite
	if program.execStack {
		prot |= mm.ProtExec
	}
	size := stackSize(t)
	if err := s.MapNamed(mm.StackTop-size, size, prot, "[stack]"); err != nil {
		return cpu.Regs{}, err
	}
	sp, err := stack(s, t, path, argv, env, program, base, size)
	if err != nil {
		return cpu.Regs{}, err
	}
	r := cpu.Regs{RIP: start, Flags: 0x202}
	r.GPR[cpu.RSP] = sp
	return r, nil
}

// stackSize is RLIMIT_STACK, as far as there is room and as the arguments need.
func stackSize(t *kernel.Task) uint64 {
	l, err := t.Getrlimit(linux.RLIMIT_STACK)
	if err != nil {
		return mm.StackSize
	}
	return memory.PageUp(min(max(l.Cur, minStack), mm.StackSize))
}

func loadInterp(s *mm.Space, t *kernel.Task, path string) (image, error) {
	f, err := t.OpenExec(path)
	if err != nil {
		return image{}, err
	}
	defer f.Close()
	e, err := parse(f)
	if err != nil {
		return image{}, linux.ELIBBAD
	}
	return e.mapInto(s, t, 0)
}

// Tags of the auxiliary vector, getauxval(3).
const (
	atPhdr, atPhent, atPhnum, atPagesz, atBase, atFlags, atEntry = 3, 4, 5, 6, 7, 8, 9
	atUID, atEUID, atGID, atEGID, atPlatform, atHwcap, atClktck  = 11, 12, 13, 14, 15, 16, 17
	atSecure, atRandom, atHwcap2, atExecfn, atMinsigstksz        = 23, 25, 26, 31, 51

	// hwcap is CPUID 1 EDX of every x86-64 processor: to SSE2.
	hwcap         = 0x178bfbff
	minSigStack   = 2032
	clockTicks    = 100
	reservedStack = 128 << 10 // what must be left of the stack
	minStack      = 128<<10 + reservedStack
)

// stack writes the strings, the vectors and the count, as the System V ABI for
// x86-64 has them (3.4.1), and returns the stack pointer.
func stack(s *mm.Space, t *kernel.Task, path string, argv, env []string, im image, base, size uint64) (uint64, error) {
	sp := uint64(mm.StackTop - 8)
	put := func(b []byte) (uint64, error) {
		if sp -= uint64(len(b)); sp < mm.StackTop-size+reservedStack {
			return 0, linux.E2BIG
		}
		return sp, s.Write(sp, b)
	}
	var err error
	str := func(v string) uint64 {
		at, e := put(append([]byte(v), 0))
		if e != nil && err == nil {
			err = e
		}
		return at
	}
	execfn := str(path)
	at := mm.Strings{EnvEnd: execfn}
	envAt := make([]uint64, len(env))
	for i := len(env) - 1; i >= 0; i-- {
		envAt[i] = str(env[i])
	}
	at.EnvStart, at.ArgEnd = sp, sp
	argAt := make([]uint64, len(argv))
	for i := len(argv) - 1; i >= 0; i-- {
		argAt[i] = str(argv[i])
	}
	at.ArgStart = sp
	s.SetStrings(at)
	platform := str("x86_64")
	var random [16]byte
	_, _ = rand.Read(random[:])
	randomAt, e := put(random[:])
	if err != nil || e != nil {
		return 0, linux.E2BIG
	}
	c, elevated := t.ExecCredentials()
	secure := uint64(0)
	if elevated {
		secure = 1
	}
	words := []uint64{uint64(len(argv))}
	words = append(append(append(append(words, argAt...), 0), envAt...), 0)
	words = append(words,
		atHwcap, hwcap, atPagesz, memory.PageSize, atClktck, clockTicks, atPhdr, im.phdr, atPhent, phdrSize, atPhnum, uint64(im.phnum),
		atBase, base, atFlags, 0, atEntry, im.entry, atUID, uint64(c.UID), atEUID, uint64(c.EUID), atGID, uint64(c.GID),
		atEGID, uint64(c.EGID), atSecure, secure, atRandom, randomAt, atHwcap2, 0, atExecfn, execfn, atPlatform, platform,
		atMinsigstksz, minSigStack, 0, 0)
	b := make([]byte, 0, 8*len(words))
	for _, w := range words {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	sp = (sp - uint64(len(b))) &^ 15
	if sp < mm.StackTop-size+reservedStack {
		return 0, linux.E2BIG
	}
	return sp, s.Write(sp, b)
}
