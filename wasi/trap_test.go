package wasi_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/abi/linux"
	"github.com/sbxrun/sbx/kernel"
)

var spin = []byte{0x03, 0x40, 0x0c, 0, 0x0b} // loop br 0 end

func TestTraps(t *testing.T) {
	for _, c := range []struct {
		name string
		a    assembly
		want linux.Signal
	}{
		{"unreachable", assembly{code: []byte{0x00}}, linux.SIGABRT},
		{"out of bounds", assembly{code: concat(i32(-4), []byte{0x28, 2, 0, 0x1a})}, linux.SIGSEGV},
		{"stack overflow", assembly{code: []byte{0x10, 0}}, linux.SIGSEGV},
		{"divide by zero", assembly{code: concat(i32(1), i32(0), []byte{0x6d, 0x1a})}, linux.SIGFPE},
	} {
		w := newWorld(t)
		w.write("/m", c.a.build(), 0o755)
		r := w.run(run{argv: []string{"/m"}})
		if !r.status.Signaled() || r.status.TermSignal() != c.want {
			t.Errorf("%s: %v, want %v", c.name, r, c.want)
		}
	}
}

func TestModulesThatCannotRun(t *testing.T) {
	for _, c := range []struct {
		name, stderr string
		a            assembly
	}{
		{"unknown module", "env", assembly{imports: []importFunc{{"env", "f", "i"}}}},
		{"unknown function", "fly", assembly{imports: []importFunc{{"wasi_snapshot_preview1", "fly", "i"}}}},
		{"wrong type", "fd_close", assembly{imports: []importFunc{{"wasi_snapshot_preview1", "fd_close", "ii"}}}},
		{"library", "no _start", assembly{noStart: true}},
	} {
		w := newWorld(t)
		w.write("/m", c.a.build(), 0o755)
		if r := w.run(run{argv: []string{"/m"}}); r.status.ExitCode() != 126 || !strings.Contains(r.err, c.stderr) {
			t.Errorf("%s: %v", c.name, r)
		}
	}
	w := newWorld(t)
	w.write("/m", []byte("\x00asm\x01\x00\x00\x00\xff\xff"), 0o755)
	_, err := w.k.Start(kernel.Exec{Argv: []string{"/m"}, Path: "/m", Cred: kernel.RootCredentials()})
	if linux.ErrnoOf(err) != linux.ENOEXEC {
		t.Errorf("damaged module: %v", err)
	}
}

// A loop without a host call must end with its task.
func TestKillBusyLoop(t *testing.T) {
	for _, sig := range []linux.Signal{linux.SIGKILL, linux.SIGTERM} {
		w := newWorld(t)
		w.write("/m", assembly{code: spin}.build(), 0o755)
		var out, errOut bytes.Buffer
		p := w.start(run{argv: []string{"/m"}}, &out, &errOut)
		time.Sleep(20 * time.Millisecond)
		p.Signal(sig)
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		st, err := p.Wait(ctx)
		cancel()
		if err != nil || st.TermSignal() != sig {
			t.Errorf("%v: status %v, %v", sig, st, err)
		}
	}
}

func TestKernelCloseEndsModules(t *testing.T) {
	w := newWorld(t)
	w.write("/m", assembly{code: spin}.build(), 0o755)
	var out, errOut bytes.Buffer
	p := w.start(run{argv: []string{"/m"}}, &out, &errOut)
	w.k.Close()
	select {
	case <-p.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the module outlives its kernel")
	}
}

// grow grows the memory by pages and exits with 7 if that failed.
func grow(pages int32) assembly {
	exit := importFunc{"wasi_snapshot_preview1", "proc_exit", "i"}
	return assembly{imports: []importFunc{exit}, code: concat(
		i32(pages), []byte{0x40, 0}, i32(-1), []byte{0x46, 0x04, 0x40}, i32(7), []byte{0x10, 0, 0x0b})}
}

func TestMemoryLimit(t *testing.T) {
	limited := func(c *kernel.Config) { c.Limits.Memory = 64 << 20 }
	for _, c := range []struct {
		pages int32
		want  int
	}{{100, 0}, {2000, 7}, {65535, 7}, {-1, 7}} {
		w := newWorld(t, limited)
		w.write("/m", grow(c.pages).build(), 0o755)
		if r := w.run(run{argv: []string{"/m"}}); r.status.ExitCode() != c.want || r.status.Signaled() {
			t.Errorf("grow by %d: %v, want %d", c.pages, r, c.want)
		}
		if r := w.run(run{argv: []string{"/bin/true"}}); r.status.ExitCode() != 0 {
			t.Errorf("after growing by %d, true: %v", c.pages, r)
		}
	}
}

func TestSignalsOfTools(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ line, want string }{
		{"env yes | head -n 1; echo ${PIPESTATUS[0]}", "y\n141\n"},
		{"env sleep 100 & kill $!; wait $!; echo $?", "143\n"},
		{"env cat < /dev/zero > /dev/null & sleep 0.05; kill -9 $!; wait $!; echo $?", "137\n"},
		{"env sleep 100 & sleep 0.02; kill -STOP $!; kill -CONT $!; kill $!; wait $!; echo $?", "143\n"},
	} {
		r := w.run(run{argv: []string{"bash", "-c", c.line}, env: nil, cwd: "/tmp", timeout: 20 * time.Second})
		if r.out != c.want {
			t.Errorf("%s: %v, want %q", c.line, r, c.want)
		}
	}
}
