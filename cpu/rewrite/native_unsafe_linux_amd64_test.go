package rewrite

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sbxrun/sbx/cpu"
)

// native is a process of the host's that executes guest code on the bare processor: a
// program of two instructions, traced, with the guest's memory where the guest has it.
type native struct {
	pid    int
	mem    []byte // the same memory, here
	vector []byte // its XSAVE area, as long as the kernel wants it
}

const childBase = 0x70000000 // of the program that is traced

// childProgram is an ELF file that does a system call, and stops.
func childProgram() []byte {
	le := binary.LittleEndian
	b := make([]byte, 128)
	copy(b, "\x7fELF\x02\x01\x01")
	le.PutUint16(b[16:], 2)
	le.PutUint16(b[18:], 62)
	le.PutUint32(b[20:], 1)
	le.PutUint64(b[24:], childBase+120)
	le.PutUint64(b[32:], 64)
	le.PutUint16(b[52:], 64)
	le.PutUint16(b[54:], 56)
	le.PutUint16(b[56:], 1)
	le.PutUint32(b[64:], 1) // PT_LOAD
	le.PutUint32(b[68:], 5)
	le.PutUint64(b[80:], childBase)
	le.PutUint64(b[96:], uint64(len(b)))
	le.PutUint64(b[104:], uint64(len(b)))
	le.PutUint64(b[112:], 4096)
	copy(b[120:], "\x0f\x05\xcc\xcc")
	return b
}

