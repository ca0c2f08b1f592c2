package loader_test

import (
	"encoding/binary"
	"testing"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/cpu"
	"github.com/sbxrun/sbx/cpu/memory"
	"github.com/sbxrun/sbx/cpu/rewrite"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/kernel/loader"
	"github.com/sbxrun/sbx/kernel/mm"
	"github.com/sbxrun/sbx/vfs"
)

type machine struct{}

func (machine) NewWindow() (*memory.Window, error) { return memory.New(rewrite.Room) }

func (machine) NewExecutor(w *memory.Window, code cpu.Code) (cpu.Executor, error) {
	return rewrite.NewSpace(w, code)
}

// segment is a program header.
type segment struct {
	typ, flags                       uint32
	off, vaddr, filesz, memsz, align uint64
}

// image makes an ELF file: a header, segments, and some bytes of text.
func image(typ uint16, entry uint64, segs []segment, tail string) []byte {
	le := binary.LittleEndian
	b := []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	b = le.AppendUint16(b, typ)
	b = le.AppendUint16(b, 62)
	b = le.AppendUint32(b, 1)
	b = le.AppendUint64(b, entry)
	b = le.AppendUint64(b, 64)
	b = le.AppendUint64(b, 0)
	b = le.AppendUint32(b, 0)
	for _, v := range []uint16{64, 56, uint16(len(segs)), 64, 0, 0} {
		b = le.AppendUint16(b, v)
	}
	for _, s := range segs {
		b = le.AppendUint32(b, s.typ)
		b = le.AppendUint32(b, s.flags)
		for _, v := range []uint64{s.off, s.vaddr, s.vaddr, s.filesz, s.memsz, s.align} {
			b = le.AppendUint64(b, v)
		}
	}
	return append(b, tail...)
}

const load, interp, stack = 1, 3, 0x6474e551

var hostile = []struct {
	name string
	file []byte
	want error // nil: it loads
}{
	{"good", image(2, 0x400000, []segment{{load, 5, 0, 0x400000, 120, 120, 4096}}, ""), nil},
	{"good, anywhere", image(3, 0, []segment{{load, 5, 0, 0, 120, 120, 4096}, {load, 6, 0, 0x2000, 100, 0x5000, 4096}}, ""), nil},
	{"nothing behind the magic", []byte("\x7fELF"), linux.ENOEXEC},
	{"half a header", image(2, 0, nil, "")[:40], linux.ENOEXEC},
	{"no segments", image(2, 0x400000, nil, ""), linux.ENOEXEC},
	{"headers cut off", image(2, 0x400000, []segment{{load, 5, 0, 0x400000, 120, 120, 4096}}, "")[:100], linux.ENOEXEC},
	{"nothing to load", image(2, 0x400000, []segment{{stack, 6, 0, 0, 0, 0, 16}}, ""), linux.ENOEXEC},
	{"more in the file than in memory", image(2, 0x400000, []segment{{load, 5, 0, 0x400000, 120, 20, 4096}}, ""), linux.ENOEXEC},
	{"off and address do not fit", image(2, 0x400000, []segment{{load, 5, 7, 0x400000, 100, 100, 4096}}, ""), linux.ENOEXEC},
	{"huge", image(2, 0x400000, []segment{{load, 5, 0, 0x400000, 120, 1 << 40, 4096}}, ""), linux.ENOEXEC},
	{"sizes that wrap around", image(2, 0x400000, []segment{{load, 5, 0, 1<<64 - 4096, 120, 8192, 4096}}, ""), linux.ENOEXEC},
	{"memory that wraps around", image(2, 0x400000, []segment{{load, 5, 0, 0x400000, 120, 1<<64 - 1, 4096}}, ""), linux.ENOEXEC},
	{"over each other", image(2, 0x400000, []segment{{load, 5, 0, 0x400000, 200, 0x3000, 4096}, {load, 6, 0, 0x401000, 200, 0x4000, 4096}}, ""), nil},
	{"at the stack", image(2, 0xfffe0000, []segment{{load, 7, 0, 0xfffe0000, 120, 0x2000, 4096}}, ""), nil},
	{"at zero", image(2, 0, []segment{{load, 7, 0, 0, 120, 0x2000, 4096}}, ""), linux.EPERM},
	{"an interpreter that is missing", image(2, 0x400000, []segment{{interp, 4, 176, 0, 9, 9, 1}, {load, 5, 0, 0x400000, 176, 176, 4096}}, "/missing\x00"), linux.ENOENT},
	{"an interpreter without an end", image(2, 0x400000, []segment{{interp, 4, 176, 0, 9, 9, 1}, {load, 5, 0, 0x400000, 176, 176, 4096}}, "/missingX"), linux.ENOEXEC},
	{"an interpreter's name behind the end", image(2, 0x400000, []segment{{interp, 4, 1 << 50, 0, 9, 9, 1}, {load, 5, 0, 0x400000, 176, 176, 4096}}, ""), linux.ENOEXEC},
	{"an interpreter's name at no place", image(2, 0x400000, []segment{{interp, 4, 1 << 63, 0, 9, 9, 1}, {load, 5, 0, 0x400000, 176, 176, 4096}}, ""), linux.ENOEXEC},
	{"itself as interpreter", image(3, 0, []segment{{interp, 4, 176, 0, 9, 9, 1}, {load, 5, 0, 0, 176, 176, 4096}}, "/program\x00"), nil},
	{"a text as interpreter", image(3, 0, []segment{{interp, 4, 176, 0, 6, 6, 1}, {load, 5, 0, 0, 176, 176, 4096}}, "/text\x00"), linux.ELIBBAD},
	{"a directory as interpreter", image(3, 0, []segment{{interp, 4, 176, 0, 2, 2, 1}, {load, 5, 0, 0, 176, 176, 4096}}, "/\x00"), linux.EACCES},
}

