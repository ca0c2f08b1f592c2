package shell

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sbxrun/sbx/kernel"
	"github.com/sbxrun/sbx/shell/match"
)

// FuzzScript runs any source: no panic, and it ends when it is killed.
func FuzzScript(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.sh")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, chunk := range strings.Split("\n"+string(b), "\n#### ")[1:] {
			if _, body, ok := strings.Cut(chunk, "\n"); ok && !strings.Contains(body, "sleep") && len(body) < 400 {
				f.Add(body, strings.Contains(chunk, "[bash]"))
			}
		}
	}
	f.Fuzz(func(t *testing.T, script string, bash bool) {
		name := "sh"
		if bash {
			name = "bash"
		}
		w := newWorld(t)
		w.file("/tmp/w/f", script, 0o644)
		in, out := w.k.HostReader(strings.NewReader("a b\nc\n")), w.k.HostWriter(&syncBuffer{})
		p, err := w.k.Start(kernel.Exec{Argv: []string{name, "/tmp/w/f"}, Env: testEnv, Cwd: "/tmp/w",
			Cred: kernel.RootCredentials(), Files: []*kernel.File{in, out, out}})
		if err != nil {
			t.Fatal(err)
		}
		in.Close()
		out.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		_, _ = p.Wait(ctx)
		cancel()
		done := make(chan struct{})
		go func() { w.k.Close(); close(done) }()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Fatalf("does not end: %q", script)
		}
	})
}

// FuzzArith checks that expressions neither panic nor hang.
func FuzzArith(f *testing.F) {
	for _, s := range []string{"1+2*3", "a[1]++", "((1)", "x?y:z", "16#ff", "1/0", "-9223372036854775808/-1", "2**63", "x=y=3", "1<<-1"} {
		f.Add(s)
	}
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, s string) {
		done := make(chan struct{})
		p, err := w.k.Start(kernel.Exec{Argv: []string{"init"}, Env: testEnv, Cred: kernel.RootCredentials(), Program: kernel.ProgramFunc(func(task *kernel.Task) int {
			defer close(done)
			sh := newShell(task, true)
			_, _ = sh.arithString(s)
			_ = posixRegex(s)
			_, _ = unescape(s, escEcho)
			return 0
		})})
		if err != nil {
			w = newWorld(t)
			return
		}
		<-done
		_, _ = p.Wait(context.Background())
	})
}

// FuzzMatch checks patterns against their own quoting.
func FuzzMatch(f *testing.F) {
	for _, p := range []string{"a*b?[c-d]", "*(a|b)!(c)", "[!]a]", "[[:alpha:]]", "\\*", "@(x"} {
		f.Add(p, "abc")
	}
	f.Fuzz(func(t *testing.T, pat, s string) {
		if len(pat) > 40 || len(s) > 100 {
			return
		}
		m := match.Compile(pat, match.Extended|match.UTF8)
		m.Match(s)
		for _, longest := range []bool{true, false} {
			if n := m.Prefix(s, longest); n > len(s) {
				t.Fatalf("prefix %d of %q", n, s)
			}
			if n := m.Suffix(s, longest); n > len(s) {
				t.Fatalf("suffix %d of %q", n, s)
			}
		}
		m.Replace(s, true, strings.ToUpper)
		if !match.Compile(match.Quote(s), match.Extended|match.UTF8).Match(s) {
			t.Fatalf("quoted %q does not match itself", s)
		}
	})
}