// startNative makes the process. The goroutine stays on its thread, as ptrace wants it.
func startNative(t testing.TB, regions []mapping) *native {
	t.Helper()
	file := filepath.Join(t.TempDir(), "child")
	if err := os.WriteFile(file, childProgram(), 0o755); err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, r := range regions {
		size += r.size
	}
	fd, err := unix.MemfdCreate("guest", unix.MFD_CLOEXEC)
	if err != nil {
		t.Skip("memfd_create: ", err)
	}
	defer unix.Close(fd)
	if err := unix.Ftruncate(fd, int64(size)); err != nil {
		t.Fatal(err)
	}
	n := &native{}
	if n.mem, err = unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	runtime.LockOSThread()
	n.pid, err = syscall.ForkExec(file, []string{file}, &syscall.ProcAttr{
		Files: []uintptr{0, 1, 2, uintptr(fd)},
		Sys:   &syscall.SysProcAttr{Ptrace: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		runtime.UnlockOSThread()
		t.Skip("a process cannot be traced here: ", err)
	}
	t.Cleanup(func() {
		syscall.Kill(n.pid, syscall.SIGKILL)
		syscall.Wait4(n.pid, nil, syscall.WALL, nil)
		unix.Munmap(n.mem)
		runtime.UnlockOSThread()
	})
	n.wait(t)
	off := 0
	for _, r := range regions {
		if got := n.syscall(t, unix.SYS_MMAP, r.addr, uint64(r.size), uint64(r.prot), unix.MAP_SHARED|unix.MAP_FIXED, 3, uint64(off)); got != r.addr {
			t.Skipf("the host does not map %#x: %d", r.addr, int64(got))
		}
		off += r.size
	}
	n.vector = make([]byte, 1<<14)
	n.vector = n.vector[:n.regset(t, unix.PTRACE_GETREGSET, n.vector)]
	return n
}

// mapping is memory of the guest's: prot is as of mmap(2).
type mapping struct {
	addr uint64
	size int
	prot int
}

func (n *native) wait(t testing.TB) syscall.Signal {
	t.Helper()
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(n.pid, &ws, syscall.WALL, nil); err != nil {
		t.Fatal(err)
	}
	if !ws.Stopped() {
		t.Fatalf("the traced process ended: %#x", ws)
	}
	return ws.StopSignal()
}

func (n *native) syscall(t testing.TB, nr uint64, args ...uint64) uint64 {
	t.Helper()
	var r syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(n.pid, &r); err != nil {
		t.Fatal(err)
	}
	r.Rip, r.Rax, r.Orig_rax = childBase+120, nr, ^uint64(0)
	for i, p := range []*uint64{&r.Rdi, &r.Rsi, &r.Rdx, &r.R10, &r.R8, &r.R9} {
		if i < len(args) {
			*p = args[i]
		}
	}
	if err := syscall.PtraceSetRegs(n.pid, &r); err != nil {
		t.Fatal(err)
	}
	if err := syscall.PtraceCont(n.pid, 0); err != nil {
		t.Fatal(err)
	}
	n.wait(t)
	if err := syscall.PtraceGetRegs(n.pid, &r); err != nil {
		t.Fatal(err)
	}
	return r.Rax
}

func (n *native) regset(t testing.TB, req int, b []byte) int {
	t.Helper()
	iov := unix.Iovec{Base: &b[0], Len: uint64(len(b))}
	const xstate = 0x202
	if _, _, e := unix.Syscall6(unix.SYS_PTRACE, uintptr(req), uintptr(n.pid), xstate, uintptr(unsafe.Pointer(&iov)), 0, 0); e != 0 {
		t.Skip("ptrace does not set vectors here: ", e)
	}
	return int(iov.Len)
}

// ended is how a run of native code ended.
type ended struct {
	sig  syscall.Signal
	code int32
	addr uint64
}

// run executes from the registers on until a signal.
func (n *native) run(t testing.TB, regs *cpu.Regs, vectors []byte) (e ended) {
	t.Helper()
	var r syscall.PtraceRegs
	if err := syscall.PtraceGetRegs(n.pid, &r); err != nil {
		t.Fatal(err)
	}
	list := []*uint64{&r.Rax, &r.Rcx, &r.Rdx, &r.Rbx, &r.Rsp, &r.Rbp, &r.Rsi, &r.Rdi, &r.R8, &r.R9, &r.R10, &r.R11, &r.R12, &r.R13, &r.R14, &r.R15}
	for i, p := range list {
		*p = regs.GPR[i]
	}
	r.Orig_rax = ^uint64(0)
	r.Rip, r.Eflags, r.Fs_base, r.Gs_base = regs.RIP, regs.Flags, regs.FSBase, regs.GSBase
	copy(n.vector[:512], vectors[:512])
	copy(n.vector[576:832], vectors[576:832])
	binary.LittleEndian.PutUint64(n.vector[512:], 7)
	n.regset(t, unix.PTRACE_SETREGSET, n.vector)
	if err := syscall.PtraceSetRegs(n.pid, &r); err != nil {
		t.Fatal(err)
	}
	if err := syscall.PtraceCont(n.pid, 0); err != nil {
		t.Fatal(err)
	}
	e.sig = n.wait(t)
	var info [128]byte
	if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GETSIGINFO, uintptr(n.pid), 0, uintptr(unsafe.Pointer(&info)), 0, 0); errno != 0 {
		t.Fatal(errno)
	}
	e.code = int32(binary.LittleEndian.Uint32(info[8:]))
	e.addr = binary.LittleEndian.Uint64(info[16:])
	if err := syscall.PtraceGetRegs(n.pid, &r); err != nil {
		t.Fatal(err)
	}
	for i, p := range list {
		regs.GPR[i] = *p
	}
	regs.RIP, regs.Flags, regs.FSBase, regs.GSBase = r.Rip, r.Eflags, r.Fs_base, r.Gs_base
	n.regset(t, unix.PTRACE_GETREGSET, n.vector)
	bv := binary.LittleEndian.Uint64(n.vector[512:])
	copy(vectors, n.vector[:512])
	copy(vectors[576:], n.vector[576:832])
	fillVectors(vectors, bv)
	return e
}

// fillVectors gives the components that bv does not name their initial state.
func fillVectors(v []byte, bv uint64) {
	if bv&1 == 0 {
		clear(v[:24])
		clear(v[32:160])
		binary.LittleEndian.PutUint16(v, 0x37f)
	}
	if bv&2 == 0 {
		clear(v[160:416])
	}
	if bv&4 == 0 {
		clear(v[576:832])
	}
}
