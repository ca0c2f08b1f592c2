// Package loader lays a program of an image out in an address space as execve(2)
// does: the segments of an ELF file and of its interpreter, and the first stack.
package loader

import (
	"encoding/binary"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/kernel/mm"
)

// Magic is what every ELF file begins with.
const Magic = "\x7fELF"

// Values of the ELF headers, elf(5).
const (
	etExec, etDyn            = 2, 3
	emX86_64                 = 62
	ptLoad, ptInterp, ptPhdr = 1, 3, 6
	ptStack                  = 0x6474e551
	pfX, pfW, pfR            = 1, 2, 4

	headerSize = 64
	phdrSize   = 56
	maxPhdrs   = 65536 / phdrSize
)

// Foreign says whose program an ELF file's first bytes announce, for a message; ""
// when it is this machine's, or damaged.
func Foreign(head []byte) string {
	if len(head) < 20 || string(head[:4]) != Magic {
		return ""
	}
	const class32 = 1
	names := map[uint16]string{3: "32-bit x86", 8: "MIPS", 20: "PowerPC", 21: "64-bit PowerPC", 22: "S/390", 40: "32-bit ARM", 183: "64-bit ARM", 243: "RISC-V", 258: "LoongArch"}
	m := binary.LittleEndian.Uint16(head[18:])
	if name := names[m]; name != "" {
		return name
	}
	if m == emX86_64 && head[4] == class32 {
		return "x32"
	}
	return ""
}

// file is what is read of an ELF file's headers.
type file struct {
	f     *kernel.File
	typ   uint16
	entry uint64
	phoff uint64
	progs []prog
}

type prog struct {
	typ, flags                       uint32
	off, vaddr, filesz, memsz, align uint64
}

// parse reads the headers: ENOEXEC for what is no x86-64 program.
func parse(f *kernel.File) (*file, error) {
	var h [headerSize]byte
	if n, err := f.ReadAt(h[:], 0); err != nil || n < len(h) {
		return nil, linux.ENOEXEC
	}
	le := binary.LittleEndian
	const class64, little = 2, 1
	e := &file{f: f, typ: le.Uint16(h[16:]), entry: le.Uint64(h[24:]), phoff: le.Uint64(h[32:])}
	n := int(le.Uint16(h[56:]))
	if string(h[:4]) != Magic || h[4] != class64 || h[5] != little || le.Uint16(h[18:]) != emX86_64 ||
		e.typ != etExec && e.typ != etDyn || le.Uint16(h[54:]) != phdrSize || n == 0 || n > maxPhdrs || e.phoff > 1<<40 {
		return nil, linux.ENOEXEC
	}
	b := make([]byte, n*phdrSize)
	if got, err := f.ReadAt(b, int64(e.phoff)); err != nil || got < len(b) {
		return nil, linux.ENOEXEC
	}
	for ; len(b) > 0; b = b[phdrSize:] {
		e.progs = append(e.progs, prog{
			typ: le.Uint32(b), flags: le.Uint32(b[4:]), off: le.Uint64(b[8:]), vaddr: le.Uint64(b[16:]),
			filesz: le.Uint64(b[32:]), memsz: le.Uint64(b[40:]), align: le.Uint64(b[48:]),
		})
	}
	return e, nil
}

// interp returns the path of the interpreter, or "".
func (e *file) interp() (string, error) {
	for _, p := range e.progs {
		if p.typ != ptInterp {
			continue
		}
		const pathMax = 4096
		if p.filesz < 2 || p.filesz > pathMax {
			return "", linux.ENOEXEC
		}
		b := make([]byte, p.filesz)
		if n, err := e.f.ReadAt(b, int64(p.off)); err != nil || n < len(b) || b[len(b)-1] != 0 {
			return "", linux.ENOEXEC
		}
		return string(b[:len(b)-1]), nil
	}
	return "", nil
}

// span returns the pages that the segments take, from the lowest on.
func (e *file) span() (lo, hi uint64, err error) {
	lo = ^uint64(0)
	for _, p := range e.progs {
		if p.typ != ptLoad {
			continue
		}
		if p.memsz < p.filesz || p.memsz > memory.Size || p.vaddr > memory.Size || p.vaddr+p.memsz > memory.Size ||
			p.off > 1<<40 || p.vaddr%memory.PageSize != p.off%memory.PageSize {
			return 0, 0, linux.ENOEXEC
		}
		lo, hi = min(lo, memory.PageDown(p.vaddr)), max(hi, memory.PageUp(p.vaddr+p.memsz))
	}
	if hi <= lo {
		return 0, 0, linux.ENOEXEC
	}
	return lo, hi, nil
}

// image is where a file was mapped.
type image struct {
	bias, entry, phdr, end uint64
	phnum                  int
	execStack              bool
}

// mapInto maps the segments. bias is added to addresses, or chosen when the file
// may go anywhere and want is not 0.
func (e *file) mapInto(s *mm.Space, t *kernel.Task, want uint64) (im image, err error) {
	lo, hi, err := e.span()
	if err != nil {
		return im, err
	}
	if e.typ == etDyn {
		if want == 0 { // an interpreter: where there is room
			at, err := s.Mmap(0, hi-lo, 0, mm.MapPrivate|mm.MapAnonymous, nil, 0)
			if err != nil {
				return im, err
			}
			want = at
		}
		im.bias = want - lo
	}
	fm, err := e.f.Map(t)
	if err != nil {
		return im, linux.ENOEXEC
	}
	defer fm.Unref()
	backing := &mm.File{Name: fm.Name(), Dev: fm.Dev(), Ino: fm.Ino(), Readable: true, Backing: fm}
	for _, p := range e.progs {
		switch p.typ {
		case ptLoad:
			if err := load(s, backing, p, im.bias); err != nil {
				return im, err
			}
			im.end = max(im.end, im.bias+p.vaddr+p.memsz)
			if e.phoff >= p.off && e.phoff < p.off+p.filesz {
				im.phdr = im.bias + p.vaddr + e.phoff - p.off
			}
		case ptStack:
			im.execStack = p.flags&pfX != 0
		}
	}
	im.entry, im.phnum = im.bias+e.entry, len(e.progs)
	return im, nil
}

// load maps one segment: its pages of the file, and zeros behind them.
func load(s *mm.Space, f *mm.File, p prog, bias uint64) error {
	prot := 0
	for _, b := range []struct {
		flag uint32
		prot int
	}{{pfR, mm.ProtRead}, {pfW, mm.ProtWrite}, {pfX, mm.ProtExec}} {
		if p.flags&b.flag != 0 {
			prot |= b.prot
		}
	}
	start := memory.PageDown(bias + p.vaddr)
	fileEnd := bias + p.vaddr + p.filesz
	if p.filesz > 0 {
		skip := p.vaddr % memory.PageSize
		if _, err := s.Mmap(start, p.filesz+skip, prot, mm.MapPrivate|mm.MapFixed, f, int64(p.off-skip)); err != nil {
			return err
		}
	}
	if p.memsz <= p.filesz {
		return nil
	}
	bss := start
	if p.filesz > 0 {
		bss = memory.PageUp(fileEnd)
		if prot&mm.ProtWrite != 0 && bss > fileEnd {
			if err := s.Zero(fileEnd, bss-fileEnd); err != nil {
				return err
			}
		}
	}
	if end := memory.PageUp(bias + p.vaddr + p.memsz); end > bss {
		_, err := s.Mmap(bss, end-bss, prot, mm.MapPrivate|mm.MapFixed|mm.MapAnonymous, nil, 0)
		return err
	}
	return nil
}
