package rewrite_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/rewrite"
)

// program is a static program with as much of a kernel as busybox needs to print
// something: the engine without sbx's own kernel.
type program struct {
	w     *memory.Window
	s     *rewrite.Space
	mu    sync.Mutex
	pages map[uint64]byte // page: protection, 1 read 2 write 4 execute
	brk   uint64
	next  uint64
	out   bytes.Buffer
	in    *bytes.Reader
	exit  int
	image cpu.Image // its code, if that is to be shared
}

func (p *program) Aliased(uint64) bool { return false }

func (p *program) Image(addr uint64) (im cpu.Image, ok bool) {
	return p.image, addr >= p.image.Start && addr < p.image.End
}

func (p *program) Executable(addr uint64) (end uint64, writable, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	prot := p.pages[addr/memory.PageSize]
	return memory.PageDown(addr) + memory.PageSize, prot&2 != 0, prot&4 != 0
}

func (p *program) mapPages(t testing.TB, addr, n uint64, prot byte) {
	t.Helper()
	addr, n = memory.PageDown(addr), memory.PageUp(addr+n)-memory.PageDown(addr)
	if err := p.w.Map(addr, n, memory.Read|memory.Write, memory.Source{}); err != nil {
		t.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for a := addr; a < addr+n; a += memory.PageSize {
		p.pages[a/memory.PageSize] = prot
	}
}

func newProgram(t testing.TB, options ...rewrite.Option) *program {
	t.Helper()
	w, err := memory.New(rewrite.Room)
	if err != nil {
		t.Skip(err)
	}
	p := &program{w: w, pages: map[uint64]byte{}, next: 0x50000000, in: bytes.NewReader(nil)}
	if p.s, err = rewrite.NewSpace(w, p, append(options, rewrite.Verified())...); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		p.s.Close()
		w.Close()
	})
	return p
}