// try loads a file in a kernel of its own and returns what came of it.
func try(tb testing.TB, file []byte) (err error) {
	tb.Helper()
	fs := vfs.New(nil, nil, vfs.Options{Type: "tmpfs"})
	defer fs.Close()
	k, e := kernel.New(kernel.Config{Root: fs, NoProc: true, NoDev: true, NoSys: true})
	if e != nil {
		tb.Fatal(e)
	}
	defer func() {
		if err := k.Close(); err != nil {
			tb.Error(err) // a panic
		}
	}()
	ns := k.Namespace()
	w := &vfs.Walker{NS: ns, Root: ns.RootLoc(), Cwd: ns.RootLoc(), Cred: vfs.RootCred()}
	for name, text := range map[string][]byte{"/program": file, "/text": []byte("hello, this is no program but a text of more than sixty-four bytes.\n")} {
		_, h, e := w.Open(vfs.Loc{}, name, linux.O_CREAT|linux.O_WRONLY, 0o755)
		if e != nil {
			tb.Fatal(e)
		}
		if _, e := h.WriteAt(text, 0); e != nil {
			tb.Fatal(e)
		}
		h.Close()
	}
	own, held := int64(0), int64(0)
	p, e := k.Start(kernel.Exec{Argv: []string{"init"}, Cred: kernel.RootCredentials(), Program: kernel.ProgramFunc(func(t *kernel.Task) int {
		f, e := t.OpenExec("/program")
		if e != nil {
			err = e
			return 1
		}
		defer f.Close()
		s, e := mm.New(machine{}, account{&own, &held})
		if e != nil {
			err = e
			return 1
		}
		defer s.Unref()
		_, err = loader.Load(s, t, f, "/program", []string{"program", "arg"}, []string{"A=b"})
		return 0
	})})
	if e != nil {
		tb.Fatal(e)
	}
	<-p.Done()
	if own != 0 || held != 0 {
		tb.Errorf("not given back: %d %d", own, held)
	}
	return err
}

// account counts, and allows 1 GiB.
type account struct{ own, held *int64 }

func (a account) Charge(n int64) error {
	if *a.own+n > 1<<30 {
		return linux.ENOMEM
	}
	*a.own += n
	return nil
}

func (a account) Hold(n int64) error  { *a.held += n; return nil }
func (a account) PID() int            { return 0 }
func (a account) Limited() bool       { return false }
func (a account) Reserve(int64) error { return nil }
func (a account) OutOfMemory() bool   { return false }

func TestHostileFiles(t *testing.T) {
	if w, err := (machine{}).NewWindow(); err != nil {
		t.Skip(err)
	} else {
		w.Close()
	}
	for _, c := range hostile {
		if err := try(t, c.file); err != c.want && !(err != nil && c.want != nil && linux.ErrnoOf(err) == linux.ErrnoOf(c.want)) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, c := range hostile {
		f.Add(c.file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) < 1<<16 {
			_ = try(t, file)
		}
	})
}
