package wasi_test

import (
	"context"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/vfs"
	"github.com/sbxrun/sbx/wasi"
)

// strict is an engine that remembers panics of host functions.
type strict struct {
	mu  sync.Mutex
	err error
}

func (s *strict) report(err error) {
	s.mu.Lock()
	s.err = err
	s.mu.Unlock()
}

// runBytes runs a module in a kernel of its own, for a second at most.
func runBytes(t *testing.T, code []byte) {
	s := &strict{}
	e := wasi.New(wasi.Config{Interpret: true, Report: s.report, MaxMemory: 16 << 20})
	defer e.Close()
	fs := vfs.New(nil, nil, vfs.Options{Type: "tmpfs", MaxBytes: 32 << 20})
	defer fs.Close()
	writeFile(rootWalker(fs), "/m", code, 0o755)
	k, err := kernel.New(kernel.Config{Root: fs, Loaders: []kernel.Loader{e}, Limits: kernel.Limits{Memory: 64 << 20, Tasks: 16}})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	p, err := k.Start(kernel.Exec{Path: "/m", Argv: []string{"/m"}, Cred: kernel.RootCredentials(), Files: []*kernel.File{k.DevNull(), k.DevNull(), k.DevNull()}})
	if err != nil {
		return // not a module: that is an answer
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if _, err := p.Wait(ctx); err != nil {
		p.Signal(linux.SIGKILL)
		select {
		case <-p.Done():
		case <-time.After(20 * time.Second):
			t.Fatal("SIGKILL did not end it")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		t.Fatal(s.err)
	}
}

// FuzzModule runs any bytes after the header of a module.
func FuzzModule(f *testing.F) {
	for _, a := range []assembly{{}, {code: []byte{0}}, {code: spin}, grow(3)} {
		f.Add(a.build()[8:])
	}
	f.Add([]byte{1, 255, 255, 255, 255, 15})
	f.Fuzz(func(t *testing.T, b []byte) {
		runBytes(t, append([]byte("\x00asm\x01\x00\x00\x00"), b...))
	})
}

// FuzzHost calls a host function with any arguments over memory of any content.
func FuzzHost(f *testing.F) {
	funcs := wasi.HostFunctions()
	for i := range funcs {
		f.Add(uint8(i), []byte{0, 0, 0, 0, 3, 0, 0, 0}, int64(3))
		f.Add(uint8(i), []byte("\xf0\xff\x00\x00\xff\xff\xff\xff\x10\x00\x00\x00"), int64(-1))
	}
	f.Fuzz(func(t *testing.T, which uint8, mem []byte, fill int64) {
		fn := funcs[int(which)%len(funcs)]
		imp := importFunc{fn.Module, fn.Name, fn.Params}
		args := make([]uint64, len(fn.Params))
		for i := range args {
			args[i] = uint64(fill)
			if len(mem) >= 8 {
				args[i] = binary.LittleEndian.Uint64(mem)
				mem = mem[1:]
			}
		}
		var code []byte
		for i := 0; i+4 <= len(mem) && i < 256; i += 4 { // i32.store
			code = concat(code, i32(int32(i)), i32(int32(binary.LittleEndian.Uint32(mem[i:]))), []byte{0x36, 2, 0})
		}
		a := assembly{imports: []importFunc{imp}, code: concat(code, call(0, imp, args), call(0, imp, args))}
		runBytes(t, a.build())
	})
}