// load maps a static program and makes its first thread.
func (p *program) load(t testing.TB, file string, args ...string) cpu.Thread {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	base := uint64(0)
	if f.Type == elf.ET_DYN {
		base = 0x10000000
	}
	var phdr uint64
	for _, h := range f.Progs {
		if h.Type != elf.PT_LOAD {
			continue
		}
		prot := byte(0)
		for i, flag := range []elf.ProgFlag{elf.PF_R, elf.PF_W, elf.PF_X} {
			if h.Flags&flag != 0 {
				prot |= 1 << i
			}
		}
		p.mapPages(t, base+h.Vaddr, h.Memsz, prot)
		b := make([]byte, h.Filesz)
		h.ReadAt(b, 0)
		p.w.Write(base+h.Vaddr, b)
		p.brk = max(p.brk, memory.PageUp(base+h.Vaddr+h.Memsz))
		if h.Off == 0 {
			phdr = base + h.Vaddr + 64
		}
	}
	const top, size = 0x7fff0000, 1 << 20
	p.mapPages(t, top-size, size, 3)
	sp := uint64(top - 4096)
	put := func(s string) uint64 {
		sp -= uint64(len(s) + 1)
		p.w.Write(sp, append([]byte(s), 0))
		return sp
	}
	random := put("0123456789abcdef")
	var words []uint64
	words = append(words, uint64(len(args)))
	for _, a := range args {
		words = append(words, put(a))
	}
	words = append(words, 0, put("PATH=/bin"), put("TZ=UTC"), 0)
	words = append(words, 3, phdr, 4, 56, 5, uint64(len(f.Progs)), 6, 4096, 9, base+f.Entry, 25, random, 16, 0x178bfbff, 26, 0, 0, 0)
	sp = (sp - uint64(8*len(words))) &^ 15
	b := make([]byte, 0, 8*len(words))
	for _, w := range words {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	p.w.Write(sp, b)
	th, err := p.s.NewThread()
	if err != nil {
		t.Fatal(err)
	}
	th.Regs().RIP, th.Regs().GPR[cpu.RSP] = base+f.Entry, sp
	return th
}

// run runs a thread until it exits.
func (p *program) run(t testing.TB, th cpu.Thread) error {
	r := th.Regs()
	for {
		e := th.Run()
		switch e.Reason {
		case cpu.Syscall:
			if p.syscall(t, r) {
				return nil
			}
		case cpu.Interrupted:
		case cpu.Failed:
			return e.Err
		default:
			return fmt.Errorf("reason %d at %#x address %#x access %d: %x", e.Reason, r.RIP, e.Addr, e.Access, r.GPR)
		}
	}
}

func (p *program) syscall(t testing.TB, r *cpu.Regs) (end bool) {
	a0, a1, a2 := r.GPR[cpu.RDI], r.GPR[cpu.RSI], r.GPR[cpu.RDX]
	ret := int64(-38)
	switch r.GPR[cpu.RAX] {
	default:
		t.Logf("system call %d(%#x, %#x, %#x)", r.GPR[cpu.RAX], a0, a1, a2)
	case 0: // read
		b := make([]byte, min(a2, 1<<20))
		n, _ := p.in.Read(b)
		p.w.Write(a1, b[:n])
		ret = int64(n)
	case 1: // write
		b := make([]byte, min(a2, 1<<20))
		n := p.w.Read(a1, b)
		if a0 == 1 {
			p.out.Write(b[:n])
		} else {
			t.Logf("%s", b[:n])
		}
		ret = int64(n)
	case 20: // writev
		ret = 0
		for i := range a2 {
			var v [16]byte
			p.w.Read(a1+16*i, v[:])
			b := make([]byte, binary.LittleEndian.Uint64(v[8:]))
			p.w.Read(binary.LittleEndian.Uint64(v[:]), b)
			p.out.Write(b)
			ret += int64(len(b))
		}
	case 9: // mmap
		if r.GPR[cpu.R10]&0x20 == 0 { // a file
			ret = -19
			break
		}
		ret = int64(p.next)
		p.mapPages(t, p.next, a1, byte(a2)|3)
		p.next += memory.PageUp(a1) + memory.PageSize
	case 12: // brk
		if a0 > p.brk {
			p.mapPages(t, p.brk, a0-p.brk, 3)
			p.brk = memory.PageUp(a0)
		}
		ret = int64(p.brk)
		if a0 != 0 {
			ret = int64(a0)
		}
	case 10, 11, 13, 14, 218, 273, 334, 102, 104, 107, 108, 105, 106, 3: // mprotect munmap signals tids
		ret = 0
	case 262: // newfstatat of a descriptor: a pipe
		var st [144]byte
		st[25] = 0x11
		p.w.Write(a2, st[:])
		ret = 0
	case 228: // clock_gettime
		now := time.Now()
		p.w.Write(a1, binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(now.Unix())), uint64(now.Nanosecond())))
		ret = 0
	case 72: // fcntl: F_GETFL
		ret = 1
	case 39, 186:
		ret = 1
	case 63: // uname
		var u [390]byte
		copy(u[:], "Linux")
		copy(u[65:], "guest")
		copy(u[130:], "6.1.0")
		copy(u[195:], "#1")
		copy(u[260:], "x86_64")
		p.w.Write(a0, u[:])
		ret = 0
	case 158: // arch_prctl
		if a0 == 0x1002 {
			r.FSBase = a1
			ret = 0
		}
	case 60, 231:
		p.exit = int(int32(a0))
		return true
	case 318: // getrandom
		ret = int64(a1)
	}
	r.GPR[cpu.RAX] = uint64(ret)
	return false
}

// TestBusybox runs Debian's static busybox and compares with the host's run of it.
func TestBusybox(t *testing.T) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("busybox-static is not installed")
	}
	text := strings.Repeat("the quick brown fox jumps over the lazy dog 0123456789\n", 20000)
	for _, c := range []struct{ cmd, in string }{
		{"echo hello", ""},
		{"uname -s", ""},
		{"seq 1 1000", ""},
		{"sha256sum", text},
		{"sha512sum", text},
		{"md5sum", text},
		{"sort", text[:5000]},
		{"wc", text},
		{"tr a-z A-Z", text},
		{"sed s/fox/cat/g", text},
		{"awk {s+=length($0)}END{print(s,s/7,sin(s))}", text},
		{"gzip -c", text},
		{"bzip2 -c", text[:200000]},
		{"od -c", text[:3000]},
		{"expr 12345 * 678 % 91", ""},
		{"printf %s-%d-%08.3f\n x 42 3.14159", ""},
		{"sh -c i=0;while[$i-lt5000];do:;done;echo$i", ""},
		{"false", ""},
		{"printf %s x", ""},
		{"printf %d 42", ""},
		{"printf %f 3.5", ""},
		{"printf a\nb", ""},
	} {
		t.Run(c.cmd, func(t *testing.T) {
			args := append([]string{"busybox"}, strings.Fields(c.cmd)...)
			if strings.HasPrefix(c.cmd, "sh -c") {
				args = []string{"busybox", "sh", "-c", "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); done; echo $i"}
			}
			native := exec.Command(path, args[1:]...)
			native.Env = []string{"PATH=/bin", "TZ=UTC"}
			native.Stdin = strings.NewReader(c.in)
			want, _ := native.Output()
			p := newProgram(t)
			p.in = bytes.NewReader([]byte(c.in))
			th := p.load(t, path, args...)
			defer th.Close()
			if err := p.run(t, th); err != nil {
				t.Fatal(err)
			}
			got := p.out.Bytes()
			if c.cmd == "gzip -c" && len(got) > 8 { // the time
				copy(got[4:8], want[4:8])
			}
			if !bytes.Equal(got, want) || p.exit != native.ProcessState.ExitCode() {
				t.Errorf("got %d bytes, exit %d: %.200q\nwant %d bytes, exit %d: %.200q", len(got), p.exit, got, len(want), native.ProcessState.ExitCode(), want)
			}
		})
	}
}

// shareCode makes the program's code that of its file.
func (p *program) shareCode(t *testing.T, path string) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	e, err := elf.NewFile(f)
	if err != nil {
		t.Fatal(err)
	}
	base := uint64(0)
	if e.Type == elf.ET_DYN {
		base = 0x10000000
	}
	for _, h := range e.Progs {
		if h.Type == elf.PT_LOAD && h.Flags&elf.PF_X != 0 {
			p.image = cpu.Image{Start: base + h.Vaddr, End: base + memory.PageDown(h.Vaddr+h.Filesz), File: f, Offset: int64(h.Off)}
		}
	}
}

// TestBusyboxKept has the code of one run taken over by those after it, as other processes would, with the verifier looking at
// what is taken over.
func TestBusyboxKept(t *testing.T) {
	path, err := exec.LookPath("busybox")
	if err != nil {
		t.Skip("busybox-static is not installed")
	}
	dir := t.TempDir()
	cache := rewrite.NewCache(dir, 1<<30)
	size := func() (n int64) {
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			st, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			n += st.Size()
		}
		return n
	}
	var kept int64
	for i, cmd := range []string{"awk BEGIN{for(i=0;i<999;i++)s+=sin(i);print(s)}", "awk BEGIN{for(i=0;i<999;i++)s+=sin(i);print(s)}", "expr 12345 * 678 % 91", "sh -c :", "awk BEGIN{print(1)}"} {
		args := strings.Fields(cmd)
		native := exec.Command(path, args...)
		native.Env = []string{"PATH=/bin", "TZ=UTC"}
		want, _ := native.Output()
		p := newProgram(t, rewrite.Cached(cache))
		p.shareCode(t, path)
		th := p.load(t, path, append([]string{"busybox"}, args...)...)
		err := p.run(t, th)
		th.Close()
		p.s.Close()
		rewrite.FreeIdle()
		if got := p.out.Bytes(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, %q, not %q", cmd, err, got, want)
		}
		n := size()
		if i == 0 && n == 0 || i == 1 && n != kept || n < kept {
			t.Errorf("%s: %d bytes are kept, before it were %d", cmd, n, kept)
		}
		kept = n
	}
}
